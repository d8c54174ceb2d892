"""Contracts: what is offered, signed by both parties over the same bytes, countersigned, in force, and ended.

Promises: terms are read from the signed bytes only; no signature can be left out, borrowed, moved or repeated; states
move as one table says. Leaves to others: who is asking, what the policy says, what is done to the data.
"""

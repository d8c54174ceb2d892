"""Brokering, the top room: a question, the ground it stands on, the narrowest read, the stream.

Owns: the way of one access, from request to recorded end; the plan that discharges what a decision demands; delivery.
Promises: nothing is released before its grant is recorded; no column outside the request and no row outside the caps
leaves; what is masked cannot be filtered or grouped by; a stream that fails never looks complete. Leaves to the rooms
below: whether it is permitted (policy), on what contract (contracts), what a mask is (obligations).
"""

"""The decision point: what may be done, and owing what.

Owns the input document and its published schema, the bundle of rules and its digest, the two engines behind one
protocol (in process, and an OPA server), and the decision as a value. Promises: a decision is a function of (bundle,
input) and the same on both engines, byte for byte; whatever is incomplete, silent, malformed or answered under another
bundle is never a permit. Leaves to others: gathering the facts, merging obligations with the contract's, recording.
"""

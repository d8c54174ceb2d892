"""What parties can agree on: the terms profile `corridor-terms/1`, as frozen values and as ODRL.

Promises: a term, operand, operator, duty or member that is not in the profile is refused by name, never dropped;
formatting and parsing are inverse. Knows nothing of signatures, storage or who the parties are.
"""

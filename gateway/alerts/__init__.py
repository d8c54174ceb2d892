"""Alerts: what an officer asked to be told of, sent as signed webhooks (Standard Webhooks).

They are read off the log, behind it: nothing on the way of an access waits for them, and a process that dies loses
none. Each subscription has its own place in the log, sees what its participant may see there, and is told of each
matter once.
Messages are sent at least once, from whichever process comes first; a receiver knows a repetition by its `webhook-id`.
Leaves to the receiver whether it believes: each message carries a signature of a key that does nothing else.
"""

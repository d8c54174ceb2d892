"""The append-only record: who did what, on what ground, and proof that nothing was taken out of it.

Owned here: the event and its closed list of types, the Merkle tree over the entries (RFC 6962), signed checkpoints
(C2SP), tiles, receipts, exports, and their verification without the gateway. `merkle`, `tiles`, `note`, `checkpoint`,
`event`, `receipt`, `export` and `verify` are pure: bytes in, bytes or a verdict out, no clock, no disk but the file
they are handed.

Promised: an entry is hashed as the bytes it was stored as; every parser refuses what its formatter would not write;
a verifier trusts the key it was given and nothing inside what it verifies.

Left to others: what may be told to whom (access and the faces), who an agent's handle is (participants).
"""

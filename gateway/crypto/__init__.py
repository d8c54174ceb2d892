"""Bytes that are signed, and keys that sign them: canonical JSON, strict parsing, screened keys, exact signatures.

Promises: what is parsed here has one meaning only; a key that anyone could forge for is refused at the door; the
algorithm always comes from the key. Knows nothing of contracts, participants or the web; fetches nothing.
"""

"""Where data lies: sources that are described, checked against a declaration, and read narrowly.

Owns: finding a file beneath the operator's root and nowhere else, its columns and types, its content digest, and a
relation in DuckDB of exactly the columns asked for. Promises (see `connectors.base`): what was checked is what is
read, no column outside the read leaves a source, memory is bounded by a batch, everything is released on exit. Knows
nothing of the gateway; what a read may be, and what is done to it, is decided above.
"""

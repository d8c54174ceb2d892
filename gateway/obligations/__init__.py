"""What a decision can demand of released data, and one way of discharging each.

Owns: the kinds (a closed list, `kind` never reused), how a contract's and a policy's demands are joined (the strictest
wins), and their discharge as DuckDB expressions with bound parameters. Promises: a demand that is not understood is
refused, never passed over; no key and no caller's value is ever part of SQL text; a value that cannot be masked as
demanded is withheld. Leaves to access: in which order, over which read, to whom.
"""

"""Approvals: what ethics committees, authorities and assessors decided, signed by who issues it; and reviews.

Owns: an approval's one form and what makes its signature good, who may issue which kind, withdrawal and term; reviews
of what the policy refers to people, where two of them decide without seeing each other's vote. Promises: an approval is
read from its signed bytes only; one whose issuer, key or term does not hold any more is as none; a withdrawal bites
before it is acknowledged. Leaves to the policy: whether an approval covers a request, and whether it is needed at all.
"""

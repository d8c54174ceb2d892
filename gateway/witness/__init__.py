"""A witness: a service of its own that cosigns a log's checkpoints, and only ever a longer log (C2SP tlog-witness).

Owned here: what a witness remembers of each log, the judgement of a submission, and the service as a plain ASGI
application. Nothing of a gateway is needed to run one.

Promised: what is cosigned is on disk before anybody sees it; two requests, or two processes, never cosign two trees of
which neither continues the other.

Left to others: starting it (the command line), collecting cosignatures (audit).
"""

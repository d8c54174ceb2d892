"""What can be wrong with a proof, a checkpoint, a receipt or an entry."""

from __future__ import annotations

from gateway.problems import Malformed, Problem, TooLarge, Unavailable


class ProofInvalid(Problem):
    """The hashes do not lead from what is claimed to the root that was signed."""

    slug, status, title = "proof-invalid", 422, "The proof does not lead to the signed root"


class NoteMalformed(Malformed):
    """A signed note, key or checkpoint that is not written exactly as the format demands."""

    slug, title = "note-malformed", "The signed note is malformed"


class SignatureUnverified(Problem):
    """No signature of the key asked for covers these bytes."""

    slug, status, title = "log-signature-invalid", 422, "The log's signature does not cover this"


class TileMalformed(Malformed):
    """A tile, an entry bundle or a tile path that cannot be one."""

    slug, title = "tile-malformed", "The tile or entry bundle is malformed"


class ReceiptMalformed(Malformed):
    """A receipt or proof file that is not written exactly as the format demands."""

    slug, title = "receipt-malformed", "The receipt is malformed"


class EntryTooLarge(TooLarge):
    """An entry bundle counts an entry's bytes in 16 bits (C2SP tlog-tiles)."""

    slug, title = "entry-too-large", "The audit entry is over 65,535 bytes"


class LogDamaged(Problem):
    """What the log holds does not lead to the checkpoint it signed. Nothing made from it is given out."""

    slug, status, title = "log-damaged", 500, "The audit log does not match its own checkpoint"


class LogUnavailable(Unavailable):
    """The log cannot be written or read now. Without an entry nothing is done and nothing leaves."""

    slug, title = "log-unavailable", "The audit log is not available"


class ExportMalformed(Malformed):
    """A file that is not an export, or whose first line cannot be read as one's header."""

    slug, title = "export-malformed", "This is not an export of an audit log"


class LogSetBack(Problem):
    """The database holds an older log, or one with another past, than somebody outside it has seen."""

    slug, status, title = "log-set-back", 500, "The audit log is not the one that was signed before"


class PolicyFileMalformed(Malformed):
    """A file of witnesses that does not say exactly who they are and how many are needed."""

    slug, title = "witness-policy-malformed", "The file of witnesses cannot be used"


class WitnessesMissing(Problem):
    """Fewer witnesses than are demanded have cosigned a checkpoint."""

    slug, status, title = "witnesses-missing", 422, "Too few witnesses have seen this checkpoint"


class WitnessesBehind(Unavailable):
    """The witnesses have not cosigned for longer than the operator lets access go on without them."""

    slug, title = "witnesses-behind", "The audit log's witnesses have not cosigned for too long"

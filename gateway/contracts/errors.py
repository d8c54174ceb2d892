"""Why a contract, a draft or a signature is refused. Parties are told; towards strangers the face stays silent."""

from __future__ import annotations

from gateway.problems import Problem


class ContractRefused(Problem):
    """Something about a contract does not hold; each check has a subclass of its own."""

    slug, status, title = "contract-refused", 422, "The contract is not accepted"


class ContractTooLarge(ContractRefused):
    slug, status, title = "contract-too-large", 413, "The contract is too large"


class EnvelopeMalformed(ContractRefused):
    slug, title = "contract-envelope-malformed", "The contract's envelope is malformed"


class PayloadMalformed(ContractRefused):
    slug, title = "contract-payload-malformed", "The contract's payload is malformed"


class PayloadNotCanonical(ContractRefused):
    slug, title = "contract-payload-not-canonical", "The contract's payload is not in canonical form"


class PolicyDiffers(ContractRefused):
    slug, title = "contract-policy-differs", "The contract's ODRL policy does not repeat the contract"


class WrongGateway(ContractRefused):
    slug, title = "contract-for-another-gateway", "The contract was made for another gateway"


class PartiesRefused(ContractRefused):
    slug, title = "contract-parties-refused", "The contract's parties are not as they must be"


class TimesRefused(ContractRefused):
    slug, title = "contract-times-refused", "The contract's times do not fit together"


class NotYetInForce(ContractRefused):
    slug, status, title = "contract-not-yet-in-force", 403, "The contract is not yet in force"


class Expired(ContractRefused):
    slug, status, title = "contract-expired", 403, "The contract has expired"


class HeaderRefused(ContractRefused):
    slug, title = "signature-header-refused", "A signature's protected header is not as it must be"


class AlgorithmRefused(ContractRefused):
    slug, title = "signature-algorithm-refused", "A signature names another algorithm than its key has"


class KeyNotEnrolled(ContractRefused):
    slug, title = "signature-key-not-enrolled", "A signature names a key that is not enrolled"


class KeyNotUsable(ContractRefused):
    slug, title = "signature-key-not-usable", "A signature's key may not be used for this, or not at this time"


class SignerNotParty(ContractRefused):
    slug, title = "signer-not-party", "Someone signed who is no party to the contract"


class SignedTwice(ContractRefused):
    slug, title = "signed-twice", "A party signed more than once"


class ContractSignatureInvalid(ContractRefused):
    slug, title = "contract-signature-invalid", "A signature does not cover this contract"


class SignatureMissing(ContractRefused):
    slug, title = "signature-missing", "A party's signature is missing"


class CountersignatureRefused(ContractRefused):
    slug, title = "countersignature-refused", "The gateway's countersignature is missing or not over these signatures"


class SignedAlready(ContractRefused):
    slug, status, title = "signed-already", 409, "This party has signed this draft already"


class OfferRefused(ContractRefused):
    """An offer that cannot be made or accepted; `detail` says what to change."""

    slug, title = "offer-refused", "The offer cannot be made or accepted like this"


class TooManyDrafts(ContractRefused):
    """Of an organisation that drafts and does not conclude."""

    slug, status, title = "too-many-drafts", 409, "Too many drafts wait to be concluded"


class StatusListRefused(ContractRefused):
    slug, title = "status-list-refused", "The status list cannot be believed"


class NoLongerStands(ContractRefused):
    slug, title = "contract-no-longer-stands", "The contract does not stand any more"

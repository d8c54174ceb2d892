"""Is this contract genuine? Checked with keys the asker trusts, without the gateway."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gateway.contracts.errors import NoLongerStands, StatusListRefused
from gateway.contracts.status import Status, list_signer, read_list
from gateway.contracts.verify import VerifiedContract, verify_contract
from gateway.crypto.canonical import strict_json
from gateway.crypto.keys import EnrolledKey, screen
from gateway.problems import Malformed

MAX_BYTES = 1024 * 1024


class KeyFileMalformed(Malformed):
    slug, title = "key-file-malformed", "The file does not say whose key is whose"


@dataclass(frozen=True, slots=True)
class KeyFile:
    """Keys by their id, and which gateway's contracts they are for. Whoever holds the file vouches for it."""

    gateway: str
    keys: dict[str, EnrolledKey]

    def lookup(self, kid: str) -> EnrolledKey | None:
        return self.keys.get(kid)

    @classmethod
    def parse(cls, data: bytes) -> KeyFile:
        """From `GET /v1/contracts/{id}/keys`, or written by hand in the same form.

        Raises:
            KeyFileMalformed, KeyRefused.
        """
        value = strict_json(data, max_bytes=MAX_BYTES)
        try:
            keys = [_key(item) for item in value["keys"]]
            return cls(str(value["gateway"]), {key.kid: key for key in keys})
        except (KeyError, TypeError) as error:
            raise KeyFileMalformed("A key file has `gateway` and `keys`, each with kid, did, jwk, purpose.") from error


def check(envelope: bytes, keys: KeyFile, *, now: int) -> VerifiedContract:
    """The contract, if exactly its parties signed these bytes and the gateway countersigned. Its term may be over.

    Raises:
        ContractRefused: which check failed.
    """
    return verify_contract(envelope, keys=keys, gateway=keys.gateway, now=now, check_term=False)


def check_stands(contract: VerifiedContract, status_list: bytes, keys: KeyFile, *, now: int) -> int:
    """When the list was made, seconds UTC, by which the contract stands.

    Raises:
        NoLongerStands: it was revoked or suspended by then.
        StatusListRefused: the list cannot be believed.
    """
    signer = keys.lookup(list_signer(status_list))
    # Another key than countersigned the contract may sign by now; whose it is and that it still counts is what matters.
    usable = signer is not None and signer.unusable(now) is None
    if signer is None or not usable or (signer.purpose, signer.did) != ("countersign", contract.gateway):
        raise StatusListRefused(
            "The list is signed by no key that your keys name as this gateway's and present. Fetch both again."
        )
    found = read_list(status_list, uri=contract.status_uri, key=signer, now=now)
    if (status := found.at(contract.status_index)) is not Status.VALID:
        raise NoLongerStands(f"It was {status.name.lower()}, as its gateway signs.")
    return found.made_at


def _key(item: Any) -> EnrolledKey:
    purpose = item["purpose"]
    if purpose not in ("contract", "countersign"):
        raise KeyFileMalformed("A key's purpose here is contract or countersign.")
    public = screen(item["jwk"], purpose=purpose)
    state = item.get("state", "active")
    if state not in ("active", "retired", "compromised"):
        raise KeyFileMalformed("A key's state is active, retired or compromised.")
    valid_from, *later = item.get("valid_from", 0), item.get("valid_until"), item.get("compromised_since")
    if type(valid_from) is not int or any(time is not None and type(time) is not int for time in later):
        raise KeyFileMalformed("A key's times are whole seconds, UTC.")
    return EnrolledKey(item["kid"], item["did"], public, purpose, state, valid_from, *later)

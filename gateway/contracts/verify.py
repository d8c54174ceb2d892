"""Is this contract what its parties signed? In the order that trusts the least; every refusal has a name.

Source: shared reference on contract signing, sections 2 and 6. Status (revoked, suspended) is judged where it is
kept, at every use; here is what the bytes alone can tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gateway.contracts.envelope import Draft, Entry, Party, parse_entry, parse_envelope, parse_payload
from gateway.contracts.errors import (
    AlgorithmRefused,
    ContractSignatureInvalid,
    CountersignatureRefused,
    Expired,
    HeaderRefused,
    KeyNotEnrolled,
    KeyNotUsable,
    NotYetInForce,
    SignatureMissing,
    SignedTwice,
    SignerNotParty,
    TimesRefused,
    WrongGateway,
)
from gateway.contracts.sign import COUNTERSIGN_TYPE, PARTY_TYPE, signatures_digest
from gateway.crypto import jws
from gateway.crypto.canonical import b64url_decode, b64url_encode, strict_json
from gateway.crypto.did import enrolled_key
from gateway.crypto.keys import EnrolledKey, KeyRing, Purpose
from gateway.problems import Problem
from gateway.terms.model import Terms

MAX_HEADER = 4096
CLOCK_SKEW_S = 60


@dataclass(frozen=True)
class VerifiedSignature:
    """Who signed, when by their own word (`iat`, seconds UTC), with which key (RFC 7638 thumbprint)."""

    party: str
    kid: str
    alg: str
    iat: int
    thumbprint: str


@dataclass(frozen=True)
class VerifiedContract:
    """A contract whose every signature held; only `verify_contract` makes one.

    `digest` is the hex SHA-256 of `payload`, the contract's identity everywhere. `signatures` are the parties', in
    envelope order; `accepted_at` is when the gateway countersigned, seconds UTC. Term: [nbf, exp).
    """

    payload: bytes
    digest: str
    id: str
    gateway: str
    parties: tuple[Party, ...]
    provider: str
    consumer: str
    target_id: str
    target_digest: str
    terms: Terms
    iat: int
    nbf: int
    exp: int
    status_index: int
    status_uri: str
    supersedes: str | None
    signatures: tuple[VerifiedSignature, ...]
    countersignature: VerifiedSignature

    @property
    def accepted_at(self) -> int:
        return self.countersignature.iat

    def check_term(self, now: int) -> None:
        """Raise NotYetInForce or Expired unless nbf <= now < exp; asked again at every use."""
        if now < self.nbf:
            raise NotYetInForce("the contract's term has not begun")
        if now >= self.exp:
            raise Expired("the contract's term is over; agree on a new one")

    def as_policy_input(self, status: str) -> dict[str, Any]:
        """The member `contract` of the policy's input; `status` is active, suspended, revoked or expired."""
        terms = self.terms
        return {
            "id": self.id,
            "digest": self.digest,
            "status": status,
            "valid_from": self.nbf,
            "valid_to": self.exp,
            "parties": [{"id": party.id, "role": party.role} for party in self.parties],
            "dataset": self.target_id,
            "dataset_version": self.target_digest,
            "purposes": list(terms.purposes),
            "actions": list(terms.actions),
            "delivery_modes": list(terms.delivery_modes),
            "columns": list(terms.columns),
            "processing_locations": list(terms.processing_locations),
            "obligations": terms.obligations(),
            "prohibitions": list(terms.prohibitions),
            "clauses": list(terms.clauses),
            "price": terms.price,
            "signatures": [{"party": s.party, "alg": s.alg, "valid": True} for s in self.signatures],
            "digest_ok": True,
        }


@dataclass(frozen=True)
class _Rule:
    """What an entry of one kind must look like: exact header members, `typ`, the purpose of its key."""

    members: frozenset[str]
    typ: str
    purpose: Purpose


_PARTY = _Rule(frozenset({"alg", "kid", "typ", "iat"}), PARTY_TYPE, "contract")
_GATEWAY = _Rule(_PARTY.members | {"crit", "cs"}, COUNTERSIGN_TYPE, "countersign")


def verify_contract(
    envelope: bytes, *, keys: KeyRing, gateway: str, now: int, check_term: bool = True
) -> VerifiedContract:
    """The contract in these bytes, if exactly its parties signed it and this gateway countersigned.

    `keys` judge each key as it stood when the contract was accepted; one that was compromised by then signs nothing.
    `check_term` False leaves the term out, for showing contracts that are over. Raises a ContractRefused that says
    which check failed, or TermNotUnderstood.
    """
    payload, entries = parse_envelope(envelope)
    draft = parse_payload(payload)
    _check_gateway(draft, gateway)
    if not entries:
        raise SignatureMissing("nobody signed this contract")
    *party_entries, last = entries
    # The gateway's own entry comes first: its time says when the parties' keys had to be good.
    countersigned = _verify_countersignature(draft, last, party_entries, keys, now)
    signatures = [_verify_party(draft, entry, keys, at=countersigned.iat) for entry in party_entries]
    _check_signers(draft, signatures)
    contract = _contract(draft, signatures, countersigned)
    if check_term:
        contract.check_term(now)
    return contract


def verify_party_entry(payload: bytes, entry: Any, *, keys: KeyRing, gateway: str, now: int) -> VerifiedSignature:
    """One arriving signature on a draft: by a party of it, with a key that is active now, over these very bytes."""
    draft = parse_payload(payload)
    _check_gateway(draft, gateway)
    if now >= draft.content.exp:
        raise Expired("the draft's term is over; ask for a new draft")
    signature = _verify_party(draft, parse_entry(entry), keys, at=now)
    # A retired key still stands behind what was accepted in its time, but signs nothing new.
    if _enrolled(signature.kid, keys).state != "active":
        raise KeyNotUsable("the key is retired; sign with the present one")
    return signature


def _check_gateway(draft: Draft, gateway: str) -> None:
    if draft.content.gateway != gateway:
        raise WrongGateway("the contract names another gateway; it cannot be used here")


def _verify_party(draft: Draft, entry: Entry, keys: KeyRing, *, at: int) -> VerifiedSignature:
    signature = _verify_entry(draft, entry, _header(entry), _PARTY, keys, at=at)
    if signature.party not in {party.id for party in draft.content.parties}:
        raise SignerNotParty("a signature comes from someone who is no party to this contract")
    return signature


def _verify_countersignature(
    draft: Draft, entry: Entry, party_entries: Sequence[Entry], keys: KeyRing, now: int
) -> VerifiedSignature:
    header = _header(entry)
    if header.get("typ") != COUNTERSIGN_TYPE:
        raise CountersignatureRefused("the last entry must be the gateway's countersignature")
    at = header.get("iat")
    if not isinstance(at, int) or at > now + CLOCK_SKEW_S:
        raise TimesRefused("the countersignature's `iat` is no time, or lies in the future")
    signature = _verify_entry(draft, entry, header, _GATEWAY, keys, at=at)
    if signature.party != draft.content.gateway:
        raise CountersignatureRefused("the countersignature is not this gateway's")
    if header["crit"] != ["cs"]:
        raise HeaderRefused('`crit` must be exactly ["cs"]')
    if header["cs"] != signatures_digest([party_entry.as_json() for party_entry in party_entries]):
        raise CountersignatureRefused("the party signatures are not those the gateway countersigned")
    return signature


def _verify_entry(
    draft: Draft, entry: Entry, header: dict[str, Any], rule: _Rule, keys: KeyRing, *, at: int
) -> VerifiedSignature:
    _check_header(header, rule)
    key = _enrolled(header["kid"], keys)
    _check_usable(key, rule.purpose, at)
    if header["alg"] != key.public.alg:
        raise AlgorithmRefused("`alg` must be the algorithm the key is enrolled with")
    _check_signed_at(header["iat"], draft, at)
    _check_signature(draft, entry, key)
    return VerifiedSignature(key.did, key.kid, key.public.alg, header["iat"], key.public.thumbprint)


def _header(entry: Entry) -> dict[str, Any]:
    try:
        header = strict_json(
            b64url_decode(entry.protected, "`protected`"), max_bytes=MAX_HEADER, max_depth=4, plain_text=True
        )
    except Problem as error:
        raise HeaderRefused(error.detail) from error
    if not isinstance(header, dict):
        raise HeaderRefused("a protected header is a JSON object")
    return header


def _check_header(header: dict[str, Any], rule: _Rule) -> None:
    if header.keys() != rule.members:
        odd = sorted(header.keys() ^ rule.members)[0][:64]
        raise HeaderRefused(f"the header must hold exactly {', '.join(sorted(rule.members))}; look at {odd!r}")
    if header["typ"] != rule.typ:
        raise HeaderRefused(f"`typ` must be {rule.typ!r}")
    if not all(isinstance(header[name], str) for name in ("alg", "kid")) or type(header["iat"]) is not int:
        raise HeaderRefused("`alg` and `kid` must be text, `iat` whole seconds")


def _enrolled(kid: str, keys: KeyRing) -> EnrolledKey:
    try:
        key = enrolled_key(kid, keys)
    except Problem as error:
        raise HeaderRefused(error.detail) from error
    if key is None:
        raise KeyNotEnrolled("no key is enrolled under this `kid`")
    return key


def _check_usable(key: EnrolledKey, purpose: Purpose, at: int) -> None:
    if key.purpose != purpose:
        raise KeyNotUsable("the key is enrolled for another purpose")
    if (why := key.unusable(at)) is not None:
        raise KeyNotUsable(why)


def _check_signed_at(iat: int, draft: Draft, at: int) -> None:
    if not draft.content.iat - CLOCK_SKEW_S <= iat <= at + CLOCK_SKEW_S:
        raise TimesRefused("a signature's `iat` lies before the draft or after its acceptance")
    if iat >= draft.content.exp:
        raise TimesRefused("a signature was made after the contract's end")


def _check_signature(draft: Draft, entry: Entry, key: EnrolledKey) -> None:
    try:
        jws.verify(key.public, entry.protected, b64url_encode(draft.payload), entry.signature)
    except Problem as error:
        raise ContractSignatureInvalid("a signature does not cover this contract under its enrolled key") from error


def _check_signers(draft: Draft, signatures: Sequence[VerifiedSignature]) -> None:
    signers = [signature.party for signature in signatures]
    if len(set(signers)) != len(signers):
        raise SignedTwice("a party signed more than once; one signature counts per party")
    # Equality, not inclusion: an empty set of signers is no subset to be content with.
    if set(signers) != {party.id for party in draft.content.parties}:
        raise SignatureMissing("not every party of the contract signed it")


def _contract(
    draft: Draft, signatures: Sequence[VerifiedSignature], countersignature: VerifiedSignature
) -> VerifiedContract:
    content = draft.content
    return VerifiedContract(
        payload=draft.payload,
        digest=draft.digest,
        id=content.id,
        gateway=content.gateway,
        parties=tuple(content.parties),
        provider=content.party("provider"),
        consumer=content.party("consumer"),
        target_id=content.target.id,
        target_digest=content.target.digest,
        terms=draft.terms,
        iat=content.iat,
        nbf=content.nbf,
        exp=content.exp,
        status_index=content.status.status_list.idx,
        status_uri=content.status.status_list.uri,
        supersedes=content.supersedes,
        signatures=tuple(signatures),
        countersignature=countersignature,
    )

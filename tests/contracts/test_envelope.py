"""A draft has one form, and holds what it was made of."""

from __future__ import annotations

import hashlib
import json

import pytest

from gateway.contracts.envelope import MAX_TERM_S, Entry, assemble, parse_envelope, parse_payload
from gateway.contracts.errors import ContractTooLarge, PartiesRefused, PayloadMalformed, TimesRefused
from gateway.crypto.canonical import canonical_json
from tests.vectors.make_contract import FROM, GATEWAY, PHARMA, TO, envelope, party_entries, payload, terms


def test_a_draft_is_canonical_and_known_by_its_digest() -> None:
    signed = payload()
    assert canonical_json(json.loads(signed)) == signed
    assert parse_payload(signed).digest == hashlib.sha256(signed).hexdigest()


def test_a_draft_gives_back_its_terms() -> None:
    assert parse_payload(payload()).terms == terms()


def test_the_term_is_stated_once_in_the_payload_and_once_in_the_policy() -> None:
    content = parse_payload(payload()).content
    assert (content.nbf, content.exp) == (FROM, TO)


def test_two_drafts_of_the_same_terms_differ_in_their_nonce() -> None:
    assert payload(nonce=None) != payload(nonce=None)


def test_a_processor_is_a_party() -> None:
    content = parse_payload(payload(processors=("did:web:labels.example",))).content
    assert [party.role for party in content.parties] == ["provider", "consumer", "processor"]


def test_an_envelope_gives_back_its_parts() -> None:
    signed, entries = parse_envelope(envelope())
    assert signed == payload()
    assert entries[:2] == [Entry(**entry) for entry in party_entries(signed)]
    assert assemble(signed, [entry.as_json() for entry in entries]) == envelope()


def test_a_contract_runs_five_years_at_most() -> None:
    payload(terms(valid_to=FROM + MAX_TERM_S))
    with pytest.raises(TimesRefused):
        payload(terms(valid_to=FROM + MAX_TERM_S + 1))


def test_a_gateway_drafts_no_contract_with_itself() -> None:
    with pytest.raises(PartiesRefused):
        payload(consumer=GATEWAY)


def test_a_provider_has_no_contract_with_itself() -> None:
    with pytest.raises(PartiesRefused):
        payload(provider=PHARMA)


@pytest.mark.parametrize("wrong", ["pharma-b", "did:web:Pharma.example", "did:web:pharma.example#k1", "did:example:x"])
def test_parties_are_dids(wrong: str) -> None:
    with pytest.raises(PayloadMalformed):
        payload(consumer=wrong)


def test_more_columns_than_a_payload_holds_are_refused_by_size() -> None:
    with pytest.raises(ContractTooLarge):
        payload(terms(columns=[f"column {n} {'x' * 100}" for n in range(600)], duties=[]))


def test_a_contract_is_not_drafted_after_its_end() -> None:
    with pytest.raises(TimesRefused):
        payload(iat=TO)


@pytest.mark.parametrize("nonce", [b"", bytes(15), bytes(17)])
def test_a_nonce_has_sixteen_bytes(nonce: bytes) -> None:
    with pytest.raises(PayloadMalformed):
        payload(nonce=nonce)

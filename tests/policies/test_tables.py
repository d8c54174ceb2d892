"""The tables that policies read: each says where it is from and how sure that is."""

from __future__ import annotations

import json

import pytest

from gateway.policy.document import schema
from tests.policy.engines import POLICIES, bundle, whole_bundle

TABLES = sorted(POLICIES.rglob("data.json"))


@pytest.mark.parametrize("path", TABLES, ids=[path.relative_to(POLICIES).as_posix() for path in TABLES])
def test_a_table_names_its_source_and_confidence(path):
    table = json.loads(path.read_bytes())["table"]
    assert table["source"]
    assert table["confidence"][0] in "ABCD-"


def test_purposes_are_those_of_the_schema():
    table = bundle().data["access"]["rules"]["purpose_prohibited"]["table"]
    assert [*table["open"], *table["prohibited"]] == schema()["$defs"]["purpose_id"]["enum"]
    assert not set(table["open"]) & set(table["prohibited"])


def test_every_ancestor_has_a_label_and_nothing_is_its_own_ancestor():
    table = bundle().data["lib"]["mondo"]["table"]
    for term, ancestors in table["ancestors"].items():
        assert {term, *ancestors} <= set(table["labels"])
        assert term not in ancestors
        # The whole way up is in each row: the rule looks one step only.
        for ancestor in ancestors:
            assert set(table["ancestors"].get(ancestor, [])) <= set(ancestors)


def test_every_data_use_code_says_what_it_wants():
    codes = bundle().data["access"]["rules"]["duo_permission"]["table"]["codes"]
    permissions = {row["short"] for row in codes.values() if row["permission"]}
    assert permissions == {"NRES", "GRU", "HMB", "DS", "POA"}
    assert codes["DUO:00000044"] == codes["DUO:0000044"]


def test_caps_do_not_rise_with_the_level():
    schemes = bundle().data["lib"]["classification"]["table"]["schemes"]
    for rows in schemes.values():
        assert rows[0] is None
        caps = [max(row["caps"].values()) for row in rows[1:]]
        assert caps == sorted(caps, reverse=True)


def test_every_purpose_has_its_letters_or_none_or_is_in_doubt():
    table = whole_bundle().data["access"]["rules"]["ehds_purpose"]["table"]
    open_to_all = bundle().data["access"]["rules"]["purpose_prohibited"]["table"]["open"]
    assert list(table["letters"]) == open_to_all
    assert not set(table["open_letters"]) & set(table["public_letters"])
    known = {*table["open_letters"], *table["public_letters"]}
    assert all(set(letters) <= known for letters in table["letters"].values())
    assert all(not table["letters"][purpose] for purpose in table["doubtful"])


def test_words_that_lead_out_of_a_law_are_words_of_the_schema():
    """A misspelt word in a list would open nothing, and nobody would notice."""
    data = whole_bundle().data
    kinds = set(schema()["properties"]["dataset"]["properties"]["identifiability"]["enum"])
    modes = set(schema()["$defs"]["mode"]["enum"])
    for table in (data["lib"]["personal"]["table"], data["lib"]["europe"]["table"]):
        assert set(table["not_personal"]) < kinds
    assert set(data["lib"]["europe"]["table"]["pseudonymised"]) < kinds
    rules = data["access"]["rules"]
    assert set(rules["least_data"]["table"]["not_identified"]) == kinds - {"identified"}
    assert set(rules["withdrawals_applied"]["table"]["unlimited_modes"]) < modes
    assert set(rules["recipient_system_protected"]["table"]["not_held_modes"]) == modes - {"M4", "M5"}
    states = data["lib"]["europe"]["table"]["states"]
    assert len(states) == len(set(states)) == 27 + 3

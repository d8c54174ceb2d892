"""What is listed of the rules is what they say, and a pack that is off decides nothing."""

from __future__ import annotations

import json
import shutil

import pytest

from gateway.policy.bundle import load_bundle
from gateway.policy.errors import BundleInvalid
from tests.policy.documents import changed
from tests.policy.engines import POLICIES, bundle, decided

PACKS = json.loads((POLICIES / "lib/packs/data.json").read_bytes())["table"]["packs"]
REQUIRED = {name for name, about in PACKS.items() if about["required"]}
FOREIGN = 'package access.rules\n\nverdict["foreign_control"] := "ok" if input.participant.foreign_control == false\n'


@pytest.fixture
def folder(tmp_path):
    """A copy of the policies with a rule more, in a pack that is not required."""
    made = shutil.copytree(POLICIES, tmp_path / "policies")
    rule = made / "access/rules/foreign_control"
    rule.mkdir()
    (rule / "foreign_control.rego").write_text("# Foreign control asks a person.\n" + FOREIGN)
    finding = {"code": "OURS-01", "effect": "refer", "text": "A.", "facts": [], "source": "Ours", "remedy": "B."}
    write(rule, pack="eu", findings={"controlled": finding})
    return made


def write(rule, **table):
    (rule / "data.json").write_text(json.dumps({"table": {"source": "Ours", "confidence": "-", **table}}))


def test_every_rule_says_what_it_is_and_what_it_can_find():
    for rule in load_bundle(POLICIES, frozenset(PACKS)).catalogue:
        assert rule.title.endswith("."), rule.name
        assert rule.findings, rule.name
        assert rule.confidence[0] in "ABCD-", rule.name


def test_a_reason_is_what_the_catalogue_says():
    (reason,) = decided(changed({"dataset.core_data": True})).reasons
    (rule,) = [rule for rule in bundle().catalogue if rule.name == reason.rule]
    found = rule.findings["core"]
    shown = (reason.code, reason.effect, reason.text, reason.source, reason.remedy)
    assert shown == (found.code, found.effect, found.text, found.source, found.remedy)
    assert tuple(reason.facts) == found.facts


def test_required_packs_are_always_on():
    assert set(bundle().packs) == REQUIRED
    assert all(rule.active == (rule.pack in REQUIRED) for rule in bundle().catalogue)


def test_a_pack_that_is_off_decides_nothing_and_is_listed(folder):
    off, on = load_bundle(folder), load_bundle(folder, frozenset({"eu"}))
    assert "foreign_control" not in off.rules
    assert "foreign_control" in on.rules
    assert off.digest != on.digest
    assert not any("foreign_control" in path for path in off.modules)
    assert {rule.name: rule.active for rule in off.catalogue}["foreign_control"] is False


def test_a_pack_nobody_knows_is_refused(folder):
    with pytest.raises(BundleInvalid, match="moon"):
        load_bundle(folder, frozenset({"moon"}))
    write(folder / "access/rules/foreign_control", pack="moon")
    with pytest.raises(BundleInvalid, match="moon"):
        load_bundle(folder)


@pytest.mark.parametrize(
    "finding",
    [{"effect": "permit"}, {"effect": "deny", "code": "x"}, {"effect": "deny", "moon": 1}, {"text": "A."}, 3],
)
def test_a_finding_that_is_none_is_refused(folder, finding):
    write(folder / "access/rules/foreign_control", findings={"controlled": finding})
    with pytest.raises(BundleInvalid, match="findings"):
        load_bundle(folder)


def test_a_bundle_without_packs_is_refused(folder):
    (folder / "lib/packs/data.json").unlink()
    with pytest.raises(BundleInvalid, match="packs"):
        load_bundle(folder)

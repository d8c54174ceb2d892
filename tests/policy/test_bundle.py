"""Which folder may be a bundle, and that a bundle with a hole refuses."""

from __future__ import annotations

import asyncio
import json
import shutil

import pytest

from gateway.policy.archive import contents, written
from gateway.policy.bundle import FLOOR, MAX_FILE_BYTES, OBLIGATION_FLOOR, load_bundle
from gateway.policy.decide import decide
from gateway.policy.embedded import EmbeddedEngine
from gateway.policy.errors import BundleInvalid, PolicyUnavailable
from tests.policy.documents import changed, document
from tests.policy.engines import POLICIES, bundle, whole_bundle


@pytest.fixture
def folder(tmp_path):
    """A copy of the policies that a test may break."""
    return shutil.copytree(POLICIES, tmp_path / "policies")


def decision_of(folder, asked=None):
    loaded = load_bundle(folder)
    return asyncio.run(decide(EmbeddedEngine(loaded), loaded.digest, asked or document()))


def rewrite(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_the_repositorys_bundle_names_its_rules():
    assert set(bundle().rules) == FLOOR
    assert set(bundle().obligations) == OBLIGATION_FLOOR
    assert bundle().data["bundle"] == {
        "digest": bundle().digest,
        "rules": list(bundle().rules),
        "obligations": list(bundle().obligations),
    }


def test_tests_are_no_part_of_it(folder):
    before = load_bundle(folder)
    assert not any(path.endswith("_test.rego") for path in before.modules)
    for test in folder.rglob("*_test.rego"):
        test.unlink()
    assert load_bundle(folder).digest == before.digest


@pytest.mark.parametrize("suffix", ["*.rego", "*.json"])
def test_every_byte_that_counts_changes_the_digest(folder, suffix):
    packs = frozenset(whole_bundle().packs)
    before = load_bundle(folder, packs).digest
    for path in [path for path in folder.rglob(suffix) if not path.stem.endswith("_test")]:
        kept = path.read_bytes()
        path.write_bytes(kept + b"\n")
        assert load_bundle(folder, packs).digest != before
        path.write_bytes(kept)
    assert load_bundle(folder, packs).digest == before


@pytest.mark.parametrize("rule", sorted(FLOOR))
def test_a_rule_of_the_floor_may_not_be_missing(folder, rule):
    shutil.rmtree(folder / "access/rules" / rule)
    with pytest.raises(BundleInvalid, match=rule):
        load_bundle(folder)


@pytest.mark.parametrize("kind", sorted(OBLIGATION_FLOOR))
def test_an_obligation_of_the_floor_may_not_be_missing(folder, kind):
    shutil.rmtree(folder / "access/obligations" / kind)
    with pytest.raises(BundleInvalid, match=kind):
        load_bundle(folder)


def test_a_rule_is_added_by_adding_its_folder(folder):
    new = folder / "access/rules/weekday"
    new.mkdir()
    text = 'package access.rules\n\nverdict["weekday"] := "ok" if input.context.now < 0\n'
    (new / "weekday.rego").write_text(text)
    decision = decision_of(folder)
    assert [(reason.rule, reason.code) for reason in decision.reasons] == [("weekday", "RULE-SILENT")]


@pytest.mark.parametrize(
    "verdict",
    [
        # Undefined, in error, of an unknown word, of the wrong type, of findings without findings.
        'verdict["core_data"] := "ok" if input.nowhere == true',
        'verdict["core_data"] := "ok" if to_number("x") == 1',
        'verdict["core_data"] := "OK"',
        'verdict["core_data"] := true',
        'verdict["core_data"] := {"ok"}',
        'verdict["core_data"] := set()',
        'verdict["core_data"] := {{"effect": "deny", "code": "DSL-01"}}',
        'core_data_spoke := "ok"',
    ],
)
def test_a_rule_that_does_not_say_ok_refuses(folder, verdict):
    (folder / "access/rules/core_data/core_data.rego").write_text(f"package access.rules\n\n{verdict}\n")
    try:
        decision = decision_of(folder)
    except PolicyUnavailable:
        return
    assert decision.result == "deny"
    assert [(reason.rule, reason.code) for reason in decision.reasons] == [("core_data", "RULE-SILENT")]


def test_a_finding_that_lacks_a_part_is_not_hidden_by_a_milder_one(folder):
    statement = '{"effect": "refer", "code": "X-01", "text": "A.", "facts": {}, "source": "B", "remedy": "C."}'
    text = f'package access.rules\n\nverdict["core_data"] := {{{statement}, {{"effect": "deny", "code": "X-02"}}}}\n'
    (folder / "access/rules/core_data/core_data.rego").write_text(text)
    decision = decision_of(folder)
    assert decision.result == "deny"
    assert {reason.code for reason in decision.reasons} == {"X-01", "RULE-SILENT"}


@pytest.mark.parametrize("effect", ["permit", "ok", ""])
def test_an_effect_nobody_knows_is_no_decision(folder, effect):
    rewrite(folder / "lib/finding/finding.rego", '"effect": entry.effect', f'"effect": "{effect}"')
    with pytest.raises(PolicyUnavailable):
        decision_of(folder, changed({"dataset.core_data": True}))


@pytest.mark.parametrize(
    "owed", ['owed["drop"] := {1 | input.nowhere == 2} if input.nowhere', 'owed["drop"] := "nothing"', "drop_a := 1"]
)
def test_an_obligation_that_does_not_answer_refuses(folder, owed):
    (folder / "access/obligations/drop/drop.rego").write_text(f"package access.obligations\n\n{owed}\n")
    decision = decision_of(folder)
    assert decision.result == "deny"
    assert [(reason.rule, reason.code) for reason in decision.reasons] == [("drop", "RULE-SILENT")]


def test_a_decision_that_is_undefined_is_no_decision(folder):
    rewrite(
        folder / "access/decision/decision.rego", "decision := answer if {", "decision := answer if {\n\tinput.nowhere"
    )
    with pytest.raises(PolicyUnavailable):
        decision_of(folder)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("access/rules/core_data/core_data.rego", "package access.rules.core_data\n"),
        ("access/rules/core_data/core_data.rego", "package access.decision\n"),
        ("access/rules/core_data/core_data.rego", 'package access.rules\n\nverdict["contract_mode"] := "ok"\n'),
        ("access/rules/core_data/core_data.rego", "package access.rules\n\ncontract_mode_x := 1\n"),
        ("access/rules/core_data/core_data.rego", 'package access.rules\n\nverdict[x] := "ok" if some x in ["a"]\n'),
        ("access/rules/core_data/core_data.rego", 'package access.rules\n\n  default verdict := "ok"\n'),
        ("access/rules/core_data/core_data.rego", b"package access.rules\n# \xff\n"),
        ("access/rules/core_data/core_data.rego", "package access.rules\n#" + "x" * MAX_FILE_BYTES),
        ("access/rules/core_data/data.json", '{"verdict": {"core_data": "ok"}}'),
        ("access/rules/core_data/data.json", '{"table": {}, "table": {}}'),
        ("access/rules/core_data/data.json", "[]"),
        ("access/rules/core_data/data.json", '{"table": 1.5}'),
        ("access/rules/data.json", '{"verdict": {"core_data": "ok"}}'),
        ("data.json", '{"table": {}}'),
        ("bundle/data.json", '{"table": {}}'),
        ("bundle/bundle.rego", "package bundle\n"),
        ("access/rules/core_data/notes.txt", "hello"),
        ("access/rules/Core/Core.rego", "package access.rules\n"),
        ("access/rules/half/other.rego", "package access.rules\n"),
        ("lib/table/x/data.json", '{"table": {}}'),
    ],
)
def test_a_folder_that_is_no_bundle_is_refused(folder, path, text):
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(BundleInvalid):
        load_bundle(folder)


def test_links_are_refused(folder, tmp_path):
    elsewhere = tmp_path / "elsewhere.rego"
    elsewhere.write_text("package lib.elsewhere\n")
    (folder / "lib/mondo/elsewhere.rego").symlink_to(elsewhere)
    with pytest.raises(BundleInvalid, match="link"):
        load_bundle(folder)


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(BundleInvalid):
        load_bundle(tmp_path / "nowhere")


def test_what_is_written_carries_the_digest_as_revision(tmp_path):
    written(contents(bundle(), None), tmp_path / "out")
    manifest = json.loads((tmp_path / "out/.manifest").read_bytes())
    assert manifest["revision"] == bundle().digest
    assert manifest["metadata"] == {"packs": list(bundle().packs)}
    assert json.loads((tmp_path / "out/bundle/data.json").read_bytes()) == bundle().data["bundle"]
    found = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.rego")}
    assert found == {*bundle().modules, *bundle().tests}
    assert not (tmp_path / "out/.signatures.json").exists()

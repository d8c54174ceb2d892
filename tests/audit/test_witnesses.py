"""Who watches and how many must have seen: the policy file, and receipts and exports judged by it."""

from __future__ import annotations

import pytest

from gateway.audit.checkpoint import Checkpoint
from gateway.audit.errors import NoteMalformed, PolicyFileMalformed, SignatureUnverified, WitnessesMissing
from gateway.audit.export import export_range
from gateway.audit.note import KeyType, Note, NoteSigner, Signature, parse_note
from gateway.audit.receipt import format_receipt, verify_receipt
from gateway.audit.submission import parse_size
from gateway.audit.verify import verify_export
from gateway.audit.witnesses import NO_WITNESSES, WitnessPolicy, parse_policy
from gateway.problems import Problem
from tests.audit.small_log import LOG, MADE_AT, signer, small_log

A, B, C, D = (signer(f"{name}.example/witness", seed, KeyType.COSIGNATURE) for seed, name in enumerate("abcd", 40))
KEYS = dict(zip("abcd", (A, B, C, D), strict=True))
LINES = {name: f"witness {name} {key.verifier} https://{name}.example" for name, key in KEYS.items()}
ONE = small_log(7)
AT = 1_795_392_000
ELSEWHERE = signer("another.example/log", 1).sign(Checkpoint("another.example/log", 7, ONE.checkpoint().root).text())


def policy(*lines: str) -> WitnessPolicy:
    return parse_policy("\n".join(lines) + "\n")


def cosigned(*witnesses: NoteSigner, note: str | None = None) -> str:
    made = parse_note(note or ONE.note())
    for witness in witnesses:
        made = witness.cosign(made, AT)
    return made.format()


TWO_OF_THREE = policy(LINES["a"], LINES["b"], LINES["c"], "group g 2 a b c", "quorum g")


def test_a_policy_says_who_and_how_many() -> None:
    read = policy("# ours", "", f"log {LOG.verifier} https://gateway.example/log", *LINES.values(), "quorum a")
    assert read.logs == (LOG.verifier,)
    assert next((one.name, one.key.name, one.url) for one in read.witnesses) == (
        "a",
        "a.example/witness",
        "https://a.example",
    )
    assert read.satisfied([A.verifier])
    assert not read.satisfied([B.verifier, C.verifier])
    assert policy("quorum none").satisfied([])


@pytest.mark.parametrize(
    ("needed", "present", "enough"),
    [
        ("any", "", False),
        ("any", "a", True),
        ("all", "ab", False),
        ("all", "abc", True),
        ("2", "c", False),
        ("2", "ca", True),
        ("2", "aaa", False),
        ("2", "ad", False),
    ],
)
def test_a_group_needs_so_many_of_its_members(needed: str, present: str, enough: bool) -> None:
    read = policy(*LINES.values(), f"group g {needed} a b c", "quorum g")
    assert read.satisfied([KEYS[name].verifier for name in present]) is enough


def test_groups_of_groups_ask_each_side() -> None:
    read = policy(
        *LINES.values(),
        "group hospitals any a b",
        "group industry all c d",
        "group both all hospitals industry",
        "quorum both",
    )
    assert read.satisfied([B.verifier, C.verifier, D.verifier])
    assert not read.satisfied([A.verifier, B.verifier, C.verifier])


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [LINES["a"]],
        [LINES["a"], "quorum b"],
        [LINES["a"], "quorum a", "quorum none"],
        [LINES["a"], LINES["a"], "quorum a"],
        [LINES["a"], LINES["a"].replace("witness a ", "witness z "), "quorum a"],
        [LINES["a"], "group g 2 a", "quorum g"],
        [LINES["a"], "group g 0 a", "quorum g"],
        [LINES["a"], "group g -1 a", "quorum g"],
        [LINES["a"], "group g 1", "quorum g"],
        [LINES["a"], "group g 1 b", "quorum g"],
        [LINES["a"], "group g 1 g", "quorum g"],
        [LINES["a"], "group g 2 a a", "quorum g"],
        [LINES["a"], LINES["b"], "group g any a", "group h any a b", "quorum h"],
        [LINES["a"], "group g any a", "quorum a"],
        [LINES["a"], "group none any a", "quorum none"],
        [LINES["a"], "group a any a", "quorum a"],
        [f"witness a {LOG.verifier}", "quorum a"],
        [f"log {A.verifier}", "quorum none"],
        [f"witness a {A.verifier} ftp://a.example", "quorum a"],
        [f"witness a {A.verifier} https://user@a.example", "quorum a"],
        [f"witness a {A.verifier} https://a.example/?x=1", "quorum a"],
        [LINES["a"], "quorum a b"],
        [LINES["a"], "witnesses none", "quorum a"],
        [str(A.verifier), "quorum none"],
        ["quorum none", "#" * 70_000],
    ],
)
def test_a_policy_that_is_not_exactly_one_is_refused(lines: list[str]) -> None:
    with pytest.raises(PolicyFileMalformed):
        policy(*lines)


def test_a_policy_with_a_key_that_is_none_is_refused() -> None:
    with pytest.raises(NoteMalformed):
        policy(LINES["a"].replace("+", "-"), "quorum a")


def receipt(note: str) -> bytes:
    return format_receipt(ONE.bodies[3], 3, ONE.tree().inclusion_proof(3), note)


def test_a_receipt_holds_when_enough_witnesses_have_seen_its_checkpoint() -> None:
    verified = verify_receipt(receipt(cosigned(A, C)), LOG.verifier, TWO_OF_THREE)
    assert [(one.key.name, one.timestamp) for one in verified.witnesses] == [
        ("a.example/witness", AT),
        ("c.example/witness", AT),
    ]
    # Who does not ask for them is not bothered by them.
    assert verify_receipt(receipt(cosigned(A, C)), LOG.verifier).witnesses == ()
    assert verify_receipt(receipt(cosigned(A)), LOG.verifier, NO_WITNESSES).index == 3


@pytest.mark.parametrize("witnesses", [(), (A,), (A, D), (D,)])
def test_too_few_witnesses_are_too_few(witnesses: tuple[NoteSigner, ...]) -> None:
    with pytest.raises(WitnessesMissing):
        verify_receipt(receipt(cosigned(*witnesses)), LOG.verifier, TWO_OF_THREE)


def moved(witness: NoteSigner, note: str) -> str:
    """The witness's line under another note than the one it cosigned."""
    taken = parse_note(cosigned(witness, note=note)).signatures[-1]
    base = parse_note(cosigned(A))
    return Note(base.text, (*base.signatures, taken)).format()


def test_a_cosignature_counts_for_the_checkpoint_it_was_made_for_only() -> None:
    for other in (ONE.note(6), small_log(7, "two").note(), ELSEWHERE):
        with pytest.raises(SignatureUnverified):
            verify_receipt(receipt(moved(B, other)), LOG.verifier, TWO_OF_THREE)


def test_one_witness_does_not_count_twice() -> None:
    base = parse_note(cosigned(A))
    with pytest.raises(NoteMalformed):
        verify_receipt(receipt(A.cosign(base, AT + 1).format()), LOG.verifier, TWO_OF_THREE)
    # Nor does the key of one under the name of another.
    stolen = signer("b.example/witness", 40, KeyType.COSIGNATURE)
    with pytest.raises(WitnessesMissing):
        verify_receipt(receipt(stolen.cosign(base, AT).format()), LOG.verifier, TWO_OF_THREE)


def test_a_changed_time_is_seen() -> None:
    made = parse_note(cosigned(A, B))
    last = made.signatures[-1]
    later = (AT + 1).to_bytes(8, "big") + last.payload[8:]
    bent = Note(made.text, (*made.signatures[:-1], Signature(last.name, last.key_id, later))).format()
    with pytest.raises(SignatureUnverified):
        verify_receipt(receipt(bent), LOG.verifier, TWO_OF_THREE)


def export(note: str) -> bytes:
    return b"".join(export_range(ONE.bodies, 0, 7, checkpoint=note, tree=ONE.tree(), signer=LOG, made_at=MADE_AT))


def test_an_export_says_whether_enough_witnesses_have_seen_it() -> None:
    good = verify_export(export(cosigned(A, B)), LOG.verifier, witnesses=TWO_OF_THREE)
    assert good.valid
    assert len(good.cosigned) == 2
    few = verify_export(export(cosigned(A)), LOG.verifier, witnesses=TWO_OF_THREE)
    assert [(f.word.value, f.line) for f in few.findings] == [("missing", 1)]
    assert verify_export(export(cosigned(A)), LOG.verifier).valid
    bent = verify_export(export(moved(B, ONE.note(6))), LOG.verifier, witnesses=TWO_OF_THREE)
    assert [f.word.value for f in bent.findings] == ["invalid"]


@pytest.mark.parametrize(
    "answer", [b"", b"7", b"07\n", b"+7\n", b"7\n\n", b"\xd9\xa7\n", b"9223372036854775808\n", b"7 \n"]
)
def test_a_size_is_digits_and_a_newline(answer: bytes) -> None:
    with pytest.raises(Problem):
        parse_size(answer)
    assert parse_size(b"7\n") == 7

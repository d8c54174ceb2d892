from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.errors import NoteMalformed, ProofInvalid, ReceiptMalformed, SignatureUnverified
from gateway.audit.merkle import leaf_hash, verify_inclusion
from gateway.audit.note import parse_vkey
from gateway.audit.receipt import format_receipt, parse_proof, verify_receipt
from gateway.crypto.canonical import b64url_encode, canonical_json, strict_json
from gateway.problems import Malformed, Problem
from tests.audit.small_log import LOG, OTHER_KEY, VECTORS, WITNESS, small_log

ONE, OTHER = small_log(7), small_log(7, "other")
PROOF_FILE = "\n".join(VECTORS["proof_file"])
HASH_LINE = VECTORS["proof_file"][2] + "\n"


def receipt(log=ONE, index=3, body=None, note=None) -> bytes:
    body = log.bodies[index] if body is None else body
    return format_receipt(body, index, log.tree().inclusion_proof(index), note or log.note())


def rewritten(**members) -> bytes:
    return canonical_json({**strict_json(receipt(), max_bytes=100_000), **members})


def test_a_receipt_proves_its_entry():
    verified = verify_receipt(receipt(), LOG.verifier)
    assert (verified.index, verified.body, verified.leaf) == (3, ONE.bodies[3], leaf_hash(ONE.bodies[3]))
    assert verified.record["n"] == 3
    assert verified.checkpoint == ONE.checkpoint()


def test_every_entry_of_every_size_has_a_receipt():
    for size in range(1, 8):
        log = small_log(size)
        for index in range(size):
            assert verify_receipt(receipt(log, index), LOG.verifier).index == index


def test_the_proof_file_of_our_vectors():
    proof = parse_proof(PROOF_FILE)
    assert proof.format() == PROOF_FILE
    assert (proof.index, len(proof.hashes)) == (3, 3)
    with pytest.raises(ReceiptMalformed):  # entries of the vectors are plain words, which no log of ours holds
        verify_receipt(format_receipt(b"entry-3", 3, proof.hashes, proof.checkpoint), parse_vkey(VECTORS["log_vkey"]))
    verify_inclusion(3, 7, leaf_hash(b"entry-3"), proof.hashes, bytes.fromhex(VECTORS["entries"]["roots"]["7"]))


@pytest.mark.parametrize("flip", [0x01, 0x20, 0x80])
def test_no_byte_of_a_receipt_can_be_changed(flip):
    good = receipt()
    for at in range(len(good)):
        changed = bytearray(good)
        changed[at] ^= flip
        with pytest.raises(Problem):
            verify_receipt(bytes(changed), LOG.verifier)


@given(st.binary(max_size=300))
def test_nothing_else_is_a_receipt(data):
    with pytest.raises(Problem):
        verify_receipt(data, LOG.verifier)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        pytest.param(receipt(body=ONE.bodies[2]), ProofInvalid, id="another entry"),
        pytest.param(receipt(body=OTHER.bodies[3]), ProofInvalid, id="an entry of another log"),
        pytest.param(receipt(note=ONE.note(by=OTHER_KEY)), SignatureUnverified, id="a checkpoint by another key"),
        pytest.param(receipt(note=OTHER.note()), ProofInvalid, id="a checkpoint of another tree"),
        pytest.param(receipt(note=ONE.note(5)), ProofInvalid, id="a checkpoint of another size"),
        pytest.param(receipt(note=ONE.checkpoint().text()), NoteMalformed, id="an unsigned checkpoint"),
        pytest.param(rewritten(entry=b64url_encode(ONE.bodies[3]) + "="), Malformed, id="padding"),
        pytest.param(rewritten(extra=1), ReceiptMalformed, id="another member"),
        pytest.param(rewritten(entry=7), ReceiptMalformed, id="a number for the entry"),
        pytest.param(receipt() + b"\n", ReceiptMalformed, id="a newline at the end"),
        pytest.param(receipt().replace(b'"entry":', b'"entry": '), ReceiptMalformed, id="a space"),
        pytest.param(b"[]", ReceiptMalformed, id="a list"),
        pytest.param(b"{" + b" " * 300_000 + b"}", ReceiptMalformed, id="too large"),
    ],
)
def test_a_receipt_is_refused(data, why):
    with pytest.raises(why):
        verify_receipt(data, LOG.verifier)


def test_a_witness_key_does_not_open_a_receipt():
    with pytest.raises(NoteMalformed):
        verify_receipt(receipt(), WITNESS.verifier)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(PROOF_FILE.replace("@v1", "@v2"), id="another version"),
        pytest.param(PROOF_FILE.replace("index 3", "index 03"), id="a leading zero"),
        pytest.param(PROOF_FILE.replace("index 3", "index  3"), id="two spaces"),
        pytest.param(PROOF_FILE.replace("index 3", "index +3"), id="a sign"),
        pytest.param(PROOF_FILE.replace("index 3\n", ""), id="no index"),
        pytest.param(PROOF_FILE.replace("index 3", "extra AAAA\nindex 3"), id="an extra line nobody signed"),
        pytest.param(PROOF_FILE.replace("8Kg=", "8Kh="), id="bits left over in a hash"),
        pytest.param(PROOF_FILE.replace("BJ19zbVrz", "BJ19zbVr"), id="a short hash"),
        pytest.param(PROOF_FILE.replace("\n", "\r\n"), id="CRLF"),
        pytest.param(PROOF_FILE.split("\n\n")[0], id="no checkpoint"),
        pytest.param(PROOF_FILE.replace("index 3\n", "index 3\n" + HASH_LINE * 64), id="67 hashes"),
    ],
)
def test_a_proof_file_is_refused(text):
    with pytest.raises(Malformed):
        parse_proof(text)

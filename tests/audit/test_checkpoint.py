from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint
from gateway.audit.errors import NoteMalformed, SignatureUnverified
from gateway.audit.merkle import EMPTY_ROOT
from tests.audit.small_log import LOG, ORIGIN, OTHER_KEY, VECTORS, WITNESS, leaves, mth, signer

ROOT = mth(leaves(7))
TEXT = f"{ORIGIN}\n7\nkTlgHMHKirKnoMLBNMBIRfKxulSag9bIRc/NpDnMWF0=\n"


@pytest.mark.parametrize("size", VECTORS["checkpoint_payloads"])
def test_our_vectors(size):
    checkpoint = Checkpoint(ORIGIN, int(size), mth(leaves(int(size))))
    note = f"{checkpoint.text()}\n\u2014 {ORIGIN} {VECTORS['checkpoint_payloads'][size]}\n"
    assert LOG.sign(checkpoint.text()) == note
    assert open_checkpoint(note, LOG.verifier) == checkpoint


@given(st.integers(1, 2**63 - 1), st.binary(min_size=32, max_size=32).filter(lambda root: root != EMPTY_ROOT))
def test_a_checkpoint_is_read_as_it_is_written(size, root):
    checkpoint = Checkpoint(ORIGIN, size, root)
    assert parse_checkpoint(checkpoint.text()) == checkpoint


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(TEXT + "extension\n", id="an extension line"),
        pytest.param(TEXT + "\n", id="an empty line"),
        pytest.param(TEXT[:-1], id="no newline"),
        pytest.param(TEXT.replace("\n7\n", "\n"), id="no size"),
        pytest.param(TEXT.replace("\n7\n", "\n07\n"), id="a leading zero"),
        pytest.param(TEXT.replace("\n7\n", "\n+7\n"), id="a sign"),
        pytest.param(TEXT.replace("\n7\n", "\n1_0\n"), id="an underscore"),
        pytest.param(TEXT.replace("\n7\n", "\n\u0667\n"), id="another script's digit"),
        pytest.param(TEXT.replace("\n7\n", "\n9223372036854775808\n"), id="2**63"),
        pytest.param(TEXT.replace("\n7\n", "\n0\n"), id="empty with a root"),
        pytest.param(f"{ORIGIN}\n7\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n", id="the empty root with a size"),
        pytest.param(TEXT.replace("WF0=", "WF1="), id="bits left over in the root"),
        pytest.param(TEXT.replace("WF0=", "WF0"), id="no padding"),
        pytest.param(f"{ORIGIN}\n7\nAAAA\n", id="a short root"),
        pytest.param(TEXT.replace(ORIGIN, ""), id="no origin"),
        pytest.param(TEXT.replace(ORIGIN, "a b"), id="a space in the origin"),
        pytest.param(TEXT.replace("\n", "\r\n"), id="CRLF"),
    ],
)
def test_a_checkpoint_is_refused(text):
    with pytest.raises(NoteMalformed):
        parse_checkpoint(text)


def test_a_checkpoint_of_another_key_is_not_opened():
    with pytest.raises(SignatureUnverified):
        open_checkpoint(OTHER_KEY.sign(TEXT), LOG.verifier)


def test_a_checkpoint_is_of_the_log_whose_key_signed_it():
    elsewhere = signer("elsewhere.example", 1)
    with pytest.raises(NoteMalformed, match="another log"):
        open_checkpoint(elsewhere.sign(TEXT), elsewhere.verifier)


def test_a_witness_alone_is_not_the_log():
    with pytest.raises(NoteMalformed, match="witness"):
        open_checkpoint(LOG.sign(TEXT), WITNESS.verifier)

from __future__ import annotations

import base64
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.errors import NoteMalformed, SignatureUnverified
from gateway.audit.note import (
    MAX_NOTE_BYTES,
    KeyType,
    Note,
    NoteSigner,
    Signature,
    as_keys,
    decode_base64,
    open_note,
    parse_decimal,
    parse_note,
    parse_vkey,
    parse_vkeys,
)
from tests.audit.small_log import LOG, ORIGIN, OTHER_KEY, VECTORS, WITNESS, signer

TEXT = f"{ORIGIN}\n7\nkTlgHMHKirKnoMLBNMBIRfKxulSag9bIRc/NpDnMWF0=\n"
TIME = VECTORS["witness_time"]
COSIGNED = WITNESS.cosign(parse_note(LOG.sign(TEXT)), TIME)
LOG_LINE, WITNESS_LINE = (s.line() for s in COSIGNED.signatures)


def vkey(name: str, type: int, raw: bytes) -> str:
    key_id = sha256(name.encode() + b"\n" + bytes([type]) + raw).digest()[:4]
    return f"{name}+{key_id.hex()}+{base64.b64encode(bytes([type]) + raw).decode()}"


def test_the_published_note_verifies():
    published = VECTORS["published_note"]
    note = f"{published['text']}\n\u2014 example.com/foo {published['payload']}\n"
    text, verified = open_note(note, [parse_vkey(published["vkey"])])
    assert text == published["text"]
    assert [v.timestamp for v in verified] == [None]


def test_our_vectors():
    assert str(LOG.verifier) == VECTORS["log_vkey"]
    assert str(WITNESS.verifier) == VECTORS["witness_vkey"]
    assert COSIGNED.format() == "\n".join(VECTORS["proof_file"][6:])
    _, verified = open_note(COSIGNED.format(), [LOG.verifier, WITNESS.verifier])
    assert [(v.key.name, v.timestamp) for v in verified] == [(ORIGIN, None), (WITNESS.name, TIME)]


def test_a_verifier_key_survives_being_written():
    for key in (LOG.verifier, WITNESS.verifier):
        assert parse_vkey(str(key)) == key


def test_a_text_may_hold_empty_lines():
    text = "one\n\n\ntwo\n\n"
    assert open_note(LOG.sign(text), [LOG.verifier])[0] == text


def test_lines_of_unknown_keys_are_carried_and_not_counted():
    note = COSIGNED.format() + Signature("elsewhere.example", b"\x01\x02\x03\x04", bytes(2_420)).line()
    assert len(open_note(note, [LOG.verifier])[1]) == 1
    assert parse_note(note).format() == note


@given(st.integers(0, len(COSIGNED.format().encode()) - 1), st.integers(1, 255))
def test_no_byte_of_a_cosigned_note_can_be_changed(at, flip):
    changed = bytearray(COSIGNED.format().encode())
    changed[at] ^= flip
    try:
        text, verified = open_note(bytes(changed), [LOG.verifier, WITNESS.verifier])
    except (NoteMalformed, SignatureUnverified):
        return
    # A line whose name or id was changed is a stranger's: the text stands, by the other signature alone.
    assert text == TEXT
    assert len(verified) == 1


@pytest.mark.parametrize(
    "note",
    [
        pytest.param(TEXT, id="no signature"),
        pytest.param(f"{TEXT}\n", id="no signature line"),
        pytest.param(f"{TEXT}{LOG_LINE}", id="no empty line"),
        pytest.param(f"\n{LOG_LINE}", id="no text"),
        pytest.param(f"{TEXT}\n{LOG_LINE[:-1]}", id="no newline at the end"),
        pytest.param(f"{TEXT}\n{LOG_LINE}\n", id="an empty line at the end"),
        pytest.param(f"{TEXT}\n{LOG_LINE}stray\n", id="a stray line"),
        pytest.param(f"{TEXT}\n{LOG_LINE.replace(chr(0x2014), '-')}", id="a hyphen for the dash"),
        pytest.param(f"{TEXT}\n{LOG_LINE.replace(chr(0x2014), chr(0x2013))}", id="a short dash"),
        pytest.param(f"{TEXT}\n{LOG_LINE.replace(chr(0x2014) + ' ', chr(0x2014) + '  ')}", id="two spaces"),
        pytest.param(f"{TEXT}\n{LOG_LINE.replace(ORIGIN + ' ', ORIGIN + '  ')}", id="two spaces before base64"),
        pytest.param(f"{TEXT}\n{LOG_LINE[:-1]} \n", id="a space at the end"),
        pytest.param(f"{TEXT}\n{LOG_LINE}".replace("\n", "\r\n"), id="CRLF"),
        pytest.param(f"{TEXT}\n{LOG_LINE}".replace("7", "7\t"), id="a tab"),
        pytest.param(f"{TEXT}\n{LOG_LINE}".replace("7", "7\x7f"), id="DEL"),
        pytest.param(f"{TEXT}\n{LOG_LINE.replace('=', '')}", id="missing padding"),
        pytest.param(f"{TEXT}\n{LOG_LINE}{LOG_LINE}", id="a known key twice"),
        pytest.param(f"{TEXT}\n\u2014 {ORIGIN} 9lnF4g==\n", id="a key id alone"),
        pytest.param(f"{TEXT}\n\u2014 {ORIGIN} 9lnF4gA=\n", id="a signature of one byte"),
        pytest.param(f"{TEXT}\n\u2014 a+b AAAAAAA=\n", id="a plus sign in a name"),
        pytest.param(f"{TEXT}\n\u2014 a\u00a0b AAAAAAA=\n", id="a hard space in a name"),
        pytest.param(f"{TEXT}\n" + LOG_LINE + "\u2014 x AAAAAAA=\n" * 64, id="65 lines"),
        pytest.param("x" * MAX_NOTE_BYTES + f"\n\n{LOG_LINE}", id="over 64 KiB"),
        pytest.param(f"{TEXT}\n{LOG_LINE}".encode() + b"\xff\n", id="not UTF-8"),
        pytest.param(f"\ud800\n\n{LOG_LINE}", id="half a surrogate pair"),
    ],
)
def test_a_note_is_refused(note):
    with pytest.raises(NoteMalformed):
        open_note(note, [LOG.verifier])


def with_payload(signature: Signature, payload: bytes) -> Signature:
    return Signature(signature.name, signature.key_id, payload)


@pytest.mark.parametrize(
    "signatures",
    [
        pytest.param([with_payload(COSIGNED.signatures[0], bytes(64))], id="a bad signature"),
        pytest.param([with_payload(COSIGNED.signatures[0], bytes(64)), COSIGNED.signatures[1]], id="beside a good one"),
        pytest.param(
            [Signature("other.example", LOG.verifier.id, COSIGNED.signatures[0].payload)], id="id of another name"
        ),
        pytest.param([Signature(ORIGIN, b"\0\0\0\0", COSIGNED.signatures[0].payload)], id="name with another id"),
        pytest.param(
            [with_payload(COSIGNED.signatures[0], COSIGNED.signatures[1].payload[8:])], id="a cosignature as log's"
        ),
    ],
)
def test_a_signature_is_not_taken(signatures):
    with pytest.raises(SignatureUnverified):
        open_note(Note(TEXT, tuple(signatures)), [LOG.verifier, WITNESS.verifier])


def test_no_key_opens_nothing():
    with pytest.raises(SignatureUnverified):
        open_note(COSIGNED, [])
    with pytest.raises(SignatureUnverified):
        open_note(COSIGNED, [OTHER_KEY.verifier])


@pytest.mark.parametrize("text", [TEXT.replace("\n7\n", "\n8\n"), TEXT.replace("gateway.", "elsewhere."), TEXT + "\n"])
def test_a_cosignature_moved_to_another_size_or_log_is_not_taken(text):
    with pytest.raises(SignatureUnverified):
        open_note(Note(text, COSIGNED.signatures[1:]), [WITNESS.verifier])


def test_a_cosignature_with_another_time_is_not_taken():
    payload = (TIME + 1).to_bytes(8, "big") + COSIGNED.signatures[1].payload[8:]
    with pytest.raises(SignatureUnverified):
        open_note(Note(TEXT, (with_payload(COSIGNED.signatures[1], payload),)), [WITNESS.verifier])


def test_a_cosignature_time_beyond_the_format_is_refused():
    payload = (2**63).to_bytes(8, "big") + COSIGNED.signatures[1].payload[8:]
    with pytest.raises(NoteMalformed):
        open_note(Note(TEXT, (with_payload(COSIGNED.signatures[1], payload),)), [WITNESS.verifier])


def test_a_log_signs_and_a_witness_cosigns_and_not_the_other_way_round():
    with pytest.raises(ValueError, match="witness"):
        WITNESS.sign(TEXT)
    with pytest.raises(ValueError, match="log"):
        LOG.cosign(COSIGNED, TIME)
    with pytest.raises(ValueError, match="time"):
        WITNESS.cosign(COSIGNED, -1)


@pytest.mark.parametrize("text", ["", "no newline", "a\rb\n", "a\0b\n"])
def test_a_text_that_could_not_be_read_again_is_not_signed(text):
    with pytest.raises(NoteMalformed):
        LOG.sign(text)


IDENTITY_POINT = (1).to_bytes(32, "little")
SMALL_ORDER = bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(vkey(ORIGIN, 1, IDENTITY_POINT), id="the identity point"),
        pytest.param(vkey(ORIGIN, 1, SMALL_ORDER), id="small order"),
        pytest.param(vkey(ORIGIN, 1, b"\xff" * 32), id="not canonical"),
        pytest.param(vkey(ORIGIN, 1, LOG.verifier.raw[:31]), id="31 bytes"),
        pytest.param(vkey(ORIGIN, 1, LOG.verifier.raw + b"\0"), id="33 bytes"),
        pytest.param(vkey(ORIGIN, 2, LOG.verifier.raw), id="a type we do not verify"),
        pytest.param(vkey("a b", 1, LOG.verifier.raw), id="a space in the name"),
        pytest.param(vkey("", 1, LOG.verifier.raw), id="no name"),
        pytest.param(str(LOG.verifier).replace("f659c5e2", "f659c5e3"), id="another id"),
        pytest.param(str(LOG.verifier).replace("f659c5e2", "F659C5E2"), id="id in capitals"),
        pytest.param(str(LOG.verifier).replace("gateway.", "elsewhere."), id="another name"),
        pytest.param(str(LOG.verifier)[:-1], id="cut off"),
        pytest.param(str(LOG.verifier) + "\n", id="a newline"),
        pytest.param("", id="nothing"),
    ],
)
def test_a_verifier_key_is_refused(text):
    with pytest.raises(NoteMalformed):
        parse_vkey(text)


@pytest.mark.parametrize("text", ["AAB=", "AA", "AA=", "A A=", "AAA=\n", "AAAA====", "A", "AA==AA==", "\uff21\uff21=="])
def test_only_canonical_base64_is_read(text):
    with pytest.raises(NoteMalformed):
        decode_base64(text)


@pytest.mark.parametrize(
    "text", ["", "07", "00", "+7", "-7", " 7", "7 ", "1_0", "\u0667", "7\n", "7.0", "1e3", "101", "9" * 5_000]
)
def test_only_plain_decimals_are_read(text):
    with pytest.raises(NoteMalformed):
        parse_decimal(text, 100)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb", "a\u2003b", "a\u202eb", "x" * 256])
def test_a_key_has_a_plain_name(name):
    with pytest.raises(NoteMalformed):
        signer(name, 1)


def test_a_key_id_depends_on_the_type():
    assert signer(ORIGIN, 1).verifier.id != signer(ORIGIN, 1, KeyType.COSIGNATURE).verifier.id


def test_two_keys_of_a_log_sign_a_line_each_and_each_is_enough() -> None:
    both = LOG.joined_by(OTHER_KEY)
    note = both.sign("origin\n1\n")
    assert both.verifiers == (LOG.verifier, OTHER_KEY.verifier)
    for keys in ([LOG.verifier], [OTHER_KEY.verifier], [*both.verifiers]):
        text, found = open_note(note, keys)
        assert (text, [one.key for one in found]) == ("origin\n1\n", keys)


def test_keys_of_a_log_have_one_name() -> None:
    with pytest.raises(ValueError, match="one name"):
        LOG.joined_by(NoteSigner("elsewhere", Ed25519PrivateKey.generate()))
    for keys in ([], [LOG.verifier, NoteSigner("elsewhere", Ed25519PrivateKey.generate()).verifier]):
        with pytest.raises(NoteMalformed, match="one log"):
            as_keys(keys)
    assert parse_vkeys(f"{LOG.verifier}\n{OTHER_KEY.verifier}\n") == (LOG.verifier, OTHER_KEY.verifier)
    for text in ("", f"{LOG.verifier} x"):
        with pytest.raises(NoteMalformed):
            parse_vkeys(text)

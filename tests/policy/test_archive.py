"""A bundle that travels: what was signed is what is read, and nothing else gets in."""

from __future__ import annotations

import base64
import gzip
import hashlib
import hmac
import json
import tarfile
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.crypto.keys import screen
from gateway.crypto.pem import from_pem, to_pem
from gateway.crypto.private import generate, private_key, public_jwk
from gateway.policy.archive import MAX_ARCHIVE_BYTES, contents, opened, packed, read_written, written
from gateway.policy.bundle import MAX_BUNDLE_BYTES, MAX_FILES
from gateway.policy.errors import BundleInvalid
from gateway.policy.signing import MANIFEST, SIGNATURES, file_hash, sign_files, trusted_key
from gateway.problems import TooLarge
from tests.policy.archives import archive, key, signed, trusting, with_members
from tests.policy.engines import bundle, whole_bundle

RULE = "access/rules/core_data/core_data.rego"
TABLE = "access/rules/core_data/data.json"
Files = dict[str, bytes]


def files() -> Files:
    """The repository's bundle, signed."""
    return contents(bundle(), key())


def payload() -> dict[str, Any]:
    token = json.loads(files()[SIGNATURES])["signatures"][0]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    return found


def signature(claims: Any, header: dict[str, Any] | None = None, jwk: dict[str, str] | None = None) -> bytes:
    """`.signatures.json` with any claims and header, correctly signed."""
    token = jwt.PyJWS().encode(
        json.dumps(claims).encode(), private_key(jwk or key()), algorithm="ES256", headers=header or {}
    )
    return json.dumps({"signatures": [token]}).encode()


@pytest.mark.parametrize("whole", [False, True])
def test_what_is_packed_is_what_is_opened(whole: bool) -> None:
    """The same digest with its packs on, as a folder would give; and its tests with it."""
    made = whole_bundle() if whole else bundle()
    found = opened(archive(made, key()), trusting())
    assert found.bundle.digest == made.digest == found.revision
    assert (found.bundle.packs, found.bundle.rules) == (made.packs, made.rules)
    assert found.bundle.tests == made.tests != {}
    assert found.signed_by == "ours"


def test_packing_twice_gives_the_same_bytes() -> None:
    made = files()
    assert packed(made) == packed(dict(reversed(made.items())))


def test_a_written_folder_is_read_back_and_a_stray_file_in_it_is_not(tmp_path: Any) -> None:
    written(files(), tmp_path / "out")
    assert opened(packed(read_written(tmp_path / "out")), trusting()).bundle.digest == bundle().digest
    (tmp_path / "out" / "access" / "notes.txt").write_text("x")
    with pytest.raises(BundleInvalid, match="notes"):
        read_written(tmp_path / "out")
    (tmp_path / "out" / "access" / "notes.txt").unlink()
    (tmp_path / "out" / "access" / "more.rego").symlink_to("/etc/hostname")
    with pytest.raises(BundleInvalid, match="more"):
        read_written(tmp_path / "out")
    with pytest.raises(BundleInvalid, match="not empty"):
        written(files(), tmp_path / "out")


def flip(path: str) -> Callable[[Files], None]:
    def change(made: Files) -> None:
        content = bytearray(made[path])
        content[len(content) // 2] ^= 1
        made[path] = bytes(content)

    return change


def without(path: str) -> Callable[[Files], None]:
    return lambda made: made.pop(path) and None


def put(path: str, content: bytes | Callable[[], bytes]) -> Callable[[Files], None]:
    return lambda made: made.update({path: content if isinstance(content, bytes) else content()})


def resigned(change: Callable[[dict[str, Any]], None], header: dict[str, Any] | None = None) -> Callable[[Files], None]:
    """The claims changed and signed again by the trusted key."""

    def put_it(made: Files) -> None:
        claims = payload()
        change(claims)
        made[SIGNATURES] = signature(claims, header)

    return put_it


def hs256() -> bytes:
    """The classic: the public key, which everybody has, taken for a shared secret."""
    secret = to_pem(screen(public_jwk(key()), purpose="bundle")).encode()
    parts = [json.dumps({"alg": "HS256", "typ": "JWT"}).encode(), json.dumps(payload()).encode()]
    said = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    mac = base64.urlsafe_b64encode(hmac.digest(secret, said, "sha256")).rstrip(b"=")
    return json.dumps({"signatures": [(said + b"." + mac).decode()]}).encode()


def unsigned_token() -> bytes:
    parts = [json.dumps({"alg": "none"}).encode(), json.dumps(payload()).encode(), b""]
    token = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    return json.dumps({"signatures": [token.decode()]}).encode()


def first(claims: dict[str, Any], **members: Any) -> None:
    claims["files"][0].update(members)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (flip(RULE), "not the file that was signed"),
        (flip(TABLE), "core_data/data.json"),
        (flip(MANIFEST), "manifest"),
        (put(MANIFEST, b'{"revision":"other","rego_version":1}'), "not the file that was signed"),
        (flip(SIGNATURES), "signature|trusted|JSON"),
        (put("access/rules/core_data/core_data_test.rego", b"package access.rules_test.core_data\n"), "not the file"),
        (put("lib/extra/extra.rego", b"package lib.extra\n"), "not in its signature"),
        (without(RULE), "was signed and is not in the bundle"),
        (without(SIGNATURES), "not signed"),
        (put(SIGNATURES, lambda: sign_files(contents(bundle(), None), generate("ES256"))), "trusted"),
        (put(SIGNATURES, hs256), "trusted"),
        (put(SIGNATURES, unsigned_token), "trusted"),
        (put(SIGNATURES, b'{"signatures":[]}'), "exactly one"),
        (put(SIGNATURES, b'{"signatures":["a.b.c","a.b.c"]}'), "exactly one"),
        (put(SIGNATURES, b'{"signatures":["a.b.c"]}'), "no JWT"),
        (put(SIGNATURES, lambda: signature(payload()).replace(b"{", b'{"plugin":"mine",', 1)), "not understood"),
        (resigned(lambda claims: claims.update(scope="write")), "scope"),
        (resigned(lambda claims: first(claims, algorithm="MD5")), "another algorithm"),
        (resigned(lambda claims: first(claims, hash="00" * 32)), "not the file that was signed"),
        (resigned(lambda claims: claims["files"].append(claims["files"][0])), "twice"),
        (resigned(lambda claims: claims.pop("files") and None), "not in its signature"),
        (resigned(lambda claims: claims.update(files=["x"])), "no file"),
        (resigned(lambda claims: None, {"crit": ["exp"]}), "no JWT"),
        (resigned(lambda claims: None, {"jku": "https://elsewhere.example"}), "not understood"),
    ],
    ids=["flipped byte in a rule", "in a table", "in the manifest", "another revision", "in the signature",
         "another test", "extra file", "missing file", "not signed", "another key", "HS256 with the public key", "none",
         "no signature", "two signatures", "no JWT", "plugin", "scope", "MD5", "another hash", "listed twice",
         "nothing listed", "not a file", "crit", "jku"],
)  # fmt: skip
def test_what_was_not_signed_like_this_is_refused(change: Callable[[Files], None], told: str) -> None:
    made = files()
    change(made)
    with pytest.raises(BundleInvalid, match=told):
        opened(packed(made), trusting())


def test_a_table_that_was_spelt_otherwise_after_signing_is_refused() -> None:
    """White space is not in OPA's hash of JSON; it is in the digest, and the bundle says its digest."""
    made = files()
    made[TABLE] += b" "
    assert file_hash(TABLE, made[TABLE]) == file_hash(TABLE, made[TABLE].rstrip())
    with pytest.raises(BundleInvalid, match="of itself what is not so"):
        opened(packed(made), trusting())


def test_a_bundle_that_lies_about_what_must_speak_is_refused() -> None:
    """An OPA server would believe it: a rule that is not listed need not answer."""
    made = contents(bundle(), None)
    said = json.loads(made["bundle/data.json"])
    said["rules"].remove("core_data")
    made["bundle/data.json"] = json.dumps(said).encode()
    with pytest.raises(BundleInvalid, match="of itself"):
        opened(signed(made), trusting())


def test_a_signed_bundle_that_lacks_a_rule_of_the_floor_is_refused() -> None:
    made = {path: content for path, content in contents(bundle(), None).items() if "rules/core_data/" not in path}
    with pytest.raises(BundleInvalid, match="core_data"):
        opened(signed(made), trusting())


def test_a_test_that_would_add_to_a_rule_on_a_server_is_refused() -> None:
    made = contents(bundle(), None)
    made["access/rules/core_data/core_data_test.rego"] = b'package access.rules\n\nverdict["core_data"] := "ok"\n'
    with pytest.raises(BundleInvalid, match="_test"):
        opened(signed(made), trusting())


@pytest.mark.parametrize("module", [RULE, "access/rules/core_data/core_data_test.rego"])
def test_a_package_hidden_above_the_one_that_is_shown_is_refused(module: str) -> None:
    made = contents(bundle(), None)
    own = made[module].decode().split("\n")
    package = next(line for line in own if line.startswith("package "))
    hidden = f" package access.rules\n\nx := `\n{package}\n`\n"
    made[module] = hidden.encode()
    with pytest.raises(BundleInvalid, match="package"):
        opened(signed(made), trusting())


def member(name: str, **attributes: Any) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    for attribute, value in attributes.items():
        setattr(info, attribute, value)
    return info


@pytest.mark.parametrize(
    "odd",
    [
        member("../escape.rego"),
        member("access/../../escape.rego"),
        member("//etc/x.rego"),
        member("./access/x.rego"),
        member("access//x.rego"),
        member("access\\x.rego"),
        member("access/x.rego\n"),
        member("access/x.yaml"),
        member("access/data.yaml"),
        member("access/.manifest.rego"),
        member("policy.wasm"),
        member("access/link.rego", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
        member("access/hard.rego", type=tarfile.LNKTYPE, linkname=RULE),
        member("access/pipe.rego", type=tarfile.FIFOTYPE),
        member("access/device.rego", type=tarfile.CHRTYPE),
        member(RULE),
        member("/" + RULE),
    ],
    ids=lambda info: f"{info.name!r}-{info.type!r}",
)
def test_no_name_leads_out_and_no_file_is_there_twice(odd: tarfile.TarInfo) -> None:
    with pytest.raises(BundleInvalid):
        opened(with_members(files(), (odd, b"")), trusting())


def test_folders_in_an_archive_are_passed_over() -> None:
    folder = member("access/", type=tarfile.DIRTYPE)
    assert opened(with_members(files(), (folder, b"")), trusting()).bundle.digest == bundle().digest


def test_what_would_fill_memory_is_not_unpacked() -> None:
    bomb = gzip.compress(bytes(40 * MAX_BUNDLE_BYTES), 9)
    assert len(bomb) < MAX_ARCHIVE_BYTES
    with pytest.raises(TooLarge):
        opened(bomb, trusting())
    with pytest.raises(TooLarge):
        opened(bytes(MAX_ARCHIVE_BYTES + 1), trusting())
    many = {f"lib/a{number}/data.json": b"" for number in range(MAX_FILES + 1)}
    with pytest.raises(BundleInvalid, match="too many"):
        opened(packed(many), trusting())


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_headers_of_headers_without_end_are_refused(kind: bytes) -> None:
    """The reader takes each into itself."""
    info = member("x", type=kind, size=11)
    one = info.tobuf(tarfile.USTAR_FORMAT) + b"11 path=aa\n".ljust(512, b"\0")
    with pytest.raises(BundleInvalid, match="damaged"):
        opened(gzip.compress(one * 5000 + gzip.decompress(packed(files()))), trusting())


@pytest.mark.parametrize(
    "damaged",
    [b"", b"no archive", gzip.compress(b""), gzip.compress(b"x" * 4096), packed({})[:-9], packed({}) + packed({}),
     packed({}) + b"x"],
    ids=["nothing", "no gzip", "empty", "no tar", "cut off", "two in one", "something after it"],
)  # fmt: skip
def test_what_is_no_archive_is_refused(damaged: bytes) -> None:
    with pytest.raises(BundleInvalid):
        opened(damaged, trusting())


@pytest.mark.parametrize(
    "manifest",
    [
        {"rego_version": 0},
        {"file_rego_versions": {"/access/*": 0}},
        {"wasm": []},
        {"revision": 7},
        {"revision": "x" * 200},
        {"revision": "two\nlines"},
        {"metadata": []},
        {"metadata": {"packs": "eu"}},
        {"metadata": {"packs": ["nowhere"]}},
        [],
    ],
)
def test_a_manifest_that_is_not_understood_is_refused(manifest: Any) -> None:
    made = contents(bundle(), None) | {MANIFEST: json.dumps(manifest).encode()}
    with pytest.raises(BundleInvalid):
        opened(signed(made), trusting())


def test_without_named_packs_every_pack_is_on() -> None:
    """Silence means more rules, not fewer."""
    made = contents(whole_bundle(), None) | {MANIFEST: b"{}"}
    assert opened(signed(made), trusting()).bundle.rules == whole_bundle().rules


@pytest.mark.parametrize("algorithm", ["PS256", "RS256"])
def test_rsa_keys_of_others_count_under_both_of_their_algorithms(algorithm: str) -> None:
    """RS256 is what `opa build` signs with unless told otherwise."""
    secret = rsa.generate_private_key(public_exponent=65537, key_size=3072)
    pem = secret.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    token = jwt.PyJWS().encode(json.dumps(payload()).encode(), secret, algorithm=algorithm)
    made = files() | {SIGNATURES: json.dumps({"signatures": [token], "plugin": "_default"}).encode()}
    found = opened(packed(made), [*trusting(), trusted_key("committee", pem)])
    assert found.signed_by == "committee"
    with pytest.raises(BundleInvalid, match="trusted"):
        opened(packed(made), trusting())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        json.dumps(public_jwk(generate("Ed25519"))).encode(),
        json.dumps(dict(generate("ES256"))).encode(),
        ec.generate_private_key(ec.SECP384R1())
        .public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        rsa.generate_private_key(public_exponent=65537, key_size=2048)
        .public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    ],
    ids=["nothing", "no object", "no key", "Ed25519", "private", "P-384", "RSA of 2048 bits"],
)
def test_a_key_that_may_not_sign_bundles_is_refused(content: bytes) -> None:
    with pytest.raises(BundleInvalid, match="cannot be used"):
        trusted_key("committee", content)


def test_a_key_is_the_same_in_pem_and_as_jwk() -> None:
    public = screen(public_jwk(key()), purpose="bundle")
    assert screen(from_pem(to_pem(public).encode()), purpose="bundle") == public


def test_only_keys_that_opa_verifies_sign() -> None:
    from gateway.crypto.errors import KeyRefused

    with pytest.raises(KeyRefused, match="ES256"):
        contents(bundle(), generate("Ed25519"))


def test_json_is_hashed_as_opa_hashes_it() -> None:
    """Without white space, members by their names' bytes, numbers as spelt (OPA itself: test_opa_bundles)."""
    one = b'{ "b": [1.0, 1e2, true, null], "a": "<&>\\u00e9\\n" }'
    assert (
        file_hash("x/data.json", one) == hashlib.sha256('{"a":"<&>é\\n","b":[1.0,1e2,true,null]}'.encode()).hexdigest()
    )
    assert file_hash("x/other.rego", one) == hashlib.sha256(one).hexdigest()

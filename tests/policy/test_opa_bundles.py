"""Bundles between the gateway and a real OPA: each loads what the other signed, and nobody loads what was changed."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from gateway.crypto.keys import screen
from gateway.crypto.pem import to_pem
from gateway.crypto.private import public_jwk
from gateway.policy.admission import examine
from gateway.policy.archive import contents, opened, packed, read_written, written
from gateway.policy.bundle import bundle_of, read_folder
from gateway.policy.decide import decide
from gateway.policy.errors import BundleInvalid, PolicyUnavailable
from gateway.policy.opa import OpaEngine
from gateway.policy.signing import file_hash, trusted_key
from tests.policy.archives import key, trusting
from tests.policy.documents import document
from tests.policy.engines import POLICIES, bundle, opa, opa_server, whole_bundle

pytestmark = pytest.mark.server

RULE = "access/rules/core_data/core_data.rego"


@pytest.fixture
def public(tmp_path: Path) -> Path:
    path = tmp_path / "key.pem"
    path.write_text(to_pem(screen(public_jwk(key()), purpose="bundle")))
    return path


def run(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [opa(), *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120, check=False)


def private_pem(path: Path, secret: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    """Write the private key; its public half as PEM."""
    path.write_bytes(secret.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))
    return secret.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize("form", ["file", "folder"])
def test_a_server_loads_what_the_gateway_signed_and_decides_under_its_digest(
    tmp_path: Path, public: Path, form: str
) -> None:
    made = contents(bundle(), key())
    place = tmp_path / ("bundle.tar.gz" if form == "file" else "bundle")
    if form == "file":
        place.write_bytes(packed(made))
    else:
        written(made, place)

    async def ask(address: str) -> None:
        engine = OpaEngine(address, bundle().digest, timeout_s=20)
        assert (await decide(engine, bundle().digest, document())).result == "permit"
        # Promise 9: under whichever other bundle is active here, this server decides nothing.
        with pytest.raises(PolicyUnavailable):
            await decide(engine, whole_bundle().digest, document())
        await engine.close()

    # OPA names a folder's files as they are seen from where it runs, and compares these names with the signed ones.
    shown, cwd = (place, None) if form == "file" else (Path("."), place)
    with opa_server(shown, "--verification-key", str(public), "--signing-alg", "ES256", cwd=cwd) as address:
        asyncio.run(ask(address))


def test_a_server_does_not_load_what_was_changed_after_it_was_signed(tmp_path: Path, public: Path) -> None:
    made = contents(bundle(), key())
    made[RULE] += b"\n"
    (tmp_path / "bundle.tar.gz").write_bytes(packed(made))
    refuses = opa_server(tmp_path / "bundle.tar.gz", "--verification-key", str(public), "--signing-alg", "ES256")
    with pytest.raises(AssertionError, match="stopped by itself"), refuses:
        pass
    with pytest.raises(BundleInvalid):
        opened((tmp_path / "bundle.tar.gz").read_bytes(), trusting())


@pytest.mark.parametrize("algorithm", ["ES256", "RS256", "PS256"])
def test_the_gateway_opens_what_opa_built_and_signed(tmp_path: Path, algorithm: str) -> None:
    """`opa build` merges all data into one file; the tables go back to where they were."""
    es256 = algorithm == "ES256"
    secret = ec.generate_private_key(ec.SECP256R1()) if es256 else rsa.generate_private_key(65537, 3072)
    pem = private_pem(tmp_path / "private.pem", secret)
    done = run("build", "--bundle", ".", "--revision", "our first", "--signing-key", tmp_path / "private.pem",
               "--signing-alg", algorithm, "--output", tmp_path / "bundle.tar.gz", cwd=POLICIES)  # fmt: skip
    assert done.returncode == 0, done.stderr
    archive = (tmp_path / "bundle.tar.gz").read_bytes()
    found = opened(archive, [trusted_key("committee", pem)])
    assert (found.revision, found.signed_by) == ("our first", "committee")
    assert found.bundle.rules == whole_bundle().rules
    assert found.bundle.modules == whole_bundle().modules
    named = dict(found.bundle.data, bundle=None)
    assert named == dict(whole_bundle().data, bundle=None)
    with pytest.raises(BundleInvalid, match="trusted"):
        opened(archive, trusting())
    examine(found.bundle, (), opa=Path(opa()))


def test_the_gateway_opens_what_opa_signed_and_the_digest_stays(tmp_path: Path) -> None:
    written(contents(bundle(), None), tmp_path / "bundle")
    pem = private_pem(tmp_path / "private.pem", ec.generate_private_key(ec.SECP256R1()))
    done = run("sign", "--bundle", ".", "--signing-key", "../private.pem", "--signing-alg", "ES256",
               cwd=tmp_path / "bundle")  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = opened(packed(read_written(tmp_path / "bundle")), [trusted_key("committee", pem)])
    assert found.bundle.digest == bundle().digest


def test_opa_computes_the_hashes_that_are_computed_here(tmp_path: Path) -> None:
    odd = {
        "z": [1, -1, 0.5, 1.0, 1e2, 1e-7, 123456789012],
        "a": '<&> "\\ \u2028\u2029 \u00e9 \U0001f600 \t\n\r\x01\x7f',
        "\ufb33": {},
        "\U0001f600": [],
        "nothing": None,
        "yes": True,
    }
    text = json.dumps(odd, indent=3).replace("1.0,", "1.0e0,")
    folder = tmp_path / "odd"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "data.json").write_text(text)
    (folder / "x.rego").write_text("package x\n")
    private_pem(tmp_path / "private.pem", ec.generate_private_key(ec.SECP256R1()))
    done = run("sign", "--bundle", ".", "--signing-key", "../private.pem", "--signing-alg", "ES256", cwd=folder)
    assert done.returncode == 0, done.stderr
    import jwt

    token = json.loads((folder / ".signatures.json").read_bytes())["signatures"][0]
    listed = jwt.decode(token, options={"verify_signature": False})["files"]
    assert {each["name"]: each["hash"] for each in listed} == {
        name: file_hash(name, (folder / name).read_bytes()) for name in ("deep/data.json", "x.rego")
    }


def test_opa_finds_what_the_interpreter_lets_pass() -> None:
    """An unused variable is what `--strict` is for; the embedded interpreter does not mind."""
    files = read_folder(POLICIES)
    files[RULE] = files[RULE].rstrip() + b"\n\ncore_data_unused if {\n\tx := 1\n\ttrue\n}\n"
    made = bundle_of(files)
    examine(made, (), opa=None)
    with pytest.raises(BundleInvalid, match=r"opa check --strict: .*core_data.rego"):
        examine(made, (), opa=Path(opa()))


def test_an_opa_that_is_not_there_stops_the_activation(tmp_path: Path) -> None:
    with pytest.raises(PolicyUnavailable, match="CORRIDOR_OPA"):
        examine(bundle(), (), opa=tmp_path / "opa")
    shutil.copy(opa(), tmp_path / "opa")
    examine(bundle(), (), opa=tmp_path / "opa")

"""The house keeps its rules: what every file of the project promises, whatever room it is in."""

from __future__ import annotations

import ast
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
SET_UP = {".git", ".venv", ".cache", ".corridor", "build", "dist", "uv.lock"}
MOST_LINES = 450


def files() -> list[Path]:
    """Every file that is tracked or would be; in an unpacked archive, every file that is not made by a set-up."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listing.returncode == 0 and listing.stdout:
        names = (Path(os.fsdecode(name)) for name in listing.stdout.rstrip(b"\0").split(b"\0"))
        return sorted(name for name in names if (ROOT / name).is_file())
    every = (path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file())
    return sorted(name for name in every if not SET_UP.intersection(name.parts) and "__pycache__" not in name.parts)


def texts() -> Iterator[tuple[Path, str]]:
    for name in files():
        content = (ROOT / name).read_bytes()
        if b"\0" not in content:
            yield name, content.decode("utf-8")


def lines_matching(pattern: str, *, flags: int = 0) -> list[str]:
    wanted = re.compile(pattern, flags)
    return [
        f"{name}:{number}: {line.strip()[:120]}"
        for name, text in texts()
        for number, line in enumerate(text.splitlines(), 1)
        if wanted.search(line)
    ]


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def readme_commands(program: str) -> set[str]:
    """The command lines in the README that call `program`, each up to the first word that is not a command's name."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    code = "\n".join(
        re.findall(r"^```[^\n]*\n(.*?)^```", text, re.MULTILINE | re.DOTALL) + re.findall(r"`([^`\n]+)`", text)
    )
    return set(re.findall(rf"^(?:\$ )?{program}((?: [a-z][a-z-]*)+)(?=[ ]|$)", code, re.MULTILINE))


def test_no_file_names_a_path_of_somebodys_machine() -> None:
    assert lines_matching(rf"/(?:work|root|home|Users)/[a-z]|{re.escape(str(ROOT))}/") == []


def test_no_file_names_the_host_of_a_package_index() -> None:
    hosts = r"pypi[.]org|pythonhosted[.]org|proxy[.]golang|sum[.]golang|registry[.]npmjs|deb[.]debian|maven[.]org"
    assert lines_matching(hosts, flags=re.IGNORECASE) == []


def test_nothing_is_left_for_later_in_a_comment() -> None:
    assert lines_matching(r"\b(?:TO(?:DO)|FIX(?:ME)|XX(?:X))\b") == []


def test_a_check_is_silenced_only_with_a_reason_beside_it() -> None:
    """`# type: ignore[code]  # why` and `# noqa: CODE  why`."""
    bare = r"#\s*type:\s*ignore(?:\[[^\]]*\])?\s*$|#\s*no(?:qa)(?::\s*[A-Z0-9, ]+)?\s*$|#\s*pragma:\s*no\s?cover\s*$"
    assert lines_matching(bare) == []


def test_no_module_is_so_long_that_everybody_edits_it() -> None:
    sizes = {str(name): text.count("\n") for name, text in texts() if name.suffix in {".py", ".rego"}}
    assert {name: lines for name, lines in sizes.items() if lines > MOST_LINES} == {}


LIBRARY = Path("gateway/sdk")


def test_every_package_has_a_door_plate_and_no_code_behind_it() -> None:
    packages = {name.parent for name in files() if name.suffix == ".py" and name.parts[0] in {"gateway", "connectors"}}
    packages = {package for package in packages if "versions" not in package.parts}  # Alembic's, not a package
    assert packages
    wrong = []
    for package in sorted(packages):
        plate = ROOT / package / "__init__.py"
        module = ast.parse(plate.read_text(encoding="utf-8")) if plate.exists() else ast.parse("")
        statements = [node for node in module.body[1:] if not _is_version(node)]
        if package == LIBRARY:  # what others import from: its names, each loaded when it is asked for
            statements = [node for node in statements if isinstance(node, ast.ClassDef | ast.For | ast.While)]
        if len(ast.get_docstring(module) or "") < 40 or statements:
            wrong.append(str(package))
    assert wrong == []


def _is_version(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["__version__"]


def test_every_module_says_what_it_is() -> None:
    modules = [name for name in files() if name.suffix == ".py" and name.parts[0] in {"gateway", "connectors"}]
    assert [str(name) for name in modules if not ast.get_docstring(ast.parse((ROOT / name).read_text("utf-8")))] == []


@pytest.mark.parametrize("name", ["client", "runtime", "demo", "dev", "uv", "build"])
def test_requirements_are_pinned_by_hash_and_name_no_address(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    entries = re.split(r"\n(?=\S)", text.strip())
    assert "://" not in text
    assert [
        e for e in entries if not re.match(r"[a-z0-9._-]+(\[[a-z]+\])?==\S+.* --hash=sha256:[0-9a-f]{64}", e, re.DOTALL)
    ] == []


def test_the_locked_versions_are_the_ones_the_project_asks_for() -> None:
    asked = project()
    groups: dict[str, list[str]] = asked["dependency-groups"]
    client = asked["project"]["dependencies"]
    runtime = client + asked["project"]["optional-dependencies"]["server"]
    for name, wanted in {
        "client": client,
        "runtime": runtime,
        "demo": runtime + groups["data"],
        "dev": runtime + groups["data"] + groups["dev"],
        "uv": groups["uv"],
        "build": groups["build"],
    }.items():
        text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
        locked = dict(re.findall(r"^([a-z0-9._-]+)==([^\s;]+)", text, re.MULTILINE))
        for requirement in wanted:
            pin = re.fullmatch(r"([a-z0-9-]+)(?:\[.*\])?==([^;\s]+).*", requirement)
            assert pin is not None, f"{requirement} is no pin of one version"
            package, version = pin.groups()
            assert locked.get(package) == version, f"{name}.txt has another {package}; run make lock"


def test_every_make_target_is_listed_by_help() -> None:
    listing = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert set(re.findall(r"^  make ([a-z]+)", listing.stdout, re.MULTILINE)) == make_targets()


def test_the_targets_that_the_readme_names_exist() -> None:
    named = {words.split()[0] for words in readme_commands("make")}
    assert {"demo", "test"} <= named <= make_targets()


def test_the_commands_that_the_readme_names_exist(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from gateway.cli.main import main

    named = readme_commands("corridor")
    assert named
    unknown = []
    for words in sorted(named):
        monkeypatch.setattr(sys, "argv", ["corridor", *words.split(), "--help"])
        try:
            code = main()
        except SystemExit as exit:
            code = exit.code
        if code not in (0, None):
            unknown.append(f"corridor{words}: {capsys.readouterr().err.strip()[-200:]}")
    assert unknown == []


def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    return loaded


def test_compose_has_no_default_secret() -> None:
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    with_default = re.findall(r"\$\{(\w+):?-", text)
    assert with_default == ["CORRIDOR_PUBLISHED_PORT"]
    for service, spec in compose()["services"].items():
        for variable, value in spec.get("environment", {}).items():
            if re.search(r"PASSWORD|TOKEN|SECRET|PASSPHRASE", variable):
                assert re.match(r"/run/secrets/|\$\{\w+:\?", value), f"{service}: {variable}"


def test_compose_publishes_on_loopback_only_and_hides_what_is_behind() -> None:
    services = compose()["services"]
    published = {name: port for name, spec in services.items() for port in spec.get("ports", [])}
    assert list(published) == ["gateway"]
    assert published["gateway"].startswith("127.0.0.1:")
    assert compose()["networks"]["inside"] == {"internal": True}
    assert services["opa"]["networks"] == services["database"]["networks"] == ["inside"]


def test_compose_sets_only_what_the_gateway_reads() -> None:
    from gateway.settings import Settings

    known = {f"CORRIDOR_{name.upper()}" for name in Settings.model_fields}
    dockerfile = set(re.findall(r"\b(CORRIDOR_\w+)=", (ROOT / "Dockerfile").read_text(encoding="utf-8")))
    gateway = {name for name in compose()["services"]["gateway"]["environment"] if name.startswith("CORRIDOR_")}
    assert (gateway | dockerfile) - known == set()


def test_one_version_of_opa_everywhere() -> None:
    script = (ROOT / ".ci" / "opa").read_text(encoding="utf-8")
    version = re.search(r"^version=(\S+)$", script, re.MULTILINE)
    assert version
    assert compose()["services"]["opa"]["image"] == f"openpolicyagent/opa:{version[1]}"


def test_the_image_builds_from_what_the_build_context_holds() -> None:
    copied = re.findall(r"^COPY (?!--)(.+) \S+$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    kept = re.findall(r"^!(\S+?)/?$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE)
    sources = {source for line in copied for source in line.split()}
    assert sources
    assert {source for source in sources if not (ROOT / source).exists()} == set()
    assert {source for source in sources if source.split("/")[0] not in kept} == set()


TOKEN = "the-only-one"
DECISION = "/v1/data/access/decision/decision"


@pytest.fixture(scope="module")
def compose_opa(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """OPA on a port of loopback, with the arguments and the configuration that docker-compose.yml gives it."""
    program = os.environ.get("CORRIDOR_OPA") or shutil.which("opa")
    assert program, "run this by make check, which brings OPA"
    here = tmp_path_factory.mktemp("opa")
    service, configs = compose()["services"]["opa"], compose()["configs"]
    for config in service["configs"]:
        target = here / config["target"].lstrip("/")
        target.parent.mkdir(exist_ok=True)
        target.write_text(configs[config["source"]]["content"], encoding="utf-8")
    (here / "bundle").mkdir()
    (here / "bundle" / ".manifest").write_text('{"roots": ["access"]}', encoding="utf-8")
    (here / "bundle" / "decision.rego").write_text("package access.decision\n\ndecision := 1\n", encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    arguments = [re.sub(r"^--addr=.*", f"--addr={address}", argument) for argument in service["command"]]
    arguments = [argument.lstrip("/") for argument in arguments]
    with (here / "log").open("wb") as log:
        server = subprocess.Popen(
            [program, *arguments], cwd=here, env={**os.environ, "CORRIDOR_OPA_TOKEN": TOKEN}, stdout=log, stderr=log
        )
    try:
        for _ in range(200):
            assert server.poll() is None, (here / "log").read_text(encoding="utf-8")
            with suppress(httpx2.TransportError):
                if httpx2.get(f"http://{address}/health?bundles").status_code == 200:
                    break
            time.sleep(0.1)
        yield f"http://{address}"
    finally:
        server.terminate()
        server.wait(timeout=10)


@pytest.mark.server
def test_the_opa_of_compose_decides_for_the_holder_of_the_token(compose_opa: str) -> None:
    answer = httpx2.post(compose_opa + DECISION, json={"input": {}}, headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.json()["result"] == 1


@pytest.mark.server
@pytest.mark.parametrize("headers", [{}, {"Authorization": TOKEN}, {"Authorization": "Bearer another"}])
def test_the_opa_of_compose_answers_nobody_else(compose_opa: str, headers: dict[str, str]) -> None:
    assert httpx2.post(compose_opa + DECISION, json={"input": {}}, headers=headers).status_code == 401


@pytest.mark.server
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/v1/policies/mine"),
        ("DELETE", "/v1/policies/bundle/decision.rego"),
        ("GET", "/v1/policies"),
        ("PUT", "/v1/data/access/decision"),
        ("PATCH", "/v1/data"),
        ("POST", "/v1/data"),
        ("POST", "/v1/data/system"),
        ("POST", "/v1/query"),
        ("POST", "/v1/compile"),
        ("GET", "/v1/config"),
    ],
)
def test_the_opa_of_compose_lets_nobody_change_or_read_the_rules(compose_opa: str, method: str, path: str) -> None:
    answer = httpx2.request(method, compose_opa + path, content=b"{}", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 401


@pytest.mark.server
def test_the_health_check_of_compose_tells_up_from_down(compose_opa: str) -> None:
    program = os.environ.get("CORRIDOR_OPA") or shutil.which("opa")
    assert program
    _, _, *arguments, query = compose()["services"]["opa"]["healthcheck"]["test"]
    up = query.replace("http://127.0.0.1:8181", compose_opa)
    down = query.replace("http://127.0.0.1:8181/health", compose_opa + "/nowhere")
    for asked, healthy in ((up, True), (down, False)):
        ended = subprocess.run([program, *arguments, asked], capture_output=True, check=False)
        assert (ended.returncode == 0) is healthy

"""A data space to measure in: a hospital, a pharma tenant with four researchers, a small and a large dataset.

Made over HTTP as anybody would make one, against the gateway that is measured afterwards.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from benchmarks.load import request
from gateway.audit.checkpoint import open_checkpoint
from gateway.audit.merkle import Frontier, leaf_hash
from gateway.audit.note import parse_vkey
from gateway.contracts.sign import party_entry
from gateway.crypto.canonical import b64url_decode
from gateway.crypto.private import generate, public_jwk
from gateway.founding import Initialised, initialise
from gateway.runtime import source_folder
from gateway.sdk.agentfile import AgentFile
from gateway.sdk.client import ASSERTION_TYPE, Client
from gateway.settings import Settings

HOSPITAL, PHARMA = "did:web:hospital.example", "did:web:pharma.example"
CONTRACTS = 16
RESEARCHERS = 4
LARGE = "measurements.parquet"
MASKS: list[dict[str, Any]] = [
    {"kind": "drop", "column": "site"},
    {"kind": "generalise", "column": "age", "method": "band", "width": 10},
    {"kind": "generalise", "column": "taken_on", "method": "month"},
]
COLUMNS = {
    "age": "integer",
    "sex": "string",
    "taken_on": "date",
    "test": "string",
    "value": "number",
    "low": "number",
    "high": "number",
    "site": "string",
    "device": "integer",
    "batch": "integer",
}


@dataclass
class Space:
    """What the measuring needs of the space: whom it asks as, and under which contracts."""

    settings: Settings
    url: str
    vkey: str
    researchers: list[Client]
    clients: ExitStack
    contracts: list[str] = field(default_factory=list)
    plain: str = ""
    masked: str = ""

    def body(self, contract: str, **members: Any) -> dict[str, Any]:
        """A read that the contract and the policy permit, of ten rows."""
        own = {"contract": contract, "action": "read", "mode": "M5", "purpose": {"id": "P05"}, "limit": 10}
        return own | {"columns": ["age", "sex", "value"]} | members

    def bodies(self) -> list[dict[str, Any]]:
        return [self.body(contract) for contract in self.contracts]

    def requests(self, path: str) -> list[bytes]:
        """Every researcher under every contract, with tokens that were issued just now."""
        tokens = self.tokens()
        return [request(path, body, token) for body in self.bodies() for token in tokens]

    def tokens(self) -> list[str]:
        form = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE}
        with httpx2.Client(base_url=self.url, timeout=30) as http:
            asked = [http.post("/v1/token", data=form | {"client_assertion": c.assertion()}) for c in self.researchers]
        return [str(answer.raise_for_status().json()["access_token"]) for answer in asked]

    def permits(self) -> int:
        """How many grants are in the log."""
        with self._database() as database:
            sql = "SELECT count(*) FROM log_entry WHERE type = 'access.decision' AND outcome = 'permit'"
            return int(database.execute(sql).fetchone()[0])

    def decision_inputs(self) -> list[bytes]:
        """What the decisions were made on so far, as the gateway keeps it; one for each entry, oldest first."""
        with self._database() as database:
            rows = database.execute("SELECT document FROM decision_input ORDER BY entry").fetchall()
        return [bytes(row[0]) for row in rows]

    def verify_log(self) -> int:
        """How many entries there are, once every one is what the log's key signed."""
        return verified(self._file, self.vkey)

    @property
    def _file(self) -> Path:
        return self.settings.home / "corridor.sqlite3"

    def _database(self) -> closing[sqlite3.Connection]:
        return closing(sqlite3.connect(f"file:{self._file}?mode=ro", uri=True))


def verified(file: Path, vkey: str) -> int:
    """Hash every stored entry again and compare with the head the log's key signed; how many there are."""
    tree = Frontier()
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
        for index, body in database.execute("SELECT idx, body FROM log_entry ORDER BY idx"):
            assert index == tree.size, "the log has a gap"
            tree.append(leaf_hash(body))
        (note,) = database.execute("SELECT checkpoint FROM log_head").fetchone()
    head = open_checkpoint(note, parse_vkey(vkey))
    assert (head.size, head.root) == (tree.size, tree.root()), "the log is not what its key signed"
    return tree.size


def initialised(folder: Path, port: int, large: Path | None) -> tuple[Settings, Initialised]:
    """Keys, database, operator; the hospital's two files where the gateway may read them."""
    settings = Settings(home=folder / "gateway", policy_engine="embedded")
    made = initialise(settings, public_url=f"http://127.0.0.1:{port}", did=None, location="CN-BJ", development=True)
    own = settings.source_root / source_folder(HOSPITAL)
    own.mkdir(parents=True)
    lines = [
        f"{20 + n % 60},{'fm'[n % 2]},2020-{1 + n % 12:02}-15,hb,{n}.5,1.5,9.5,s{n % 7},{n},{n}" for n in range(500)
    ]
    (own / "small.csv").write_text("\n".join([",".join(COLUMNS), *lines, ""]), encoding="ascii")
    if large is not None:
        (own / LARGE).hardlink_to(large)
    return settings, made


def furnished(settings: Settings, made: Initialised, port: int, *, large: bool) -> Space:
    """Everybody admitted, everything published and signed, at the gateway that now listens on `port`."""
    url, opened = f"http://127.0.0.1:{port}", ExitStack()

    def client(agent: str, participant: str, key: dict[str, Any]) -> Client:
        return opened.enter_context(Client(AgentFile(agent, participant, url, made.home.did, key)))

    operator = client(made.agent, made.home.operator, made.key)
    keys: dict[str, dict[str, str]] = {}
    agents: dict[str, list[Client]] = {}
    for did, kind, roles in (
        (HOSPITAL, "hospital", ["provider"]),
        (PHARMA, "pharma", ["researcher"] * RESEARCHERS),
    ):
        keys[did], admin_key = generate("Ed25519"), generate("ES256")
        admission = {
            "id": did,
            "name": kind,
            "facts": {"kind": kind, "country": "CN", "identity_verified": True, "for_profit": kind == "pharma"},
            "contract_key": {"kid": f"{did}#contract-1", "key": public_jwk(keys[did])},
            "first_agent": _agent("administrator", "admin", admin_key),
        }
        admin = client(operator.post("/v1/participants", admission)["first_agent"]["id"], did, admin_key)
        agents[did] = []
        for role in roles:
            key = generate("ES256")
            agents[did].append(client(admin.post("/v1/agents", _agent(role, role, key))["id"], did, key))
    provider, researcher = agents[HOSPITAL][0], agents[PHARMA][0]

    def agree(dataset: str, duties: Sequence[dict[str, Any]] = ()) -> str:
        offer = {"dataset": dataset, "consumer": PHARMA, "terms": _terms(duties)}
        draft = researcher.post("/v1/contracts", {"offer": provider.post("/v1/offers", offer)["id"]})
        for who, did in ((provider, HOSPITAL), (researcher, PHARMA)):
            signature = party_entry(
                b64url_decode(draft["payload"]), keys[did], f"{did}#contract-1", iat=int(time.time())
            )
            who.post(f"/v1/contracts/{draft['id']}/signatures", signature)
        return str(draft["id"])

    space = Space(settings, url, str(made.home.log.verifier), agents[PHARMA], opened)
    small = provider.post("/v1/datasets", _registration("csv", "small.csv"))["id"]
    space.contracts = [agree(small) for _ in range(CONTRACTS)]
    if large:
        dataset = provider.post("/v1/datasets", _registration("parquet", LARGE))["id"]
        space.plain, space.masked = agree(dataset), agree(dataset, MASKS)
    return space


def _agent(label: str, role: str, key: dict[str, str]) -> dict[str, Any]:
    return {"label": label, "roles": [role], "location": "CN-BJ", "key": public_jwk(key)}


def _registration(kind: str, path: str) -> dict[str, Any]:
    return {
        "metadata": {
            "title": f"Laboratory values ({kind})",
            "description": "Made up by the benchmarks: one row for each measurement.",
            "keyword": ["laboratory"],
            "health_category": ["Chronic diseases"],
            "licence": "made up",
        },
        "source": {"kind": kind, "path": path},
        "columns": [{"name": name, "type": type_, "role": "plain"} for name, type_ in COLUMNS.items()],
        "governance": {
            "origin": ["CN"],
            "identifiability": "limited",
            "contains": ["health"],
            "persons": 17549,
            "under_14": False,
            "classification": {"scheme": "GB/T 39725-2020", "level": 3},
            "source_level": 3,
            "duo": [{"id": "DUO:0000042"}],
            "consent": {"basis": "statute"},
            "provenance_statement": "made-up-1",
        },
        "visibility": {"everyone": True},
    }


def _terms(duties: Sequence[dict[str, Any]]) -> dict[str, Any]:
    now = int(time.time())
    return {
        "actions": ["read", "aggregate"],
        "purposes": ["P05"],
        "delivery_modes": ["M3", "M5"],
        "columns": list(COLUMNS),
        "processing_locations": ["CN-BJ"],
        "valid_from": now - 60,
        "valid_to": now + 30 * 24 * 3600,
        "duties": list(duties),
        "prohibitions": ["reidentify", "distribute"],
    }

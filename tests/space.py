"""A small running data space: a real server on loopback, four organisations, two datasets of a few hundred rows."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from gateway.approvals.document import Approval, sign_approval
from gateway.cli.demo import free_port, serving
from gateway.contracts.sign import party_entry
from gateway.crypto.canonical import b64url_decode
from gateway.crypto.keyrequest import sign_request
from gateway.crypto.private import generate, public_jwk
from gateway.founding import initialise
from gateway.ids import handle, urn
from gateway.runtime import source_folder
from gateway.sdk.agentfile import AgentFile
from gateway.sdk.client import Client
from gateway.settings import Settings

HOSPITAL = "did:web:hospital.example"
PHARMA = "did:web:pharma.example"
INSTITUTE = "did:web:institute.example"
OVERSEAS = "did:web:overseas.example"
OPERATOR = "operator"
NEVER_WAS = "urn:uuid:00000000-0000-7000-8000-000000000000"
NO_AGENT = "a-00000000000000000000"
NO_ENTRY = "00000000-0000-7000-8000-000000000000"
ROLES = ("admin", "provider", "researcher", "officer", "reviewer")
ROWS = 300
YEAR_S = 365 * 24 * 3600
COLUMNS = ("subject_id", "sex", "age", "ward", "seen", "score", "note")


@dataclass
class Party:
    """A participant: its contract key, and a client for an agent of every role."""

    did: str
    contract_key: dict[str, str] = field(repr=False)
    agents: dict[str, Client] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)
    key_name: str = "contract-1"

    @property
    def kid(self) -> str:
        return f"{self.did}#{self.key_name}"

    def sign(self, draft: Any, *, key: dict[str, str] | None = None) -> dict[str, str]:
        payload = b64url_decode(draft["payload"])
        return party_entry(payload, key or self.contract_key, self.kid, iat=int(time.time()))


class Space:
    """The organisations and what they have agreed on. `ids` are the two datasets'."""

    def __init__(self, folder: Path, settings: Settings, port: int) -> None:
        self.folder, self.settings, self.port = folder, settings, port
        self.url = f"http://127.0.0.1:{port}"
        made = initialise(settings, public_url=self.url, did=None, location="CN-BJ", development=True)
        self.gateway, self.vkey = made.home.did, str(made.home.log.verifier)
        self.parties: dict[str, Party] = {}
        operator = Party(made.home.operator, made.contract_key)
        operator.agents[OPERATOR] = self.client(operator, OPERATOR, made.agent, made.key)
        self.parties[OPERATOR] = self.parties[made.home.operator] = operator
        self.datasets: dict[str, str] = {}
        # One for all: a client of its own for each request would build a TLS context each time. Safe between threads.
        self.http = httpx2.Client(base_url=self.url, timeout=60, limits=httpx2.Limits(max_connections=100))

    def populate(self) -> None:
        """Admit four organisations, and publish a CSV and a Parquet file of the hospital's."""
        self.admit(HOSPITAL, "hospital", for_profit=False, public_body=True)
        self.admit(PHARMA, "pharma")
        self.admit(INSTITUTE, "research_institute", for_profit=False)
        self.admit(OVERSEAS, "pharma", country="DE", location="DE", overseas_entity=True)
        table = visits()
        pyarrow.parquet.write_table(table, self.source("visits.parquet"))
        self.source("visits.csv").write_text(csv_text(table), encoding="utf-8", newline="")
        for kind in ("csv", "parquet"):
            self.datasets[kind] = self.publish(registration(kind))["id"]

    # -- who ---------------------------------------------------------------------------------------------------------

    def admit(self, did: str, kind: str, *, country: str = "CN", location: str = "CN-BJ", **facts: Any) -> Party:
        """Admit an organisation and enrol an agent of every role."""
        party = self.parties[did] = Party(did, dict(generate("Ed25519")))
        body, key = self.admission(party, kind, country=country, location=location, **facts)
        answer = self.operator.post("/v1/participants", body)
        party.agents["admin"] = self.client(party, "admin", answer["first_agent"]["id"], key)
        for role in ROLES[1:]:
            self.enrol(did, role, location=location)
        return party

    def admission(
        self, party: Party, kind: str, *, country: str = "CN", location: str = "CN-BJ", **facts: Any
    ) -> tuple[dict[str, Any], dict[str, str]]:
        """The body that admits a party, and the private key of its first agent."""
        key = dict(generate("ES256"))
        agent = {"label": "administrator", "roles": ["admin"], "location": location, "key": public_jwk(key)}
        return {
            "id": party.did,
            "name": party.did.rpartition(":")[2],
            "facts": {"kind": kind, "country": country, "identity_verified": True, **facts},
            "contract_key": {"kid": party.kid, "key": public_jwk(party.contract_key)},
            "first_agent": agent,
        }, key

    def enrol(self, did: str, role: str, *, name: str | None = None, location: str = "CN-BJ") -> Client:
        """A new agent of a participant with one role, kept under `name`."""
        party, key = self.parties[did], dict(generate("ES256"))
        admin = party.agents["admin" if "admin" in party.agents else OPERATOR]
        body = {"label": role, "roles": [role], "location": location, "key": public_jwk(key)}
        agent = admin.post("/v1/agents", body)["id"]
        party.agents[name or role] = self.client(party, name or role, agent, key)
        return party.agents[name or role]

    def new_key(self, did: str) -> None:
        """A participant whose key was marked compromised gets another."""
        party, key = self.parties[did], dict(generate("Ed25519"))
        party.key_name, party.contract_key = f"contract-{handle()[-8:]}", key
        request = sign_request(key, party.kid, gateway=self.gateway, iat=int(time.time()))
        party.agents["admin"].post("/v1/keys", json.loads(request))
        self.operator.post(f"/v1/participants/{did}/keys/{party.key_name}/approve", {})

    def client(self, party: Party, name: str, agent: str, key: dict[str, Any]) -> Client:
        file = AgentFile(agent, party.did, self.url, self.gateway, dict(key))
        path = self.folder / "agents" / f"{party.did.replace(':', '-')}-{name}.json"
        file.save(path)
        party.files[name] = path
        return Client(file)

    def agent(self, did: str, role: str) -> Client:
        return self.parties[did].agents[role]

    @property
    def operator(self) -> Client:
        return self.agent(OPERATOR, OPERATOR)

    # -- raw HTTP ----------------------------------------------------------------------------------------------------

    def call(self, client: Client | None, method: str, path: str, **kwargs: Any) -> httpx2.Response:
        """The answer as it is, refusals too; without a client, without a token."""
        headers = {**(token_of(client) if client else {}), **kwargs.pop("headers", {})}
        return self.http.request(method, path, headers=headers, **kwargs)

    def log_size(self) -> int:
        """Entries in the log. Asking is not an entry."""
        return int(self.operator.raw("/v1/audit/checkpoint").splitlines()[1])

    def entries(self, **wanted: Any) -> list[dict[str, Any]]:
        """The log's newest entries' records, newest first, as the operator's officer sees them."""
        page = self.operator.get("/v1/audit/entries", **{"limit": 500, **wanted})
        return [{**entry["record"], "index": entry["index"], "entry": entry["id"]} for entry in page["entries"]]

    # -- data and contracts ------------------------------------------------------------------------------------------

    def source(self, name: str, did: str = HOSPITAL) -> Path:
        """Where a participant's file lies, in its own folder."""
        folder = self.settings.source_root / source_folder(did)
        folder.mkdir(parents=True, exist_ok=True)
        return folder / name

    def publish(self, body: dict[str, Any], did: str = HOSPITAL) -> Any:
        return self.agent(did, "provider").post("/v1/datasets", body)

    def offer(self, dataset: str, *, consumer: str | None = PHARMA, did: str = HOSPITAL, **members: Any) -> Any:
        body = {"dataset": dataset, "consumer": consumer, "terms": terms(**members)}
        return self.agent(did, "provider").post("/v1/offers", body)

    def accept(self, offer: str, *, consumer: str = PHARMA) -> Any:
        return self.agent(consumer, "researcher").post("/v1/contracts", {"offer": offer})

    def sign(self, contract: str, did: str) -> Any:
        client = self.agent(did, "admin")
        draft = client.get(f"/v1/contracts/{contract}")
        return client.post(f"/v1/contracts/{contract}/signatures", self.parties[did].sign(draft))

    def agree(self, dataset: str, *, consumer: str = PHARMA, did: str = HOSPITAL, **members: Any) -> str:
        """A contract in force, by its id."""
        offer = self.offer(dataset, consumer=consumer, did=did, **members)
        contract: str = self.accept(offer["id"], consumer=consumer)["id"]
        self.sign(contract, did)
        assert self.sign(contract, consumer)["state"] == "FINALIZED"
        return contract

    def approval(self, issuer: str, kind: str, **members: Any) -> Approval:
        """What an issuer approves of the CSV dataset for the pharma company, until tomorrow."""
        now = int(time.time())
        extras: dict[str, Any] = {"ethics": {"exempt": False}, "export": {"mechanism": "scc"}}.get(kind, {})
        body = {
            "ver": 1,
            "typ": "DataUseApproval",
            "id": urn(),
            "gateway": self.gateway,
            "issuer": issuer,
            "kind": kind,
            "ref": f"{kind} 2026 伦理 7",
            "iat": now,
            "nbf": now - 60,
            "exp": now + 86_400,
            "datasets": [self.datasets["csv"]],
            "recipients": [PHARMA],
            "purposes": ["P05"],
        }
        return Approval.model_validate(body | extras | members)

    def signed(self, content: Approval, *, iat: int | None = None) -> dict[str, str]:
        """The approval as its issuer hands it out."""
        party, at = self.parties[content.issuer], int(time.time()) if iat is None else iat
        document: dict[str, str] = json.loads(sign_approval(content, party.contract_key, party.kid, iat=at))
        return document

    def approve(self, issuer: str, kind: str, *, did: str = PHARMA, **members: Any) -> str:
        """An approval, recorded by a recipient; its id."""
        body = self.signed(self.approval(issuer, kind, **members))
        identity: str = self.agent(did, "researcher").post("/v1/approvals", body)["id"]
        return identity

    def ask(self, contract: str, *, did: str = PHARMA, **members: Any) -> httpx2.Response:
        """One access as a consumer's researcher, read whole."""
        return self.call(self.agent(did, "researcher"), "POST", "/v1/access", json=wanted(contract, **members))

    def read(self, contract: str, **members: Any) -> list[dict[str, str]]:
        """Rows of a permitted read or aggregate, as CSV gives them."""
        response = self.ask(contract, **members)
        assert response.status_code == 200, response.text
        return list(csv.DictReader(io.StringIO(response.text)))

    def left(self, contract: str, did: str = PHARMA) -> dict[str, int]:
        left: dict[str, int] = self.agent(did, "researcher").get(f"/v1/contracts/{contract}")["left"]
        return left


@contextmanager
def data_space(folder: Path, **settings: Any) -> Iterator[Space]:
    """A data space on its own server, gone afterwards."""
    made = Settings(home=folder / "gateway", **settings)
    space = Space(folder, made, free_port())
    with serving(made, space.port):
        space.populate()
        try:
            yield space
        finally:
            space.http.close()
            for party in space.parties.values():
                for client in party.agents.values():
                    client.close()


def token_of(client: Client) -> dict[str, str]:
    """The headers of a request by this agent."""
    return {"authorization": f"Bearer {client.token()}"}


def token_request(client: Client, assertion: str) -> dict[str, str]:
    return {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": assertion,
    }


def wanted(contract: str, **members: Any) -> dict[str, Any]:
    """The body of a read of two columns that any contract of ours permits, or of what `members` say."""
    body = {
        "contract": contract,
        "action": "read",
        "mode": "M5",
        "purpose": {"id": "P05"},
        "columns": ["sex", "score"],
        "format": "csv",
    }
    return {name: value for name, value in (body | members).items() if value is not None}


def terms(**members: Any) -> dict[str, Any]:
    now = int(time.time())
    return {
        "actions": ["read", "aggregate"],
        "purposes": ["P05"],
        "delivery_modes": ["M3", "M5"],
        "columns": list(COLUMNS),
        "processing_locations": ["CN-BJ"],
        "valid_from": now - 60,
        "valid_to": now + YEAR_S,
        "duties": [{"kind": "generalise", "column": "age", "method": "band", "width": 10}],
        "prohibitions": ["reidentify", "distribute"],
        **members,
    }


def registration(kind: str = "csv", **members: Any) -> dict[str, Any]:
    """The view of the visits: every column but the name."""
    columns = [
        ("subject_id", "integer", "direct_identifier"),
        ("sex", "string", "quasi_identifier"),
        ("age", "integer", "quasi_identifier"),
        ("ward", "string", "quasi_identifier"),
        ("seen", "date", "quasi_identifier"),
        ("score", "number", "sensitive"),
        ("note", "string", "sensitive"),
    ]
    return {
        "metadata": {
            "title": f"Visits to a clinic, as {kind}",
            "description": "Every visit of a year, with the ward and a score of how well it went.",
            "keyword": ["visit", f"{kind}-file"],
            "health_category": ["Infectious diseases" if kind == "csv" else "Chronic diseases"],
            "licence": "made by a test",
        },
        "source": {"kind": kind, "path": f"visits.{kind}"},
        "columns": [dict(zip(("name", "type", "role"), column, strict=True)) for column in columns],
        "person_column": "subject_id",
        "governance": {
            "origin": ["CN"],
            "identifiability": "limited",
            "contains": ["health"],
            "persons": 150,
            "under_14": False,
            "classification": {"scheme": "GB/T 39725-2020", "level": 3},
            "source_level": 4,
            "deidentification_report": "report-7",
            "duo": [{"id": "DUO:0000042"}],
            "consent": {"basis": "statute"},
            "provenance_statement": "statement-7",
        },
        "visibility": {"everyone": True},
        **members,
    }


def visits(rows: int = ROWS) -> pa.Table:
    """Visits of half as many persons. One ward is small; some notes begin like formulas, some scores are negative."""
    days = [18262 + n % 300 for n in range(rows)]
    notes = ["=1+1", "@SUM(A1)", "-2.5", "well", '=cmd|" /C calc"!A0', "+49 30 1", None, "a,b"]
    return pa.table(
        {
            "subject_id": pa.array([1000 + n // 2 for n in range(rows)], pa.int64()),
            "full_name": pa.array([f"Westerling {n // 2}" for n in range(rows)]),
            "sex": pa.array(["female" if n // 2 % 3 else "male" for n in range(rows)]),
            "age": pa.array([20 + n // 2 % 60 for n in range(rows)], pa.int64()),
            "ward": pa.array(["tropical" if n < 6 else f"ward {'ABC'[n // 2 % 3]}" for n in range(rows)]),
            "seen": pa.array(days, pa.int32()).cast(pa.date32()),
            "score": pa.array([(n % 40) / 4 - 5 for n in range(rows)], pa.float64()),
            "note": pa.array([notes[n % len(notes)] for n in range(rows)]),
        }
    )


def csv_text(table: pa.Table) -> str:
    sink = pa.BufferOutputStream()
    pyarrow.csv.write_csv(table, sink)
    return bytes(sink.getvalue()).decode()

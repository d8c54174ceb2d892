"""The yardstick of R3: the same answer put together the obvious way from the same libraries.

A sync route, an SQLModel session as dependency on SQLite with its default journal, the token and the contract's two
signatures verified from PEM each time, OPA asked over a reused sync client, one `BaseHTTPMiddleware`, an access log.
Not the worst form: a client made for each request would cost three times as much.
"""

from __future__ import annotations

import json
import logging
import os
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import httpx2
import jwt
import regorus
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from fastapi import Depends, FastAPI, Header, HTTPException, Request, Response
from pydantic import BaseModel
from sqlalchemy.orm import registry
from sqlmodel import Field, Session, SQLModel, create_engine
from starlette.middleware.base import BaseHTTPMiddleware

from gateway.access.request import AccessRequest
from gateway.policy.bundle import load_bundle
from gateway.settings import POLICIES

FOLDER, OPA = "NAIVE_FOLDER", "NAIVE_OPA"
_RULE = "data.access.decision.decision"

logger = logging.getLogger("uvicorn.error")


class NaiveBase(SQLModel, registry=registry()):
    """Tables of its own: the gateway's migrations must not find them."""


class NaiveAgent(NaiveBase, table=True):
    id: str = Field(primary_key=True)
    facts: str


class NaiveContract(NaiveBase, table=True):
    id: str = Field(primary_key=True)
    provider_jws: str
    consumer_jws: str
    facts: str


class NaiveAudit(NaiveBase, table=True):
    id: str = Field(primary_key=True)
    at: int
    agent: str
    contract: str
    result: str
    document: str


class Answer(BaseModel):
    result: str
    bundle: str
    reasons: list[dict[str, Any]]
    obligations: list[dict[str, Any]]
    limits: dict[str, Any]
    entry: str


def furnish(folder: Path, documents: list[bytes], token_key: dict[str, Any]) -> None:
    """The service's files: keys as PEM, and rows made of what Corridor's own decisions were made on."""
    folder.mkdir()
    (folder / "token.pem").write_bytes(_public_pem(jwt.PyJWK(token_key).key))
    keys = {name: ec.generate_private_key(ec.SECP256R1()) for name in ("provider", "consumer")}
    for name, key in keys.items():
        (folder / f"{name}.pem").write_bytes(_public_pem(key.public_key()))
    pems = {n: k.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) for n, k in keys.items()}
    engine = create_engine(f"sqlite:///{folder}/naive.sqlite3")
    NaiveBase.metadata.create_all(engine, tables=[NaiveBase.metadata.tables[n] for n in _TABLES])
    with Session(engine) as session:
        for document in map(json.loads, documents):
            terms, agent = document["contract"], document["user"]["id"]
            signed = {name: jwt.encode(terms, pem, algorithm="ES256") for name, pem in pems.items()}
            facts = json.dumps({name: document[name] for name in ("provider", "dataset", "approvals")})
            session.merge(
                NaiveContract(
                    id=terms["id"], provider_jws=signed["provider"], consumer_jws=signed["consumer"], facts=facts
                )
            )
            about = {name: document[name] for name in ("participant", "user", "request")}
            session.merge(NaiveAgent(id=agent, facts=json.dumps(about)))
        session.commit()
    engine.dispose()


def recorded(folder: Path) -> int:
    """How many decisions the service wrote down."""
    engine = create_engine(f"sqlite:///{folder}/naive.sqlite3")
    with engine.connect() as connection:
        found = int(connection.exec_driver_sql("SELECT count(*) FROM naiveaudit").scalar_one())
    engine.dispose()
    return found


def application() -> FastAPI:
    folder = Path(os.environ[FOLDER])
    # With the default pool and patience it stands still at 64 connections, which would flatter Corridor.
    patient = {"check_same_thread": False, "timeout": 60}
    engine = create_engine(f"sqlite:///{folder}/naive.sqlite3", connect_args=patient, pool_size=128)
    evaluate = _opa(os.environ[OPA]) if os.environ.get(OPA) else _embedded()
    pems = {name: (folder / f"{name}.pem").read_bytes() for name in ("token", "provider", "consumer")}
    app = FastAPI()

    async def timed(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        started = time.perf_counter()
        response = await call_next(request)
        response.headers["x-process-time"] = f"{time.perf_counter() - started:.6f}"
        return response

    app.add_middleware(BaseHTTPMiddleware, dispatch=timed)

    app.state.engine = engine

    @app.post("/access")
    def access(
        body: AccessRequest, authorization: Annotated[str, Header()], db: Annotated[Session, Depends(_session)]
    ) -> Answer:
        token = authorization.removeprefix("Bearer ")
        options: Any = {"verify_aud": False}
        try:
            claims = jwt.decode(token, pems["token"], algorithms=["ES256"], options=options)
        except jwt.PyJWTError:
            raise HTTPException(401, "not authenticated") from None
        agent, contract = db.get(NaiveAgent, claims["sub"]), db.get(NaiveContract, body.contract)
        if agent is None or contract is None:
            raise HTTPException(404, "not found")
        terms = jwt.decode(contract.provider_jws, pems["provider"], algorithms=["ES256"])
        if terms != jwt.decode(contract.consumer_jws, pems["consumer"], algorithms=["ES256"]):
            raise HTTPException(409, "the parties signed different terms")
        about, document = json.loads(agent.facts), json.loads(contract.facts)
        document |= {"context": {"now": int(time.time())}, "contract": terms}
        document |= {"participant": about["participant"], "user": about["user"]}
        asked = {"action": body.action, "mode": body.mode, "columns": list(body.columns)}
        asked["purpose"] = about["request"]["purpose"] | {"id": body.purpose.id}
        document["request"] = about["request"] | asked
        decision = evaluate(document)
        entry = NaiveAudit(
            id=str(uuid.uuid4()),
            at=document["context"]["now"],
            agent=claims["sub"],
            contract=body.contract,
            result=decision["result"],
            document=json.dumps(document),
        )
        db.add(entry)
        db.commit()
        db.refresh(entry)
        logger.info("decided %s for %s: %s", entry.id, entry.agent, entry.result)
        if decision["result"] != "permit":
            raise HTTPException(403, decision)
        return Answer(**decision, entry=entry.id)

    return app


def _session(request: Request) -> Iterator[Session]:
    with Session(request.app.state.engine) as opened:
        yield opened


def _opa(url: str) -> Callable[[dict[str, Any]], Any]:
    client = httpx2.Client(base_url=url, timeout=30)
    path = f"/v1/{_RULE.replace('.', '/')}"
    return lambda document: client.post(path, json={"input": document}).raise_for_status().json()["result"]


def _embedded() -> Callable[[dict[str, Any]], Any]:
    bundle = load_bundle(POLICIES)

    def evaluate(document: dict[str, Any]) -> Any:
        engine = regorus.Engine()
        for path, text in bundle.modules.items():
            engine.add_policy(path, text)
        engine.add_data_json(json.dumps(bundle.data))
        engine.set_input_json(json.dumps(document))
        return json.loads(engine.eval_rule_as_json(_RULE))

    return evaluate


def _public_pem(key: Any) -> bytes:
    pem: bytes = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem


_TABLES = ("naiveagent", "naivecontract", "naiveaudit")

"""Founding a gateway: its keys, its database, the operator with its first agent, and the log's first entries."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from gateway.audit.continuity import Pin
from gateway.audit.create import create_log
from gateway.audit.deed import Deed
from gateway.audit.event import Actor, Object
from gateway.audit.event import Source as Node
from gateway.audit.log import Log, Outcome, Record
from gateway.audit.reader import head
from gateway.crypto.keys import screen
from gateway.crypto.private import generate, public_jwk
from gateway.db import Database, Tx
from gateway.home import Home
from gateway.identity import enrolment
from gateway.identity.caller import AgentRole
from gateway.identity.enrolment import Enrolment
from gateway.migrations.migrate import migrate
from gateway.participants import onboarding
from gateway.participants.model import Facts, Kind
from gateway.participants.onboarding import Admission
from gateway.policy.admission import examine
from gateway.policy.bundle import Bundle, load_bundle
from gateway.settings import POLICIES, Settings


@dataclass(frozen=True, slots=True)
class Initialised:
    """What `corridor init` made: the home, the operator's first agent, and that agent's private key."""

    home: Home
    agent: str
    key: dict[str, Any]
    contract_key: dict[str, Any]


def initialise(
    settings: Settings, *, public_url: str, did: str | None, location: str, development: bool
) -> Initialised:
    """Make a gateway: keys, database, the operator with its first agent, and the log's first entries.

    Raises:
        HomeRefused, LogExists: there is a gateway here already; nothing was changed.
        BundleInvalid: the rules it would begin with may not decide.
    """
    bundle = load_bundle(settings.policies, settings.packs_on)
    if settings.policies != POLICIES:
        # The rules that come with the gateway are as much to be trusted as its code.
        examine(bundle, (), opa=settings.opa)
    home = Home.create(
        settings.home, public_url=public_url, did=did, development=development, passphrase=settings.passphrase()
    )
    db = Database(settings.database)
    db.claim()
    with db.writing_connection() as connection:
        with connection.begin():
            migrate(connection)
        with connection.begin():
            create_log(Tx(connection), home.log, bundle=bundle.digest)
    log = Log(db, signer=home.log, clock=time.time)
    log.start()
    try:
        agent_key, contract_key = generate("ES256"), generate("Ed25519")
        agent = log.record(lambda tx: _first_entries(tx, home, bundle, agent_key, contract_key, location)).value
        with db.reading_tx() as tx:
            Pin(settings.home, home.log.verifier).advance(head(tx, home.log.verifier)[0])
    finally:
        log.close()
        db.close()
    (settings.source_root).mkdir(parents=True, exist_ok=True, mode=0o700)
    return Initialised(home, agent, agent_key, contract_key)


def _first_entries(
    tx: Tx, home: Home, bundle: Bundle, agent_key: dict[str, str], contract_key: dict[str, str], location: str
) -> Outcome:
    deed = Deed(Actor("gateway", home.operator), Node(home.origin, site=home.did), time.time())
    begun = deed.event(
        "gateway.initialised",
        objects=(Object("gateway", home.did), Object("policy", bundle.digest)),
        facts={
            "origin": home.origin,
            "countersign_kid": home.countersigner.kid,
            "token_thumbprint": f"sha-256:{home.tokens.public.thumbprint}",
            "development": home.development,
        },
    )
    facts = Facts(kind=Kind.OPERATOR, country=location[:2], identity_verified=True, for_profit=False, public_body=True)
    key = screen(public_jwk(contract_key), purpose="contract")
    admission = Admission(home.operator, "Operator", facts, f"{home.operator}#contract-1", key)
    admitted = onboarding.admit(tx, admission, deed)
    roles = (AgentRole.OPERATOR, AgentRole.ADMIN, AgentRole.OFFICER)
    first = Enrolment(
        home.operator, "first operator", roles, location, False, screen(public_jwk(agent_key), purpose="agent")
    )
    enrolled = enrolment.enrol(tx, first, deed)
    records = (Record(begun, (home.operator,)), *admitted.records, *enrolled.records)
    return Outcome(records, enrolled.value.id)

"""What is recorded: one event, of a closed list of types, as the frozen value that becomes an entry's bytes.

The record is that of audit-profiles.md section 3. An event is judged when it is made, so that one which could not be
written never reaches the log's writer: names and ids are short ASCII tokens, sentences come from rules only, there are
no floats, and whatever passes is under the 65,535 bytes of an entry.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from operator import attrgetter
from types import MappingProxyType
from typing import Any, ClassVar, Final

import orjson

from gateway import __version__
from gateway.audit.event_types import TYPES
from gateway.clock import instant
from gateway.crypto.canonical import MAX_INTEGER, judged_json, record_json
from gateway.crypto.errors import CanonicalError
from gateway.ids import random_bytes, uuid7

SCHEMA: Final = "gateway.audit/1"
HOUSE_RETENTION_YEARS: Final = 6

MAX_ROLES: Final = 8
MAX_RULES: Final = 128
MAX_OBJECTS: Final = 8
MAX_FACTS: Final = 16
MAX_PARTIES: Final = 64
MAX_REASON: Final = 1_500
MAX_DEMANDS_BYTES: Final = 16_384

OUTCOME_CODES: Final = MappingProxyType(
    {"success": "0", "permit": "0", "refer": "4", "deny": "8", "failure": "8", "error": "12"}
)
"""FHIR R4 AuditEvent.outcome. A delivery that broke off is partial, which is a minor failure: "4"."""

_DECIDED = frozenset({"permit", "deny", "refer"})

# Ids, codes, digests, instants: nothing that could be a sentence or a person's name in any script but ours.
_TOKEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/#?&=%+,@~-]{0,254}").fullmatch
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/#@-]{0,63}").fullmatch
_CLASSIFICATION = re.compile(r"[A-Za-z0-9./ -]{1,64}:[0-9]{1,2}").fullmatch
_USER = re.compile(r"a-[0-9a-f]{20}|gateway|unknown").fullmatch
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}").fullmatch


def _refuse(name: str, value: Any) -> None:
    """Refuse what must not be in an entry: sentences, floats, endless lists."""
    kind = type(value)
    if value is None or kind is bool:
        return
    if kind is str:
        if name != "classification" and _TOKEN(value) is None:
            raise ValueError(f"{name} of an audit event is a short name or id, not text")
    elif kind is int:
        if not 0 <= value <= MAX_INTEGER:
            raise ValueError(f"{name} of an audit event is a whole number from 0 to 2**53 - 1")
    elif kind is tuple and len(value) <= MAX_RULES:
        for item in value:
            if type(item) is not str or _NAME(item) is None:
                raise ValueError(f"{name} of an audit event is a list of short names")
    else:
        raise ValueError(f"{name} of an audit event cannot be a {kind.__name__} of that size")


class _Group:
    """A part of the record. Its members are what its slots are named, in the record as here."""

    __slots__: tuple[str, ...] = ()
    _values: ClassVar[Callable[[Any], tuple[Any, ...]]]
    """All members at once, in their order."""

    def __init_subclass__(cls) -> None:
        if cls.__slots__:  # a dataclass with slots is made twice; the first time it has none
            cls._values = staticmethod(attrgetter(*cls.__slots__))

    def __post_init__(self) -> None:
        # Most members are null, or a name: the way of one access makes some forty of them.
        for name, value in zip(self.__slots__, type(self)._values(self), strict=True):
            if value is not None and (type(value) is not str or _TOKEN(value) is None):
                _refuse(name, value)

    def members(self) -> dict[str, Any]:
        return dict(zip(self.__slots__, type(self)._values(self), strict=True))


@dataclass(frozen=True, slots=True)
class Actor(_Group):
    """Who acted, as evaluated then. `user_id`: an agent's random handle, `gateway` itself, or `unknown`."""

    user_id: str
    org_id: str
    org_kind: str | None = None
    roles: tuple[str, ...] = ()
    issuer: str | None = None
    foreign_party: bool | None = None
    token_jti: str | None = None
    auth_method: str | None = None

    def __post_init__(self) -> None:
        _Group.__post_init__(self)
        if _USER(self.user_id) is None:
            raise ValueError("an agent appears in the log under its random handle only")
        if len(self.roles) > MAX_ROLES:
            raise ValueError(f"an actor has at most {MAX_ROLES} roles")


@dataclass(frozen=True, slots=True)
class Client(_Group):
    """What the actor used. Addresses stay off the log: `address_digest` is a salted digest."""

    client_id: str | None = None
    address_digest: str | None = None


@dataclass(frozen=True, slots=True)
class Source(_Group):
    """Which node recorded it; type 6 is a security server (FHIR security-source-type)."""

    observer_id: str
    site: str | None = None
    type: str = "6"
    software: str = f"corridor/{__version__}"


@dataclass(frozen=True, slots=True)
class Request(_Group):
    """What was asked, as evaluated."""

    request_id: str | None = None
    trace_id: str | None = None
    operation: str | None = None
    mode: str | None = None
    purpose_id: str | None = None
    act_reason: str | None = None
    processing_location: str | None = None
    export: bool | None = None
    query_digest: str | None = None


@dataclass(frozen=True, slots=True)
class Contract(_Group):
    """The exact contract relied on; `digest` of its signed bytes."""

    id: str
    digest: str
    version: int = 1
    signatures_ok: bool = True


@dataclass(frozen=True, slots=True)
class Demands:
    """What a decision demands: obligations and limits, JSON without floats. Judged once, shown with every entry."""

    obligations: Sequence[Mapping[str, Any]] = ()
    limits: Mapping[str, Any] = field(default_factory=dict)
    written: Mapping[str, orjson.Fragment] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        try:
            owed = [record_json(dict(obligation)) for obligation in self.obligations]
            limits = record_json(dict(self.limits))
        except CanonicalError as error:
            raise ValueError("the obligations and limits of a decision are JSON without floats") from error
        obligations = b"[%s]" % b",".join(owed)
        if len(obligations) + len(limits) > MAX_DEMANDS_BYTES:
            raise ValueError(f"the obligations and limits of a decision are over {MAX_DEMANDS_BYTES} bytes")
        written = {"obligations": orjson.Fragment(obligations), "limits": orjson.Fragment(limits)}
        object.__setattr__(self, "written", written)


@dataclass(frozen=True, slots=True)
class Decision(_Group):
    """The answer and all that is needed to ask again; `input_digest` is salted, the input kept off the log."""

    result: str
    rules: tuple[str, ...] = ()
    demands: Demands = Demands()
    policy_bundle: str | None = None
    policy_revision: str | None = None
    decision_id: str | None = None
    input_digest: str | None = None

    def __post_init__(self) -> None:
        for name in ("result", "rules", "policy_bundle", "policy_revision", "decision_id", "input_digest"):
            _refuse(name, getattr(self, name))

    def members(self) -> dict[str, Any]:
        shown = {**_Group.members(self), **self.demands.written}
        del shown["demands"]
        return shown


@dataclass(frozen=True, slots=True)
class Object(_Group):
    """What it was done to. `persons_band`: a band, never a count; `classification`: scheme and level."""

    kind: str
    id: str
    version: str | None = None
    classification: str | None = None
    hgr: bool | None = None
    persons_band: str | None = None

    def __post_init__(self) -> None:
        _Group.__post_init__(self)
        if self.classification is not None and _CLASSIFICATION(self.classification) is None:
            raise ValueError("the classification in an audit event is a scheme, a colon and a level")


@dataclass(frozen=True, slots=True)
class Subject(_Group):
    """Whose data: a cohort, or one patient under a pseudonym."""

    kind: str
    patient_ref: str | None = None


@dataclass(frozen=True, slots=True)
class Legal(_Group):
    """References relied on."""

    consent_ref: str | None = None
    ethics_ref: str | None = None
    hgr_ref: str | None = None
    export_ref: str | None = None
    permit_ref: str | None = None


@dataclass(frozen=True, slots=True)
class Result(_Group):
    """What left, or at most left: `reserved_rows` is the bound recorded with a grant. None where a count could tell."""

    rows: int | None = None
    bytes: int | None = None
    reserved_rows: int | None = None
    cells_suppressed: int | None = None
    epsilon_micro: int | None = None
    output_digest: str | None = None


@dataclass(frozen=True, slots=True)
class Retention:
    """How long the entry is kept at least; `not_before_delete` is a date, None six years after the event."""

    kind: str = "regulated"
    not_before_delete: str | None = None

    def __post_init__(self) -> None:
        _refuse("kind", self.kind)
        if self.not_before_delete is not None and _DATE(self.not_before_delete) is None:
            raise ValueError("not_before_delete is a date, YYYY-MM-DD")


@dataclass(frozen=True, slots=True)
class Reason:
    """Why: a rule's code and sentence, or a problem's slug and title. Never what a caller wrote."""

    code: str
    text: str

    def __post_init__(self) -> None:
        _refuse("code", self.code)
        if not self.text.isprintable():
            raise ValueError("a reason is one sentence, without control characters")


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One thing that happened at `at` (seconds, UTC).

    `facts`: what this type of event has to say beyond the groups, as tokens, integers and booleans. `prior`: id of the
    entry this one ends or answers, as a delivery's end does its grant. `id` makes a repeated append the same entry.
    """

    type: str
    at: float
    outcome: str
    actor: Actor
    source: Source
    reasons: tuple[Reason, ...] = ()
    on_behalf_of: Actor | None = None
    client: Client | None = None
    request: Request | None = None
    contract: Contract | None = None
    decision: Decision | None = None
    objects: tuple[Object, ...] = ()
    subject: Subject | None = None
    legal: Legal | None = None
    result: Result | None = None
    retention: Retention = Retention()
    facts: Mapping[str, str | int | bool | None] = field(default_factory=dict)
    prior: str | None = None
    id: str = field(default_factory=uuid7)

    def __post_init__(self) -> None:
        if self.type not in TYPES:
            raise ValueError(f"{self.type} is not a type of audit event")
        if self.outcome not in OUTCOME_CODES:
            raise ValueError(f"{self.outcome} is not an outcome")
        if self.outcome in _DECIDED and not TYPES[self.type].decides:
            raise ValueError(f"{self.type} decides nothing; its outcome is success, failure or error")
        if len(self.objects) > MAX_OBJECTS or len(self.facts) > MAX_FACTS:
            raise ValueError(f"an event has at most {MAX_OBJECTS} objects and {MAX_FACTS} facts")
        for name, value in self.facts.items():
            if _NAME(name) is None or type(value) not in (str, int, bool, type(None)):
                raise ValueError("a fact is a short name with a name, a number, a truth value or nothing")
            _refuse(name, value)
        _refuse("id", self.id)
        _refuse("prior", self.prior)

    @classmethod
    def gap(cls, *, since: str, until: str, observer: str, at: float) -> AuditEvent:
        """The log could not be written between these instants; nothing was granted then."""
        actor = Actor(user_id="gateway", org_id=observer)
        return cls("audit.gap", at, "failure", actor, Source(observer), facts={"since": since, "until": until})

    def index_columns(self) -> tuple[str, str, str, str, str, str, str | None, str | None]:
        """What officers ask by: id, instant, type, outcome, organisation, agent, dataset, contract."""
        dataset = next((o.id for o in self.objects if o.kind == "dataset"), None)
        contract = self.contract.id if self.contract else None
        actor = self.actor
        return self.id, instant(self.at), self.type, self.outcome, actor.org_id, actor.user_id, dataset, contract

    def codes(self) -> tuple[str, ...]:
        """The codes of rules and problems that it gives as its reasons, each once."""
        rules = self.decision.rules if self.decision else ()
        return tuple(dict.fromkeys((*rules, *(reason.code for reason in self.reasons))))


def finish(event: AuditEvent, commitments: Sequence[str]) -> bytes:
    """The whole entry, in RFC 8785 form. `commitments`: one for each party to it (see `commit`), any order.

    Every entry has the same members; what does not apply is null. All of it was judged when its parts were made.
    """
    if len(commitments) > MAX_PARTIES:
        raise ValueError(f"an entry has at most {MAX_PARTIES} parties")
    ts, kind = instant(event.at), TYPES[event.type]
    return judged_json(
        {
            "schema": SCHEMA,
            "id": event.id,
            # Leaf hashes are public: without it a short event could be guessed and confirmed.
            "nonce": random_bytes(16).hex(),
            "ts": ts,
            "event": {
                "category": kind.category,
                "type": event.type,
                "action": kind.action,
                "outcome": event.outcome,
                "outcome_code": _outcome_code(event),
                "reason": sentence(event.reasons),
            },
            "actor": _repeated(event.actor),
            "on_behalf_of": event.on_behalf_of and _repeated(event.on_behalf_of),
            "client": event.client and event.client.members(),
            "source": _repeated(event.source),
            "request": event.request and event.request.members(),
            "contract": event.contract and _repeated(event.contract),
            "decision": event.decision and event.decision.members(),
            "objects": [_repeated(each) for each in event.objects],
            "subject": event.subject and event.subject.members(),
            "legal": event.legal and event.legal.members(),
            "result": event.result and event.result.members(),
            "retention": {
                "class": event.retention.kind,
                "not_before_delete": event.retention.not_before_delete or retain_until(ts[:10]),
            },
            "facts": dict(event.facts),
            "prior": event.prior,
            "parties": sorted(commitments),
        }
    )


@lru_cache(maxsize=64)
def retain_until(date: str, years: int = HOUSE_RETENTION_YEARS) -> str:
    """The same day `years` later; 29 February becomes 1 March, so that nothing goes a day early."""
    year, rest = int(date[:4]) + years, date[4:]
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return f"{year:04d}{rest if rest != '-02-29' or leap else '-03-01'}"


def _outcome_code(event: AuditEvent) -> str:
    return "4" if event.type == "data.transfer.broken_off" else OUTCOME_CODES[event.outcome]


def sentence(reasons: Sequence[Reason]) -> str | None:
    """All that fit, whole; how many more there are is said."""
    said: list[str] = []
    room = MAX_REASON
    for reason in reasons:
        sentence = f"{reason.code}: {reason.text}"
        room -= len(sentence) + 2
        if room < 0:
            said.append(f"and {len(reasons) - len(said)} more")
            break
        said.append(sentence)
    return "; ".join(said) or None


@lru_cache(maxsize=4096)
def _repeated(group: _Group) -> orjson.Fragment:
    """A group that many entries have, written once: who asks, under which contract, for which dataset."""
    return orjson.Fragment(judged_json(group.members()))

"""Entries as FHIR R4 AuditEvent resources: a view for those who collect them. The entry itself is the record of truth.

Mapping and codes: audit-profiles.md sections 4, 5 and 7. No `meta.profile` is claimed: decisions on datasets do not fit
the closed slices of IHE BALP. What R4 has no place for (place in the log, leaf hash, rules, obligations) travels as
`detail` of the decision or of the first object.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

MEDIA_TYPE: Final = "application/fhir+ndjson"

_DCM: Final = "http://dicom.nema.org/resources/ontology/DCM"
_TERMINOLOGY: Final = "http://terminology.hl7.org/CodeSystem"
_TYPES: Final[Mapping[str, tuple[str, str, str]]] = MappingProxyType(
    {
        "authorization": (_DCM, "110113", "Security Alert"),
        "administration": (_DCM, "110113", "Security Alert"),
        "disclosure": (_DCM, "110106", "Export"),
        "query": (f"{_TERMINOLOGY}/audit-event-type", "rest", "Restful Operation"),
        "authentication": (_DCM, "110114", "User Authentication"),
        "audit_access": (_DCM, "110101", "Audit Log Used"),
    }
)
_SUBTYPES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "access.decision": ("https://profiles.ihe.net/ITI/BALP/CodeSystem/AuthZsubType", "AuthZ-Role"),
        "data.transfer.completed": (f"{_TERMINOLOGY}/iso-21089-lifecycle", "disclose"),
        "data.transfer.broken_off": (f"{_TERMINOLOGY}/iso-21089-lifecycle", "disclose"),
        "auth.login": (_DCM, "110122"),
        "auth.logout": (_DCM, "110123"),
        "audit.started": (_DCM, "110134"),
        "audit.stopped": (_DCM, "110133"),
        "role.changed": (_DCM, "110136"),
    }
)
_OBJECT_ROLES: Final = MappingProxyType(
    {"dataset": ("4", "Domain Resource"), "agent": ("6", "User"), "participant": ("12", "Security User Group")}
)


def audit_event(record: Mapping[str, Any], *, index: int, leaf: bytes, origin: str, gateway: str) -> dict[str, Any]:
    """One entry as an AuditEvent (R4). `gateway`: its public URL, under which its own code systems are named."""
    event = record["event"]
    subtype = [_coding(*_SUBTYPES[event["type"]])] if event["type"] in _SUBTYPES else []
    resource = {
        "resourceType": "AuditEvent",
        "id": record["id"],
        "type": _coding(*_TYPES[event["category"]]),
        "subtype": [*subtype, _coding(f"{gateway}/fhir/CodeSystem/audit-subtype", event["type"])],
        "action": event["action"],
        "recorded": record["ts"],
        "outcome": event["outcome_code"],
        "outcomeDesc": event["reason"],
        "purposeOfEvent": _purpose(record["request"] or {}, gateway),
        "agent": _agents(record, gateway),
        "source": {
            "site": record["source"]["site"],
            "observer": {"identifier": _identifier(gateway, "node", record["source"]["observer_id"])},
            "type": [_coding(f"{_TERMINOLOGY}/security-source-type", record["source"]["type"])],
        },
        "entity": _entities(record, index, leaf, origin, gateway),
    }
    shown: dict[str, Any] = _without_nulls(resource)
    return shown


def _agents(record: Mapping[str, Any], gateway: str) -> list[dict[str, Any]]:
    actor, request = record["actor"], record["request"] or {}
    user = {
        "type": {"coding": [_coding(f"{_TERMINOLOGY}/v3-ParticipationType", "IRCP", "information recipient")]},
        "who": {"identifier": _identifier(gateway, "agent", actor["user_id"])},
        "requestor": True,
        "role": [{"coding": [_coding(f"{gateway}/fhir/CodeSystem/role", role)]} for role in actor["roles"]],
        "purposeOfUse": _purpose(request, gateway),
        "policy": [f"urn:ietf:params:oauth:jti:{actor['token_jti']}"] if actor["token_jti"] else [],
    }
    organisation = {
        "type": {"coding": [_coding(f"{gateway}/fhir/CodeSystem/agent-type", "requesting-organization")]},
        "who": {"identifier": _identifier(gateway, "participant", actor["org_id"])},
        "requestor": False,
    }
    kind = (
        _coding(_DCM, "110153", "Source Role ID")
        if record["event"]["category"] == "disclosure"
        else _coding(f"{_TERMINOLOGY}/extra-security-role-type", "authserver", "authorization server")
    )
    recorder = {
        "type": {"coding": [kind]},
        "who": {"identifier": _identifier(gateway, "node", record["source"]["observer_id"])},
        "requestor": False,
    }
    return [user, organisation, recorder]


def _entities(record: Mapping[str, Any], index: int, leaf: bytes, origin: str, gateway: str) -> list[dict[str, Any]]:
    place = {"log-origin": origin, "log-index": index, "leaf-hash": f"sha-256:{leaf.hex()}"}
    found = []
    for item in record["objects"]:
        role = _OBJECT_ROLES.get(item["kind"], ("13", "Security Resource"))
        details = {name.replace("_", "-"): item[name] for name in ("version", "hgr", "persons_band")}
        label = item["classification"]
        labels = [_coding(f"{gateway}/fhir/CodeSystem/classification", label)] if label else []
        found.append(_entity(gateway, item["kind"], item["id"], role, details) | {"securityLabel": labels})
    if contract := record["contract"]:
        details = {"version": contract["version"], "digest": contract["digest"]}
        details["signatures-ok"] = contract["signatures_ok"]
        found.append(_entity(gateway, "contract", contract["id"], ("13", "Security Resource"), details))
    if decision := record["decision"]:
        details = {"result": decision["result"], "policy": decision["policy_bundle"]}
        details["input-digest"] = decision["input_digest"]
        request, legal = record["request"] or {}, record["legal"] or {}
        details |= {name.replace("_", "-"): request.get(name) for name in ("mode", "processing_location", "export")}
        details |= {name.replace("_", "-"): legal.get(name) for name in sorted(legal)}
        entity = _entity(gateway, "decision", record["id"], ("13", "Security Resource"), details | place)
        entity["detail"] += _details({"rule": rule} for rule in decision["rules"])
        found.append(entity)
    else:
        found.append(_entity(gateway, "entry", record["id"], ("13", "Security Resource"), place))
    if digest := (record["result"] or {}).get("output_digest"):
        details = {name: record["result"].get(name) for name in ("rows", "bytes")}
        found.append(_entity(gateway, "output", digest, ("3", "Report"), details))
    if request_id := (record["request"] or {}).get("request_id"):
        kind = _coding("https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType", "XrequestId")
        found.append({"what": {"identifier": {"value": request_id}}, "type": kind})
    return found


def _entity(
    gateway: str, kind: str, identity: str, role: tuple[str, str], details: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "what": {"identifier": _identifier(gateway, kind, identity)},
        "type": _coding(f"{_TERMINOLOGY}/audit-entity-type", "2", "System Object"),
        "role": _coding(f"{_TERMINOLOGY}/object-role", *role),
        "detail": _details({name: value} for name, value in details.items()),
    }


def _details(pairs: Any) -> list[dict[str, Any]]:
    return [
        {"type": name, "valueString": str(value).lower() if isinstance(value, bool) else str(value)}
        for pair in pairs
        for name, value in pair.items()
        if value is not None
    ]


def _purpose(request: Mapping[str, Any], gateway: str) -> list[dict[str, Any]]:
    codings = []
    if code := request.get("act_reason"):
        codings.append(_coding(f"{_TERMINOLOGY}/v3-ActReason", code))
    if purpose := request.get("purpose_id"):
        codings.append(_coding(f"{gateway}/fhir/CodeSystem/purpose", purpose))
    return [{"coding": codings}] if codings else []


def _coding(system: str, code: str, display: str | None = None) -> dict[str, Any]:
    return {"system": system, "code": code, "display": display}


def _identifier(gateway: str, kind: str, value: str) -> dict[str, str]:
    return {"system": f"{gateway}/id/{kind}", "value": value}


def _without_nulls(value: Any) -> Any:
    """FHIR's JSON has neither nulls nor empty lists."""
    if isinstance(value, dict):
        kept = {name: _without_nulls(item) for name, item in value.items()}
        return {name: item for name, item in kept.items() if item not in (None, [], {})}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value

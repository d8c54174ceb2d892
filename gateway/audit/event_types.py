"""The closed list of what is recorded (audit-profiles.md section 2). A name is never reused or renamed."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple


class EventType(NamedTuple):
    """`category` and `action` (create, read, update, delete, execute) go into the entry.

    `decides`: whether its outcome may be permit, deny or refer.
    """

    category: str
    action: str
    decides: bool = False


_ADMINISTRATION = {
    "gateway.initialised": "C",
    "key.enrolled": "C",
    "key.requested": "C",
    "key.refused": "U",
    "key.replaced": "U",
    "key.revoked": "U",
    "agent.enrolled": "C",
    "agent.suspended": "U",
    "agent.reinstated": "U",
    "identity.connected": "C",
    "identity.disconnected": "D",
    "participant.registered": "C",
    "participant.verified": "U",
    "participant.admitted": "U",
    "participant.suspended": "U",
    "participant.reinstated": "U",
    "dataset.registered": "C",
    "dataset.version_added": "U",
    "dataset.withdrawn": "D",
    "dataset.reclassified": "U",
    "contract.requested": "C",
    "contract.offered": "C",
    "contract.accepted": "U",
    "contract.agreed": "U",
    "contract.signed": "E",
    "contract.activated": "U",
    "contract.amended": "U",
    "contract.suspended": "U",
    "contract.suspension_lifted": "U",
    "contract.reinstated": "U",
    "contract.revoked": "U",
    "contract.terminated": "U",
    "contract.expired": "U",
    "approval.recorded": "C",
    "approval.expired": "U",
    "approval.withdrawn": "U",
    "review.opened": "C",
    "review.lapsed": "U",
    "access.requested": "C",
    "access.returned": "U",
    "access.resubmitted": "U",
    "access.withdrawn": "U",
    "output.checked": "E",
    "output.blocked": "E",
    "access.revoked": "U",
    "access.expired": "U",
    "optout.applied": "U",
    "consent.withdrawn": "U",
    "obligation.due": "U",
    "obligation.met": "E",
    "obligation.missed": "U",
    "policy.published": "U",
    "policy.rolled_back": "U",
    "policy.shadow_started": "E",
    "policy.shadow_ended": "E",
    "role.changed": "U",
    "audit.stopped": "E",
    "audit.started": "E",
    "audit.gap": "E",
    "record.erased": "D",
    "alert.subscribed": "C",
    "alert.ended": "D",
}

TYPES: Final[Mapping[str, EventType]] = MappingProxyType(
    {
        **{name: EventType("administration", action) for name, action in _ADMINISTRATION.items()},
        "review.vote": EventType("administration", "E", decides=True),
        "review.decision": EventType("administration", "E", decides=True),
        "access.decision": EventType("authorization", "E", decides=True),
        "access.exhausted": EventType("authorization", "E", decides=True),
        "policy.asked": EventType("query", "E", decides=True),
        "breakglass.start": EventType("authorization", "E", decides=True),
        "breakglass.end": EventType("authorization", "E"),
        "data.query": EventType("query", "E"),
        "data.compute": EventType("query", "E"),
        "data.view": EventType("query", "R"),
        "data.transfer.started": EventType("disclosure", "R"),
        "data.transfer.completed": EventType("disclosure", "R"),
        "data.transfer.broken_off": EventType("disclosure", "R"),
        "output.release": EventType("disclosure", "R"),
        "auth.login": EventType("authentication", "E"),
        "auth.logout": EventType("authentication", "E"),
        "auth.link_made": EventType("authentication", "E"),
        "auth.failure": EventType("authentication", "E"),
        "audit.read": EventType("audit_access", "R"),
        "policy.replayed": EventType("audit_access", "R"),
        "policy.tried": EventType("audit_access", "R"),
        "audit.exported": EventType("audit_access", "R"),
        "audit.checkpoint": EventType("audit_access", "E"),
        "audit.verify_failed": EventType("audit_access", "E"),
        "audit.export_failed": EventType("audit_access", "E"),
    }
)

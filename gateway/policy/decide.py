"""Asks an engine and trusts nothing about the answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gateway.crypto.errors import CanonicalError
from gateway.policy.decision import Decision, Limits, Reason, parse_decision
from gateway.policy.document import Document, Fault, as_bytes, validate
from gateway.policy.engine import Engine
from gateway.policy.errors import PolicyUnavailable

MAX_DOCUMENT_BYTES = 1024 * 1024


async def decide(engine: Engine, bundle_digest: str, document: dict[str, Any] | Document) -> Decision:
    """What the active bundle says to this input.

    A document that does not fit the published schema is denied here (GEN-01), each fault named; no engine sees it.
    One that is composed of parts was judged with them.

    Raises PolicyUnavailable: the engine is away, answered something that is no decision, answered under another
        bundle than `bundle_digest`, or permitted a mode above the limit it names itself.
    """
    if not isinstance(document, Document):
        try:
            document = Document(document, as_bytes(document), tuple(validate(document)))
        except (CanonicalError, RecursionError):
            return _incomplete(bundle_digest, [Fault("", "holds what an input may not hold, such as a fraction")])
    if len(document.data) > MAX_DOCUMENT_BYTES:
        return _incomplete(bundle_digest, [Fault("", f"is larger than {MAX_DOCUMENT_BYTES} bytes")])
    if document.faults:
        return _incomplete(bundle_digest, document.faults)
    decision = parse_decision(await engine.evaluate(document.data))
    if decision.bundle != bundle_digest:
        raise PolicyUnavailable("The policy engine answered under another bundle than the active one.")
    # "M0" to "M6" sort as they rise.
    if decision.result == "permit" and document.value["request"]["mode"] > decision.limits.mode:
        raise PolicyUnavailable("The policy engine permitted a mode above its own limit.")
    return decision


def _incomplete(bundle_digest: str, faults: Sequence[Fault]) -> Decision:
    reasons = (
        Reason(
            rule="input_complete",
            code="GEN-01",
            effect="deny",
            text=f"The input is not of the published form: {fault.place or 'the document'} {fault.what}.",
            facts={"path": fault.place},
            source="Ours: input is complete and well typed",
            remedy="Nothing that you can do if the gateway made the input: tell the operator.",
        )
        for fault in faults
    )
    return Decision(
        result="deny",
        bundle=bundle_digest,
        reasons=tuple(sorted(reasons, key=lambda reason: reason.text)),
        obligations=(),
        limits=Limits(mode="M0"),
    )

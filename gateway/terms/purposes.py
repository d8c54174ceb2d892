"""The purposes a request may state and a contract may grant, and what each of them says about the use.

Source: the health data rules digest, section 4; DUO terms of release 2022-09; HL7 v3-ActReason codes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from gateway.terms.errors import PurposeUnclear

Answer = Literal["yes", "no", "ask"]

FLAGS = frozenset(
    {
        "control_set",
        "single_sex",
        "paediatric",
        "vulnerable",
        "stigmatising",
        "illegal_behaviour",
        "psych_traits",
        "migration",
    }
)
"""Sensitive features of a use; a person decides where one is set (rule DUO-90)."""

MAX_DISEASE_TERMS = 50

_DISEASE = re.compile(r"[A-Z][A-Za-z]{1,15}:[A-Za-z0-9]{1,32}")
_DECLARABLE = ("methods", "ancestry", "genetic")


@dataclass(frozen=True)
class Purpose:
    """One purpose. `duo` are the DUO terms of the request side; `act_reason` is the code in audit records."""

    id: str
    label: str
    duo: tuple[str, ...]
    act_reason: str | None
    research: Answer
    commercial: Answer
    sets: frozenset[str] = frozenset()
    diseases_required: bool = False

    @property
    def grantable(self) -> bool:
        """Whether a contract may grant it; the banned uses are known so that they can be named and denied."""
        return self.id.startswith("P")


def _purpose(
    id_: str, label: str, duo: str, act_reason: str | None, research: Answer, commercial: Answer, sets: str = ""
) -> Purpose:
    terms = tuple(f"DUO:00000{number}" for number in duo.split())
    return Purpose(id_, label, terms, act_reason, research, commercial, frozenset(sets.split()), id_ == "P03")


PURPOSES: Mapping[str, Purpose] = {
    purpose.id: purpose
    for purpose in (
        _purpose("P01", "Direct patient care", "", "TREAT", "no", "no", "clinical_care"),
        _purpose("P02", "Academic clinical or biomedical research", "37", "BIORCH", "yes", "no"),
        _purpose("P03", "Disease-specific research", "40", "DSRCH", "yes", "ask"),
        _purpose("P04", "Genetic or genomic research", "38", "BIORCH", "yes", "ask", "genetic"),
        _purpose("P05", "Drug discovery and development", "39", "BIORCH", "yes", "yes"),
        _purpose("P06", "Device or diagnostic development", "37", "TRANSRCH", "yes", "yes"),
        _purpose("P07", "Trial feasibility, cohort counting", "37", "CLINTRCHNPC", "yes", "ask"),
        _purpose("P08", "Clinical trial with care of participants", "37 39", "CLINTRCHPC", "yes", "ask"),
        _purpose("P09", "Real-world evidence for a marketing file", "39", "CLINTRCHNPC", "yes", "yes"),
        _purpose("P10", "Safety surveillance of medicines, devices", "37", "PATSFTY", "yes", "ask"),
        _purpose("P11", "Train, test, evaluate health algorithms", "31", "BIORCH", "yes", "ask", "methods"),
        _purpose("P12", "Same, for medical-device software", "31", "TRANSRCH", "yes", "yes", "methods"),
        _purpose("P13", "Labelling or annotation for a principal", "31", "SYSDEV", "ask", "ask"),
        _purpose("P14", "Methods work not tied to a disease", "31", "BIORCH", "yes", "ask", "methods"),
        _purpose("P15", "Control or reference set", "36", "BIORCH", "yes", "ask", "control_set"),
        _purpose("P16", "Ancestry or population origins", "33", "POARCH", "yes", "ask", "ancestry"),
        _purpose("P17", "Population-group research", "32", "HRESCH", "yes", "ask"),
        _purpose("P18", "Public-health surveillance", "", "PUBHLTH", "no", "no"),
        _purpose("P19", "Official statistics", "", "PUBHLTH", "no", "no"),
        _purpose("P20", "Policy making, regulation", "", "GOV", "no", "no"),
        _purpose("P21", "Education and teaching", "", "TRAIN", "no", "no"),
        _purpose("P22", "Quality and service improvement", "", "HQUALIMP", "no", "no"),
        _purpose("P23", "Health economics, technology assessment", "37", "HOUTCOMS", "yes", "ask"),
        # Banned everywhere. What the digest leaves blank is taken as commercial: the assumption that opens least.
        _purpose("X01", "Marketing or advertising", "", "HMARKT", "no", "yes"),
        _purpose("X02", "Insurance pricing or exclusion", "", None, "no", "yes"),
        _purpose("X03", "Hiring, credit, or other decisions on persons", "", None, "no", "yes"),
        _purpose("X04", "Re-identification", "", None, "no", "yes"),
        _purpose("X05", "Harmful or addictive products", "", None, "no", "yes"),
        _purpose("X06", "Sale of human genetic resources", "", None, "no", "yes"),
    )
}

GRANTABLE = frozenset(purpose.id for purpose in PURPOSES.values() if purpose.grantable)

# Ancestry is no health research in DUO's sense (HMB excludes it), and no banned use counts as any.
_NOT_HEALTH = frozenset({"P16"})


def purpose_facts(
    purpose_id: str,
    *,
    commercial: bool | None = None,
    research: bool | None = None,
    disease_terms: Sequence[str] = (),
    methods: bool | None = None,
    ancestry: bool | None = None,
    genetic: bool | None = None,
    flags: Sequence[str] = (),
) -> dict[str, Any]:
    """What the policy is told about a stated purpose (member `request.purpose` of its input).

    The answers are the requester's. What the purpose itself settles cannot be answered otherwise; `research` is asked
    only of P13, which inherits both from its principal. Raises PurposeUnclear naming what to answer.
    """
    purpose = PURPOSES.get(purpose_id)
    if purpose is None:
        raise PurposeUnclear("the purpose is not in the vocabulary; use one of P01 to P23")
    declared = {"methods": methods, "ancestry": ancestry, "genetic": genetic}
    return {
        "id": purpose.id,
        "research": _settle(purpose, "research", purpose.research, research),
        "health": purpose.grantable and purpose.id not in _NOT_HEALTH,
        "commercial": _settle(purpose, "commercial", purpose.commercial, commercial),
        **{name: _declare(purpose, name, declared[name]) for name in _DECLARABLE},
        "clinical_care": "clinical_care" in purpose.sets,
        "disease_terms": _diseases(purpose, disease_terms),
        "flags": _flags(purpose, flags),
    }


def _settle(purpose: Purpose, name: str, fixed: Answer, answer: bool | None) -> bool:
    if fixed == "ask":
        if answer is None:
            raise PurposeUnclear(f"purpose {purpose.id} needs an answer to `{name}`: true or false")
        return answer
    if answer is not None and answer != (fixed == "yes"):
        raise PurposeUnclear(f"purpose {purpose.id} is `{name}`: {fixed}; choose another purpose or leave it out")
    return fixed == "yes"


def _declare(purpose: Purpose, name: str, answer: bool | None) -> bool:
    if name in purpose.sets and answer is False:
        raise PurposeUnclear(f"purpose {purpose.id} is always `{name}`; choose another purpose or leave it out")
    return name in purpose.sets or bool(answer)


def _diseases(purpose: Purpose, terms: Sequence[str]) -> list[str]:
    if len(terms) > MAX_DISEASE_TERMS or not all(_DISEASE.fullmatch(term) for term in terms):
        raise PurposeUnclear(f"write disease terms like MONDO:0004992, at most {MAX_DISEASE_TERMS}")
    if purpose.diseases_required and not terms:
        raise PurposeUnclear(f"purpose {purpose.id} needs `disease_terms`: at least one term")
    return sorted(set(terms))


def _flags(purpose: Purpose, flags: Sequence[str]) -> list[str]:
    if not FLAGS.issuperset(flags):
        raise PurposeUnclear(f"`flags` may hold {', '.join(sorted(FLAGS))}")
    return sorted(set(flags) | purpose.sets & FLAGS)

"""What people call the words that documents and rules use. English here; the other languages are in their catalogs."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        # Facts of an organisation.
        "identity_verified": "identity verified",
        "for_profit": "works for profit",
        "public_body": "public body",
        "overseas_entity": "entity abroad",
        "foreign_control": "controlled from abroad",
        "ciio": "runs critical infrastructure",
        "in_ftz": "in a free-trade zone",
        "security_officer": "somebody is in charge of data security",
        "blocked": "blocked: gets and gives nothing",
        # What a dataset contains.
        "health": "health data",
        "genetic": "genetic data",
        "biometric": "biometric data",
        "imaging": "images",
        "free_text": "free text",
        "location": "locations",
        "financial": "financial data",
        "other": "other",
        # On what basis it is used.
        "consent": "consent",
        "statute": "a statute",
        "public_interest": "public interest",
        "contract": "a contract with the person",
        "public_data": "public data",
        # What a use may touch.
        "control_set": "used as a control set",
        "single_sex": "one sex only",
        "paediatric": "children",
        "vulnerable": "vulnerable groups",
        "stigmatising": "traits that stigmatise",
        "illegal_behaviour": "illegal behaviour",
        "psych_traits": "psychological traits",
        "migration": "origin and migration",
        # Kinds of approval.
        "ethics": "ethics approval",
        "cooperation_approval": "approval of a cooperation",
        "trial_filing": "filing of a trial",
        "prior_report": "prior report",
        "security_review": "security review",
        "export": "leave to give data abroad",
        "pia": "impact assessment",
        "risk_assessment": "risk assessment",
        "permit": "data permit",
        "committee": "committee's decision",
    }
)

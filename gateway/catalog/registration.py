"""What a provider says of a dataset when it registers one: metadata, columns, governance facts, who may find it."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from gateway.catalog.errors import RegistrationRefused
from gateway.catalog.model import Column, Role, SourceRef, View
from gateway.crypto.canonical import canonical_json
from gateway.participants.model import Kind

Text = Annotated[str, Field(min_length=1, max_length=300)]
Reference = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._:/#-]*$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Classification(_Part):
    """A level always names its scheme: level 4 of five and level 4 of four are different things."""

    scheme: Literal["GB/T 39725-2020"]
    level: int = Field(ge=1, le=5)


class DuoCode(_Part):
    """A Data Use Ontology term; its disease terms (MONDO) where it needs some."""

    id: str = Field(pattern=r"^DUO:[0-9]{7,8}$")
    disease_terms: tuple[Annotated[str, Field(pattern=r"^MONDO:[0-9]{7}$")], ...] = Field(default=(), max_length=50)


class Consent(_Part):
    basis: Literal["consent", "statute", "public_interest", "contract", "public_data"]
    separate: bool = False
    recipients: tuple[str, ...] = Field(default=(), max_length=200)
    purposes: tuple[str, ...] = Field(default=(), max_length=40)
    overseas: bool = False
    guardian: bool | None = None
    withdrawals_applied_at: int | None = None


class GeneticResources(_Part):
    """Human genetic resource facts (rules digest section 5.4)."""

    information: bool
    seq: Literal["none", "panel", "exome", "genome"] = "none"
    persons: int = Field(default=0, ge=0)
    important_pedigree: bool = False
    specific_region: bool = False
    other_trigger: bool = False


class Governance(_Part):
    """The facts policies decide on (rules digest section 1). A change of any of them is a new governance version."""

    origin: tuple[Annotated[str, Field(pattern=r"^[A-Z]{2}$")], ...] = Field(min_length=1, max_length=20)
    identifiability: Literal["identified", "deidentified", "limited", "anonymised", "aggregate"]
    contains: tuple[
        Literal["health", "genetic", "biometric", "imaging", "free_text", "location", "financial", "other"], ...
    ] = Field(min_length=1)
    persons: int = Field(ge=0)
    under_14: bool
    classification: Classification
    source_level: int = Field(ge=1, le=5, description="the level of the source with everything in it")
    deidentification_report: Reference | None = None
    core_data: bool = False
    important_data: bool = False
    hgr: GeneticResources | None = None
    duo: tuple[DuoCode, ...] = Field(min_length=1, max_length=30)
    consent: Consent | None = None
    provenance_statement: Reference


class Visibility(_Part):
    """Who may find the dataset: everyone admitted, kinds of participants, or participants by name (DIDs)."""

    everyone: bool = False
    kinds: tuple[Kind, ...] = ()
    participants: tuple[str, ...] = Field(default=(), max_length=500)

    @model_validator(mode="after")
    def _says_something(self) -> Visibility:
        if self.everyone and (self.kinds or self.participants):
            raise ValueError("everyone is everyone: leave kinds and participants out")
        return self

    def admits(self, participant: str, kind: Kind) -> bool:
        return self.everyone or kind in self.kinds or participant in self.participants


class Metadata(_Part):
    """DCAT 3 and HealthDCAT-AP properties, by their own names."""

    title: Text
    description: Annotated[str, Field(min_length=1, max_length=4000)]
    keyword: tuple[Text, ...] = Field(default=(), max_length=50)
    theme: tuple[Text, ...] = Field(default=("http://publications.europa.eu/resource/authority/data-theme/HEAL",))
    health_category: tuple[Text, ...] = Field(min_length=1, max_length=20, description="healthdcatap:healthCategory")
    language: tuple[Annotated[str, Field(pattern=r"^[a-z]{2,3}$")], ...] = ("en",)
    publisher: Text | None = Field(default=None, description="dct:publisher; default: the provider's name")
    licence: Text = Field(description="dct:license of the source")
    temporal_start: str | None = Field(default=None, pattern=r"^\d{4}(-\d{2}(-\d{2})?)?$")
    temporal_end: str | None = Field(default=None, pattern=r"^\d{4}(-\d{2}(-\d{2})?)?$")
    spatial: tuple[Text, ...] = Field(default=(), max_length=20)
    population_coverage: Annotated[str, Field(max_length=500)] | None = None
    min_typical_age: int | None = Field(default=None, ge=0, le=130)
    max_typical_age: int | None = Field(default=None, ge=0, le=130)


class Registration(_Part):
    """One dataset as its provider registers it."""

    metadata: Metadata
    source: SourceRef
    columns: tuple[Column, ...] = Field(min_length=1, max_length=2000)
    person_column: str | None = None
    governance: Governance
    visibility: Visibility

    @property
    def view(self) -> View:
        return View(source=self.source, columns=self.columns, person_column=self.person_column)

    @property
    def governance_version(self) -> str:
        """`sha256:` and the digest of what contracts are about: columns, roles and governance facts, not content."""
        facts = self.model_dump(mode="json", include={"columns", "person_column", "governance"})
        return "sha256:" + hashlib.sha256(canonical_json(facts)).hexdigest()

    def as_policy_input(self, dataset_id: str) -> dict[str, Any]:
        columns = [{"name": c.name, "type": c.type.value, "role": c.role.value} for c in self.columns]
        return {
            "id": dataset_id,
            "version": self.governance_version,
            **self.governance.model_dump(mode="json"),
            "person_column": self.person_column,
            "columns": columns,
        }


# What columns that identify people are called, in the languages the park's sources speak.
_IDENTIFIER_WORDS = re.compile(
    r"(^|[ ._-])(name|names|surname|firstname|lastname|fullname|forename|ssn|mrn|nhs|passport|phone|mobile|tel"
    r"|telephone|fax|email|mail|address|addr|street|ip|url|wechat|licen[cs]e|plate|account|id|ids|identifier|uuid"
    r"|subject|patient|person|empi|dob|birth|birthdate|birthday)($|[ ._-])"
    r"|姓名|身份证|电话|手机|邮箱|地址|病历号|住院号|门诊号|出生",
    re.IGNORECASE,
)


def check_declaration(registration: Registration) -> None:
    """Refuse what contradicts itself, before any source is looked at.

    Raises:
        RegistrationRefused: names every contradiction at once, each with what to do.
    """
    findings = [*_columns(registration), *_levels(registration)]
    if findings:
        raise RegistrationRefused(" ".join(findings), findings=findings)


def _columns(registration: Registration) -> list[str]:
    findings = []
    names = Counter(column.name.casefold() for column in registration.columns)
    for column in registration.columns:
        if names[column.name.casefold()] > 1:
            findings.append(f"Column {column.name!r} is declared twice (names differ at most in case); keep one.")
        identifies = column.role is Role.DIRECT_IDENTIFIER or column.not_identifying is not None
        if not identifies and _looks_identifying(column.name):
            findings.append(
                f"Column {column.name!r} is declared {column.role.value} and is called like an identifier. Declare it"
                " direct_identifier, or say in `not_identifying` why it tells nobody apart."
            )
    if registration.person_column is not None:
        person = registration.view.column(registration.person_column)
        if person is None:
            findings.append(f"`person_column` {registration.person_column!r} is not one of the columns; publish it.")
        elif person.role is not Role.DIRECT_IDENTIFIER:
            findings.append(f"`person_column` {person.name!r} tells persons apart, so its role is direct_identifier.")
    return findings


def _looks_identifying(name: str) -> bool:
    # CamelCase counts as words too: patientName, SubjectID.
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return bool(_IDENTIFIER_WORDS.search(spaced))


def _levels(registration: Registration) -> list[str]:
    governance, findings = registration.governance, []
    level = governance.classification.level
    published = [c.name for c in registration.columns if c.role is Role.DIRECT_IDENTIFIER]
    published = [name for name in published if name != registration.person_column]
    if published and level < 4:
        named = ", ".join(published)
        findings.append(f"The view publishes direct identifiers ({named}): its level is 4 or 5, not {level} (GB-02).")
    if level > governance.source_level:
        findings.append("The view cannot be of a higher level than its source; raise `source_level` (GB-02).")
    if level < governance.source_level and governance.deidentification_report is None:
        findings.append(
            "A view of a lower level than its source needs `deidentification_report`, the report's reference (GB-05)."
        )
    return findings

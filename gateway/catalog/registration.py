"""What a provider says of a dataset when it registers one: metadata, columns, governance facts, who may find it."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, StrictInt, model_validator

from gateway.catalog.errors import RegistrationRefused
from gateway.catalog.model import Column, Role, SourceRef, View
from gateway.catalog.naming import looks_identifying, mixes_scripts, sight
from gateway.crypto.canonical import canonical_json
from gateway.participants.model import Kind

Text = Annotated[str, Field(min_length=1, max_length=300)]
Reference = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._:/#-]*$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Classification(_Part):
    """A level always names its scheme: level 4 of five and level 4 of four are different things."""

    scheme: Literal["GB/T 39725-2020"]
    level: StrictInt = Field(ge=1, le=5)


def _of_the_calendar(value: str) -> str:
    date.fromisoformat(value)
    return value


Day = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"), AfterValidator(_of_the_calendar)]
Place = Annotated[str, Field(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$")]
Did = Annotated[str, Field(pattern=r"^did:(web|key):[A-Za-z0-9.:%_-]{1,500}$")]
Handle = Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]{1,200}$")]
ResearchType = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_:-]{0,63}$")]


def _unsaid(value: Any) -> bool:
    return not value


class DuoCode(_Part):
    """A Data Use Ontology term; its disease terms (MONDO) where it needs some, and the parameter of its own, if any.

    A parameter is left out where nothing was said: what was registered before there were any keeps its version.
    """

    id: str = Field(pattern=r"^DUO:[0-9]{7,8}$")
    disease_terms: tuple[Annotated[str, Field(pattern=r"^MONDO:[0-9]{7}$")], ...] = Field(default=(), max_length=50)
    types: tuple[ResearchType, ...] = Field(default=(), max_length=50, exclude_if=_unsaid)
    regions: tuple[Place, ...] = Field(default=(), max_length=100, exclude_if=_unsaid)
    date: Day | None = Field(default=None, exclude_if=_unsaid)
    months: StrictInt | None = Field(default=None, ge=1, le=1200, exclude_if=_unsaid)
    users: tuple[Handle, ...] = Field(default=(), max_length=500, exclude_if=_unsaid)
    projects: tuple[Reference, ...] = Field(default=(), max_length=200, exclude_if=_unsaid)
    institutions: tuple[Did, ...] = Field(default=(), max_length=200, exclude_if=_unsaid)

    @model_validator(mode="after")
    def _parameter_is_its_own(self) -> DuoCode:
        for code, parameter in PARAMETERS.items():
            if self.id != code and getattr(self, parameter):
                raise ValueError(f"`{parameter}` belongs to {code}, not to {self.id}")
        return self


PARAMETERS = {
    "DUO:0000012": "types",
    "DUO:0000022": "regions",
    "DUO:0000024": "date",
    "DUO:0000025": "months",
    "DUO:0000026": "users",
    "DUO:0000027": "projects",
    "DUO:0000028": "institutions",
}
"""Codes that say nothing without a parameter: one without it lets nobody in, or asks a person."""


def _unanswered(value: Any) -> bool:
    return value is None


class Consent(_Part):
    """What the consents say. Whether they speak of sharing and re-use is left out where nobody answered.

    So what was registered before it was asked keeps its version.
    """

    basis: Literal["consent", "statute", "public_interest", "contract", "public_data"]
    separate: StrictBool = False
    recipients: tuple[str, ...] = Field(default=(), max_length=200)
    purposes: tuple[str, ...] = Field(default=(), max_length=40)
    overseas: StrictBool = False
    guardian: StrictBool | None = None
    withdrawals_applied_at: StrictInt | None = None
    sharing_clause: StrictBool | None = Field(default=None, exclude_if=_unanswered)


class GeneticResources(_Part):
    """Human genetic resource facts (rules digest section 5.4)."""

    information: StrictBool
    seq: Literal["none", "panel", "exome", "genome"] = "none"
    persons: StrictInt = Field(default=0, ge=0)
    important_pedigree: StrictBool = False
    specific_region: StrictBool = False
    other_trigger: StrictBool = False


class Governance(_Part):
    """The facts policies decide on (rules digest section 1). A change of any of them is a new governance version."""

    origin: tuple[Annotated[str, Field(pattern=r"^[A-Z]{2}$")], ...] = Field(min_length=1, max_length=20)
    identifiability: Literal["identified", "deidentified", "limited", "anonymised", "aggregate"]
    contains: tuple[
        Literal["health", "genetic", "biometric", "imaging", "free_text", "location", "financial", "other"], ...
    ] = Field(min_length=1)
    persons: StrictInt = Field(ge=0)
    under_14: StrictBool
    classification: Classification
    source_level: StrictInt = Field(ge=1, le=5, description="the level of the source with everything in it")
    deidentification_report: Reference | None = None
    core_data: StrictBool = False
    important_data: StrictBool = False
    hgr: GeneticResources | None = None
    duo: tuple[DuoCode, ...] = Field(min_length=1, max_length=30)
    consent: Consent | None = None
    provenance_statement: Reference


class Visibility(_Part):
    """Who may find the dataset: everyone admitted, kinds of participants, or participants by name (DIDs)."""

    everyone: StrictBool = False
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
    min_typical_age: StrictInt | None = Field(default=None, ge=0, le=130)
    max_typical_age: StrictInt | None = Field(default=None, ge=0, le=130)


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
    names = Counter(sight(column.name) for column in registration.columns)
    for column in registration.columns:
        if names[sight(column.name)] > 1:
            findings.append(
                f"Column {column.name!r} is declared twice (names differ at most in case or in look-alike letters);"
                " keep one."
            )
        if mixes_scripts(column.name):
            findings.append(
                f"Column {column.name!r} mixes letters of alphabets that look alike, such as Latin with Cyrillic or"
                " Greek; call it by letters of one alphabet."
            )
        identifies = column.role is Role.DIRECT_IDENTIFIER or column.not_identifying is not None
        if not identifies and looks_identifying(column.name):
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

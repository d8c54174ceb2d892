"""What a researcher asks: under which contract, to do what, why, and for which columns."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt

from gateway.catalog.registration import Reference, ResearchType

ColumnName = Annotated[str, Field(min_length=1, max_length=128)]


class Purpose(BaseModel):
    """One purpose of the vocabulary, with the answers it asks for.

    `commercial` must be answered for purposes that can be either; `disease_terms` (MONDO) for disease research.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[PX][0-9]{2}$", examples=["P05"])
    commercial: StrictBool | None = None
    research: StrictBool | None = Field(default=None, description="asked of P13 only")
    disease_terms: tuple[Annotated[str, Field(pattern=r"^MONDO:[0-9]{7}$")], ...] = Field(default=(), max_length=20)
    methods: StrictBool | None = None
    ancestry: StrictBool | None = None
    genetic: StrictBool | None = None
    flags: tuple[Annotated[str, Field(pattern=r"^[a-z_]{1,40}$")], ...] = Field(default=(), max_length=20)


class Accepts(BaseModel):
    """What the requester promises where the dataset asks for it. Unsaid is not promised."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    publish: StrictBool = Field(default=False, description="the results are published")
    return_derived: StrictBool = Field(default=False, description="derived data goes back to the provider")


class AccessRequest(BaseModel):
    """One access. `read` gives rows, `aggregate` gives counts by group."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "example": {
                "contract": "urn:uuid:019a0000-0000-7000-8000-000000000001",
                "action": "read",
                "mode": "M5",
                "purpose": {"id": "P05"},
                "columns": ["subject_id", "age", "result"],
                "filter": {"column": "result", "op": "eq", "value": "positive"},
                "format": "csv",
                "limit": 1000,
            }
        },
    )

    contract: str = Field(max_length=100, description="id of a contract your participant is a party to")
    action: Literal["read", "aggregate", "compute", "label", "train"]
    mode: Literal["M0", "M1", "M2", "M3", "M4", "M5", "M6"]
    purpose: Purpose
    columns: tuple[ColumnName, ...] = Field(default=(), max_length=2000, description="what to read, in this order")
    group_by: tuple[ColumnName, ...] = Field(default=(), max_length=8, description="what to count by (aggregate)")
    count: Literal["persons", "rows"] | None = Field(
        default=None, description="what an aggregate counts; by default persons, where the dataset says who is one"
    )
    filter: dict[str, Any] | None = Field(default=None, description="a typed predicate over released values")
    format: Literal["arrow", "csv", "parquet"] = "arrow"
    limit: StrictInt | None = Field(default=None, ge=1, le=2**53 - 1, description="at most so many rows")
    months: StrictInt | None = Field(default=None, ge=1, le=1200, description="how long the data will be kept")
    accepts: Accepts = Accepts()
    collaboration_ref: Reference | None = Field(
        default=None, description="what was agreed with the data's investigators"
    )
    project: Reference | None = Field(default=None, description="the project this is for")
    research_types: tuple[ResearchType, ...] = Field(default=(), max_length=20, description="what kinds of studies")

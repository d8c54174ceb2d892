"""The demands, a tagged union. Fields are only added, with a default at least as strict."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, PlainValidator, TypeAdapter, ValidationError
from pydantic import model_validator as _after

from gateway.obligations.errors import PredicateMalformed, UnknownObligation
from gateway.obligations.predicate import AllOf, AnyOf, Comparison, Not, Predicate, document_of
from gateway.obligations.predicate import parse as _predicate

MAX_OBLIGATIONS = 2 * 2000 + 16
"""Two for each column of the widest dataset, the contract's and the policy's, and a few about rows or promises."""


class _Obligation(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


ColumnName = Annotated[str, Field(min_length=1, max_length=128)]


class Drop(_Obligation):
    """The column is not released."""

    kind: Literal["drop"] = "drop"
    column: ColumnName


class Pseudonymise(_Obligation):
    """Each value becomes a name of its own under this contract, the same one in every delivery."""

    kind: Literal["pseudonymise"] = "pseudonymise"
    column: ColumnName


class Generalise(_Obligation):
    """Numbers become bands of `width` ("40-49"), from `top` on one band ("90+"); dates become months or years."""

    kind: Literal["generalise"] = "generalise"
    column: ColumnName
    method: Literal["band", "month", "year"]
    width: int | None = Field(default=None, ge=1, le=10**9)
    top: int | None = Field(default=None, ge=-(10**15), le=10**15)

    @_after(mode="after")
    def _parameters_fit(self) -> Self:
        if (self.method == "band") != (self.width is not None):
            raise ValueError("a band has a width, and nothing else has one")
        if self.top is not None and self.method != "band":
            raise ValueError("only bands have a top")
        return self


def _read_predicate(value: Any) -> Predicate:
    if isinstance(value, Comparison | AllOf | AnyOf | Not):
        return value
    try:
        return _predicate(value)
    except PredicateMalformed as problem:
        raise ValueError(problem.detail) from problem


class FilterRows(_Obligation):
    """Only rows of which the predicate is true are read. It looks at the source's own values, before any mask."""

    kind: Literal["filter_rows"] = "filter_rows"
    predicate: Annotated[
        Predicate, PlainValidator(_read_predicate, json_schema_input_type=dict[str, Any]), PlainSerializer(document_of)
    ]


class CapRows(_Obligation):
    """At most so many rows in one delivery."""

    kind: Literal["cap_rows"] = "cap_rows"
    rows: int = Field(ge=0, le=2**53 - 1)


class CapPersons(_Obligation):
    """Rows of at most so many persons, the same ones in every delivery under the contract."""

    kind: Literal["cap_persons"] = "cap_persons"
    persons: int = Field(ge=0, le=2**53 - 1)


class SuppressSmallCells(_Obligation):
    """Counts of 1 to `threshold` are withheld, and others with them where one could be derived."""

    kind: Literal["suppress_small_cells"] = "suppress_small_cells"
    threshold: int = Field(ge=1, le=10**6)
    complementary: bool = True


class RoundCounts(_Obligation):
    """Counts are told as the nearest multiple of `base`, halves upwards, after small ones are withheld."""

    kind: Literal["round_counts"] = "round_counts"
    base: int = Field(ge=2, le=10**4)

    def rounded(self, count: int) -> int:
        return (2 * count + self.base) // (2 * self.base) * self.base


class KeepRecord(_Obligation):
    """The record of the access is kept so long: the audit log's retention sees to it, nothing in the stream does."""

    kind: Literal["keep_record"] = "keep_record"
    years: int = Field(ge=1, le=100)


class CountExport(_Obligation):
    """The persons of this delivery count among those whose data the provider gave abroad: the grant sees to it."""

    kind: Literal["count_export"] = "count_export"
    sensitive: bool


class PublishResults(_Obligation):
    """The consumer publishes its results. A promise, like all below: the grant's entry holds it, not the stream."""

    kind: Literal["publish_results"] = "publish_results"


class PublishBy(_Obligation):
    """The consumer makes its results public within so many months after it is done with the data."""

    kind: Literal["publish_by"] = "publish_by"
    months: int = Field(ge=1, le=1200)


class NoPublicationBefore(_Obligation):
    """The consumer publishes nothing before this day (ISO 8601, UTC)."""

    kind: Literal["no_publication_before"] = "no_publication_before"
    date: str = Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")


class ReturnDerivedData(_Obligation):
    """The consumer gives what it derives from the data back to the provider."""

    kind: Literal["return_derived_data"] = "return_derived_data"


class DeleteAtEnd(_Obligation):
    """The consumer deletes or returns the data so many months after the grant."""

    kind: Literal["delete_at_end"] = "delete_at_end"
    months: int = Field(ge=1, le=1200)


Promise = PublishResults | PublishBy | NoPublicationBefore | ReturnDerivedData | DeleteAtEnd
Obligation = Annotated[
    Drop
    | Pseudonymise
    | Generalise
    | FilterRows
    | CapRows
    | CapPersons
    | SuppressSmallCells
    | RoundCounts
    | KeepRecord
    | CountExport
    | Promise,
    Field(discriminator="kind"),
]
_ADAPTER: TypeAdapter[Obligation] = TypeAdapter(Obligation)


def parse(documents: Any) -> tuple[Obligation, ...]:
    """The obligations a decision or a contract lists, in their order.

    Raises:
        UnknownObligation: one is of a kind or form that is not understood; it is refused, never passed over.
    """
    if not isinstance(documents, list | tuple) or len(documents) > MAX_OBLIGATIONS:
        raise UnknownObligation(f"obligations are a list of at most {MAX_OBLIGATIONS}")
    return tuple(_one(number, document) for number, document in enumerate(documents))


def _one(number: int, document: Any) -> Obligation:
    try:
        return _ADAPTER.validate_python(document)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        raise UnknownObligation(f"obligation {number + 1} is not understood: {first['msg']}") from None


def document(obligation: Obligation) -> dict[str, Any]:
    """The JSON document that `parse` reads as this obligation."""
    return obligation.model_dump(mode="json", exclude_none=True)

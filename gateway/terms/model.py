"""Terms as frozen values: what is granted, for how long, owing what."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from gateway.crypto.canonical import MAX_INTEGER
from gateway.crypto.text import check_text
from gateway.problems import Problem, first_complaint
from gateway.terms.errors import TermNotUnderstood
from gateway.terms.profile import Action, Clause, DeliveryMode, Price, Prohibition
from gateway.terms.purposes import GRANTABLE

MAX_COLUMNS = 2000
MAX_TIME = 253_402_300_799
"""The last second of the year 9999, beyond which RFC 3339 cannot write a time."""


def _plain(text: str) -> str:
    try:
        return check_text(text, "a column name")
    except Problem as error:
        raise ValueError(error.detail) from error


def _grantable(purpose: str) -> str:
    if purpose not in GRANTABLE:
        raise ValueError("a contract may grant the purposes P01 to P23 only")
    return purpose


def _as_set(values: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(values)) != len(values):
        raise ValueError("a value is listed twice")
    return tuple(sorted(values))


# Sets are sorted tuples, so that equal terms have equal bytes.
_Set = AfterValidator(_as_set)
_ColumnName = Annotated[str, Field(min_length=1, max_length=128), AfterValidator(_plain)]
_Place = Annotated[str, Field(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$")]
_Count = Annotated[int, Field(strict=True, ge=1, le=MAX_INTEGER)]
_Time = Annotated[int, Field(strict=True, ge=0, le=MAX_TIME)]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Drop(_Value):
    """The column is never released."""

    kind: Literal["drop"] = "drop"
    column: _ColumnName


class Pseudonymise(_Value):
    """The column's values are replaced by pseudonyms of this contract's own."""

    kind: Literal["pseudonymise"] = "pseudonymise"
    column: _ColumnName


class Generalise(_Value):
    """Numbers become bands of `width` (method band); dates become their month or year."""

    kind: Literal["generalise"] = "generalise"
    column: _ColumnName
    method: Literal["band", "month", "year"]
    width: Annotated[int, Field(strict=True, ge=2, le=MAX_INTEGER)] | None = None

    @model_validator(mode="after")
    def _width_belongs_to_bands(self) -> Generalise:
        if (self.method == "band") != (self.width is not None):
            raise ValueError("method band needs a width, months and years have none")
        return self


class SuppressSmallCells(_Value):
    """Counts from 1 to `threshold` persons (rows where the dataset declares no person column) are not released."""

    kind: Literal["suppress_small_cells"] = "suppress_small_cells"
    threshold: _Count
    complementary: bool = Field(default=True, strict=True)


def _in_order(duties: tuple[Duty, ...]) -> tuple[Duty, ...]:
    return tuple(sorted(duties, key=lambda duty: (duty.kind, getattr(duty, "column", ""))))


Duty = Annotated[Drop | Pseudonymise | Generalise | SuppressSmallCells, Field(discriminator="kind")]


class Terms(_Value):
    """What one contract grants on one dataset.

    `uses` counts grants in all, `rows` and `persons` bound each grant and their sum; None is no bound. Times are
    seconds UTC, [valid_from, valid_to). `processing_locations` are ISO 3166-1 or 3166-2 codes. `duties` have the
    shape of obligations, at most one for a column: the contract's own demands, which the policy may add to and never
    loosen. `clauses` are what the contract's text lays down; a `price` of None is none that was stated.
    """

    actions: Annotated[tuple[Action, ...], Field(min_length=1), _Set]
    purposes: Annotated[tuple[Annotated[str, AfterValidator(_grantable)], ...], Field(min_length=1), _Set]
    delivery_modes: Annotated[tuple[DeliveryMode, ...], Field(min_length=1), _Set]
    columns: Annotated[tuple[_ColumnName, ...], Field(min_length=1, max_length=MAX_COLUMNS), _Set]
    processing_locations: Annotated[tuple[_Place, ...], Field(min_length=1, max_length=64), _Set]
    valid_from: _Time
    valid_to: _Time
    uses: _Count | None = None
    rows: _Count | None = None
    persons: _Count | None = None
    duties: Annotated[tuple[Duty, ...], Field(max_length=MAX_COLUMNS + 1), AfterValidator(_in_order)] = ()
    prohibitions: Annotated[tuple[Prohibition, ...], _Set] = ()
    clauses: Annotated[tuple[Clause, ...], _Set] = ()
    price: Price | None = None

    @model_validator(mode="after")
    def _duties_are_clear(self) -> Terms:
        if self.valid_from >= self.valid_to:
            raise ValueError("valid_from must be before valid_to")
        subjects = [getattr(duty, "column", None) for duty in self.duties]
        if len(set(subjects)) != len(subjects):
            raise ValueError("two duties speak of the same column, or two of small cells")
        # A duty on a column that is not granted would be a slip of the pen that leaves the real column bare.
        if strangers := sorted({subject for subject in subjects if subject} - set(self.columns)):
            raise ValueError(f"a duty names the column {strangers[0]!r}, which is not among the columns")
        return self

    def obligations(self) -> list[dict[str, Any]]:
        """The duties as obligations, in the shape the policy and the stream understand (JSON values)."""
        return [duty.model_dump(exclude_none=True) for duty in self.duties]


def parse_terms(value: Any) -> Terms:
    """Terms from parsed JSON. Raises TermNotUnderstood naming the member and what is wrong with it."""
    try:
        return Terms.model_validate(value)
    except ValidationError as error:
        raise TermNotUnderstood(first_complaint(error, whole="the terms")) from error

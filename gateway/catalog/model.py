"""A dataset as the rest of the house sees it: frozen values, no storage."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ColumnType(StrEnum):
    """What a column's values are, whatever the source calls it."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"


class Role(StrEnum):
    """What a column can give away about a person (ISO 25237's classes)."""

    DIRECT_IDENTIFIER = "direct_identifier"
    QUASI_IDENTIFIER = "quasi_identifier"
    SENSITIVE = "sensitive"
    PLAIN = "plain"


# Letters and digits of any script, joined by single spaces, dots, dashes or underscores: nothing that a
# spreadsheet, a shell or SQL could take for more than a name.
COLUMN_NAME = r"^[^\W\d]\w*([ ._-]\w+)*$"


class Column(_Value):
    """One published column. `not_identifying`: why a name that looks like an identifier tells nobody apart."""

    name: str = Field(min_length=1, max_length=128, pattern=COLUMN_NAME)
    type: ColumnType
    role: Role
    description: str = Field(default="", max_length=500)
    not_identifying: str | None = Field(default=None, min_length=10, max_length=500)


class SourceRef(_Value):
    """Where the data lies, as the connector of `kind` understands it. `path` is relative to the operator's root."""

    kind: Literal["csv", "parquet"]
    path: str = Field(min_length=1, max_length=1024)


class View(_Value):
    """What a connector and a plan need to know of a dataset: the columns it publishes of which source."""

    source: SourceRef
    columns: tuple[Column, ...] = Field(min_length=1, max_length=2000)
    person_column: str | None = None

    def column(self, name: str) -> Column | None:
        return next((c for c in self.columns if c.name == name), None)

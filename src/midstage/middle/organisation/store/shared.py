"""What the statements of the organisation have in common."""

from typing import Any

import msgspec

from midstage.kit.database import Record
from midstage.middle.organisation.types import OperatorId, Scope, StoreId, UnitId


def json_of(values: Any) -> str:
    """Rows to be inserted, for jsonb_to_recordset."""
    return msgspec.json.encode(values).decode()


def columns_of(scope: Scope) -> tuple[bool, list[UnitId], list[OperatorId], list[StoreId]]:
    """A scope as a statement takes it."""
    return scope.everything, list(scope.units), list(scope.operators), list(scope.stores)


def pair(rows: list[Record]) -> tuple[int, int]:
    """Two counts."""
    return rows[0][0], rows[0][1]

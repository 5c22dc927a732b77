"""Data scope: which part of the organisation somebody sees and changes."""

from midstage.kit.database import Tx
from midstage.middle.organisation import store
from midstage.middle.organisation.refusals import NoSuchOperator, NoSuchStore, NoSuchUnit
from midstage.middle.organisation.types import OperatorId, Scope, StoreId, UnitId


async def stores_in(tx: Tx, scope: Scope) -> frozenset[StoreId] | None:
    """The stores of a scope; None means all, without a look."""
    return None if scope.everything else await store.read_stores_in(tx, scope)


async def check_scope(tx: Tx, scope: Scope) -> None:
    """Raise NoSuchUnit, NoSuchOperator or NoSuchStore where a scope names what is not there."""
    unknown = await store.read_unknown(tx, scope)
    if unknown is None:
        return
    what, found = unknown
    if what == "unit":
        raise NoSuchUnit(UnitId(found))
    if what == "operator":
        raise NoSuchOperator(OperatorId(found))
    raise NoSuchStore(found)


async def lies_within(tx: Tx, inner: Scope, outer: Scope) -> bool:
    """Whether nothing of one scope is outside of another, today and whatever stores are opened."""
    if outer.everything:
        return True
    return not inner.everything and not await store.is_outside(tx, inner, outer)

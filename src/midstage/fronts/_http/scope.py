"""Data scope: over which part of the organisation somebody holds a permission, and what lies outside of it.

What lies outside is not there (404). What is of the brand as a whole, like its ledger, is for those alone who hold the
permission over all of it (403).
"""

from uuid import UUID

import msgspec

from midstage.fronts._http.staff import Staff
from midstage.kit.database import Tx
from midstage.kit.refusals import Forbidden, Text
from midstage.middle.access import api as access
from midstage.middle.inventory import api as inventory
from midstage.middle.organisation import api as organisation


class NeedsWholeBrand(Forbidden):
    """The permission is held over a part of the organisation; this is of the brand as a whole."""

    text = Text(
        zh="此操作面向整个品牌，需要在全品牌范围拥有权限：{permission}",
        en="This is of the whole brand; it needs {permission} over all of it.",
    )
    permission: str


class Reach(msgspec.Struct, frozen=True):
    """Over what somebody holds a permission. `stores` None is all of them."""

    permission: str
    scope: organisation.Scope
    stores: frozenset[organisation.StoreId] | None

    @property
    def everything(self) -> bool:
        return self.scope.everything

    def covers(self, store_id: UUID | None) -> bool:
        """Whether a store lies within; what has none is of the whole brand."""
        return self.stores is None or store_id in self.stores

    def need(self, *store_ids: UUID | None) -> None:
        """Raises access.OutOfScope unless every one of the stores lies within."""
        if not all(self.covers(store_id) for store_id in store_ids):
            raise access.OutOfScope

    def need_any(self, *store_ids: UUID | None) -> None:
        """Raises access.OutOfScope where none of the stores lies within."""
        if not any(self.covers(store_id) for store_id in store_ids):
            raise access.OutOfScope

    def need_store(self, store: organisation.Store) -> None:
        """Raises access.OutOfScope. Of a store as it is now: it may have been changed since `reach` looked."""
        if not organisation.covers(self.scope, store):
            raise access.OutOfScope

    def need_unit(self, unit: organisation.Unit) -> None:
        """Raises access.OutOfScope for a unit that is neither in the scope nor beneath a unit of it."""
        if not self.everything and self.scope.units.isdisjoint(unit.path):
            raise access.OutOfScope

    def need_operator(self, operator_id: organisation.OperatorId) -> None:
        """Raises access.OutOfScope."""
        if not self.everything and operator_id not in self.scope.operators:
            raise access.OutOfScope

    def need_everything(self) -> None:
        """Raises NeedsWholeBrand."""
        if not self.everything:
            raise NeedsWholeBrand(self.permission)

    def narrowed(self, store_id: UUID | None) -> frozenset[organisation.StoreId] | None:
        """The stores of a list: the one that was asked for, else all within. Raises access.OutOfScope."""
        if store_id is None:
            return self.stores
        self.need(store_id)
        return frozenset({organisation.StoreId(store_id)})

    def locations(self, store_id: UUID | None = None) -> frozenset[inventory.LocationId] | None:
        """The stock locations of a list, as `narrowed`."""
        found = self.narrowed(store_id)
        return None if found is None else frozenset(inventory.location_of(one) for one in found)


async def reach(tx: Tx, staff: Staff, permission: str) -> Reach:
    """Over what somebody holds a permission. Raises access.NotPermitted."""
    scope = access.need(staff.session, permission)
    return Reach(permission, scope, await organisation.stores_in(tx, scope))


def whole_brand(staff: Staff, permission: str) -> None:
    """Raises NeedsWholeBrand unless the permission is held over everything."""
    if not access.need(staff.session, permission).everything:
        raise NeedsWholeBrand(permission)

"""Emptying a brand that is there for trying out: what is left is as on its first day."""

from collections.abc import Collection

from midstage.kit.database import Tx
from midstage.middle.organisation import store
from midstage.middle.organisation.facts import BrandEmptied
from midstage.middle.organisation.refusals import NoSuchBrand, NotSandbox
from midstage.middle.organisation.store import sandbox
from midstage.middle.organisation.types import StaffId


async def need_sandbox(tx: Tx) -> None:
    """Raises NotSandbox, or NoSuchBrand. The brand is held until the commit, so that it is emptied once at a time."""
    found = await store.read_brand(tx, lock=True)
    if found is None:
        raise NoSuchBrand(tx.tenant.code)
    if not found.sandbox:
        raise NotSandbox(found.code)


async def empty_brand(tx: Tx, *, keep_staff: Collection[StaffId]) -> int:
    """Take away stores, units, operators, guides, touchpoints, accounts, choices and all staff but some.

    The rest of the brand's data is for others to take away. Returns how many rows went. Raises NotSandbox.
    """
    await need_sandbox(tx)
    gone = await sandbox.empty(tx, list(keep_staff))
    found = await store.read_brand(tx)
    if found is None:
        raise NoSuchBrand(tx.tenant.code)
    tx.note("empty", "brand", tx.brand, after={"rows": gone})
    tx.tell(BrandEmptied(root_unit_id=found.root_unit_id))
    return gone

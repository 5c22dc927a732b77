"""Platform accounts: where the brand is outside, which store runs it, and who answers for it."""

from collections.abc import Sequence

from midstage.kit.database import Tx
from midstage.kit.paging import Page, PageRequest
from midstage.middle.organisation import rules, store
from midstage.middle.organisation.brands import virtual
from midstage.middle.organisation.facts import PlatformAccountChanged, PlatformAccountRegistered
from midstage.middle.organisation.forms import Filter, NewPlatformAccount, PlatformAccountChange
from midstage.middle.organisation.refusals import (
    ChangedMeanwhile,
    NoSuchPlatformAccount,
    PlatformAccountTaken,
    StaffGone,
    StoreClosed,
)
from midstage.middle.organisation.staff import staff
from midstage.middle.organisation.stores import one_store
from midstage.middle.organisation.types import (
    PersonState,
    PlatformAccount,
    PlatformAccountId,
    StaffId,
    StoreId,
    StoreState,
)


async def register_accounts(tx: Tx, new: Sequence[NewPlatformAccount]) -> list[PlatformAccountId]:
    """Register platform accounts, all or none.

    Raises PlatformAccountTaken, NoSuchStaff, StaffGone, NoSuchStore, StoreClosed, BadCode or NameMissing.
    """
    for one in new:
        rules.check_code(one.external_id)
        rules.check_name(one.name)
    made = await store.insert_accounts(tx, new)
    home = await virtual(tx)
    for one in new:
        store_id = one.store_id or home.store_id
        if one.platform_account_id not in made:
            await _explain(tx, store_id, one.staff_id)
            raise PlatformAccountTaken(one.external_id)
        tx.note("register", "platform_account", one.platform_account_id, after=one)
        tx.tell(
            PlatformAccountRegistered(
                platform_account_id=one.platform_account_id,
                platform=one.platform,
                store_id=store_id,
                staff_id=one.staff_id,
            )
        )
    return [one.platform_account_id for one in new]


async def register_account(tx: Tx, new: NewPlatformAccount) -> PlatformAccount:
    """Register one platform account; see register_accounts."""
    (account_id,) = await register_accounts(tx, [new])
    return await platform_account(tx, account_id)


async def platform_account(tx: Tx, account_id: PlatformAccountId) -> PlatformAccount:
    """One platform account. Raises NoSuchPlatformAccount."""
    found = await store.read_account(tx, account_id)
    if found is None:
        raise NoSuchPlatformAccount(account_id)
    return found


async def list_accounts(tx: Tx, wanted: Filter, page: PageRequest) -> Page[PlatformAccount]:
    """Platform accounts by platform and id; `kind` is the platform, and `store_id`, `state` and `text` narrow."""
    rows = await store.list_accounts(tx, wanted, page.place(tuple[str, str]), page.fetch)
    return page.page(rows, _place)


def _place(row: PlatformAccount) -> tuple[str, str]:
    return row.platform, row.external_id


async def change_account(
    tx: Tx, account_id: PlatformAccountId, change: PlatformAccountChange, *, seen: int | None = None
) -> PlatformAccount:
    """Hand an account to another store or person, rename, close or reopen it. Raises StaffGone, StoreClosed, NoSuch…"""
    before = await store.read_account(tx, account_id, lock=True)
    if before is None:
        raise NoSuchPlatformAccount(account_id)
    after, fields = rules.changed(before, change, seen=seen)
    if not fields:
        return before
    rules.check_name(after.name)
    if not await store.write_account(tx, after):
        await _explain(tx, after.store_id, after.staff_id)
        raise ChangedMeanwhile(before.version, before.version + 1)
    tx.note("change", "platform_account", account_id, before=before, after=after)
    tx.tell(
        PlatformAccountChanged(
            platform_account_id=account_id,
            fields=fields,
            store_id=after.store_id,
            staff_id=after.staff_id,
            state=after.state,
        )
    )
    return after


async def _explain(tx: Tx, store_id: StoreId, staff_id: StaffId) -> None:
    """Say why an account was not written, where it was its store or its person."""
    if (await one_store(tx, store_id)).state == StoreState.CLOSED:
        raise StoreClosed(store_id)
    if (await staff(tx, staff_id)).state != PersonState.ACTIVE:
        raise StaffGone(staff_id)

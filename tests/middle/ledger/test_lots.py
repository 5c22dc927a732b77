"""Lots: first-expiring first, frozen until their day, gone at their date; holds keep what they hold."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from midstage.kit.clock import Tenant
from midstage.kit.database import Database, Tx
from midstage.kit.paging import PageRequest
from midstage.middle.ledger import api as ledger

BANK = UUID(int=7)
NOW = datetime(2026, 5, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def bank(tx: Tx) -> ledger.AccountId:
    return ledger.account_id(tx.brand, "bank", BANK, "points")


async def account(tx: Tx) -> ledger.AccountId:
    return await ledger.open_account(tx, "points", uuid4(), "points", min_balance=0, lots=True)


async def credit(tx: Tx, member: ledger.AccountId, amount: int, *, days: int | None, frozen: int = 0) -> ledger.LotId:
    return await ledger.credit_lot(
        tx,
        str(uuid4()),
        ledger.Posting(bank(tx), member, "points", amount),
        expires_at=None if days is None else NOW + days * DAY,
        frozen_until=NOW + frozen * DAY if frozen else None,
        reason="earn",
        reference=BANK,
    )


async def burn(tx: Tx, member: ledger.AccountId, amount: int) -> ledger.TransferId:
    posting = ledger.Posting(member, bank(tx), "points", amount)
    return await ledger.transfer(tx, str(uuid4()), [posting], reason="burn", reference=BANK)


async def test_what_expires_first_is_spent_first(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant, now=NOW) as tx:
        member = await account(tx)
        lasting, late, soon = [await credit(tx, member, 10, days=days) for days in (None, 9, 3)]
        spent = await burn(tx, member, 15)
        assert {take.lot_id: take.amount for take in await ledger.lots_taken(tx, spent)} == {soon: 10, late: 5}
        assert [(lot.lot_id, lot.left) for lot in await ledger.lots(tx, member)] == [(lasting, 10), (late, 5)]
        assert await ledger.checks(tx) == []


async def test_frozen_lots_cannot_be_spent_and_thaw_by_themselves(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant, now=NOW) as tx:
        member = await account(tx)
        await credit(tx, member, 10, days=9, frozen=2)
        assert await ledger.balance(tx, member) == ledger.Balance(10, 0, 0)
        with pytest.raises(ledger.BalanceShort):
            await burn(tx, member, 1)
    async with db.writing(tenant, now=NOW + 2 * DAY) as tx:
        await burn(tx, member, 10)
        assert await ledger.balance(tx, member) == ledger.Balance(0, 0, 0)


async def test_what_is_left_at_its_date_goes_to_the_expiry_account(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant, now=NOW) as tx:
        member = await account(tx)
        await credit(tx, member, 10, days=3)
        await credit(tx, member, 7, days=9)
        await burn(tx, member, 4)
        hold = await ledger.hold(tx, "h", member, bank(tx), 5, expires_at=NOW + 5 * DAY, reason="order", reference=BANK)
    async with db.writing(tenant, now=NOW + 3 * DAY) as tx:
        assert await ledger.expire_lots(tx) == 1
        assert await ledger.expire_lots(tx) == 0
        assert [type(fact).__name__ for fact, _ in tx.told] == ["LotsExpired"]
        assert await ledger.balance(tx, ledger.expiry_account(tx.brand, "points")) == ledger.Balance(1, 0, 1)
        assert await ledger.balance(tx, member) == ledger.Balance(12, 5, 7)
        await ledger.post_hold(tx, hold, 3)  # held before its lot's date, so it may still be spent
        assert await ledger.expire_lots(tx) == 1  # the rest of the hold came back too late
        assert await ledger.balance(tx, member) == ledger.Balance(7, 0, 7)
        assert await ledger.checks(tx) == []


async def test_a_frozen_account_receives_and_does_not_spend(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant, now=NOW) as tx:
        member = await account(tx)
        await credit(tx, member, 10, days=None)
        await ledger.freeze(tx, member, until=NOW + DAY)
        with pytest.raises(ledger.AccountFrozen):
            await burn(tx, member, 1)
        with pytest.raises(ledger.AccountFrozen):
            await ledger.hold(tx, "h", member, bank(tx), 1, expires_at=NOW + DAY, reason="x", reference=BANK)
        await credit(tx, member, 5, days=None)
        assert await ledger.balance(tx, member) == ledger.Balance(15, 0, 0)
        await ledger.freeze(tx, member, until=None)
        await burn(tx, member, 15)
        assert [entry.action for entry in tx.noted] == ["ledger.freeze", "ledger.freeze"]


async def test_an_account_is_open_on_one_set_of_terms(db: Database, tenant: Tenant) -> None:
    owner = uuid4()
    async with db.writing(tenant) as tx:
        first = await ledger.open_account(tx, "wallet", owner, "CNY", min_balance=0)
        assert await ledger.open_account(tx, "wallet", owner, "CNY", min_balance=0) == first
        with pytest.raises(ledger.AccountDiffers):
            await ledger.open_account(tx, "wallet", owner, "CNY", min_balance=-5)
        with pytest.raises(ledger.LotTermsInvalid):
            await ledger.open_account(tx, "gift", owner, "CNY", min_balance=-5, lots=True)
        unknown = ledger.AccountId(uuid4())
        with pytest.raises(ledger.NoSuchAccount):
            await ledger.transfer(tx, "x", [ledger.Posting(unknown, first, "CNY", 1)], reason="x", reference=owner)
        with pytest.raises(ledger.AssetDiffers):
            await ledger.transfer(tx, "x", [ledger.Posting(bank(tx), first, "CNY", 1)], reason="x", reference=owner)
        assert await ledger.balance(tx, first) == ledger.Balance(0, 0, 0)


async def test_a_statement_pages_from_the_newest(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant, now=NOW) as tx:
        member = await account(tx)
        for amount in (1, 2, 3):
            await credit(tx, member, amount, days=None)
        first = await ledger.entries(tx, member, PageRequest(limit=2))
        rest = await ledger.entries(tx, member, PageRequest(after=first.next, limit=2))
        assert [entry.amount for entry in first.items + rest.items] == [3, 2, 1]
        assert rest.next is None


async def test_the_doctor_sees_a_hand_in_the_books(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant, now=NOW) as tx:
        member = await account(tx)
        await credit(tx, member, 10, days=None)
        await tx.run("update ledger_balance set amount = 11 where brand_id = $1", tx.brand)
        found = {finding.check for finding in await ledger.checks(tx)}
        assert found == {"ledger.trial_balance", "ledger.balance_is_entries", "ledger.lots_are_balance"}

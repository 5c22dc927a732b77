"""Transfers: once a key, whole or not at all, never below a minimum."""

import asyncio
from uuid import UUID, uuid4

import pytest

from midstage.kit.clock import Tenant
from midstage.kit.database import Database, Tx
from midstage.middle.ledger import api as ledger

BANK = UUID(int=7)


def cny(tenant: Tenant, kind: str, owner: UUID = BANK) -> ledger.AccountId:
    return ledger.account_id(tenant.brand, kind, owner, "CNY")


async def filled(tx: Tx, amount: int, *, minimum: int = 0) -> ledger.AccountId:
    """A wallet with something in it."""
    wallet = await ledger.open_account(tx, "wallet", uuid4(), "CNY", min_balance=minimum)
    if amount:
        top_up = ledger.Posting(cny(tx.tenant, "bank"), wallet, "CNY", amount)
        await ledger.transfer(tx, f"fill:{wallet}", [top_up], reason="top_up", reference=uuid4())
    return wallet


async def test_a_transfer_opens_append_only_accounts_and_moves_the_amount(db: Database, tenant: Tenant) -> None:
    order = uuid4()
    posting = ledger.Posting(cny(tenant, "clearing"), cny(tenant, "deposits"), "CNY", 1250)
    async with db.writing(tenant) as tx:
        await ledger.transfer(tx, "pay:1", [posting], reason="paid", reference=order)
    async with db.reading(tenant) as tx:
        assert await ledger.balance(tx, posting.source) == ledger.Balance(-1250, 0, -1250)
        assert await ledger.balance(tx, posting.destination) == ledger.Balance(1250, 0, 1250)
        assert await ledger.trial_balance(tx) == [("CNY", 0)]
        assert await ledger.checks(tx) == []


async def test_the_same_key_returns_the_earlier_transfer_and_another_content_is_refused(
    db: Database, tenant: Tenant
) -> None:
    order = uuid4()
    posting = ledger.Posting(cny(tenant, "clearing"), cny(tenant, "deposits"), "CNY", 10)
    async with db.writing(tenant) as tx:
        first = await ledger.transfer(tx, "k", [posting], reason="paid", reference=order)
    async with db.writing(tenant) as tx:
        assert await ledger.transfer(tx, "k", [posting], reason="paid", reference=order) == first
        with pytest.raises(ledger.KeyReused):
            await ledger.transfer(tx, "k", [posting, posting], reason="paid", reference=order)
        assert (await ledger.balance(tx, posting.destination)).amount == 10


async def test_a_spend_beyond_the_balance_is_refused_and_leaves_nothing(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        wallet = await filled(tx, 100)
        shop = cny(tenant, "shop")
        with pytest.raises(ledger.BalanceShort) as short:
            await ledger.transfer(tx, "s", [ledger.Posting(wallet, shop, "CNY", 101)], reason="buy", reference=BANK)
        assert short.value.figures() == {"account": wallet, "wanted": 101, "free": 100}
        assert await ledger.balance(tx, wallet) == ledger.Balance(100, 0, 100)
        assert (await ledger.balance(tx, shop)).amount == 0
        # the key is still unused
        await ledger.transfer(tx, "s", [ledger.Posting(wallet, shop, "CNY", 100)], reason="buy", reference=BANK)
        # and a replay of a spend that emptied the account is no shortage
        await ledger.transfer(tx, "s", [ledger.Posting(wallet, shop, "CNY", 100)], reason="buy", reference=BANK)
    async with db.reading(tenant) as tx:
        assert await ledger.checks(tx) == []


async def test_one_key_from_sixteen_connections_books_once(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        wallet = await filled(tx, 1000)
    posting = ledger.Posting(wallet, cny(tenant, "shop"), "CNY", 900)

    async def pay() -> ledger.TransferId:
        async with db.writing(tenant) as tx:
            return await ledger.transfer(tx, "once", [posting], reason="buy", reference=BANK)

    assert len(set(await asyncio.gather(*(pay() for _ in range(16))))) == 1
    async with db.reading(tenant) as tx:
        assert (await ledger.balance(tx, wallet)).amount == 100
        assert await ledger.checks(tx) == []


async def test_one_append_only_key_from_sixteen_connections_books_once(db: Database, tenant: Tenant) -> None:
    posting = ledger.Posting(cny(tenant, "clearing"), cny(tenant, "deposits"), "CNY", 5)

    async def pay() -> ledger.TransferId:
        async with db.writing(tenant) as tx:
            return await ledger.transfer(tx, "once", [posting], reason="paid", reference=BANK)

    assert len(set(await asyncio.gather(*(pay() for _ in range(16))))) == 1
    async with db.reading(tenant) as tx:
        assert (await ledger.balance(tx, posting.destination)).amount == 5

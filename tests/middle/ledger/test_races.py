"""Many connections at once: nobody spends what is not there, nobody waits for ever, nothing is lost."""

import asyncio
import itertools
import random
from datetime import timedelta
from uuid import UUID, uuid4

from midstage.kit.clock import Tenant, utc_now
from midstage.kit.database import Database
from midstage.middle.ledger import api as ledger

BANK = UUID(int=7)


async def test_transfers_between_the_same_wallets_never_deadlock_nor_overdraw(db: Database, tenant: Tenant) -> None:
    bank = ledger.account_id(tenant.brand, "bank", BANK, "CNY")
    async with db.writing(tenant) as tx:
        wallets = [await ledger.open_account(tx, "wallet", uuid4(), "CNY", min_balance=0) for _ in range(4)]
        lots = [await ledger.open_account(tx, "gift", uuid4(), "CNY", min_balance=0, lots=True) for _ in range(2)]
        for account in (*wallets, *lots):
            filling = [ledger.Posting(bank, account, "CNY", 100)]
            await ledger.transfer(tx, f"fill:{account}", filling, reason="top_up", reference=BANK)
    accounts = [*wallets, *lots]

    async def spend(chance: random.Random) -> None:
        for _ in range(6):
            chosen = chance.sample(accounts, 3)
            pairs = itertools.pairwise(chosen)
            postings = [ledger.Posting(source, to, "CNY", chance.randint(1, 80)) for source, to in pairs]
            try:
                async with db.writing(tenant) as tx:
                    if chance.random() < 0.3:
                        hold = await ledger.hold(
                            tx,
                            str(uuid4()),
                            chosen[0],
                            chosen[1],
                            chance.randint(1, 50),
                            expires_at=tx.now + timedelta(hours=1),
                            reason="race",
                            reference=BANK,
                        )
                    else:
                        await ledger.transfer(tx, str(uuid4()), postings, reason="race", reference=BANK)
                        continue
                async with db.writing(tenant) as tx:
                    await (ledger.post_hold(tx, hold) if chance.random() < 0.5 else ledger.release_hold(tx, hold))
            except ledger.BalanceShort:
                pass

    await asyncio.gather(*(spend(random.Random(seed)) for seed in range(16)))
    async with db.reading(tenant) as tx:
        found = await ledger.balances(tx, accounts)
        assert sum(one.amount for one in found.values()) == 600
        assert min(one.amount for one in found.values()) >= 0
        assert await ledger.trial_balance(tx) == [("CNY", 0)]
        assert await ledger.checks(tx) == []


async def test_sixteen_spenders_of_one_lot_account_spend_it_once(db: Database, tenant: Tenant) -> None:
    bank = ledger.account_id(tenant.brand, "bank", BANK, "points")
    async with db.writing(tenant) as tx:
        member = await ledger.open_account(tx, "points", uuid4(), "points", min_balance=0, lots=True)
        for day in range(1, 6):
            credit = ledger.Posting(bank, member, "points", 10)
            expires_at = tx.now + timedelta(days=day)
            await ledger.credit_lot(tx, f"lot{day}", credit, expires_at=expires_at, reason="earn", reference=BANK)

    async def burn(number: int) -> bool:
        try:
            async with db.writing(tenant) as tx:
                posting = ledger.Posting(member, bank, "points", 7)
                await ledger.transfer(tx, f"burn{number}", [posting], reason="burn", reference=BANK)
        except ledger.BalanceShort:
            return False
        return True

    assert sum(await asyncio.gather(*(burn(number) for number in range(16)))) == 7
    async with db.reading(tenant) as tx:
        assert (await ledger.balance(tx, member)).free == 1
        assert [(lot.left, lot.expires_at is not None) for lot in await ledger.lots(tx, member)] == [(1, True)]
        assert await ledger.checks(tx) == []


async def test_rolling_up_while_others_book_loses_nothing(db: Database, tenant: Tenant) -> None:
    source, sink = (ledger.account_id(tenant.brand, kind, BANK, "CNY") for kind in ("clearing", "deposits"))

    async def book() -> None:
        for _ in range(8):
            async with db.writing(tenant) as tx:
                postings = [ledger.Posting(source, sink, "CNY", 1)]
                await ledger.transfer(tx, str(uuid4()), postings, reason="paid", reference=BANK)

    async def roll() -> None:
        for _ in range(6):
            async with db.writing(tenant) as tx:
                await ledger.roll_up(tx, limit=20)

    await asyncio.gather(*(book() for _ in range(12)), *(roll() for _ in range(4)))
    async with db.reading(tenant) as tx:
        assert (await ledger.balance(tx, sink)).amount == 96
        assert await ledger.checks(tx) == []
    async with db.writing(tenant) as tx:
        while await ledger.roll_up(tx):
            pass
        assert (await ledger.balance(tx, sink)).amount == 96
        assert await ledger.checks(tx) == []


async def test_two_expiries_at_once_expire_each_lot_once(db: Database, tenant: Tenant) -> None:
    bank = ledger.account_id(tenant.brand, "bank", BANK, "points")
    soon = utc_now() + timedelta(hours=1)
    async with db.writing(tenant) as tx:
        for number in range(10):
            member = await ledger.open_account(tx, "points", uuid4(), "points", min_balance=0, lots=True)
            credit = ledger.Posting(bank, member, "points", 10)
            await ledger.credit_lot(tx, f"lot{number}", credit, expires_at=soon, reason="earn", reference=BANK)

    async def expire() -> int:
        async with db.writing(tenant, now=soon) as tx:
            return await ledger.expire_lots(tx, limit=4)

    done = 0
    while done < 10:
        done += sum(await asyncio.gather(*(expire() for _ in range(4))))
    assert done == 10
    async with db.reading(tenant, now=soon) as tx:
        assert (await ledger.balance(tx, ledger.expiry_account(tenant.brand, "points"))).amount == 100
        assert await ledger.checks(tx) == []


async def test_who_waited_for_a_top_up_can_spend_it(db: Database, tenant: Tenant) -> None:
    bank = ledger.account_id(tenant.brand, "bank", BANK, "CNY")
    async with db.writing(tenant) as tx:
        wallet = await ledger.open_account(tx, "wallet", uuid4(), "CNY", min_balance=0)

    async def spend() -> None:
        async with db.writing(tenant) as tx:
            await ledger.transfer(tx, "spend", [ledger.Posting(wallet, bank, "CNY", 50)], reason="buy", reference=BANK)

    async with db.writing(tenant) as tx:
        await ledger.transfer(tx, "fill", [ledger.Posting(bank, wallet, "CNY", 60)], reason="top_up", reference=BANK)
        waiting = asyncio.create_task(spend())
        await asyncio.sleep(0.2)
    await waiting
    async with db.reading(tenant) as tx:
        assert (await ledger.balance(tx, wallet)).amount == 10
        assert await ledger.checks(tx) == []

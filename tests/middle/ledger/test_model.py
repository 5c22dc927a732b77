"""Any sequence of transfers, holds and lots does to the ledger what it does to a model of it."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from midstage.kit.clock import Tenant
from midstage.kit.database import Database, Tx
from midstage.kit.ids import BrandId
from midstage.middle.ledger import api as ledger

_brands = itertools.count(20_000_000)
_START = datetime(2026, 1, 1, tzinfo=UTC)
PLAIN, CREDIT, LOTS, OPEN = range(4)  # minimum 0, minimum −50, in lots, append-only
MINIMUM = {PLAIN: 0, CREDIT: -50, LOTS: 0}

account = st.integers(0, 3)
amount = st.integers(1, 60)
days = st.integers(1, 6)
steps = st.one_of(
    st.tuples(st.just("transfer"), account, account, amount),
    st.tuples(st.just("transfer"), st.just(OPEN), account, amount),
    st.tuples(st.just("credit"), amount, days, st.sampled_from([0, 0, 1, 3])),
    st.tuples(st.just("credit"), amount, days, st.just(0)),
    st.tuples(st.just("transfer"), st.just(LOTS), st.just(OPEN), st.integers(1, 20)),
    st.tuples(st.just("hold"), st.integers(0, 2), amount, days),
    st.tuples(st.just("post"), st.integers(0, 5), amount),
    st.tuples(st.just("release"), st.integers(0, 5)),
    st.tuples(st.just("pass"), days),
    st.tuples(st.sampled_from(["expire_holds", "expire_lots", "roll_up"])),
)


class Model:
    """What the accounts should have. A lot is [left, frozen until, expires, parts by hold]."""

    def __init__(self) -> None:
        self.now = _START
        self.amount = [0, 0, 0, 0]
        self.lots: list[list[Any]] = []
        self.holds: list[dict[str, Any]] = []
        self.expired = 0

    def held(self, account: int) -> int:
        return sum(hold["amount"] for hold in self.holds if hold["account"] == account and hold["open"])

    def spendable(self) -> list[list[Any]]:
        fit = [lot for lot in self.lots if lot[1] <= self.now and (lot[2] is None or lot[2] > self.now)]
        return sorted(fit, key=lambda lot: (lot[2] is None, lot[2] or self.now))

    def free(self, account: int) -> int:
        if account == LOTS:
            return sum(lot[0] for lot in self.spendable())
        return self.amount[account] if account == OPEN else self.amount[account] - self.held(account) - MINIMUM[account]

    def take(self, amount: int) -> list[tuple[list[Any], int]]:
        taken: list[tuple[list[Any], int]] = []
        for lot in self.spendable():
            part = min(lot[0], amount)
            if part:
                lot[0] -= part
                amount -= part
                taken.append((lot, part))
        assert amount == 0
        return taken

    def move(self, source: int, destination: int, amount: int) -> None:
        self.amount[source] -= amount
        self.amount[destination] += amount
        if source == LOTS:
            self.take(amount)
        if destination == LOTS:
            self.lots.append([amount, self.now, None])

    def end(self, hold: dict[str, Any], posted: int) -> None:
        hold["open"] = False
        for lot, part in hold["parts"]:
            used = min(part, posted)
            posted -= used
            lot[0] += part - used


class Machine:
    """Does each step to both."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.tenant = Tenant(BrandId(next(_brands)), "model", zone="UTC", day_starts_minute=0)
        self.model = Model()
        self.ids: list[ledger.AccountId] = []
        self.hold_ids: list[ledger.HoldId] = []

    async def run(self, script: list[tuple[Any, ...]]) -> None:
        async with self.db.writing(self.tenant) as tx:
            self.ids = [
                await ledger.open_account(tx, "wallet", uuid4(), "CNY", min_balance=0),
                await ledger.open_account(tx, "credit", uuid4(), "CNY", min_balance=-50),
                await ledger.open_account(tx, "gifts", uuid4(), "CNY", min_balance=0, lots=True),
                ledger.account_id(self.tenant.brand, "bank", UUID(int=1), "CNY"),
            ]
        for step in script:
            async with self.db.writing(self.tenant, now=self.model.now) as tx:
                await getattr(self, step[0].replace("pass", "wait"))(tx, *step[1:])
        async with self.db.reading(self.tenant, now=self.model.now) as tx:
            await self.compare(tx)

    async def compare(self, tx: Tx) -> None:
        found = await ledger.balances(tx, self.ids)
        for account, wanted in enumerate(self.model.amount):
            held = 0 if account == OPEN else self.model.held(account)
            assert found[self.ids[account]] == ledger.Balance(wanted, held, self.model.free(account))
        lots = await ledger.lots(tx, self.ids[LOTS])
        assert [lot.left for lot in lots if lot.left] == [lot[0] for lot in self.model.lots if lot[0]]
        gone = await ledger.balance(tx, ledger.expiry_account(self.tenant.brand, "CNY"))
        assert gone.amount == self.model.expired
        assert all(total == 0 for _, total in await ledger.trial_balance(tx))
        assert await ledger.checks(tx) == []

    async def transfer(self, tx: Tx, source: int, destination: int, amount: int) -> None:
        key, posting = str(uuid4()), ledger.Posting(self.ids[source], self.ids[destination], "CNY", amount)
        try:
            first = await ledger.transfer(tx, key, [posting], reason="model", reference=UUID(int=1))
            assert await ledger.transfer(tx, key, [posting], reason="model", reference=UUID(int=1)) == first
        except ledger.PostingInvalid:
            assert source == destination
        except ledger.BalanceShort as refusal:
            self.check_short(refusal, source, amount)
        else:
            self.model.move(source, destination, amount)

    def check_short(self, refusal: ledger.BalanceShort, account: int, amount: int) -> None:
        assert account != OPEN
        assert refusal.free == self.model.free(account) < amount == refusal.wanted

    async def credit(self, tx: Tx, amount: int, lasts: int, frozen: int) -> None:
        posting = ledger.Posting(self.ids[OPEN], self.ids[LOTS], "CNY", amount)
        frozen_until = self.model.now + timedelta(days=frozen)
        expires_at = frozen_until + timedelta(days=lasts)
        await ledger.credit_lot(
            tx,
            str(uuid4()),
            posting,
            frozen_until=frozen_until,
            expires_at=expires_at,
            reason="model",
            reference=UUID(int=1),
        )
        self.model.amount[OPEN] -= amount
        self.model.amount[LOTS] += amount
        self.model.lots.append([amount, frozen_until, expires_at])

    async def hold(self, tx: Tx, account: int, amount: int, lasts: int) -> None:
        expires_at = self.model.now + timedelta(days=lasts)
        try:
            hold = await ledger.hold(
                tx,
                str(uuid4()),
                self.ids[account],
                self.ids[OPEN],
                amount,
                expires_at=expires_at,
                reason="model",
                reference=UUID(int=1),
            )
        except ledger.BalanceShort as refusal:
            self.check_short(refusal, account, amount)
            return
        self.hold_ids.append(hold)
        parts = self.model.take(amount) if account == LOTS else []
        self.model.holds.append(
            {"account": account, "amount": amount, "open": True, "expires": expires_at, "parts": parts}
        )

    async def post(self, tx: Tx, which: int, amount: int) -> None:
        if which >= len(self.hold_ids):
            return
        hold = self.model.holds[which]
        try:
            await ledger.post_hold(tx, self.hold_ids[which], amount)
        except ledger.HoldExceeded:
            assert amount > hold["amount"]
        except ledger.HoldOver:
            assert not hold["open"] or hold["expires"] <= self.model.now
        else:
            if hold["open"]:
                hold["posted"] = amount
                self.model.end(hold, amount)
                self.model.amount[hold["account"]] -= amount
                self.model.amount[OPEN] += amount
            assert hold["posted"] == amount  # the same again changes nothing

    async def release(self, tx: Tx, which: int) -> None:
        if which >= len(self.hold_ids):
            return
        hold = self.model.holds[which]
        try:
            assert await ledger.release_hold(tx, self.hold_ids[which]) == hold["open"]
        except ledger.HoldOver:
            assert "posted" in hold
        else:
            if hold["open"]:
                self.model.end(hold, 0)

    async def wait(self, _: Tx, days: int) -> None:
        self.model.now += timedelta(days=days)

    async def expire_holds(self, tx: Tx) -> None:
        due = [hold for hold in self.model.holds if hold["open"] and hold["expires"] <= self.model.now]
        assert await ledger.expire_holds(tx) == len(due)
        for hold in due:
            self.model.end(hold, 0)

    async def expire_lots(self, tx: Tx) -> None:
        due = [lot for lot in self.model.lots if lot[0] and lot[2] is not None and lot[2] <= self.model.now]
        assert await ledger.expire_lots(tx) == (1 if due else 0)
        for lot in due:
            self.model.amount[LOTS] -= lot[0]
            self.model.expired += lot[0]
            lot[0] = 0

    async def roll_up(self, tx: Tx) -> None:
        await ledger.roll_up(tx)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(script=st.lists(steps, min_size=10, max_size=30))
async def test_the_ledger_does_what_its_model_does(db: Database, script: list[tuple[Any, ...]]) -> None:
    await Machine(db).run(script)

"""Compare a day that was read with our book as it is now, and write down what came out: again is once."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from uuid import UUID

from msgspec.structs import replace

from midstage.kit.database import Tx
from midstage.kit.ids import new_id
from midstage.middle.payments import booking, store
from midstage.middle.payments import statement_rules as rules
from midstage.middle.payments.facts import StatementCompared
from midstage.middle.payments.statement_types import (
    IN_LEDGER,
    UNRESOLVED,
    Difference,
    DifferenceId,
    DifferenceState,
    Found,
    Line,
    StatementDay,
    StatementState,
    StatementSum,
)
from midstage.middle.payments.types import Merchant, PaymentId, Tender, TenderKind

ONE_DAY = timedelta(days=1)


async def compare_day(tx: Tx, merchant: Merchant, head: StatementDay) -> tuple[StatementDay, list[DifferenceId]]:
    """Compare a day whose lines are stored; the caller holds the merchant. Returns the day, and what is new.

    A difference that stands no more is gone, or (resolved) stands no more; one that changed is open again, and what
    was booked for it is taken back.
    """
    lines = await store.lines(tx, merchant.merchant_id, head.day)
    compared = rules.compare(lines, await _known(tx, merchant, head, lines))
    known = {(one.kind, one.mark): one for one in await store.differences_of_day(tx, merchant.merchant_id, head.day)}
    standing: list[Difference] = []
    new: list[DifferenceId] = []
    for found in compared.found:
        seen = known.pop((found.kind, found.mark), None)
        if seen is None:
            one = _new(merchant, head.day, found)
            await store.put_difference(tx, one)
            new.append(one.difference_id)
        else:
            one = await _still(tx, merchant, seen, found)
        standing.append(one)
    for seen in known.values():
        await _not_any_more(tx, merchant, seen)
    await _write_sums(tx, merchant, head.day, compared.sums)
    state = rules.day_state(standing)
    told = replace(head, state=state, lines=len(lines), matched=compared.matched)
    if head.until is not None and head.fetched_at is not None:
        told = replace(told, next_try_at=rules.next_try(state, until=head.until, runs=head.runs, at=head.fetched_at))
    await store.write_day(tx, told)
    if state is not head.state or new:
        tx.tell(
            StatementCompared(
                merchant_id=merchant.merchant_id,
                day=head.day,
                state=state,
                matched=compared.matched,
                differences=sum(one.state in UNRESOLVED for one in standing),
            )
        )
    return await _as_it_stands(tx, merchant, head.day), new


async def _known(tx: Tx, merchant: Merchant, head: StatementDay, lines: Sequence[Line]) -> rules.Known:
    merchant_id = merchant.merchant_id
    inside = await store.tenders_between(tx, merchant_id, head.since, head.until) if head.since and head.until else []
    numbers = [line.transaction_no for line in lines]
    tenders = {_key(one): one for one in inside}
    tenders |= {_key(one): one for one in await store.tenders_by_number(tx, merchant_id, numbers, list(TenderKind))}
    elsewhere: set[rules.Key] = set()
    before: set[rules.Key] = set()
    for number, back, day in await store.listed_on(
        tx, merchant_id, head.day, [*numbers, *(one.transaction_no or "" for one in inside)]
    ):
        key = (TenderKind.REFUND if back else TenderKind.PAYMENT, number)
        elsewhere.add(key)
        if day < head.day:
            before.add(key)
    strange = [line for line in lines if rules.key_of(line) not in tenders]
    payments = {one.payment_id: one for one in await store.payments_by_id(tx, _ids(one.payment_no for one in strange))}
    refunds = {one.refund_id: one for one in await store.refunds_by_id(tx, _ids(one.refund_no for one in strange))}
    others = await store.tenders_of(tx, [PaymentId(one) for one in payments])
    after = await store.read_day(tx, merchant_id, head.day + ONE_DAY)
    return rules.Known(
        merchant_id=merchant_id,
        payee=merchant.payee,
        fee_millionths=merchant.fee_millionths,
        tenders=tenders,
        inside=inside,
        listed_elsewhere=frozenset(elsewhere),
        listed_before=frozenset(before),
        payments={UUID(int=key.int): one for key, one in payments.items()},
        refunds={UUID(int=key.int): one for key, one in refunds.items()},
        elsewhere={_key(one): one for one in others if one.merchant_id != merchant_id},
        next_is_read=bool(after and after.fetched_at and after.until and after.fetched_at >= after.until),
    )


def _new(merchant: Merchant, day: date, found: Found) -> Difference:
    return Difference(
        difference_id=DifferenceId(new_id()),
        merchant_id=merchant.merchant_id,
        day=day,
        kind=found.kind,
        mark=found.mark,
        transaction_no=found.transaction_no,
        payment_id=found.payment_id,
        refund_id=found.refund_id,
        tender_id=found.tender_id,
        currency=found.currency,
        ours_minor=found.ours_minor,
        theirs_minor=found.theirs_minor,
        state=rules.first_state(found.kind),
        standing=True,
        resolution=None,
        note="",
        wait_until=None,
        happened_at=found.happened_at,
        found_at=found.happened_at,
        ended_at=None,
        version=1,
    )


async def _still(tx: Tx, merchant: Merchant, seen: Difference, found: Found) -> Difference:
    """One that was there before, as it stands now."""
    same = (seen.ours_minor, seen.theirs_minor) == (found.ours_minor, found.theirs_minor)
    if seen.standing and same:
        over = seen.wait_until is not None and tx.tenant.business_date(tx.now) > seen.wait_until
        if seen.state is not DifferenceState.WAITING or not over:
            return seen
        return await move(tx, seen, replace(seen, state=DifferenceState.OPEN, wait_until=None), "wait_ended")
    await take_back(tx, merchant, seen)
    opened = replace(
        seen,
        state=rules.first_state(found.kind),
        standing=True,
        resolution=None,
        wait_until=None,
        ended_at=None,
        ours_minor=found.ours_minor,
        theirs_minor=found.theirs_minor,
        payment_id=found.payment_id,
        refund_id=found.refund_id,
        tender_id=found.tender_id,
    )
    return await move(tx, seen, opened, "found_again")


async def _not_any_more(tx: Tx, merchant: Merchant, seen: Difference) -> None:
    if seen.state in UNRESOLVED or (seen.standing and seen.resolution in IN_LEDGER):
        await take_back(tx, merchant, seen)
        gone = replace(seen, state=DifferenceState.GONE, standing=False, resolution=None, ended_at=tx.now)
        await move(tx, seen, gone, "gone")
    elif seen.standing:
        await move(tx, seen, replace(seen, standing=False), "stands_no_more")


async def move(tx: Tx, seen: Difference, became: Difference, verb: str) -> Difference:
    """Take a step; the merchant is held, so nobody else can."""
    if not await store.move_difference(tx, seen, became, verb):
        raise AssertionError("unreachable: whoever moves a difference holds its merchant")
    return replace(became, version=seen.version + 1)


async def take_back(tx: Tx, merchant: Merchant, seen: Difference) -> None:
    """Take back what the ledger was told of a resolution that does not hold any more."""
    if seen.resolution is not None and seen.resolution in IN_LEDGER:
        await booking.adjusted(
            tx, merchant, seen.currency, -seen.minor, resolution=seen.resolution.value, reference=seen.difference_id
        )


async def _write_sums(tx: Tx, merchant: Merchant, day: date, sums: Sequence[StatementSum]) -> None:
    """Keep the sums, and let the ledger follow what was charged as agreed."""
    place = (merchant.merchant_id, day)
    before = {
        one.currency: one.fee_booked_minor for one in (await store.sums(tx, [place[0]], [place[1]])).get(place, [])
    }
    now = {one.currency: one for one in sums}
    for currency in before.keys() - now.keys():
        now[currency] = StatementSum(currency, 0, 0, 0, 0)
    for currency, one in sorted(now.items()):
        more = one.fee_booked_minor - before.get(currency, 0)
        if more:
            await booking.fees_charged(tx, merchant, currency, more)
    await store.put_sums(tx, merchant.merchant_id, day, list(now.values()))


async def _as_it_stands(tx: Tx, merchant: Merchant, day: date) -> StatementDay:
    found = await store.read_day(tx, merchant.merchant_id, day)
    if found is None or found.state is StatementState.DUE:
        raise AssertionError("unreachable: a day that was compared is there")
    return found


def _key(tender: Tender) -> rules.Key:
    return (tender.kind, tender.transaction_no or tender.tender_id.hex)


def _ids(numbers: Iterable[str]) -> list[UUID]:
    """Those of these numbers that could be ids of ours."""
    found: list[UUID] = []
    for number in numbers:
        try:
            found.append(UUID(hex=number))
        except ValueError:
            continue
    return found

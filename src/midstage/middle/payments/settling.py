"""Deal with what a statement says differently: by whom, how and why is kept of every step."""

from datetime import date, datetime
from uuid import UUID

import msgspec
from msgspec.structs import replace

from midstage.kit.database import Tx
from midstage.kit.paging import Page, PageRequest
from midstage.kit.refusals import Text
from midstage.middle.access import api as access
from midstage.middle.organisation import api as organisation
from midstage.middle.payments import booking, comparing, reconciling, store
from midstage.middle.payments import statement_rules as rules
from midstage.middle.payments.facts import DifferenceResolved
from midstage.middle.payments.refusals import NoSuchMerchant
from midstage.middle.payments.statement_types import (
    IN_LEDGER,
    UNRESOLVED,
    Difference,
    DifferenceEnded,
    DifferenceFilters,
    DifferenceId,
    DifferenceNeedsReason,
    DifferenceState,
    DifferenceStep,
    NoSuchDifference,
    NotBookedSo,
    NotSoResolved,
    Resolution,
)
from midstage.middle.payments.types import Merchant, Notice, NoticeKind


class ReconcilingPolicy(msgspec.Struct, frozen=True):
    """What may be given up about a difference without asking somebody else: 100 yuan, unless chosen otherwise."""

    write_off_limit_minor: int = 10_000


RECONCILING = organisation.declare(
    organisation.Policy(
        "reconciling",
        ReconcilingPolicy,
        Text(zh="对账差异", en="Differences with payment providers"),
        frozenset({organisation.Level.BRAND}),
    )
)


async def _of_the_brand(tx: Tx, subject: str) -> organisation.StoreId | None:
    """Differences are of the brand as a whole. Raises NoSuchDifference."""
    try:
        await difference(tx, DifferenceId(UUID(subject)))
    except ValueError:
        raise NoSuchDifference(UUID(int=0)) from None
    return None


WRITE_OFF = access.declare_approval(
    access.ApprovalAction(
        "payments.write_off", Text(zh="核销对账差异", en="Write off a difference with a provider"), _of_the_brand
    )
)


async def difference(tx: Tx, difference_id: DifferenceId) -> Difference:
    """One difference. Raises NoSuchDifference."""
    found = await store.read_difference(tx, difference_id)
    if found is None:
        raise NoSuchDifference(difference_id)
    return found


async def differences(tx: Tx, filters: DifferenceFilters, page: PageRequest) -> Page[Difference]:
    """The differences, the latest found first."""
    rows = await store.list_differences(tx, filters, page.place(tuple[datetime, UUID]), page.fetch)
    return page.page(rows, lambda row: (row.found_at, row.difference_id))


async def steps_of_difference(tx: Tx, difference_id: DifferenceId) -> list[DifferenceStep]:
    """What became of a difference, step by step. Raises NoSuchDifference."""
    await difference(tx, difference_id)
    return await store.steps_of(tx, difference_id)


async def wait_for_difference(tx: Tx, difference_id: DifferenceId, *, until: date, note: str) -> Difference:
    """It is expected to go by itself: look again when it did not by then. Raises DifferenceEnded, DifferenceNeedsReason."""
    merchant, seen = await _held(tx, difference_id, note)
    _check_unresolved(seen)
    waiting = replace(seen, state=DifferenceState.WAITING, wait_until=until, note=note)
    return await _moved(tx, merchant, seen, waiting, "wait")


async def reopen_difference(tx: Tx, difference_id: DifferenceId, *, note: str) -> Difference:
    """What was decided does not hold: it is open again, and the ledger is as it was before.

    What was booked or given back stays so: only what still stands can be opened. Raises DifferenceEnded, DifferenceNeedsReason.
    """
    merchant, seen = await _held(tx, difference_id, note)
    if not seen.standing or seen.state is DifferenceState.OPEN:
        raise DifferenceEnded(difference_id, seen.state.value)
    await comparing.take_back(tx, merchant, seen)
    opened = replace(seen, state=DifferenceState.OPEN, resolution=None, wait_until=None, ended_at=None, note=note)
    return await _moved(tx, merchant, seen, opened, "reopen")


async def accept_as_fee(tx: Tx, difference_id: DifferenceId, *, note: str) -> Difference:
    """The provider charged it: booked as its fee. Raises NotSoResolved, DifferenceEnded, DifferenceNeedsReason."""
    return await _end(tx, difference_id, Resolution.FEE, note)


async def write_off(
    tx: Tx, difference_id: DifferenceId, *, note: str, approval: access.ApprovalId | None = None
) -> Difference:
    """Give it up, or keep what came too much: booked against what is written off.

    Beyond the limit of the policy it takes somebody else's approval. Raises access.ApprovalNeeded, NotSoResolved,
    DifferenceEnded, DifferenceNeedsReason.
    """
    seen = await difference(tx, difference_id)
    limit = (await organisation.settings_of(tx, RECONCILING)).write_off_limit_minor
    if abs(seen.minor) > limit and seen.state in UNRESOLVED:
        await access.use_approval(
            tx, approval, action=WRITE_OFF.code, subject=str(difference_id), amount_minor=abs(seen.minor)
        )
    ended = await _end(tx, difference_id, Resolution.WRITTEN_OFF, note)
    if abs(ended.minor) > max(limit, abs(seen.minor)):  # it grew since it was looked at
        raise access.ApprovalNeeded(WRITE_OFF.code, str(difference_id), abs(ended.minor))
    return ended


async def dismiss_difference(tx: Tx, difference_id: DifferenceId, *, note: str) -> Difference:
    """Nothing is to be done about it. Raises NotSoResolved, DifferenceEnded, DifferenceNeedsReason."""
    return await _end(tx, difference_id, Resolution.DISMISSED, note)


async def notice_of_difference(tx: Tx, difference_id: DifferenceId, how: Resolution) -> Notice:
    """What the provider would have told us, had it told us in time: for the order book to take.

    Raises NoSuchDifference, DifferenceEnded, NotSoResolved.
    """
    seen = await difference(tx, difference_id)
    _check_unresolved(seen)
    merchant = await store.read_merchant(tx, seen.merchant_id)
    back = seen.refund_id is not None
    line = await store.line_of(tx, seen.merchant_id, seen.day, seen.transaction_no, back=back)
    if merchant is None or line is None or seen.payment_id is None or not rules.may_end(seen, how):
        raise NotSoResolved(difference_id, seen.kind.value, how.value)
    return Notice(
        kind=NoticeKind.REFUNDED if back else NoticeKind.PAID,
        merchant_id=merchant.merchant_id,
        payee=merchant.payee,
        provider=merchant.provider,
        payment_id=seen.payment_id,
        transaction_no=line.transaction_no,
        amount=line.amount,
        at=line.happened_at,
        refund_id=seen.refund_id,
    )


async def end_booked(tx: Tx, difference_id: DifferenceId, how: Resolution, *, note: str) -> Difference:
    """It is on our book now (`how`: booked, or booked and given back): nothing of it is left to differ.

    Raises NotBookedSo where the comparison still shows it, DifferenceEnded, NotSoResolved, DifferenceNeedsReason.
    """
    await _end(tx, difference_id, how, note)
    found = await difference(tx, difference_id)
    if found.standing:
        raise NotBookedSo(difference_id)
    return found


async def _end(tx: Tx, difference_id: DifferenceId, how: Resolution, note: str) -> Difference:
    merchant, seen = await _held(tx, difference_id, note)
    _check_unresolved(seen)
    if not rules.may_end(seen, how):
        raise NotSoResolved(difference_id, seen.kind.value, how.value)
    if how in IN_LEDGER:
        await booking.adjusted(tx, merchant, seen.currency, seen.minor, resolution=how.value, reference=difference_id)
    ended = replace(seen, state=DifferenceState.RESOLVED, resolution=how, note=note, wait_until=None, ended_at=tx.now)
    tx.tell(
        DifferenceResolved(
            difference_id=difference_id,
            merchant_id=seen.merchant_id,
            kind=seen.kind,
            resolution=how,
            minor=seen.minor,
            currency=seen.currency,
        )
    )
    return await _moved(tx, merchant, seen, ended, how.value)


async def _moved(tx: Tx, merchant: Merchant, seen: Difference, became: Difference, verb: str) -> Difference:
    moved = await comparing.move(tx, seen, became, verb)
    tx.note(
        f"payments.difference_{verb}",
        "difference",
        seen.difference_id,
        before={"state": seen.state.value},
        after={"state": became.state.value, "note": became.note},
    )
    await reconciling.compare_again(tx, merchant, seen.day)
    return moved


async def _held(tx: Tx, difference_id: DifferenceId, note: str) -> tuple[Merchant, Difference]:
    """A difference whose merchant is held, so that no comparison and nobody else moves it meanwhile."""
    if not note.strip():
        raise DifferenceNeedsReason
    merchant = await store.lock_merchant(tx, (await difference(tx, difference_id)).merchant_id)
    if merchant is None:
        raise NoSuchMerchant("")
    return merchant, await difference(tx, difference_id)


def _check_unresolved(seen: Difference) -> None:
    if seen.state not in UNRESOLVED:
        raise DifferenceEnded(seen.difference_id, seen.state.value)

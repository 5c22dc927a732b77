"""Compare a statement with our book: pure; everything that was read goes in, every difference comes out."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from midstage.kit import money
from midstage.middle.payments.statement_types import (
    UNRESOLVED,
    Difference,
    DifferenceKind,
    DifferenceState,
    Found,
    Line,
    Resolution,
    StatementState,
    StatementSum,
)
from midstage.middle.payments.types import MerchantId, Payment, PaymentId, Refund, RefundId, Tender, TenderKind

# A statement that was not there is asked for again after an hour, one that may be corrected a day later, for a week;
# one without differences once more after three days, as providers correct themselves within two.
NOT_THERE = timedelta(hours=1)
MAY_CHANGE = timedelta(days=1)
STAYS_OPEN = timedelta(days=7)
LAST_LOOK = timedelta(days=3)
# Providers round a fee line by line or over the day.
FEE_TOLERANCE_MINOR = 1

Key = tuple[TenderKind, str]


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What our book knows about a statement: everything by the provider's numbers or ours."""

    merchant_id: MerchantId
    payee: UUID | None
    fee_millionths: int | None
    tenders: Mapping[Key, Tender]
    """Of this merchant, by transaction: those of the lines, of whatever day, and those of the day."""
    inside: Sequence[Tender]
    """Those that happened on this day."""
    listed_elsewhere: frozenset[Key]
    """Movements that the statements of other days have."""
    listed_before: frozenset[Key]
    """Of these, those of earlier days."""
    payments: Mapping[UUID, Payment]
    """By their id, those that lines name and no tender of this merchant is of."""
    refunds: Mapping[UUID, Refund]
    elsewhere: Mapping[Key, Tender]
    """Tenders of other merchants, by transaction."""
    next_is_read: bool
    """Whether the statement of the next day has been read since that day was over."""


class Compared(msgspec.Struct, frozen=True):
    """What came out: how many lines agree, the sums by currency, the differences."""

    matched: int
    sums: list[StatementSum]
    found: list[Found]


class _Sums:
    def __init__(self) -> None:
        self.ours: dict[str, int] = {}
        self.theirs: dict[str, int] = {}
        self.fees: dict[str, int] = {}
        self.taken: dict[str, int] = {}

    def add(self, side: dict[str, int], currency: str, minor: int) -> None:
        side[currency] = side.get(currency, 0) + minor

    def all(self) -> list[StatementSum]:
        return [
            StatementSum(
                currency,
                self.ours.get(currency, 0),
                self.theirs.get(currency, 0),
                self.fees.get(currency, 0),
                self.taken.get(currency, 0),
            )
            for currency in sorted({*self.ours, *self.theirs})
        ]


def compare(lines: Sequence[Line], known: Known) -> Compared:
    """Match every line with a tender of its number, then say what is left over on either side.

    Always: theirs − ours is the sum of (theirs − ours) of the differences, in each currency.
    """
    sums, found, matched = _Sums(), list[Found](), 0
    seen: dict[Key, int] = {}
    listed: set[UUID] = set()
    for line in lines:
        key = key_of(line)
        nth = seen[key] = seen.get(key, 0) + 1
        sums.add(sums.theirs, line.currency, line.signed_minor - line.fee_minor)
        sums.add(sums.fees, line.currency, line.fee_minor)
        tender = known.tenders.get(key)
        if nth > 1 or key in known.listed_before:
            found.append(_of_line(line, DifferenceKind.DUPLICATE, mark=f"{_mark(key)}#{nth}"))
        elif tender is None or tender.amount.currency != line.currency:
            found.append(_unknown(line, known, other_currency=tender is not None))
        else:
            listed.add(tender.tender_id)
            matched += 1
            found += _matched(line, tender, known.fee_millionths, sums)
    for tender in known.inside:
        key = (tender.kind, tender.transaction_no or tender.tender_id.hex)
        if tender.tender_id not in listed and key not in known.listed_elsewhere:
            sums.add(sums.ours, tender.amount.currency, tender.amount.minor)
            found.append(_unlisted(tender, known))
    return Compared(matched, sums.all(), found)


def key_of(line: Line) -> Key:
    """What a line and a tender are matched by."""
    return (TenderKind.REFUND if line.refund_no else TenderKind.PAYMENT, line.transaction_no)


def expected_fee(line: Line, fee_millionths: int | None) -> int:
    """The fee of a line that is taken over without asking: as agreed, or as told where nothing was agreed.

    Of what is given back the fee may come back (below zero) or not; charged too little is taken as it is told.
    """
    if fee_millionths is None:
        return line.fee_minor
    agreed = money.tax_on_top(line.amount_minor, fee_millionths)
    if line.refund_no:
        agreed = -agreed if line.fee_minor < 0 else 0
    if abs(line.fee_minor - agreed) <= FEE_TOLERANCE_MINOR:
        return line.fee_minor
    return min(line.fee_minor, agreed) if agreed >= 0 else max(line.fee_minor, agreed)


def day_state(differences: Sequence[Difference]) -> StatementState:
    """Reconciled when every difference that stands is resolved."""
    states = {one.state for one in differences if one.standing and one.state in UNRESOLVED}
    if DifferenceState.OPEN in states:
        return StatementState.DIFFERS
    return StatementState.WAITS if states else StatementState.RECONCILED


def next_try(state: StatementState, *, until: datetime, runs: int, at: datetime) -> datetime | None:
    """When a day that was read is read again by itself."""
    if at < until:
        return until + NOT_THERE
    if state is StatementState.RECONCILED:
        return at + LAST_LOOK if runs == 1 else None
    return at + MAY_CHANGE if at < until + STAYS_OPEN else None


def first_state(kind: DifferenceKind) -> DifferenceState:
    """What is in transit waits for the next statement; everything else waits for somebody."""
    return DifferenceState.WAITING if kind is DifferenceKind.IN_TRANSIT else DifferenceState.OPEN


_ENDS: Mapping[Resolution, frozenset[DifferenceKind]] = {
    Resolution.BOOKED: frozenset({DifferenceKind.MISSING_HERE, DifferenceKind.REFUND_MISSING_HERE}),
    Resolution.GIVEN_BACK: frozenset({DifferenceKind.MISSING_HERE}),
    Resolution.FEE: frozenset(
        {DifferenceKind.AMOUNT_DIFFERS, DifferenceKind.REFUND_DIFFERS, DifferenceKind.FEE_UNEXPECTED}
    ),
    Resolution.WRITTEN_OFF: frozenset(DifferenceKind) - {DifferenceKind.IN_TRANSIT},
    Resolution.DISMISSED: frozenset(DifferenceKind) - {DifferenceKind.IN_TRANSIT},
}


def may_end(difference: Difference, how: Resolution) -> bool:
    """Whether a difference of this kind is dealt with so. What is not of ours cannot be booked or given back."""
    if how in (Resolution.BOOKED, Resolution.GIVEN_BACK) and difference.payment_id is None:
        return False
    return difference.kind in _ENDS[how]


def _matched(line: Line, tender: Tender, fee_millionths: int | None, sums: _Sums) -> list[Found]:
    found: list[Found] = []
    fee = expected_fee(line, fee_millionths)
    sums.add(sums.ours, line.currency, tender.amount.minor - fee)
    sums.add(sums.taken, line.currency, fee)
    ids = {"payment_id": tender.payment_id, "refund_id": tender.refund_id, "tender_id": tender.tender_id}
    if tender.amount.minor != line.signed_minor:
        kind = DifferenceKind.REFUND_DIFFERS if line.refund_no else DifferenceKind.AMOUNT_DIFFERS
        found.append(_found(line, kind, ours=tender.amount.minor, theirs=line.signed_minor, ids=ids))
    if fee != line.fee_minor:
        found.append(_found(line, DifferenceKind.FEE_UNEXPECTED, ours=-fee, theirs=-line.fee_minor, ids=ids))
    return found


def _unknown(line: Line, known: Known, *, other_currency: bool) -> Found:
    """A line that no tender of this merchant stands behind."""
    kind = DifferenceKind.REFUND_MISSING_HERE if line.refund_no else DifferenceKind.MISSING_HERE
    if other_currency:
        kind = DifferenceKind.REFUND_DIFFERS if line.refund_no else DifferenceKind.AMOUNT_DIFFERS
    payment = known.payments.get(_id(line.payment_no))
    refund = known.refunds.get(_id(line.refund_no)) if line.refund_no else None
    if key_of(line) in known.elsewhere or (payment is not None and payment.payee != known.payee):
        kind = DifferenceKind.WRONG_MERCHANT
    return _of_line(
        line,
        kind,
        payment_id=None if payment is None else payment.payment_id,
        refund_id=None if refund is None else refund.refund_id,
    )


def _unlisted(tender: Tender, known: Known) -> Found:
    kind = DifferenceKind.IN_TRANSIT
    if known.next_is_read:
        back = tender.kind is TenderKind.REFUND
        kind = DifferenceKind.REFUND_MISSING_THERE if back else DifferenceKind.MISSING_THERE
    return Found(
        kind=kind,
        mark=_mark((tender.kind, tender.transaction_no or tender.tender_id.hex)),
        transaction_no=tender.transaction_no or "",
        currency=tender.amount.currency,
        ours_minor=tender.amount.minor,
        theirs_minor=0,
        happened_at=tender.happened_at,
        payment_id=tender.payment_id,
        refund_id=tender.refund_id,
        tender_id=tender.tender_id,
    )


def _of_line(
    line: Line,
    kind: DifferenceKind,
    *,
    mark: str = "",
    payment_id: PaymentId | None = None,
    refund_id: RefundId | None = None,
) -> Found:
    """A line that stands alone: what it says, its fee included, against nothing."""
    return Found(
        kind=kind,
        mark=mark or _mark(key_of(line)),
        transaction_no=line.transaction_no,
        currency=line.currency,
        ours_minor=0,
        theirs_minor=line.signed_minor - line.fee_minor,
        happened_at=line.happened_at,
        payment_id=payment_id,
        refund_id=refund_id,
    )


def _found(line: Line, kind: DifferenceKind, *, ours: int, theirs: int, ids: Mapping[str, UUID | None]) -> Found:
    alone = Found(
        kind=kind,
        mark=_mark(key_of(line)),
        transaction_no=line.transaction_no,
        currency=line.currency,
        ours_minor=ours,
        theirs_minor=theirs,
        happened_at=line.happened_at,
    )
    return msgspec.structs.replace(alone, **ids)


def _mark(key: Key) -> str:
    """What a difference is known by within its day and kind, however often the day is compared."""
    return f"{key[0].value}/{key[1]}"


def _id(number: str) -> UUID:
    """Our id from a provider's copy of it; the id of nothing where it is none of ours."""
    try:
        return UUID(hex=number)
    except ValueError:
        return UUID(int=0)

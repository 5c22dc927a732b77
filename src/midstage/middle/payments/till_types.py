"""The words of the till: shifts, cash that moves, and what was tendered."""

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, NewType
from uuid import UUID

import msgspec

from midstage.kit.refusals import Conflict, Invalid, NotFound, Text
from midstage.middle.organisation import api as organisation

ShiftId = NewType("ShiftId", UUID)

CASH = "cash"
EXCHANGE = "exchange"
"""What came back in an exchange, as it pays for what goes out. It leaves nothing in any drawer."""
MAX_TENDERS = 10
MAX_CASH_MINOR = 10**12

Amount = Annotated[int, msgspec.Meta(ge=1, le=MAX_CASH_MINOR, description="Minor units: fen, cents")]
Held = Annotated[int, msgspec.Meta(ge=0, le=MAX_CASH_MINOR, description="Minor units: fen, cents")]


class ShiftState(StrEnum):
    """Open: its till sells. Closed: its drawer was counted."""

    OPEN = "open"
    CLOSED = "closed"


class ShiftKind(StrEnum):
    """`late` has no drawer of its own: it is for sales that were told after their business day had been closed."""

    COUNTED = "counted"
    LATE = "late"


class DayState(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


class CashKind(StrEnum):
    """Why cash moved other than by a sale. `drop` goes to the safe, `refund` is one without a receipt."""

    PAID_IN = "paid_in"
    PAID_OUT = "paid_out"
    DROP = "drop"
    REFUND = "refund"


class Pieces(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """So many notes or coins of one value."""

    value_minor: Annotated[int, msgspec.Meta(ge=1, le=10**9)]
    pieces: Annotated[int, msgspec.Meta(ge=0, le=10**6)]


class Shift(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody's time at a till, from a counted float to a counted drawer."""

    shift_id: ShiftId
    till_id: organisation.TouchpointId
    store_id: organisation.StoreId
    business_date: date
    currency: str
    kind: ShiftKind
    state: ShiftState
    opened_by: UUID
    held_by: UUID
    opened_at: datetime
    float_minor: int
    closed_at: datetime | None = None
    closed_by: UUID | None = None
    blind: bool | None = None
    expected_minor: int | None = None
    counted_minor: int | None = None
    note: str = ""

    @property
    def difference_minor(self) -> int | None:
        """What was counted beyond what was expected; below zero something was missing."""
        if self.counted_minor is None or self.expected_minor is None:
            return None
        return self.counted_minor - self.expected_minor


class CashMove(msgspec.Struct, frozen=True):
    """Cash that came into a drawer, or left it."""

    move_id: UUID
    kind: CashKind
    amount_minor: int
    reason: str
    reference: UUID | None
    by_id: UUID
    at: datetime


class TenderWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of what a shopper pays with. One part may leave its amount out: it takes what the others leave."""

    method: Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9_]{0,39}$")]
    amount_minor: Amount | None = None
    given_minor: Amount | None = None
    """Cash: what she put down; the change follows."""
    reference: Annotated[str, msgspec.Meta(max_length=100)] | None = None


class TillPart(msgspec.Struct, frozen=True):
    """A part as it is booked."""

    method: str
    amount_minor: int
    given_minor: int | None = None
    reference: str | None = None

    @property
    def change_minor(self) -> int:
        return 0 if self.given_minor is None else self.given_minor - self.amount_minor


class MethodFigures(msgspec.Struct, frozen=True):
    """What was taken and given back by one method, by our tenders; and what the ledger says of the same."""

    method: str
    taken: int
    taken_minor: int
    given_back: int
    given_back_minor: int
    ledger_minor: int


class ShiftFigures(msgspec.Struct, frozen=True):
    """A shift in figures. `drawer_minor` is what should lie in its drawer; the ledger says `ledger_drawer_minor`.

    Of a closed shift it is what should have lain there when it was counted, and the ledger's is nothing.
    """

    shift: Shift
    methods: Sequence[MethodFigures]
    paid_in_minor: int
    paid_out_minor: int
    dropped_minor: int
    refunded_minor: int
    """Refunds without a receipt, paid out of the drawer."""
    drawer_minor: int
    ledger_drawer_minor: int

    @property
    def agrees(self) -> bool:
        """Whether our tenders and the ledger say the same, to the cent."""
        drawer = self.drawer_minor if self.shift.state is ShiftState.OPEN else 0
        return self.ledger_drawer_minor == drawer and all(
            one.method == CASH or one.ledger_minor == one.taken_minor - one.given_back_minor for one in self.methods
        )


class ShiftFilters(msgspec.Struct, frozen=True, kw_only=True):
    """Which shifts are asked for."""

    store_ids: frozenset[organisation.StoreId] | None = None
    till_id: organisation.TouchpointId | None = None
    business_date: date | None = None
    state: ShiftState | None = None
    only_different: bool = False
    """Only those whose count was not what was expected."""


class NoShiftOpen(Conflict):
    """Nobody has opened a shift at this till; count the float and open one."""

    text = Text(zh="该收银台未开班，请先清点备用金并开班", en="No shift is open at this till; open one first.")
    till_id: UUID


class ShiftOpenAlready(Conflict):
    """A till has one open shift at a time."""

    text = Text(zh="该收银台已有未交的班次", en="A shift is open at this till already.")
    till_id: UUID


class NoSuchShift(NotFound):
    """There is no such shift."""

    text = Text(zh="没有这个班次", en="There is no such shift.")
    shift_id: UUID


class ShiftClosed(Conflict):
    """The shift was counted and closed."""

    text = Text(zh="该班次已交班", en="The shift is closed.")
    shift_id: UUID


class ShiftsStillOpen(Conflict):
    """A business day ends when every till of the store was counted."""

    text = Text(zh="还有 {shifts} 个班次未交，不能日结", en="{shifts} shifts are still open; count them first.")
    shifts: int


class BusinessDayClosed(Conflict):
    """The business day of the store was closed; nothing can be added to it."""

    text = Text(zh="门店 {business_date} 已日结", en="The business day {business_date} of this store is closed.")
    business_date: date


class NoSuchBusinessDay(NotFound):
    """Nothing was sold at the tills of this store on that day."""

    text = Text(zh="该门店当日没有收银班次", en="No shift was opened in this store on {business_date}.")
    business_date: date


class DrawerShort(Conflict):
    """More cash was to leave the drawer than should be in it."""

    text = Text(
        zh="钱箱余额不足：需要 {wanted_minor}，应有 {drawer_minor}",
        en="{wanted_minor} was to leave the drawer, and {drawer_minor} should be in it (minor units).",
    )
    wanted_minor: int
    drawer_minor: int


class TendersDoNotAddUp(Invalid):
    """What was tendered is not what is to be paid."""

    text = Text(
        zh="支付合计 {tendered_minor} 与应付 {total_minor} 不符",
        en="{tendered_minor} was tendered and {total_minor} is to be paid (minor units).",
    )
    total_minor: int
    tendered_minor: int


class TooLittleGiven(Invalid):
    """Cash is put down for its part, or more; nothing else has change."""

    text = Text(
        zh="“{method}”实收 {given_minor} 少于应收 {amount_minor}，或该方式不能找零",
        en="{given_minor} of {method} was given for {amount_minor}; cash alone has change.",
    )
    method: str
    amount_minor: int
    given_minor: int


class TenderNotTaken(Invalid):
    """The tills of this store do not take this method."""

    text = Text(zh="本店收银不接受支付方式“{method}”", en="The tills of this store do not take {method}.")
    method: str


class CountDoesNotAddUp(Invalid):
    """The pieces that were counted are not the amount that was told, or one value stands there twice."""

    text = Text(
        zh="按面额清点合计 {pieces_minor} 与申报 {counted_minor} 不符",
        en="The pieces come to {pieces_minor}, not {counted_minor} (minor units).",
    )
    counted_minor: int
    pieces_minor: int

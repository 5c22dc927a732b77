"""Draw up the statement of a day, with whatever is to be wrong with it."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from midstage.adapters.sandbox_pay.protocol import DayStatement, Fault, FaultKind, Line
from midstage.adapters.sandbox_pay.store import Book, Refused
from midstage.kit import money

# A page has so many lines; the first one says how many pages there are.
PAGE = 500


def page_of(book: Book, merchant_no: str, day: date, page: int, *, zone: str, fee_millionths: int) -> DayStatement:
    """One page of a statement, counted from 1. Raises Refused where it is not drawn up yet, or there is no such page."""
    if book.take_fault(merchant_no, FaultKind.STATEMENT_LATE) is not None:
        raise Refused(409, "not_ready", "the statement is not drawn up yet")
    since, until = bounds(day, zone)
    lines = _lines(book, merchant_no, day, zone, fee_millionths)
    pages = max(1, -(-len(lines) // PAGE))
    if not 1 <= page <= pages:
        raise Refused(404, "no_such_page", f"the statement has {pages} pages")
    shown = lines[(page - 1) * PAGE : page * PAGE]
    if page == pages and book.take_fault(merchant_no, FaultKind.STATEMENT_SHORT) is not None:
        shown = shown[: len(shown) // 2]
    count = len({(line.transaction_no, line.refund_no) for line in lines})
    return DayStatement(day=day, since_ms=since, until_ms=until, lines=shown, count=count, pages=pages)


def bounds(day: date, zone: str) -> tuple[int, int]:
    """When a day of the provider begins and ends, in milliseconds."""
    where = ZoneInfo(zone)
    since, until = (
        int(datetime(at.year, at.month, at.day, tzinfo=where).timestamp() * 1000)
        for at in (day, day + timedelta(days=1))
    )
    return since, until


def _lines(book: Book, merchant_no: str, day: date, zone: str, fee_millionths: int) -> list[Line]:
    since, until = bounds(day, zone)
    found: list[Line] = []
    before = _moved(book, merchant_no, day - timedelta(days=1), zone)
    found += [replace(line, at_ms=since) for line in before if _fault(book, line, FaultKind.STATEMENT_NEXT_DAY)]
    found += [
        line for line in _moved(book, merchant_no, day, zone) if not _fault(book, line, FaultKind.STATEMENT_NEXT_DAY)
    ]
    found += msgspec.convert(book.strays(merchant_no, since, until), list[Line])
    drawn: list[Line] = []
    for line in found:
        if _fault(book, line, FaultKind.STATEMENT_MISSING):
            continue
        drawn += [_faulty(book, line, fee_millionths)] * (2 if _fault(book, line, FaultKind.STATEMENT_DOUBLED) else 1)
    return drawn


def _moved(book: Book, merchant_no: str, day: date, zone: str) -> list[Line]:
    return msgspec.convert(book.lines(merchant_no, *bounds(day, zone)), list[Line])


def _faulty(book: Book, line: Line, fee_millionths: int) -> Line:
    fee = 0 if line.refund_no else money.tax_on_top(line.amount_minor, fee_millionths)
    other_fee = _fault(book, line, FaultKind.STATEMENT_FEE)
    other_amount = _fault(book, line, FaultKind.STATEMENT_AMOUNT)
    return replace(
        line,
        fee_minor=fee + (other_fee.delta_minor if other_fee else 0),
        amount_minor=line.amount_minor + (other_amount.delta_minor if other_amount else 0),
    )


def _fault(book: Book, line: Line, kind: FaultKind) -> Fault | None:
    """The fault of a line, by the number of its refund or payment."""
    return book.take_fault(line.refund_no or line.payment_no, kind)

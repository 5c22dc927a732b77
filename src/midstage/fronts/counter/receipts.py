"""Receipts: of a sale and of goods that came back, as text, for the printer, or as a PDF."""

from collections import defaultdict
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import msgspec
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from midstage.fronts._http.calls import reading
from midstage.fronts._http.desk import AnyRequest, language
from midstage.fronts._http.staff import Person
from midstage.fronts.counter.desk import REFUND, SELL, my_store
from midstage.fronts.counter.receipt import layout, printing
from midstage.fronts.counter.receipt.rows import Row
from midstage.kit.clock import zone
from midstage.kit.database import Tx
from midstage.kit.refusals import Text
from midstage.middle.access import api as access
from midstage.middle.catalogue import api as catalogue
from midstage.middle.members import api as members
from midstage.middle.orders import api as orders
from midstage.middle.organisation import api as organisation
from midstage.middle.payments import api as payments

TAGS = ["counter: receipts"]
SIMULATED = {"sandbox"}


class ReceiptSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a brand, operator or store has printed on its receipts, and on what paper."""

    header: str = ""
    footer: str = ""
    columns: int = 42
    """Of the printer: 42 or 48 on paper of 80 mm, 32 on 58 mm."""
    language: str = ""
    """zh-CN or en; empty: that of whoever asks."""


RECEIPTS = organisation.declare(
    organisation.Policy("receipts", ReceiptSettings, Text(zh="小票", en="Receipts: words and paper"))
)


class Form(StrEnum):
    """What a receipt is printed as."""

    TEXT = "text"
    ESCPOS = "escpos"
    PDF = "pdf"


class Printed(msgspec.Struct, frozen=True, kw_only=True):
    """A receipt: of `text` the text itself, of `escpos` and `pdf` the bytes in base64."""

    number: str
    form: Form
    media_type: str
    text: str | None = None
    content: bytes | None = None


MEDIA = {Form.TEXT: "text/plain; charset=utf-8", Form.ESCPOS: "application/octet-stream", Form.PDF: "application/pdf"}
Copy = Annotated[bool, QueryParameter(description="It was printed before: say so on it")]
Drawer = Annotated[bool, QueryParameter(description="Of escpos: open the drawer first")]
SEEN = (access.OutOfScope, orders.NoSuchOrder, orders.NoSuchTill)


@reading("/sales/{sale_id:uuid}/receipt", tags=TAGS, needs=SELL, refuses=SEEN)
async def sale_receipt(
    sale_id: UUID,
    request: AnyRequest,
    tx: Tx,
    staff: Person,
    form: Form = Form.TEXT,
    *,
    copy: Copy = False,
    open_drawer: Drawer = False,
) -> Printed:
    """The receipt of a sale."""
    order_id = orders.OrderId(sale_id)
    sale = await orders.till_sale(tx, order_id)
    store = await my_store(tx, staff, SELL, sale.store_id)
    detail = await orders.order_detail(tx, order_id)
    paid = await payments.till_parts(tx, sale_id)
    settings = await organisation.settings_of(tx, RECEIPTS, store)
    words = settings.language or language(request)
    zh = words.startswith("zh")
    order = detail.order
    receipt = layout.Receipt(
        head=await _head(tx, store, sale.till_id, sale.cashier_id, settings),
        number=sale.device_receipt or order.number,
        at=sale.sold_at.astimezone(zone(tx.tenant.zone)),
        member=await _member(tx, order.member_id),
        currency=order.currency,
        lines=[
            layout.ReceiptLine(
                title=(line.title_zh if zh else line.title_en) or line.title_zh,
                options=line.options,
                unit=line.unit,
                quantity_milli=line.quantity_milli,
                unit_minor=line.unit_minor,
                discount_minor=line.discount_minor,
                total_minor=line.total_minor,
            )
            for line in detail.lines
        ],
        discount_minor=order.discount_minor,
        total_minor=order.total_minor,
        taxes=_taxes(detail.lines),
        paid=[layout.Paid(one.method, one.amount_minor, one.given_minor) for one in paid],
        change_minor=sum(one.change_minor for one in paid),
        simulated=any(one.method in SIMULATED for one in paid),
        copy=copy,
    )
    return printed(layout.rows(receipt, words), receipt.number, form, settings.columns, open_drawer=open_drawer)


@reading("/returns/{return_id:uuid}/receipt", tags=TAGS, needs=REFUND, refuses=(*SEEN, orders.NoSuchReturn))
async def return_receipt(
    return_id: UUID,
    request: AnyRequest,
    tx: Tx,
    staff: Person,
    form: Form = Form.TEXT,
    *,
    copy: Copy = False,
    open_drawer: Drawer = False,
) -> Printed:
    """The receipt of goods that came back."""
    back = await orders.till_return(tx, return_id)
    store = await my_store(tx, staff, REFUND, back.store_id)
    order = await orders.order(tx, back.order_id) if back.order_id else None
    offers = await catalogue.offers(tx, [catalogue.SkuId(line.sku_id) for line in back.lines])
    settings = await organisation.settings_of(tx, RECEIPTS, store)
    words = settings.language or language(request)
    receipt = layout.Receipt(
        head=await _head(tx, store, back.till_id, back.cashier_id, settings),
        number=str(back.return_id),
        at=back.returned_at.astimezone(zone(tx.tenant.zone)),
        member=await _member(tx, order.member_id if order else None),
        currency=back.currency,
        lines=[_back_line(line, offers.get(catalogue.SkuId(line.sku_id)), words) for line in back.lines],
        discount_minor=0,
        total_minor=back.amount_minor,
        taxes=[],
        paid=[],
        change_minor=0,
        copy=copy,
        is_return=True,
        back_of=order.number if order else None,
    )
    return printed(layout.rows(receipt, words), receipt.number, form, settings.columns, open_drawer=open_drawer)


def printed(rows: Sequence[Row], number: str, form: Form, columns: int, *, open_drawer: bool) -> Printed:
    """The rows of a receipt in the form that was asked for."""
    media = MEDIA[form]
    match form:
        case Form.TEXT:
            return Printed(number=number, form=form, media_type=media, text=printing.as_text(rows, columns))
        case Form.ESCPOS:
            content = printing.as_escpos(rows, columns, open_drawer=open_drawer)
        case Form.PDF:
            content = printing.as_pdf(rows, title=number)
    return Printed(number=number, form=form, media_type=media, content=content)


async def _head(
    tx: Tx, store: organisation.Store, till_id: UUID, cashier_id: UUID, settings: ReceiptSettings
) -> layout.Head:
    till = await organisation.touchpoint(tx, organisation.TouchpointId(till_id))
    return layout.Head(
        brand=(await organisation.brand(tx)).name,
        store=store.name,
        address=store.address,
        till=till.code,
        cashier=await _cashier(tx, cashier_id),
        header=settings.header,
        footer=settings.footer,
    )


async def _cashier(tx: Tx, cashier_id: UUID) -> str:
    """The staff number of a cashier; of a program, the end of its id."""
    try:
        return (await organisation.staff(tx, organisation.StaffId(cashier_id))).code
    except organisation.NoSuchStaff:
        return cashier_id.hex[-6:]


async def _member(tx: Tx, member_id: UUID | None) -> str:
    """A member's number but for its middle: a receipt lies about."""
    if member_id is None:
        return ""
    number = (await members.member(tx, members.MemberId(member_id))).member_no
    return number if len(number) <= 6 else f"{number[:2]}{'*' * (len(number) - 6)}{number[-4:]}"


def _back_line(line: orders.ReturnedLine, offer: catalogue.Offer | None, words: str) -> layout.ReceiptLine:
    title = "" if offer is None else (offer.title_zh if words.startswith("zh") else offer.title_en) or offer.title_zh
    return layout.ReceiptLine(
        title=title or str(line.sku_id),
        options="" if offer is None else offer.options_text,
        unit="piece" if offer is None else offer.unit,
        quantity_milli=line.quantity_milli,
        unit_minor=line.amount_minor * 1000 // line.quantity_milli if line.quantity_milli else 0,
        total_minor=line.amount_minor,
    )


def _taxes(lines: Sequence[orders.Line]) -> list[layout.TaxSum]:
    by_rate: dict[int, int] = defaultdict(int)
    for line in lines:
        by_rate[line.tax_rate_millionths] += line.tax_minor
    return [layout.TaxSum(rate, by_rate[rate]) for rate in sorted(by_rate)]


HANDLERS: list[HTTPRouteHandler] = [sale_receipt, return_receipt]

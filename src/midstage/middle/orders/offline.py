"""Sales that a till made while it was offline: each is booked once, whatever the network does, and none is lost.

The shopper has paid and gone, so nothing of it can be refused to her: goods that are no longer sold, another price
than ours, stock below zero are booked as they were. What we cannot read at all is kept whole for a person.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from midstage.kit import money
from midstage.kit.audit import SYSTEM, Principal
from midstage.kit.clock import Tenant, utc_now
from midstage.kit.database import Database, Record, Tx
from midstage.kit.idempotency import hash_of
from midstage.kit.ids import new_id
from midstage.kit.paging import Page, PageRequest
from midstage.kit.refusals import Refusal
from midstage.middle.identity import api as identity
from midstage.middle.members import api as members
from midstage.middle.orders import bundles, goods, rules, till
from midstage.middle.orders.offline_types import (
    Believed,
    Fate,
    Mend,
    NoSuchRefusedSale,
    OfflineLine,
    OfflineMember,
    OfflineSale,
    OfflineSaleDiffers,
    RefusedSale,
    RefusedState,
    Told,
)
from midstage.middle.orders.store import offline as store
from midstage.middle.orders.till_types import Clock, Goods, Selling, Till, TillLine, TillSale
from midstage.middle.orders.types import Line, OrderId
from midstage.middle.organisation import api as organisation
from midstage.middle.payments import api as payments
from midstage.middle.pricing import api as pricing

# A clock may be off by this much and still be believed.
SLACK = timedelta(minutes=2)
# A till that was offline for longer is a till whose clock is wrong.
LONGEST_OFFLINE = timedelta(days=31)
OFFLINE = "offline"
"""By what a price was found that a till had while it was offline."""


async def upload(
    database: Database,
    tenant: Tenant,
    till_id: organisation.TouchpointId,
    sales: Sequence[OfflineSale],
    *,
    sent_at: datetime | None = None,
    by: Principal = SYSTEM,
    now: datetime | None = None,
) -> list[Told]:
    """Book what a till tells of, each sale in a transaction of its own, and say of each what became of it.

    Told again, in any order, at the same time from elsewhere, or after we were killed in it: each is booked once.
    `sent_at` is the device's clock at the moment of sending, by which a wrong clock is corrected. Raises NoSuchTill.
    """
    at = now or utc_now()
    hashes = {sale.device_sale_id: hash_of(sale) for sale in sales}
    async with database.reading(tenant, now=at, by=by) as tx:
        counter = await till.till_of(tx, till_id)
        known = await store.known(tx, till_id, list(hashes))
        ended = await store.ended(tx, till_id, list(hashes))
    told: list[Told] = []
    for sale in sales:
        content_hash = hash_of(sale)
        over = ended.get((sale.device_sale_id, content_hash))
        row = known.get(sale.device_sale_id)
        if over is not None:
            told.append(_ended(sale, over))
        elif row is not None and row["content_hash"] == content_hash:
            told.append(_known(sale, row))
        else:
            told.append(await _tell(database, tenant, counter, sale, content_hash, sent_at=sent_at, at=at, by=by))
    return told


async def book_offline(
    tx: Tx,
    counter: Till,
    sale: OfflineSale,
    *,
    content_hash: bytes,
    received_at: datetime,
    sent_at: datetime | None = None,
) -> Told:
    """Book one sale that has happened, once.

    Raises OfflineSaleDiffers where another sale has its number, and what reading the goods and tenders refuses.
    """
    believed = believe(sale.device_at, sent_at=sent_at, received_at=received_at)
    shift = await payments.shift_of_past_sale(tx, counter.till_id, counter.at, believed.sold_at)
    order_id = OrderId(new_id())
    shopper = await _member(tx, sale.member)
    read = await goods.read_lines(tx, counter.at, [_as_scanned(line) for line in sale.lines], strict=False)
    lines, ours_minor = await _lines(tx, counter, sale, read, level=shopper.level if shopper else None)
    charged = sum(line.charged_minor for line in lines)
    tenders = payments.settle_taken(charged, sale.tenders)
    booked = TillSale(
        store_id=counter.at.store_id,
        till_id=counter.till_id,
        shift_id=shift.shift_id,
        business_date=shift.business_date,
        cashier_id=tx.by.id,
        sold_at=believed.sold_at,
        device_sale_id=sale.device_sale_id,
        device_sequence=sale.sequence,
        device_at=sale.device_at,
        device_receipt=sale.receipt,
        clock=Clock(believed.clock),
        differs_minor=charged - ours_minor,
        content_hash=content_hash,
    )
    if not await store.claim(tx, order_id, booked):
        return await _already(tx, counter, sale, content_hash)
    selling = Selling(lines=(), member_id=shopper.member_id if shopper else None, guide_id=await _guide(tx, sale))
    sold = await till.book(tx, till.Counted(counter, shift, booked, order_id), lines, tenders, selling, shopper)
    await store.end(
        tx,
        counter.till_id,
        sale.device_sale_id,
        became=RefusedState.BOOKED,
        order_id=order_id,
        content_hash=content_hash,
    )
    return Told(
        device_sale_id=sale.device_sale_id,
        fate=Fate.BOOKED,
        order_id=order_id,
        number=sold.order.number,
        differs_minor=booked.differs_minor,
        below=len(sold.below),
        member_unknown=sale.member is not None and shopper is None,
    )


async def offline_orders(tx: Tx, till_id: organisation.TouchpointId, ids: Sequence[str]) -> dict[str, OrderId]:
    """As which orders a till's offline sales were booked, by their own numbers; the unknown are left out."""
    return {number: row["order_id"] for number, row in (await store.known(tx, till_id, ids)).items()}


def believe(device_at: datetime, *, sent_at: datetime | None, received_at: datetime) -> Believed:
    """When something happened by a device's clock. Pure.

    A clock that is off is known by the moment of sending, and all that was sent with it is moved by the same, so that
    its order stays. What then lies ahead, or further back than any till is offline, happened when we heard of it.
    """
    skew = timedelta(0) if sent_at is None else received_at - sent_at
    clock = Clock.RIGHT
    sold_at = device_at
    if abs(skew) > SLACK:
        sold_at, clock = device_at + skew, Clock.CORRECTED
    if received_at < sold_at <= received_at + SLACK:
        sold_at = received_at
    if not received_at - LONGEST_OFFLINE <= sold_at <= received_at:
        sold_at, clock = received_at, Clock.UNKNOWN
    return Believed(sold_at, clock.value)


async def refused_sales(
    tx: Tx, store_ids: frozenset[organisation.StoreId] | None, page: PageRequest
) -> Page[RefusedSale]:
    """What waits for a person, the longest first."""
    rows = await store.list_refused(tx, store_ids, page.place(tuple[datetime, UUID]), page.fetch)
    return page.page(rows, lambda row: (row.received_at, row.refused_id))


async def retry_refused(tx: Tx, counter: Till, refused: RefusedSale, mends: Sequence[Mend], *, another: bool) -> Told:
    """Book a sale that was refused, its unreadable lines mended; `another` gives it a number of its own.

    The sale is held. Raises what book_offline raises; then it waits on.
    """
    sale = _mended(refused.sale, mends)
    if another:
        sale = msgspec.structs.replace(sale, device_sale_id=f"{sale.device_sale_id[:50]}~{refused.refused_id.hex[:12]}")
    told = await book_offline(tx, counter, sale, content_hash=hash_of(sale), received_at=refused.received_at)
    order_id = OrderId(told.order_id) if told.order_id else None
    await store.end(
        tx,
        counter.till_id,
        refused.device_sale_id,
        became=RefusedState.BOOKED,
        order_id=order_id,
        refused_id=refused.refused_id,
    )
    tx.note("till.retry_refused", "refused_sale", refused.refused_id, after={"order_id": told.order_id, "mends": mends})
    return told


async def dismiss_refused(tx: Tx, refused: RefusedSale, *, note: str) -> None:
    """Nothing is to be booked, as a person says; the sale stays on record. It is held."""
    await store.end(
        tx,
        refused.till_id,
        refused.device_sale_id,
        became=RefusedState.DISMISSED,
        refused_id=refused.refused_id,
        note=note,
    )
    tx.note("till.dismiss_refused", "refused_sale", refused.refused_id, after={"note": note})


async def lock_refused(tx: Tx, refused_id: UUID) -> RefusedSale:
    """One that waits for a person, held. Raises NoSuchRefusedSale."""
    found = await store.lock_refused(tx, refused_id)
    if found is None:
        raise NoSuchRefusedSale(refused_id)
    return found


async def _tell(
    database: Database,
    tenant: Tenant,
    counter: Till,
    sale: OfflineSale,
    content_hash: bytes,
    *,
    sent_at: datetime | None,
    at: datetime,
    by: Principal,
) -> Told:
    """Book one; where that is refused keep it, in a transaction of its own."""

    async def book(tx: Tx) -> Told:
        return await book_offline(tx, counter, sale, content_hash=content_hash, received_at=at, sent_at=sent_at)

    try:
        return await database.attempt(tenant, book, now=at, by=by)
    except Refusal as refusal:
        why = refusal

    async def keep(tx: Tx) -> RefusedSale:
        return await store.keep(tx, counter, sale, why, content_hash=content_hash)

    kept = await database.attempt(tenant, keep, now=at, by=by)
    return Told(
        device_sale_id=sale.device_sale_id,
        fate=Fate.REFUSED,
        refused_id=kept.refused_id,
        code=kept.code,
        reason=kept.reason_en,
    )


async def _already(tx: Tx, counter: Till, sale: OfflineSale, content_hash: bytes) -> Told:
    row = (await store.known(tx, counter.till_id, [sale.device_sale_id])).get(sale.device_sale_id)
    if row is None or row["content_hash"] != content_hash:
        raise OfflineSaleDiffers(sale.device_sale_id)
    return _known(sale, row)


def _known(sale: OfflineSale, row: Record) -> Told:
    return Told(
        device_sale_id=sale.device_sale_id,
        fate=Fate.KNOWN,
        order_id=row["order_id"],
        number=row["number"],
        differs_minor=row["differs_minor"],
    )


def _ended(sale: OfflineSale, row: Record) -> Told:
    """A person has dealt with it: booked it, or dismissed it."""
    return Told(
        device_sale_id=sale.device_sale_id,
        fate=Fate.KNOWN,
        order_id=row["order_id"],
        refused_id=row["refused_id"],
        code=None if row["order_id"] else row["code"],
        reason=None if row["order_id"] else row["reason_en"],
    )


async def _member(tx: Tx, told: OfflineMember | None) -> members.Shopper | None:
    """Who bought; None where nobody is known by what the till told. The sale has happened all the same."""
    if told is None:
        return None
    member_id = members.MemberId(told.member_id) if told.member_id else None
    try:
        if member_id is None:
            kind = identity.IdentifierKind.PHONE if told.phone else identity.IdentifierKind.CARD
            prefix = (await organisation.brand(tx)).phone_prefix
            named = identity.Identifier(kind, told.phone or told.card or "")
            person_id = await identity.resolve(tx, named, country=prefix)
            found = await members.member_of(tx, person_id) if person_id else None
            member_id = found.member_id if found else None
        return await members.shopper(tx, member_id) if member_id else None
    except (identity.BadIdentifier, members.NoSuchMember):
        return None


async def _guide(tx: Tx, sale: OfflineSale) -> organisation.GuideId | None:
    if sale.guide_id is None:
        return None
    try:
        return (await organisation.guide(tx, organisation.GuideId(sale.guide_id))).guide_id
    except organisation.NoSuchGuide:
        return None


async def _lines(
    tx: Tx, counter: Till, sale: OfflineSale, read: Sequence[Goods], *, level: str | None
) -> tuple[list[Line], int]:
    """The lines as they were charged, and what they would have cost by our prices."""
    quotes = await goods.quotes_of(tx, counter.at, [one.offer for one in read], level=level)
    lines: list[Line] = []
    ours = 0
    for no, (said, found) in enumerate(zip(sale.lines, read, strict=True), start=1):
        quote = quotes.get(found.offer.sku_id)
        unit = said.total_minor * goods.ONE_MILLI // said.quantity_milli
        listed = quote.list_minor if quote else unit
        charged = pricing.Quote(unit, counter.at.currency, listed, None, pricing.Rule.LIST_PRICE, 0)
        line = rules.line_of(no, 1, found.offer, charged, said.quantity_milli, said.total_minor)
        line = msgspec.structs.replace(line, price_rule=OFFLINE)
        if said.tax_minor is not None and not line.tax_inclusive:
            line = msgspec.structs.replace(line, tax_minor=said.tax_minor)
        lines.append(bundles.with_parts(line, found.offer, quotes))
        priced = money.times(quote.unit_minor, said.quantity_milli) if quote else said.total_minor
        ours += rules.line_of(no, 1, found.offer, charged, said.quantity_milli, priced).charged_minor
    return lines, ours


def _as_scanned(line: OfflineLine) -> TillLine:
    return TillLine(barcode=line.barcode, sku=line.sku, sku_id=line.sku_id, quantity_milli=line.quantity_milli)


def _mended(sale: OfflineSale, mends: Sequence[Mend]) -> OfflineSale:
    by_no = {mend.line_no: mend.sku_id for mend in mends}
    lines = [
        msgspec.structs.replace(line, barcode=None, sku=None, sku_id=by_no[no]) if no in by_no else line
        for no, line in enumerate(sale.lines, start=1)
    ]
    return msgspec.structs.replace(sale, lines=lines)

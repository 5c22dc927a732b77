"""What must be true of every order book, for the doctor: each query returns only the rows that are wrong."""

from uuid import UUID

from midstage.kit.database import Tx
from midstage.kit.findings import Finding
from midstage.middle.inventory import api as inventory
from midstage.middle.ledger import api as ledger
from midstage.middle.orders.till_checks import till_checks
from midstage.middle.payments import api as payments

_WITHOUT_LINES = """
select o.order_id, o.number from sales_order o
 where o.brand_id = $1
   and not exists (select from order_line l where l.brand_id = $1 and l.order_id = o.order_id)
 limit 20
"""
_SUMS = """
select o.order_id, o.number, o.goods_minor, o.discount_minor, s.goods, s.discount
  from sales_order o
  join (select order_id, sum(goods_minor) as goods, sum(discount_minor) as discount from order_line
         where brand_id = $1 group by order_id) s on s.order_id = o.order_id
 where o.brand_id = $1 and (o.goods_minor <> s.goods or o.discount_minor <> s.discount)
 limit 20
"""
_BUNDLES = """
select l.order_id, l.line_no, l.total_minor, sum((p.part ->> 'total_minor')::bigint) as parts
  from order_line l, jsonb_array_elements(l.parts) as p (part)
 where l.brand_id = $1 and l.parts <> '[]'
 group by l.order_id, l.line_no, l.total_minor
having sum((p.part ->> 'total_minor')::bigint) <> l.total_minor
 limit 20
"""
_STEPS = """
select o.order_id, o.number, o.version, o.state, s.became
  from sales_order o
  left join order_step s on s.brand_id = $1 and s.order_id = o.order_id and s.version = o.version
 where o.brand_id = $1 and s.became is distinct from o.state
 limit 20
"""
_SUMMARY = """
select order_id, paid_minor, refunded_minor, state from sales_order
 where brand_id = $1 and (paid_minor <> 0 or refunded_minor <> 0)
"""
_COMPLETED = "select order_id from sales_order where brand_id = $1 and state = 'completed'"
_LIVE = "select order_id, state from sales_order where brand_id = $1 and state in ('placed', 'paid')"


async def checks(tx: Tx) -> list[Finding]:
    """Every order has its lines, adds up, and has the history of its state; money and promises agree with it."""
    found: list[Finding] = []
    for check, what, sql in (
        ("orders.lines", "an order without its lines", _WITHOUT_LINES),
        ("orders.sums", "an order that is not the sum of its lines", _SUMS),
        ("orders.bundles", "a bundle whose parts do not add up to its line", _BUNDLES),
        ("orders.steps", "an order whose history ends elsewhere", _STEPS),
    ):
        found += [Finding(check, what, dict(row)) for row in await tx.rows(sql, tx.brand)]
    return found + await _against_payments(tx) + await _against_stock(tx) + await till_checks(tx)


async def _against_payments(tx: Tx) -> list[Finding]:
    """Paid − refunded of an order is what its tenders hold."""
    tendered = await payments.tendered(tx)
    wrong: list[Finding] = []
    for row in await tx.rows(_SUMMARY, tx.brand):
        net = row["paid_minor"] - row["refunded_minor"]
        held = tendered.pop(row["order_id"], 0)
        if net != held:
            wrong.append(Finding("orders.money", "paid − refunded is not what was tendered", {**row, "tendered": held}))
    wrong += [
        Finding("orders.money", "money without an order that says so", {"order_id": order_id, "tendered": held})
        for order_id, held in tendered.items()
        if held
    ]
    return wrong[:20] + await _against_dues(tx) + await _against_ledger(tx)


async def _against_ledger(tx: Tx) -> list[Finding]:
    """The deposits of each payee are what it collected for orders that are not completed, and what is going back."""
    completed = {row["order_id"] for row in await tx.rows(_COMPLETED, tx.brand)}
    wanted: dict[tuple[UUID | None, str], int] = {}
    for held in await payments.held(tx):
        minor = held.refunding_minor if held.order_id in completed else held.minor
        key = (held.payee, held.currency)
        wanted[key] = wanted.get(key, 0) + minor
    accounts = {key: payments.deposits_account(tx.brand, key[1], key[0]) for key in wanted}
    balances = await ledger.balances(tx, list(accounts.values()))
    return [
        Finding(
            "orders.deposits",
            "what the ledger holds for a payee is not what its orders have paid and not earned",
            {"payee": key[0], "currency": key[1], "orders": minor, "ledger": balances[accounts[key]].amount},
        )
        for key, minor in wanted.items()
        if balances[accounts[key]].amount != minor
    ][:20]


async def _against_dues(tx: Tx) -> list[Finding]:
    """An order that waits owes something, and one that is paid does not."""
    live = {row["order_id"]: row["state"] for row in await tx.rows(_LIVE, tx.brand)}
    due = await payments.payments_of(tx, list(live))
    return [
        Finding("orders.dues", "an order does not stand where its payments do", {"order_id": order_id, "state": state})
        for order_id, state in live.items()
        if order_id in due
        and (state == "paid") is not all(one.state is payments.PaymentState.PAID for one in due[order_id])
    ][:20]


async def _against_stock(tx: Tx) -> list[Finding]:
    """Only orders that are placed or paid hold promises."""
    live = {row["order_id"] for row in await tx.rows(_LIVE, tx.brand)}
    held = await inventory.orders_holding(tx)
    return [
        Finding("orders.promises", "stock is promised to an order that is closed", {"order_id": order_id})
        for order_id in sorted(held - live)[:20]
    ]

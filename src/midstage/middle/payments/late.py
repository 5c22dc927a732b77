"""What waits in payments longer than it should."""

from datetime import timedelta

from midstage.kit import stuck
from midstage.kit.database import Tx
from midstage.kit.refusals import Text
from midstage.middle.payments import store

# Somebody looks at the differences of a day on the next working day.
DIFFERENCE_WAITS = timedelta(days=1)
# A statement is there on the morning after, and what is in transit a day later.
DAY_WAITS_DAYS = 3
# A provider settles every doubt within minutes; after five questions without an answer a person should look.
QUESTIONS = 5
FLAGGED_WAITS = timedelta(hours=1)
REFUND_WAITS = timedelta(days=1)

_DIFFERENCE = stuck.declare(
    "payments.difference",
    name=Text(zh="未处理的对账差异", en="A difference with a payment provider is unresolved"),
    mend=Text(
        zh="入账、退回、作为手续费、核销或说明原因后关闭",
        en="Book it, give it back, take it as a fee, write it off, or dismiss it with a reason.",
    ),
)
_DAY = stuck.declare(
    "payments.not_reconciled",
    name=Text(zh="未对平的商户日", en="A day of a merchant is not reconciled"),
    mend=Text(
        zh="检查对账单是否可取，处理差异", en="See whether its statement can be fetched; deal with its differences."
    ),
)
_IN_DOUBT = stuck.declare(
    "payments.in_doubt",
    name=Text(zh="结果不明的支付", en="Nobody knows what became of a payment"),
    mend=Text(zh="在支付渠道后台核实", en="Look it up at the provider."),
)
_FLAGGED = stuck.declare(
    "payments.flagged",
    name=Text(zh="金额不符、待处理的支付", en="A payment of another amount waits for a person"),
    mend=Text(zh="确认到账金额，或驳回差异", en="Accept the amount that came, or dismiss the discrepancy."),
)
_REFUND = stuck.declare(
    "payments.refund_waits",
    name=Text(zh="长时间未完成的退款", en="A refund is not done"),
    mend=Text(zh="查看退款错误；需人工退的请退款", en="Read its error; give back by hand what no provider gives back."),
)


async def late(tx: Tx) -> list[stuck.Stuck]:
    """Differences, days, payments in doubt or flagged, and refunds that wait; the oldest of each."""
    most, today = stuck.MOST_OF_A_KIND, tx.tenant.business_date(tx.now)
    found = [
        stuck.Stuck(
            _DIFFERENCE,
            str(row["difference_id"]),
            row["found_at"],
            figures={"kind": row["kind"], "minor": row["minor"], "currency": row["currency"], "day": str(row["day"])},
        )
        for row in await store.oldest_open(tx, tx.now - DIFFERENCE_WAITS, today, most)
    ]
    found += [
        stuck.Stuck(
            _DAY,
            f"{row['merchant_id']}/{row['day']}",
            row["opened_at"],
            figures={"state": row["state"], "error": row["error"]},
        )
        for row in await store.overdue_days(tx, today - timedelta(days=DAY_WAITS_DAYS), most)
    ]
    found += [
        stuck.Stuck(_IN_DOUBT, str(row["payment_id"]), row["started_at"], figures={"provider": row["provider"]})
        for row in await store.in_doubt(tx, QUESTIONS, most)
    ]
    found += [
        stuck.Stuck(_FLAGGED, str(row["payment_id"]), row["opened_at"], figures={"order_id": str(row["order_id"])})
        for row in await store.flagged(tx, tx.now - FLAGGED_WAITS, most)
    ]
    found += [
        stuck.Stuck(
            _REFUND,
            str(row["refund_id"]),
            row["requested_at"],
            figures={"error": row["error"], "by_hand": row["by_hand"]},
        )
        for row in await store.refunds_waiting(tx, tx.now - REFUND_WAITS, most)
    ]
    return found

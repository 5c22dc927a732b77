"""The book of the simulated provider: payments and refunds. A killed process has lost nothing that it answered."""

import secrets

from midstage.adapters.sandbox_pay.protocol import (
    CreateCombined,
    CreatePayment,
    CreateRefund,
    Event,
    EventKind,
    FaultKind,
    PaymentState,
    RefundState,
)
from midstage.adapters.sandbox_pay.store.file import File, Row


class Refused(Exception):  # noqa: N818  # an answer of the provider, not an error of it
    """The provider says no: a status, a code for programs and a reason for people."""

    def __init__(self, status: int, code: str, reason: str) -> None:
        super().__init__(reason)
        self.status, self.code, self.reason = status, code, reason


class Book(File):
    """All that the provider knows."""

    def create(self, merchant_no: str, wish: CreatePayment) -> Row:
        """Make a payment, or find the one of this number; another content under the number is refused."""
        with self.writing():
            return self._create(merchant_no, wish)

    def create_combined(self, wish: CreateCombined) -> tuple[str, list[Row]]:
        """The token of the cashier and the payments; the same number again is the same, another content is refused."""
        with self.writing():
            rows = [self._create(part.merchant_no, part.payment) for part in wish.parts]
            wanted = [(row["merchant_no"], row["payment_no"]) for row in rows]
            there = self.all("select * from combined_part where combined_no = ? order by place", wish.combined_no)
            if there:
                if [(part["merchant_no"], part["payment_no"]) for part in there] != wanted:
                    raise Refused(409, "number_reused", "the number belongs to a combination of other payments")
                return there[0]["token"], rows
            token = f"c{secrets.token_urlsafe(18)}"
            for place, (merchant_no, payment_no) in enumerate(wanted):
                self.run(
                    "insert into combined_part (token, combined_no, place, merchant_no, payment_no) values (?,?,?,?,?)",
                    *(token, wish.combined_no, place, merchant_no, payment_no),
                )
            return token, rows

    def by_token(self, token: str) -> list[Row]:
        """The payments of a cashier: one, or those of a combined payment."""
        with self.lock:
            return self._by_token(token)

    def pay(self, token: str, *, now_ms: int) -> list[Row]:
        """The shopper pays, all that waits or nothing. Paying what is paid changes nothing."""
        with self.writing():
            found = self._by_token(token)
            waiting = [payment for payment in found if payment["state"] == PaymentState.WAITING]
            if not waiting and any(payment["state"] == PaymentState.CLOSED for payment in found):
                raise Refused(409, "closed", "the merchant has closed this payment")
            for payment in waiting:
                self._pay(payment, now_ms)
            return self._by_token(token)

    def decline(self, token: str) -> list[Row]:
        """The shopper's bank says no; she may try again."""
        with self.writing():
            for payment in self._by_token(token):
                self.run(
                    "update payment set declines = declines + 1 where token = ? and state = 'waiting'", payment["token"]
                )
            return self._by_token(token)

    def payment(self, merchant_no: str, payment_no: str) -> Row:
        with self.lock:
            return self._must(merchant_no, payment_no)

    def capture(self, merchant_no: str, payment_no: str, amount_minor: int, *, now_ms: int) -> Row:
        """Collect what is authorised, or a part of it; the rest is let go."""
        with self.writing():
            payment = self._must(merchant_no, payment_no)
            if payment["state"] == PaymentState.PAID and payment["paid_minor"] == amount_minor:
                return payment
            if payment["state"] != PaymentState.AUTHORISED:
                raise Refused(409, "not_authorised", f"the payment is {payment['state']}")
            if not 0 < amount_minor <= payment["amount_minor"]:
                raise Refused(422, "amount", "more than was authorised, or nothing")
            return self._move(payment, PaymentState.PAID, amount_minor, now_ms)

    def close_payment(self, merchant_no: str, payment_no: str, *, now_ms: int) -> Row:
        """Nobody can pay any more. What is paid stays paid, and the answer says so."""
        with self.writing():
            payment = self._must(merchant_no, payment_no)
            if payment["state"] in (PaymentState.PAID, PaymentState.CLOSED):
                return payment
            return self._move(payment, PaymentState.CLOSED, 0, now_ms)

    def refund(self, merchant_no: str, wish: CreateRefund, *, now_ms: int) -> Row:
        """Give back, never more than is left; the same number again is the same refund."""
        with self.writing():
            found = self._refund(merchant_no, wish.refund_no)
            if found is not None:
                if (found["payment_no"], found["amount_minor"]) != (wish.payment_no, wish.amount_minor):
                    raise Refused(409, "number_reused", "the number belongs to another refund")
                return found
            payment = self._must(merchant_no, wish.payment_no)
            if not 0 < wish.amount_minor <= payment["paid_minor"] - payment["refunded_minor"]:
                raise Refused(422, "amount", "more than is left of what was paid, or nothing")
            waits = self.use_fault(wish.payment_no, FaultKind.REFUND_LATER)
            self.run(
                "insert into refund (merchant_no, refund_no, payment_no, amount_minor, reason, callback_url, state,"
                " transaction_no, due_at_ms, at_ms) values (?,?,?,?,?,?,?,?,?,?)",
                merchant_no,
                wish.refund_no,
                wish.payment_no,
                wish.amount_minor,
                wish.reason,
                wish.callback_url or payment["callback_url"],
                RefundState.PROCESSING.value,
                f"SR{secrets.token_hex(10)}",
                now_ms + (int(waits.seconds * 1000) if waits else 0),
                now_ms,
            )
            # What is under way is taken from what is left at once, so that two refunds cannot both have it.
            self.run(
                "update payment set refunded_minor = refunded_minor + ? where merchant_no = ? and payment_no = ?",
                wish.amount_minor,
                merchant_no,
                wish.payment_no,
            )
            if waits is None:
                self._end_refund(merchant_no, wish.refund_no, now_ms)
            return self._must_refund(merchant_no, wish.refund_no)

    def refund_of(self, merchant_no: str, refund_no: str) -> Row:
        with self.lock:
            return self._must_refund(merchant_no, refund_no)

    def end_due_refunds(self, *, now_ms: int) -> None:
        due = "select * from refund where state = 'processing' and due_at_ms <= ?"
        with self.lock:
            if self.one(due, now_ms) is None:
                return
        with self.writing():
            for row in self.all(due, now_ms):
                self._end_refund(row["merchant_no"], row["refund_no"], now_ms)

    def lines(self, merchant_no: str, since_ms: int, until_ms: int) -> list[Row]:
        """What moved between two moments, in the order in which it moved."""
        with self.lock:
            return self.all(
                "select payment_no, '' as refund_no, transaction_no, paid_minor as amount_minor, currency, at_ms"
                " from payment where merchant_no = ? and state = 'paid' and at_ms >= ? and at_ms < ?"
                " union all select r.payment_no, r.refund_no, r.transaction_no, r.amount_minor, p.currency, r.at_ms"
                " from refund r join payment p on p.merchant_no = r.merchant_no and p.payment_no = r.payment_no"
                " where r.merchant_no = ? and r.state = 'refunded' and r.at_ms >= ? and r.at_ms < ? order by 6, 3",
                *(merchant_no, since_ms, until_ms) * 2,
            )

    def _by_token(self, token: str) -> list[Row]:
        found = self.all(
            "select p.* from payment p where p.token = ?1 union all select p.* from combined_part c"
            " join payment p on p.merchant_no = c.merchant_no and p.payment_no = c.payment_no where c.token = ?1"
            " order by payment_no",
            token,
        )
        if not found:
            raise Refused(404, "no_such_payment", "there is no such payment")
        return found

    def _pay(self, payment: Row, now_ms: int) -> None:
        if now_ms >= payment["expires_at_ms"]:
            raise Refused(410, "expired", "the time to pay is over")
        later = bool(payment["capture_later"])
        state = PaymentState.AUTHORISED if later else PaymentState.PAID
        self._move(payment, state, 0 if later else payment["amount_minor"], now_ms)

    def _create(self, merchant_no: str, wish: CreatePayment) -> Row:
        found = self._payment(merchant_no, wish.payment_no)
        if found is not None:
            if (found["amount_minor"], found["currency"]) != (wish.amount_minor, wish.currency):
                raise Refused(409, "number_reused", "the number belongs to a payment of another amount")
            return found
        self.run(
            "insert into payment (merchant_no, payment_no, token, amount_minor, currency, title, expires_at_ms,"
            " callback_url, return_url, language, capture_later, state) values (?,?,?,?,?,?,?,?,?,?,?,?)",
            merchant_no,
            wish.payment_no,
            secrets.token_urlsafe(18),
            wish.amount_minor,
            wish.currency,
            wish.title,
            wish.expires_at_ms,
            wish.callback_url,
            wish.return_url,
            wish.language,
            wish.capture_later,
            PaymentState.WAITING.value,
        )
        return self._must(merchant_no, wish.payment_no)

    def strays(self, merchant_no: str, since_ms: int, until_ms: int) -> list[Row]:
        """What other merchants collected and a fault puts on the statement of this one."""
        with self.lock:
            return self.all(
                "select p.payment_no, '' as refund_no, p.transaction_no, p.paid_minor as amount_minor, p.currency,"
                " p.at_ms from fault f join payment p on p.payment_no = f.payment_no"
                " where f.kind = 'statement_stray' and f.merchant_no = ? and p.merchant_no <> f.merchant_no"
                " and p.state = 'paid' and p.at_ms >= ? and p.at_ms < ? order by p.at_ms",
                *(merchant_no, since_ms, until_ms),
            )

    def _move(self, payment: Row, state: PaymentState, paid_minor: int, now_ms: int) -> Row:
        number = payment["transaction_no"] or f"SP{secrets.token_hex(10)}"
        self.run(
            "update payment set state = ?, transaction_no = ?, paid_minor = ?, at_ms = ?"
            " where merchant_no = ? and payment_no = ?",
            state.value,
            number,
            paid_minor,
            now_ms,
            payment["merchant_no"],
            payment["payment_no"],
        )
        moved = self._must(payment["merchant_no"], payment["payment_no"])
        kinds = {
            PaymentState.PAID: EventKind.PAID,
            PaymentState.AUTHORISED: EventKind.AUTHORISED,
            PaymentState.CLOSED: EventKind.CLOSED,
        }
        amount = paid_minor if state is PaymentState.PAID else payment["amount_minor"]
        event = _event(kinds[state], moved, transaction_no=number, amount_minor=amount, now_ms=now_ms)
        self.tell(event, moved["callback_url"], now_ms)
        return moved

    def _end_refund(self, merchant_no: str, refund_no: str, now_ms: int) -> None:
        refund = self._must_refund(merchant_no, refund_no)
        fails = self.use_fault(refund["payment_no"], FaultKind.REFUND_FAILS)
        state = RefundState.FAILED if fails else RefundState.REFUNDED
        failure = "the account of the shopper is closed (simulated)" if fails else ""
        self.run(
            "update refund set state = ?, at_ms = ?, failure = ? where merchant_no = ? and refund_no = ?",
            state.value,
            now_ms,
            failure,
            merchant_no,
            refund_no,
        )
        if fails:
            self.run(
                "update payment set refunded_minor = refunded_minor - ? where merchant_no = ? and payment_no = ?",
                refund["amount_minor"],
                merchant_no,
                refund["payment_no"],
            )
        payment = self._must(merchant_no, refund["payment_no"])
        event = _event(
            EventKind.REFUND_FAILED if fails else EventKind.REFUNDED,
            payment,
            transaction_no=refund["transaction_no"],
            amount_minor=refund["amount_minor"],
            now_ms=now_ms,
            refund_no=refund_no,
            reason=failure,
        )
        self.tell(event, refund["callback_url"], now_ms)

    def _payment(self, merchant_no: str, payment_no: str) -> Row | None:
        return self.one("select * from payment where merchant_no = ? and payment_no = ?", merchant_no, payment_no)

    def _must(self, merchant_no: str, payment_no: str) -> Row:
        found = self._payment(merchant_no, payment_no)
        if found is None:
            raise Refused(404, "no_such_payment", "there is no such payment")
        return found

    def _refund(self, merchant_no: str, refund_no: str) -> Row | None:
        return self.one(
            "select r.*, p.currency from refund r join payment p using (merchant_no, payment_no)"
            " where r.merchant_no = ? and r.refund_no = ?",
            merchant_no,
            refund_no,
        )

    def _must_refund(self, merchant_no: str, refund_no: str) -> Row:
        found = self._refund(merchant_no, refund_no)
        if found is None:
            raise Refused(404, "no_such_refund", "there is no such refund")
        return found


def _event(
    kind: EventKind,
    payment: Row,
    *,
    transaction_no: str,
    amount_minor: int,
    now_ms: int,
    refund_no: str = "",
    reason: str = "",
) -> Event:
    return Event(
        event_no=f"SE{secrets.token_hex(10)}",
        kind=kind,
        merchant_no=payment["merchant_no"],
        payment_no=payment["payment_no"],
        transaction_no=transaction_no,
        amount_minor=amount_minor,
        currency=payment["currency"],
        at_ms=now_ms,
        refund_no=refund_no,
        reason=reason,
    )

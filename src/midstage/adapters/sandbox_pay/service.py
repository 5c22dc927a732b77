"""The HTTP of the simulated provider: signed for merchants, open for the shopper at the cashier and for faults.

It is a program for one machine: whoever reaches its port may pay and break things, which is what it is for.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote, urlsplit

import msgspec
from litestar import Litestar, MediaType, Request, Response, delete, get, post
from litestar.datastructures import State

from midstage.adapters.sandbox_pay import page, protocol
from midstage.adapters.sandbox_pay.deliver import Postman, now_ms
from midstage.adapters.sandbox_pay.protocol import Fault, FaultKind, PaymentState
from midstage.adapters.sandbox_pay.statement import page_of
from midstage.adapters.sandbox_pay.store import Book, Refused, Row

T = TypeVar("T")
Asked = Request[None, None, State]
BODY_LIMIT = 65_536
MOST_COMBINED = 50


class Config(msgspec.Struct, frozen=True):
    """How the program was started."""

    secret: bytes
    public_url: str
    data: Path
    zone: str = "Asia/Shanghai"
    retry_base_ms: int = 1000
    fee_millionths: int = 0


class Desk:
    """What every handler needs: the book, and how to read and answer a merchant."""

    def __init__(self, config: Config, book: Book) -> None:
        self.config = config
        self.book = book

    async def read(self, request: Asked, kind: type[T]) -> tuple[str, T]:
        """The merchant and what it asks, its signature verified. Raises Refused."""
        merchant_no, body = await self.verified(request)
        try:
            return merchant_no, msgspec.json.decode(body, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Refused(422, "unreadable", str(error)) from None

    async def verified(self, request: Asked) -> tuple[str, bytes]:
        """The merchant and the raw body. Raises Refused."""
        body = await request.body()
        headers = {name.lower(): value for name, value in request.headers.items()}
        what = f"{request.method} {request.url.path}"
        why = protocol.refusal(self.config.secret, headers, body, at_s=time.time(), what=what)
        merchant_no = headers.get(protocol.MERCHANT, "")
        if why is not None or not merchant_no:
            raise Refused(401, "signature", why or "it names no merchant")
        return merchant_no, body

    async def work(self, payment_no: str, do: Callable[[], T]) -> T:
        """Do it off the event loop, with what is to go wrong with answers."""
        slow = await asyncio.to_thread(self.book.take_fault, payment_no, FaultKind.SLOW)
        if slow is not None:
            await asyncio.sleep(slow.seconds)
        if await asyncio.to_thread(self.book.take_fault, payment_no, FaultKind.ERROR) is not None:
            raise Refused(500, "fault", "a fault that was asked for")
        done = await asyncio.to_thread(do)
        if await asyncio.to_thread(self.book.take_fault, payment_no, FaultKind.ERROR_AFTER) is not None:
            raise Refused(500, "fault", "a fault that was asked for, after the work")
        return done

    def payment(self, row: Row) -> protocol.Payment:
        return protocol.Payment(
            payment_no=row["payment_no"],
            provider_no=row["token"],
            state=PaymentState(row["state"]),
            amount_minor=row["amount_minor"],
            currency=row["currency"],
            cashier_url=f"{self.config.public_url}/cashier/{row['token']}",
            transaction_no=row["transaction_no"],
            paid_minor=row["paid_minor"],
            refunded_minor=row["refunded_minor"],
            at_ms=row["at_ms"],
        )

    def combined(self, combined_no: str, token: str, rows: Sequence[Row]) -> protocol.Combined:
        return protocol.Combined(
            combined_no=combined_no,
            cashier_url=f"{self.config.public_url}/cashier/{token}",
            parts=[self.payment(row) for row in rows],
        )


def desk_of(request: Asked) -> Desk:
    desk = request.app.state["desk"]
    if not isinstance(desk, Desk):
        raise TypeError("the app was not made by app_of")
    return desk


@post("/v1/payments", status_code=200)
async def create_payment(request: Asked) -> protocol.Payment:
    """Make a payment ready. The same number again is the same payment."""
    desk = desk_of(request)
    merchant_no, wish = await desk.read(request, protocol.CreatePayment)
    _check_wish(wish)
    return desk.payment(await desk.work(wish.payment_no, lambda: desk.book.create(merchant_no, wish)))


@post("/v1/combined", status_code=200)
async def create_combined(request: Asked) -> protocol.Combined:
    """Make payments to several merchants ready at one cashier. The same number again is the same cashier."""
    desk = desk_of(request)
    _, wish = await desk.read(request, protocol.CreateCombined)
    if not 2 <= len(wish.parts) <= MOST_COMBINED or not 1 <= len(wish.combined_no) <= 64:
        raise Refused(422, "parts", f"a combined payment has 2 to {MOST_COMBINED} parts, and a number")
    for part in wish.parts:
        _check_wish(part.payment)
    first = wish.parts[0].payment.payment_no
    token, rows = await desk.work(first, lambda: desk.book.create_combined(wish))
    return desk.combined(wish.combined_no, token, rows)


@get("/v1/payments/{payment_no:str}")
async def query_payment(request: Asked, payment_no: str) -> protocol.Payment:
    """How a payment stands."""
    desk = desk_of(request)
    merchant_no, _ = await desk.verified(request)
    return desk.payment(await desk.work(payment_no, lambda: desk.book.payment(merchant_no, payment_no)))


@post("/v1/payments/{payment_no:str}/capture", status_code=200)
async def capture_payment(request: Asked, payment_no: str) -> protocol.Payment:
    """Collect what is authorised."""
    desk = desk_of(request)
    merchant_no, wish = await desk.read(request, protocol.Capture)
    moved = await desk.work(
        payment_no, lambda: desk.book.capture(merchant_no, payment_no, wish.amount_minor, now_ms=now_ms())
    )
    return desk.payment(moved)


@post("/v1/payments/{payment_no:str}/close", status_code=200)
async def close_payment(request: Asked, payment_no: str) -> protocol.Payment:
    """Let nobody pay any more."""
    desk = desk_of(request)
    merchant_no, _ = await desk.verified(request)
    moved = await desk.work(payment_no, lambda: desk.book.close_payment(merchant_no, payment_no, now_ms=now_ms()))
    return desk.payment(moved)


@post("/v1/refunds", status_code=200)
async def create_refund(request: Asked) -> protocol.Refund:
    """Give back. The same number again is the same refund."""
    desk = desk_of(request)
    merchant_no, wish = await desk.read(request, protocol.CreateRefund)
    return _refund(await desk.work(wish.payment_no, lambda: desk.book.refund(merchant_no, wish, now_ms=now_ms())))


@get("/v1/refunds/{refund_no:str}")
async def query_refund(request: Asked, refund_no: str) -> protocol.Refund:
    """How a refund stands."""
    desk = desk_of(request)
    merchant_no, _ = await desk.verified(request)
    return _refund(await desk.work("", lambda: desk.book.refund_of(merchant_no, refund_no)))


@get(["/v1/statements/{day:date}", "/v1/statements/{day:date}/{number:int}"])
async def statement(request: Asked, day: date, number: int = 1) -> protocol.DayStatement:
    """All that moved in a day of the provider's zone, a page at a time."""
    desk = desk_of(request)
    merchant_no, _ = await desk.verified(request)
    zone, fee = desk.config.zone, desk.config.fee_millionths
    return await desk.work("", lambda: page_of(desk.book, merchant_no, day, number, zone=zone, fee_millionths=fee))


@get("/cashier/{token:str}", media_type=MediaType.HTML)
async def cashier(request: Asked, token: str) -> str:
    """Where the shopper pays."""
    desk = desk_of(request)
    found = await asyncio.to_thread(desk.book.by_token, token)
    language = page.language_of(
        request.query_params.get("lang", ""), request.headers.get("accept-language", ""), found[0]["language"]
    )
    declined = "declined" in request.query_params
    return page.cashier(token, found, language=language, now_ms=now_ms(), declined=declined)


@post("/cashier/{token:str}/pay", status_code=200)
async def pay(request: Asked, token: str) -> Response[protocol.Payment | protocol.Combined | None]:
    """Pay: the page's button, or `curl -X POST …/pay`, which is answered in JSON."""
    desk = desk_of(request)
    found = await asyncio.to_thread(desk.book.pay, token, now_ms=now_ms())
    return _answer(request, desk, token, found, found[0]["return_url"] or f"/cashier/{token}")


@post("/cashier/{token:str}/decline", status_code=200)
async def decline(request: Asked, token: str) -> Response[protocol.Payment | protocol.Combined | None]:
    """The bank says no; the shopper may try again."""
    desk = desk_of(request)
    found = await asyncio.to_thread(desk.book.decline, token)
    language = quote(request.query_params.get("lang", ""), safe="")
    return _answer(request, desk, token, found, f"/cashier/{token}?declined=1&lang={language}")


@post("/faults", status_code=201)
async def put_fault(request: Asked, data: Fault) -> Fault:
    """Let something go wrong: {"kind": "late", "payment_no": "*", "times": 1, "seconds": 5}."""
    await asyncio.to_thread(desk_of(request).book.put_fault, data)
    return data


@get("/faults")
async def list_faults(request: Asked) -> list[Row]:
    """What is still to go wrong."""
    return await asyncio.to_thread(desk_of(request).book.faults)


@delete("/faults")
async def clear_faults(request: Asked) -> None:
    """Let nothing go wrong any more."""
    await asyncio.to_thread(desk_of(request).book.clear_faults)


@get("/deliveries/{payment_no:str}")
async def list_deliveries(request: Asked, payment_no: str) -> list[Row]:
    """The callbacks of a payment, and how they fared."""
    return await asyncio.to_thread(desk_of(request).book.deliveries, payment_no)


@get("/healthz")
async def healthz() -> dict[str, str]:
    return {"status": "ok", "what": "simulated payment provider"}


def app_of(config: Config) -> Litestar:
    """The program as an ASGI application; it opens its book, and delivers callbacks while it runs."""
    book = Book(config.data)

    @asynccontextmanager
    async def delivering(_: Litestar) -> AsyncGenerator[None]:
        postman = asyncio.create_task(Postman(book, config.secret, retry_base_ms=config.retry_base_ms).run())
        try:
            yield
        finally:
            postman.cancel()
            await asyncio.gather(postman, return_exceptions=True)
            await asyncio.to_thread(book.close)

    return Litestar(
        route_handlers=[
            create_payment,
            create_combined,
            query_payment,
            capture_payment,
            close_payment,
            create_refund,
            query_refund,
            statement,
            cashier,
            pay,
            decline,
            put_fault,
            list_faults,
            clear_faults,
            list_deliveries,
            healthz,
        ],
        state=State({"desk": Desk(config, book)}),
        lifespan=[delivering],
        exception_handlers={Refused: _refused},
        openapi_config=None,
        logging_config=None,
        request_max_body_size=BODY_LIMIT,
    )


def _refused(_: Asked, refused: Refused) -> Response[protocol.Problem]:
    return Response(protocol.Problem(code=refused.code, reason=refused.reason), status_code=refused.status)


def _refund(row: Row) -> protocol.Refund:
    return protocol.Refund(
        refund_no=row["refund_no"],
        payment_no=row["payment_no"],
        state=protocol.RefundState(row["state"]),
        amount_minor=row["amount_minor"],
        currency=row["currency"],
        transaction_no=row["transaction_no"],
        at_ms=row["at_ms"],
        reason=row["failure"],
    )


def _answer(
    request: Asked, desk: Desk, token: str, found: Sequence[Row], back: str
) -> Response[protocol.Payment | protocol.Combined | None]:
    """A browser goes on to a page, a program gets JSON."""
    if "text/html" in request.headers.get("accept", ""):
        return Response(None, status_code=303, headers={"location": back})
    if len(found) == 1:
        return Response(desk.payment(found[0]), status_code=200)
    return Response(desk.combined("", token, found), status_code=200)


def _check_wish(wish: protocol.CreatePayment) -> None:
    if not 0 < wish.amount_minor <= 10**12 or len(wish.currency) != 3:
        raise Refused(422, "amount", "the amount is out of bounds")
    if not 1 <= len(wish.payment_no) <= 64 or len(wish.title) > 200:
        raise Refused(422, "number", "the number or the title is out of bounds")
    for url in (wish.callback_url, wish.return_url):
        if url and urlsplit(url).scheme not in ("http", "https"):
            raise Refused(422, "url", "only http and https addresses are called")

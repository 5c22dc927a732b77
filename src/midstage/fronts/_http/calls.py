"""How a handler becomes a call: who is asking, one transaction, its commit, and the same answer for the same key.

A handler takes what it needs by type: a Tx, a Caller of its front, a body, path and query values. `reading` gives it
a Tx that cannot write; `changing` one whose commit comes after the handler, again if the database called it off.
"""

import hashlib
import inspect
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, cast, get_type_hints

import msgspec
from litestar import MediaType, Request, Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter
from litestar.response import Stream
from litestar.types import Empty

from midstage.fronts._http.bodies import Query, QueryField, read_json, read_path
from midstage.fronts._http.desk import AnyRequest, Caller, Desk, desk_of
from midstage.fronts._http.files import file_hash
from midstage.fronts._http.limiting import count_call
from midstage.fronts._http.shown import Shows, note_missed, note_shown
from midstage.kit import idempotency
from midstage.kit.database import Tx
from midstage.kit.refusals import Invalid, NotFound, Refusal, Text
from midstage.middle.access import api as access

Handler = Callable[..., Awaitable[Any]]
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
KEY_HEADER = "Idempotency-Key"
# A hundred thousand rows of products; what is no file stays below the limit of the application.
MAX_FILE_BYTES = 32 * 1024 * 1024

_encode = msgspec.json.Encoder().encode


class IdempotencyKeyMissing(Invalid):
    """A call that creates or moves something carries a key, so that sending it twice does it once."""

    text = Text(
        zh="请在请求头 Idempotency-Key 中放一个不重复的值（1–200 个字符），重试时保持不变",
        en="Send a header Idempotency-Key of 1 to 200 characters, new for each wish and the same for its retries.",
    )


class _Shape(msgspec.Struct, frozen=True):
    """What a handler asks for, read off its signature once."""

    tx: str | None
    caller: str | None
    caller_type: type[Caller] | None
    request: bool = False
    needs: str | None = None
    file: bool = False
    guesses: bool = False
    body: Any = None
    """Decodes the body, where there is one."""
    path: tuple[str, ...] = ()
    """What the handler takes of the path."""
    query: Query = Query(())
    """What the address may ask for."""
    call: str = ""
    """Its name in the OpenAPI."""
    shows: Shows = Shows(None)
    """What of people its answers may show."""


class Forms(msgspec.Struct, frozen=True):
    """What a call reads and answers, for the OpenAPI."""

    query: Sequence[QueryField]
    body: Any
    gives: Any

    def __deepcopy__(self, _: object) -> "Forms":
        """Litestar copies every router; types are what they are."""
        return self


def reading(
    path: str, *, tags: Sequence[str], needs: str | None = None, refuses: Sequence[type[Refusal]] = ()
) -> Callable[[Handler], HTTPRouteHandler]:
    """A GET: its handler gets a Tx that cannot write. `needs` is the permission that the caller's session must hold.

    A handler without a Tx does its own reading, and may answer with a stream.
    """

    def decorate(handler: Handler) -> HTTPRouteHandler:
        shape = _shape(handler, path, needs)

        async def endpoint(request: AnyRequest) -> Response[Any]:
            desk = desk_of(request)
            given: dict[str, Any] = {}
            caller = await _enter(shape, request, desk, given)
            with _veiled(shape, caller):
                if shape.tx is None or caller is None:
                    result: Any = await handler(**given)
                    return (
                        cast("Response[Any]", result) if isinstance(result, Response) else _answer(200, _encode(result))
                    )
                async with desk.database.reading(caller.tenant, by=caller.by) as tx:
                    given[shape.tx] = tx
                    result = await _seen(shape, desk, caller, handler(**given))
            note_shown(desk, caller, shape.call, shape.shows, result)
            return _answer(200, _encode(result))

        return _route("GET", path, 200, endpoint, handler, shape, tags, refuses)

    return decorate


def changing(
    method: Method,
    path: str,
    *,
    tags: Sequence[str],
    status: int = 200,
    once: bool = False,
    needs: str | None = None,
    file: bool = False,
    guesses: bool = False,
    refuses: Sequence[type[Refusal]] = (),
) -> Callable[[Handler], HTTPRouteHandler]:
    """An unsafe call. With `once` it creates or moves something, and the answer to its Idempotency-Key is kept.

    A handler without a Tx does its own transactions (it calls the outside in between) and cannot be `once`. `needs` is
    the permission that the caller's session must hold. With `file` the body is a file of rows, which the handler reads
    off the request. With `guesses` it tries out a password or a code, of which an address has few.
    """

    def decorate(handler: Handler) -> HTTPRouteHandler:
        shape = _shape(handler, path, needs, file=file, guesses=guesses)
        operation = f"{method} {path} {handler.__name__}"
        if once and (shape.tx is None or shape.caller is None):
            raise TypeError(f"{operation}: a call that is done once needs a Tx and a Caller")

        async def endpoint(request: AnyRequest) -> Response[Any]:
            desk = desk_of(request)
            key = _key(request) if once else ""
            given: dict[str, Any] = {}
            caller = await _enter(shape, request, desk, given)
            if shape.tx is None or caller is None:
                with _veiled(shape, caller):
                    told = await handler(**given)
                note_shown(desk, caller, shape.call, shape.shows, told)
                return _answer(status, _encode(told))
            tx_name = shape.tx
            body_hash = await _body_hash(shape, request, given) if once else b""

            shown: list[Any] = []

            async def work(tx: Tx) -> tuple[int, bytes]:
                shown.clear()
                if once:
                    claimed = await idempotency.claim(
                        tx, principal=caller.by.id, operation=operation, key=key, body_hash=body_hash
                    )
                    if claimed is not None:
                        return claimed.status, claimed.answer
                result = await _seen(shape, desk, caller, handler(**{**given, tx_name: tx}))
                shown.append(result)
                answer = _encode(result)
                if once:
                    idempotency.store_answer(
                        tx, principal=caller.by.id, operation=operation, key=key, status=status, answer=answer
                    )
                return status, answer

            with _veiled(shape, caller):
                answer = _answer(*await desk.database.attempt(caller.tenant, work, by=caller.by))
            for one in shown:
                note_shown(desk, caller, shape.call, shape.shows, one)
            return answer

        return _route(method, path, status, endpoint, handler, shape, tags, refuses, once=once)

    return decorate


async def _seen(shape: _Shape, desk: Desk, caller: Caller, answer: Awaitable[Any]) -> Any:
    """What a handler answers; that it found nobody is on record too, where it searched for somebody."""
    try:
        return await answer
    except NotFound:
        note_missed(desk, caller, shape.call)
        raise


async def _enter(shape: _Shape, request: AnyRequest, desk: Desk, given: dict[str, Any]) -> Caller | None:
    read_path(request, shape.path, given)
    shape.query.read(request, given)
    if shape.request:
        given["request"] = request
    caller = None
    if shape.caller is not None and shape.caller_type is not None:
        caller = given[shape.caller] = await shape.caller_type.enter(request, desk)
    await count_call(request, desk, caller, guesses=shape.guesses)
    if caller is not None and shape.needs is not None:
        session: access.Session = cast("Any", caller).session
        access.need(session, shape.needs)
    if shape.body is not None:
        given["data"] = await read_json(request, shape.body)
    return caller


@contextmanager
def _veiled(shape: _Shape, caller: Caller | None) -> Generator[None]:
    """Let nobody who sees a part of the organisation tell what lies outside of it from what is not there at all."""
    try:
        yield
    except NotFound:
        session: access.Session | None = getattr(caller, "session", None)
        if shape.needs is None or session is None or access.need(session, shape.needs).everything:
            raise
        raise access.OutOfScope from None


def _key(request: AnyRequest) -> str:
    key = request.headers.get(KEY_HEADER) or ""
    if not 1 <= len(key) <= 200 or not all("!" <= sign <= "~" for sign in key):
        raise IdempotencyKeyMissing
    return key


async def _body_hash(shape: _Shape, request: AnyRequest, given: dict[str, Any]) -> bytes:
    """Of the decoded body and the address, so that white space and the order of fields do not matter."""
    if shape.file:
        return await file_hash(request)
    return hashlib.sha256(request.url.path.encode() + b"\0" + _encode(given.get("data"))).digest()


def _answer(status: int, body: bytes) -> Response[Any]:
    if status == 204:
        return Response(None, status_code=204)
    return Response(body, status_code=status, media_type=MediaType.JSON)


def _shape(handler: Handler, path: str, needs: str | None, *, file: bool = False, guesses: bool = False) -> _Shape:
    hints = get_type_hints(handler, include_extras=True)
    result: Any = hints.pop("return", None)
    tx = caller = None
    caller_type: type[Caller] | None = None
    for name, kind in hints.items():
        if kind is Tx:
            tx = name
        elif isinstance(kind, type) and issubclass(kind, Caller):
            caller, caller_type = name, kind
    if needs is not None and (
        needs not in access.PERMISSIONS or "session" not in getattr(caller_type, "__struct_fields__", ())
    ):
        raise TypeError(f"{handler.__name__}: {needs} is no permission, or its caller has no session")
    placed = [name for name in hints if f"{{{name}:" in path]
    asked = [name for name in hints if name not in {tx, caller, "request", "data", *placed}]
    signature = inspect.signature(handler)
    return _Shape(
        tx=tx,
        caller=caller,
        caller_type=caller_type,
        request="request" in hints,
        needs=needs,
        file=file,
        guesses=guesses,
        body=msgspec.json.Decoder(hints["data"]) if "data" in hints else None,
        path=tuple(placed),
        call=_name_of(handler),
        shows=Shows(None if _is_stream(result) else result),
        query=Query([_asked(name, hints[name], signature.parameters[name].default) for name in asked]),
    )


def _is_stream(result: Any) -> bool:
    """Whether a call answers with a file, that is sent as it comes to be."""
    return isinstance(result, type) and issubclass(result, Stream)


def _name_of(handler: Handler) -> str:
    """How a call is named in the OpenAPI: by its front and its handler."""
    return f"{handler.__module__.split('.')[2]}.{handler.__name__}"


def _asked(name: str, kind: Any, default: Any) -> QueryField:
    """A parameter of the address, under its alias if it has one."""
    notes = [note for note in getattr(kind, "__metadata__", ()) if isinstance(note, QueryParameter)]
    alias = next((note.name for note in notes if note.name), name)
    about = next((note.description for note in notes if note.description), None)
    return QueryField(name, alias, kind, msgspec.NODEFAULT if default is inspect.Parameter.empty else default, about)


def _route(
    method: Method,
    path: str,
    status: int,
    endpoint: Callable[..., Awaitable[Response[Any]]],
    handler: Handler,
    shape: _Shape,
    tags: Sequence[str],
    refuses: Sequence[type[Refusal]],
    *,
    once: bool = False,
) -> HTTPRouteHandler:
    """Make a route of an endpoint that takes the request alone: all else is read by us, and strictly."""
    hints = get_type_hints(handler, include_extras=True)
    result: Any = hints.get("return")
    streams = _is_stream(result)
    answer: Any = result if streams else Response[None] if result in (None, type(None)) else Response[result]
    named: Any = endpoint
    named.__annotations__ = {"request": Request, "return": answer}
    named.__name__ = handler.__name__
    named.__module__ = handler.__module__
    named.__doc__ = handler.__doc__
    summary, _, description = inspect.cleandoc(handler.__doc__ or handler.__name__).partition("\n")
    return HTTPRouteHandler(
        path,
        http_method=method,
        status_code=status,
        summary=summary,
        description=description.strip() or None,
        operation_id=_name_of(handler),
        tags=list(tags),
        opt={
            "caller": shape.caller_type,
            "once": once,
            "needs": shape.needs,
            "refuses": tuple(refuses),
            "file": shape.file,
            "forms": Forms(shape.query.fields, hints.get("data"), result),
        },
        media_type=getattr(result, "kind", "text/csv") if streams else MediaType.JSON,
        request_max_body_size=MAX_FILE_BYTES if shape.file else Empty,
    )(endpoint)

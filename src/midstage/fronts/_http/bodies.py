"""What comes in: a JSON body of a declared type, and an address with declared parameters; nothing else passes."""

import json
from typing import Any, cast

import msgspec

from midstage.fronts._http.desk import AnyRequest
from midstage.kit.refusals import Invalid, Text

_JSON = ("application/json", "application/problem+json")


class BodyUnreadable(Invalid):
    """The body is not JSON, or not of the form that the OpenAPI shows."""

    status = 400
    text = Text(zh="请求体无法读取：{reason}", en="The body cannot be read: {reason}.")
    reason: str


class BodyOfOtherKind(Invalid):
    """A body is JSON, in UTF-8 and as it is: not compressed, and its Content-Type says so."""

    status = 415
    text = Text(
        zh="请求体须为未压缩的 application/json，而不是 {kind}",
        en="Send the body as application/json, not compressed; this one is {kind}.",
    )
    kind: str


class UnknownParameter(Invalid):
    """A parameter that the call does not know would be overlooked, and the answer be to another question."""

    status = 400
    text = Text(zh="此接口没有参数：{names}", en="This call has no parameter {names}.")
    names: str


class CharacterUnfit(Invalid):
    """No text that we keep may hold the character NUL."""

    text = Text(zh="文本中不能含有空字符（U+0000）", en="A text cannot hold the character U+0000.")


async def read_json(request: AnyRequest, decoder: "msgspec.json.Decoder[Any]") -> Any:
    """The body, decoded. Raises BodyOfOtherKind, BodyUnreadable or CharacterUnfit."""
    headers = request.headers
    kind = (headers.get("content-type") or "").partition(";")[0].strip().lower()
    if kind not in _JSON:
        raise BodyOfOtherKind(kind[:100] or "untyped")
    packed = headers.get("content-encoding")
    if packed is not None and packed.lower() != "identity":
        raise BodyOfOtherKind(packed[:100])
    body = await request.body()
    try:
        decoded = decoder.decode(body)
        json.loads(body, object_pairs_hook=_once, parse_int=_unread, parse_float=_unread)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
        raise BodyUnreadable(str(error)[:300]) from None
    except RecursionError:
        raise BodyUnreadable("it is nested too deeply") from None
    if b"\\u0000" in body and _has_nul(decoded):
        raise CharacterUnfit
    return decoded


def check_address(request: AnyRequest, known: frozenset[str]) -> None:
    """Raises UnknownParameter or CharacterUnfit."""
    query: bytes = request.scope["query_string"]
    if query:
        unknown = request.query_params.keys() - known
        if unknown:
            raise UnknownParameter(", ".join(sorted(unknown))[:300])
        if b"%00" in query or b"\0" in query:
            raise CharacterUnfit
    if "\0" in request.scope["path"]:
        raise CharacterUnfit


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object, each of whose names stands once: two readers could take a different one of the two for true."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in the same object")
    return found


def _unread(_: str) -> None:
    """Figures were read before; here they may be as long as they like."""


def _has_nul(value: Any) -> bool:
    heap: list[Any] = [msgspec.to_builtins(value)]
    while heap:
        one = heap.pop()
        if isinstance(one, str):
            if "\0" in one:
                return True
        elif isinstance(one, dict):
            named = cast("dict[str, Any]", one)
            heap += [*named, *named.values()]
        elif isinstance(one, list):
            heap += cast("list[Any]", one)
    return False

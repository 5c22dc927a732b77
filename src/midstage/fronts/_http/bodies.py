"""What comes in: a JSON body of a declared type, and an address with declared parameters; nothing else passes."""

import json
from collections.abc import Iterable, Sequence
from typing import Any, cast

import msgspec
import msgspec.inspect

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


class ParameterUnfit(Invalid):
    """The address has a parameter that the call does not know, lacks one, or one is not as the OpenAPI shows it."""

    status = 400
    text = Text(zh="请求参数有误：{reason}", en="A parameter is not as it should be: {reason}.")
    reason: str


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


class QueryField(msgspec.Struct, frozen=True):
    """A parameter of the address: its name in the handler and outside, its type, and its default (or NODEFAULT)."""

    name: str
    alias: str
    kind: Any
    default: Any
    about: str | None = None


class Query:
    """What an address may ask for, and how it is read: all of it, or not at all."""

    def __init__(self, fields: Sequence[QueryField]) -> None:
        self.fields = fields
        self._aliases = {field.alias: field.name for field in fields}
        self._lists = frozenset(field.alias for field in fields if _is_list(msgspec.inspect.type_info(field.kind)))
        self._defaults = {field.name: field.default for field in fields if field.default is not msgspec.NODEFAULT}
        self._needed = len(self._defaults) < len(fields)
        self._kind = msgspec.defstruct(
            "Query",
            [
                (one.alias, one.kind) if one.default is msgspec.NODEFAULT else (one.alias, one.kind, one.default)
                for one in fields
            ],
            forbid_unknown_fields=True,
        )

    def read(self, request: AnyRequest, given: dict[str, Any]) -> None:
        """Put the parameters among what the handler is given. Raises ParameterUnfit or CharacterUnfit."""
        query: bytes = request.scope["query_string"]
        if not query and not self._needed:
            given.update(self._defaults)
            return
        asked: dict[str, Any] = {}
        for name, value in request.query_params.multi_items():
            if "\0" in name or "\0" in value:
                raise CharacterUnfit
            if name in self._lists:
                asked.setdefault(name, []).append(value)
            elif name in asked:
                raise ParameterUnfit(f"{name[:100]} stands twice")
            else:
                asked[name] = value
        try:
            read = msgspec.convert(asked, self._kind, strict=False)
        except msgspec.ValidationError as error:
            raise ParameterUnfit(str(error)[:300]) from None
        for alias, name in self._aliases.items():
            given[name] = getattr(read, alias)


def read_path(request: AnyRequest, names: Iterable[str], given: dict[str, Any]) -> None:
    """Put the parts of the path, which the router has read, among what the handler is given. Raises CharacterUnfit."""
    if "\0" in request.scope["path"]:
        raise CharacterUnfit
    for name in names:
        given[name] = request.path_params[name]


def _is_list(kind: msgspec.inspect.Type) -> bool:
    if isinstance(kind, msgspec.inspect.Metadata):
        return _is_list(kind.type)
    if isinstance(kind, msgspec.inspect.UnionType):
        return any(_is_list(one) for one in kind.types)
    return isinstance(kind, msgspec.inspect.CollectionType)


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

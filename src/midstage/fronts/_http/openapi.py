"""The OpenAPI 3.1 of all fronts, read off the routes: what each takes, gives and refuses, and whom it is for."""

import inspect
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from types import NoneType
from typing import Annotated, Any, Union, get_args, get_origin
from uuid import UUID

import msgspec
from litestar import Litestar, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.response import Stream
from litestar.routes import HTTPRoute

from midstage import __version__
from midstage.fronts._http.bodies import BodyOfOtherKind, BodyUnreadable, CharacterUnfit, ParameterUnfit
from midstage.fronts._http.calls import KEY_HEADER, IdempotencyKeyMissing
from midstage.fronts._http.desk import AnyRequest, Caller
from midstage.fronts._http.files import CSV, JSON_LINES, FileMissing, FileUnreadable
from midstage.fronts._http.problems import MALFORMED, MEDIA_TYPE, BeyondKeeping, Busy
from midstage.fronts._http.schemas import REF, Json, Schemas
from midstage.kit.idempotency import KEY_LIMIT, BadIdempotencyKey, KeyReusedWithOtherBody
from midstage.kit.limits import TooManyCalls
from midstage.kit.paging import BadCursor
from midstage.kit.refusals import Refusal, field_types
from midstage.middle.access import api as access

METHODS = ("get", "post", "put", "patch", "delete")
JSON = "application/json"

_ABOUT = """One big middle platform and many small fronts (大中台 + 小前台).

**Figures.** Amounts are integers in minor units (fen, cents) beside their currency, quantities integers in thousandths
of the unit, moments in UTC (RFC 3339).

**Credentials.** A sign-in call gives a token for `Authorization: Bearer …`. A call says which kind it takes, and which
permission; what lies outside of a caller's part of the organisation is not there (404).

**Refusals** are problem JSON (RFC 9457): a program reads `code` and `figures`, a person `detail`, in the language that
`Accept-Language` prefers (zh-CN or en). Nothing was written. 429 and 503 say in `Retry-After` when to come back.

**Once.** A call that creates or moves something takes an `Idempotency-Key`: sent again with the same key and body it
is answered as before and done once. A key is kept for seven days.

**How often.** A key, a session and an address make so many calls a minute: `RateLimit-Limit` says how many,
`RateLimit-Remaining` how many are left, `RateLimit-Reset` in how many seconds all are again.

**Lists** page by cursor: hand `next` of one page over as `after` of the following. They filter and sort on what is
declared here only; a parameter or field that a call does not know is refused.
"""

_SECURITY: Mapping[str, Json] = {
    "shopper": {"type": "http", "scheme": "bearer", "description": "A token of the mall's sign-in, of the same brand"},
    "staff": {"type": "http", "scheme": "bearer", "description": "A token of the console's sign-in; it says the brand"},
    "app": {"type": "http", "scheme": "bearer", "description": "The secret of an API key; it says the brand"},
}

_HEADERS: Mapping[str, Json] = {
    "Accept-Language": {
        "description": "The language of what is said to people: zh-CN (preferred where nothing is said) or en",
        "schema": {"type": "string", "examples": ["zh-CN", "en"]},
    },
    KEY_HEADER: {
        "description": "New for each wish, the same for its retries; printable characters",
        "required": True,
        "schema": {"type": "string", "minLength": 1, "maxLength": KEY_LIMIT, "pattern": "^[!-~]+$"},
    },
    "Midstage-Guest": {
        "description": "Who a visitor without a token is: made by the device once, and kept. Needed for a guest's cart",
        "schema": {"type": "string", "format": "uuid"},
    },
}

_ANSWER_HEADERS: Mapping[str, Json] = {
    "X-Request-Id": {"description": "What the logs call this request", "schema": {"type": "string"}},
    "Content-Language": {"description": "The language of `detail`", "schema": {"enum": ["zh-CN", "en"]}},
    "Retry-After": {
        "description": "In how many seconds to come back",
        "required": True,
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
    },
    "RateLimit-Limit": {"description": "Calls a minute", "schema": {"type": "string", "pattern": "^[0-9]+$"}},
    "RateLimit-Remaining": {"description": "Calls left", "schema": {"type": "string", "pattern": "^[0-9]+$"}},
    "RateLimit-Reset": {
        "description": "In how many seconds all of them are there again",
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
    },
    "WWW-Authenticate": {"description": "Bearer", "required": True, "schema": {"const": "Bearer"}},
}

_COUNTED = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")

_PATH: Mapping[str, str] = {"brand": "The code of the brand"}


def document(app: Litestar) -> Json:
    """The OpenAPI of an application, the same each time: paths and schemas by name."""
    schemas = Schemas()
    found = sorted(_calls(app), key=lambda call: (call[0], METHODS.index(call[1])))
    # What is taken is asked for first: it decides which fields of a type have to be there.
    taken = {(path, method): _taken(schemas, handler, route) for path, method, handler, route in found}
    paths: Json = {}
    shared: Json = {}
    for path, method, handler, _ in found:
        paths.setdefault(path, {})[method] = _operation(schemas, shared, handler, taken[path, method])
    tags = sorted({tag for path in paths.values() for call in path.values() for tag in call["tags"]})
    _check_operations(paths)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Midstage",
            "version": __version__,
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in tags],
        "paths": paths,
        "components": {
            "schemas": schemas.components(),
            "parameters": {name: {"name": name, "in": "header", **said} for name, said in _HEADERS.items()},
            "headers": dict(_ANSWER_HEADERS),
            "responses": {name: shared[name] for name in sorted(shared)},
            "securitySchemes": dict(_SECURITY),
        },
    }


def text_of(app: Litestar) -> str:
    """The document as it is served and committed."""
    return json.dumps(document(app), ensure_ascii=False, indent=1) + "\n"


@get("/openapi.json")
async def openapi_json(request: AnyRequest) -> Response[bytes]:
    """The OpenAPI; made by the first who asks."""
    state = request.app.state
    if "openapi" not in state:
        state["openapi"] = text_of(request.app).encode()
    return Response(state["openapi"], media_type=JSON)


def _calls(app: Litestar) -> Iterator[tuple[str, str, HTTPRouteHandler, HTTPRoute]]:
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for method, (handler, _) in route.route_handler_map.items():
                if "forms" in handler.opt:
                    yield route.path_format, method.lower(), handler, route


def _operation(schemas: Schemas, shared: Json, handler: HTTPRouteHandler, taken: Json) -> Json:
    opt = handler.opt
    caller: type[Caller] | None = opt["caller"]
    needs: str | None = opt["needs"]
    permission = access.PERMISSIONS[needs] if needs else None
    said = [handler.description or ""]
    if permission:
        said.append(f"Needs the permission `{permission.name}` ({permission.zh}: {permission.en}).")
    call: Json = {
        "tags": list(handler.tags or ()),
        "operationId": handler.operation_id,
        "summary": handler.summary,
        "description": "\n\n".join(part for part in said if part),
        "security": [*({name: []} for name in caller.security), *([{}] if caller.may_be_nobody else [])]
        if caller
        else [],
        "x-permission": needs,
        **taken,
        "responses": {str(handler.status_code): _answer(schemas, opt["forms"].gives)},
    }
    by_status: dict[int, dict[str, Json]] = {}
    for kind in _refusals(opt, caller, taken):
        by_status.setdefault(kind.status, {})[kind.code] = _refusal(schemas, kind)
    for status in _malformed(taken):
        code, title, text = MALFORMED[status]
        by_status.setdefault(status, {})[code] = _problem(
            schemas, "".join(part.title() for part in code.split("_")), status, code, title, [text.zh, text.en], None
        )
    for status, problems in sorted(by_status.items()):
        name = ".".join([str(status), *sorted(problems)])
        shared.setdefault(name, _refused(status, problems))
        call["responses"][str(status)] = {"$ref": f"#/components/responses/{name}"}
    return {name: value for name, value in call.items() if value not in (None, "")}


def _taken(schemas: Schemas, handler: HTTPRouteHandler, route: HTTPRoute) -> Json:
    """Parameters and body."""
    opt = handler.opt
    caller: type[Caller] | None = opt["caller"]
    path: list[Json] = [
        {
            "name": name,
            "in": "path",
            "required": True,
            **({"description": _PATH[name]} if name in _PATH else {}),
            "schema": schemas.taken(found.type) | ({"minLength": 1} if found.type is str else {}),
        }
        for name, found in route.path_parameters.items()
    ]
    query: list[Json] = []
    for field in opt["forms"].query:
        schema = schemas.taken(_without_none(field.kind))
        if field.default is not msgspec.NODEFAULT and field.default is not None:
            schema["default"] = msgspec.to_builtins(field.default)
        about = schema.pop("description", None) or field.about
        if field.alias == "after":
            about = "The cursor of the page before: its `next`"
        one = {"name": field.alias, "in": "query", "required": field.default is msgspec.NODEFAULT, "schema": schema}
        query.append(one | ({"description": about} if about else {}))
    headers = [*((KEY_HEADER,) if opt["once"] else ()), *(caller.headers if caller else ()), "Accept-Language"]
    taken: Json = {"parameters": [*path, *query, *({"$ref": f"#/components/parameters/{name}"} for name in headers)]}
    if opt["file"]:
        taken["requestBody"] = _file()
    elif opt["forms"].body is not None:
        taken["requestBody"] = {"required": True, "content": {JSON: {"schema": schemas.taken(opt["forms"].body)}}}
    return taken


def _refusals(opt: Mapping[str, Any], caller: type[Caller] | None, taken: Json) -> Iterable[type[Refusal]]:
    """What a call can be refused with, by what it takes and by its own word, each once."""
    kinds: list[type[Refusal]] = [ParameterUnfit, CharacterUnfit, TooManyCalls, Busy]
    if caller:
        kinds += caller.refuses
    if opt["needs"]:
        kinds += [access.NotPermitted, access.OutOfScope]
    if opt["once"]:
        kinds += [IdempotencyKeyMissing, BadIdempotencyKey, KeyReusedWithOtherBody]
    if opt["file"]:
        kinds += [FileMissing, FileUnreadable]
    elif opt["forms"].body is not None:
        kinds += [BodyUnreadable, BodyOfOtherKind]
    if "requestBody" in taken or any(parameter.get("in") for parameter in taken["parameters"]):
        kinds.append(BeyondKeeping)
    if any(parameter.get("name") == "after" for parameter in taken["parameters"]):
        kinds.append(BadCursor)
    kinds += opt["refuses"]
    return sorted(set(kinds), key=lambda kind: kind.code)


def _malformed(taken: Json) -> Iterator[int]:
    places = {parameter.get("in") for parameter in taken["parameters"]}
    if "path" in places:
        yield 404
    if "requestBody" in taken:
        yield 413


def _answer(schemas: Schemas, gives: Any) -> Json:
    headers = {name: {"$ref": f"#/components/headers/{name}"} for name in ("X-Request-Id", *_COUNTED)}
    if gives in (None, type(None)):
        return {"description": "Done", "headers": headers}
    if isinstance(gives, type) and issubclass(gives, Stream):
        content = {getattr(gives, "kind", CSV): {"schema": {"type": "string"}}}
        return {"description": "A file", "headers": headers, "content": content}
    schema = schemas.given(gives)
    about = inspect.cleandoc(gives.__doc__ or "") if isinstance(gives, type) and get_origin(gives) is None else ""
    return {"description": about or "Done", "headers": headers, "content": {JSON: {"schema": schema}}}


def _refusal(schemas: Schemas, kind: type[Refusal]) -> Json:
    """The schema of one refusal: its code, and its figures with their types."""
    fields = {name: schemas.given(_figure(one)) for name, one in field_types(kind).items()}
    title = " ".join(inspect.cleandoc(kind.__doc__ or kind.code).split("\n\n")[0].splitlines()).strip()
    figures = {"type": "object", "properties": fields, "required": list(fields)} if fields else None
    return _problem(schemas, kind.__name__, kind.status, kind.code, title, [kind.text.zh, kind.text.en], figures)


def _problem(
    schemas: Schemas,
    name: str,
    status: int,
    code: str,
    about: str,
    said: Sequence[str],
    figures: Json | None,
) -> Json:
    schema: Json = {
        "type": "object",
        "description": about,
        "properties": {
            "type": {"const": "about:blank"},
            "title": {"type": "string"},
            "status": {"const": status},
            "code": {"const": code},
            "detail": {"type": "string", "description": "For people", "examples": list(said)},
            "figures": figures or {"type": "object"},
        },
        "required": ["type", "title", "status", "code", "detail", *(["figures"] if figures else [])],
    }
    return schemas.add(f"{name}Problem", schema)


def _refused(status: int, problems: Mapping[str, Json]) -> Json:
    headers = ["Content-Language", "X-Request-Id", *_COUNTED]
    if status in {429, 503}:
        headers.append("Retry-After")
    if status == HTTPStatus.UNAUTHORIZED:
        headers.append("WWW-Authenticate")
    codes = sorted(problems)
    one_of: Json = problems[codes[0]] if len(codes) == 1 else {"oneOf": [problems[code] for code in codes]}
    return {
        "description": f"{HTTPStatus(status).phrase}: {', '.join(f'`{code}`' for code in codes)}",
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in headers},
        "content": {MEDIA_TYPE: {"schema": one_of}},
    }


def _file() -> Json:
    text: Json = {"schema": {"type": "string"}}
    form: Json = {
        "schema": {
            "type": "object",
            "required": ["file"],
            "properties": {"file": {"type": "string", "contentMediaType": "application/octet-stream"}},
        }
    }
    return {
        "description": "Rows as CSV with a header, or as JSON lines; at most 4 MiB",
        "required": True,
        "content": {CSV: text, JSON_LINES: text, "multipart/form-data": form},
    }


def _figure(kind: Any) -> Any:
    """A figure of a refusal is only ever written: what JSON cannot tell apart when read is one of a kind of text."""
    if kind is object:
        return Any
    options = set(get_args(kind))
    return str if options and options <= {UUID, str, NoneType} and len(options & {UUID, str}) > 1 else kind


def _without_none(kind: Any) -> Any:
    """An address has no null: who has nothing to say leaves the parameter out."""
    origin, arguments = get_origin(kind), get_args(kind)
    if hasattr(kind, "__metadata__"):
        return Annotated[(_without_none(arguments[0]), *kind.__metadata__)]  # pyright: ignore[reportInvalidTypeForm]  # notes are kept as they are
    if origin is not None and type(None) in arguments:
        return Union[tuple(one for one in arguments if one is not type(None))]  # noqa: UP007  # a tuple of types
    return kind


def _check_operations(paths: Json) -> None:
    ids = [call["operationId"] for path in paths.values() for call in path.values()]
    twice = sorted({one for one in ids if ids.count(one) > 1})
    if twice:
        raise TypeError(f"two calls have the same name: {', '.join(twice)}")


__all__ = ["REF", "document", "openapi_json", "text_of"]

"""Refusals and faults as problem JSON (RFC 9457), in the caller's language."""

from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from litestar import Response
from litestar.exceptions import HTTPException

from midstage.fronts._http.desk import AnyRequest, language
from midstage.kit import observability
from midstage.kit.database import CALLED_OFF, TRANSIENT
from midstage.kit.ids import new_id
from midstage.kit.refusals import Invalid, Refusal, Text, TooMany, Unavailable

MEDIA_TYPE = "application/problem+json"
_log = structlog.get_logger()


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """RFC 9457: `code` is what a program reads, `detail` what a person reads, `figures` what it is about."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    figures: dict[str, Any] = {}


class Busy(Unavailable):
    """The database cannot be reached or called the work off too often; the same call may go through in a moment."""

    text = Text(zh="系统繁忙，请稍后用同一个请求重试", en="We are busy; send the same request again in a moment.")


class BeyondKeeping(Invalid):
    """A figure, date or text is beyond what any record holds."""

    text = Text(zh="数值、日期或文本超出系统可保存的范围", en="A figure, date or text is beyond what can be kept.")


# What is refused before a call sees it: status, code, title, and what it says.
MALFORMED: dict[int, tuple[str, str, Text]] = {
    400: (
        "bad_request",
        "The request cannot be read.",
        Text(zh="请求的参数无法读取，详见 figures", en="A parameter of the request cannot be read; figures say which."),
    ),
    404: ("not_found", "There is no such address.", Text(zh="没有这个地址", en="There is nothing at this address.")),
    405: (
        "method_not_allowed",
        "This address takes other methods.",
        Text(zh="此地址不接受这种请求方法", en="This address takes other methods; the header Allow names them."),
    ),
    413: (
        "body_too_large",
        "A body has a limit.",
        Text(zh="请求体过大，请分多次发送", en="The body is too large; send it in several calls."),
    ),
}

# PostgreSQL's words for a value out of range, a date out of range, and characters that it has not.
_NO_ROOM = frozenset({"22003", "22008", "22021", "22P05"})


def refused(request: AnyRequest, refusal: Refusal) -> Response[Any]:
    """Answer a refusal with its family's status, its code, sentence and figures."""
    observability.REFUSALS.labels(refusal.code).inc()
    headers = {"Retry-After": str(getattr(refusal, "retry_after_s", 1))} if refusal.status in {429, 503} else {}
    if refusal.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    title = (type(refusal).__doc__ or refusal.code).strip().splitlines()[0]
    return problem(
        request, refusal.status, refusal.code, title, refusal.say(language(request)), refusal.figures(), headers
    )


def malformed(request: AnyRequest, error: HTTPException) -> Response[Any]:
    """Answer what Litestar refuses before a handler sees it: an unknown address, a parameter that cannot be read."""
    status = error.status_code
    code, title, text = MALFORMED.get(status, MALFORMED[400])
    figures = {"errors": error.extra} if error.extra else {}
    said = text.zh if language(request).startswith("zh") else text.en
    return problem(request, status, code, title, said, figures, dict(error.headers or {}))


def busy(request: AnyRequest, error: Exception) -> Response[Any]:
    """Answer an outage of the database: nothing is known to have been written; the key makes a retry safe."""
    _log.warning("database_outage", error=type(error).__name__, path=request.url.path)
    return refused(request, Busy())


def broken(request: AnyRequest, error: Exception) -> Response[Any]:
    """Answer a fault of ours with a reference that leads to its trace in the log, and nothing of its inside."""
    if _cannot_be_kept(error):
        _log.warning("beyond_keeping", path=request.url.path, exc_info=error)
        return refused(request, BeyondKeeping())
    reference = str(new_id())
    _log.error("fault", reference=reference, path=request.url.path, exc_info=error)
    said = (
        f"出错了，我们已记录（{reference}）"
        if language(request).startswith("zh")
        else f"Our fault, noted as {reference}."
    )
    return problem(request, 500, "fault", "Internal Server Error", said, {"reference": reference}, {})


def _cannot_be_kept(error: Exception) -> bool:
    """Whether the database, or its driver on the way there, has no room for a value that was sent.

    What is of the wrong type altogether is a fault of ours.
    """
    sqlstate = getattr(error, "sqlstate", None)
    return sqlstate in _NO_ROOM or (sqlstate is not None and isinstance(error.__cause__, OverflowError | UnicodeError))


def problem(
    request: AnyRequest,
    status: int,
    code: str,
    title: str,
    detail: str,
    figures: dict[str, Any],
    headers: dict[str, str],
) -> Response[Any]:
    """Put a problem into an answer."""
    body = Problem("about:blank", title, status, code, detail, figures)
    headers["Content-Language"] = language(request)
    return Response(msgspec.json.encode(body), status_code=status, media_type=MEDIA_TYPE, headers=headers)


EXCEPTION_HANDLERS: dict[Any, Any] = {
    Refusal: refused,
    TooMany: refused,
    HTTPException: malformed,
    **dict.fromkeys((*CALLED_OFF, *TRANSIENT), busy),
    Exception: broken,
}

"""What every call goes through: credentials, idempotency keys, retries, refusals. Written by hand."""

import random
import time
from collections.abc import Mapping
from datetime import date, datetime
from datetime import time as time_of_day
from enum import StrEnum
from typing import Any, ClassVar, Self, TypeVar
from urllib.parse import quote
from uuid import UUID, uuid4

import httpx
import msgspec

T = TypeVar("T")

ATTEMPTS = 4
LONGEST_PAUSE_S = 60.0
_FIRST_PAUSE_S = 0.2
_SAFE = frozenset({"GET", "PUT", "DELETE"})
# With these nothing is known to have been done; the others say that nothing was.
_UNKNOWN = frozenset({502, 503, 504})
_TOO_MANY = 429


class OpenEnum(StrEnum):
    """An enum that a later release may add to: what we do not know yet is kept as it came."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        found = str.__new__(cls, value)
        found._name_ = value.upper()
        found._value_ = value
        return found


class Refused(Exception):  # noqa: N818  # a refusal is an answer, not an error of the client
    """Midstage said no, and nothing was written. `code` is what a program reads, `detail` what a person reads."""

    code: ClassVar[str] = ""

    def __init__(self, status: int, problem: Mapping[str, Any], request_id: str) -> None:
        self.status = status
        self.told_code = str(problem.get("code", ""))
        self.title = str(problem.get("title", ""))
        self.detail = str(problem.get("detail", ""))
        self.figures: dict[str, Any] = dict(problem.get("figures") or {})
        self.request_id = request_id
        """What the logs of Midstage call this request."""
        for name in type(self).__annotations__:
            setattr(self, name, self.figures.get(name))
        super().__init__(f"{self.told_code}: {self.detail}")


class Invalid(Refused):
    """The request makes no sense; sending it again will not help."""


class Unauthenticated(Refused):
    """The token is none, or no longer."""


class Forbidden(Refused):
    """The token is good, and does not allow this."""


class NotFound(Refused):
    """There is none, or none that this token may know of."""


class Conflict(Refused):
    """It fitted once and does not fit the present state."""


class Gone(Refused):
    """It was there, and is kept no longer."""


class TooMany(Refused):
    """Too often, and still so after the pauses that were asked for."""


class Unavailable(Refused):
    """A part that is needed is not there at the moment."""


class Fault(Refused):
    """A fault of Midstage; `request_id` leads to it."""


class Unreachable(Exception):  # noqa: N818  # the same
    """No answer came, or only a part of one; what became of the request is not known."""


_FAMILIES: Mapping[int, type[Refused]] = {
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: Gone,
    429: TooMany,
    503: Unavailable,
}


class Caller:
    """Sends requests with a token, again where that does no harm, and reads what comes."""

    def __init__(
        self,
        http: httpx.Client,
        token: str | None,
        by_code: Mapping[str, type[Refused]],
        *,
        language: str = "en",
        attempts: int = ATTEMPTS,
    ) -> None:
        self.http = http
        self.token = token
        self._by_code = by_code
        self._language = language
        self._attempts = attempts

    def ask(self, method: str, path: str, *, gives: type[T], **named: Any) -> T:
        """What a call answers. Raises Refused or Unreachable."""
        return msgspec.json.decode(self._send(method, path, **named).content, type=gives)

    def do(self, method: str, path: str, **named: Any) -> None:
        """A call that answers nothing. Raises Refused or Unreachable."""
        self._send(method, path, **named)

    def fetch(self, method: str, path: str, **named: Any) -> bytes:
        """A file. Raises Refused or Unreachable."""
        return self._send(method, path, **named).content

    def _send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        data: Any = None,
        rows: str | bytes | None = None,
        once: bool = False,
        key: str | None = None,
    ) -> httpx.Response:
        headers = {"accept-language": self._language}
        if self.token is not None:
            headers["authorization"] = f"Bearer {self.token}"
        if once:
            headers["idempotency-key"] = key or uuid4().hex
        content: str | bytes | None = rows
        if rows is not None:
            headers["content-type"] = "text/csv"
        elif data is not None:
            headers["content-type"] = "application/json"
            content = msgspec.json.encode(data)
        request = self.http.build_request(method, path, params=_asked(query or {}), headers=headers, content=content)
        return self._try(request, harmless=once or method in _SAFE)

    def _try(self, request: httpx.Request, *, harmless: bool) -> httpx.Response:
        """Send until there is an answer that counts; the same key each time, so that it is done once."""
        for attempt in range(1, self._attempts + 1):
            last = attempt == self._attempts
            try:
                answer = self.http.send(request)
            except (httpx.LocalProtocolError, httpx.UnsupportedProtocol):
                raise  # a header or an address of ours that makes no sense
            except httpx.TransportError as error:
                # Where no connection came about, nothing was sent.
                unsent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
                if last or not (harmless or unsent):
                    raise Unreachable(f"{type(error).__name__}: {error}") from error
                time.sleep(_pause(attempt, None))
                continue
            if answer.is_success:
                return answer
            again = answer.status_code == _TOO_MANY or (harmless and answer.status_code in _UNKNOWN)
            pause = _pause(attempt, answer.headers.get("retry-after"))
            if last or not again or pause > LONGEST_PAUSE_S:
                raise self._refusal(answer)
            time.sleep(pause)
        raise AssertionError("unreachable: the last attempt answers or raises")

    def _refusal(self, answer: httpx.Response) -> Refused:
        try:
            problem = msgspec.json.decode(answer.content, type=dict[str, Any])
        except msgspec.DecodeError:
            problem = {"detail": answer.text[:500]}
        other = Fault if answer.status_code >= 500 else Invalid
        kind = self._by_code.get(str(problem.get("code"))) or _FAMILIES.get(answer.status_code, other)
        return kind(answer.status_code, problem, answer.headers.get("x-request-id", ""))


class Group:
    """Some calls that belong together."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller

    @staticmethod
    def part(value: object) -> str:
        """A value as a part of an address."""
        return quote(_text(value), safe="")


def _asked(query: Mapping[str, Any]) -> httpx.QueryParams:
    asked: list[tuple[str, str | int | float | bool | None]] = []
    for name, value in query.items():
        if isinstance(value, list | tuple):
            asked += [(name, _text(one)) for one in msgspec.convert(value, list[Any])]
        elif value is not None:
            asked.append((name, _text(value)))
    return httpx.QueryParams(asked)


def _text(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case datetime() | date() | time_of_day():
            return value.isoformat()
        case StrEnum():
            return value.value
        case UUID():
            return str(value)
        case _:
            return str(value)


def _pause(attempt: int, asked: str | None) -> float:
    if asked is not None and asked.isascii() and asked.isdigit():
        return float(asked)
    return _FIRST_PAUSE_S * 2 ** (attempt - 1) * (0.5 + random.random())  # noqa: S311  # a pause, not a secret

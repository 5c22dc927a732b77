"""The Python client of Midstage: every call as a typed method, refusals as exceptions, retries that do no harm."""

from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Self

import httpx

from midstage_client import core, models, refusals, webhooks
from midstage_client.core import Caller, Refused, Unreachable
from midstage_client.groups import Groups

LONGEST_WAIT_S = 25


class Midstage(Groups):
    """Everything that a key, or a session of somebody, opens. One a thread or many: it may be shared.

    `midstage.console.orders.orders_list()`: first the front, then the group, then the call.
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        language: str = "en",
        attempts: int = core.ATTEMPTS,
        timeout_s: float = 30.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """`token` is the secret of a key or of a session; `transport` is for tests and proxies."""
        http = httpx.Client(base_url=url, timeout=timeout_s, transport=transport, follow_redirects=False)
        self.caller = Caller(http, token, refusals.BY_CODE, language=language, attempts=attempts)
        super().__init__(self.caller)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self.caller.http.close()

    def follow(
        self,
        after: str | None = None,
        *,
        types: Sequence[str] = (),
        wait_s: int = LONGEST_WAIT_S,
        stop_when_dry: bool = False,
    ) -> Iterator[tuple[str, list[models.FactMessage]]]:
        """Go through the change feed: some facts, and the cursor to go on from once they are dealt with.

        Waits for what comes, for ever, unless it is to stop when there is nothing new. Raises refusals.CursorTooOld.
        """
        while True:
            wait = 0 if stop_when_dry else wait_s
            page = self.open.changes.changes(after=after, types=list(types), limit=200, wait=wait)
            after = page.next
            if page.items:
                yield after, page.items
            elif stop_when_dry and not page.more:
                return


__all__ = ["Caller", "Midstage", "Refused", "Unreachable", "models", "refusals", "webhooks"]

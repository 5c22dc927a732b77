"""Numbers that people read, given out without a hot row: each process fetches a block of serials at a time."""

import asyncio

from midstage.kit.database import Tx
from midstage.kit.ids import readable_number

BLOCK = 64  # the increment of the sequence readable_serial

_NEXT_BLOCK = "select nextval('readable_serial')"


class Numbers:
    """Serials of this process. A process that ends leaves at most one block unused."""

    def __init__(self) -> None:
        self._next = 0
        self._end = 0
        self._one_fetches = asyncio.Lock()

    async def give(self, tx: Tx) -> str:
        """A number that nobody has had: dated by the brand's business day, with a check digit."""
        async with self._one_fetches:
            if self._next == self._end:
                self._next = int(await tx.value(_NEXT_BLOCK))
                self._end = self._next + BLOCK
            serial = self._next
            self._next += 1
        return readable_number(tx.tenant.business_date(tx.now), serial, salt=tx.brand)

    async def give_many(self, tx: Tx, count: int) -> list[int]:
        """Serials for a bulk load; the caller dates each (`readable_number`)."""
        blocks = -(-count // BLOCK)
        rows = await tx.rows("select nextval('readable_serial') as first from generate_series(1, $1)", blocks)
        return [row["first"] + k for row in rows for k in range(BLOCK)][:count]


numbers = Numbers()

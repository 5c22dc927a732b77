"""The bare statements of an order: what the application sends for one, replayed by pgbench without it.

Two orders of one shopper are placed and paid in this process while every statement is recorded with its values. A
value in which the two differ belongs to the order (an id, a number, a key) and becomes an expression of a counter;
the skus, the store and the shopper come from a table of picks, whose look-up stands in for that of the session; all
else is a constant. So pgbench runs the same statements on the same rows, prepared, and only Python is missing.
"""

import asyncio
import random
import re
import subprocess
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, cast
from uuid import UUID

import httpx
import msgspec

from midstage.adapters.sandbox_pay import protocol
from midstage.app import create_app
from midstage.bench.client import LINES
from midstage.bench.ground import MERCHANT_NO, Ground
from midstage.kit.database import Database, Statement, connect
from midstage.kit.ids import new_id
from midstage.kit.postgres import EmbeddedPostgres
from midstage.kit.settings import Settings

PICKS = 20_000


class CannotReplayError(Exception):
    """A value of a statement has a shape that the script cannot make."""


class Pick(msgspec.Struct, frozen=True):
    """What one order is about: by whom, where, and of what."""

    token: str
    store: UUID
    skus: list[UUID]


async def prepare(database: Database, ground: Ground, settings: Settings, secret: bytes) -> str:
    """Make the table of picks and write the script. Returns its text."""
    chance = random.Random(7)  # noqa: S311  # the same picks every time
    await _make_picks(database, ground, chance)
    pick = Pick(ground.tokens[0], ground.stores[0].store_id, list(chance.sample(ground.skus, LINES)))
    app = create_app(settings, database=database)
    transport = httpx.ASGITransport(cast("Any", app))  # in this loop, where the connections of the database live
    async with app.lifespan(), httpx.AsyncClient(transport=transport, base_url="http://bench") as client:
        await _one_order(client, database, ground, pick, secret)  # fills the caches that a running process has
        runs = [await _one_order(client, database, ground, pick, secret) for _ in range(2)]
    return await _script(database, runs, pick)


async def pgbench(server: EmbeddedPostgres, script: str, *, seconds: int, clients: int) -> float:
    """Run the script and return transactions (orders) a second."""
    path = server.home / "bare.sql"
    path.write_text(script, encoding="utf-8")
    command = [
        str(server.binary("pgbench")), "-n", "-M", "prepared", "-c", str(clients), "-j", "2", "-T", str(seconds),
        "-f", str(path), "-D", "i=0", "-D", f"run={random.randrange(1_000_000)}",  # noqa: S311  # keeps runs apart
        server.url,
    ]  # fmt: skip
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    found = re.search(r"tps = ([0-9.]+)", done.stdout)
    if found is None or "ERROR" in done.stderr:
        raise CannotReplayError(done.stderr[:2000] or done.stdout)
    return float(found.group(1))


async def _make_picks(database: Database, ground: Ground, chance: random.Random) -> None:
    async with database.connection() as link:
        await link.execute("create table if not exists bench_pick (n integer primary key, store uuid, skus text)")
        await link.execute("truncate bench_pick")
        await link.copy_records_to_table(
            "bench_pick",
            records=[
                (
                    n,
                    chance.choice(ground.stores).store_id,
                    "{" + ",".join(str(sku) for sku in chance.sample(ground.skus, LINES)) + "}",
                )
                for n in range(PICKS)
            ],
        )
        await link.execute("analyze bench_pick")


async def _one_order(
    client: httpx.AsyncClient, database: Database, ground: Ground, pick: Pick, secret: bytes
) -> list[Statement]:
    recorded: list[Statement] = []
    database.recorder = recorded
    try:
        placed = await client.post(
            f"/v1/mall/{ground.tenant.code}/orders",
            headers={"Authorization": f"Bearer {pick.token}", "Idempotency-Key": new_id().hex},
            json={
                "lines": [{"sku_id": str(sku), "quantity_milli": 2000} for sku in pick.skus],
                "delivery": {"method": "pick_up"},
                "store_id": str(pick.store),
                "from_cart": False,
            },
        )
        _expect(placed, 201)
        order = placed.json()
        body = msgspec.json.encode(
            protocol.Event(
                event_no=new_id().hex,
                kind=protocol.EventKind.PAID,
                merchant_no=MERCHANT_NO,
                payment_no=UUID(order["payment_id"]).hex,
                transaction_no=f"T{new_id().hex}",
                amount_minor=order["total_minor"],
                currency="CNY",
                at_ms=1,
            )
        )
        now = int(datetime.now().astimezone().timestamp())
        path = f"/v1/callbacks/{ground.tenant.code}/{ground.merchant.merchant_id}"
        _expect(await client.post(path, content=body, headers=protocol.sign(secret, body, at_s=now)), 200)
    finally:
        database.recorder = None
    return recorded


def _expect(answer: httpx.Response, status: int) -> None:
    if answer.status_code != status:
        raise CannotReplayError(f"{answer.status_code}: {answer.text[:500]}")


async def _script(database: Database, runs: Sequence[Sequence[Statement]], pick: Pick) -> str:
    first, second = runs
    if [sql for sql, _ in first] != [sql for sql, _ in second]:
        raise CannotReplayError("two orders ran different statements")
    link = await connect(database.url)
    names = _Names(pick)
    lines = [
        f"\\set r random(0, {PICKS - 1})",
        "\\set i :i + 1",
        "\\set n (:i * 64 + :client_id) * 1000000 + :run",
        "select store, skus from bench_pick where n = :r \\gset",
    ]
    try:
        for (sql, args), (_, others) in zip(first, second, strict=True):
            if "from session" in sql:
                continue  # the look-up of the pick stands in for it
            if not args and sql in {"begin", "commit"}:
                lines.append(f"{sql};")
                continue
            types = [kind.name for kind in (await link.prepare(sql)).get_parameters()]
            lines.append(_with_values(sql, [names.of(a, b, t) for a, b, t in zip(args, others, types, strict=True)]))
    finally:
        await link.close()
    return "\n".join(lines) + "\n"


def _with_values(sql: str, values: Sequence[str]) -> str:
    flat = " ".join(re.sub(r"--[^\n]*", "", sql).split())
    return re.sub(r"\$(\d+)", lambda found: values[int(found.group(1)) - 1], flat) + ";"


class _Names:
    """How each value of an order is written in the script."""

    def __init__(self, pick: Pick) -> None:
        self._pick = pick
        self._skus = set(pick.skus)
        self._made: dict[Any, int] = {}

    def of(self, value: Any, other: Any, kind: str) -> str:
        """The expression for a value that was `other` in the second order; `kind` is its type in PostgreSQL."""
        if isinstance(value, (list, tuple)):
            return self._array(list(cast("Sequence[Any]", value)), list(other), kind)
        if value == self._pick.store and isinstance(value, UUID):
            return ":store::uuid"
        if value == other or isinstance(value, (date, int)):
            return _constant(value, kind)
        return f"{self._unique(value)}::{_type(kind)}"

    def _array(self, values: list[Any], others: list[Any], kind: str) -> str:
        if len(values) == len(self._skus) and set(values) == self._skus:
            order = values == sorted(values) and values != self._pick.skus
            return "array(select unnest(:skus::uuid[]) order by 1)" if order else ":skus::uuid[]"
        if values == others and self._pick.store not in values:
            return _constant(values, kind)
        inner = kind.removesuffix("[]").removeprefix("_")
        return f"array[{', '.join(self.of(a, b, inner) for a, b in zip(values, others, strict=True))}]::{_type(kind)}"

    def _unique(self, value: Any) -> str:
        """A value that no other order has, made of the counter :n and of which of the order's values it is."""
        nth = self._made.setdefault(value, len(self._made) + 1)
        if isinstance(value, UUID):
            # As a UUIDv7 of its time: the counter grows, so rows go to the end of the index as they do for real.
            return f"(lpad(to_hex(:n::bigint), 16, '0') || lpad('{nth}', 16, '0'))"
        if isinstance(value, bytes):
            return f"sha256((:n::text || 'b{nth}')::bytea)"
        if isinstance(value, str) and value[:1] in "[{":
            return _constant(value, "text")  # a payload: its size matters, not whose id it holds
        return f"('{nth}-' || :n::text)"


def _constant(value: Any, kind: str) -> str:
    return f"{_literal(value)}::{_type(kind)}"


def _type(kind: str) -> str:
    return kind if not kind.startswith("_") else f"{kind[1:]}[]"


def _literal(value: Any) -> str:
    plain = {None: "null", True: "true", False: "false"}
    if isinstance(value, (list, tuple)):
        return f"array[{', '.join(_literal(one) for one in cast('Sequence[Any]', value))}]"
    if value is None or isinstance(value, bool):
        return plain[value]
    if isinstance(value, int):
        return str(value)
    text = f"\\x{value.hex()}" if isinstance(value, bytes) else str(value)
    # pgbench takes a colon for the beginning of a variable, also within quotes.
    quoted = text.replace("'", "''").replace(":", "' || chr(58) || '")
    return f"('{quoted}')" if "chr(58)" in quoted else f"'{quoted}'"

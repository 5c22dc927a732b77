"""`midstage bench merge`: what it costs to say who somebody is, to merge two persons, and to undo it.

A million persons are filled in by SQL, past the door, with phones, cards, openids and devices. Then calls go through
the door, one connection, one after the other: of twenty calls fourteen bring identifiers that are known, three a new one
of a known person, two a stranger, and one identifiers of two persons, who become one. Merging by hand and undoing is
measured with its commit, of two members with ten thousand orders each.
"""

import asyncio
import hashlib
import random
import statistics
import time
from collections.abc import Awaitable, Sequence
from typing import TypeVar

import msgspec

from midstage.bench import ground
from midstage.bench.ground import Ground, Say, Size
from midstage.kit.clock import Tenant
from midstage.kit.database import Connection, Database, Tx, connect
from midstage.kit.postgres import EmbeddedPostgres
from midstage.middle.identity import api as identity
from midstage.middle.members import api as members

T = TypeVar("T")

PERSONS = 1_000_000
ORDERS = 10_000  # of each of the two who are merged
WARM_UP = 1_000  # calls before the first that counts: plans are made, caches are filled
CALLS = 6_000
ROUNDS = 200
FEW = 20  # rounds before the first that counts
SIZE = Size(stores=1, skus=10, members=100, tokens=1, stocked=10)
SEED = 20_261_122
_CHUNK = 100_000
# What a merge and its undo may write: the roots' versions, the alias, the link; and the fact and the audit of it.
OWN = ("person", "person_alias", "identity_link")
KITS = ("fact", "audit")

# Everything follows from n: each person has a phone, half a card, half an openid of the mini program and its union id,
# a quarter a device.
_FILL = (
    """
insert into person (brand_id, person_id, person_no, source, born_at)
select $1, ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, n, 'bench', now()
  from generate_series($2::integer, $3::integer) as n
""",
    """
insert into identifier (brand_id, kind, namespace, value, person_id, source, attached_at)
select $1, held.kind, held.namespace, held.value, ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
       'bench', now()
  from generate_series($2::integer, $3::integer) as n,
       lateral (values ('phone', '', '+86150' || lpad(n::text, 8, '0'), true),
                       ('card', '', 'K' || n, n % 2 = 0),
                       ('wechat_openid', 'mini', 'o' || md5(n::text), n % 2 = 1),
                       ('wechat_unionid', '', 'u' || md5(n::text), n % 2 = 1),
                       ('device', '', 'd' || md5(n::text), n % 4 = 0)) as held (kind, namespace, value, given)
 where held.given
""",
)
_NUMBERS = """
insert into person_number (brand_id, slot, dealt)
select $1, slot, ($2 - slot + 31) / 32 from generate_series(0, 31) as slot
on conflict (brand_id, slot) do update set dealt = excluded.dealt
"""
_ORDERS = """
insert into sales_order (brand_id, order_id, number, version, kind, state, sales_channel, front, store_id, operator_id,
                         member_id, person_id, currency, units_milli, goods_minor, discount_minor, shipping_minor,
                         total_minor, tax_minor, paid_minor, delivery, business_date, placed_at, paid_at)
select $1, uuidv7(), 'M' || right($4::uuid::text, 6) || n, 3, 'mall', 'completed', 'mall', 'bench', $2, $3, $4, $5, 'CNY',
       2000, 3000, 0, 0, 3000, 345, 3000, '{"method": "pick_up"}', current_date, now(), now()
  from generate_series(1, $6::integer) as n
"""


class Result(msgspec.Struct, frozen=True):
    """The figures of `midstage bench merge`, in milliseconds.

    `resolve_…` is the call through the door; `with_commit_…` is its transaction, begun and committed to disk.
    """

    resolve_p50_ms: float
    resolve_p99_ms: float
    merge_ms: float
    undo_ms: float
    persons: int
    rewritten_rows: int
    orders_each: int
    merge_p99_ms: float
    undo_p99_ms: float
    with_commit_p50_ms: float
    with_commit_p99_ms: float
    by_kind: dict[str, list[float]]
    """Of each sort of call the p50 and the p99."""
    doctor: int
    """How many findings the doctor has afterwards."""
    fill_s: float


def run(*, say: Say, persons: int = PERSONS, calls: int = CALLS) -> Result:
    """Measure on a throw-away server."""
    with ground.throw_away_server() as server:
        return asyncio.run(_measure(server, persons, calls, say))


async def _measure(server: EmbeddedPostgres, persons: int, calls: int, say: Say) -> Result:
    database = await Database.open(server.url, pool_size=1, statement_timeout_ms=600_000)
    try:
        made = await ground.make(database, SIZE, say=say)
        begun = time.perf_counter()
        pair = await _fill(server, database, made, persons, say)
        fill_s = time.perf_counter() - begun
        say("who is it")
        door, whole = await _resolve(database, made.tenant, persons, calls)
        say("merging and undoing")
        merge_s, undo_s, rewritten = await _merge(server, database, made.tenant, pair)
        say("the doctor")
        async with database.reading(made.tenant) as tx:
            doctor = len(await identity.checks(tx))
    finally:
        await database.close()
    each = [one for ones in door.values() for one in ones]
    return Result(
        resolve_p50_ms=_ms(each, 50),
        resolve_p99_ms=_ms(each, 99),
        merge_ms=_ms(merge_s, 50),
        undo_ms=_ms(undo_s, 50),
        persons=persons,
        rewritten_rows=rewritten,
        orders_each=ORDERS,
        merge_p99_ms=_ms(merge_s, 99),
        undo_p99_ms=_ms(undo_s, 99),
        with_commit_p50_ms=_ms(whole, 50),
        with_commit_p99_ms=_ms(whole, 99),
        by_kind={kind: [_ms(ones, 50), _ms(ones, 99)] for kind, ones in sorted(door.items())},
        doctor=doctor,
        fill_s=round(fill_s, 1),
    )


async def _fill(
    server: EmbeddedPostgres, database: Database, made: Ground, persons: int, say: Say
) -> tuple[identity.PersonId, identity.PersonId]:
    """The persons by their numbers, after those whom the ground has; and the orders of two members."""
    brand, first = made.tenant.brand, SIZE.members + 1
    async with database.reading(made.tenant) as tx:
        found = await members.members(tx, made.members[:2])
    one, other = (found[each] for each in made.members[:2])
    link = await connect(server.url)
    await link.execute("set synchronous_commit = off")
    for begin in range(first, persons + 1, _CHUNK):
        say(f"{begin - 1:,} of {persons:,} persons")
        for sql in _FILL:
            await link.execute(sql, brand, begin, min(persons, begin + _CHUNK - 1))
    await link.execute(_NUMBERS, brand, persons)
    say("orders")
    store = made.stores[0]
    for each in (one, other):
        await link.execute(_ORDERS, brand, store.store_id, store.operator_id, each.member_id, each.person_id, ORDERS)
    say("vacuum")
    await link.execute("vacuum analyze")
    await link.execute("checkpoint")
    await link.close()
    return one.person_id, other.person_id


class _Callers:
    """Who comes: drawn anew for each call, nobody twice for what is to be new."""

    def __init__(self, persons: int) -> None:
        self._chance = random.Random(SEED)  # noqa: S311  # the same callers every time
        self._persons = persons
        self._fresh = 0

    def draw(self, turn: int) -> tuple[str, list[identity.Identifier]]:
        """What sort of call it is, and what it brings."""
        place = turn % 20
        someone = self._anyone(odd=True)
        if place < 14:
            return "known", [_phone(someone), _openid(someone)]
        self._fresh += 1
        if place < 17:
            return "attach", [_phone(someone), identity.Identifier(identity.IdentifierKind.TAOBAO, f"t{self._fresh}")]
        if place < 19:
            new = self._persons + self._fresh
            return "stranger", [
                _phone(new),
                identity.Identifier(identity.IdentifierKind.WECHAT_OPENID, f"n{new}", "mini"),
            ]
        return "merge", [
            _phone(someone),
            identity.Identifier(identity.IdentifierKind.CARD, f"K{self._anyone(odd=False)}"),
        ]

    def _anyone(self, *, odd: bool) -> int:
        return self._chance.randrange(SIZE.members + 1, self._persons // 2) * 2 - (1 if odd else 0)


async def _resolve(
    database: Database, tenant: Tenant, persons: int, calls: int
) -> tuple[dict[str, list[float]], list[float]]:
    """Seconds of each call, by its sort, and of each transaction."""
    door: dict[str, list[float]] = {}
    whole: list[float] = []
    callers = _Callers(persons)
    for turn in range(WARM_UP + calls):
        kind, given = callers.draw(turn)
        begun = time.perf_counter()
        async with database.writing(tenant) as tx:
            asked = time.perf_counter()
            found = await identity.attach_and_resolve(tx, given, source="bench")
            answered = time.perf_counter()
        if (kind, bool(found.merged), found.created) not in _AS_MEANT:
            raise AssertionError(f"{kind} did not do what it measures")
        if turn >= WARM_UP:
            door.setdefault(kind, []).append(answered - asked)
            whole.append(time.perf_counter() - begun)
    return door, whole


# Two who were drawn before may be one already, or have been merged as often as a card may in a month.
_AS_MEANT = {
    ("known", False, False),
    ("attach", False, False),
    ("stranger", False, True),
    ("merge", True, False),
    ("merge", False, False),
}


async def _merge(
    server: EmbeddedPostgres, database: Database, tenant: Tenant, pair: tuple[identity.PersonId, identity.PersonId]
) -> tuple[list[float], list[float], int]:
    """Seconds of each merge and of each undo, and how many rows of others they wrote."""
    link = await connect(server.url)
    since = await link.fetchval("select pg_current_xact_id()::text::bigint")
    merged: list[float] = []
    undone: list[float] = []

    async def merge(tx: Tx) -> identity.LinkId:
        return (await identity.merge(tx, *pair, reason="bench")).link_id

    for turn in range(ROUNDS + FEW):
        took, link_id = await _timed(database.attempt(tenant, merge))

        async def undo(tx: Tx, link_id: identity.LinkId = link_id) -> None:
            await identity.undo(tx, link_id, reason="bench")

        back, _ = await _timed(database.attempt(tenant, undo))
        if turn >= FEW:
            merged.append(took)
            undone.append(back)
    rewritten = await _written_since(link, tenant, since)
    await link.close()
    return merged, undone, rewritten


async def _timed(work: Awaitable[T]) -> tuple[float, T]:
    begun = time.perf_counter()
    result = await work
    return time.perf_counter() - begun, result


async def _written_since(link: Connection, tenant: Tenant, since: int) -> int:
    """How many rows, of tables that are not a merge's own, were written since."""
    tables = await link.fetch(
        "select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'brand_id'"
        " where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace order by 1"
    )
    named = [str(row["relname"]) for row in tables]
    others = [name for name in named if name not in OWN and not name.startswith(KITS)]
    counts = [
        await link.fetchval(
            f"select count(*) from {name} where brand_id = $1 and xmin::text::bigint >= $2",  # noqa: S608  # a catalogue's name
            tenant.brand,
            since,
        )
        for name in others
    ]
    return sum(counts)


def _phone(number: int) -> identity.Identifier:
    return identity.Identifier(identity.IdentifierKind.PHONE, f"+86150{number:08}")


def _openid(number: int) -> identity.Identifier:
    return identity.Identifier(identity.IdentifierKind.WECHAT_OPENID, f"o{_md5(number)}", "mini")


def _md5(number: int) -> str:
    return hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest()


def _ms(seconds: Sequence[float], percent: int) -> float:
    if len(seconds) < 2:
        return 0.0
    return round(statistics.quantiles(seconds, n=100, method="inclusive")[percent - 1] * 1000, 3)

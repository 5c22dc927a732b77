"""Whatever is attached, merged, undone and blocked, by however many at once: it ends where the link log ends."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from midstage.kit.clock import Tenant
from midstage.kit.database import Database, Tx
from midstage.kit.facts import Fact
from midstage.kit.ids import BrandId, new_id
from midstage.kit.paging import PageRequest
from midstage.middle.identity import api as identity
from midstage.middle.identity import rules
from midstage.middle.identity.api import Identifier, IdentifierKind, LinkId, PersonId

KINDS = [
    IdentifierKind.PHONE,
    IdentifierKind.CARD,
    IdentifierKind.WECHAT_UNIONID,
    IdentifierKind.EMAIL,
    IdentifierKind.DEVICE,
]
REFUSALS = (
    identity.AlreadyOnePerson,
    identity.MergeUndoneAlready,
    identity.IdentifiersBlocked,
    identity.TooManyPersons,
    identity.CaseClosed,
    identity.NoSuchBlock,
)

# What somebody does: attach a handful, merge two by hand, undo a merge, block or unblock a value, accept or dismiss a case.
_deeds = st.one_of(
    st.tuples(st.just("attach"), st.lists(st.integers(0, 9), min_size=1, max_size=4)),
    st.tuples(st.just("attach"), st.lists(st.integers(0, 9), min_size=2, max_size=3)),
    st.tuples(st.just("merge"), st.lists(st.integers(0, 9), min_size=2, max_size=2)),
    st.tuples(st.just("undo"), st.lists(st.integers(0, 9), min_size=1, max_size=1)),
    st.tuples(st.just("block"), st.lists(st.integers(0, 9), min_size=1, max_size=1)),
    st.tuples(st.just("unblock"), st.lists(st.integers(0, 9), min_size=1, max_size=1)),
    st.tuples(st.just("accept"), st.lists(st.integers(0, 9), min_size=1, max_size=1)),
    st.tuples(st.just("dismiss"), st.lists(st.integers(0, 9), min_size=1, max_size=1)),
)
Deed = tuple[str, list[int]]
_rounds = st.lists(st.lists(_deeds, min_size=1, max_size=5), min_size=1, max_size=7)


class Crowd:
    """Ten identifiers of a run, and what connections do to whom they mean."""

    def __init__(self, db: Database, tenant: Tenant) -> None:
        self.db = db
        self.tenant = tenant
        self.run = new_id().hex
        self.told: list[Fact] = []
        self.persons: set[PersonId] = set()
        self.names = [self._name(number) for number in range(10)]

    def _name(self, number: int) -> Identifier:
        kind = KINDS[number // 2]
        value = f"{self.run}{number}"
        if kind is IdentifierKind.PHONE:
            value = f"+86138{int(self.run[-8:], 16) % 10_000_000:07}{number}"
        if kind is IdentifierKind.EMAIL:
            value += "@example.com"
        return rules.identifier(kind, value)

    async def act(self, rounds: Sequence[Sequence[Deed]]) -> None:
        """Each round at once, one round after the other."""
        for deeds in rounds:
            await asyncio.gather(*(self._do(deed) for deed in deeds))

    async def _do(self, deed: Deed) -> None:
        async def work(tx: Tx) -> list[Fact]:
            await self._act(tx, deed)
            return [fact for fact, _ in tx.told]

        try:
            self.told += await self.db.attempt(self.tenant, work)
        except REFUSALS:
            return
        except identity.IdentityContended:
            return

    async def _act(self, tx: Tx, deed: Deed) -> None:
        verb, args = deed
        match verb:
            case "attach":
                found = await identity.attach_and_resolve(tx, [self.names[each] for each in args], source="test")
                self.persons.add(found.person_id)
            case "merge":
                pair = [await identity.resolve(tx, self.names[each]) for each in args]
                if pair[0] and pair[1]:
                    await identity.merge(tx, pair[0], pair[1], reason="test")
            case "undo":
                links = (await identity.links(tx, PageRequest())).items
                if links:
                    await identity.undo(tx, links[args[0] % len(links)].link_id, reason="test")
            case "block":
                await identity.block(tx, self.names[args[0]], reason="test")
            case "unblock":
                blocks = (await identity.blocks(tx, PageRequest())).items
                if blocks:
                    await identity.unblock(tx, blocks[args[0] % len(blocks)].block_id, reason="test")
            case _:
                cases = (await identity.cases(tx, PageRequest())).items
                decide = identity.accept if verb == "accept" else identity.dismiss
                if cases:
                    await decide(tx, cases[args[0] % len(cases)].case_id, reason="test")

    async def check(self) -> None:
        """The aliases are those of the link log played again, and so are the answers and the facts."""
        async with self.db.reading(self.tenant, snapshot=True) as tx:
            log = await identity.link_log(tx)
            rows = await tx.rows("select person_id, person_no from person where brand_id = $1", tx.brand)
            numbers = {PersonId(row["person_id"]): row["person_no"] for row in rows}
            rows = await tx.rows("select person_id, root_id from person_alias where brand_id = $1", tx.brand)
            aliases = {PersonId(row["person_id"]): PersonId(row["root_id"]) for row in rows}
            assert identity.replay(numbers, log) == aliases
            assert await identity.checks(tx) == []
            found = await identity.persons(tx, list(numbers))
            assert {each: found[each].person_id for each in numbers} == {
                each: aliases.get(each, each) for each in numbers
            }
            assert len(set(numbers.values())) == len(numbers)
            blocked = {each.identifier for each in (await identity.blocks(tx, PageRequest())).items}
            for name in self.names:
                meant = await identity.resolve(tx, name)
                assert meant is None or (meant not in aliases and name not in blocked)
        gone = Counter[UUID](fact.loser_id for fact in self.told if isinstance(fact, identity.PersonsMerged))
        gone.subtract(fact.parted_id for fact in self.told if isinstance(fact, identity.MergeUndone))
        assert {each for each, times in gone.items() if times} == set(aliases)
        assert set(gone.values()) <= {0, 1}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rounds=_rounds)
async def test_any_crowd_ends_where_replaying_the_links_ends(db: Database, rounds: list[list[Deed]]) -> None:
    crowd = Crowd(db, _own_brand())
    await crowd.act(rounds)
    await crowd.check()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rounds=_rounds, chance=st.randoms(use_true_random=False))
async def test_undoing_all_merges_in_any_order_leaves_everybody_alone(
    db: Database, rounds: list[list[Deed]], chance: random.Random
) -> None:
    crowd = Crowd(db, _own_brand())
    await crowd.act(rounds)
    async with db.writing(crowd.tenant) as tx:
        standing = [
            each.link_id for each in (await identity.links(tx, PageRequest(limit=200))).items if not each.undone
        ]
        chance.shuffle(standing)
        for link_id in standing:
            await identity.undo(tx, link_id, reason="test")
        assert await tx.value("select count(*) from person_alias where brand_id = $1", tx.brand) == 0
        assert await identity.checks(tx) == []


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rounds=_rounds, one=st.integers(0, 9), other=st.integers(0, 9))
async def test_an_undo_restores_exactly_what_was_before(
    db: Database, rounds: list[list[Deed]], one: int, other: int
) -> None:
    crowd = Crowd(db, _own_brand())
    await crowd.act(rounds)
    async with db.writing(crowd.tenant) as tx:
        pair = [await identity.resolve(tx, crowd.names[each]) for each in (one, other)]
        if None in pair or pair[0] == pair[1]:
            return
        before = await _picture(tx)
        made = await identity.merge(tx, PersonId(pair[0] or new_id()), PersonId(pair[1] or new_id()), reason="test")
        assert await _picture(tx) != before
        await identity.undo(tx, made.link_id, reason="test")
        assert await _picture(tx) == before


@pytest.mark.parametrize("seed", range(3))
async def test_twenty_at_once_leave_one_person_for_each_identifier(db: Database, tenant: Tenant, seed: int) -> None:
    """Overlapping handfuls from eighty calls: no deadlock, no orphan, dense numbers, and nobody was told two."""
    dice = random.Random(seed)
    crowd = Crowd(db, tenant)
    deeds: list[Deed] = [("attach", dice.sample(range(10), dice.randint(1, 4))) for _ in range(80)]
    deeds += [("undo", [dice.randrange(10)]) for _ in range(10)]
    dice.shuffle(deeds)
    async with db.connection() as link:
        before = await link.fetchval("select deadlocks from pg_stat_database where datname = current_database()")
    await crowd.act([deeds])
    await crowd.check()
    async with db.connection() as link:
        after = await link.fetchval("select deadlocks from pg_stat_database where datname = current_database()")
    assert after == before


_pairs = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=12)


@given(pairs=_pairs, gone=st.sets(st.integers(0, 11)))
def test_the_model_does_not_care_in_which_order_links_are_made(pairs: list[tuple[int, int]], gone: set[int]) -> None:
    ids = [PersonId(UUID(int=number)) for number in range(8)]
    numbers = {each: number + 1 for number, each in enumerate(ids)}
    links = [LinkId(new_id()) for _ in pairs]
    log = [
        identity.Step(step, link, ids[one], ids[other], made=True)
        for step, (link, (one, other)) in enumerate(zip(links, pairs, strict=True))
    ]
    log += [
        identity.Step(100 + step, links[step], log[step].one_id, log[step].other_id, made=False)
        for step in sorted(gone)
        if step < len(links)
    ]
    standing = [pair for step, pair in enumerate(pairs) if step not in gone]
    aliases = identity.replay(numbers, reversed(log))
    # A second way to the same: whoever can be reached is one, and the lowest number is the root.
    for start in range(8):
        reached = {start}
        for _ in range(8):
            reached |= {b for a, b in standing if a in reached} | {a for a, b in standing if b in reached}
        assert aliases.get(ids[start], ids[start]) == ids[min(reached)]


async def _picture(tx: Tx) -> list[list[tuple[object, ...]]]:
    """All that says who is who."""
    tables = {
        "person_alias": "person_id, root_id",
        "person": "person_id, person_no, source, born_at",
        "identifier": "kind, namespace, value, person_id, source, attached_at",
    }
    return [
        [
            tuple(row)
            for row in await tx.rows(f"select {names} from {table} where brand_id = $1 order by 1, 2", tx.brand)
        ]
        for table, names in tables.items()
    ]


def _own_brand() -> Tenant:
    """A brand that no other example uses."""
    number = 2_000_000 + new_id().int % 1_000_000_000
    return Tenant(BrandId(number), f"brand{number}", zone="Asia/Shanghai")

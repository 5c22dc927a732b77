"""For any tree and person: the evaluator is the naive model, and no answer changes before its due time."""

from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from midstage.kit import rules
from midstage.kit.clock import Tenant
from midstage.kit.ids import BrandId
from midstage.kit.refusals import Text
from midstage.kit.rules import (
    Ago,
    All,
    Anniversary,
    Answer,
    AnyOf,
    Asked,
    Between,
    Compare,
    Contains,
    FieldType,
    Holds,
    In,
    Is,
    Known,
    Live,
    Long,
    Node,
    Not,
    Option,
    Registry,
    Unit,
    View,
    days,
    windows,
)

START = datetime(2026, 3, 20, tzinfo=UTC)
FRESH = timedelta(hours=30)
KEPT = settings(max_examples=100, deadline=None)


class Counted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    hours: int
    at_least: int = 0
    at_most: int | None = None


def counted(history: list[tuple[datetime, int]], given: Counted, asked: Asked) -> Answer:
    length = timedelta(hours=given.hours)
    return windows.summed(history, asked.now, length, at_least=given.at_least, at_most=given.at_most)


REGISTRY = Registry()
for name, kind in (
    ("flag", FieldType.BOOLEAN),
    ("points", FieldType.INTEGER),
    ("city", FieldType.TEXT),
    ("born", FieldType.DAY),
    ("seen", FieldType.MOMENT),
    ("labels", FieldType.LABELS),
):
    REGISTRY.register_field(name, kind, live=Live.EVENT, zh=name, en=name)
LEVELS = tuple(Option(level, Text(zh=level, en=level)) for level in ("basic", "gold"))
REGISTRY.register_field("level", FieldType.CHOICE, live=Live.EVENT, zh="等级", en="level", options=LEVELS)
REGISTRY.register_field("fresh", FieldType.BOOLEAN, live=Live.TIMER, zh="新", en="fresh")
REGISTRY.register_predicate(
    "counted", counted, needs="history", parameters=Counted, live=Live.TIMER, zh="次数", en="counted"
)


class Person(msgspec.Struct, frozen=True):
    flag: bool | None
    points: int | None
    city: str | None
    born: date | None
    seen: datetime | None
    labels: frozenset[str]
    level: str | None
    history: list[tuple[datetime, int]]

    def view(self, now: datetime) -> View:
        """What a loader would give at a moment; `fresh` is a field that changes by itself."""
        values = {name: getattr(self, name) for name in self.__struct_fields__ if name != "history"}
        untils: dict[str, datetime] = {}
        values["fresh"] = None
        if self.seen is not None:
            values["fresh"] = now < self.seen + FRESH
            if values["fresh"]:
                untils["fresh"] = self.seen + FRESH
        return View(values, {"history": self.history}, untils)


moments = st.integers(-90 * 24 * 60, 120).map(lambda minutes: START + timedelta(minutes=minutes))
words = st.sampled_from(["a", "b", "ab", "海"])
births = st.one_of(st.dates(date(1990, 1, 1), date(2026, 4, 10)), st.just(date(2004, 2, 29)))
people = st.builds(
    Person,
    flag=st.none() | st.booleans(),
    points=st.none() | st.integers(-3, 3),
    city=st.none() | words,
    born=st.none() | births,
    seen=st.none() | moments,
    labels=st.frozensets(words),
    level=st.none() | st.sampled_from(["basic", "gold"]),
    history=st.lists(st.tuples(moments, st.integers(-1, 2)), max_size=6),
)
tenants = st.builds(
    Tenant,
    brand=st.just(BrandId(1)),
    code=st.just("x"),
    zone=st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"]),
    day_starts_minute=st.sampled_from([0, 60, 90, 120, 150, 180, 300]),
)
nows = st.integers(0, 260 * 24 * 60).map(lambda minutes: START + timedelta(minutes=minutes))
order = st.sampled_from(list(Is))


def within(hours: int, low: int, high: int | None) -> Holds:
    return Holds("counted", {"hours": hours, "at_least": low, "at_most": high})


leaves: st.SearchStrategy[Node] = st.one_of(
    st.builds(Compare, st.just("flag"), st.sampled_from([Is.EQUAL, Is.OTHER]), st.booleans()),
    st.builds(Compare, st.just("points"), order, st.integers(-3, 3)),
    st.builds(Compare, st.just("born"), order, births.map(str)),
    st.builds(Compare, st.just("seen"), order, moments.map(lambda at: at.isoformat())),
    st.builds(Compare, st.just("fresh"), st.just(Is.EQUAL), st.booleans()),
    st.builds(In, st.just("city"), st.lists(words, min_size=1, max_size=3)),
    st.builds(In, st.just("level"), st.lists(st.sampled_from(["basic", "gold"]), min_size=1)),
    st.integers(-3, 3).flatmap(lambda low: st.builds(Between, st.just("points"), st.just(low), st.integers(low, 4))),
    st.builds(Contains, st.sampled_from(["city", "labels"]), words),
    st.builds(Known, st.sampled_from(["flag", "points", "city", "born", "seen", "level", "labels", "fresh"])),
    st.builds(Ago, st.just("seen"), st.sampled_from(list(Long)), st.integers(0, 90), st.sampled_from(list(Unit)[:3])),
    st.builds(Ago, st.just("born"), st.sampled_from(list(Long)), st.integers(0, 400)),
    st.builds(Ago, st.just("born"), st.sampled_from(list(Long)), st.integers(0, 40), st.just(Unit.YEARS)),
    st.tuples(st.integers(-180, 180), st.integers(0, 10)).map(lambda at: Anniversary("born", at[0], min(180, sum(at)))),
    st.builds(within, st.integers(1, 2000), st.integers(-2, 3), st.none() | st.integers(-1, 3)),
)
trees: st.SearchStrategy[Node] = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(All, st.lists(inner, min_size=1, max_size=3)),
        st.builds(AnyOf, st.lists(inner, min_size=1, max_size=3)),
        st.builds(Not, inner),
    ),
    max_leaves=8,
)


def naive(node: Node, person: Person, asked: Asked) -> bool:  # one line for each kind of node
    """The language as a person would read it aloud."""
    match node:
        case All():
            return all(naive(one, person, asked) for one in node.of)
        case AnyOf():
            return any(naive(one, person, asked) for one in node.of)
        case Not():
            return not naive(node.of, person, asked)
        case Holds():
            length = timedelta(hours=node.given["hours"])
            total = sum(amount for at, amount in person.history if asked.now - length < at <= asked.now)
            high = node.given["at_most"]
            return node.given["at_least"] <= total and (high is None or total <= high)
        case _:
            value = person.view(asked.now).values[node.field]
            return value is not None and naive_leaf(node, value, asked)


def naive_leaf(leaf: Any, value: Any, asked: Asked) -> bool:  # noqa: C901, PLR0911  # one line for each kind of leaf
    match leaf:
        case Compare():
            wanted: Any = leaf.value
            if isinstance(value, date) and isinstance(wanted, str):
                wanted = type(value).fromisoformat(wanted)
            signs = {"=": value == wanted, "!=": value != wanted}
            if leaf.how.value in signs:
                return signs[leaf.how.value]
            value = cast("Any", value)
            return {"<": value < wanted, "<=": value <= wanted, ">": value > wanted, ">=": value >= wanted}[leaf.how]
        case In():
            return value in leaf.values
        case Between():
            return leaf.low <= value <= leaf.high
        case Contains():
            return leaf.value in value
        case Known():
            return True
        case Ago():
            if isinstance(value, datetime):
                past = asked.now - value >= timedelta(**{leaf.unit.value: leaf.amount})
            elif leaf.unit is Unit.YEARS:
                today = asked.tenant.business_date(asked.now)
                past = today >= days.anniversary(value, value.year + leaf.amount)
            else:
                past = (asked.tenant.business_date(asked.now) - value).days >= leaf.amount
            return past == (leaf.how is Long.AT_LEAST)
        case _:
            today = asked.tenant.business_date(asked.now)
            return any(
                days.anniversary(value, today.year + year) == today - timedelta(days=offset)
                for year in (-1, 0, 1)
                for offset in range(leaf.from_day, leaf.to_day + 1)
            )


@KEPT
@given(tree=trees, person=people, tenant=tenants, now=nows)
def test_the_evaluator_is_the_naive_model(tree: Node, person: Person, tenant: Tenant, now: datetime) -> None:
    rule, asked = rules.read(msgspec.json.encode(tree), REGISTRY), Asked(now, tenant)
    assert rule.tree == tree
    outcome = rule.evaluate(person.view(now), asked)
    assert outcome.true == naive(tree, person, asked)
    assert rule.is_true(person.view(now), asked) == outcome.true
    assert all(leaf.true == naive(leaf.leaf, person, asked) for leaf in outcome.leaves)


@KEPT
@given(tree=trees, person=people, tenant=tenants, now=nows, data=st.data())
def test_an_answer_never_changes_before_its_due_time(
    tree: Node, person: Person, tenant: Tenant, now: datetime, data: st.DataObject
) -> None:
    outcome = rules.check(tree, REGISTRY).evaluate(person.view(now), Asked(now, tenant))
    until = outcome.until
    assert until is None or until > now
    latest = now + timedelta(days=800) if until is None else until - timedelta(microseconds=1)
    minutes = int((latest - now) / timedelta(minutes=1))
    moments = [now + timedelta(minutes=data.draw(st.integers(0, minutes))) for _ in range(5)]
    for at in (*moments, latest):
        assert naive(tree, person, Asked(at, tenant)) == outcome.true, at


@KEPT
@given(leaf=leaves, person=people, tenant=tenants, now=nows)
def test_a_single_condition_falls_due_when_it_turns_and_not_sooner(
    leaf: Node, person: Person, tenant: Tenant, now: datetime
) -> None:
    outcome = rules.check(leaf, REGISTRY).evaluate(person.view(now), Asked(now, tenant))
    far_from_summer_time = days.next_change(tenant, now) is None
    if outcome.until is not None and far_from_summer_time and not isinstance(leaf, Known):
        assert naive(leaf, person, Asked(outcome.until, tenant)) != outcome.true


@KEPT
@given(tenant=tenants, now=nows)
def test_a_business_day_begins_at_its_first_moment(tenant: Tenant, now: datetime) -> None:
    day = tenant.business_date(now)
    begins = days.day_begins(tenant, day)
    assert begins is not None
    assert tenant.business_date(begins) == day
    assert tenant.business_date(begins - timedelta(microseconds=1)) < day


@KEPT
@given(
    amounts=people.map(lambda person: person.history),
    now=nows,
    hours=st.integers(1, 2000),
    low=st.integers(-2, 3),
)
def test_a_window_turns_exactly_when_it_says(
    amounts: list[tuple[datetime, int]], now: datetime, hours: int, low: int
) -> None:
    length = timedelta(hours=hours)

    def answer(at: datetime) -> bool:
        return sum(amount for when, amount in amounts if at - length < when <= at) >= low

    found = windows.summed(amounts, now, length, at_least=low)
    assert found.true == answer(now)
    edges = sorted(edge for when, _ in amounts for edge in (when, when + length) if edge > now)
    flips = [edge for edge in edges if answer(edge) != found.true]
    assert found.until == (flips[0] if flips else None)

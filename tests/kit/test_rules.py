"""The rule language: what it takes, what it refuses and where, what it answers and says."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from midstage.kit import rules
from midstage.kit.clock import Tenant
from midstage.kit.ids import BrandId
from midstage.kit.refusals import Refusal, Text
from midstage.kit.rules import Answer, Asked, FieldType, Live, Option, Registry, View, windows
from midstage.kit.rules.compiled import Rule

NOW = datetime(2026, 11, 22, 3, 20, tzinfo=UTC)
ASKED = Asked(NOW, Tenant(BrandId(1), "yunzhi", zone="Asia/Shanghai"))
SHOP = UUID("018f0000-0000-7000-8000-000000000001")


class Visits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    within_days: int
    at_least: int = 0
    at_most: int | None = None


def visited(history: list[datetime], given: Visits, asked: Asked) -> Answer:
    length = timedelta(days=given.within_days)
    return windows.counted(history, asked.now, length, at_least=given.at_least, at_most=given.at_most)


@pytest.fixture(scope="module")
def registry() -> Registry:
    made = Registry()
    field = made.register_field
    options = (Option("gold", Text(zh="金卡", en="Gold")), Option("basic", Text(zh="普卡", en="Basic")))
    field("member.level", FieldType.CHOICE, live=Live.EVENT, zh="会员等级", en="Level", options=options)
    field("member.points", FieldType.INTEGER, live=Live.EVENT, zh="积分", en="Points")
    field("member.vip", FieldType.BOOLEAN, live=Live.EVENT, zh="贵宾", en="VIP")
    field("member.birthday", FieldType.DAY, live=Live.EVENT, zh="生日", en="Birthday")
    field("member.joined_at", FieldType.MOMENT, live=Live.EVENT, zh="入会时间", en="Joined")
    field("member.labels", FieldType.LABELS, live=Live.EVENT, zh="标签", en="Labels")
    field("member.city", FieldType.TEXT, live=Live.EVENT, zh="城市", en="City")
    field("member.store", FieldType.ID, live=Live.EVENT, zh="门店", en="Store")
    field("score.churn", FieldType.NUMBER, live=Live.BATCH, zh="流失概率", en="Churn")
    made.register_predicate(
        "visits.counted", visited, needs="visits", parameters=Visits, live=Live.TIMER, zh="到店次数", en="Visits"
    )
    return made


def view(**changed: Any) -> View:
    values: dict[str, Any] = {
        "member.level": "gold",
        "member.points": 120,
        "member.vip": False,
        "member.birthday": date(2000, 11, 25),
        "member.joined_at": NOW - timedelta(days=59),
        "member.labels": frozenset({"tea", "coat"}),
        "member.city": "上海市",
        "member.store": SHOP,
        "score.churn": None,
    }
    visits = [NOW - timedelta(days=days) for days in (1, 10, 40)]
    return View({**values, **{name.replace("_", ".", 1): value for name, value in changed.items()}}, {"visits": visits})


def compare(field: str, how: str, value: Any) -> dict[str, Any]:
    return {"op": "compare", "field": field, "is": how, "value": value}


def holds(**given: Any) -> dict[str, Any]:
    return {"op": "holds", "predicate": "visits.counted", "with": given}


def ago(field: str, how: str, amount: int, unit: str = "days") -> dict[str, Any]:
    return {"op": "ago", "field": field, "is": how, "amount": amount, "unit": unit}


def read(tree: Any, registry: Registry) -> Rule:
    return rules.read(json.dumps(tree), registry)


@pytest.mark.parametrize(
    ("tree", "true"),
    [
        (compare("member.level", "=", "gold"), True),
        (compare("member.level", "!=", "gold"), False),
        (compare("member.points", ">=", 120), True),
        (compare("member.points", ">", 120), False),
        (compare("member.vip", "=", False), True),
        (compare("member.store", "=", str(SHOP)), True),
        (compare("member.birthday", "<", "2001-01-01"), True),
        (compare("member.joined_at", ">", "2026-09-01T00:00:00+08:00"), True),
        (compare("score.churn", "<", 0.5), False),
        (compare("score.churn", "!=", 0.5), False),
        ({"op": "not", "of": compare("score.churn", "<", 0.5)}, True),
        ({"op": "known", "field": "score.churn"}, False),
        ({"op": "known", "field": "member.city"}, True),
        ({"op": "in", "field": "member.level", "values": ["basic", "gold"]}, True),
        ({"op": "in", "field": "member.points", "values": [1, 2]}, False),
        ({"op": "between", "field": "member.points", "low": 120, "high": 130}, True),
        ({"op": "contains", "field": "member.labels", "value": "tea"}, True),
        ({"op": "contains", "field": "member.labels", "value": "te"}, False),
        ({"op": "contains", "field": "member.city", "value": "上海"}, True),
        (ago("member.joined_at", "at_least", 60), False),
        (ago("member.joined_at", "less_than", 60), True),
        (ago("member.birthday", "at_least", 26, "years"), False),
        (ago("member.birthday", "at_least", 25, "years"), True),
        (ago("member.birthday", "less_than", 365 * 26), False),
        ({"op": "anniversary", "field": "member.birthday", "from_day": -3, "to_day": 0}, True),
        ({"op": "anniversary", "field": "member.birthday", "from_day": -2, "to_day": 0}, False),
        (holds(within_days=30, at_least=2), True),
        (holds(within_days=30, at_most=1), False),
        ({"op": "all", "of": [compare("member.vip", "=", True), compare("member.level", "=", "gold")]}, False),
        ({"op": "any", "of": [compare("member.vip", "=", True), compare("member.level", "=", "gold")]}, True),
    ],
)
def test_what_it_answers(registry: Registry, tree: Any, true: bool) -> None:  # noqa: FBT001  # the expected answer
    rule = read(tree, registry)
    assert rule.evaluate(view(), ASKED).true is true
    assert rule.is_true(view(), ASKED) is true
    assert rules.read(rule.to_json(), registry).tree == rule.tree


@pytest.mark.parametrize(
    ("tree", "code", "path"),
    [
        ({"op": "nope"}, "rule_malformed", "$.op"),
        ({"op": "all", "of": [{"op": "known"}]}, "rule_malformed", "$.of[0]"),
        ({"op": "known", "field": "member.city", "more": 1}, "rule_malformed", "$"),
        (compare("member.points", "~", 1), "rule_malformed", "$.is"),
        ([1, 2], "rule_malformed", "$"),
        ({"op": "all", "of": []}, "rule_empty", "$.of"),
        ({"op": "in", "field": "member.points", "values": []}, "rule_empty", "$.values"),
        ({"op": "in", "field": "member.points", "values": [1] * 1001}, "rule_list_too_long", "$.values"),
        ({"op": "not", "of": compare("member.phone", "=", 1)}, "rule_field_unknown", "$.of.field"),
        ({"op": "holds", "predicate": "x"}, "rule_predicate_unknown", "$.predicate"),
        (compare("member.level", "<", "gold"), "rule_not_for_type", "$"),
        (compare("member.labels", "=", "tea"), "rule_not_for_type", "$"),
        ({"op": "contains", "field": "member.points", "value": "1"}, "rule_not_for_type", "$"),
        ({"op": "between", "field": "member.city", "low": "a", "high": "b"}, "rule_not_for_type", "$"),
        (ago("member.points", "at_least", 3), "rule_not_for_type", "$"),
        ({"op": "anniversary", "field": "member.joined_at", "from_day": 0, "to_day": 1}, "rule_not_for_type", "$"),
        (compare("member.level", "=", "platinum"), "rule_value_wrong", "$.value"),
        (compare("member.points", "=", 1.5), "rule_value_wrong", "$.value"),
        (compare("member.points", "=", True), "rule_value_wrong", "$.value"),
        (compare("member.points", "=", 2**63), "rule_value_wrong", "$.value"),
        (compare("score.churn", "<", 10**400), "rule_value_wrong", "$.value"),
        (compare("member.vip", "=", 1), "rule_value_wrong", "$.value"),
        (compare("member.birthday", "=", "2026-02-30"), "rule_value_wrong", "$.value"),
        (compare("member.joined_at", "<", "2026-02-03T00:00:00"), "rule_value_wrong", "$.value"),
        (compare("member.store", "=", "here"), "rule_value_wrong", "$.value"),
        (compare("member.city", "=", "x" * 501), "rule_value_wrong", "$.value"),
        (compare("member.city", "=", "a\x00"), "rule_value_wrong", "$.value"),
        ({"op": "in", "field": "member.points", "values": [1, "2"]}, "rule_value_wrong", "$.values[1]"),
        ({"op": "between", "field": "member.points", "low": 2, "high": 1}, "rule_value_wrong", "$.high"),
        ({"op": "contains", "field": "member.labels", "value": ""}, "rule_value_wrong", "$.value"),
        (ago("member.joined_at", "at_least", -1), "rule_value_wrong", "$.amount"),
        (ago("member.birthday", "at_least", 3, "hours"), "rule_value_wrong", "$.unit"),
        (ago("member.joined_at", "at_least", 3, "years"), "rule_value_wrong", "$.unit"),
        ({"op": "anniversary", "field": "member.birthday", "from_day": 2, "to_day": 1}, "rule_value_wrong", "$.to_day"),
        (holds(within_days="x"), "rule_parameters_wrong", "$.with.within_days"),
        (holds(within_days=3, at_lest=1), "rule_parameters_wrong", "$.with"),
    ],
)
def test_what_it_refuses_and_where(registry: Registry, tree: Any, code: str, path: str) -> None:
    with pytest.raises(Refusal) as refused:
        read(tree, registry)
    assert (refused.value.code, refused.value.figures()["path"]) == (code, path)
    assert refused.value.say("zh-CN") != refused.value.say("en")


def nested(depth: int) -> dict[str, Any]:
    tree = compare("member.vip", "=", True)
    for _ in range(depth - 1):
        tree = {"op": "not", "of": tree}
    return tree


def test_depth_leaves_and_size_have_limits(registry: Registry) -> None:
    read(nested(rules.MAX_DEPTH), registry)
    for deep in (nested(rules.MAX_DEPTH + 1), nested(900)):
        with pytest.raises(Refusal, match="nested too deep"):
            read(deep, registry)
    with pytest.raises(Refusal, match="nested too deep"):
        rules.read('{"op":"not","of":' * 10_000, registry)
    leaf = compare("member.vip", "=", True)
    read({"op": "all", "of": [leaf] * rules.MAX_LEAVES}, registry)
    with pytest.raises(Refusal, match="at most 200"):
        read({"op": "all", "of": [leaf] * (rules.MAX_LEAVES + 1)}, registry)
    with pytest.raises(Refusal, match="bytes"):
        rules.read(b" " * (rules.MAX_BYTES + 1), registry)
    for broken in (b"", b"{", b"\xff\xfe", b'"\xff"'):
        with pytest.raises(Refusal, match="malformed"):
            rules.read(broken, registry)


@pytest.mark.parametrize(
    ("leaves", "live"),
    [
        ([compare("member.points", ">", 1)], Live.EVENT),
        ([compare("member.points", ">", 1), ago("member.joined_at", "at_least", 60)], Live.TIMER),
        ([holds(within_days=1)], Live.TIMER),
        ([holds(within_days=1), {"op": "not", "of": compare("score.churn", ">", 0.5)}], Live.BATCH),
    ],
)
def test_a_tree_is_as_live_as_its_slowest_leaf(registry: Registry, leaves: list[Any], live: Live) -> None:
    assert read({"op": "all", "of": leaves}, registry).live is live


def test_it_says_what_a_view_must_hold(registry: Registry) -> None:
    rule = read({"op": "all", "of": [compare("member.points", ">", 1), holds(within_days=3)]}, registry)
    assert (rule.fields, rule.needs) == ({"member.points"}, {"visits"})
    with pytest.raises(KeyError):
        rule.evaluate(View({}), ASKED)


def test_it_names_the_moment_at_which_the_answer_turns(registry: Registry) -> None:
    quiet = read(ago("member.joined_at", "at_least", 60), registry).evaluate(view(), ASKED)
    assert (quiet.true, quiet.until) == (False, NOW + timedelta(days=1))
    later = Asked(NOW + timedelta(days=1), ASKED.tenant)
    assert read(ago("member.joined_at", "at_least", 60), registry).evaluate(view(), later) == rules.Outcome(
        True, None, [rules.LeafAnswer("$", rules.Ago("member.joined_at", rules.Long.AT_LEAST, 60), True, None)]
    )
    feast = read({"op": "anniversary", "field": "member.birthday", "from_day": -3, "to_day": 0}, registry)
    assert feast.evaluate(view(), ASKED).until == datetime(2026, 11, 25, 16, tzinfo=UTC), "midnight in Shanghai"
    both = read(
        {"op": "all", "of": [ago("member.joined_at", "at_least", 60), holds(within_days=90, at_most=9)]}, registry
    )
    assert both.evaluate(view(), ASKED).until == NOW + timedelta(days=1)


def test_it_explains_which_leaves_were_true_in_both_languages(registry: Registry) -> None:
    tree = {
        "op": "any",
        "of": [
            compare("member.level", "=", "gold"),
            {"op": "not", "of": ago("member.joined_at", "at_least", 60)},
            {"op": "in", "field": "member.points", "values": [1, 2, 3, 4, 5, 6]},
            {"op": "between", "field": "member.points", "low": 1, "high": 9},
            {"op": "contains", "field": "member.labels", "value": "tea"},
            {"op": "known", "field": "member.city"},
            {"op": "anniversary", "field": "member.birthday", "from_day": -3, "to_day": 0},
            holds(within_days=30),
        ],
    }
    lines = rules.explain(read(tree, registry).evaluate(view(), ASKED), registry)
    assert [(line.path, line.true) for line in lines[:3]] == [
        ("$.of[0]", True),
        ("$.of[1].of", False),
        ("$.of[2]", False),
    ]
    assert [line.text.en for line in lines] == [
        "Level = Gold",
        "Joined is at least 60 days ago",
        "Points is one of 1, 2, 3, 4, 5…",
        "Points is between 1 and 9",
        "Labels contains tea",
        "City is known",
        "Birthday has its anniversary within -3 … +0 days",
        "Visits (within_days: 30)",
    ]
    assert lines[0].text.zh == "会员等级 = 金卡"
    assert lines[1].text.zh == "入会时间 距今至少 60 天"


def always(_history: Any, _given: Any, _asked: Asked) -> Answer:
    return Answer(True)


def test_a_name_stands_for_one_field_and_one_predicate() -> None:
    registry = Registry()
    first = registry.register_field("a.b", FieldType.TEXT, live=Live.EVENT, zh="甲", en="A")
    assert registry.register_field("a.b", FieldType.TEXT, live=Live.EVENT, zh="甲", en="A") == first
    with pytest.raises(ValueError, match="registered already"):
        registry.register_field("a.b", FieldType.DAY, live=Live.EVENT, zh="甲", en="A")
    with pytest.raises(ValueError, match="options"):
        registry.register_field("a.c", FieldType.CHOICE, live=Live.EVENT, zh="甲", en="A")

    class Loose(msgspec.Struct, frozen=True):
        days: int

    with pytest.raises(ValueError, match="forbid_unknown_fields"):
        registry.register_predicate("a.d", always, needs="x", parameters=Loose, live=Live.EVENT, zh="甲", en="A")


def test_the_editor_gets_what_it_may_offer(registry: Registry) -> None:
    offered = json.loads(msgspec.json.encode(registry.catalogue()))
    fields = {field["name"]: field for field in offered["fields"]}
    assert fields["member.level"]["operations"] == ["=", "!=", "in", "known"]
    assert fields["member.birthday"]["operations"][-3:] == ["ago", "anniversary", "known"]
    assert fields["member.level"]["options"][0] == {"value": "gold", "label": {"zh": "金卡", "en": "Gold"}}
    assert offered["predicates"][0]["name"] == "visits.counted"

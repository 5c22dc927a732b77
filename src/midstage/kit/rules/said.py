"""Rules in sentences, Chinese and English: what is asked, and what a person's values answered."""

from collections.abc import Mapping
from typing import Any

import msgspec

from midstage.kit.refusals import Text
from midstage.kit.rules.compiled import Outcome
from midstage.kit.rules.registry import REGISTRY, Field, Registry
from midstage.kit.rules.tree import Ago, Anniversary, Between, Compare, Contains, Holds, In, Known, Leaf, Long, Unit

_UNITS: Mapping[Unit, Text] = {
    Unit.MINUTES: Text(zh="分钟", en="minutes"),
    Unit.HOURS: Text(zh="小时", en="hours"),
    Unit.DAYS: Text(zh="天", en="days"),
    Unit.YEARS: Text(zh="年", en="years"),
}
_SHOWN = 5


class Line(msgspec.Struct, frozen=True):
    """One leaf as a sentence, and whether it was so."""

    path: str
    text: Text
    true: bool


def explain(outcome: Outcome, registry: Registry = REGISTRY) -> list[Line]:
    """Which leaves were true, in the order of the tree."""
    return [Line(leaf.path, sentence(leaf.leaf, registry), leaf.true) for leaf in outcome.leaves]


def sentence(leaf: Leaf, registry: Registry = REGISTRY) -> Text:
    """What a leaf of a checked tree asks."""
    if isinstance(leaf, Holds):
        label, given = registry.predicates[leaf.predicate].label, _given(leaf.given)
        return Text(zh=f"{label.zh}{given}", en=f"{label.en}{given}")
    field = registry.fields[leaf.field]
    zh, en = _asked(leaf, field)
    return Text(zh=f"{field.label.zh} {zh}", en=f"{field.label.en} {en}")


def _asked(  # noqa: PLR0911  # one line for each kind of leaf
    leaf: Compare | In | Between | Contains | Known | Ago | Anniversary, field: Field
) -> tuple[str, str]:
    match leaf:
        case Compare():
            value = _value(field, leaf.value)
            return f"{leaf.how.value} {value.zh}", f"{leaf.how.value} {value.en}"
        case In():
            values = [_value(field, value) for value in leaf.values[:_SHOWN]]
            more = "…" if len(leaf.values) > _SHOWN else ""
            zh, en = "、".join(value.zh for value in values), ", ".join(value.en for value in values)
            return f"属于 {zh}{more}", f"is one of {en}{more}"
        case Between():
            low, high = _value(field, leaf.low), _value(field, leaf.high)
            return f"在 {low.zh} 与 {high.zh} 之间", f"is between {low.en} and {high.en}"
        case Contains():
            return f"包含 {leaf.value}", f"contains {leaf.value}"
        case Known():
            return "已知", "is known"
        case Ago():
            unit = _UNITS[leaf.unit]
            if leaf.how is Long.AT_LEAST:
                return f"距今至少 {leaf.amount} {unit.zh}", f"is at least {leaf.amount} {unit.en} ago"
            return f"距今不足 {leaf.amount} {unit.zh}", f"is less than {leaf.amount} {unit.en} ago"
        case Anniversary():
            span = f"{leaf.from_day:+d} … {leaf.to_day:+d}"
            return f"周年日前后（{span} 天）", f"has its anniversary within {span} days"


def _value(field: Field, value: object) -> Text:
    for option in field.options:
        if option.value == value:
            return option.label
    shown = f"{value}{field.unit and ' ' + field.unit}"
    return Text(zh=shown, en=shown)


def _given(given: dict[str, Any]) -> str:
    if not given:
        return ""
    return " (" + ", ".join(f"{name}: {value}" for name, value in given.items()) + ")"

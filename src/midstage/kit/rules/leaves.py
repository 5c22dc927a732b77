"""Single conditions: their typing, and how one person's values answer them."""

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, cast
from uuid import UUID

import msgspec

from midstage.kit.rules import days
from midstage.kit.rules.refused import (
    RuleEmpty,
    RuleListTooLong,
    RuleNotForType,
    RuleParametersWrong,
    RuleValueWrong,
)
from midstage.kit.rules.registry import (
    COMPARISONS,
    ONE_OF,
    ORDERED,
    TIMES,
    WITHIN,
    Answer,
    Asked,
    Field,
    FieldType,
    Live,
    Predicate,
)
from midstage.kit.rules.tree import (
    Ago,
    Anniversary,
    Between,
    Compare,
    Contains,
    FieldLeaf,
    In,
    Is,
    Known,
    Long,
    Scalar,
    Unit,
)

MAX_VALUES = 1_000
MAX_TEXT = 500
MAX_AMOUNT: Mapping[Unit, int] = {Unit.MINUTES: 525_600, Unit.HOURS: 87_600, Unit.DAYS: 73_000, Unit.YEARS: 150}
_FIT_DAYS = (Unit.DAYS, Unit.YEARS)
_FIT_MOMENTS = (Unit.MINUTES, Unit.HOURS, Unit.DAYS)
_INT64 = 1 << 63
_LONGEST_STRETCH = 360  # a longer one would meet its own next year
_MOST_DAYS_OFF = 180

_OPERATORS: Mapping[Is, Callable[[Any, Any], bool]] = {
    Is.EQUAL: operator.eq,
    Is.OTHER: operator.ne,
    Is.LESS: operator.lt,
    Is.AT_MOST: operator.le,
    Is.MORE: operator.gt,
    Is.AT_LEAST: operator.ge,
}
_TRUE, _FALSE = Answer(true=True), Answer(true=False)  # shared: a rule is asked thousands of times
Asks = Callable[[Any, Asked], Answer]
"""Answers a leaf for a known value of its field."""


class View(msgspec.Struct, frozen=True):
    """One person, as far as a rule asks: the value of each of its fields (None: unknown) and each of its sources.

    `untils` says of fields that are live by timer when they may change by themselves.
    """

    values: Mapping[str, Any]
    sources: Mapping[str, Any] = msgspec.field(default_factory=dict[str, Any])
    untils: Mapping[str, datetime] = msgspec.field(default_factory=dict[str, datetime])


def field_leaf(leaf: FieldLeaf, field: Field, path: str) -> Callable[[View, Asked], Answer]:
    """Check a leaf against its field and make it answer. An unknown value answers false, whatever is asked."""
    if isinstance(leaf, Known):
        return _known(field)
    asks = _ASKS[type(leaf)](leaf, field, path)
    name, changes = field.name, field.live is Live.TIMER

    def answer(view: View, asked: Asked) -> Answer:
        value = view.values[name]
        found = _FALSE if value is None else asks(value, asked)
        if not changes:
            return found
        return Answer(found.true, earlier(found.until, view.untils.get(name)))

    return answer


def predicate_leaf(predicate: Predicate[Any], given: dict[str, Any], path: str) -> Callable[[View, Asked], Answer]:
    """Check the parameters of a predicate and make it answer."""
    try:
        parameters = msgspec.convert(given, predicate.parameters)
    except msgspec.ValidationError as error:
        problem, where = located(error)
        raise RuleParametersWrong(f"{path}.with{where}", predicate.name, problem) from None
    needs, holds = predicate.needs, predicate.holds
    return lambda view, asked: holds(view.sources[needs], parameters, asked)


def live_of(leaf: FieldLeaf, field: Field) -> Live:
    """How live a leaf is: what asks for time falls due by itself, whatever the field does."""
    timed = isinstance(leaf, Ago | Anniversary) and field.live is Live.EVENT
    return Live.TIMER if timed else field.live


def earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    """The earlier of two moments, where None is never."""
    if one is None or other is None:
        return one or other
    return min(one, other)


def located(error: msgspec.ValidationError) -> tuple[str, str]:
    """What msgspec says, and where: the path without its leading `$`."""
    problem, _, where = str(error).partition(" - at `")
    return problem, where.rstrip("`").removeprefix("$")


def typed(field: Field, value: Scalar, path: str) -> Any:
    """A JSON value as the type of its field. Raises RuleValueWrong."""
    made = _TYPES[field.type](field, value)
    if made is None:
        options = ", ".join(option.value for option in field.options)
        raise RuleValueWrong(path, field.name, f"one of {options}" if options else _EXPECTED[field.type])
    return made


def _known(field: Field) -> Callable[[View, Asked], Answer]:
    name = field.name
    return lambda view, _asked: Answer(view.values[name] is not None, view.untils.get(name))


def _compare(leaf: Compare, field: Field, path: str) -> Asks:
    _allow(leaf.how in COMPARISONS[field.type], field, leaf.how.value, path)
    wanted, compare = typed(field, leaf.value, f"{path}.value"), _OPERATORS[leaf.how]
    return lambda value, _asked: _TRUE if compare(value, wanted) else _FALSE


def _in(leaf: In, field: Field, path: str) -> Asks:
    _allow(field.type in ONE_OF, field, "in", path)
    if not leaf.values:
        raise RuleEmpty(f"{path}.values")
    if len(leaf.values) > MAX_VALUES:
        raise RuleListTooLong(f"{path}.values", MAX_VALUES)
    wanted = frozenset(typed(field, value, f"{path}.values[{place}]") for place, value in enumerate(leaf.values))
    return lambda value, _asked: _TRUE if value in wanted else _FALSE


def _between(leaf: Between, field: Field, path: str) -> Asks:
    _allow(field.type in ORDERED, field, "between", path)
    low, high = typed(field, leaf.low, f"{path}.low"), typed(field, leaf.high, f"{path}.high")
    if low > high:
        raise RuleValueWrong(f"{path}.high", field.name, f"at least {leaf.low}")
    return lambda value, _asked: _TRUE if low <= value <= high else _FALSE


def _contains(leaf: Contains, field: Field, path: str) -> Asks:
    _allow(field.type in WITHIN, field, "contains", path)
    wanted = _text(field, leaf.value)
    if not wanted:
        raise RuleValueWrong(f"{path}.value", field.name, _EXPECTED[FieldType.TEXT])
    return lambda value, _asked: _TRUE if wanted in value else _FALSE


def _ago(leaf: Ago, field: Field, path: str) -> Asks:
    _allow(field.type in TIMES, field, "ago", path)
    if not 0 <= leaf.amount <= MAX_AMOUNT[leaf.unit]:
        raise RuleValueWrong(f"{path}.amount", field.name, f"within 0 and {MAX_AMOUNT[leaf.unit]}")
    positive = leaf.how is Long.AT_LEAST
    fitting = _FIT_DAYS if field.type is FieldType.DAY else _FIT_MOMENTS
    if leaf.unit not in fitting:
        raise RuleValueWrong(f"{path}.unit", field.name, " or ".join(unit.value for unit in fitting))
    if field.type is FieldType.DAY:
        return _days_ago(leaf, positive=positive)
    return _time_ago(timedelta(**{leaf.unit.value: leaf.amount}), positive=positive)


def _time_ago(length: timedelta, *, positive: bool) -> Asks:
    def asks(value: datetime, asked: Asked) -> Answer:
        try:
            due = value + length
        except OverflowError:  # beyond the calendar is never
            return Answer(not positive)
        return Answer(positive) if asked.now >= due else Answer(not positive, due)

    return asks


def _days_ago(leaf: Ago, *, positive: bool) -> Asks:
    def asks(value: date, asked: Asked) -> Answer:
        try:
            if leaf.unit is Unit.YEARS:
                due = days.anniversary(value, value.year + leaf.amount)
            else:
                due = value + timedelta(days=leaf.amount)
        except (OverflowError, ValueError):
            return Answer(not positive)
        reached = asked.tenant.business_date(asked.now) >= due
        until = None if reached else days.day_begins(asked.tenant, due)
        return Answer(reached == positive, earlier(until, days.next_change(asked.tenant, asked.now)))

    return asks


def _anniversary(leaf: Anniversary, field: Field, path: str) -> Asks:
    _allow(field.type is FieldType.DAY, field, "anniversary", path)
    for name, value in (("from_day", leaf.from_day), ("to_day", leaf.to_day)):
        if abs(value) > _MOST_DAYS_OFF:
            raise RuleValueWrong(f"{path}.{name}", field.name, f"within -{_MOST_DAYS_OFF} and {_MOST_DAYS_OFF}")
    if not 0 <= leaf.to_day - leaf.from_day <= _LONGEST_STRETCH:
        raise RuleValueWrong(f"{path}.to_day", field.name, f"at least {leaf.from_day}")
    begins, ends = timedelta(days=leaf.from_day), timedelta(days=leaf.to_day)

    def asks(value: date, asked: Asked) -> Answer:
        today = asked.tenant.business_date(asked.now)
        around = [days.anniversary(value, today.year + offset) for offset in (-1, 0, 1, 2)]

        def within(day: date) -> bool:
            return any(feast + begins <= day <= feast + ends for feast in around)

        true = within(today)
        edges = sorted({feast + begins for feast in around} | {feast + ends + timedelta(days=1) for feast in around})
        flip = next(day for day in edges if day > today and within(day) != true)
        until = days.day_begins(asked.tenant, flip)
        return Answer(true, earlier(until, days.next_change(asked.tenant, asked.now)))

    return asks


def _allow(allowed: bool, field: Field, operation: str, path: str) -> None:  # noqa: FBT001  # reads as a sentence
    if not allowed:
        raise RuleNotForType(path, field.name, field.type.value, operation)


_ASKS: Mapping[type[FieldLeaf], Callable[[Any, Field, str], Asks]] = {
    Compare: _compare,
    In: _in,
    Between: _between,
    Contains: _contains,
    Ago: _ago,
    Anniversary: _anniversary,
}


def _boolean(_field: Field, value: Scalar) -> bool | None:
    return value if isinstance(value, bool) else None


def _integer(_field: Field, value: Scalar) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if -_INT64 <= value < _INT64 else None


def _number(_field: Field, value: Scalar) -> float | None:
    if isinstance(value, bool | str):
        return None
    try:
        made = float(value)
    except OverflowError:
        return None
    return made if math.isfinite(made) else None


def _text(_field: Field, value: Scalar) -> str | None:
    return value if isinstance(value, str) and len(value) <= MAX_TEXT and "\x00" not in value else None


def _choice(field: Field, value: Scalar) -> str | None:
    return cast("str", value) if any(option.value == value for option in field.options) else None


def _converted(kind: type[Any]) -> Callable[[Field, Scalar], Any]:
    def convert(_field: Field, value: Scalar) -> Any:
        if not isinstance(value, str):
            return None
        try:
            return msgspec.convert(value, kind)
        except msgspec.ValidationError:
            return None

    return convert


def _moment(field: Field, value: Scalar) -> datetime | None:
    made = cast("datetime | None", _converted(datetime)(field, value))
    return made if made is not None and made.tzinfo is not None else None


def _never(_field: Field, _value: Scalar) -> None:
    return None


_TYPES: Mapping[FieldType, Callable[[Field, Scalar], Any]] = {
    FieldType.BOOLEAN: _boolean,
    FieldType.INTEGER: _integer,
    FieldType.NUMBER: _number,
    FieldType.TEXT: _text,
    FieldType.CHOICE: _choice,
    FieldType.ID: _converted(UUID),
    FieldType.DAY: _converted(date),
    FieldType.MOMENT: _moment,
    FieldType.LABELS: _never,
}
_EXPECTED: Mapping[FieldType, str] = {
    FieldType.BOOLEAN: "true or false",
    FieldType.INTEGER: "a whole number",
    FieldType.NUMBER: "a number",
    FieldType.TEXT: f"a text of 1 to {MAX_TEXT} characters",
    FieldType.CHOICE: "one of its options",
    FieldType.ID: "a UUID",
    FieldType.DAY: "a date like 2026-11-22",
    FieldType.MOMENT: "a moment like 2026-11-22T08:00:00Z, with its zone",
    FieldType.LABELS: "asked for with contains",
}


def children(answers: Sequence[Answer], *, every: bool) -> Answer:
    """The answer of a group: `every` for all, else any.

    A group that is decided by some members changes no sooner than the last of those; one that needs all of
    its members as they are changes with the first.
    """
    deciding = [answer for answer in answers if answer.true != every]
    if not deciding:
        until: datetime | None = None
        for answer in answers:
            until = earlier(until, answer.until)
        return Answer(every, until)
    moments = [answer.until for answer in deciding if answer.until is not None]
    return Answer(not every, max(moments) if len(moments) == len(deciding) else None)

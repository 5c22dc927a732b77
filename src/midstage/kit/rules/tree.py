"""The grammar: a condition is a tree of tagged structs, the same in JSON, in the database and in the editor."""

from enum import StrEnum
from typing import Any, Union

import msgspec

Scalar = bool | int | float | str


class Is(StrEnum):
    """How a field is compared with a value."""

    EQUAL = "="
    OTHER = "!="
    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="


class Long(StrEnum):
    """Whether something lies at least so long ago, or less."""

    AT_LEAST = "at_least"
    LESS_THAN = "less_than"


class Unit(StrEnum):
    """A length of time; a day is 24 hours for moments, a business day of the brand for dates. Years are for dates."""

    MINUTES = "minutes"
    HOURS = "hours"
    DAYS = "days"
    YEARS = "years"


class _Node(msgspec.Struct, frozen=True, tag_field="op", forbid_unknown_fields=True):
    pass


class All(_Node, frozen=True, tag="all"):
    """Every one of these is true."""

    of: list["Node"]


class AnyOf(_Node, frozen=True, tag="any"):
    """At least one of these is true."""

    of: list["Node"]


class Not(_Node, frozen=True, tag="not"):
    """This is not true. An unknown value makes a leaf false, and so its `not` true."""

    of: "Node"


class Compare(_Node, frozen=True, tag="compare"):
    """A field compared with a value. Order is for numbers, dates and moments only."""

    field: str
    how: Is = msgspec.field(name="is")
    value: Scalar


class In(_Node, frozen=True, tag="in"):
    """A field is one of these values."""

    field: str
    values: list[Scalar]


class Between(_Node, frozen=True, tag="between"):
    """A field lies between two values, both included."""

    field: str
    low: Scalar
    high: Scalar


class Contains(_Node, frozen=True, tag="contains"):
    """A set of labels has this one, or a text has this within it, letter for letter."""

    field: str
    value: str


class Known(_Node, frozen=True, tag="known"):
    """A field has a value at all."""

    field: str


class Ago(_Node, frozen=True, tag="ago"):
    """A moment or date lies at least, or less than, so long ago: sixty quiet days, an age of 18, joined this week.

    What lies ahead is less than any time ago.
    """

    field: str
    how: Long = msgspec.field(name="is")
    amount: int
    unit: Unit = Unit.DAYS


class Anniversary(_Node, frozen=True, tag="anniversary"):
    """Today lies within so many days of a date's anniversary, negative before it, both ends included.

    The 29th of February is kept on the 28th in other years.
    """

    field: str
    from_day: int
    to_day: int


class Holds(_Node, frozen=True, tag="holds"):
    """A predicate that a module registered is true, with these parameters: what somebody did, counted, in a window."""

    predicate: str
    given: dict[str, Any] = msgspec.field(name="with", default_factory=dict[str, Any])


Leaf = Compare | In | Between | Contains | Known | Ago | Anniversary | Holds
Node = Union[All, AnyOf, Not, Compare, In, Between, Contains, Known, Ago, Anniversary, Holds]  # noqa: UP007  # msgspec resolves the name

FieldLeaf = Compare | In | Between | Contains | Known | Ago | Anniversary

"""What can be asked of a person: the fields and predicates that modules register, in their own words."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar

import msgspec

from midstage.kit.clock import Tenant
from midstage.kit.refusals import Text
from midstage.kit.rules.tree import Is

P = TypeVar("P", bound=msgspec.Struct)


class FieldType(StrEnum):
    """The types of fields, with what JSON brings and Python holds."""

    BOOLEAN = "boolean"
    INTEGER = "integer"  # counts, days, money in minor units, quantities in thousandths
    NUMBER = "number"  # scores and predictions; never money
    TEXT = "text"
    CHOICE = "choice"  # one of the declared options
    ID = "id"  # a UUID as text
    DAY = "day"  # datetime.date, of the brand's business day
    MOMENT = "moment"  # aware datetime
    LABELS = "labels"  # a set of texts


class Live(StrEnum):
    """How soon an answer changes with the world; a tree is as live as its slowest leaf."""

    EVENT = "event"  # when something happens
    TIMER = "timer"  # and also by itself, at a moment that is known
    BATCH = "batch"  # when it is computed again


SLOWER = {Live.EVENT: 0, Live.TIMER: 1, Live.BATCH: 2}

_EQUALITY = frozenset({Is.EQUAL, Is.OTHER})
_ORDER = frozenset(Is)
COMPARISONS: Mapping[FieldType, frozenset[Is]] = {
    FieldType.BOOLEAN: _EQUALITY,
    FieldType.INTEGER: _ORDER,
    FieldType.NUMBER: _ORDER,
    FieldType.TEXT: _EQUALITY,
    FieldType.CHOICE: _EQUALITY,
    FieldType.ID: _EQUALITY,
    FieldType.DAY: _ORDER,
    FieldType.MOMENT: _ORDER,
    FieldType.LABELS: frozenset(),
}
ORDERED = frozenset(kind for kind, allowed in COMPARISONS.items() if Is.LESS in allowed)
ONE_OF = frozenset(FieldType) - {FieldType.LABELS, FieldType.BOOLEAN}
WITHIN = frozenset({FieldType.TEXT, FieldType.LABELS})
TIMES = frozenset({FieldType.DAY, FieldType.MOMENT})


class Option(msgspec.Struct, frozen=True):
    """One value of a choice."""

    value: str
    label: Text


class Field(msgspec.Struct, frozen=True):
    """One thing that is known of a person, by its full name (`member.level`)."""

    name: str
    type: FieldType
    live: Live
    label: Text
    options: tuple[Option, ...] = ()
    unit: str = ""


class Answer(msgspec.Struct, frozen=True):
    """Whether something is so, and the first moment at which that may change by itself; None: never by itself."""

    true: bool
    until: datetime | None = None


class Asked(msgspec.Struct, frozen=True):
    """When and of which brand it is asked."""

    now: datetime
    tenant: Tenant


class Predicate(msgspec.Struct, Generic[P], frozen=True):
    """A question of its own, with parameters, over a source that the caller loads (`needs`, such as a history).

    `holds` is pure, and its answer does not change before the `until` that it names.
    """

    name: str
    needs: str
    parameters: type[P]
    live: Live
    label: Text
    holds: Callable[[Any, P, Asked], Answer]


class Registry:
    """All fields and predicates of a platform. Modules register theirs when they are imported."""

    def __init__(self) -> None:
        self.fields: dict[str, Field] = {}
        self.predicates: dict[str, Predicate[Any]] = {}

    def register_field(
        self,
        name: str,
        type: FieldType,  # noqa: A002  # the word that everybody uses for it
        *,
        live: Live,
        zh: str,
        en: str,
        options: Sequence[Option] = (),
        unit: str = "",
    ) -> Field:
        """Declare a field. Twice the same is fine; twice different raises ValueError."""
        if (type is FieldType.CHOICE) != bool(options):
            raise ValueError(f"{name}: options belong to a choice, and a choice has options")
        field = Field(name, type, live, Text(zh=zh, en=en), tuple(options), unit)
        if self.fields.setdefault(name, field) != field:
            raise ValueError(f"the field {name} is registered already, and otherwise")
        return field

    def register_predicate(
        self,
        name: str,
        holds: Callable[[Any, P, Asked], Answer],
        *,
        needs: str,
        parameters: type[P],
        live: Live,
        zh: str,
        en: str,
    ) -> Predicate[P]:
        """Declare a predicate. A name stands for one, and its parameters forbid unknown fields: a typo is refused."""
        if not parameters.__struct_config__.forbid_unknown_fields:
            raise ValueError(f"{name}: {parameters.__name__} needs forbid_unknown_fields=True")
        predicate = Predicate(name, needs, parameters, live, Text(zh=zh, en=en), holds)
        known = self.predicates.setdefault(name, predicate)
        if known != predicate:
            raise ValueError(f"the predicate {name} is registered already, and otherwise")
        return predicate

    def catalogue(self) -> dict[str, list[dict[str, Any]]]:
        """What an editor needs to offer: fields with their types and operations, predicates with their parameters."""
        return {
            "fields": [_offered(self.fields[name]) for name in sorted(self.fields)],
            "predicates": [
                {
                    "name": one.name,
                    "live": one.live,
                    "label": one.label,
                    "parameters": msgspec.json.schema(one.parameters),
                }
                for one in (self.predicates[name] for name in sorted(self.predicates))
            ],
        }


def _offered(field: Field) -> dict[str, Any]:
    operations = [how.value for how in Is if how in COMPARISONS[field.type]]
    operations += [
        operation
        for operation, types in (
            ("in", ONE_OF),
            ("between", ORDERED),
            ("contains", WITHIN),
            ("ago", TIMES),
            ("anniversary", frozenset({FieldType.DAY})),
        )
        if field.type in types
    ]
    return {**msgspec.structs.asdict(field), "operations": [*operations, "known"]}


REGISTRY = Registry()
"""The registry of this process; `rules.register_field` and `rules.register_predicate` put into it."""

register_field = REGISTRY.register_field
register_predicate = REGISTRY.register_predicate

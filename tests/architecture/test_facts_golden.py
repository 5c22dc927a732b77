"""What was once told can be read for ever: each version of each fact has a golden file; no fact names a person."""

import enum
import re
import types
import typing
from collections.abc import Iterator
from datetime import date, datetime
from typing import Annotated, Any, Literal, cast, get_args, get_origin
from uuid import UUID, uuid4

import msgspec
import pytest

from architecture import sources
from midstage.kit.facts import types as facts
from midstage.kit.facts.types import Fact

GOLDEN = sources.SRC.parent / "tests" / "golden" / "facts"

for _path in sources.files():
    if _path.name == "facts.py":
        sources.load(_path)

KINDS = {name: kind for name, kind in facts.kinds().items() if kind.__module__.startswith("midstage.")}
VERSIONS = [(name, version) for name, kind in sorted(KINDS.items()) for version in range(1, kind.version + 1)]

# What a text field of a fact may be: a code or key that the business chose, never a person's own words.
FIGURES = (int, bool, UUID, date, datetime, types.NoneType)
NAMES_OF_A_PERSON = re.compile(
    r"(^|_)(name|phone|mobile|address|email|mail|birthday|gender|note|comment|text|title|avatar|openid|unionid|ip|iban)(_|$)"
)
CODE_NAMES = re.compile(
    r"(^|_)(code|currency|asset|front|kind|state|level|provider|channel|reason|outcome|unit|number|purpose|source"
    r"|role|permission|label|subscriber|rule|policy|version|key|cause|action|zone|field|platform|by)s?(_before|_after)?$"
)


@pytest.mark.parametrize(("name", "version"), VERSIONS)
def test_a_stored_fact_of_any_version_can_still_be_read(name: str, version: int) -> None:
    path = GOLDEN / f"{name}.v{version}.json"
    assert path.exists(), f"write an example of {name} version {version} to {path.relative_to(sources.SRC.parent)}"
    stored = path.read_bytes()
    fact = facts.decode(name, version, stored)
    assert type(fact) is KINDS[name]
    assert isinstance(fact.key, UUID)
    assert facts.decode(name, fact.version, facts.encode(fact)) == fact
    if version == KINDS[name].version:
        lost = set(msgspec.json.decode(stored)) - set(msgspec.json.decode(facts.encode(fact)))
        assert lost == set(), "a field that was told once is not read any more: a break needs a new version"


def test_no_golden_file_is_left_of_a_fact_that_nobody_knows() -> None:
    known = {f"{name}.v{version}.json" for name, version in VERSIONS}
    assert sorted({path.name for path in GOLDEN.glob("*")} - known) == []


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.__name__)
def test_a_fact_has_ids_and_figures_and_nothing_of_a_person(kind: type[Fact]) -> None:
    assert list(_wrong_with(kind)) == []


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.__name__)
def test_the_subject_of_a_fact_is_one_of_its_ids(kind: type[Fact]) -> None:
    assert kind.subject in {field.name for field in msgspec.structs.fields(kind)}


def _wrong_with(kind: type[msgspec.Struct], seen: frozenset[type] = frozenset()) -> Iterator[str]:
    for field in msgspec.structs.fields(kind):
        if NAMES_OF_A_PERSON.search(field.name):
            yield f"{kind.__name__}.{field.name} is called like something personal"
        for leaf in _leaves(field.type):
            if isinstance(leaf, type) and issubclass(leaf, msgspec.Struct):
                if leaf not in seen:
                    yield from _wrong_with(leaf, seen | {leaf})
            elif leaf is str:
                if not CODE_NAMES.search(field.name):
                    yield f"{kind.__name__}.{field.name} is free text; make it an enum, an id or a code"
            elif not isinstance(leaf, type) or not issubclass(leaf, (*FIGURES, enum.Enum)):
                yield f"{kind.__name__}.{field.name} is neither id, figure, enum nor date but {leaf}"


def _leaves(kind: Any) -> Iterator[object]:
    """The plain types that a type is made of."""
    if isinstance(kind, typing.NewType):
        yield from _leaves(kind.__supertype__)
    elif get_origin(kind) is Annotated:
        yield from _leaves(get_args(kind)[0])
    elif get_origin(kind) is Literal:
        yield enum.Enum
    elif get_origin(kind) is not None:
        for part in cast("tuple[object, ...]", get_args(kind)):
            if part is not Ellipsis:
                yield from _leaves(part)
    else:
        yield kind


class Half(msgspec.Struct, frozen=True):
    """What a wrong fact below holds."""

    nickname: str
    weight: float


class _Wrong(Fact, frozen=True):
    subject = "member_id"
    member_id: UUID
    phone: str
    halves: list[Half]


def test_a_bad_fact_is_seen() -> None:
    assert list(_wrong_with(_Wrong)) == [
        "_Wrong.phone is called like something personal",
        "_Wrong.phone is free text; make it an enum, an id or a code",
        "Half.nickname is free text; make it an enum, an id or a code",
        f"Half.weight is neither id, figure, enum nor date but {float}",
    ]


class _Moved(Fact, frozen=True):
    version = 3
    subject = "order_id"
    order_id: UUID
    milli: int
    store_id: UUID | None = None


@facts.upcast(_Moved, from_version=1)
def _in_thousandths(fields: dict[str, Any]) -> dict[str, Any]:
    return {"order_id": fields["order_id"], "quantity_milli": fields["quantity"] * 1000}


@facts.upcast(_Moved, from_version=2)
def _shorter(fields: dict[str, Any]) -> dict[str, Any]:
    return {"order_id": fields["order_id"], "milli": fields["quantity_milli"]}


def test_an_old_fact_is_mended_step_by_step() -> None:
    order = uuid4()
    first = msgspec.json.encode({"order_id": order, "quantity": 2})
    second = msgspec.json.encode({"order_id": order, "quantity_milli": 2000})
    present = _Moved(order_id=order, milli=2000)
    assert facts.decode("_Moved", 1, first) == facts.decode("_Moved", 2, second) == present
    assert facts.decode("_Moved", 3, facts.encode(present)) == present


def test_a_fact_of_a_later_release_or_without_upcaster_is_refused() -> None:
    with pytest.raises(facts.UnknownFactError):
        facts.decode("_Moved", 4, b"{}")
    with pytest.raises(facts.UnknownFactError):
        facts.decode("NeverToldBefore", 1, b"{}")

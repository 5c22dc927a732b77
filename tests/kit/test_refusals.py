"""Refusals: made from their figures, said in two languages, coded and filed by family."""

import pytest

from midstage.kit import refusals
from midstage.kit.refusals import FAMILIES, Conflict, Invalid, Refusal, Text, TooMany


class ShelfEmpty(Conflict):
    """Nothing is left on the shelf."""

    text = Text(zh="货架{shelf}只剩 {left} 件", en="Only {left} left on shelf {shelf}.")
    shelf: str
    left: int = 0


class ShelfSpoiled(ShelfEmpty):
    """What is left is spoiled."""

    text = Text(zh="{shelf} {left} {since}", en="{shelf} {left} {since}")
    since: int = 1


class AskedTooOften(TooMany):
    """Nothing is said while one shouts."""

    text = Text(zh="请稍后再试", en="Try again later.")


def test_a_refusal_is_made_by_order_or_by_name() -> None:
    assert ShelfEmpty("A1", 3).figures() == ShelfEmpty(left=3, shelf="A1").figures() == {"shelf": "A1", "left": 3}
    assert ShelfEmpty("A1").figures() == {"shelf": "A1", "left": 0}


def test_it_says_its_figures_in_both_languages() -> None:
    refusal = ShelfEmpty("A1", 3)
    assert refusal.say("zh-CN") == refusal.say("zh") == "货架A1只剩 3 件"
    assert refusal.say("en") == refusal.say("fr") == str(refusal) == "Only 3 left on shelf A1."


@pytest.mark.parametrize(
    ("args", "named"), [((), {}), (("A1", 3, 4), {}), (("A1",), {"colour": "red"}), ((), {"left": 3})]
)
def test_missing_and_foreign_figures_are_errors(args: tuple[object, ...], named: dict[str, object]) -> None:
    with pytest.raises(TypeError, match="ShelfEmpty takes shelf, left"):
        ShelfEmpty(*args, **named)  # pyright: ignore[reportArgumentType]  # wrong on purpose


def test_the_code_is_the_name_in_the_clients_form() -> None:
    assert (ShelfEmpty.code, AskedTooOften.code) == ("shelf_empty", "asked_too_often")


def test_the_family_gives_the_status() -> None:
    assert (ShelfEmpty.status, AskedTooOften.status) == (409, 429)
    assert sorted(family.status for family in FAMILIES) == [401, 403, 404, 409, 422, 429, 503]


def test_a_refusal_of_a_refusal_keeps_the_figures_of_both() -> None:
    assert ShelfSpoiled.fields == ("shelf", "left", "since")
    assert ShelfSpoiled("A1", since=5).figures() == {"shelf": "A1", "left": 0, "since": 5}
    assert ShelfEmpty.fields == ("shelf", "left")


def test_all_refusals_are_known_but_for_the_families() -> None:
    known = refusals.all_refusals()
    assert {ShelfEmpty, ShelfSpoiled, AskedTooOften} <= set(known)
    assert not set(known) & {*FAMILIES, Refusal}
    assert known == sorted(known, key=lambda kind: kind.code)


def test_figures_have_types_for_the_documents() -> None:
    assert refusals.field_types(ShelfSpoiled) == {"shelf": str, "left": int, "since": int}


def test_a_refusal_is_caught_by_its_family() -> None:
    with pytest.raises(Conflict):
        raise ShelfEmpty("A1")
    assert not issubclass(ShelfEmpty, Invalid)

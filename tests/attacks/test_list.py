"""The list of attacks in the documents is the list of these tests."""

from pathlib import Path

from attacks.scene import attacks, table

PAGE = Path(__file__).parents[2] / "docs" / "attacks.md"


def test_the_page_lists_every_attack_with_the_refusal_that_it_got() -> None:
    assert table() in PAGE.read_text(encoding="utf-8"), "write attacks.scene.table() into docs/attacks.md"


def test_every_attack_gets_something() -> None:
    assert [name for _, name, one in attacks() if not one.refusals] == []

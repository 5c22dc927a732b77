"""Every refusal speaks both languages, with its own figures, under a code of its own."""

import re
import string
from collections import Counter

import pytest

from architecture import sources
from midstage.kit import refusals
from midstage.kit.refusals import FAMILIES, Refusal, Text

for _path in sources.files(sources.PACKAGE):
    if "refusals import" in _path.read_text(encoding="utf-8"):
        sources.load(_path)

OURS = [kind for kind in refusals.all_refusals() if kind.__module__.startswith("midstage.")]
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def _name(kind: type[Refusal]) -> str:
    return kind.__name__


def _wrong_with(kind: type[Refusal]) -> list[str]:
    text: object = getattr(kind, "text", None)
    if not isinstance(text, Text):
        return ["has no text"]
    wrong: list[str] = []
    for language, sentence in (("zh", text.zh), ("en", text.en)):
        used = {
            name.partition(".")[0].partition("[")[0] for _, name, _, _ in string.Formatter().parse(sentence) if name
        }
        wrong += [f"{language} speaks of {name}, which it has not" for name in sorted(used - set(kind.fields))]
    if not CHINESE.search(text.zh):
        wrong.append("zh is not Chinese")
    if not text.en.strip() or CHINESE.search(text.en):
        wrong.append("en is not English")
    if not (kind.__doc__ or "").strip() or kind.__doc__ == kind.__mro__[1].__doc__:
        wrong.append("has no docstring, which is its help text")
    if not any(issubclass(kind, family) for family in FAMILIES) or kind.__subclasses__() != []:
        wrong.append("is of no family, or is a family itself")
    return wrong


@pytest.mark.parametrize("kind", OURS, ids=_name)
def test_a_refusal_has_a_text_in_both_languages_that_names_only_its_figures(kind: type[Refusal]) -> None:
    assert _wrong_with(kind) == []


@pytest.mark.parametrize("kind", OURS, ids=_name)
def test_a_refusal_says_its_figures(kind: type[Refusal]) -> None:
    types = refusals.field_types(kind)
    assert set(types) == set(kind.fields)
    refusal = kind(**{name: _sample(types[name]) for name in kind.fields})
    for language in ("zh-CN", "en"):
        assert "{" not in refusal.say(language)


def test_codes_are_unique_and_in_the_clients_form() -> None:
    counted = Counter(kind.code for kind in OURS)
    assert [code for code, times in counted.items() if times > 1] == []
    assert [code for code in counted if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", code)] == []


def test_a_bad_refusal_is_seen() -> None:
    class Mute(refusals.Conflict):
        """It says nothing."""

    class Wrong(refusals.Conflict):
        text = Text(zh="no Chinese {left}", en="多少 {right}")
        left: int

    assert _wrong_with(Mute) == ["has no text"]
    assert _wrong_with(Wrong) == [
        "en speaks of right, which it has not",
        "zh is not Chinese",
        "en is not English",
        "has no docstring, which is its help text",
    ]


def _sample(kind: object) -> object:
    """A figure of roughly the right kind: format specifications must hold for it."""
    samples = {int: 7, float: 7.5, bool: True}
    return samples.get(kind, "seven") if isinstance(kind, type) else "seven"

"""Refusals: classes that say what was refused, why, and with which figures (RFC 9457, zh-CN and en)."""

import inspect
import re
from typing import Any, ClassVar, dataclass_transform, get_type_hints

import msgspec


class Text(msgspec.Struct, frozen=True):
    """One sentence in both languages; `{name}` is filled from the refusal's fields."""

    zh: str
    en: str


@dataclass_transform()
class Refusal(Exception):  # noqa: N818  # a refusal is an answer, not an error of ours
    """Something that was asked for and is not done; nothing was written.

    A subclass lists its figures as annotated fields and becomes constructible with them, in order or by name.
    Its name in snake_case is the client's code, its family (a direct subclass below) the HTTP status.
    """

    status: ClassVar[int]
    text: ClassVar[Text]
    code: ClassVar[str] = "refusal"
    fields: ClassVar[tuple[str, ...]] = ()
    _defaults: ClassVar[dict[str, Any]] = {}

    def __init_subclass__(cls) -> None:
        hints = {
            name: kind
            for name, kind in inspect.get_annotations(cls).items()
            if not str(kind).startswith(("ClassVar", "typing.ClassVar"))
        }
        cls.fields = (*cls.fields, *hints)
        cls._defaults = {**cls._defaults, **{name: cls.__dict__[name] for name in hints if name in cls.__dict__}}
        cls.code = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__()
        given = {**self._defaults, **dict(zip(self.fields, args, strict=False)), **named}
        wrong = len(args) > len(self.fields) or set(given) != set(self.fields)
        if wrong:
            raise TypeError(f"{type(self).__name__} takes {', '.join(self.fields) or 'nothing'}")
        for name, value in given.items():
            setattr(self, name, value)

    def figures(self) -> dict[str, Any]:
        """The fields and their values, as they go into the answer."""
        return {name: getattr(self, name) for name in self.fields}

    def say(self, language: str = "en") -> str:
        """The sentence for people, zh for any Chinese tag, else en."""
        template = self.text.zh if language.startswith("zh") else self.text.en
        return template.format(**self.figures())

    def __str__(self) -> str:
        return self.say()


class Invalid(Refusal):
    """The request is well-formed and makes no sense; sending it again will not help."""

    status = 422


class Unauthenticated(Refusal):
    """Nobody, or nobody we know, is asking."""

    status = 401


class Forbidden(Refusal):
    """The asker is known and may not."""

    status = 403


class NotFound(Refusal):
    """There is none, or none that the asker may know of."""

    status = 404


class Conflict(Refusal):
    """It fitted once and does not fit the present state; look again and ask anew."""

    status = 409


class TooMany(Refusal):
    """Too often or too much; `retry_after_s` says when to come back."""

    status = 429


class Unavailable(Refusal):
    """A part that is needed is not there at the moment; nothing was done."""

    status = 503


FAMILIES: tuple[type[Refusal], ...] = (Invalid, Unauthenticated, Forbidden, NotFound, Conflict, TooMany, Unavailable)


def all_refusals() -> list[type[Refusal]]:
    """Every refusal that has been defined so far, families left out, by code."""
    found: set[type[Refusal]] = set()
    heap: list[type[Refusal]] = list(FAMILIES)
    while heap:
        for kind in heap.pop().__subclasses__():
            found.add(kind)
            heap.append(kind)
    return sorted(found, key=lambda kind: kind.code)


def field_types(kind: type[Refusal]) -> dict[str, Any]:
    """The types of a refusal's figures, for the OpenAPI."""
    hints = get_type_hints(kind)
    return {name: hints[name] for name in kind.fields}

"""What a fact is, how it is stored, and how an old version becomes the present one."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any, ClassVar, Generic, TypeVar, cast
from uuid import UUID

import msgspec

from midstage.kit.ids import BrandId

F_co = TypeVar("F_co", bound="Fact", covariant=True)
Upcaster = Callable[[dict[str, Any]], dict[str, Any]]


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened, in the past tense, with ids and figures and never a name, phone or address.

    `subject` names the field that holds the id of what it is about: facts of one subject keep their order.
    Fields are only added, with a default; a break is a new `version` and an upcaster for each older one.
    """

    version: ClassVar[int] = 1
    subject: ClassVar[str]

    def __init_subclass__(cls, **config: Any) -> None:
        super().__init_subclass__(**config)
        known = _kinds.setdefault(cls.__name__, cls)
        if known.__module__ != cls.__module__:
            raise TypeError(f"two facts are called {cls.__name__}: in {known.__module__} and {cls.__module__}")
        _kinds[cls.__name__] = cls

    @property
    def key(self) -> UUID:
        """The id of the subject."""
        return cast("UUID", getattr(self, self.subject))


class Delivered(msgspec.Struct, Generic[F_co], frozen=True):
    """A fact as a listener gets it: with the number it has in its brand and the moment it was recorded."""

    brand: BrandId
    number: int
    fact_id: int
    fact: F_co
    business_date: date
    recorded_at: datetime


class UnknownFactError(Exception):
    """A stored fact whose type or version this release cannot read."""


_kinds: dict[str, type[Fact]] = {}
_upcasters: dict[tuple[str, int], Upcaster] = {}
_encoder = msgspec.json.Encoder()


def kinds() -> dict[str, type[Fact]]:
    """Every fact that has been defined so far, by name."""
    return dict(_kinds)


def upcast(kind: type[Fact], *, from_version: int) -> Callable[[Upcaster], Upcaster]:
    """Register how the payload of one version becomes that of the next."""

    def register(mend: Upcaster) -> Upcaster:
        _upcasters[kind.__name__, from_version] = mend
        return mend

    return register


def encode(fact: Fact) -> str:
    """The payload as JSON text."""
    return _encoder.encode(fact).decode()


def decode(type_name: str, version: int, payload: str | bytes) -> Fact:
    """Read a stored payload, through the upcasters if it is old. Raises UnknownFactError."""
    kind = _kinds.get(type_name)
    if kind is None or version > kind.version:
        raise UnknownFactError(f"{type_name} version {version} is not known to this release")
    if version == kind.version:
        return msgspec.json.decode(payload, type=kind)
    fields: dict[str, Any] = msgspec.json.decode(payload)
    for step in range(version, kind.version):
        mend = _upcasters.get((type_name, step))
        if mend is None:
            raise UnknownFactError(f"{type_name} version {step} has no upcaster to {step + 1}")
        fields = mend(fields)
    return msgspec.convert(fields, kind)

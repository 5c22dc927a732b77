"""Policies: where retailers differ, settings that a brand, region, operator or store chooses (design.md, idea 6).

A module declares its policy once; what nobody chose is the default of its settings. The nearest choice holds whole: a
store's own, else its operator's, else that of the nearest part of the tree above it, up to the brand.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

import msgspec

from midstage.kit.database import Tx
from midstage.kit.ids import BrandId
from midstage.kit.kept import Kept
from midstage.kit.refusals import Text
from midstage.middle.organisation import store
from midstage.middle.organisation.facts import PolicyChanged
from midstage.middle.organisation.refusals import (
    ChangedMeanwhile,
    NoSuchPolicy,
    PolicyInvalid,
    PolicyNotHere,
)
from midstage.middle.organisation.scopes import check_scope
from midstage.middle.organisation.types import OperatorId, Scope, StoreId, UnitId

T = TypeVar("T", bound=msgspec.Struct)

# What the console changes is in force at every process within 5 s, as with brands and stores.
KEPT_S = 5.0


class Level(StrEnum):
    """Who may hold a choice, from the widest to the nearest."""

    BRAND = "brand"
    UNIT = "unit"
    OPERATOR = "operator"
    STORE = "store"


class Policy(msgspec.Struct, Generic[T], frozen=True):
    """A policy as its module declares it. Every field of `settings` has a default: that is what holds unchosen."""

    code: str
    settings: type[T]
    name: Text
    levels: frozenset[Level] = frozenset(Level)
    """Who may choose. A policy of the brand as a whole leaves the others out."""


class Holder(msgspec.Struct, frozen=True):
    """Who chose: a part of the tree, an operator or a store. Of the brand it is the root unit."""

    level: Level
    holder_id: UUID


class Choice(msgspec.Struct, frozen=True):
    """What somebody chose; `version` is the one to change it from."""

    code: str
    holder: Holder
    settings: dict[str, Any]
    version: int


class Standing(msgspec.Struct, Generic[T], frozen=True):
    """What holds at a store, and who chose it; None means that nobody did."""

    settings: T
    holder: Holder | None


class Located(Protocol):
    """A store, or whatever says as much of one as its policies ask."""

    @property
    def store_id(self) -> StoreId: ...

    @property
    def operator_id(self) -> OperatorId: ...

    @property
    def unit_path(self) -> Sequence[UnitId]: ...


_declared: dict[str, Policy[Any]] = {}
_kept: Kept[tuple[BrandId, str, UUID | None], Standing[Any]] = Kept(ttl_s=KEPT_S, most=200_000)


def declare(policy: Policy[T]) -> Policy[T]:
    """Make a policy known; a module does so once, where it is imported."""
    policy.settings()  # every field has a default
    if policy.code in _declared:
        raise ValueError(f"the policy {policy.code} is declared twice")
    _declared[policy.code] = policy
    return policy


def policies() -> list[Policy[Any]]:
    """Every policy there is, by code."""
    return [_declared[code] for code in sorted(_declared)]


async def settings_of(tx: Tx, policy: Policy[T], at: Located | None = None) -> T:
    """The settings that hold at a store, or for the brand; kept for a few seconds."""
    return (await standing_of(tx, policy, at)).settings


async def standing_of(tx: Tx, policy: Policy[T], at: Located | None = None) -> Standing[T]:
    """The settings that hold at a store, or for the brand, and who chose them; kept for a few seconds."""
    key = (tx.brand, policy.code, None if at is None else at.store_id)
    found = _kept.get(key)
    if found is None:
        chosen = await store.read_choices(tx, policy.code, [] if at is None else _candidates(at))
        found = _nearest(policy, chosen, at)
        _kept.put(key, found)
    return found


async def standings_of(tx: Tx, policy: Policy[T], stores: Iterable[Located]) -> dict[StoreId, Standing[T]]:
    """What holds at each of several stores, in one statement; kept as that of one."""
    found: dict[StoreId, Standing[T]] = {}
    unknown: dict[StoreId, Located] = {}
    for one in stores:
        kept = _kept.get((tx.brand, policy.code, one.store_id))
        if kept is None:
            unknown[one.store_id] = one
        else:
            found[one.store_id] = kept
    if unknown:
        holders = sorted({holder for one in unknown.values() for holder in _candidates(one)})
        chosen = await store.read_choices(tx, policy.code, holders)
        for store_id, one in unknown.items():
            found[store_id] = _nearest(policy, chosen, one)
            _kept.put((tx.brand, policy.code, store_id), found[store_id])
    return found


async def choices(tx: Tx, code: str) -> list[Choice]:
    """What was chosen for a policy, and by whom. Raises NoSuchPolicy."""
    _known(code)
    return [
        Choice(code, Holder(Level(level), holder_id), settings, version)
        for level, holder_id, settings, version in await store.read_all_choices(tx, code)
    ]


async def choose(tx: Tx, code: str, holder: Holder, settings: dict[str, Any], *, version: int | None = None) -> Choice:
    """Choose the settings of a policy for a brand, unit, operator or store; what is left out is the default.

    Orders that were paid before keep what they were paid under. `version` is the one that was looked at, None where
    there was none. Raises NoSuchPolicy, PolicyInvalid, PolicyNotHere, ChangedMeanwhile, NoSuchUnit, NoSuchOperator or
    NoSuchStore.
    """
    policy = _known(code)
    if holder.level not in policy.levels:
        raise PolicyNotHere(code, holder.level.value)
    try:
        typed = msgspec.convert(settings, policy.settings, strict=True)
    except msgspec.ValidationError as fault:
        raise PolicyInvalid(code, str(fault)) from None
    unknown = sorted(set(settings) - set(policy.settings.__struct_encode_fields__))
    if unknown:
        raise PolicyInvalid(code, f"unknown field {unknown[0]}")
    await _check_holder(tx, holder)
    written: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(typed))
    done = await store.write_choice(tx, code, holder.level.value, holder.holder_id, written, seen=version)
    if done is None:
        raise ChangedMeanwhile(
            version=await store.read_choice_version(tx, code, holder.level.value, holder.holder_id), seen=version or 0
        )
    now, was = done
    _note(tx, code, holder, before=was, after=written)
    return Choice(code, holder, written, now)


async def unchoose(tx: Tx, code: str, holder: Holder) -> bool:
    """Let the next wider choice hold again; False where nothing was chosen. Raises NoSuchPolicy."""
    _known(code)
    was = await store.drop_choice(tx, code, holder.level.value, holder.holder_id)
    if was is None:
        return False
    _note(tx, code, holder, before=was, after=None)
    return True


def _note(tx: Tx, code: str, holder: Holder, *, before: Any, after: Any) -> None:
    _kept.clear()
    tx.note("choose", "policy", f"{code}:{holder.level}:{holder.holder_id}", before=before, after=after)
    tx.tell(PolicyChanged(holder_id=holder.holder_id, code=code, level=holder.level.value))


def _known(code: str) -> Policy[Any]:
    policy = _declared.get(code)
    if policy is None:
        raise NoSuchPolicy(code)
    return policy


async def _check_holder(tx: Tx, holder: Holder) -> None:
    """Raises the refusal of what is not there; a brand's choice hangs on the root of its tree."""
    match holder.level:
        case Level.BRAND | Level.UNIT:
            await check_scope(tx, Scope(units=frozenset({UnitId(holder.holder_id)})))
        case Level.OPERATOR:
            await check_scope(tx, Scope(operators=frozenset({OperatorId(holder.holder_id)})))
        case Level.STORE:
            await check_scope(tx, Scope(stores=frozenset({StoreId(holder.holder_id)})))


def _candidates(at: Located) -> list[UUID]:
    return [*at.unit_path, at.operator_id, at.store_id]


def _nearest(policy: Policy[T], chosen: Sequence[tuple[str, UUID, Any]], at: Located | None) -> Standing[T]:
    by_holder = {(Level(level), holder_id): settings for level, holder_id, settings in chosen}
    for level, holder_id in _order(by_holder, at):
        settings = by_holder.get((level, holder_id))
        if settings is not None:
            # A field that a later release no longer knows is left out.
            return Standing(msgspec.convert(settings, policy.settings), Holder(level, holder_id))
    return Standing(policy.settings(), None)


def _order(chosen: Iterable[tuple[Level, UUID]], at: Located | None) -> list[tuple[Level, UUID]]:
    """Who is asked, the nearest first."""
    brand = [(level, holder_id) for level, holder_id in chosen if level is Level.BRAND]
    if at is None:
        return brand
    units = [(Level.UNIT, unit_id) for unit_id in reversed(at.unit_path)]
    return [(Level.STORE, at.store_id), (Level.OPERATOR, at.operator_id), *units, *brand]

"""Which personal data an answer shows, found by the types that are marked as personal, and noted as a read.

Whatever a type marks with `extra={"personal": True}` counts, wherever it stands in an answer, unless it is masked or
empty. So a call that comes to show a phone is on record without anybody having to think of it.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast
from uuid import UUID

import msgspec
import msgspec.inspect as mi

from midstage.fronts._http.desk import Caller, Desk

# Who works with other people's data; what shoppers see is their own.
OTHERS = frozenset({"staff", "guide", "app"})
# To ask for somebody by phone tells whether there is such a member, even where the answer is masked or a refusal.
SEARCHES = frozenset({"console.find_member", "console.find_person", "counter.find_member"})
SEARCH = "search"
_MASK = "*"
_MEMBER, _ORDER = "member_id", "order_id"
# The struct beside which the rest of an answer stands: its id is the one of all that has none itself.
_HEADS = ("member", "order")

Key = tuple[UUID | None, UUID | None]


class Shows:
    """What answers of one type may show."""

    def __init__(self, kind: Any) -> None:
        self._personal: dict[type, dict[str, bool]] = {}
        """Of each struct: the fields that are personal (True), and those in which something may be."""
        self.anything = self._look(mi.type_info(kind), set()) if kind is not None else False

    def found(self, answer: Any) -> Mapping[Key, set[str]]:
        """Of whom an answer shows what: by member and order, the names of the fields."""
        found: dict[Key, set[str]] = defaultdict(set)
        for key, name in self._walk(answer, (None, None)):
            found[key].add(name)
        return found

    def _look(self, kind: mi.Type, within: set[type]) -> bool:
        if isinstance(kind, mi.Metadata):
            return _is_marked(kind) or self._look(kind.type, within)
        if isinstance(kind, mi.UnionType):
            looked = [self._look(one, within) for one in kind.types]  # each of them, not until the first
            return any(looked)
        if isinstance(kind, mi.CollectionType):
            return self._look(kind.item_type, within)
        if isinstance(kind, mi.DictType):
            return self._look(kind.value_type, within)
        if not isinstance(kind, mi.StructType) or kind.cls in within:
            return False
        fields = {one.name: _is_personal(one.type) for one in kind.fields if self._look(one.type, {*within, kind.cls})}
        if fields:
            self._personal[kind.cls] = fields
        return bool(fields)

    def _walk(self, value: Any, of: Key) -> Iterator[tuple[Key, str]]:
        if isinstance(value, msgspec.Struct):
            fields = self._personal.get(type(value))
            if fields is not None:
                whose = _whose(value, of)
                for name, personal in fields.items():
                    inner = getattr(value, name)
                    if not personal:
                        yield from self._walk(inner, whose)
                    elif _is_shown(inner):
                        yield whose, name
        elif isinstance(value, Mapping):
            for one in cast("Mapping[Any, Any]", value).values():
                yield from self._walk(one, of)
        elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
            for one in cast("Sequence[Any]", value):
                yield from self._walk(one, of)


def note_shown(desk: Desk, caller: Caller | None, call: str, shows: Shows, answer: Any) -> None:
    """Note what somebody other than its owner was shown."""
    if caller is None or caller.by.kind not in OTHERS:
        return
    found: Mapping[Key, set[str]] = shows.found(answer) if shows.anything else {}
    for (member_id, order_id), fields in found.items():
        desk.notebook.saw(caller.tenant, caller.by, call, fields=sorted(fields), member_id=member_id, order_id=order_id)
    if call in SEARCHES and not found:
        member_id, _ = _whose(answer, (None, None))
        desk.notebook.saw(caller.tenant, caller.by, call, fields=[SEARCH], member_id=member_id)


def note_missed(desk: Desk, caller: Caller, call: str) -> None:
    """Note that somebody searched for a phone or the like that nobody has: many of these are a trial of numbers."""
    if call in SEARCHES and caller.by.kind in OTHERS:
        desk.notebook.saw(caller.tenant, caller.by, call, fields=[SEARCH], persons=0)


def _whose(value: Any, of: Key) -> Key:
    """Whose data stands in a struct: its own ids, or those of its head, or those of what it stands in."""
    heads = [value, *(getattr(value, name, None) for name in _HEADS)]
    return _id_in(heads, _MEMBER) or of[0], _id_in(heads, _ORDER) or of[1]


def _id_in(heads: Sequence[Any], name: str) -> UUID | None:
    for head in heads:
        found: object = getattr(head, name, None)
        if isinstance(found, UUID):
            return found
    return None


def _is_personal(kind: mi.Type) -> bool:
    if isinstance(kind, mi.Metadata):
        return _is_marked(kind) or _is_personal(kind.type)
    return isinstance(kind, mi.UnionType) and any(_is_personal(one) for one in kind.types)


def _is_marked(kind: mi.Metadata) -> bool:
    extra: dict[str, Any] = cast("Any", kind).extra or {}
    return bool(extra.get("personal"))


def _is_shown(value: Any) -> bool:
    return value is not None and value is not msgspec.UNSET and value != "" and _MASK not in str(value)

"""What becomes of identifiers that are given together: who is meant, what is attached, merged, or left to somebody. Pure."""

from collections import Counter
from collections.abc import Sequence
from uuid import UUID

import msgspec

from midstage.kit.ids import new_id
from midstage.middle.identity import rules
from midstage.middle.identity.types import Identifier, IdentifierKind, IdentityPolicy, LinkId, PersonId, Why


class Known(msgspec.Struct, frozen=True, array_like=True):
    """A given identifier (`place` from 1) that hangs on somebody: on which id, and who that is by now."""

    place: int
    holder_id: PersonId
    root_id: PersonId


class Root(msgspec.Struct, frozen=True, array_like=True):
    """A root, how many persons it is, and the version that was looked at."""

    root_id: PersonId
    person_no: int
    version: int
    persons: int


class Count(msgspec.Struct, frozen=True, array_like=True):
    """How many identifiers of a kind a root has, those that are blocked left out."""

    root_id: PersonId
    kind: IdentifierKind
    namespace: str
    count: int


class Look(msgspec.Struct, frozen=True):
    """All that is asked of the database, at one moment."""

    known: list[Known]
    roots: list[Root]
    counts: list[Count]
    blocked: list[int]
    uses: list[tuple[int, int]] = []
    """Of a given identifier, by its place, how many merges rest on it in its time."""
    apart: list[tuple[UUID, UUID]] = []
    """Roots of which somebody said that they are two persons."""


class Merge(msgspec.Struct, frozen=True):
    """A merge to be made: the ids it links, which identifiers showed it, and which root gives way to which."""

    link_id: LinkId
    one_id: PersonId
    other_id: PersonId
    one: Identifier | None
    other: Identifier | None
    winner: Root
    loser: Root


class Doubt(msgspec.Struct, frozen=True):
    """What is left to somebody: the merge of `other_id`, or, where it is None, the attachment of the identifier."""

    person_id: PersonId
    other_id: PersonId | None
    why: Why
    identifier: Identifier
    with_identifier: Identifier


class Plan(msgspec.Struct, frozen=True):
    """What is to be done. `roots` are all that it concerns, with the versions that it holds for."""

    holder_id: PersonId
    """On whom the new identifiers are to hang: whom the one that decided hangs on."""
    root: Root
    roots: list[Root]
    attach: list[Identifier]
    merges: list[Merge]
    doubts: list[Doubt]
    elsewhere: list[tuple[Identifier, PersonId]]

    @property
    def writes(self) -> bool:
        return bool(self.attach or self.merges)


class _Bundle:
    """Who is one so far, and what they have together."""

    def __init__(self, look: Look, root: Root) -> None:
        self._counts = {each.root_id: Counter[tuple[IdentifierKind, str]]() for each in look.roots}
        for each in look.counts:
            self._counts[each.root_id][each.kind, each.namespace] = each.count
        self._apart = {frozenset(pair) for pair in look.apart}
        self.has = Counter(self._counts[root.root_id])
        self.joined = [root]
        self.root = root

    def objection(self, policy: IdentityPolicy, other: Root) -> Why | None:
        """Which limit it would break to let another one be the same."""
        if any(frozenset((each.root_id, other.root_id)) in self._apart for each in self.joined):
            return Why.PARTED
        if sum(each.persons for each in self.joined) + other.persons > policy.most_persons:
            return Why.PERSONS
        both = self.has + self._counts[other.root_id]
        # What one of them has too many of already, by hand or by an older limit, is no reason; that both have some is.
        shared = self.has.keys() & self._counts[other.root_id].keys()
        if any(both[key] > rules.rule_of(policy, key[0]).most for key in shared):
            return Why.IDENTIFIERS
        return None

    def take(self, other: Root) -> tuple[Root, Root]:
        """Let another one be the same, and say which root stays and which gives way: the lowest number stays."""
        self.has += self._counts[other.root_id]
        self.joined.append(other)
        winner, loser = sorted((self.root, other), key=lambda each: each.person_no)
        self.root = winner
        return winner, loser


def decide(
    given: Sequence[Identifier], ranked: Sequence[int], look: Look, policy: IdentityPolicy, *, merging: bool
) -> Plan | None:
    """What becomes of the identifiers; None where nobody is meant by any of them (any more)."""
    by_rank = sorted(look.known, key=lambda each: ranked[each.place - 1])
    roots = {each.root_id: each for each in look.roots}
    decider = next((each for each in by_rank if not _is_anothers_device(given, look, each)), None)
    if decider is None:
        return None
    bundle = _Bundle(look, roots[decider.root_id])
    merges: list[Merge] = []
    doubts: list[Doubt] = []
    if merging:
        _merge(given, by_rank, decider, look, policy, bundle, merges, doubts)
    attach = _attach(given, ranked, decider, look, policy, bundle, doubts)
    one = {each.root_id for each in bundle.joined}
    return Plan(
        holder_id=decider.holder_id,
        root=bundle.root,
        roots=bundle.joined,
        attach=attach,
        merges=merges,
        doubts=doubts,
        elsewhere=[(given[each.place - 1], each.root_id) for each in look.known if each.root_id not in one],
    )


def _merge(
    given: Sequence[Identifier],
    by_rank: Sequence[Known],
    decider: Known,
    look: Look,
    policy: IdentityPolicy,
    bundle: _Bundle,
    merges: list[Merge],
    doubts: list[Doubt],
) -> None:
    """Each other person is looked at once, by the best of the identifiers that lead to it."""
    roots, uses = {each.root_id: each for each in look.roots}, dict(look.uses)
    deciding = given[decider.place - 1]
    rule = rules.rule_of(policy, deciding.kind)
    seen = {decider.root_id}
    if not rule.merges:
        return
    for each in by_rank:
        one = given[each.place - 1]
        own = rules.rule_of(policy, one.kind)
        if each.root_id in seen or not own.merges:
            continue
        seen.add(each.root_id)
        why = bundle.objection(policy, roots[each.root_id])
        used_up = uses.get(each.place, 0) >= own.links or uses.get(decider.place, 0) + len(merges) >= rule.links
        if why is None and used_up:
            why = Why.LINKS
        if why is not None:
            doubts.append(Doubt(decider.holder_id, each.holder_id, why, one, deciding))
            continue
        winner, loser = bundle.take(roots[each.root_id])
        merges.append(Merge(LinkId(new_id()), decider.holder_id, each.holder_id, deciding, one, winner, loser))


def _attach(
    given: Sequence[Identifier],
    ranked: Sequence[int],
    decider: Known,
    look: Look,
    policy: IdentityPolicy,
    bundle: _Bundle,
    doubts: list[Doubt],
) -> list[Identifier]:
    """The new ones that stay within the limits, in the order in which everybody writes."""
    not_new = {each.place for each in look.known} | set(look.blocked)
    attach: list[int] = []
    for place in sorted(range(1, len(given) + 1), key=lambda place: ranked[place - 1]):
        one = given[place - 1]
        if place in not_new:
            continue
        if bundle.has[one.kind, one.namespace] < rules.rule_of(policy, one.kind).most:
            bundle.has[one.kind, one.namespace] += 1
            attach.append(place)
        else:
            doubts.append(Doubt(decider.holder_id, None, Why.IDENTIFIERS, one, given[decider.place - 1]))
    return [given[place - 1] for place in sorted(attach)]


def _is_anothers_device(given: Sequence[Identifier], look: Look, known: Known) -> bool:
    """Whether it is a device of somebody who has another phone, union id, card … than the one given along."""
    if given[known.place - 1].kind is not IdentifierKind.DEVICE:
        return False
    has = {(each.kind, each.namespace): each.count for each in look.counts if each.root_id == known.root_id}
    own = {given[each.place - 1] for each in look.known if each.root_id == known.root_id}
    return any(
        has.get((one.kind, one.namespace), 0) > (one in own)
        for place, one in enumerate(given, 1)
        if one.kind is not IdentifierKind.DEVICE and place not in look.blocked
    )

"""Merge two persons by hand, and undo any merge. Nothing that hangs on a person is rewritten by either."""

from collections.abc import Sequence

from midstage.kit.database import Tx
from midstage.kit.ids import new_id
from midstage.kit.paging import Page, PageRequest
from midstage.middle.identity import rules, store
from midstage.middle.identity.attach import TURNS, tell_merges
from midstage.middle.identity.facts import MergeUndone
from midstage.middle.identity.look_up import person
from midstage.middle.identity.plan import Merge, Plan, Root
from midstage.middle.identity.refusals import AlreadyOnePerson, MergeUndoneAlready, NoSuchLink, TooManyPersons
from midstage.middle.identity.rules import Step
from midstage.middle.identity.store import Behind, Shape
from midstage.middle.identity.types import (
    Case,
    Cause,
    IdentityContended,
    Link,
    LinkId,
    NoSuchPerson,
    PersonId,
)


async def merge(tx: Tx, one: PersonId, other: PersonId, *, reason: str, source: str = "console") -> Link:
    """Let two persons be one, by somebody's word; the limits of the policy are theirs to overlook.

    The lowest person number of all that are one becomes the root, and all ids that each ever had go on to mean it.
    Raises NoSuchPerson, AlreadyOnePerson, TooManyPersons, IdentityContended.
    """
    return await _merge(tx, one, other, Behind(Cause.HAND, source, reason), None)


async def merge_case(tx: Tx, case: Case, *, reason: str) -> Link | None:
    """Do what a case proposes; None where the two have become one without it."""
    if case.other_id is None:
        raise AssertionError("a case without another person proposes no merge")
    try:
        return await _merge(
            tx, case.person_id, case.other_id, Behind(Cause.CASE, case.source, reason, case.case_id), case
        )
    except AlreadyOnePerson:
        return None


async def undo(tx: Tx, link_id: LinkId, *, reason: str) -> Link:
    """Undo a merge, in whatever order: what the links that still stand connect stays one.

    What was attached since stays with whom it was attached to. The rules do not merge the two again; where they
    would, a case waits for somebody. Raises NoSuchLink, MergeUndoneAlready, IdentityContended.
    """
    waiting = True
    for _ in range(TURNS):
        found = await link(tx, link_id)
        if found.undone is not None:
            raise MergeUndoneAlready(link_id)
        shape = await store.shape(tx, [found.one_id])
        whole, parted = _without(shape, found)
        if parted is None:  # it was undone between the two looks
            continue
        roots = [shape.root(whole), shape.root(parted[0])]
        done = await store.undo(tx, link_id, roots, parted[0], parted[1], reason, waiting=waiting)
        waiting = False
        if done:
            return await _undone(tx, link_id, roots, reason)
    if not waiting:
        store.call_off()
    raise IdentityContended


async def link(tx: Tx, link_id: LinkId) -> Link:
    """A merge with its provenance, whether it stands or not. Raises NoSuchLink."""
    found = await store.link(tx, link_id)
    if found is None:
        raise NoSuchLink(link_id)
    return found


async def links(tx: Tx, page: PageRequest, *, person_id: PersonId | None = None) -> Page[Link]:
    """Merges, the latest first: of the brand, or of a person and all its ids. Raises NoSuchPerson, BadCursor."""
    ids = None if person_id is None else (await person(tx, person_id)).ids
    place = page.place(tuple[int])
    found = await store.links(tx, ids, place[0] if place else None, page)
    cut = page.page(found, lambda row: (row[0],))
    return Page([row[1] for row in cut.items], cut.next)


async def link_log(tx: Tx) -> list[Step]:
    """Every link that was made or undone, for whoever replays them."""
    return await store.steps(tx)


async def _merge(tx: Tx, one: PersonId, other: PersonId, behind: Behind, case: Case | None) -> Link:
    waiting = True
    for _ in range(TURNS):
        shape = await store.shape(tx, [one, other])
        pair = [shape.root(_root(shape, each)) for each in (one, other)]
        if pair[0].root_id == pair[1].root_id:
            raise AlreadyOnePerson(pair[0].root_id)
        persons = pair[0].persons + pair[1].persons
        if persons > rules.MOST_PERSONS:
            raise TooManyPersons(persons, rules.MOST_PERSONS)
        winner, loser = sorted(pair, key=lambda each: each.person_no)
        shown = (case.with_identifier, case.identifier) if case else (None, None)
        made = Merge(LinkId(new_id()), one, other, *shown, winner, loser)
        planned = Plan(one, winner, pair, [], [made], [], [])
        written = await store.write(tx, planned, behind, waiting=waiting)
        waiting = False
        if written.sure:
            tell_merges(tx, planned, behind.cause)
            await store.settle_cases(tx, [each.person_id for each in shape.persons], behind.reason)
            after = {"loser": str(loser.root_id), "link": str(made.link_id), "reason": behind.reason}
            tx.note("identity.merge", "person", winner.root_id, after=after)
            return await link(tx, made.link_id)
    if not waiting:
        store.call_off()
    raise IdentityContended


def _root(shape: Shape, person_id: PersonId) -> PersonId:
    found = shape.root_of(person_id)
    if found is None:
        raise NoSuchPerson(person_id)
    return found


def _without(shape: Shape, undone: Link) -> tuple[PersonId, tuple[PersonId, Sequence[PersonId]] | None]:
    """The root, and who is parted from it once a link is gone: the new root, and who belongs to it."""
    whole = shape.persons[0].root_id
    numbers = {each.person_id: each.person_no for each in shape.persons}
    standing = [(one, other) for link_id, one, other in shape.links if link_id != undone.link_id]
    after = rules.roots(numbers, standing)
    gone = {root for root in after.values() if root != whole}
    if len(gone) != 1:
        return whole, None
    parted = gone.pop()
    return whole, (parted, sorted(each for each, root in after.items() if root == parted != each))


async def _undone(tx: Tx, link_id: LinkId, roots: Sequence[Root], reason: str) -> Link:
    whole, parted = roots
    tx.tell(
        MergeUndone(
            person_id=whole.root_id,
            person_no=whole.person_no,
            parted_id=parted.root_id,
            parted_no=parted.person_no,
            link_id=link_id,
        )
    )
    after = {"parted": str(parted.root_id), "link": str(link_id), "reason": reason}
    tx.note("identity.undo_merge", "person", whole.root_id, before={"link": str(link_id)}, after=after)
    return await link(tx, link_id)

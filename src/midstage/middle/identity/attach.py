"""Attach identifiers to the person they mean, who is created where nobody is known by any of them."""

from collections.abc import Sequence
from datetime import timedelta

from midstage.kit.database import Tx
from midstage.kit.ids import new_id
from midstage.middle.identity import plan, rules, store
from midstage.middle.identity.facts import IdentifiersAttached, MergeQuarantined, PersonCreated, PersonsMerged
from midstage.middle.identity.look_up import forget_alone
from midstage.middle.identity.plan import Doubt, Plan
from midstage.middle.identity.policy import IDENTITY
from midstage.middle.identity.refusals import IdentifiersBlocked
from midstage.middle.identity.rules import CHINA
from midstage.middle.identity.store import Behind, Found
from midstage.middle.identity.types import (
    CaseId,
    Cause,
    Elsewhere,
    Identifier,
    IdentifierKind,
    IdentityContended,
    IdentityPolicy,
    LinkId,
    PersonId,
    Resolution,
    Why,
)
from midstage.middle.organisation import api as organisation

# Each further turn needs another connection that changes the same persons or attaches the same at the very moment.
TURNS = 6


async def attach_and_resolve(
    tx: Tx, identifiers: Sequence[Identifier], *, source: str, country: str = CHINA, merging: bool = True
) -> Resolution:
    """Say whom the identifiers mean; attach those that are new; create the person if none is known.

    The known identifier that the brand ranks first decides. New ones are attached to whom it hangs on. Other persons
    that known ones lead to are merged with that one, where the brand's policy lets both kinds merge and no limit is
    broken; what would break one waits in quarantine. A device does not decide against a better identifier that is given
    and new, nor merge. What is blocked counts as not given. Who is known takes one statement, a stranger two, and what
    is attached to somebody known or merges three. `country` is the calling code of phone numbers without one; without `merging` the
    persons stay apart, and `elsewhere` says who they are.
    Raises NoIdentifiers, TooManyIdentifiers, BadIdentifier, IdentifiersBlocked, IdentityContended.
    """
    policy = await organisation.settings_of(tx, IDENTITY)
    return await _Attaching(tx, policy, identifiers, source, country, merging=merging).resolve()


class _Attaching:
    """One call: what was given, and what has come of it so far, over as many turns as it takes."""

    def __init__(
        self,
        tx: Tx,
        policy: IdentityPolicy,
        identifiers: Sequence[Identifier],
        source: str,
        country: str,
        *,
        merging: bool,
    ) -> None:
        normal = rules.ordered(identifiers, country=country)
        self.tx = tx
        self.policy = policy
        self.source = source
        self.merging = merging
        self.given = [each for each in normal if not rules.is_placeholder(each)]
        self.blocked = [each for each in normal if rules.is_placeholder(each)]
        if not self.given:
            raise _nobody(self.blocked)
        self.ranks = rules.ranks(policy, self.given)
        self.may = rules.within_limits(policy, self.given, self.ranks)
        self.attached: list[Identifier] = []
        self.merged: list[LinkId] = []
        # Whoever holds something does not wait for a person: the one who holds that may wait for us.
        self.holding = False

    async def resolve(self) -> Resolution:
        for _ in range(TURNS):
            found = await store.known(self.tx, self.given)
            if all(each.blocked for each in found):
                raise _nobody([*self.blocked, *self.given])
            known = [each for each in found if each.root_id is not None and not each.blocked]
            if not known:
                done = await self._give_birth(found)
            elif self._settled(found, known):
                return await self._known(found, known)
            else:
                done = await self._decide(found)
            if done is not None:
                return done
        if self.holding:
            store.call_off()
        raise IdentityContended

    def _of(self, found: Sequence[Found]) -> list[Identifier]:
        return [self.given[each.place - 1] for each in found]

    def _best(self, found: Sequence[Found]) -> Found:
        return min(found, key=lambda each: self.ranks[each.place - 1])

    def _settled(self, found: Sequence[Found], known: Sequence[Found]) -> bool:
        """Whether there is nothing to attach, and nobody who could be merged."""
        best = self._best(known)
        alive = [each for each in found if not each.blocked]
        kinds = {self.given[each.place - 1].kind for each in alive}
        if self.given[best.place - 1].kind is IdentifierKind.DEVICE and len(kinds) > 1:
            return False  # a device is asked for more before it decides
        if len(known) < len(alive):
            return False
        others = {self.given[each.place - 1].kind for each in known if each.root_id != best.root_id}
        return not (self.merging and any(rules.rule_of(self.policy, kind).merges for kind in others))

    async def _known(self, found: Sequence[Found], known: Sequence[Found]) -> Resolution:
        """All was known: what the one statement says is all."""
        best = self._best(known)
        elsewhere = [
            (self.given[each.place - 1], each.root_id)
            for each in known
            if each.root_id is not None and each.root_id != best.root_id
        ]
        if best.root_id is None or best.person_no is None:
            raise AssertionError("who is known has a number")
        blocked = self._of([each for each in found if each.blocked])
        return await self._resolution(best.root_id, best.person_no, elsewhere, [], blocked)

    async def _give_birth(self, found: Sequence[Found]) -> Resolution | None:
        """Create the person of what nobody has; None where others attached one of the same at this moment."""
        new = [each for each in found if each.root_id is None and not each.blocked]
        taken = self._of([each for each in new if self.may[each.place - 1]])
        if not taken:  # what was known a moment ago is so no more
            return None
        person_id = PersonId(new_id())
        got, person_no = await store.give_birth(self.tx, taken, person_id, self.source)
        if person_no is None:
            await store.undo_attach(self.tx, taken, person_id)
            self.holding = self.holding or got > 0
            if got == len(taken):  # the first person of this brand
                await store.open_numbers(self.tx)
            return None
        self.attached += taken
        self.tx.tell(PersonCreated(person_id=person_id, person_no=person_no, source=self.source))
        best = self.given[self._best([each for each in new if self.may[each.place - 1]]).place - 1]
        beyond = self._of([each for each in new if not self.may[each.place - 1]])
        doubts = [Doubt(person_id, None, Why.IDENTIFIERS, each, best) for each in beyond]
        elsewhere = [
            (self.given[each.place - 1], each.root_id)
            for each in found
            if each.root_id is not None and not each.blocked
        ]
        blocked = self._of([each for each in found if each.blocked])
        return await self._resolution(person_id, person_no, elsewhere, doubts, blocked, created=True)

    async def _decide(self, found: Sequence[Found]) -> Resolution | None:
        """Read all that decides, decide, and write; None where something has moved meanwhile."""
        kinds = [rules.rule_of(self.policy, each.kind) for each in self.given]
        since = [self.tx.now - timedelta(days=each.days) for each in kinds]
        several = len({each.root_id for each in found if each.root_id is not None}) > 1
        look = await store.look(self.tx, self.given, since, several=several)
        if not several and len(look.roots) > 1:  # since the first look
            return None
        planned = plan.decide(self.given, self.ranks, look, self.policy, merging=self.merging)
        if planned is None:  # the device of somebody else
            return await self._give_birth(found)
        if planned.writes and not await self._write(planned):
            return None
        return await self._resolution(
            planned.root.root_id,
            planned.root.person_no,
            planned.elsewhere,
            planned.doubts,
            [self.given[place - 1] for place in look.blocked],
        )

    async def _write(self, planned: Plan) -> bool:
        """Whether all of it was written. Where others attached one of the same at this moment, all is decided anew."""
        written = await store.write(self.tx, planned, Behind(Cause.RULE, self.source), waiting=not self.holding)
        self.holding = True
        if not written.sure:
            return False
        self.merged += [each.link_id for each in planned.merges]
        tell_merges(self.tx, planned, Cause.RULE)
        ours = [each for each in planned.attach if store.key(each) not in written.lost]
        if written.lost:
            await store.undo_attach(self.tx, ours, planned.holder_id)
            return False
        self.attached += ours
        return True

    async def _resolution(
        self,
        person_id: PersonId,
        person_no: int,
        elsewhere: Sequence[tuple[Identifier, PersonId]],
        doubts: Sequence[Doubt],
        blocked: Sequence[Identifier],
        *,
        created: bool = False,
    ) -> Resolution:
        if self.attached:
            kinds = [each.kind.value for each in self.attached]
            self.tx.tell(IdentifiersAttached(person_id=person_id, kinds=kinds, source=self.source))
        cases = [await _quarantine(self.tx, doubt, person_id, self.source) for doubt in doubts]
        return Resolution(
            person_id,
            person_no,
            created,
            self.attached,
            [Elsewhere(one, known_as) for one, known_as in elsewhere],
            self.merged,
            cases,
            sorted([*self.blocked, *blocked]),
        )


def tell_merges(tx: Tx, planned: Plan, cause: Cause) -> None:
    """One fact a merge, in their order: each names the number that nobody has any more."""
    if planned.merges:
        forget_alone(tx)
    for merge in planned.merges:
        tx.tell(
            PersonsMerged(
                person_id=merge.winner.root_id,
                person_no=merge.winner.person_no,
                loser_id=merge.loser.root_id,
                loser_no=merge.loser.person_no,
                link_id=merge.link_id,
                cause=cause.value,
            )
        )


async def _quarantine(tx: Tx, doubt: Doubt, person_id: PersonId, source: str) -> CaseId:
    found = await store.open_case(tx, doubt, source)
    if found.fresh:
        tx.tell(
            MergeQuarantined(
                person_id=person_id,
                other_id=doubt.other_id,
                case_id=found.case_id,
                kind=doubt.identifier.kind.value,
                reason=doubt.why.value,
            )
        )
    return found.case_id


def _nobody(blocked: Sequence[Identifier]) -> IdentifiersBlocked:
    return IdentifiersBlocked(", ".join(sorted({IdentifierKind(each.kind).value for each in blocked})))

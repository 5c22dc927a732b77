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
from midstage.middle.identity.store import Behind, Outcome
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
    and new, nor merge. What is blocked counts as not given. Known and new alike take one statement; an attachment to a
    known person and a merge two more. `country` is the calling code of phone numbers without one; without `merging` the
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
            outcomes = await store.attach(
                self.tx, self.given, PersonId(new_id()), self.source, ranks=self.ranks, may=self.may
            )
            first = outcomes[0]
            if all(each.blocked for each in outcomes):
                raise _nobody([*self.blocked, *self.given])
            unnumbered = bool(first.fresh) and not first.raced and first.person_no is None
            if first.raced or unnumbered:
                await self._take_back(outcomes, unnumbered=unnumbered)
                continue
            if first.fresh or self._settled(outcomes):
                return await self._known(outcomes)
            found = await self._decide()
            if found is not None:
                return found
        if self.holding:
            store.call_off()
        raise IdentityContended

    async def _take_back(self, outcomes: Sequence[Outcome], *, unnumbered: bool) -> None:
        """Undo the birth of somebody who turned out to be known, or who has no number as the brand deals none yet."""
        first = outcomes[0]
        ours = [self.given[each.place - 1] for each in outcomes if each.ours]
        if first.person_id is not None and ours:
            await store.undo_attach(self.tx, ours, first.person_id)
            self.holding = True
        if unnumbered:  # the first person of this brand
            await store.open_numbers(self.tx)

    def _settled(self, outcomes: Sequence[Outcome]) -> bool:
        """Whether there is nothing to attach, and nobody who could be merged."""
        here = outcomes[0].person_id
        for each in outcomes:
            if each.blocked or each.known_as == here:
                continue
            kind = self.given[each.place - 1].kind
            if each.known_as is None or (self.merging and rules.rule_of(self.policy, kind).merges):
                return False
        return True

    async def _known(self, outcomes: Sequence[Outcome]) -> Resolution:
        """All was known, or all was new: what the one statement says is all."""
        first = outcomes[0]
        if first.person_id is None or first.person_no is None:
            raise AssertionError("an attempt that did not race has chosen a person, and every person has a number")
        self.attached += [self.given[each.place - 1] for each in outcomes if each.ours]
        doubts: list[Doubt] = []
        if first.fresh:
            self.tx.tell(PersonCreated(person_id=first.person_id, person_no=first.person_no, source=self.source))
            best = min(self.attached, key=lambda each: self.ranks[self.given.index(each)])
            beyond = [
                self.given[each.place - 1] for each in outcomes if not each.blocked and not self.may[each.place - 1]
            ]
            known = {self.given[each.place - 1] for each in outcomes if each.known_as is not None}
            doubts = [Doubt(first.person_id, None, Why.IDENTIFIERS, each, best) for each in beyond if each not in known]
        elsewhere = [
            (self.given[each.place - 1], each.known_as)
            for each in outcomes
            if each.known_as is not None and each.known_as != first.person_id
        ]
        blocked = [self.given[each.place - 1] for each in outcomes if each.blocked]
        return await self._resolution(
            first.person_id, first.person_no, elsewhere, doubts, blocked, created=bool(first.fresh)
        )

    async def _decide(self) -> Resolution | None:
        """Read all that decides, decide, and write; None where something has moved meanwhile."""
        kinds = [rules.rule_of(self.policy, each.kind) for each in self.given]
        since = [self.tx.now - timedelta(days=each.days) for each in kinds]
        look = await store.look(self.tx, self.given, since)
        planned = plan.decide(self.given, self.ranks, look, self.policy, merging=self.merging)
        if planned is None:
            return None
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

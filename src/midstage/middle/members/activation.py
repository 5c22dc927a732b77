"""One-tap activation (一键激活): members of an old system sleep until they come; then level and points are theirs, once."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from midstage.kit.database import Tx
from midstage.kit.paging import Page, PageRequest
from midstage.kit.refusals import Refusal
from midstage.middle.identity import api as identity
from midstage.middle.ledger import api as ledger
from midstage.middle.members import store
from midstage.middle.members.binding import tell_bound
from midstage.middle.members.care import (
    ActivatedDay,
    Activation,
    ActivationCount,
    ActivationPreview,
    Dormant,
    DormantFilter,
    NewDormant,
)
from midstage.middle.members.facts import MemberActivated, MemberLevelChanged
from midstage.middle.members.look_up import member as read_member
from midstage.middle.members.policies import ACTIVATION
from midstage.middle.members.refusals import AlreadyErased, BadDormant
from midstage.middle.members.types import Bound, Level, Member, MemberId
from midstage.middle.organisation import api as organisation

POINTS = "points"
"""The asset and the kind of account; its owner is the member."""
MOST_POINTS = 10**12


async def import_dormant(tx: Tx, given: Sequence[NewDormant]) -> int:
    """Let members of an old system sleep here until they come; returns how many rows are new or were mended.

    The same number again is the same member: whoever sleeps is brought up to date, whoever was activated is left as
    she is. Raises BadDormant, and organisation.NoSuchStore.
    """
    levels = {each.code for each in await store.levels(tx)}
    for each in given:
        wrong = _wrong(each, levels)
        if wrong:
            raise BadDormant(wrong)
    wanted = {each.store_id for each in given if each.store_id is not None}
    for missing in wanted - (await organisation.stores(tx, sorted(wanted))).keys():
        raise organisation.NoSuchStore(str(missing))
    virtual = await organisation.virtual(tx)
    # One statement does not meet the same row twice, so of a number that stands twice the last line counts.
    last = {each.old_no: each for each in given}
    return await store.put_dormant(tx, list(last.values()), virtual.store_id)


async def dormants(tx: Tx, wanted: DormantFilter, page: PageRequest) -> Page[Dormant]:
    """Members of old systems, the latest imported first. Raises BadCursor."""
    after = page.place(tuple[datetime, UUID])
    rows = await store.list_dormant(tx, wanted, page, after)
    return page.page(rows, lambda row: (row.imported_at, row.dormant_id))


async def preview_activation(tx: Tx, member_id: MemberId) -> ActivationPreview:
    """What activating would bring this member. Raises NoSuchMember."""
    member = await read_member(tx, member_id)
    found = await store.dormant_of(tx, await _phones(tx, member))
    level = _highest(member, found, await store.levels(tx))
    return ActivationPreview(len(found), level.code if level else member.level, sum(each.points for each in found))


async def activate(tx: Tx, member_id: MemberId) -> Activation:
    """Give a member what the old system has of her phones: the higher level, and the points of every card, each once.

    However often and from however many devices: a card is woken by one, and its points have a key in the ledger. A
    member whom no store has yet gets that of her card. Raises NoSuchMember, AlreadyErased.
    """
    await store.hold_member(tx, member_id)
    member = await read_member(tx, member_id)
    if member.erased:
        raise AlreadyErased(member_id)
    woken = await store.wake(tx, await _phones(tx, member), member_id, tx.tenant.business_date(tx.now))
    if not woken:
        return Activation(0, 0, member.level, member.level)
    await _know_by_card(tx, woken)
    after = await _raise_level(tx, member, woken)
    await _bind_home(tx, after, woken)
    points = await _credit(tx, member, woken)
    tx.tell(
        MemberActivated(
            person_id=member.person_id,
            member_id=member_id,
            store_id=woken[0].store_id,
            cards=len(woken),
            points=points,
            level_before=member.level,
            level=after.level,
        )
    )
    return Activation(len(woken), points, member.level, after.level)


async def points_account(tx: Tx, member_id: MemberId) -> ledger.AccountId:
    """The account of a member's points; it keeps lots, and is opened where there is none."""
    return await ledger.open_account(tx, POINTS, member_id, POINTS, min_balance=0, lots=True)


def points_source(tx: Tx) -> ledger.AccountId:
    """Where points of old systems come from: what the brand owes more by each."""
    return ledger.account_id(tx.brand, "points_taken_over", UUID(int=tx.brand), POINTS)


async def activation_counts(
    tx: Tx,
    *,
    store_ids: frozenset[organisation.StoreId] | None = None,
    since: date | None = None,
    until: date | None = None,
) -> list[ActivationCount]:
    """By the store of the old card: who still sleeps, and who was activated on the business days asked for."""
    rows = await store.count_dormant(tx, store_ids, since, until)
    found: list[ActivationCount] = []
    for store_id in dict.fromkeys(row.store_id for row in rows):
        own = [row for row in rows if row.store_id == store_id]
        asleep = [row for row in own if row.day is None]
        days = [ActivatedDay(row.day, row.cards, row.points) for row in own if row.day is not None]
        found.append(
            ActivationCount(
                store_id,
                dormant=sum(row.cards for row in asleep),
                dormant_points=sum(row.points for row in asleep),
                activated=sum(day.activated for day in days),
                points=sum(day.points for day in days),
                days=days,
            )
        )
    return found


def _wrong(given: NewDormant, levels: set[str]) -> str:
    """The first field that cannot be, or nothing."""
    if not 1 <= len(given.old_no) <= 100 or not given.old_no.isprintable() or given.old_no != given.old_no.strip():
        return "old_no"
    if given.phone.kind is not identity.IdentifierKind.PHONE:
        return "phone"
    if given.level not in levels:
        return "level"
    if given.name is not None and (not 1 <= len(given.name) <= 100 or not given.name.isprintable()):
        return "name"
    return "" if 0 <= given.points <= MOST_POINTS else "points"


async def _phones(tx: Tx, member: Member) -> list[str]:
    known = await identity.identifiers_of(tx, member.person_id)
    return [one.identifier.value for one in known if one.identifier.kind is identity.IdentifierKind.PHONE]


def _highest(member: Member, cards: Sequence[Dormant], levels: Sequence[Level]) -> Level | None:
    """The best level of a member and of the cards; none where the brand has dropped them all."""
    codes = {member.level, *(card.level for card in cards)}
    return max((each for each in levels if each.code in codes), key=lambda each: each.rank, default=None)


async def _raise_level(tx: Tx, member: Member, woken: Sequence[Dormant]) -> Member:
    level = _highest(member, woken, await store.levels(tx))
    code = level.code if level else member.level
    growth = max(member.growth, level.growth_from if level else 0)
    name = next((card.name for card in woken if card.name), None)
    await store.write_activated(tx, member, code, growth, name)
    if (code, growth) != (member.level, member.growth):
        tx.tell(
            MemberLevelChanged(
                person_id=member.person_id,
                member_id=member.member_id,
                level_before=member.level,
                level=code,
                growth_before=member.growth,
                growth=growth,
            )
        )
    return await read_member(tx, member.member_id)


async def _bind_home(tx: Tx, member: Member, woken: Sequence[Dormant]) -> None:
    virtual = await organisation.virtual(tx)
    home = next((card.store_id for card in woken if card.store_id != virtual.store_id), None)
    if member.store_id != virtual.store_id or home is None:
        return
    bound = Bound(home, member.guide_id, member.touchpoint_id)
    if await store.bind(tx, member, bound, "activation"):
        tell_bound(tx, member, bound, "activation")


async def _credit(tx: Tx, member: Member, woken: Sequence[Dormant]) -> int:
    days = (await organisation.settings_of(tx, ACTIVATION)).points_last_days
    expires_at = tx.now + timedelta(days=days) if days else None
    worth = [card for card in woken if card.points]
    if not worth:
        return 0
    account, source = await points_account(tx, member.member_id), points_source(tx)
    for card in worth:
        # The number of the card is a person's; the row that stands for it is not.
        await ledger.credit_lot(
            tx,
            f"activation:{card.dormant_id}",
            ledger.Posting(source, account, POINTS, card.points),
            expires_at=expires_at,
            reason="activation",
            reference=member.member_id,
        )
    return sum(card.points for card in worth)


async def _know_by_card(tx: Tx, woken: Sequence[Dormant]) -> None:
    """Let the person be known by her old cards too, so that a till finds her; those of somebody else stay his."""
    for card in woken:
        if card.old_no is None or card.phone is None:
            continue
        try:
            own = identity.identifier(identity.IdentifierKind.CARD, card.old_no)
            phone = identity.identifier(identity.IdentifierKind.PHONE, card.phone)
            async with tx.savepoint():
                if await identity.resolve(tx, own) is None:
                    await identity.attach_and_resolve(tx, [phone, own], source="activation", merging=False)
        except Refusal:
            continue  # no number that a card can have, or one card too many: her level and points are hers all the same

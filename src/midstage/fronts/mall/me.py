"""The shopper's own profile, what she has bought, and what she agreed to."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar.handlers import HTTPRouteHandler

from midstage.fronts._http.calls import changing, reading
from midstage.fronts.mall.callers import Shopper
from midstage.kit.database import Tx
from midstage.middle.loyalty import api as loyalty
from midstage.middle.members import api as members

TAGS = ["mall: me"]


class MeView(msgspec.Struct, frozen=True, kw_only=True):
    """The shopper's own data."""

    member_id: UUID
    member_no: str
    level: str
    growth: int
    store_id: UUID
    guide_id: UUID
    name: str | None
    birthday: str | None
    gender: str | None
    extra: dict[str, members.FieldValue]
    standing: loyalty.Standing | None
    version: int


class ConsentWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A yes or a no to a purpose over a channel; `document` is the version of the text that was shown."""

    purpose: members.Purpose
    channel: members.Channel
    given: bool
    document: Annotated[str, msgspec.Meta(max_length=100)] = ""


@reading("/me", tags=TAGS)
async def me(tx: Tx, shopper: Shopper) -> MeView:
    """My profile, level and what I have bought so far."""
    return await _view(tx, await members.member(tx, shopper.member_id))


@changing("PATCH", "/me", tags=TAGS, refuses=(members.BadProfile,))
async def change_me(data: members.ProfileChange, tx: Tx, shopper: Shopper) -> MeView:
    """Change my profile; what is not named stays."""
    return await _view(tx, await members.change_profile(tx, shopper.member_id, data))


@reading("/me/consents", tags=TAGS)
async def my_consents(tx: Tx, shopper: Shopper) -> list[members.Consent]:
    """What I have agreed to and refused."""
    return await members.consents(tx, shopper.member_id)


@changing("PUT", "/me/consents", tags=TAGS)
async def answer_consent(data: ConsentWish, tx: Tx, shopper: Shopper) -> list[members.Consent]:
    """Agree, or take an agreement back; every answer is kept with its time."""
    answer = members.give_consent if data.given else members.withdraw_consent
    await answer(tx, shopper.member_id, data.purpose, data.channel, source="mall", document=data.document)
    return await members.consents(tx, shopper.member_id)


async def _view(tx: Tx, member: members.Member) -> MeView:
    standing = await loyalty.standing(tx, [member.member_id])
    return MeView(
        member_id=member.member_id,
        member_no=member.member_no,
        level=member.level,
        growth=member.growth,
        store_id=member.store_id,
        guide_id=member.guide_id,
        name=member.name,
        birthday=member.birthday.isoformat() if member.birthday else None,
        gender=member.gender,
        extra=member.extra,
        standing=standing.get(member.member_id),
        version=member.version,
    )


HANDLERS: list[HTTPRouteHandler] = [me, change_me, my_consents, answer_consent]

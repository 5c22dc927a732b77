"""What a brand sets up of membership: its levels, and the fields of its own in the profile."""

from typing import Annotated

import msgspec
from litestar.handlers import HTTPRouteHandler

from midstage.fronts._http.calls import changing, reading
from midstage.fronts._http.scope import NeedsWholeBrand, whole_brand
from midstage.fronts._http.staff import Staff
from midstage.fronts._http.words import Name
from midstage.kit.database import Tx
from midstage.middle.members import api as members

TAGS = ["console: members"]
READ, WRITE = "members.read", "members.write"
Label = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
FieldCode = Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9_]{0,29}$")]


class PutLevel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A level: its names, its rank, and from which growth value on it is reached."""

    name_zh: Name
    name_en: Name
    rank: Annotated[int, msgspec.Meta(ge=0, le=30_000)]
    growth_from: Annotated[int, msgspec.Meta(ge=0, le=10**12)] = 0


class PutField(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A field of the brand's own in the profile; its kind is for ever."""

    kind: members.FieldKind
    name_zh: Name
    name_en: Name
    choices: Annotated[list[Label], msgspec.Meta(max_length=100)] = []
    personal: bool = True


@reading("/levels", tags=TAGS, needs=READ)
async def levels(tx: Tx, _staff: Staff) -> list[members.Level]:
    """The levels of the brand, the lowest first."""
    return await members.levels(tx)


@changing(
    "PUT",
    "/levels/{code:str}",
    tags=TAGS,
    needs=WRITE,
    refuses=(NeedsWholeBrand, members.BadLevel, members.LevelRankTaken),
)
async def put_level(code: FieldCode, data: PutLevel, tx: Tx, staff: Staff) -> list[members.Level]:
    """Add a level, or change the one of this code."""
    whole_brand(staff, WRITE)
    await members.put_level(tx, members.Level(code, data.name_zh, data.name_en, data.rank, data.growth_from))
    return await members.levels(tx)


@reading("/member-fields", tags=TAGS, needs=READ)
async def member_fields(tx: Tx, _staff: Staff) -> list[members.ProfileField]:
    """The fields that the brand has added to the profile."""
    return list((await members.fields(tx)).values())


@changing("PUT", "/member-fields/{code:str}", tags=TAGS, needs=WRITE, refuses=(NeedsWholeBrand, members.BadProfile))
async def put_member_field(code: FieldCode, data: PutField, tx: Tx, staff: Staff) -> list[members.ProfileField]:
    """Add a field to the profile, or change its names and choices."""
    whole_brand(staff, WRITE)
    field = members.ProfileField(
        code, data.kind, data.name_zh, data.name_en, choices=data.choices, personal=data.personal
    )
    await members.define_field(tx, field)
    return list((await members.fields(tx)).values())


HANDLERS: list[HTTPRouteHandler] = [levels, put_level, member_fields, put_member_field]

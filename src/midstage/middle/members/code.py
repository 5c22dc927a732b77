"""The code on a member's phone: it says at a till who she is, for a minute or two, and nobody else can make one.

It is sealed under the key of the process (kit/sealing), so it shows nothing of her, and names the minute in which it
was made. Whoever photographs it has it for as long; so what spends her assets takes it once (`use_code`).
"""

import base64
import binascii
import hashlib
import struct
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from midstage.kit import sealing
from midstage.kit.database import Tx
from midstage.kit.ids import BrandId
from midstage.kit.refusals import Conflict, Invalid, Text
from midstage.middle.members.look_up import member
from midstage.middle.members.store import code as rows
from midstage.middle.members.types import Member, MemberId

STEP_S = 60
GOOD_FOR_STEPS = 2
"""That of its making and the next: it lives for 60 to 120 seconds."""
_MARK = "M"
_PLAIN = struct.Struct(">16sI")
_LONGEST = 200


class MemberCode(msgspec.Struct, frozen=True):
    """What the phone shows, and when it fetches the next."""

    code: str
    step_s: int
    good_until: datetime


class ShownMember(msgspec.Struct, frozen=True):
    """Who showed a code; `proven` where it was the moving one, and not the number of a card that anybody may know."""

    member: Member
    proven: bool


class MemberCodeWrong(Invalid):
    """The code is none of ours, or its time is over; let her phone show a new one."""

    text = Text(
        zh="会员码无效或已过期，请刷新后重试", en="The member's code is no good or is over; let her show a new one."
    )


class MemberCodeUsed(Conflict):
    """The code has paid for something already; let her phone show a new one."""

    text = Text(zh="会员码已使用，请刷新后重试", en="The member's code was used already; let her show a new one.")


def code_of(brand: BrandId, member_id: MemberId, *, at: datetime) -> MemberCode:
    """The code of a member at a moment. Each call makes another; all of a minute are good as long."""
    step = int(at.timestamp()) // STEP_S
    sealed = sealing.seal(_PLAIN.pack(member_id.bytes, step), _about(brand))
    text = _MARK + base64.b32encode(sealed).decode().rstrip("=")
    return MemberCode(text, STEP_S, datetime.fromtimestamp((step + GOOD_FOR_STEPS) * STEP_S, UTC))


def read_code(brand: BrandId, code: str, *, at: datetime) -> MemberId:
    """Whose code it is. Raises MemberCodeWrong."""
    text = code.strip().upper()
    if not text.startswith(_MARK) or len(text) > _LONGEST:
        raise MemberCodeWrong
    body = text[len(_MARK) :]
    try:
        sealed = base64.b32decode(body + "=" * (-len(body) % 8))
        member_id, step = _PLAIN.unpack(sealing.unseal(sealed, _about(brand)))
    except (binascii.Error, ValueError, struct.error, sealing.CannotUnsealError):
        raise MemberCodeWrong from None
    if not 0 <= int(at.timestamp()) // STEP_S - step < GOOD_FOR_STEPS:
        raise MemberCodeWrong
    return MemberId(UUID(bytes=member_id))


async def member_by_code(tx: Tx, code: str) -> ShownMember:
    """Who shows a code: the moving one, or the number of her membership. Raises MemberCodeWrong, NoSuchMember."""
    by_number = await rows.by_number(tx, code.strip().upper())
    if by_number is not None:
        return ShownMember(await member(tx, by_number), proven=False)
    return ShownMember(await member(tx, read_code(tx.brand, code, at=tx.now)), proven=True)


async def use_code(tx: Tx, code: str) -> MemberId:
    """Take a code for what spends a member's assets: once. Raises MemberCodeWrong, MemberCodeUsed."""
    member_id = read_code(tx.brand, code, at=tx.now)
    if not await rows.use(tx, hashlib.sha256(code.strip().upper().encode()).digest(), member_id):
        raise MemberCodeUsed
    return member_id


async def forget_codes(tx: Tx) -> int:
    """Delete what was used before today; such codes are over. Returns how many."""
    return await rows.forget(tx)


def _about(brand: BrandId) -> bytes:
    return f"member code/{brand}".encode()

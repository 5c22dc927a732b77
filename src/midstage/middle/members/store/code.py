"""SQL of the codes on members' phones."""

from datetime import timedelta
from typing import cast

from midstage.kit.database import Tx
from midstage.middle.members.types import MemberId

USE_CODE = """
insert into member_code_used (brand_id, code_hash, member_id, used_at) values ($1, $2, $3, $4) on conflict do nothing
"""
FORGET_CODES = "delete from member_code_used where brand_id = $1 and used_at < $2"
MEMBER_BY_NUMBER = "select member_id from member where brand_id = $1 and member_no = $2"
_KEPT = timedelta(days=1)


async def use(tx: Tx, code_hash: bytes, member_id: MemberId) -> int:
    """1 for who is the first to use it."""
    return await tx.run(USE_CODE, tx.brand, code_hash, member_id, tx.now)


async def forget(tx: Tx) -> int:
    return await tx.run(FORGET_CODES, tx.brand, tx.now - _KEPT)


async def by_number(tx: Tx, member_no: str) -> MemberId | None:
    return cast("MemberId | None", await tx.value(MEMBER_BY_NUMBER, tx.brand, member_no))

"""The audit trail: who changed what, written with the change or not at all."""

from uuid import uuid4

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midstage.kit.audit import Principal, masked
from midstage.kit.clock import Tenant
from midstage.kit.database import Database, Record

TRAIL = """
select actor_kind, actor_id, action, subject_type, subject_id, before, after
  from audit where brand_id = $1 order by id
"""


async def _trail(db: Database, tenant: Tenant) -> list[Record]:
    async with db.reading(tenant) as tx:
        return await tx.rows(TRAIL, tenant.brand)


async def test_a_change_is_noted_with_who_made_it_and_what_it_was_before(db: Database, tenant: Tenant) -> None:
    staff, store = Principal("staff", uuid4()), uuid4()
    async with db.writing(tenant, by=staff) as tx:
        tx.note("organisation.store_closed", "store", store, before={"state": "open"}, after={"state": "closed"})
        tx.note("organisation.store_named", "store", store, after={"names": ["南京路店"]})
    closed, named = await _trail(db, tenant)
    assert (closed["actor_kind"], closed["actor_id"]) == ("staff", staff.id)
    assert (closed["action"], closed["subject_type"]) == ("organisation.store_closed", "store")
    assert closed["subject_id"] == str(store)
    assert msgspec.json.decode(closed["before"]) == {"state": "open"}
    assert msgspec.json.decode(closed["after"]) == {"state": "closed"}
    assert msgspec.json.decode(named["before"]) is None
    assert msgspec.json.decode(named["after"]) == {"names": ["南京路店"]}


async def test_what_is_rolled_back_leaves_no_trail(db: Database, tenant: Tenant) -> None:
    with pytest.raises(RuntimeError):
        async with db.writing(tenant) as tx:
            tx.note("a", "b", "c")
            await tx.flush()
            raise RuntimeError
    assert await _trail(db, tenant) == []


@pytest.mark.parametrize(
    ("value", "shown"),
    [("", ""), ("李雷", "**"), ("1234", "****"), ("12345", "1***5"), ("13812345678", "138*****678")],
)
def test_a_personal_value_is_masked(value: str, shown: str) -> None:
    assert masked(value) == shown


@settings(deadline=None)
@given(value=st.text(max_size=60))
def test_a_mask_keeps_the_length_and_hides_at_least_a_third(value: str) -> None:
    shown = masked(value)
    assert len(shown) == len(value)
    assert shown.count("*") * 3 >= len(value)

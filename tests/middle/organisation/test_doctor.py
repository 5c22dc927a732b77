"""The doctor sees what is wrong, where somebody went past the door."""

import pytest

from midstage.kit.clock import Tenant
from midstage.kit.database import Database
from midstage.middle.organisation import api as organisation

BROKEN = {
    "brand_is_furnished": "update brand set virtual_guide_id = virtual_store_id where brand_id = $1",
    "unit_path_is_right": "update unit set path = array[unit_id] where brand_id = $1 and code = 'below'",
    "open_unit_lies_in_open_unit": "update unit set state = 'closed' where brand_id = $1 and code = 'above'",
    "store_stands_on_open_ground": "update operator set state = 'closed' where brand_id = $1 and code = 'agent'",
    "guide_is_where_her_stay_is": "update guide_stay set until_at = from_at where brand_id = $1",
    "guide_is_in_living_store": "update store set state = 'closed' where brand_id = $1 and code = 's'",
    "touchpoint_leads_to_living_guide": (
        "update guide set state = 'left', left_at = now() where brand_id = $1 and code = 'virtual'"
    ),
    "platform_account_has_keeper": "update staff set state = 'left', left_at = now() where brand_id = $1",
}


@pytest.mark.parametrize("check", BROKEN)
async def test_a_broken_row_is_found(db: Database, brand: Tenant, check: str) -> None:
    above = organisation.NewUnit(code="above", name="上")
    below = organisation.NewUnit(code="below", name="下", parent_id=above.unit_id)
    agent = organisation.NewOperator(code="agent", name="代理", kind=organisation.OperatorKind.AGENT)
    async with db.writing(brand) as tx:
        await organisation.create_units(tx, [above, below])
        await organisation.create_operator(tx, agent)
        store = await organisation.create_store(
            tx, organisation.NewStore(code="s", name="店", operator_id=agent.operator_id)
        )
        await organisation.place_guide(tx, organisation.NewGuide(code="g", name="小丽", store_id=store.store_id))
        person = await organisation.hire(tx, organisation.NewStaff(code="p", name="李华"))
        await organisation.register_account(
            tx,
            organisation.NewPlatformAccount(
                platform=organisation.Platform.JD, external_id="1", name="京东", staff_id=person.staff_id
            ),
        )
        assert await organisation.checks(tx) == []
        await tx.run(BROKEN[check], tx.brand)
        assert f"organisation.{check}" in {finding.check for finding in await organisation.checks(tx)}

"""What the doctor asks."""

from typing import Any

from midstage.kit.database import Tx

# Each statement returns the wrong rows alone.
CHECKS = {
    "brand_is_furnished": (
        "A brand lacks its root, own operator, virtual store, virtual guide or virtual touchpoint.",
        """
select b.brand_id, b.code from brand b
 where b.brand_id = $1 and not (
       exists (select 1 from unit where brand_id = $1 and unit_id = b.root_unit_id and parent_id is null)
   and exists (select 1 from operator where brand_id = $1 and operator_id = b.own_operator_id and kind = 'brand')
   and exists (select 1 from store where brand_id = $1 and store_id = b.virtual_store_id and kind = 'virtual')
   and exists (select 1 from guide where brand_id = $1 and guide_id = b.virtual_guide_id and state = 'active'
                                    and store_id = b.virtual_store_id)
   and exists (select 1 from touchpoint where brand_id = $1 and touchpoint_id = b.virtual_touchpoint_id
                                         and kind = 'virtual'))
""",
    ),
    "unit_path_is_right": (
        "The path of a unit is not that of its parent and itself.",
        """
select u.unit_id, u.parent_id, u.path from unit u
  left join unit up on up.brand_id = u.brand_id and up.unit_id = u.parent_id
 where u.brand_id = $1 and u.path is distinct from coalesce(up.path, '{}') || u.unit_id
 limit 20
""",
    ),
    "open_unit_lies_in_open_unit": (
        "An open unit lies under a closed one.",
        """
select u.unit_id, u.parent_id from unit u join unit up on up.brand_id = u.brand_id and up.unit_id = u.parent_id
 where u.brand_id = $1 and u.state = 'open' and up.state = 'closed'
 limit 20
""",
    ),
    "store_stands_on_open_ground": (
        "A store that is not closed lies in a closed unit or belongs to a closed operator.",
        """
select s.store_id, u.state as unit_state, o.state as operator_state
  from store s join unit u on u.brand_id = s.brand_id and u.unit_id = s.unit_id
               join operator o on o.brand_id = s.brand_id and o.operator_id = s.operator_id
 where s.brand_id = $1 and s.state <> 'closed' and (u.state = 'closed' or o.state = 'closed')
 limit 20
""",
    ),
    "guide_is_where_her_stay_is": (
        "An active guide has no open stay in her store, or one who left has an open one, or no heir.",
        """
select g.guide_id, g.state, g.store_id, y.store_id as stay_store_id
  from guide g left join guide_stay y on y.brand_id = g.brand_id and y.guide_id = g.guide_id and y.until_at is null
 where g.brand_id = $1
   and (case g.state when 'active' then y.store_id is distinct from g.store_id
        else y.store_id is not null or not exists (select 1 from guide_stay z
               where z.brand_id = g.brand_id and z.guide_id = g.guide_id and z.heir_id is not null) end)
 limit 20
""",
    ),
    "guide_is_in_living_store": (
        "An active guide belongs to a closed store, or is staff that has left.",
        """
select g.guide_id, s.store_id, s.state as store_state, p.state as staff_state
  from guide g join store s on s.brand_id = g.brand_id and s.store_id = g.store_id
               left join staff p on p.brand_id = g.brand_id and p.staff_id = g.staff_id
 where g.brand_id = $1 and g.state = 'active' and (s.state = 'closed' or p.state = 'left')
 limit 20
""",
    ),
    "touchpoint_leads_to_living_guide": (
        "A touchpoint leads to a guide who has left.",
        """
select t.touchpoint_id, t.guide_id from touchpoint t
  join guide g on g.brand_id = t.brand_id and g.guide_id = t.guide_id
 where t.brand_id = $1 and g.state = 'left'
 limit 20
""",
    ),
    "platform_account_has_keeper": (
        "Who answers for an open platform account has left, or its store is closed.",
        """
select a.platform_account_id, a.staff_id, p.state as staff_state, s.state as store_state
  from platform_account a join staff p on p.brand_id = a.brand_id and p.staff_id = a.staff_id
                          join store s on s.brand_id = a.brand_id and s.store_id = a.store_id
 where a.brand_id = $1 and a.state = 'open' and (p.state = 'left' or s.state = 'closed')
 limit 20
""",
    ),
}


async def read_wrong(tx: Tx, sql: str) -> list[dict[str, Any]]:
    return [dict(row) for row in await tx.rows(sql, tx.brand)]

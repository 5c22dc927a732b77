"""What must be true of every brand's access, for the doctor."""

from midstage.kit.database import Tx
from midstage.kit.findings import Finding
from midstage.middle.access import permissions

_UNKNOWN_ROLES = """
select g.staff_id, g.role from role_grant g
 where g.brand_id = $1 and not g.role = any($2)
   and not exists (select from role r where r.brand_id = $1 and r.code = g.role)
 limit 20
"""


async def checks(tx: Tx) -> list[Finding]:
    """Every grant is of a role that there is."""
    return [
        Finding("access.roles", "a grant of a role that there is not", dict(row))
        for row in await tx.rows(_UNKNOWN_ROLES, tx.brand, list(permissions.BUILT_IN))
    ]

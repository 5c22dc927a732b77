"""What must be true of every brand's access, for the doctor."""

from typing import Any

from midstage.kit import sealing
from midstage.kit.database import Tx
from midstage.kit.findings import Finding
from midstage.middle.access import permissions

UNKNOWN_ROLES = """
select g.staff_id, g.role from role_grant g
 where g.brand_id = $1 and not g.role = any($2)
   and not exists (select 1 from role r where r.brand_id = g.brand_id and r.code = g.role)
 limit 20
"""

SESSIONS_OF_CLOSED = """
select s.session_id, s.subject_id from session s join login l on l.brand_id = s.brand_id and l.staff_id = s.subject_id
 where s.brand_id = $1 and s.kind in ('staff', 'guide') and l.state = 'closed'
 limit 20
"""

BUILT_IN_TAKEN = "select code from role where brand_id = $1 and code = any($2) limit 20"

# The writes say so too: an approval that was used was given, by somebody with a login, within its ten minutes.
USED_WRONGLY = """
select a.approval_id, a.answered_by from approval a
 where a.brand_id = $1 and a.state in ('given', 'used')
   and (a.answered_by is null or a.used_at < a.answered_at
        or not exists (select 1 from login l where l.brand_id = a.brand_id and l.staff_id = a.answered_by))
 limit 20
"""

# Bytes 2 to 5 of what is sealed name its key; without it nobody with such a second factor signs in any more.
SEALED_BY_OTHERS = """
select f.staff_id from second_factor f
 where f.brand_id = $1
   and (substring(f.secret from 2 for 4) <> all($2::bytea[]) or substring(f.pending from 2 for 4) <> all($2::bytea[]))
 limit 20
"""

LIMITED_FOR_LONG = """
select s.session_id, s.limited from session s
 where s.brand_id = $1 and s.limited <> '' and s.expires_at > s.opened_at + interval '1 hour'
 limit 20
"""


async def checks(tx: Tx) -> list[Finding]:
    """Every grant is of a role that there is, no closed login has a session, no own role hides a built-in one."""
    built_in = list(permissions.BUILT_IN)
    asked: tuple[tuple[str, str, str, list[Any]], ...] = (
        ("access.grant_has_role", "A grant is of a role that there is not.", UNKNOWN_ROLES, [built_in]),
        ("access.closed_login_is_out", "A closed login still has a session.", SESSIONS_OF_CLOSED, []),
        ("access.approval_was_given", "An approval was used that nobody could give.", USED_WRONGLY, []),
        ("access.limited_is_short", "A session that is not finished lasts too long.", LIMITED_FOR_LONG, []),
        (
            "access.second_factor_is_readable",
            "A second factor is sealed under a key that is not ours.",
            SEALED_BY_OTHERS,
            [sealing.ring().key_ids],
        ),
        ("access.built_in_role_is_built_in", "A brand's own role has a built-in code.", BUILT_IN_TAKEN, [built_in]),
    )
    return [
        Finding(check, what, dict(row))
        for check, what, sql, values in asked
        for row in await tx.rows(sql, tx.brand, *values)
    ]

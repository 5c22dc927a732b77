"""Approvals, second factors, sessions, and who looked at personal data."""

from fronts.recipes.base import NEAR_OPERATOR, ONLY_BRAND, Recipe, just
from shop.world import APPROVED, Half, World


def _ask(_: World, half: Half) -> dict[str, object]:
    return {"action": APPROVED, "subject": half["store_id"], "amount_minor": 100, "reason": "破损"}


RECIPES: dict[str, Recipe] = {
    "console.approval_actions": Recipe(placed=False),
    "console.waiting_approvals": Recipe(placed=False),
    "console.own_approvals": Recipe(placed=False),
    "console.approval": Recipe(missing=True),
    "console.ask_approval": Recipe(_ask),
    "console.give_here": Recipe(unchecked="its credentials are the approver's; see test_approvals"),
    "console.give_approval": Recipe(last=True),
    "console.refuse_approval": Recipe(just(reason="不行"), last=True),
    "console.set_pin": Recipe(unchecked="its credentials are the password; see test_approvals"),
    "console.drop_pin": Recipe(placed=False),
    "console.give_code": Recipe(unchecked="its credentials are a code; see test_second_factor"),
    "console.second_factor": Recipe(placed=False),
    "console.begin_second_factor": Recipe(unchecked="its credentials are the password; see test_second_factor"),
    "console.confirm_second_factor": Recipe(unchecked="its credentials are a code; see test_second_factor"),
    "console.new_recovery_codes": Recipe(unchecked="its credentials are the password; see test_second_factor"),
    "console.drop_second_factor": Recipe(unchecked="its credentials are the password; see test_second_factor"),
    "console.reset_second_factor": Recipe(just(approval_id=None), within=NEAR_OPERATOR, missing=True, last=True),
    "console.staff_sessions": Recipe(within=NEAR_OPERATOR),
    "console.end_staff_session": Recipe(within=NEAR_OPERATOR, last=True),
    "console.end_staff_sessions": Recipe(within=NEAR_OPERATOR, last=True),
    "console.member_reads": Recipe(),
    "console.personal_reads": Recipe(within=ONLY_BRAND, placed=False),
    "console.end_other_sessions": Recipe(placed=False),
}

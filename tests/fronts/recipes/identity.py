"""Who is who: all of it is of the brand as a whole."""

from typing import Any

from fronts.recipes.base import ONLY_BRAND, Recipe, just
from midstage.kit.ids import new_id
from shop.world import Half, World


def _two(_: World, half: Half) -> dict[str, Any]:
    return {"one_id": half["person_id"], "other_id": half["single_id"], "reason": "同一个人"}


def _card(_: World, __: Half) -> dict[str, Any]:
    return {"kind": "card", "value": f"T{new_id().hex[-12:]}", "reason": "测试卡"}


RECIPES: dict[str, Recipe] = {
    "console.identity_person": Recipe(within=ONLY_BRAND),
    "console.find_person": Recipe(
        just(kind="phone", value="13900000000"), within=ONLY_BRAND, placed=False, missing=True
    ),
    "console.identity_links": Recipe(within=ONLY_BRAND, placed=False),
    "console.identity_link": Recipe(within=ONLY_BRAND),
    "console.merge_persons": Recipe(_two, within=ONLY_BRAND, last=True),
    "console.undo_merge": Recipe(just(reason="弄错了"), within=ONLY_BRAND, last=True),
    "console.identity_cases": Recipe(within=ONLY_BRAND, placed=False),
    "console.identity_case": Recipe(within=ONLY_BRAND),
    "console.accept_case": Recipe(just(reason="核实"), within=ONLY_BRAND, last=True),
    "console.dismiss_case": Recipe(just(reason="两个人"), within=ONLY_BRAND, last=True),
    "console.identity_blocks": Recipe(within=ONLY_BRAND, placed=False),
    "console.block_identifier": Recipe(_card, within=ONLY_BRAND, placed=False),
    "console.lift_block": Recipe(just(reason="恢复"), within=ONLY_BRAND, missing=True, last=True),
}

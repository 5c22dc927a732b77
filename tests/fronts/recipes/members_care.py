"""The pool, activation, and personal data."""

from fronts.recipes.base import MINE, Recipe, file_of, just
from midstage.kit.ids import new_id
from shop.world import Half, World


def _chosen(_: World, half: Half) -> dict[str, object]:
    return {"which": {"member_ids": [half["member_id"]]}, "rule": "hand", "guide_ids": [half["guide_id"]]}


def _somebody(_: World, __: Half) -> dict[str, object]:
    """Nobody's member: giving back what is not there changes nothing, for whoever may."""
    return {"member_ids": [str(new_id())], "reason": "无人跟进"}


RECIPES: dict[str, Recipe] = {
    "console.pool": Recipe(placed=False),
    "console.assign": Recipe(_chosen),
    "console.return_to_pool": Recipe(_somebody, placed=False),
    "console.handovers": Recipe(placed=False),
    "console.import_dormant": Recipe(file_of("old_no,phone"), placed=False),
    "console.dormant": Recipe(placed=False),
    "console.activation_counts": Recipe(placed=False),
    "console.export_member": Recipe(),
    "console.erase_member": Recipe(just(at_once=False), last=True),
    "console.privacy_requests": Recipe(placed=False),
    "console.privacy_request": Recipe(missing=True),
    "console.call_off_request": Recipe(missing=True),
    "console.export_file": Recipe(missing=True),
    "mall.preview_activation": Recipe(placed=False),
    "mall.activate": Recipe(placed=False),
    "mall.ask_export": Recipe(placed=False),
    "mall.ask_erasure": Recipe(placed=False, last=True),
    "mall.my_requests": Recipe(placed=False),
    "mall.call_off": Recipe(open_to=MINE, missing=True),
    "mall.my_file": Recipe(open_to=MINE, missing=True),
}

"""Policies, and what is late."""

from fronts.recipes.base import ONLY_BRAND, Recipe, just

RECIPES: dict[str, Recipe] = {
    "console.policies": Recipe(placed=False),
    "console.policy_choices": Recipe(within=ONLY_BRAND, placed=False),
    "console.policy_at_store": Recipe(),
    "console.choose_policy": Recipe(just(settings={}), within=ONLY_BRAND, placed=False, missing=True, last=True),
    "console.unchoose_policy": Recipe(within=ONLY_BRAND, placed=False, missing=True, last=True),
    "console.what_is_late": Recipe(placed=False),
    "counter.sale_receipt": Recipe(),
    "counter.return_receipt": Recipe(missing=True, placed=False),
}

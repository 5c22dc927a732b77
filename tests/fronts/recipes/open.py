"""The open front: keys, webhooks, the change feed."""

from fronts.recipes.base import ONLY_BRAND, Recipe, just

_HOOK = {"url": "https://hooks.invalid/", "types": ["OrderPaid"]}

RECIPES: dict[str, Recipe] = {
    "open.me": Recipe(placed=False),
    "open.fact_types": Recipe(placed=False),
    "open.webhook_list": Recipe(within=ONLY_BRAND, placed=False),
    "open.create_webhook": Recipe(just(**_HOOK), within=ONLY_BRAND, placed=False),
    "open.webhook": Recipe(within=ONLY_BRAND, shared=True),
    "open.change_webhook": Recipe(just(version=1, **_HOOK), within=ONLY_BRAND, shared=True),
    "open.rotate_webhook_secret": Recipe(just(overlap_hours=1), within=ONLY_BRAND, shared=True),
    "open.ping_webhook": Recipe(within=ONLY_BRAND, shared=True, outside=True),
    "open.deliveries": Recipe(within=ONLY_BRAND, shared=True),
    "open.replay": Recipe(just(number=1), within=ONLY_BRAND, shared=True),
    "open.replay_delivery": Recipe(within=ONLY_BRAND, shared=True, missing=True),
    "open.remove_webhook": Recipe(within=ONLY_BRAND, shared=True, missing=True, last=True),
    "open.changes": Recipe(within=ONLY_BRAND, placed=False),
    "open.reset_sandbox": Recipe(unchecked="only a sandbox can be reset; see test_trial"),
    "console.rotate_key": Recipe(just(overlap_minutes=0), within=ONLY_BRAND, placed=False, missing=True),
}

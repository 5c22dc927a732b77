"""The mall."""

from fronts.recipes.base import ANYBODY, MINE, OTHER, OWNER, Recipe, checkout, just

RECIPES: dict[str, Recipe] = {
    # The mall.
    "mall.ask_code": Recipe(just(phone="+8613700000000"), open_to=ANYBODY, placed=False),
    "mall.sign_in": Recipe(unchecked="its credentials are the code; see the tests of signing in"),
    "mall.sign_out": Recipe(open_to=frozenset({OWNER, OTHER}), ends=True, placed=False),
    "mall.categories": Recipe(open_to=ANYBODY, placed=False),
    "mall.products": Recipe(open_to=ANYBODY, placed=False),
    "mall.product": Recipe(open_to=ANYBODY),
    "mall.why": Recipe(open_to=ANYBODY),
    "mall.nearest_stores": Recipe(query=just(lat=31.2, lng=121.4), open_to=ANYBODY, silent=True),
    "mall.cart": Recipe(open_to=ANYBODY, placed=False),
    "mall.put_line": Recipe(just(quantity_milli=1000), open_to=ANYBODY),
    "mall.remove_line": Recipe(open_to=ANYBODY, silent=True),
    "mall.favourites": Recipe(open_to=ANYBODY, placed=False),
    "mall.favour": Recipe(open_to=ANYBODY),
    "mall.disfavour": Recipe(open_to=ANYBODY, silent=True),
    "mall.place": Recipe(checkout),
    "mall.start_payment": Recipe(just(), open_to=MINE),
    "mall.cancel": Recipe(just(), open_to=MINE, last=True),
    "mall.my_orders": Recipe(placed=False),
    "mall.my_order": Recipe(open_to=MINE),
    "mall.me": Recipe(placed=False),
    "mall.change_me": Recipe(just(name="新名"), placed=False),
    "mall.my_consents": Recipe(placed=False),
    "mall.answer_consent": Recipe(just(purpose="marketing", channel="sms", given=True), placed=False),
}

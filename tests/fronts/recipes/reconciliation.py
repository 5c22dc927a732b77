"""Providers' days and what they say differently: of the brand as a whole, so whoever has less is told so."""

from fronts.recipes.base import ONLY_BRAND, Recipe, just, plus

WHY = just(note="已查")

RECIPES = {
    "console.statement_days": Recipe(within=ONLY_BRAND, placed=False),
    "console.statement": Recipe(query=just(day="2026-01-01"), within=ONLY_BRAND, missing=True),
    "console.payment_differences": Recipe(within=ONLY_BRAND, placed=False),
    "console.payment_difference": Recipe(within=ONLY_BRAND, missing=True),
    "console.book_difference": Recipe(WHY, within=ONLY_BRAND, missing=True),
    "console.give_back_difference": Recipe(WHY, within=ONLY_BRAND, missing=True),
    "console.take_as_fee": Recipe(WHY, within=ONLY_BRAND, missing=True),
    "console.write_off_difference": Recipe(WHY, within=ONLY_BRAND, missing=True),
    "console.wait_for_difference": Recipe(plus(WHY, until="2026-01-02"), within=ONLY_BRAND, missing=True),
    "console.dismiss_difference": Recipe(WHY, within=ONLY_BRAND, missing=True),
    "console.reopen_difference": Recipe(WHY, within=ONLY_BRAND, missing=True),
    "console.export_reconciliation": Recipe(within=ONLY_BRAND, placed=False),
    "console.export_differences": Recipe(within=ONLY_BRAND, placed=False),
}

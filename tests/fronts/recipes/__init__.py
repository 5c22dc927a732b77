"""Of every call: how to ask for it, and which scopes reach the thing that it asks for.

Each file of this folder holds the RECIPES of a few calls; whoever adds a call adds its line to one of them.
"""

import pkgutil
from importlib import import_module

from fronts.recipes.base import Recipe

RECIPES: dict[str, Recipe] = {
    call: recipe
    for module in pkgutil.iter_modules(__path__)
    for call, recipe in getattr(import_module(f"{__name__}.{module.name}"), "RECIPES", {}).items()
}

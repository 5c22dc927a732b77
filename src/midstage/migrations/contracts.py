"""What a revision takes away on purpose, and the last release that used it (expand, migrate, contract).

A release runs on the schema of the one before and on its own, so what a revision takes away must have been unused for
a release already. `midstage upgrade` calls everything else that breaks the release before a fault.
"""

from collections.abc import Mapping

# revision → (what is taken away, as the check names it, → the last release that used it)
CONTRACTS: Mapping[str, Mapping[str, str]] = {}

"""The policy of identity: what a brand chooses about when persons are one."""

from midstage.kit.refusals import Text
from midstage.middle.identity.types import IdentityPolicy
from midstage.middle.organisation import api as organisation

# Who somebody is does not change from store to store, so the brand alone chooses.
IDENTITY = organisation.declare(
    organisation.Policy(
        "identity",
        IdentityPolicy,
        Text(zh="身份识别与合并", en="Identity and merging"),
        frozenset({organisation.Level.BRAND}),
    )
)

"""The words of collecting: whose account takes how much of an order, and why."""

from enum import StrEnum
from uuid import UUID

import msgspec

from midstage.middle.organisation import api as organisation


class Why(StrEnum):
    """Why an account collects a share of an order."""

    OPERATOR = "operator"
    OWN = "own"
    """The operator is the brand itself."""
    NO_PAYEE = "no_payee"
    """The operator has named nobody who collects: the brand does, as the policy allows."""
    NO_ACCOUNT = "no_account"
    """Who collects for the operator has no open account: the brand does, as the policy allows."""


class CollectingShare(msgspec.Struct, frozen=True):
    """What is collected for one operator: by whom (None: the brand), how much, and for which parts."""

    operator_id: organisation.OperatorId
    payee: UUID | None
    minor: int
    parts: list[int]
    why: Why


class Collecting(msgspec.Struct, frozen=True):
    """Who collects for an order, as decided when it was placed: by whose rule, and in which shares."""

    whose: str
    chosen_by: organisation.Holder | None
    shares: list[CollectingShare]

    @property
    def payees(self) -> set[UUID]:
        """All who collect beside the brand."""
        return {share.payee for share in self.shares if share.payee is not None}

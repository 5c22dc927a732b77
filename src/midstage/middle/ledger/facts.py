"""What the ledger does by itself, when time runs out."""

from typing import ClassVar
from uuid import UUID

from midstage.kit.facts import Fact


class HoldExpired(Fact, frozen=True, kw_only=True):
    """A hold ran out of time; its amount is free again."""

    subject: ClassVar[str] = "reference"
    hold_id: UUID
    account_id: UUID
    reference: UUID
    asset: str
    amount: int


class LotsExpired(Fact, frozen=True, kw_only=True):
    """What was left of an account's due lots was booked to the expiry account."""

    subject: ClassVar[str] = "owner"
    account_id: UUID
    kind: str
    owner: UUID
    asset: str
    amount: int
    lots: int

"""All SQL of the ledger, a file a group of tables."""

from midstage.middle.ledger.store.account import Opened, accounts, missed, open_account
from midstage.middle.ledger.store.balance import Kept, balances, freeze, lock_balances, roll_up, trial_balance
from midstage.middle.ledger.store.faults import BALANCES_OFF, BELOW_MINIMUM, HELD_OFF, LOTS_OFF, TRANSFERS_OFF, wrong
from midstage.middle.ledger.store.holds import end_holds, find_hold, hold, lock_due_holds
from midstage.middle.ledger.store.lot import (
    bring_lots,
    due_lots,
    held_lots,
    hold_lots,
    lock_due_accounts,
    lots,
    lots_taken,
    take_lots,
)
from midstage.middle.ledger.store.transfer import Draft, book, content_of, entries

__all__ = [
    "BALANCES_OFF",
    "BELOW_MINIMUM",
    "HELD_OFF",
    "LOTS_OFF",
    "TRANSFERS_OFF",
    "Draft",
    "Kept",
    "Opened",
    "accounts",
    "balances",
    "book",
    "bring_lots",
    "content_of",
    "due_lots",
    "end_holds",
    "entries",
    "find_hold",
    "freeze",
    "held_lots",
    "hold",
    "hold_lots",
    "lock_balances",
    "lock_due_accounts",
    "lock_due_holds",
    "lots",
    "lots_taken",
    "missed",
    "open_account",
    "roll_up",
    "take_lots",
    "trial_balance",
    "wrong",
]

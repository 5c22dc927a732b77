"""Read the ledger, and roll up what is append-only."""

from collections.abc import Sequence

from midstage.kit.database import Tx
from midstage.kit.paging import Page, PageRequest
from midstage.middle.ledger import store
from midstage.middle.ledger.types import AccountId, Balance, Entry

ROLLED_A_RUN = 10_000
_NEWEST = 2**63 - 1


async def balance(tx: Tx, account: AccountId) -> Balance:
    """What an account has. One that was never used has nothing."""
    return (await balances(tx, [account]))[account]


async def balances(tx: Tx, accounts: Sequence[AccountId]) -> dict[AccountId, Balance]:
    """What several accounts have, in one statement."""
    found = await store.balances(tx, accounts)
    return {account: found.get(account, Balance()) for account in accounts}


async def entries(tx: Tx, account: AccountId, page: PageRequest) -> Page[Entry]:
    """The statement of an account, newest first."""
    place = page.place(tuple[int])
    rows = await store.entries(tx, account, below=_NEWEST if place is None else place[0], limit=page.fetch)

    def number(row: Entry) -> tuple[int]:
        return (row.number,)

    return page.page(rows, number)


async def trial_balance(tx: Tx) -> list[tuple[str, int]]:
    """The sum of all accounts by asset. Every sum is zero; the doctor would tell."""
    return await store.trial_balance(tx)


async def roll_up(tx: Tx, *, limit: int = ROLLED_A_RUN) -> int:
    """Add later entries of append-only accounts to their roll-up; returns how many. Nobody waits for it.

    Balances are the same before, during and after; it only makes them cheaper to read. Call it until it returns 0.
    """
    return await store.roll_up(tx, limit)

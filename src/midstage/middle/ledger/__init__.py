"""The double-entry ledger: everything that is owed, in money, points or any other asset.

It owns accounts, transfers, entries, holds and lots. Always true:

- every transfer takes from its sources what it gives to its destinations, so each asset sums to zero;
- a key is booked once, whoever asks how often;
- an account with a minimum balance never has less than that free of holds, under any concurrency;
- what lies in the lots of an account is its balance, what its open holds hold is its held amount.

Only accounts with a minimum keep a balance row, which every transfer of theirs locks. All others (brand, revenue,
clearing) are append-only: their balance is the last roll-up plus the entries since, and nobody ever waits for them.
"""

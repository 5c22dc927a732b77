"""Payments: what is owed for an order, what came, what went back, and through whom.

It owns merchants (where a payee's money is collected), payments, attempts at a provider, tenders (支付方式: money
that moved), refunds, and discrepancies between our book and a provider's.

Always true:
- money is booked once for each transaction of a provider, however often it is told;
- paid − refunded is the sum of the tenders, and what is being refunded never exceeds what is left;
- a payment is `paid` only by the very amount that was due; anything else waits as a discrepancy;
- no provider is called while a write transaction is open;
- the ledger has moved with every tender, but for imported history.
"""

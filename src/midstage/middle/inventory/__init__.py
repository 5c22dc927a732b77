"""Inventory (库存): what lies where, what of it is promised, and to whom it may be promised.

It owns locations, stock, movements, reservations, the share policy and discrepancies. Always true:

- the columns of a stock row are the sums of its movements; what is reserved is the sum of the open reservations;
- a promise is made only of what is there, less what is promised and kept for safety, under any concurrency;
- a sale that already happened always books; where it takes goods that were promised, a discrepancy says so;
- a reservation ends once: expired, cancelled or handed over.

Of stock, `shared` is the part of `reserved` that others sold under a share policy. Rows are locked by location and sku,
in that order, so two carts never wait for each other.
"""

"""Inventory (库存): what lies where, what of it is promised, and to whom it may be promised.

It owns locations, stock, movements, reservations, the share policy and discrepancies; the work on stock (transfers,
counts, adjustments, incoming goods, alarms); and the books of what stock is worth. Always true:

- the columns of a stock row are the sums of its movements; what is reserved is the sum of the open reservations;
- a promise is made only of what is there, less what is promised and kept for safety, under any concurrency;
- a sale that already happened always books; where it takes goods that were promised, a discrepancy says so;
- a reservation ends once: expired, cancelled or handed over;
- what left one location by a transfer is received, lost, sent back, or in transit; what transfers and deliveries bring
  is what `tracked` says is incoming because of them;
- value in less value out is the value left, of each operator and sku, to the cent; a sale is not slowed by it.

Of stock, `shared` is the part of `reserved` that others sold under a share policy. Rows are locked by location and sku,
in that order, so two carts never wait for each other.
"""

"""The one order book: carts, and the orders of every front from placing to refund.

Always true:
- an order's total is goods − discounts + shipping, and each line's total is what the shopper pays for it;
- what is promised in stock ends in the transaction that moves the order;
- an order moves only along TRANSITIONS (types), one version at a time, and every step is kept;
- whose sale it is (store, guide, touchpoint, referrer) is frozen at payment.
"""

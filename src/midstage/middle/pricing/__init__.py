"""What things cost: the list and supply price of a sku, price lists over it, and why a price is what it is.

Always true: a sku has one list price in one currency; of the price lists that fit a sale at most one wins, by one
fixed order (`rules.precedence`); every change that could alter a quote moves the brand's price version, so an order
that was priced under an older one is refused, not written; a store's own price holds within its band or not at all.
"""

"""The business middle platform (业务中台): one organisation, member, catalogue, stock, order book and ledger."""

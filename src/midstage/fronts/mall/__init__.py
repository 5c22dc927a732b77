"""The shopper's front: sign in, browse, search, cart, checkout, pay, my orders, my profile and consents."""

"""The door of the console: its routes."""

from litestar import Router

from midstage.fronts.console import audit, ledger, orders, payments, people, sign_in, stores, system, units

router = Router(
    "/v1/console",
    route_handlers=[
        *sign_in.HANDLERS,
        *units.HANDLERS,
        *stores.HANDLERS,
        *people.HANDLERS,
        *orders.HANDLERS,
        *payments.HANDLERS,
        *ledger.HANDLERS,
        *audit.HANDLERS,
        *system.HANDLERS,
    ],
)

__all__ = ["router"]

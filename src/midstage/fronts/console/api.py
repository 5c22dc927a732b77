"""The door of the console: its routes."""

from litestar import Router

from midstage.fronts.console import (
    approvals,
    audit,
    catalogue,
    categories,
    exports,
    identity,
    imports,
    inventory,
    late,
    ledger,
    logins,
    members,
    orders,
    payments,
    people,
    policies,
    pool,
    pricing,
    privacy,
    sign_in,
    stores,
    system,
    units,
)

router = Router(
    "/v1/console",
    route_handlers=[
        *sign_in.HANDLERS,
        *units.HANDLERS,
        *stores.HANDLERS,
        *people.HANDLERS,
        *logins.HANDLERS,
        *approvals.HANDLERS,
        *members.HANDLERS,
        *identity.HANDLERS,
        *pool.HANDLERS,
        *privacy.HANDLERS,
        *categories.HANDLERS,
        *catalogue.HANDLERS,
        *pricing.HANDLERS,
        *orders.HANDLERS,
        *payments.HANDLERS,
        *ledger.HANDLERS,
        *audit.HANDLERS,
        *system.HANDLERS,
        *late.HANDLERS,
        *policies.HANDLERS,
        *inventory.HANDLERS,
        *imports.HANDLERS,
        *exports.HANDLERS,
    ],
)

__all__ = ["router"]

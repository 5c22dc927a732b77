"""The door of the counter: its routes."""

from litestar import Router

from midstage.fronts.counter import days, held, members, offline, receipts, returns, sales, shifts

router = Router(
    "/v1/counter",
    route_handlers=[
        *shifts.HANDLERS,
        *sales.HANDLERS,
        *members.HANDLERS,
        *held.HANDLERS,
        *returns.HANDLERS,
        *receipts.HANDLERS,
        *offline.HANDLERS,
        *days.HANDLERS,
    ],
)

__all__ = ["router"]

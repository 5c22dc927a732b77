"""The door of the counter: its routes."""

from litestar import Router

from midstage.fronts.counter import days, doors, held, kiosk, members, offline, receipts, returns, sales, shifts

router = Router(
    "/v1/counter",
    route_handlers=[
        *shifts.HANDLERS,
        *sales.HANDLERS,
        *members.HANDLERS,
        *held.HANDLERS,
        *returns.HANDLERS,
        *receipts.HANDLERS,
        *doors.HANDLERS,
        *kiosk.HANDLERS,
        *offline.HANDLERS,
        *days.HANDLERS,
    ],
)

__all__ = ["router"]

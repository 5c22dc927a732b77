"""The door of the counter: its routes."""

from litestar import Router

from midstage.fronts.counter import sales, shifts

router = Router("/v1/counter", route_handlers=[*shifts.HANDLERS, *sales.HANDLERS])

__all__ = ["router"]

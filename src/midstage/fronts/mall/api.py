"""The door of the mall: its routes."""

from litestar import Router

from midstage.fronts.mall import browse, carts, checkout, me, sign_in

router = Router(
    "/v1/mall/{brand:str}",
    route_handlers=[*sign_in.HANDLERS, *browse.HANDLERS, *carts.HANDLERS, *checkout.HANDLERS, *me.HANDLERS],
)

__all__ = ["router"]

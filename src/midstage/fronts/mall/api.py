"""The door of the mall: its routes."""

from litestar import Router

from midstage.fronts.mall import activation, browse, carts, checkout, code, me, privacy, scan, sign_in

router = Router(
    "/v1/mall/{brand:str}",
    route_handlers=[
        *sign_in.HANDLERS,
        *browse.HANDLERS,
        *carts.HANDLERS,
        *checkout.HANDLERS,
        *scan.HANDLERS,
        *me.HANDLERS,
        *code.HANDLERS,
        *activation.HANDLERS,
        *privacy.HANDLERS,
    ],
)

__all__ = ["router"]

"""The door of the open front: its routes."""

from litestar import Router

from midstage.fronts.open import callbacks, sandbox

router = Router(
    "/v1",
    route_handlers=[
        Router("/callbacks", route_handlers=[callbacks.arrived]),
        Router("/sandbox", route_handlers=[sandbox.last_message]),
    ],
)

__all__ = ["router"]

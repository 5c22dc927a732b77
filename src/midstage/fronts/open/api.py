"""The door of the open front: its routes."""

from litestar import Router

from midstage.fronts.open import callbacks

router = Router("/v1/callbacks", route_handlers=[callbacks.arrived])

__all__ = ["router"]

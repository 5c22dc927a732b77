"""The door of the open front: its routes."""

from litestar import Router

from midstage.fronts.open import callbacks, changes, me, sandbox, trial, webhooks

router = Router(
    "/v1",
    route_handlers=[
        Router("/callbacks", route_handlers=[callbacks.arrived]),
        Router("/sandbox", route_handlers=[sandbox.last_message]),
        Router("/open", route_handlers=[*me.HANDLERS, *webhooks.HANDLERS, *changes.HANDLERS, *trial.HANDLERS]),
    ],
)

__all__ = ["router"]

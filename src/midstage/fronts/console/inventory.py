"""Console: inventory. (Being written right now by another helper; helper 9 leaves catalogue, pricing, inventory and the import of files to others, and does access and members.)"""

from litestar.handlers import HTTPRouteHandler

HANDLERS: list[HTTPRouteHandler] = []

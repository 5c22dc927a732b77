"""The block list: values that mean nobody, like a shop's own phone or a test card."""

from uuid import UUID

from midstage.kit.audit import masked
from midstage.kit.database import Tx
from midstage.kit.paging import Page, PageRequest
from midstage.middle.identity import rules, store
from midstage.middle.identity.refusals import NoSuchBlock
from midstage.middle.identity.rules import CHINA
from midstage.middle.identity.types import Block, Blocked, BlockId, Identifier


async def block(tx: Tx, identifier: Identifier, *, reason: str, country: str = CHINA) -> Blocked:
    """From now on an identifier attaches to nobody, leads to nobody and merges nobody.

    Where it hangs on somebody it stays there without a say, so that lifting the block gives it back. The merges that
    rest on it stand, and are named for somebody to look at. Blocking twice changes nothing. Raises BadIdentifier.
    """
    normal = rules.identifier(identifier.kind, identifier.value, namespace=identifier.namespace, country=country)
    found, fresh = await store.block(tx, normal, reason)
    if fresh:
        tx.note("identity.block", "identity_block", found.block_id, after=_noted(found))
    return Blocked(found, await store.holder(tx, normal), await store.resting_on(tx, normal))


async def unblock(tx: Tx, block_id: BlockId, *, reason: str) -> Block:
    """Let an identifier mean somebody again. Raises NoSuchBlock."""
    found = await store.lift(tx, block_id)
    if found is None:
        raise NoSuchBlock(block_id)
    tx.note("identity.unblock", "identity_block", block_id, before=_noted(found), after={"reason": reason})
    return found


async def blocks(tx: Tx, page: PageRequest) -> Page[Block]:
    """The block list, the oldest first. Raises BadCursor."""
    place = page.place(tuple[UUID])
    found = await store.blocks(tx, place[0] if place else UUID(int=0), page)
    return page.page(found, lambda row: (row.block_id,))


def _noted(found: Block) -> dict[str, str]:
    one = found.identifier
    return {
        "kind": one.kind.value,
        "namespace": one.namespace,
        "value": masked(one.value),
        "reason": found.reason,
    }

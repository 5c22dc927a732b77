"""Persons who were merged, whom the rules would not merge, and a value that means nobody."""

from typing import NamedTuple

from midstage.kit.database import Tx
from midstage.kit.ids import new_id
from midstage.middle.identity import api as identity
from midstage.middle.identity.api import Identifier, IdentifierKind


class Identities(NamedTuple):
    """What lies in quarantine and in the link log: two who are one, a case, a block, and somebody alone."""

    link_id: identity.LinkId
    case_id: identity.CaseId
    block_id: identity.BlockId
    single_id: identity.PersonId


async def identities(tx: Tx) -> Identities:
    """Make them, of values that nobody else has."""
    run = new_id().hex[-12:].upper()

    def union(name: str) -> Identifier:
        return Identifier(IdentifierKind.WECHAT_UNIONID, f"{name}-{run}")

    card = Identifier(IdentifierKind.CARD, f"W{run}")
    await _of(tx, union("one"), card)
    await _of(tx, union("other"))
    doubtful = await identity.attach_and_resolve(tx, [card, union("other")], source="test")
    pair = [await _of(tx, Identifier(IdentifierKind.CARD, f"{letter}{run}")) for letter in "XY"]
    link = await identity.merge(tx, pair[0], pair[1], reason="test")
    block = await identity.block(tx, Identifier(IdentifierKind.CARD, f"B{run}"), reason="test")
    single = await _of(tx, Identifier(IdentifierKind.CARD, f"Z{run}"))
    return Identities(link.link_id, doubtful.quarantined[0], block.block.block_id, single)


async def _of(tx: Tx, *given: Identifier) -> identity.PersonId:
    return (await identity.attach_and_resolve(tx, given, source="test")).person_id

"""Take an identifier from a person: a number that was given up, a slip of the till."""

from midstage.kit.audit import masked
from midstage.kit.database import Tx
from midstage.middle.identity import rules, store
from midstage.middle.identity.facts import IdentifierDetached
from midstage.middle.identity.look_up import person
from midstage.middle.identity.rules import CHINA
from midstage.middle.identity.types import Identifier, NoSuchIdentifier, PersonId


async def detach(tx: Tx, person_id: PersonId, identifier: Identifier, *, reason: str, country: str = CHINA) -> None:
    """Detach one identifier. Raises NoSuchPerson, NoSuchIdentifier, BadIdentifier."""
    normal = rules.identifier(identifier.kind, identifier.value, namespace=identifier.namespace, country=country)
    whole = await person(tx, person_id)
    if not await store.detach(tx, normal, whole.ids):
        raise NoSuchIdentifier(normal.kind.value)
    before = {"kind": normal.kind.value, "namespace": normal.namespace, "value": masked(normal.value)}
    tx.note("identity.detach", "person", whole.person_id, before=before, after={"reason": reason})
    tx.tell(IdentifierDetached(person_id=whole.person_id, kind=normal.kind.value))

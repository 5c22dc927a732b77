"""The door of identity."""

from midstage.middle.identity.attach import attach_and_resolve
from midstage.middle.identity.bulk import bulk_create
from midstage.middle.identity.checks import checks
from midstage.middle.identity.detach import detach
from midstage.middle.identity.facts import IdentifierDetached, IdentifiersAttached, PersonCreated
from midstage.middle.identity.look_up import (
    identifiers_of,
    identifiers_of_many,
    person,
    persons,
    resolve,
    resolve_many,
    root,
)
from midstage.middle.identity.rules import identifier
from midstage.middle.identity.types import (
    Attached,
    BadIdentifier,
    Elsewhere,
    Identifier,
    IdentifierKind,
    IdentifierTaken,
    IdentityContended,
    NewPerson,
    NoIdentifiers,
    NoSuchIdentifier,
    NoSuchPerson,
    Person,
    PersonalText,
    PersonId,
    Resolution,
    TooManyIdentifiers,
)

__all__ = [
    "Attached",
    "BadIdentifier",
    "Elsewhere",
    "Identifier",
    "IdentifierDetached",
    "IdentifierKind",
    "IdentifierTaken",
    "IdentifiersAttached",
    "IdentityContended",
    "NewPerson",
    "NoIdentifiers",
    "NoSuchIdentifier",
    "NoSuchPerson",
    "Person",
    "PersonCreated",
    "PersonId",
    "PersonalText",
    "Resolution",
    "TooManyIdentifiers",
    "attach_and_resolve",
    "bulk_create",
    "checks",
    "detach",
    "identifier",
    "identifiers_of",
    "identifiers_of_many",
    "person",
    "persons",
    "resolve",
    "resolve_many",
    "root",
]

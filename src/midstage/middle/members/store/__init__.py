"""All SQL of membership, a file a group of tables."""

from midstage.middle.members.store.binding import Bound, bind, bindings, copy_bindings, hand_over
from midstage.middle.members.store.consent import answer, consent_history, consents, consents_of
from midstage.middle.members.store.faults import UNBOUND, UNLEVELLED, UNTOLD_CONSENTS, wrong
from midstage.middle.members.store.label import labels, write_labels
from midstage.middle.members.store.lists import find
from midstage.middle.members.store.member import (
    copy_members,
    join,
    members,
    members_of,
    shopper,
    write_level,
    write_profile,
    write_state,
)
from midstage.middle.members.store.settings import default_levels, fields, levels, put_field, put_level

__all__ = [
    "UNBOUND",
    "UNLEVELLED",
    "UNTOLD_CONSENTS",
    "Bound",
    "answer",
    "bind",
    "bindings",
    "consent_history",
    "consents",
    "consents_of",
    "copy_bindings",
    "copy_members",
    "default_levels",
    "fields",
    "find",
    "hand_over",
    "join",
    "labels",
    "levels",
    "members",
    "members_of",
    "put_field",
    "put_level",
    "shopper",
    "write_labels",
    "write_level",
    "write_profile",
    "write_state",
    "wrong",
]

"""Where retailers differ in whose customer somebody is, and in how personal data goes."""

from enum import StrEnum
from typing import Annotated

import msgspec

from midstage.kit.refusals import Text
from midstage.middle.organisation import api as organisation

LONGEST_LOOK_DAYS = 366
"""How far back a rule of binding may look; touches are kept so long."""
Days = Annotated[int, msgspec.Meta(ge=0, le=3650)]
LookBack = Annotated[int, msgspec.Meta(ge=1, le=LONGEST_LOOK_DAYS)]
Cap = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]


class Winner(StrEnum):
    """To whom a member is bound. Where nobody has her yet, the first touch does, whatever the rule."""

    FIRST_TOUCH = "first_touch"
    LAST_PURCHASE = "last_purchase"
    MOST_PURCHASES = "most_purchases"


class BindingPolicy(msgspec.Struct, frozen=True):
    """Who may win a member, and what protects those who have her. One rule for the brand: two could not both hold."""

    winner: Winner = Winner.FIRST_TOUCH
    count_days: LookBack = 90
    """Of most_purchases: the days that count."""
    protection_days: Days = 0
    """So long after it began no rule ends a binding."""
    idle_days: Days = 0
    """Nobody is taken from those who served her within so many days."""


class PoolPolicy(msgspec.Struct, frozen=True):
    """The pool (公海): how many customers a guide is given out of it, and when they go back."""

    cap: Cap = 2_000
    """Customers a guide may have for more to be assigned to her; 0 is no limit."""
    back_after_idle_days: Days = 0
    """Whom her guide has not served for so long goes back into the pool of the store; 0 is never."""


class Leaving(StrEnum):
    """Whose the customers of a guide who leaves become."""

    HEIR = "heir"
    """The heir's who was named, else the pool's."""
    POOL = "pool"
    """The pool's, whoever was named."""
    SPREAD = "spread"
    """The heir's who was named, else they are spread over the guides of the store."""


class Moving(StrEnum):
    """What becomes of the customers of a guide who goes to another store."""

    GO = "go"
    """They go with her."""
    STAY = "stay"
    """They stay with the store, and are spread over its other guides."""


class HandoverPolicy(msgspec.Struct, frozen=True):
    """What becomes of the customers of a guide who leaves or moves; that of the store which she is leaving holds."""

    left: Leaving = Leaving.HEIR
    moved: Moving = Moving.GO


class ActivationPolicy(msgspec.Struct, frozen=True):
    """One-tap activation (一键激活): how long the points of the old system are good for; 0 is for ever."""

    points_last_days: Days = 0


class PrivacyPolicy(msgspec.Struct, frozen=True):
    """How personal data goes."""

    cooling_days: Annotated[int, msgspec.Meta(ge=0, le=25)] = 7
    """So long a shopper may call her erasure off."""
    four_eyes: bool = False
    """Whether what staff asks to be erased takes somebody else's approval."""


_BRAND = frozenset({organisation.Level.BRAND})
BINDING = organisation.declare(
    organisation.Policy("binding", BindingPolicy, Text(zh="会员绑定规则", en="Binding of members"), _BRAND)
)
POOL = organisation.declare(organisation.Policy("pool", PoolPolicy, Text(zh="公海", en="The pool")))
HANDOVER = organisation.declare(
    organisation.Policy("handover", HandoverPolicy, Text(zh="导购客户交接", en="Handing over of customers"))
)
ACTIVATION = organisation.declare(
    organisation.Policy("activation", ActivationPolicy, Text(zh="老会员一键激活", en="Activation"), _BRAND)
)
PRIVACY = organisation.declare(
    organisation.Policy("privacy", PrivacyPolicy, Text(zh="个人信息保护", en="Personal data"), _BRAND)
)

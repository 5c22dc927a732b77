"""How strictly a brand lets its staff in: a policy of the brand as a whole."""

from typing import Annotated

import msgspec

from midstage.kit.refusals import Text
from midstage.middle.access import password_rules
from midstage.middle.organisation import api as organisation

Length = Annotated[int, msgspec.Meta(ge=password_rules.SHORTEST_ALONE, le=64)]
LengthBeside = Annotated[int, msgspec.Meta(ge=password_rules.SHORTEST_WITH_FACTOR, le=64)]


class SignInPolicy(msgspec.Struct, frozen=True):
    """Which roles need a second factor, how long a session lasts, how long a password is at least."""

    second_factor_roles: Annotated[list[str], msgspec.Meta(max_length=100)] = []
    session_minutes: Annotated[int, msgspec.Meta(ge=15, le=30 * 24 * 60)] = 12 * 60
    password_length: Length = password_rules.SHORTEST_ALONE
    password_length_with_second_factor: LengthBeside = password_rules.SHORTEST_WITH_FACTOR
    usual_reads_an_hour: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 200
    """Who looks at the personal data of more people within an hour is pointed out."""


SIGN_IN = organisation.declare(
    organisation.Policy(
        "sign_in", SignInPolicy, Text(zh="员工登录", en="Sign-in of staff"), frozenset({organisation.Level.BRAND})
    )
)

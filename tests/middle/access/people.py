"""What the tests of access stand on."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from argon2 import PasswordHasher

from midstage.kit.clock import Tenant
from midstage.middle.organisation import api as organisation

Person = Callable[..., Awaitable[organisation.StaffId]]
PASSWORD = "correct horse battery"
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class Ground(NamedTuple):
    """What the tests stand on."""

    tenant: Tenant
    region: organisation.UnitId
    inside: organisation.StoreId
    outside: organisation.StoreId
    agent: organisation.OperatorId

"""What a demo brand is to the loader: a tenant to begin, and parts of work, each a transaction that can be found again."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Protocol

import msgspec

from midstage.kit.clock import Tenant
from midstage.kit.database import Database, Tx
from midstage.kit.paging import PageRequest, cursor
from midstage.middle.access import api as access
from midstage.middle.identity import api as identity
from midstage.middle.inventory import api as inventory
from midstage.middle.members import api as members
from midstage.middle.organisation import api as organisation
from midstage.middle.payments import api as payments

PASSWORD = "nine-plums-tin-harbour"  # noqa: S105  # printed for everybody to see: what it opens is a demo
SECRET_VARIABLE = "SECRET_SANDBOX_PAY"  # noqa: S105  # the name of a variable
SHOPPER_SIGNED_IN_FOR = timedelta(days=7)


class Step(msgspec.Struct, frozen=True):
    """A step of a load: so many parts, in so many rows. Parts of one stage may be done at once and in any order."""

    name: str
    parts: int
    rows: int


class NewLogin(msgspec.Struct, frozen=True):
    """Somebody to sign in as: which staff, with which role over which part of the organisation."""

    name: str
    staff_id: organisation.StaffId
    role: str
    scope: organisation.Scope


class Story(Protocol):
    """A brand that can be loaded.

    A part looks first whether its first row is there: it is one transaction with ids made of the data, so what was
    begun and cut off left nothing, and what is there is whole.
    """

    code: str

    async def begin(self, database: Database) -> Tenant:
        """The brand, made if it is not there."""
        ...

    def stages(self) -> list[list[Step]]:
        """What there is to do, stage after stage."""
        ...

    async def prepare(self, step: str) -> None:
        """What a step needs that takes time and must be done before its transaction."""
        ...

    async def do(self, tx: Tx, step: str, part: int) -> int:
        """Do a part, unless it is done; returns its rows."""
        ...


async def begin_brand(
    database: Database, *, code: str, name: str, currency: str, zone: str, phone_prefix: str
) -> Tenant:
    """The brand of this code, made if it is not there."""
    try:
        return await organisation.tenant_of(database, code)
    except organisation.NoSuchBrand:
        return await organisation.create_brand(
            database, code=code, name=name, currency=currency, zone=zone, phone_prefix=phone_prefix
        )


async def place_all(tx: Tx) -> None:
    """Let every store of the brand keep stock where it stands."""
    found = (await organisation.stores(tx)).values()
    await inventory.place_locations(
        tx,
        [
            inventory.Location(inventory.location_of(one.store_id), one.kind, one.operator_id, one.place)
            for one in found
            if one.kind is not organisation.StoreKind.VIRTUAL
        ],
    )


async def collect_at_the_sandbox(tx: Tx, sandbox_url: str) -> None:
    """Let the simulated provider collect for the brand."""
    from midstage import wiring  # noqa: PLC0415  # it knows everybody, and only here somebody is asked for

    wiring.connect_outside()
    await payments.put_merchant(
        tx,
        provider="sandbox",
        payee=None,
        settings={"base_url": sandbox_url, "merchant_no": f"demo-{tx.tenant.code}"},
        secrets={"secret": f"env:{SECRET_VARIABLE}"},
    )


async def make_keys(logins: Iterable[str]) -> dict[str, access.PasswordHash]:
    """The hashes of the demo's password for these logins."""
    return {login: await access.hash_password(PASSWORD, login=login) for login in logins}


async def open_doors(tx: Tx, logins: Sequence[NewLogin], keys: Mapping[str, access.PasswordHash]) -> int:
    """Give out the logins. The last part of a load: whoever can sign in finds everything in its place."""
    if not await is_open(tx, logins[0].name):
        for login in logins:
            grant = access.RoleGrant(login.role, login.scope)
            await access.create_login(tx, login.staff_id, login.name, keys[login.name], [grant])
    return len(logins)


async def is_open(tx: Tx, first_login: str) -> bool:
    """Whether the doors of this brand are open, which means that it is fully loaded."""
    found = await access.list_logins(tx, PageRequest(cursor((first_login[:-1],)), limit=1))
    return [login.name for login in found.items] == [first_login]


async def sign_in_shopper(tx: Tx, phone: str) -> tuple[members.Member, access.Token] | None:
    """The member with this phone, and a token for her; None where nobody has it any more."""
    person = await identity.resolve(tx, identity.identifier(identity.IdentifierKind.PHONE, phone))
    member = await members.member_of(tx, person) if person else None
    if member is None:
        return None
    token = await access.open_session(
        tx,
        access.SessionKind.SHOPPER,
        member.person_id,
        member_id=member.member_id,
        lasts=SHOPPER_SIGNED_IN_FOR,
    )
    return member, token

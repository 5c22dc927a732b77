"""What an attack takes: a shop with people in it, short ways to ask, and a proof that nothing has changed."""

import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast

import httpx
import msgspec.inspect as mi

from fronts.conftest import Console, Somebody
from midstage.app import create_app
from midstage.fronts._http.calls import Forms
from midstage.kit.ids import new_id
from midstage.kit.settings import read_settings
from midstage.middle.members import api as members
from shop import Shop, open_shop

F = TypeVar("F", bound=Callable[..., Awaitable[None]])
HERE = Path(__file__).parent
# What is counted of those who are refused, which is no change of the brand's: guesses, codes, calls, looks.
COUNTED = frozenset({"sign_in_try", "phone_code", "phone_quota", "rate_bucket", "personal_read"})


class Attack(NamedTuple):
    """What is tried, and the refusals that it gets: status and code."""

    what: str
    refusals: tuple[str, ...]


def attack(what: str, *refusals: str) -> Callable[[F], F]:
    """Say what a test tries, and all refusals that it must get; conftest holds it to them."""

    def mark(test: F) -> F:
        test.__dict__["attack"] = Attack(what, refusals)
        return test

    return mark


def attacks() -> Iterator[tuple[str, str, Attack]]:
    """Every attack there is: its file, its test, and what it gets."""
    for path in sorted(HERE.glob("test_*.py")):
        module = import_module(f"attacks.{path.stem}")
        for name, test in inspect.getmembers(module, inspect.isfunction):
            found: Attack | None = getattr(test, "attack", None)
            if found is not None:
                yield path.name, name, found


def table() -> str:
    """The table of docs/attacks.md."""
    lines = ["| what is tried | what it gets | test |", "| --- | --- | --- |"]
    for file, test, one in sorted(attacks(), key=lambda found: (found[0], found[2].what)):
        lines.append(f"| {one.what} | {', '.join(f'`{refusal}`' for refusal in one.refusals)} | {file}::{test} |")
    return "\n".join(lines)


def texts() -> list[tuple[str, str]]:
    """Every GET without an id in its path that takes a text, and the name of the text."""
    found: list[tuple[str, str]] = []
    for route in create_app(read_settings({})).routes:
        for handler in cast("list[Any]", getattr(route, "route_handlers", [])):
            forms: Forms | None = handler.opt.get("forms")
            if forms is None or "GET" not in handler.http_methods or ":uuid}" in route.path or "exports" in route.path:
                continue
            found += [(route.path, one.alias) for one in forms.query if _is_text(mi.type_info(one.kind))]
    return found


def _is_text(kind: mi.Type) -> bool:
    if isinstance(kind, mi.Metadata):
        return _is_text(kind.type)
    if isinstance(kind, mi.UnionType):
        return any(_is_text(one) for one in kind.types)
    return isinstance(kind, mi.StrType)


class Scene:
    """A shop, and whoever attacks it."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.shop: Shop = console.shop
        self.http = console.http
        self.got: set[str] = set()

    @property
    def mall(self) -> str:
        """Where the mall of this brand is."""
        return f"/v1/mall/{self.shop.tenant.code}"

    async def ask(
        self, method: str, path: str, *, token: str | None = None, key: str | None = None, **named: Any
    ) -> httpx.Response:
        """Any call of any front."""
        headers = {"Accept-Language": "en", "Idempotency-Key": key or str(new_id()), **named.pop("headers", {})}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        return await self.http.request(method, path, headers=headers, **named)

    async def refused(self, method: str, path: str, **named: Any) -> str:
        """The refusal of a call, which goes on record: `404 no_such_order`."""
        return self.note(await self.ask(method, path, **named))

    def note(self, answer: httpx.Response) -> str:
        """Put the refusal in an answer on record."""
        assert answer.status_code >= 400, f"{answer.request.method} {answer.request.url}: {answer.text[:300]}"
        assert answer.status_code < 500, answer.text[:300]
        code = answer.json()["code"] if answer.headers["content-type"].endswith("json") else ""
        refusal = f"{answer.status_code} {code}".strip()
        self.got.add(refusal)
        return refusal

    async def other_shopper(self) -> tuple[members.Member, str]:
        """Somebody else who shops here, signed in."""
        member = await self.shop.new_member()
        return member, await self.shop.token_of(member)

    async def foreign(self) -> "Scene":
        """The same in another brand of the same database."""
        found = Scene(Console(await open_shop(self.shop.database), self.http, self.console.password))
        found.got = self.got
        return found

    async def staff(self, role: str = "brand_admin") -> Somebody:
        return await self.console.staff(role)

    @asynccontextmanager
    async def unchanged(self, *but: str) -> AsyncGenerator[None]:
        """That what happens within changes no row of the brand, in any table but those."""
        before = await self._fingerprint({*COUNTED, *but})
        yield
        after = await self._fingerprint({*COUNTED, *but})
        assert {name: figures for name, figures in after.items() if figures != before.get(name)} == {}

    async def _fingerprint(self, but: set[str]) -> dict[str, tuple[int, int]]:
        async with self.shop.database.connection() as link:
            tables = await link.fetch(
                "select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'brand_id'"
                " where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace order by 1"
            )
            parts = [
                f"select '{row[0]}', count(*), coalesce(sum(xmin::text::bigint), 0)::bigint from {row[0]}"  # names of the catalogue
                f" where brand_id = {self.shop.tenant.brand}"
                for row in tables
                if row[0] not in but
            ]
            return {row[0]: (row[1], row[2]) for row in await link.fetch(" union all ".join(parts))}

"""Each attack is held to the refusals that it says it gets."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from attacks.scene import Attack, Scene
from fronts.conftest import PASSWORD, Console, console, http
from middle.access.people import QUICK
from midstage.middle.access import api as access
from midstage.middle.access import passwords

__all__ = ["console", "http"]  # fixtures, by their names


@pytest.fixture
def real() -> None:
    """Hashes cost in this test what they cost."""


@pytest.fixture(autouse=True)
def quick(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes cost nothing, that of nobody too, unless the test is about what they cost."""
    if "real" not in request.fixturenames:
        monkeypatch.setattr(passwords, "HASHER", QUICK)
        monkeypatch.setattr(passwords, "NOBODY", QUICK.hash("of nobody"))


@pytest.fixture
def password(request: pytest.FixtureRequest) -> access.PasswordHash:
    """What is stored of PASSWORD."""
    hasher = passwords.HASHER if "real" in request.fixturenames else QUICK
    return access.PasswordHash(hasher.hash(PASSWORD))


@pytest_asyncio.fixture(loop_scope="session")
async def scene(console: Console, request: pytest.FixtureRequest) -> AsyncIterator[Scene]:  # a fixture
    found = Scene(console)
    yield found
    told: Attack | None = getattr(request.function, "attack", None)
    assert told is not None, "say with @attack what is tried, and what it gets"
    assert found.got == set(told.refusals)

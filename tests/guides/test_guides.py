"""Every guide does what it says, from an empty folder, against what `midstage serve` really runs."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from guides.reader import GuideWrongError, Reader
from midstage.kit.postgres import EmbeddedPostgres

GUIDES = Path(__file__).parents[2] / "docs" / "guides"
CLIENT = Path(__file__).parents[2] / "clients" / "python" / "midstage_client"


@pytest.fixture
def folder() -> Iterator[Path]:
    """Not pytest's own folder: PostgreSQL's service user could not reach it where the tests run as root."""
    made = Path(tempfile.mkdtemp(prefix="midstage-guide-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


def test_a_payment_provider_is_written_proven_and_installed(folder: Path) -> None:
    Reader(folder).read(GUIDES / "write-a-payment-provider.md")


def test_midstage_works_on_a_server_of_your_own(folder: Path, server: EmbeddedPostgres) -> None:
    tools = str(server.binary("psql").parent)
    reader = Reader(
        folder,
        psql=[str(server.binary("psql")), server.url_of("postgres")],
        path=[tools],
        replace={
            "@db.example:5432/shop_again": f"@/shop_again?host={server.run}",
            "@db.example:5432/shop": f"@/shop?host={server.run}",
        },
    )
    reader.read(GUIDES / "your-own-postgresql.md")


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ("```sh\nfalse\n```\n", "ended with 1"),
        ("```python\nassert 1 == 2\n```\n", "AssertionError"),
        ("```sh\necho one\n```\n\n```text\ntwo\n```\n", "where the guide says"),
    ],
)
def test_a_guide_that_is_wrong_is_noticed(folder: Path, wrong: str, why: str) -> None:
    guide = folder / "guide.md"
    guide.write_text(wrong)
    with pytest.raises(GuideWrongError, match=why):
        Reader(folder).read(guide)


def test_a_first_order_is_placed_paid_handed_over_and_refunded(folder: Path) -> None:
    Reader(folder).read(GUIDES / "first-order.md")


def test_data_is_imported_and_bad_rows_are_pointed_at(folder: Path) -> None:
    Reader(folder).read(GUIDES / "import-your-data.md")


def test_a_person_is_handed_out_and_erased(folder: Path) -> None:
    Reader(folder).read(GUIDES / "erase-a-person.md")


def test_what_was_backed_up_comes_back_to_a_moment(folder: Path) -> None:
    Reader(folder).read(GUIDES / "back-up-and-restore.md")


def test_stock_moves_between_stores_is_counted_and_valued(folder: Path) -> None:
    Reader(folder).read(GUIDES / "move-stock-between-stores.md")


def test_a_day_at_the_till_is_opened_sold_counted_and_closed(folder: Path) -> None:
    Reader(folder).read(GUIDES / "a-day-at-the-till.md")


def test_a_system_is_connected_by_calls_webhooks_and_the_feed(folder: Path) -> None:
    shutil.copytree(CLIENT, folder / CLIENT.name)  # what pip would install
    Reader(folder).read(GUIDES / "connect-your-system.md")

"""Which brands the demo has."""

from midstage.demo.story import Story
from midstage.processes import CannotStartError

ALL = ("journey", "yunzhi")
FIRST_LOGIN = {"journey": "journey-admin", "yunzhi": "yunzhi-admin"}


def story(code: str, sandbox_url: str) -> Story:
    """How a brand is loaded. Raises CannotStartError where its data is not installed."""
    if code == "yunzhi":
        from midstage.demo.yunzhi import Yunzhi  # noqa: PLC0415  # a hand may never need it

        return Yunzhi(sandbox_url)
    check_data()
    from midstage.demo.journey import JourneyMarket  # noqa: PLC0415  # needs numpy, which only the demo's extra brings

    return JourneyMarket(sandbox_url)


def check_data() -> None:
    """Raises CannotStartError where the data of Journey Market, or what reads it, is not installed."""
    try:
        from midstage.demo import data  # noqa: PLC0415  # as above

        there = data.is_there()
    except ModuleNotFoundError:
        there = False
    if not there:
        raise CannotStartError(
            "Journey Market needs its data: pip install 'midstage[demo]' (or start with --only yunzhi)"
        )

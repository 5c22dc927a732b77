"""What the doctor proves of tills: every shift by its tenders and by the ledger, to the cent."""

from midstage.kit.database import Tx
from midstage.kit.findings import Finding
from midstage.middle.payments.figures import shift_figures
from midstage.middle.payments.store import shift as store
from midstage.middle.payments.till_types import EXCHANGE, ShiftFigures, ShiftState

_AT_ONCE = 500
_MOST = 20


async def till_checks(tx: Tx) -> list[Finding]:
    """The shifts whose tenders, cash and count are not what the ledger has, at most 20."""
    found: list[Finding] = []
    after = None
    while len(found) < _MOST:
        shifts = await store.shifts_after(tx, after, _AT_ONCE)
        if not shifts:
            break
        after = shifts[-1].shift_id
        for figures in await shift_figures(tx, shifts):
            found += _wrong_with(figures)
    return found[:_MOST]


def _wrong_with(figures: ShiftFigures) -> list[Finding]:
    shift = figures.shift
    row = {
        "shift_id": str(shift.shift_id),
        "drawer_minor": figures.drawer_minor,
        "ledger_drawer_minor": figures.ledger_drawer_minor,
        "expected_minor": shift.expected_minor,
    }
    found: list[Finding] = []
    if not figures.agrees:
        found.append(Finding("payments.till", "a shift is not what the ledger has", row))
    if shift.state is ShiftState.CLOSED and shift.expected_minor != figures.drawer_minor:
        found.append(Finding("payments.till_count", "a drawer was counted against another sum than its tenders", row))
    if any(one.method == EXCHANGE and one.taken_minor != one.given_back_minor for one in figures.methods):
        found.append(Finding("payments.till_exchange", "what came back in an exchange is not what it paid for", row))
    return found

"""What a till scans: many barcodes in one statement."""

from collections.abc import Sequence

from midstage.kit.database import Tx
from midstage.middle.catalogue import barcodes
from midstage.middle.catalogue.listing_types import Selling
from midstage.middle.catalogue.offers import MAX_BARCODE, judged
from midstage.middle.catalogue.store import scans as store
from midstage.middle.catalogue.types import Offer


async def scanned_offers(tx: Tx, scanned: Sequence[str], *, at: Selling | None = None) -> dict[str, tuple[Offer, int]]:
    """What each code stands for, in any state, and how much of it; unknown codes are left out. One statement.

    With `at` each offer says whether it is sold there, as `offers` does.
    """
    asked = {code: barcodes.places(code) for code in scanned if len(code) <= MAX_BARCODE}
    places = list(dict.fromkeys(place for found in asked.values() for place in found))
    known = await store.scanned_offers(tx, places, at) if places else {}
    sold = await judged(tx, {place: (offer, goods) for place, (offer, goods, _) in known.items()}, at)
    return {
        code: (sold[place], known[place][2])
        for code, found in asked.items()
        if (place := next((one for one in found if one in known), None)) is not None
    }

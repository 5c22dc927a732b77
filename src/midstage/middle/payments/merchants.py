"""Merchants: whose money is collected through which provider, with settings, and secrets by reference."""

import time
from collections.abc import Mapping
from uuid import UUID

import msgspec

from midstage.kit.database import Tx
from midstage.kit.ids import BrandId, new_id
from midstage.middle.organisation import api as organisation
from midstage.middle.payments import secret, store
from midstage.middle.payments.provider import provider as provider_of
from midstage.middle.payments.refusals import (
    BadMerchant,
    NoSuchMerchant,
    NotCollecting,
    RealMoney,
)
from midstage.middle.payments.types import (
    Merchant,
    MerchantId,
    Tender,
)

# Every callback needs its merchant; a change reaches all processes within this time.
KEPT_S = 30.0
# The provider that a brand for trying out may have, and no other.
SANDBOX = "sandbox"
_KEPT_MOST = 10_000
_kept: dict[tuple[BrandId, MerchantId], tuple[Merchant, float]] = {}


async def put_merchant(
    tx: Tx,
    *,
    provider: str,
    payee: UUID | None,
    settings: Mapping[str, str],
    secrets: Mapping[str, str],
    fee_millionths: int | None = None,
) -> Merchant:
    """Give a payee (None: the brand) its account at a provider, in place of an earlier one there.

    A payee is one that an operator names at present; `fee_millionths` is what the provider charges of a payment, as
    agreed. `secrets` are references (`env:SECRET_NAME`, `file:name`).
    Raises UnknownProvider, RealMoney, BadMerchant, NotCollecting.
    """
    if tx.tenant.sandbox and provider != SANDBOX:
        raise RealMoney(provider)
    installed = provider_of(provider)
    _check_names("settings", settings, installed.settings)
    _check_names("secrets", secrets, installed.secrets)
    for name, reference in secrets.items():
        secret.check_reference(name, reference)
    if payee is not None:
        await _check_payee(tx, payee)
    if fee_millionths is not None and not 0 <= fee_millionths <= 1_000_000:
        raise BadMerchant("fee_millionths", "a fee is a part of the payment, in millionths")
    merchant = Merchant(MerchantId(new_id()), payee, provider, dict(settings), dict(secrets))
    put = await store.put_merchant(tx, msgspec.structs.replace(merchant, fee_millionths=fee_millionths))
    _kept.pop((tx.brand, put.merchant_id), None)
    tx.note(
        "payments.merchant_put",
        "merchant",
        put.merchant_id,
        after={
            "provider": provider,
            "payee": payee,
            "settings": put.settings,
            "secrets": put.secrets,
            "fee_millionths": fee_millionths,
        },
    )
    return put


async def pause_merchant(tx: Tx, merchant_id: MerchantId) -> Merchant:
    """Start nothing new there; put_merchant opens it again. Raises NoSuchMerchant."""
    paused = await store.pause_merchant(tx, merchant_id)
    if paused is None:
        raise NoSuchMerchant("")
    _kept.pop((tx.brand, merchant_id), None)
    tx.note("payments.merchant_paused", "merchant", merchant_id, after={"state": paused.state.value})
    return paused


async def merchants(tx: Tx) -> list[Merchant]:
    """All merchants of the brand."""
    return await store.merchants(tx)


async def merchants_for(tx: Tx, payee: UUID | None) -> list[Merchant]:
    """The accounts of a payee (None: the brand) that are open at the moment: the ways to pay that a shopper sees."""
    return await store.merchants_for(tx, payee, None)


async def merchant_for(tx: Tx, payee: UUID | None, *, provider: str | None) -> Merchant:
    """Which account of a payee collects through a provider (None: any). Raises NoSuchMerchant."""
    found = await store.merchants_for(tx, payee, provider)
    if not found:
        raise NoSuchMerchant(provider or "any provider")
    return found[0]


async def merchant_of(tx: Tx, merchant_id: MerchantId) -> Merchant:
    """One merchant, as it was at most KEPT_S ago. Raises NoSuchMerchant."""
    place = (tx.brand, merchant_id)
    kept = _kept.get(place)
    if kept is not None and kept[1] > time.monotonic():
        return kept[0]
    found = await store.read_merchant(tx, merchant_id)
    if found is None:
        raise NoSuchMerchant("")
    if len(_kept) >= _KEPT_MOST:
        _kept.clear()
    _kept[place] = (found, time.monotonic() + KEPT_S)
    return found


async def merchant_of_tender(tx: Tx, tender: Tender) -> Merchant:
    """The merchant through which money came. Raises NoSuchMerchant where it was taken by hand."""
    if tender.merchant_id is None:
        raise NoSuchMerchant(tender.method)
    return await merchant_of(tx, tender.merchant_id)


def forget(tx: Tx, merchant: Merchant) -> None:
    """Read a merchant and its secrets anew at the next use."""
    _kept.pop((tx.brand, merchant.merchant_id), None)
    secret.forget(merchant)


async def _check_payee(tx: Tx, payee: UUID) -> None:
    """Raises NotCollecting where no operator that is open names this payee."""
    for operator in (await organisation.operators(tx)).values():
        if operator.payee is not None and operator.payee.payee_id == payee:
            if operator.state == organisation.State.CLOSED:
                break
            return
    raise NotCollecting(payee)


def _check_names(what: str, given: Mapping[str, str], wanted: frozenset[str]) -> None:
    for name in sorted(wanted - given.keys()):
        raise BadMerchant(name, f"it is missing in the {what}")
    for name in sorted(given.keys() - wanted):
        raise BadMerchant(name, f"the {what} of this provider know no such name")

"""Merchants: whose money is collected where; secrets by reference alone."""

from uuid import uuid4

import pytest

from midstage.adapters.sandbox_pay.provider import SandboxPay
from midstage.kit.clock import Tenant
from midstage.kit.database import Database, Tx
from midstage.middle.organisation import api as organisation
from midstage.middle.payments import api as payments

SETTINGS = {"base_url": "http://127.0.0.1:9", "merchant_no": "M"}
SECRETS = {"secret": "env:SECRET_OF_MERCHANT"}


@pytest.fixture(autouse=True)
def installed() -> None:
    payments.register(SandboxPay())


async def put(tx: Tx, **other: object) -> payments.Merchant:
    given = {"provider": "sandbox", "payee": None, "settings": SETTINGS, "secrets": SECRETS, **other}
    return await payments.put_merchant(tx, **given)  # type: ignore[arg-type]  # wrong values are the test


async def test_a_payees_payments_go_to_its_own_account_and_to_no_other(db: Database, tenant: Tenant) -> None:
    payee = organisation.Payee("加盟商", "sandbox", "A1")
    new = organisation.NewOperator(code="F1", name="加盟商", kind=organisation.OperatorKind.FRANCHISEE, payee=payee)
    async with db.writing(tenant) as tx:
        await organisation.create_operator(tx, new)
        own, brands = await put(tx, payee=payee.payee_id), await put(tx)
        assert await payments.merchant_for(tx, payee.payee_id, provider=None) == own
        assert await payments.merchant_for(tx, None, provider="sandbox") == brands
        assert await payments.merchants_for(tx, payee.payee_id) == [own]
        with pytest.raises(payments.NoSuchMerchant):
            await payments.merchant_for(tx, uuid4(), provider="sandbox")


async def test_putting_again_changes_the_account_and_keeps_its_id(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        first = await put(tx)
        second = await put(tx, settings={**SETTINGS, "merchant_no": "N"})
        assert second.merchant_id == first.merchant_id
        assert await payments.merchants(tx) == [second]
        assert await payments.merchant_of(tx, first.merchant_id) == second


async def test_a_paused_merchant_collects_nothing_new_and_is_still_known(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        merchant = await put(tx)
        await payments.pause_merchant(tx, merchant.merchant_id)
        with pytest.raises(payments.NoSuchMerchant):
            await payments.merchant_for(tx, None, provider=None)
        assert (await payments.merchant_of(tx, merchant.merchant_id)).state is payments.MerchantState.PAUSED


@pytest.mark.parametrize(
    "other",
    [
        {"secrets": {"secret": "my-real-secret-typed-in"}},
        {"secrets": {"secret": "env:PATH"}},
        {"secrets": {"secret": "file:../../etc/shadow"}},
        {"secrets": {}},
        {"settings": {"base_url": "http://127.0.0.1:9"}},
        {"settings": {**SETTINGS, "secret": "x"}},
    ],
)
async def test_a_secret_is_a_reference_and_settings_are_those_of_the_provider(
    db: Database, tenant: Tenant, other: dict[str, object]
) -> None:
    async with db.writing(tenant) as tx:
        with pytest.raises(payments.BadMerchant):
            await put(tx, **other)
        assert await payments.merchants(tx) == []


async def test_nobody_collects_for_a_payee_that_no_operator_names(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        with pytest.raises(payments.NotCollecting):
            await put(tx, payee=uuid4())


async def test_a_provider_that_is_not_installed_is_refused(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        with pytest.raises(payments.UnknownProvider):
            await put(tx, provider="nobody")

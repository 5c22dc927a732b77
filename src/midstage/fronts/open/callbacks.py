"""Where a payment provider calls back: the signature is the only credential, and is checked before anything else."""

from uuid import UUID

from litestar import Response, post
from litestar.params import FromPath

from midstage.fronts._http.desk import AnyRequest, desk_of
from midstage.kit.audit import Principal
from midstage.kit.database import Tx
from midstage.middle.orders import api as orders
from midstage.middle.payments import api as payments


@post("/{brand:str}/{merchant_id:uuid}", status_code=200)
async def arrived(brand: FromPath[str], merchant_id: FromPath[UUID], request: AnyRequest) -> Response[bytes]:
    """Take a provider's word, once. The answer `success` ends the provider's retries; a refusal lets it come again."""
    desk = desk_of(request)
    tenant = await desk.tenant(brand)
    merchant = payments.MerchantId(merchant_id)
    by = Principal("provider", merchant_id)
    body = await request.body()
    headers = {name.lower(): value for name, value in request.headers.items()}
    async with desk.database.reading(tenant, by=by) as tx:
        notice = await payments.read_notice(tx, merchant, headers, body)

    async def take(tx: Tx) -> None:
        await orders.notice_arrived(tx, notice)

    await desk.database.attempt(tenant, take, by=by)
    return Response(b'{"code":"success"}', media_type="application/json")

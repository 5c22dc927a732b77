"""What an endpoint may be, and what is kept of its secret."""

import pytest

from kit.webhooks.post import Post
from kit.webhooks.receiver import Receiver
from midstage.kit.ids import new_id
from midstage.kit.webhooks import api as webhooks


async def test_a_secret_is_kept_sealed_and_shown_once(post: Post, receiver: Receiver) -> None:
    endpoint_id, secret = await post.make(receiver.url)
    async with post.database.reading(post.tenant) as tx:
        kept = await tx.value("select secret from webhook_endpoint where brand_id = $1", tx.brand)
        audit = await tx.rows("select after from audit where brand_id = $1", tx.brand)
    assert secret.encode() not in kept
    assert len(kept) == 1 + 4 + 12 + 32 + 16
    assert secret not in str(audit)
    assert secret not in repr(await post.endpoint(endpoint_id))


@pytest.mark.parametrize(
    ("draft", "why"),
    [
        (webhooks.EndpointDraft("https://127.0.0.1/"), webhooks.BadAddress),
        (webhooks.EndpointDraft("https://example.com/", ["NobodyKnowsThis"]), webhooks.NoSuchFactType),
    ],
)
async def test_what_makes_no_sense_is_not_made(post: Post, draft: webhooks.EndpointDraft, why: type[Exception]) -> None:
    async with post.database.writing(post.tenant) as tx:
        with pytest.raises(why):
            await webhooks.make(tx, draft, loopback=False)
        assert await webhooks.endpoints(tx) == []


async def test_a_brand_has_so_many_webhooks(post: Post) -> None:
    async with post.database.writing(post.tenant) as tx:
        for nth in range(50):
            await webhooks.make(tx, webhooks.EndpointDraft(f"https://example.com/{nth}"), loopback=False)
        with pytest.raises(webhooks.TooManyEndpoints):
            await webhooks.make(tx, webhooks.EndpointDraft("https://example.com/51"), loopback=False)


async def test_what_is_not_there_is_not_found(post: Post) -> None:
    nobody = new_id()
    async with post.database.writing(post.tenant) as tx:
        draft = webhooks.EndpointDraft("https://example.com/")
        for asked in (
            webhooks.endpoint(tx, nobody),
            webhooks.change(tx, nobody, draft, seen=1, loopback=False),
            webhooks.remove(tx, nobody),
            webhooks.replay_from(tx, nobody, number=1),
            webhooks.replay_one(tx, nobody, 1),
            webhooks.replay_failed(tx, nobody),
        ):
            with pytest.raises(webhooks.NoSuchEndpoint):
                await asked
    with pytest.raises(webhooks.NoSuchEndpoint):
        await webhooks.ping(post.database, post.tenant, post.outside, webhooks.EndpointId(nobody))


async def test_a_removed_webhook_gets_nothing_and_leaves_nothing(post: Post, receiver: Receiver) -> None:
    endpoint_id, _ = await post.make(receiver.url)
    await post.number()
    await post.send()
    async with post.database.writing(post.tenant) as tx:
        await webhooks.remove(tx, endpoint_id)
    await post.number()
    await post.send()
    assert len(receiver.got) == 1
    async with post.database.reading(post.tenant) as tx:
        assert await tx.value("select count(*) from webhook_delivery where brand_id = $1", tx.brand) == 0

"""No address that somebody typed in leads to the machines beside us, whatever it is written like or resolves to."""

import base64
import ipaddress
from datetime import UTC, datetime

import pytest

from kit.webhooks.receiver import Receiver
from midstage.kit.webhooks import api as webhooks
from midstage.kit.webhooks import outside, pauses, signing

PUBLIC = ipaddress.ip_address("93.184.216.34")


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "https://localhost/",
        "https://[::1]/",
        "https://10.1.2.3/",
        "https://192.168.1.1:8200/",
        "https://169.254.169.254/latest/meta-data",
        "https://0.0.0.0/",
        "https://[fe80::1]/",
        "https://[fd00::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[2002:7f00:1::]/",
        "https://[2001:0:7f00:1::]/",
        "https://224.0.0.1/",
        "http://example.com/",
        "ftp://example.com/",
        "https://user:secret@example.com/",
        "https://example.com/#part",
        "https:///nowhere",
        "https://exa mple.com/",
        "https://例子.com/",
        "https://example.com:99999/",
        "nonsense",
        "https://example.com/" + "a" * 1000,
    ],
)
def test_such_an_address_is_not_taken(url: str) -> None:
    with pytest.raises(webhooks.BadAddress):
        outside.check_url(url, loopback=False)


@pytest.mark.parametrize(
    "url", ["https://example.com/hook?a=1", "https://93.184.216.34:8443/x", "https://[2606:4700::1]/"]
)
def test_an_address_of_the_internet_is_taken(url: str) -> None:
    outside.check_url(url, loopback=False)


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.7", "::1", "::ffff:192.168.0.1", "100.64.0.1"])
async def test_a_name_that_leads_inside_is_not_called(address: str) -> None:
    async def resolve(_: str, __: int) -> list[outside.Address]:
        return [PUBLIC, ipaddress.ip_address(address)]

    async with webhooks.Outside(loopback=False, timeout_s=1, resolve=resolve) as way:
        outcome = await way.post("https://rebinds.example.com/", {}, b"{}")
    assert (outcome.arrived, outcome.status) == (False, None)
    assert "not one of the internet" in outcome.told


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "127.1", "localtest.example.com"])
async def test_other_spellings_of_this_machine_are_seen_through(host: str) -> None:
    async def resolve(_: str, __: int) -> list[outside.Address]:
        return [ipaddress.ip_address("127.0.0.1")]

    async with webhooks.Outside(loopback=False, timeout_s=1, resolve=resolve) as way:
        assert not (await way.post(f"https://{host}/", {}, b"{}")).arrived


async def test_this_machine_is_called_only_where_that_is_allowed() -> None:
    async with Receiver() as receiver:
        async with webhooks.Outside(loopback=True, timeout_s=1) as way:
            assert (await way.post(receiver.url, {}, b"{}")).arrived
            assert not (await way.post("https://10.0.0.1/", {}, b"{}")).arrived
        async with webhooks.Outside(loopback=False, timeout_s=1) as way:
            assert not (await way.post(receiver.url, {}, b"{}")).arrived
        assert len(receiver.got) == 1


def test_a_signature_is_that_of_the_published_example() -> None:
    # The worked example of the libraries of Standard Webhooks.
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    at = datetime.fromtimestamp(1614265330, UTC)
    headers = signing.headers("msg_p5jXN8AQM9LWM0D4loKWxJek", at, b'{"test": 2432232314}', [key])
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert signing.shown(key) == "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_pauses_grow_to_their_limit() -> None:
    tries = [pauses.until_next_try(attempts, 0.5) for attempts in range(1, 40)]
    assert tries == sorted(tries)
    assert (tries[0], tries[-1]) == (pauses.FIRST, pauses.LONGEST)
    rests = [pauses.rest(failures, 0.5) for failures in range(60)]
    assert rests == sorted(rests)
    assert (rests[pauses.TRIP - 1].total_seconds(), rests[-1]) == (0, pauses.LONGEST_REST)
    assert pauses.rest(50, 0.0) < pauses.LONGEST_REST < pauses.rest(50, 0.999)

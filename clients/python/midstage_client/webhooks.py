"""Verify what comes to a webhook: signature and age, as Standard Webhooks 1.0 has them. Written by hand."""

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Mapping

import msgspec

from midstage_client.models import FactMessage

OLDEST_S = 300
PREFIX = "whsec_"


class NotVerified(Exception):  # noqa: N818  # it is about the message
    """The message is not from whom it says, was changed, or is too old. Answer 400, and believe nothing of it."""


def verify(secret: str, headers: Mapping[str, str], body: bytes, *, now: float | None = None) -> FactMessage:
    """The fact of a message that was signed with this secret. Raises NotVerified.

    `headers` may be written in any case; `body` is what came, byte for byte. The same fact may come twice: drop what
    has an `id` that you have seen.
    """
    told = {name.lower(): value for name, value in headers.items()}
    try:
        message_id, stamp = told["webhook-id"], told["webhook-timestamp"]
        given = told["webhook-signature"].split(" ")
        age = (time.time() if now is None else now) - int(stamp)
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (KeyError, ValueError, binascii.Error) as error:
        raise NotVerified("a header is missing or cannot be read") from error
    if abs(age) > OLDEST_S:
        raise NotVerified("it was signed too long ago, or a clock is wrong")
    signed = f"{message_id}.{stamp}.".encode() + body
    wanted = b"v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256))
    if not any(hmac.compare_digest(wanted, one.encode()) for one in given):
        raise NotVerified("its signature is wrong")
    try:
        return msgspec.json.decode(body, type=FactMessage)
    except msgspec.DecodeError as error:
        raise NotVerified("it is no fact") from error

"""`python -m midstage.adapters.sandbox_pay`: start the simulated payment provider."""

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path

from granian.constants import Interfaces
from granian.server.embed import Server

from midstage.adapters.sandbox_pay.service import Config, app_of

SECRET_BYTES_MIN = 16


def main() -> int:
    """Read the command line and serve until a signal comes; 2 and one line for what is missing."""
    given = _arguments()
    try:
        secret = (
            Path(given.secret_file).read_bytes().strip()
            if given.secret_file
            else os.environ.get(given.secret_env, "").encode()
        )
    except OSError as error:
        return _missing(f"the secret cannot be read: {error}")
    if len(secret) < SECRET_BYTES_MIN:
        return _missing(f"the secret needs {SECRET_BYTES_MIN} bytes or more: give --secret-file or --secret-env")
    data = Path(given.data)
    data.parent.mkdir(parents=True, exist_ok=True)
    public_url = (given.public_url or f"http://{given.host}:{given.port}").rstrip("/")
    config = Config(secret, public_url, data, given.zone, given.retry_base_ms, given.fee_millionths)
    asyncio.run(_serve(config, given.host, given.port))
    return 0


async def _serve(config: Config, host: str, port: int) -> None:
    server = Server(app_of(config), address=host, port=port, interface=Interfaces.ASGI, log_enabled=False)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, server.stop)
    await server.serve()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m midstage.adapters.sandbox_pay",
        description="A simulated payment provider for development and tests. No money moves.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; leave it on this machine")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--data", required=True, help="the SQLite file that keeps the book")
    secret = parser.add_mutually_exclusive_group(required=True)
    secret.add_argument("--secret-file", help="file with the secret that merchants sign with")
    secret.add_argument("--secret-env", help="environment variable with it")
    parser.add_argument("--public-url", default="", help="how browsers reach it; default is host and port")
    parser.add_argument("--zone", default="Asia/Shanghai", help="time zone of the daily statement")
    parser.add_argument("--fee-millionths", type=int, default=0, help="what it keeps of a payment, 6000 is 0.6 %")
    parser.add_argument("--retry-base-ms", type=int, default=1000, help="pause before the first retry of a callback")
    return parser.parse_args()


def _missing(what: str) -> int:
    sys.stderr.write(f"sandbox_pay: {what}\n")
    return 2


if __name__ == "__main__":
    sys.exit(main())

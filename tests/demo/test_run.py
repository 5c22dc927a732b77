"""`midstage demo` as a new user meets it: it says three lines, they place and pay an order, and it stops without a trace."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psutil
import pytest

from midstage.demo import brands, run
from midstage.demo.story import PASSWORD
from midstage.kit.settings import Settings
from midstage.processes import CannotStartError, free_port

WITHIN_S = 90


def start(home: Path, database_url: str, port: int, sandbox_port: int) -> subprocess.Popen[str]:
    """The demo of the small brand on a database that is there, with its output in a file."""
    environment = {
        **os.environ,
        "MIDSTAGE_HOME": str(home),
        "MIDSTAGE_DATABASE_URL": database_url,
        "MIDSTAGE_PORT": str(port),
        "MIDSTAGE_SANDBOX_PORT": str(sandbox_port),
        "MIDSTAGE_API_PROCESSES": "1",
    }
    with (home / "said").open("w") as said:
        return subprocess.Popen(
            [sys.executable, "-m", "midstage.cli", "demo", "--only", "yunzhi"],
            stdout=said,
            stderr=said,
            env=environment,
            text=True,
        )


def said(home: Path, demo: subprocess.Popen[str], what: str) -> str:
    """What the demo says, once it has said this."""
    until = time.monotonic() + WITHIN_S
    while what not in (text := (home / "said").read_text()):
        assert demo.poll() is None, text
        assert time.monotonic() < until, text
        time.sleep(0.1)
    return text


def test_three_lines_place_and_pay_an_order(own_database_url: str, tmp_path: Path) -> None:
    port, sandbox_port = free_port(), free_port()
    demo = start(tmp_path, own_database_url, port, sandbox_port)
    try:
        text = said(tmp_path, demo, "(started in")
        lines = re.findall(r"^(?:order=|cashier=|curl ).*$", text, flags=re.MULTILINE)
        assert len(lines) == 3
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", "\n".join([*lines, "echo", "echo $order"])],
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        )
        order_id = done.stdout.splitlines()[-1]
        token = re.search(r"Bearer ([^']+)'", lines[0])
        assert token is not None
        assert paid(f"http://127.0.0.1:{port}/v1/mall/yunzhi/orders/{order_id}", token.group(1))
        assert PASSWORD in text
        children = psutil.Process(demo.pid).children(recursive=True)
    finally:
        demo.send_signal(signal.SIGINT)
        demo.wait(30)
    assert demo.returncode == 0
    assert not [child for child in children if child.is_running()]
    assert "Everything is stopped" in (tmp_path / "said").read_text()


def paid(address: str, token: str) -> bool:
    """Whether the callback of the cashier arrives in time."""
    until = time.monotonic() + 15
    while time.monotonic() < until:
        order = httpx.get(address, headers={"Authorization": f"Bearer {token}"}).json()
        if order["state"] == "paid":
            return bool(order["paid_minor"] == order["total_minor"] > 0)
        time.sleep(0.1)
    return False


def test_a_taken_port_is_said_in_one_line_before_anything_is_loaded() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken: int = other.getsockname()[1]
        with pytest.raises(CannotStartError, match="MIDSTAGE_PORT"):
            run._check_ports(Settings(port=taken, sandbox_port=free_port()))  # pyright: ignore[reportPrivateUsage]  # a fault from inside


def test_data_that_is_not_installed_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("midstage.demo.data.is_there", lambda: False)
    with pytest.raises(CannotStartError, match=r"midstage\[demo\]"):
        brands.check_data()

"""A process of several ends with who forked it."""

import os
import signal
import subprocess
import sys
import time

import psutil

PARENT = """
import multiprocessing, os, time
from midstage.kit import orphans

def child():
    {late}
    orphans.end_with_parent()
    os.write(1, b"%d\\n" % os.getpid())
    time.sleep(60)

if __name__ == "__main__":
    one = multiprocessing.get_context("fork").Process(target=child)
    one.start()
    os.write(1, b"%d\\n" % one.pid)
    one.join()
"""


def _is_gone(pid: int, within_s: float) -> bool:
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False


def _kill_parent(late: str, lines: int) -> bool:
    """Kill the parent when so many lines were said; whether the child is gone then."""
    with subprocess.Popen([sys.executable, "-c", PARENT.format(late=late)], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        said = [int(parent.stdout.readline()) for _ in range(lines)]
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()
        return _is_gone(said[0], 10)


def test_a_child_is_killed_with_its_parent() -> None:
    assert _kill_parent("pass", 2)


def test_a_child_whose_parent_died_before_it_was_ready_ends_at_once() -> None:
    assert _kill_parent("time.sleep(0.3)", 1)

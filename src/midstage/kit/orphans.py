"""No process of several outlives who started them: it would go on answering at our port, with the program of before."""

import contextlib
import ctypes
import multiprocessing
import os
import signal

_PR_SET_PDEATHSIG = 1


def end_with_parent() -> None:
    """Let Linux kill this process as soon as who forked it is dead; at once, if it is dead already.

    A process that nobody forked (an ASGI server of one process) is left alone.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # It may have died while this one was still loading.
    if os.getppid() != parent.pid:
        os.kill(os.getpid(), signal.SIGKILL)

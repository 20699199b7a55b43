"""The quick program in front of `tests.preloaded`: what it is started with, a fork of that process gets.

Its arguments, streams, folder, environment and umask go there; the exit code comes back, and signals are passed on, all
but SIGKILL. It imports next to nothing, so that it starts in 20 ms.
"""

import contextlib
import json
import os
import signal
import socket
import sys

PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(address: str, *arguments: str) -> None:
    """Have it run, and end as it ended."""
    streams = [number for number in range(3) if is_open(number)]  # before anything else is opened
    here = os.open(".", os.O_RDONLY)
    umask = os.umask(0o077)
    call = {"arguments": arguments, "environment": dict(os.environ), "umask": umask, "streams": streams}
    with socket.socket(socket.AF_UNIX) as server, server.makefile() as answers:
        server.connect(address)
        socket.send_fds(server, [b"."], [here, *streams])
        server.sendall(json.dumps(call).encode() + b"\n")
        process = int(answers.readline())

        def pass_on(number: int, _frame: object) -> None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, number)

        for number in PASSED_ON:
            signal.signal(number, pass_on)
        end_as(int(answers.readline()))


def is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def end_as(code: int) -> None:
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""`corridor` for a shell that types it fifty times: forked from a process that has everything imported.

Run as a server with the path of a socket; the program a shell runs is `SHIM`, which hands over arguments, environment,
folder and the three standard streams, and ends as the command ended.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
from contextlib import suppress

SHIM = """#!{python} -IS
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as door:
    door.connect({path!r})
    asked = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
    socket.send_fds(door, [len(asked).to_bytes(4, "big") + asked], [0, 1, 2])
    sys.exit((door.recv(1) or b"\\x7f")[0])
"""


def serve(path: str) -> None:
    from gateway.cli.main import main

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(path)
        door.listen()
        print("ready", flush=True)
        while True:
            caller, _ = door.accept()
            if os.fork() == 0:
                _answer(caller, main)
            caller.close()


def _answer(caller: socket.socket, main: object) -> None:
    code = 127
    try:
        data, streams, _, _ = socket.recv_fds(caller, 65536, 3)
        while len(data) < 4 + int.from_bytes(data[:4], "big"):
            data += caller.recv(65536)
        arguments, folder, environment = json.loads(data[4:])
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        threading.Thread(target=_end_with, args=(caller,), daemon=True).start()
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        sys.argv = ["corridor", *arguments]
        try:
            main()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        with suppress(OSError):
            caller.send(bytes([code]))
        os._exit(code)


def _end_with(caller: socket.socket) -> None:
    """Whoever typed the command has killed it: the shim at the other end is gone."""
    if not caller.recv(1):
        os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    serve(sys.argv[1])

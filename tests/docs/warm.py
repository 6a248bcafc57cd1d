"""A process that has loaded Tearline already, and forks for each command of a page.

Loading takes the most part of a short command. What is run is the same: a process of its own with
the caller's arguments, folder, environment, streams and group. The pages of the README start each
command anew, as a reader does.

    python -m tests.docs.warm SOCKET    # then each command through `tearline` beside this file
"""

import atexit
import gc
import importlib
import json
import os
import pkgutil
import signal
import socket
import sys
from collections.abc import Callable

import tearline

STARTER = """#!{python} -IS
import json, os, signal, socket, sys
line = socket.socket(socket.AF_UNIX)
line.connect({at!r})
asked = json.dumps([os.getpgrp(), sys.argv, os.getcwd(), dict(os.environ)]).encode()
socket.send_fds(line, [len(asked).to_bytes(4, "big")], [0, 1, 2])
line.sendall(asked)
child = int.from_bytes(line.recv(4), "big")
for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(each, lambda number, _: os.kill(child, number))
ended = line.recv(1)
sys.exit(ended[0] if ended else 128 + signal.SIGKILL)
"""


def serve(at: str) -> None:
    """Fork for whoever connects, until ended; a child goes on with what was asked, and ends."""
    main = _load()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(at)
        door.listen()
        while True:
            line, _ = door.accept()
            if os.fork() == 0:
                door.close()
                break
            line.close()
    _run(line, main)


def _load() -> Callable[[], None]:
    for each in pkgutil.walk_packages(tearline.__path__, "tearline."):
        if not each.name.endswith(("__main__", "env")) and ".migrations" not in each.name:
            importlib.import_module(each.name)
    main: Callable[[], None] = importlib.import_module("tearline.cli.main").main
    # What is looked at for garbage in a fork is copied first.
    gc.collect()
    gc.freeze()
    return main


def _run(line: socket.socket, main: Callable[[], None]) -> None:
    """Become the command: its streams, group, folder, environment and words.

    At the end nothing is taken apart: that would take ten times as long as a short command.
    """
    size, streams, _, _ = socket.recv_fds(line, 4, 3)
    asked = b""
    while len(asked) < int.from_bytes(size, "big"):
        asked += line.recv(1 << 16)
    group, sys.argv, folder, environment = json.loads(asked)
    os.setpgid(0, group)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdin, sys.stdout = os.fdopen(0), os.fdopen(1, "w")
    sys.stderr = os.fdopen(2, "w", buffering=1)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    line.sendall(os.getpid().to_bytes(4, "big"))
    code = 0
    try:
        main()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    atexit._run_exitfuncs()  # noqa: SLF001  # what is registered to be done at the end, and no more
    sys.stdout.flush()
    sys.stderr.flush()
    line.sendall(bytes([code & 0xFF]))
    os._exit(code & 0xFF)


if __name__ == "__main__":
    serve(sys.argv[1])

"""Real worker processes that start fast: forked by a program that has imported all and opened
nothing, and that holds the socket on which all of them listen."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tearline.store.database import Place
from tests.exchange.nodes import url_of

PROGRAM = """
import os, signal, socket, sys, traceback
from pathlib import Path
import uvicorn
from tearline.node.app import create_app

def work(listening):
    config = uvicorn.Config(
        create_app(Path(sys.argv[1])), loop="uvloop", http="httptools", log_config=None,
        access_log=False, timeout_graceful_shutdown=10,
    )
    uvicorn.Server(config).run(sockets=[listening])

listening = socket.socket(fileno=int(sys.argv[2]))
listening.listen(100)
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for line in sys.stdin:
    worker = os.fork()
    if not worker:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        code = 1
        try:
            work(listening)
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    print(worker, flush=True)
"""


@dataclass
class Workers:
    """The program that forks, and the workers that were not killed yet."""

    url: str
    program: "subprocess.Popen[str]"
    running: list[int]

    def start(self) -> int:
        """Fork one worker; it answers as soon as it can."""
        assert self.program.stdin is not None
        assert self.program.stdout is not None
        self.program.stdin.write("one more\n")
        self.program.stdin.flush()
        self.running.append(int(self.program.stdout.readline()))
        return self.running[-1]

    def stop(self, how: signal.Signals) -> None:
        """Send one worker, the oldest, a signal."""
        os.kill(self.running.pop(0), how)


@contextmanager
def workers(home: Path, place: Place, count: int) -> Iterator[Workers]:
    """Run so many workers of a node until the end."""
    env = os.environ | ({"TEARLINE_STORE": place} if isinstance(place, str) else {})
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        number = listening.fileno()
        program = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(home), str(number)],
            pass_fds=[number],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=env,
        )
        made = Workers(url_of(listening), program, [])
        with program:
            try:
                for _ in range(count):
                    made.start()
                yield made
            finally:
                while made.running:
                    made.stop(signal.SIGKILL)
                program.kill()

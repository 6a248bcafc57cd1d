"""A process that does a node's publish job until its standard input ends; says when it did it."""

import sys
from pathlib import Path

from tearline.agreement.home import open_home
from tearline.node.runner import Job
from tearline.node.runner import _publish as publish


def main() -> None:
    home = open_home(Path(sys.argv[1]))

    def act(now: int) -> None:
        publish(home, now)
        sys.stdout.write(f"{now}\n")
        sys.stdout.flush()

    job = Job(home, "publish", act)
    job.start()
    sys.stdin.read()
    job.stop()
    job.join(10)
    home.store.close()


if __name__ == "__main__":
    main()

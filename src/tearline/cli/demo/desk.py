"""A party's terminal: runs verbs of `tearline` one after the other, in one process for each party.

Each line of standard input is the words of one command line, as JSON; each is run as the `tearline`
command runs it, and answered with its exit code and what it wrote. Starting Python anew for each
of fifty verbs would take longer than the story.
"""

import io
import json
import os
import sys
from contextlib import redirect_stdout


def main() -> None:
    """Run every command line that comes, until there are no more."""
    from tearline.cli.main import run

    # What is not the answer may not stand among the answers: it goes to the log.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        written = io.StringIO()
        with redirect_stdout(written):
            code = run(json.loads(line))
        answers.write(json.dumps({"code": code, "written": written.getvalue()}) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()

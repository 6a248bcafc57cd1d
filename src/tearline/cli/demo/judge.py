"""The third process: it judges the demo, and can see neither home.

Started with the path of a case file, it reads the input files, then one moment on each line of its
standard input, and answers each with the checks that it made. At the end it writes its verdict
and ends with 0 only if every check held. Run as `python -m tearline.cli.demo.judge CASE`.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tearline.cli.demo import after, checks, given
from tearline.cli.demo.evidence import read_inputs
from tearline.cli.demo.findings import Check, Moment
from tearline.cli.demo.known import Case, Known

_FORBIDDEN = ("release", "topics", "store", "agreement.signing", "agreement.home")

_CHECKS: dict[str, Callable[[Known, Moment], list[Check]]] = {
    "rejected": checks.rejected,
    "announced": checks.announced,
    "delivered": given.delivered,
    "approved": after.approved,
    "held": after.held,
    "knocked": checks.knocked,
    "stopped": checks.stopped,
    "lied": checks.lied,
    "recalled": checks.recalled,
    "left": after.left,
}


def main(case_file: Path) -> int:
    """Judge every moment, write the verdict, and return the exit code."""
    case = Case(**json.loads(case_file.read_text("utf-8")))
    _blind(case.homes)
    known = Known(case, read_inputs(case.inputs, case.closer))
    made: list[Check] = []
    for line in sys.stdin:
        moment = json.loads(line)
        found = _judge(known, moment)
        made += found
        _say({"moment": moment["moment"], "checks": [each._asdict() for each in found]})
    made.append(_alone())
    seen = {each.moment for each in made}
    made += [Check(each, "it was judged", holds=False) for each in _CHECKS if each not in seen]
    good = all(each.holds for each in made)
    verdict = {"good": good, "checks": [each._asdict() for each in made], "figures": known.figures}
    Path(case.verdict).write_text(json.dumps(verdict, indent=2), "utf-8")
    return 0 if good else 1


def _judge(known: Known, moment: Moment) -> list[Check]:
    """Make the checks of one moment; what cannot even be read does not hold."""
    name = moment["moment"]
    try:
        return _CHECKS[name](known, moment)
    except Exception as error:  # noqa: BLE001  # whatever is wrong with the evidence is a finding
        return [Check(name, "the evidence can be read", holds=False, detail=repr(error))]


def _blind(homes: list[str]) -> None:
    """Refuse, in this process, to open anything in a home."""

    def _watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event in {"open", "os.listdir", "os.scandir", "sqlite3.connect"} and arguments:
            path = str(arguments[0])
            if any(path.startswith(home) for home in homes):
                raise PermissionError(f"The judge may not see {path}.")

    sys.addaudithook(_watch)


def _alone() -> Check:
    """See that the judge did not ask the code that it judges."""
    loaded = [each for each in sys.modules if each.startswith("tearline.")]
    strange = [m for m in loaded if m.removeprefix("tearline.").startswith(_FORBIDDEN)]
    line = "the judge worked out everything without the code that it judges"
    return Check("end", line, holds=not strange, detail=", ".join(strange))


def _say(value: Moment) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

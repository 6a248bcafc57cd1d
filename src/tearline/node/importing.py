"""The job that imports what browsers brought, one group of files at a time.

A file that cannot be read stores nothing, and the ones after it have their turn. The page is told
after each batch; then it also shows whether somebody wants it to end.
"""

import os
from pathlib import Path

import msgspec
import orjson

from tearline import clock
from tearline.agreement.home import Home
from tearline.errors import InputError, TearlineError
from tearline.exchange.files import import_files
from tearline.exchange.keeping import ImportResult, Refused
from tearline.release import bringing
from tearline.store.imports import ImportJob

_LISTED = 200
"""The most refusals and remarks that are listed of one job; all are counted."""


class _UnwantedError(TearlineError):
    """Somebody wants this import to end."""


class Importing:
    """Import what waits; a step of the job is one group of files, to its end."""

    def __init__(self, home: Home) -> None:
        """Bind the home; `holder` says which process it is."""
        self._home = home
        self._holder = f"{os.getpid()}-{clock.fresh_bytes(8).hex()}"
        self._swept = False

    def __call__(self, now: int) -> None:
        """Do what waits at this moment; the first time, let go of what was left behind."""
        if not self._swept:
            bringing.sweep(self._home, now=now)
            self._swept = True
        while (job := bringing.take(self._home, self._holder, now=now)) is not None:
            self._run(job)
            now = clock.now()

    def _run(self, job: ImportJob) -> None:
        total, state = ImportResult(), "done"
        for number, path in enumerate(bringing.files_of(self._home, job)):
            job = job._replace(file=number, done=0, total=0)

            def tell(done: int, of: int, job: ImportJob = job) -> None:
                self._tell(job._replace(done=done, total=of))

            try:
                self._tell(job)
                total += import_files(
                    self._home,
                    [path],
                    mark=job.marking,
                    grade=job.grade,
                    source=job.source,
                    progress=tell,
                    now=clock.now(),
                )
            except _UnwantedError:
                state = "cancelled"
                break
            except TearlineError as error:
                total += ImportResult(refused=(Refused(_where(error, path), "", error.what),))
            job = job._replace(file=number + 1, result=_text(total))
        if state == "done" and total.refused and not total.stored and not total.unchanged:
            state = "failed"
        bringing.end(self._home, job._replace(result=_text(total)), state, now=clock.now())

    def _tell(self, job: ImportJob) -> None:
        if not bringing.step(self._home, job, now=clock.now()):
            raise _UnwantedError("This import is not wanted any more.")


def _where(error: TearlineError, path: Path) -> str:
    """The file's name and the place in it, without where it lies here."""
    place = error.place if isinstance(error, InputError) else ""
    return place.replace(str(path), path.name) or path.name


def _text(found: ImportResult) -> str:
    value = {
        "stored": found.stored,
        "unchanged": found.unchanged,
        "refused": len(found.refused),
        "refusals": msgspec.to_builtins(found.refused[:_LISTED]),
        "remarks": list(found.remarks[:_LISTED]),
    }
    return orjson.dumps(value).decode()

"""Files that somebody brings by a browser: kept in the home as a job, until a node imports them.

The page waits for nothing: it keeps the files and the labels, and says how far the job is. What an
import keeps and refuses is said where it is done, `exchange.files`; here is only its course.

    <home>/imports/<job>/<number>/<name>    the files of a job, until it has ended
"""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from tearline import clock
from tearline.agreement.home import Home
from tearline.errors import MisuseError, RefusedError
from tearline.release.arrive import Annotation
from tearline.stix.timestamp import format_timestamp
from tearline.store import imports, private
from tearline.store.database import Tx
from tearline.store.imports import OPEN, ImportJob

MOST_WAITING = 5
"""The most jobs that wait or run at a time."""
DEAD_US = 120_000_000
"""After so long without a word, whoever held a job is taken for dead."""
_KEPT = 50
_DAY = 86_400_000_000
_FOLDER = "imports"


class Brought(NamedTuple):
    """A file: what it is called, how long it is, and where its bytes lie now."""

    name: str
    size: int
    at: Path


def bring(
    home: Home,
    files: Sequence[Brought],
    annotation: Annotation,
    *,
    source: str | None,
    person: str,
    now: int,
) -> ImportJob:
    """Keep files to be imported; MisuseError for none, RefusedError where too many jobs wait."""
    if not files:
        raise MisuseError("There is nothing to import.", do="Choose a file.")
    job_id = clock.fresh_bytes(8).hex()
    said = [{"name": each.name, "size": each.size} for each in files]
    text = orjson.dumps(said).decode()
    job = ImportJob(job_id, now, person, text, annotation.marking, annotation.grade, source)
    for number, each in enumerate(files):
        place = _place(home, job_id, number, each.name)
        place.parent.mkdir(mode=0o700, parents=True)
        shutil.move(each.at, place)
    try:
        with home.store.write() as tx:
            _see_room(tx)
            imports.add(tx, job)
            imports.forget(tx, _KEPT)
            line = {"kind": "import-brought", "person": person, "files": said}
            line["at"] = format_timestamp(now, digits=6)
            private.add(tx, "import", [orjson.dumps(line).decode()])
    except BaseException:
        clear(home, job_id)
        raise
    return job


def _see_room(tx: Tx) -> None:
    if imports.number_open(tx) >= MOST_WAITING:
        raise RefusedError(
            f"{MOST_WAITING} imports wait already.",
            means="Nothing was kept.",
            do="Wait for one to end, or cancel it.",
        )


def cancel(home: Home, job_id: str, *, now: int) -> None:
    """Stop a job: what waits is dropped, what runs ends after the batch that it is in.

    What was kept by then stays, whole objects all of it. RefusedError where none waits or runs.
    """
    with home.store.write() as tx:
        job = imports.job_of(tx, job_id)
        if job is None or job.state not in OPEN:
            raise RefusedError("This import has ended.", do="Look at what became of it.")
        imports.unwant(tx, job_id)
        waits = job.state == "waiting"
        if waits:
            imports.put(tx, job._replace(state="cancelled", ended_at=now))
    if waits:
        clear(home, job_id)


def take(home: Home, holder: str, *, now: int) -> ImportJob | None:
    """Take the oldest job whose files lie here, where none runs; None where there is none.

    One that was left behind by a process which says nothing any more is begun again: what it kept
    is not kept twice.
    """
    with home.store.write() as tx:
        for job in imports.open_jobs(tx):
            if job.state == "running" and now < job.beat_at + DEAD_US:
                return None
            if not (home.path / _FOLDER / job.id).is_dir():
                continue
            mine = job._replace(state="running", holder=holder, beat_at=now, done=0, total=0)
            imports.put(tx, mine)
            return mine
    return None


def step(home: Home, job: ImportJob, *, now: int) -> bool:
    """Write how far a job is; false where it is unwanted, or another process took it."""
    with home.store.write() as tx:
        found = imports.job_of(tx, job.id)
        if found is None or found.unwanted or found.holder != job.holder:
            return False
        imports.put(tx, job._replace(beat_at=now))
    return True


def end(home: Home, job: ImportJob, state: str, *, now: int) -> None:
    """Write what became of a job, and let its files go."""
    with home.store.write() as tx:
        imports.put(tx, job._replace(state=state, ended_at=now, beat_at=now))
    clear(home, job.id)


def files_of(home: Home, job: ImportJob) -> list[Path]:
    """The files of a job, each under the name that it was brought under."""
    said: list[Mapping[str, Any]] = orjson.loads(job.files)
    return [_place(home, job.id, number, each["name"]) for number, each in enumerate(said)]


def all_jobs(home: Home) -> list[ImportJob]:
    """The newest jobs, newest first."""
    with home.store.read() as tx:
        return imports.newest(tx, _KEPT)


def sweep(home: Home, *, now: int) -> None:
    """Let go of what lies among the files of jobs and belongs to none that waits or runs.

    A process that died while files came, or before it cleared up, leaves such. What is younger
    than a day may still be coming.
    """
    with home.store.read() as tx:
        known = {each.id for each in imports.open_jobs(tx)}
    folder = home.path / _FOLDER
    for each in folder.iterdir() if folder.is_dir() else ():
        if each.name not in known and each.stat().st_mtime * 1_000_000 < now - _DAY:
            shutil.rmtree(each, ignore_errors=True)


def clear(home: Home, job_id: str) -> None:
    """Let the files of a job go."""
    shutil.rmtree(home.path / _FOLDER / job_id, ignore_errors=True)


def _place(home: Home, job_id: str, number: int, name: str) -> Path:
    return home.path / _FOLDER / job_id / str(number) / name

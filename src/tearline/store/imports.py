"""Files that were brought by a browser and are to be imported: each group is one job.

States: *waiting*, *running*, then *done*, *failed* or *cancelled*. What runs is held by one
process, which says so with every step; who says nothing any more is taken for dead. Who can write
here can have a file imported that lies in the home already, and change what is told of it.
"""

from typing import NamedTuple

from sqlalchemy import BigInteger, Boolean, Column, Integer, Table, delete, func, insert, select
from sqlalchemy import update as change

from tearline.store.columns import Text
from tearline.store.database import Tx, metadata

import_job = Table(
    "import_job",
    metadata,
    Column("id", Text, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("person", Text, nullable=False),
    Column("files", Text, nullable=False),
    Column("marking", Integer),
    Column("grade", Integer),
    Column("source", Text),
    Column("state", Text, nullable=False),
    Column("file", Integer, nullable=False),
    Column("done", BigInteger, nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("result", Text, nullable=False),
    Column("ended_at", BigInteger),
    Column("holder", Text, nullable=False),
    Column("beat_at", BigInteger, nullable=False),
    Column("unwanted", Boolean, nullable=False),
)

OPEN = ("waiting", "running")


class ImportJob(NamedTuple):
    """One job: who brought which files (a JSON list of name, size and hash), and how far it is.

    `file` is the number of files that are through, `done` of `total` objects of the next one;
    `result` the JSON of what became of all so far. `unwanted`: somebody asked to stop it.
    """

    id: str
    at: int
    person: str
    files: str
    marking: int | None
    grade: int | None
    source: str | None
    state: str = "waiting"
    file: int = 0
    done: int = 0
    total: int = 0
    result: str = "{}"
    ended_at: int | None = None
    holder: str = ""
    beat_at: int = 0
    unwanted: bool = False


def add(tx: Tx, job: ImportJob) -> None:
    """Keep a new job."""
    tx.execute(insert(import_job).values(job._asdict()))


def job_of(tx: Tx, job_id: str) -> ImportJob | None:
    """One job by its id."""
    row = tx.execute(select(import_job).where(import_job.c.id == job_id)).one_or_none()
    return ImportJob(*row) if row else None


def newest(tx: Tx, count: int) -> list[ImportJob]:
    """The newest jobs, newest first."""
    query = select(import_job).order_by(import_job.c.at.desc(), import_job.c.id).limit(count)
    return [ImportJob(*row) for row in tx.execute(query)]


def open_jobs(tx: Tx) -> list[ImportJob]:
    """What waits or runs, oldest first."""
    query = select(import_job).where(import_job.c.state.in_(OPEN))
    return [ImportJob(*row) for row in tx.execute(query.order_by(import_job.c.at, import_job.c.id))]


def put(tx: Tx, job: ImportJob) -> None:
    """Write how far a job is; whether it is unwanted stays as it was asked."""
    values = job._asdict()
    del values["unwanted"]
    tx.execute(change(import_job).where(import_job.c.id == job.id).values(values))


def unwant(tx: Tx, job_id: str) -> None:
    """Ask for the end of a job."""
    tx.execute(change(import_job).where(import_job.c.id == job_id).values(unwanted=True))


def forget(tx: Tx, keep: int) -> None:
    """Forget ended jobs, but for so many of the newest."""
    old = (
        select(import_job.c.id)
        .where(import_job.c.state.not_in(OPEN))
        .order_by(import_job.c.at.desc(), import_job.c.id)
    )
    ids = list(tx.execute(old).scalars())[keep:]
    tx.execute(delete(import_job).where(import_job.c.id.in_(ids)))


def number_open(tx: Tx) -> int:
    """How many wait or run."""
    query = select(func.count()).select_from(import_job).where(import_job.c.state.in_(OPEN))
    return int(tx.execute(query).scalar_one())

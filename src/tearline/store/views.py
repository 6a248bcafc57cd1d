"""Views of a list that one of the staff saved: a name for what stands behind the question mark."""

from typing import NamedTuple

from sqlalchemy import BigInteger, Column, Table, delete, func, insert, select

from tearline.store.columns import Text
from tearline.store.database import Tx, metadata

staff_view = Table(
    "staff_view",
    metadata,
    Column("staff", Text, primary_key=True),
    Column("title", Text, primary_key=True),
    Column("query", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
)


class View(NamedTuple):
    """A saved view: what it is called, and the query string that it stands for."""

    title: str
    query: str


def views_of(tx: Tx, staff: str) -> list[View]:
    """The views of one of the staff, by name."""
    query = select(staff_view.c.title, staff_view.c.query).where(staff_view.c.staff == staff)
    return [View(*row) for row in tx.execute(query.order_by(staff_view.c.title))]


def number_of(tx: Tx, staff: str) -> int:
    """How many views one of the staff has."""
    query = select(func.count()).where(staff_view.c.staff == staff)
    return tx.execute(query).scalar_one()


def put(tx: Tx, staff: str, view: View, at: int) -> None:
    """Keep a view; one of the same name gives way."""
    drop(tx, staff, view.title)
    tx.execute(insert(staff_view).values(staff=staff, **view._asdict(), at=at))


def drop(tx: Tx, staff: str, title: str) -> None:
    """Forget a view."""
    its = staff_view.c.staff == staff, staff_view.c.title == title
    tx.execute(delete(staff_view).where(*its))

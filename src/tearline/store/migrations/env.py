"""Run the revisions in the transaction that `tearline.store.schema` opened."""

from typing import Any, Literal

from alembic import context
from sqlalchemy.types import TypeEngine

from tearline.store.columns import Serial, Text
from tearline.store.database import metadata
from tearline.store.schema import include_name

_NAMES: list[tuple[TypeEngine[Any], str]] = [(Text, "text"), (Serial, "serial")]


def _name_of(kind: str, value: Any, _context: object) -> str | Literal[False]:  # noqa: ANN401  # alembic's signature
    """Write our own types by the names that `script.py.mako` gives them."""
    if kind != "type":
        return False
    return next((name for type_, name in _NAMES if value is type_), False)


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=True,
    render_item=_name_of,
    include_name=include_name,
)
context.run_migrations()

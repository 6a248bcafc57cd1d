"""A name that nothing here has is an answer of no, not a misuse of the verb."""

from collections.abc import Iterator
from contextlib import contextmanager

from tearline.errors import MisuseError, RefusedError


@contextmanager
def known() -> Iterator[None]:
    """Turn a MisuseError about an unknown name into a RefusedError: exit 1, not 2."""
    try:
        yield
    except MisuseError as error:
        raise RefusedError(error.what, means=error.means, do=error.do) from error

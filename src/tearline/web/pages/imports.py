"""Bringing files in: choose or drop them, and see how far their import is."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from tearline.agreement.home import Home
from tearline.release import bringing
from tearline.release.arrive import annotation_of
from tearline.stix.marking import grade_name, level_name
from tearline.store.imports import OPEN, ImportJob
from tearline.web.page import AbsentError, Asked, Brought, Drop, Form, Page
from tearline.web.signing_in import Role

_BRINGING: tuple[Role, ...] = ("analyst", "officer", "admin")
_LEVELS = ("TLP:CLEAR", "TLP:GREEN", "TLP:AMBER", "TLP:AMBER+STRICT", "TLP:RED")
_NAME = 200


def _imports(asked: Asked) -> dict[str, Any]:
    jobs = bringing.all_jobs(asked.home)
    return {
        "most": asked.home.settings.upload_bytes,
        "levels": list(_LEVELS),
        "running": any(each.state in OPEN for each in jobs),
        "imports": [_short(each) for each in jobs],
    }


def _import(asked: Asked) -> dict[str, Any]:
    found = next((e for e in bringing.all_jobs(asked.home) if e.id == asked.path["id"]), None)
    if found is None:
        raise AbsentError("There is no such import.", do="Look at the list of imports.")
    result = orjson.loads(found.result)
    return _short(found) | {
        "files": orjson.loads(found.files),
        "refusals": result.get("refusals", []),
        "remarks": result.get("remarks", []),
    }


def _short(job: ImportJob) -> dict[str, Any]:
    """What a list shows of an import, and what a script asks for."""
    result = orjson.loads(job.result)
    return {
        "id": job.id,
        "at": job.at,
        "person": job.person,
        "names": [each["name"] for each in orjson.loads(job.files)],
        "marking": None if job.marking is None else level_name(job.marking),
        "grade": None if job.grade is None else grade_name(job.grade),
        "source": job.source,
        "state": job.state,
        "stopping": job.unwanted and job.state in OPEN,
        "file": job.file,
        "done": job.done,
        "total": job.total,
        "stored": result.get("stored", 0),
        "unchanged": result.get("unchanged", 0),
        "refused": result.get("refused", 0),
        "ended_at": job.ended_at,
    }


def _bring(asked: Asked, given: Mapping[str, str], files: Sequence[Brought]) -> str:
    """Keep the files; the import runs in the node."""
    mark, grade, source = (given.get(each, "").strip() for each in ("mark", "grade", "source"))
    annotation = annotation_of(mark or None, grade or None)
    job = bringing.bring(
        asked.home,
        [bringing.Brought(*each) for each in files],
        annotation,
        source=source[:_NAME] or None,
        person=asked.who.name,
        now=asked.now,
    )
    return f"/import/{job.id}"


def _cancel(asked: Asked, _given: Mapping[str, str]) -> str:
    bringing.cancel(asked.home, asked.path["id"], now=asked.now)
    return f"/import/{asked.path['id']}"


def _most(home: Home) -> int:
    return home.settings.upload_bytes


PAGES = (
    Page("/import", "imports.html", _imports, _BRINGING),
    Page("/import/{id}", "import.html", _import, _BRINGING),
)
FORMS = (Form("/import/{id}/cancel", _cancel, _BRINGING),)
DROPS = (Drop("/import", _bring, _BRINGING, _most),)

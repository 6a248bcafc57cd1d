"""Settings: oneself, and, for an admin, who uses the pages."""

from collections.abc import Mapping
from typing import Any

from tearline.web import signing_in
from tearline.web.page import Asked, Form, Page
from tearline.web.signing_in import ROLES


def _settings(asked: Asked) -> dict[str, Any]:
    staff = signing_in.everybody(asked.home) if asked.who.may("admin") else []
    return {
        "name": asked.who.name,
        "role": asked.who.role,
        "roles": list(ROLES),
        "staff": [
            {"name": e.name, "role": e.role, "since_at": e.since_at, "ended_at": e.ended_at}
            for e in staff
        ],
    }


def _end(asked: Asked, given: Mapping[str, str]) -> str:
    signing_in.end(asked.home, given.get("name", ""), given.get("reason", ""), now=asked.now)
    return "/settings"


PAGES = (Page("/settings", "settings.html", _settings),)
FORMS = (Form("/settings/end", _end, ("admin",), proven=True),)

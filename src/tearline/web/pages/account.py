"""One's own account: passkeys, and where one is signed in."""

from collections.abc import Mapping
from typing import Any

from tearline.web import passkeys, signing_in
from tearline.web.challenges import mark_of
from tearline.web.page import Asked, Call, Form, Page
from tearline.web.passkeys import APPROVING
from tearline.web.signing_in import ROLES


def _account(asked: Asked) -> dict[str, Any]:
    found = passkeys.mine(asked.home, asked.who.name)
    news = [each for each, enrolled in found if not enrolled and each.suspended_at is None]
    return {
        "name": asked.who.name,
        "role": asked.who.role,
        "to_enrol": mark_of(news[-1].key) if news and asked.who.may(*APPROVING) else None,
        "enrolled": any(enrolled for _, enrolled in found),
        "origin": asked.where.origin,
        "here": asked.where.here,
        "passkeys": [
            {
                "id": each.credential,
                "label": each.label,
                "mark": mark_of(each.key),
                "since_at": each.since_at,
                "used_at": each.used_at,
                "suspended_at": each.suspended_at,
                "enrolled": enrolled,
            }
            for each, enrolled in found
        ],
        "sessions": [
            {
                "session": each.token_hash,
                "place": each.place,
                "since_at": each.since_at,
                "until_at": each.until_at,
                "this": each.token_hash == asked.who.session,
            }
            for each in signing_in.sessions(asked.home, asked.who, now=asked.now)
        ],
    }


def _begin(asked: Asked, _given: Mapping[str, str]) -> dict[str, Any]:
    return passkeys.begin_adding(asked.home, asked.who, asked.where, now=asked.now)


def _add(asked: Asked, given: Mapping[str, str]) -> dict[str, Any]:
    label, answer = given.get("label", ""), given.get("answer", "")
    passkeys.add(asked.home, asked.who, asked.where, label, answer, now=asked.now)
    return {"next": "/account"}


def _rename(asked: Asked, given: Mapping[str, str]) -> str:
    passkeys.rename(asked.home, asked.who, given.get("id", ""), given.get("label", ""))
    return "/account"


def _remove(asked: Asked, given: Mapping[str, str]) -> str:
    passkeys.remove(asked.home, asked.who, given.get("id", ""), now=asked.now)
    return "/account"


def _end(asked: Asked, given: Mapping[str, str]) -> str:
    signing_in.end_session(asked.home, asked.who, given.get("session", ""), now=asked.now)
    return "/account"


PAGES = (Page("/account", "account.html", _account),)
FORMS = (
    Form("/account/passkeys/rename", _rename, ROLES),
    Form("/account/passkeys/remove", _remove, ROLES, proven=True),
    Form("/account/sessions/end", _end, ROLES),
)
CALLS = (
    Call("/account/passkeys/begin", _begin, proven=True),
    Call("/account/passkeys", _add, proven=True),
)

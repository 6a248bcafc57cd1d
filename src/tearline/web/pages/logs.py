"""The log: the signed head of each of ours and of our copies, and a check of a receipt."""

from typing import Any

from tearline.log.checkpoint import parse_checkpoint
from tearline.store import logs
from tearline.store.database import Tx
from tearline.web.page import Asked, Form, Page
from tearline.web.signing_in import WEIGHING


def _logs(asked: Asked) -> dict[str, Any]:
    with asked.home.store.read() as tx:
        found = [_one(tx, name) for name in logs.names(tx)]
    return {"logs": found}


def _one(tx: Tx, name: str) -> dict[str, Any]:
    head, signed = logs.head(tx, name), logs.last_checkpoint(tx, name)
    root = parse_checkpoint(signed.note.partition("\n\n")[0] + "\n").root if signed else None
    return {
        "log": name,
        "size": head.size,
        "last_at": head.at or None,
        "signed": signed.size if signed else 0,
        "signed_at": signed.at if signed else None,
        "root": root.hex() if root else None,
    }


PAGES = (Page("/log", "log.html", _logs, WEIGHING),)
FORMS: tuple[Form, ...] = ()

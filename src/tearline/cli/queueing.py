"""The queue as values, lines and tables, and a person's key from its file."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
import orjson
import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tearline import clock
from tearline.agreement.home import Home
from tearline.approval import people, queue
from tearline.approval.queue import Item, Says
from tearline.cli import afterwards
from tearline.cli.asking import ask_password
from tearline.cli.options import open_home, read_bytes
from tearline.cli.terminal import Part, Table, answer, interactive, moment, stamp
from tearline.errors import MisuseError, RefusedError
from tearline.store.reviews import Person

_DIGITS = len("sha256:") + 12
"""How much of an item's hash is shown in a table."""


def person_value(found: Person) -> dict[str, Any]:
    """Return a person as JSON."""
    return {
        "person": found.name,
        "key": found.key,
        "since": stamp(found.since_at),
        "until": stamp(found.ended_at),
    }


@contextmanager
def key_file(path: Path, *, from_input: bool, as_json: bool) -> Iterator[Ed25519PrivateKey]:
    """Read a person's key, or make it where the file is not there yet.

    A file that was made is taken away again when what follows is refused.
    """
    if path.exists():
        yield open_key(path, from_input=from_input, as_json=as_json)
        return
    asks = from_input or (interactive() and not as_json)
    password = ask_password(from_input=from_input, as_json=as_json) if asks else ""
    pem = people.new_key(password)
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        path.write_bytes(pem)
    except OSError as error:
        raise MisuseError(
            f"{path} cannot be written: {error.strerror}.", do="Name another file."
        ) from error
    try:
        yield people.read_key(pem, password)
    except BaseException:
        path.unlink()
        raise


def enrolled(  # what enrolling by a file takes
    home: Home, name: str, key: Path | None, *, also: bool, from_input: bool, as_json: bool
) -> Person:
    """Enrol a person with the key of a file; MisuseError without."""
    if key is None:
        raise MisuseError("Name one key.", do="Give either --key FILE or --passkey MARK.")
    with key_file(key, from_input=from_input, as_json=as_json) as own:
        return people.enrol(home, name, own, also=also, now=clock.now())


def open_key(path: Path, *, from_input: bool, as_json: bool) -> Ed25519PrivateKey:
    """Read a person's key from its file, with its password where it has one."""
    pem = read_bytes(path)
    password = ""
    if people.is_encrypted(pem):
        if from_input or as_json or not interactive():
            password = ask_password(from_input=from_input, as_json=as_json)
        else:
            password = typer.prompt(f"Password of {path}", hide_input=True, err=True)
    return people.read_key(pem, password)


def listed(home: Home, party: str | None, *, everything: bool) -> list[Item]:
    """Return what waits, or all that people were ever asked about and that is still held."""
    return queue.items(home, party, None if everything else "waits", now=clock.now())


def tell(  # what the four verbs share
    place: Path | None,
    name: str,
    file: Path,
    verdict: Says,
    text: str,
    *,
    from_input: bool,
    as_json: bool,
) -> None:
    """Sign what the owner of a key says of an item, keep it, let releases follow, and show it."""
    key = open_key(file, from_input=from_input, as_json=as_json)
    done = _said(open_home(place), name, key, verdict, text)
    line = f"{done['person']} {_WORDS[verdict]} {done['object']} to {done['to']}."
    lines = [line, _standing_line(done), *afterwards.reconcile_lines(done)]
    answer(as_json, done, *lines)


_WORDS: Mapping[Says, str] = {
    "approve": "approved",
    "refuse": "refused",
    "query": "asked about",
    "request": "requested",
}


def _said(
    home: Home, name: str, key: Ed25519PrivateKey, verdict: Says, text: str
) -> dict[str, Any]:
    now = clock.now()
    person = people.owner_of(home, key)
    found, _ = queue.item(home, name, now=now)
    said = queue.statement(found.review.item, person.name, verdict, text, now=now)
    queue.say(home, queue.sign(said, person, key), now=now)
    followed = afterwards.reconcile(home)
    with suppress(RefusedError):  # nobody is asked about it any more
        found, _ = queue.item(home, found.review.item, now=now)
    value = item_value(found)
    return value | {"person": person.name, "verdict": verdict} | followed


def _standing_line(done: dict[str, Any]) -> str:
    lines = {
        "approved": "It goes.",
        "refused": "It stays: nothing is released against a person's no.",
        "lapsed": "It stays: nobody approved it in time.",
        "rests": "It stays for another reason; see `tearline explain`.",
    }
    missing = done["needed"] - len(done["approved_by"])
    if done["state"] != "waits":
        return lines[done["state"]]
    if missing > 0:
        return f"It waits for {missing} more of {done['needed']} people."
    return "Approved; it waits only for what it hangs on. See `tearline explain`."


def item_value(found: Item) -> dict[str, Any]:
    """Return an item as JSON."""
    row = found.review
    standing = [each for each in found.said if not each.spent]
    approved = [
        each.person
        for each in standing
        if each.verdict == "approve" and each.hash in found.reviewed.approvals
    ]
    return {
        "item": row.item,
        "state": found.state,
        "object": row.stix_id,
        "delivered_id": row.delivered_id,
        "type": found.type,
        "to": found.partner,
        "agreement": found.agreement,
        "title": found.title,
        "clause": row.clause,
        "hash": row.hash,
        "reasons": [msgspec.to_builtins(each) for each in found.reasons],
        "since": stamp(row.asked_at),
        "until": stamp(found.until_at),
        "needed": found.needed,
        "approved_by": approved,
        "requested_by": row.requested_by or None,
        "said": [
            {
                "person": each.person,
                "verdict": each.verdict,
                "reason": each.text,
                "at": stamp(each.at),
                "counts": not each.spent,
            }
            for each in found.said
        ],
    }


def queue_table(found: list[Item]) -> Table:
    """Return items for people, one on each line."""
    rows = []
    for each in found:
        value = item_value(each)
        why = "; ".join(reason["code"] for reason in value["reasons"])
        yes = f"{len(value['approved_by'])} of {each.needed}"
        rows.append(
            (
                each.review.item[len("sha256:") : _DIGITS],
                each.state,
                each.review.stix_id,
                each.partner,
                each.review.clause,
                why,
                yes,
                moment(each.until_at),
            )
        )
    return Table(("item", "state", "object", "to", "clause", "why", "approved", "until"), rows)


def item_parts(found: Item, raw: bytes) -> list[Part]:
    """Return one item for people: what would go, why it waits, who said what."""
    value = item_value(found)
    lines: list[Part] = [
        f"{value['item']}",
        f"{value['object']} to {value['to']} under “{value['title']}”, clause {value['clause']}.",
        _standing_line(value),
    ]
    lines += [f"  {each['code']}: {each['sentence']}" for each in value["reasons"]]
    lines.append(f"Since {moment(found.review.asked_at)}, until {moment(found.until_at)}.")
    if value["requested_by"]:
        lines.append(f"Requested by {value['requested_by']}, who cannot approve it.")
    lines += [
        f"  {each['person']}: {each['verdict']} at {each['at'][:19]}Z"
        f"{', ' + each['reason'] if each['reason'] else ''}"
        f"{'' if each['counts'] else ' (counts no more)'}"
        for each in value["said"]
    ]
    lines.append(f"Exactly these bytes would go, with the hash {value['hash']}:")
    pretty = orjson.dumps(orjson.loads(raw), option=orjson.OPT_INDENT_2).decode()
    return [*lines, *pretty.splitlines()]

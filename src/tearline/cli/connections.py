"""Connections of plain TAXII clients: what `connect` and `account show` tell."""

from typing import Any

from tearline import clock
from tearline.agreement.home import Home
from tearline.cli.readings import resolve
from tearline.cli.terminal import Part, Table, moment, stamp
from tearline.errors import MisuseError
from tearline.exchange import connecting
from tearline.exchange.client_forms import CLIENTS, Form, form_of
from tearline.exchange.connecting import Connection


def make_key(home: Home, name: str, agreement: str | None, *, keep: bool) -> str:
    """Make a key for the one agreement that is meant."""
    found = _chosen(home, name, agreement, None)
    if len(found) != 1 or found[0].bound is None:
        raise MisuseError(
            f"{name} has more than one agreement, or is an account of ours.",
            do="Name one with --agreement; for an account there is `tearline account key`.",
        )
    return connecting.new_key(home, found[0].bound.agreement_id, keep=keep, now=clock.now())


def value(
    home: Home,
    name: str,
    agreement: str | None,
    clients: list[str] | None,
    url: str | None,
    key: str | None,
) -> dict[str, Any]:
    """Return all connections of a party or an account as JSON; `key` is one that is fresh."""
    unknown = [each for each in clients or () if each not in CLIENTS]
    if unknown:
        raise MisuseError(f"{unknown[0]} is no client known here.", do=f"One of {CLIENTS}.")
    found = _chosen(home, name, agreement, url)
    return {
        "name": name,
        "address_is_ours": bool(url or home.card.url),
        "connections": [_one(each, clients or list(CLIENTS), key) for each in found],
    }


def shown(found: dict[str, Any]) -> list[Part]:
    """Return connections for people."""
    parts: list[Part] = []
    if not found["address_is_ours"]:
        parts.append(
            "Warning: our card has no address; the addresses below are those at which "
            "`tearline serve` listens on this machine. Give another one with --url."
        )
    for each in found["connections"]:
        parts += _lines(each)
    return parts or ["There is no collection for it yet."]


def _chosen(home: Home, name: str, agreement: str | None, url: str | None) -> list[Connection]:
    found = connecting.connections(home, name, url, now=clock.now())
    if agreement is None:
        return found
    ref = resolve(home, agreement)
    return [
        each
        for each in found
        if each.bound
        and (
            ref in {each.bound.hash, each.bound.agreement_id}
            or each.bound.agreement_id.removeprefix("urn:uuid:").startswith(ref)
        )
    ]


def _one(each: Connection, clients: list[str], key: str | None) -> dict[str, Any]:
    access = each.access._replace(secret=key) if key else each.access
    bound = each.bound
    return {
        "party": bound.partner if bound else None,
        "account": None if bound else each.name,
        "agreement": bound.agreement_id if bound else None,
        "hash": bound.hash if bound else None,
        "title": access.title,
        "state": bound.state if bound else None,
        "serving": bound.serving if bound else True,
        "discovery": access.discovery,
        "api_root": access.api_root,
        "collection": access.collection,
        "objects": access.objects_url,
        "user": access.user,
        "key": key,
        "keys": [{"hash": k.key_hash, "since": stamp(k.since_at)} for k in each.keys],
        "released": each.released,
        "clients": [_form(form_of(client, access)) for client in clients],
    }


def _form(form: Form) -> dict[str, Any]:
    return {
        "client": form.client,
        "where": form.where,
        "fields": dict(form.fields),
        "notes": list(form.notes),
        "test": form.test,
    }


def _lines(each: dict[str, Any]) -> list[Part]:
    parts: list[Part] = [
        f"{each['title']}: {each['state'] or 'a local collection'}",
        f"Discovery   {each['discovery']}",
        f"API root    {each['api_root']}",
        f"Collection  {each['collection']}",
        f"Objects     {each['objects']}",
        f"User        {each['user']}",
        *_key_lines(each),
    ]
    for form in each["clients"]:
        parts += ["", f"{form['client']}: {form['where']}"]
        parts.append(Table(("field", "value"), list(form["fields"].items())))
        parts += [f"  {note}" for note in form["notes"]]
        parts += ["Try it:", *form["test"].rstrip("\n").split("\n")]
    return parts


def _key_lines(each: dict[str, Any]) -> list[str]:
    if each["key"]:
        return [f"Key         {each['key']}", "It is shown this once and kept as a hash alone."]
    if not each["keys"]:
        how = "tearline account key" if each["account"] else "--new-key"
        return [f"Key         none yet: make one with {how}."]
    last = each["keys"][-1]
    made = moment_of(last["since"])
    return [
        f"Key         made {made}; only its hash is kept, so it cannot be shown again.",
        "            A new one: --new-key (it ends the ones before, or --keep-old).",
    ]


def moment_of(text: str) -> str:
    """Return a moment of JSON for people."""
    from tearline.stix.timestamp import parse_timestamp

    return moment(parse_timestamp(text))

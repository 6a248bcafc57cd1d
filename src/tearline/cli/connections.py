"""Connections of plain TAXII clients: what `connect` and `account show` tell."""

from typing import Any

from tearline import clock
from tearline.agreement.home import Home
from tearline.cli.readings import resolve
from tearline.cli.shelves import one_account
from tearline.cli.terminal import Part, Table, count, moment, stamp
from tearline.errors import MisuseError
from tearline.exchange import connecting
from tearline.exchange.client_forms import CLIENTS, Form, form_of
from tearline.exchange.connecting import Connection
from tearline.store.visits import Visit


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
    return _all(home, name, _chosen(home, name, agreement, url), clients, url, key)


def account_value(
    home: Home, name: str, clients: list[str] | None, url: str | None
) -> dict[str, Any]:
    """Return an account of ours, and what to write into its client, for each collection."""
    with home.store.read() as tx:
        found = connecting.account_connections(tx, home, name, url, now=clock.now())
    return one_account(home, name) | _all(home, name, found, clients, url, None)


def _all(
    home: Home,
    name: str,
    found: list[Connection],
    clients: list[str] | None,
    url: str | None,
    key: str | None,
) -> dict[str, Any]:
    unknown = [each for each in clients or () if each not in CLIENTS]
    if unknown:
        known = ", ".join(CLIENTS)
        raise MisuseError(f"{unknown[0]} is no client known here.", do=f"Take one of {known}.")
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
        "last_request": _visit(each.visit) if each.visit else None,
        "why": [{"code": r.code, "sentence": r.sentence, "do": r.do} for r in each.why],
        "clients": [_form(form_of(client, access)) for client in clients],
    }


def _visit(last: Visit) -> dict[str, Any]:
    return {
        "at": stamp(last.at),
        "asked": last.resource,
        "method": last.method,
        "collection": last.collection or None,
        "status": last.status,
        "refused_with": last.title or None,
        "objects": last.objects,
        "added_after": stamp(last.added_after),
        "types": last.types.split(",") if last.types else [],
        "user_agent": last.agent,
        "from": last.address,
        "last_objects_at": stamp(last.given_at),
        "requests": last.requests,
        "refused": last.refused,
        "objects_total": last.objects_total,
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
        *_visit_lines(each),
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


def _visit_lines(each: dict[str, Any]) -> list[str]:
    """Say how the last request went, and why nothing arrived; never that anything was received."""
    last = each["last_request"]
    lines = []
    if last:
        said = f"{last['method']} {last['asked']} was answered {last['status']}"
        given = count(last["objects"], "object")
        agent = last["user_agent"] or "a client that does not say what it is"
        lines = [
            f"Last asked  {moment_of(last['at'])} from {last['from']}: {said}, {given}; by {agent}",
            (
                f"In all      {count(last['requests'], 'request')}, {last['refused']:,} refused; "
                f"{count(last['objects_total'], 'object')} served."
            ),
        ]
    return lines + [f"Why         {r['sentence']} {r['do']}".rstrip() for r in each["why"]]


def moment_of(text: str) -> str:
    """Return a moment of JSON for people."""
    from tearline.stix.timestamp import parse_timestamp

    return moment(parse_timestamp(text))

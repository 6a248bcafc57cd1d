"""Local collections and accounts as plain values, and what the verbs do with them."""

from typing import Any

from tearline import clock
from tearline.agreement.home import Home
from tearline.cli.choosing import Choice, chosen
from tearline.cli.terminal import Part, Table, stamp
from tearline.exchange.taxii_local import ROOT
from tearline.release import collecting
from tearline.store import accounts, collections
from tearline.store.collections import Collection
from tearline.store.database import Tx


def described(found: Collection) -> dict[str, Any]:
    """Return a collection as JSON."""
    return {
        "id": found.id,
        "name": found.name,
        "title": found.title,
        "description": found.description,
        "since": stamp(found.since_at),
        "ended": stamp(found.ended_at),
    }


def all_shelves(home: Home) -> list[dict[str, Any]]:
    """Return every collection with the number of its objects."""
    with home.store.read() as tx:
        return [
            described(each) | {"objects": collections.count_of(tx, each.number)}
            for each in collections.collections(tx)
        ]


def shelf(home: Home, name: str) -> dict[str, Any]:
    """Return one collection with its address, and what each account may do there."""
    with home.store.read() as tx:
        found = collecting.served(tx, name)
        rights = [
            {"account": each.name, "read": right.can_read, "write": right.can_write}
            for each in accounts.accounts(tx)
            if (right := accounts.right_of(tx, each.name, found.id))
        ]
        count = collections.count_of(tx, found.number)
    address = f"{home.card.url or ''}{ROOT}collections/{found.id}/"
    return described(found) | {"objects": count, "address": address, "accounts": rights}


def shelf_parts(found: dict[str, Any]) -> list[Part]:
    """Show a collection to people."""
    rows = [(each["account"], each["read"], each["write"]) for each in found["accounts"]]
    return [
        f"Name      {found['name']}: {found['title']}",
        f"Id        {found['id']}",
        f"Address   {found['address']}",
        f"Objects   {found['objects']:,}",
        Table(("account", "reads", "writes"), rows),
    ]


def put_in(
    home: Home, name: str, ids: tuple[str, ...], type: str | None, source: str | None
) -> dict[str, Any]:
    """Put the chosen objects of ours into a collection."""
    with home.store.read() as tx:
        wanted = chosen(tx, Choice(ids, type, source))
    changed = collecting.put(home, name, wanted, now=clock.now())
    return {"chosen": len(wanted), "changed": changed}


def take_from(
    home: Home, name: str, ids: tuple[str, ...], type: str | None, source: str | None
) -> dict[str, Any]:
    """Take the chosen objects out of a collection."""
    with home.store.read() as tx:
        found = collecting.served(tx, name)
        wanted = list(ids) if ids else chosen(tx, Choice(ids, type, source))
    changed = collecting.take_out(home, found.id, wanted, now=clock.now())
    return {"chosen": len(wanted), "changed": changed}


def all_accounts(home: Home) -> list[dict[str, Any]]:
    """Return every account, with its keys' hashes and what it may do."""
    with home.store.read() as tx:
        return [_account(tx, each.name) for each in accounts.accounts(tx)]


def one_account(home: Home, name: str) -> dict[str, Any]:
    """Return one account."""
    with home.store.read() as tx:
        return _account(tx, name)


def _account(tx: Tx, name: str) -> dict[str, Any]:
    found = accounts.account_named(tx, name)
    rights = accounts.rights_of(tx, name)
    return {
        "account": name,
        "since": stamp(found.since_at) if found else None,
        "ended": stamp(found.ended_at) if found else None,
        "read": [each.collection.name for each in rights if each.can_read],
        "write": [each.collection.name for each in rights if each.can_write],
        "keys": [
            {"hash": each.key_hash, "since": stamp(each.since_at)}
            for each in accounts.keys_of(tx, name)
        ],
    }

"""What only whoever runs a node can see of it, read from its store for the demo.

The judge has to be handed South's key and the signed document, and a copied private log is
complete only once what waited for it became leaves.
"""

import time

from tearline import clock
from tearline.agreement.force import in_force
from tearline.agreement.home import open_home
from tearline.cli.demo.nodes import Node, StepError
from tearline.store import agreements, parties, private

_LONGEST_S = 60.0


def key_of(node: Node, agreement_id: str) -> dict[str, str]:
    """Return what a node reads with at its partner's: a key, the agreement, what signs requests."""
    home = open_home(node.home)
    with home.store.read() as tx:
        key = parties.credential_of(tx, agreement_id)
        bound = in_force(tx, agreement_id, now=clock.now())
    home.store.close()
    if key is None or bound is None:
        raise StepError(f"{node.name} has no key for {agreement_id}.")
    return {"key": key, "agreement": bound.hash, **signs_of(node)}


def signs_of(node: Node) -> dict[str, str]:
    """Return what signs the requests of a node: the name of the key, and its seed."""
    home = open_home(node.home)
    home.store.close()
    seed = home.keys.sign.private_bytes_raw().hex()
    return {"keyid": "+".join(home.card.sign.split("+", 2)[:2]), "seed": seed}


def signed_text(node: Node, agreement_hash: str) -> bytes:
    """Return an agreement with the signatures that it bears, as a general JWS."""
    home = open_home(node.home)
    with home.store.read() as tx:
        version = agreements.version_of(tx, agreement_hash)
    home.store.close()
    if version is None:
        raise StepError(f"{node.name} does not know {agreement_hash}.")
    return version.signed


def wait_for_leaves(*nodes: Node) -> None:
    """Return once nothing waits any more to become a leaf of these nodes' private logs."""
    until = time.monotonic() + _LONGEST_S
    for node in nodes:
        home = open_home(node.home)
        try:
            while True:
                with home.store.read() as tx:
                    if not private.pending(tx):
                        break
                if time.monotonic() > until:
                    raise StepError(f"{node.name} does not write its private log.")
                time.sleep(0.1)
        finally:
            home.store.close()

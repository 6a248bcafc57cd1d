"""What only whoever runs a node can see of it, read from its store for the demo.

The judge has to be handed South's key and the signed document, and a copied private log is
complete only once what waited for it became leaves.
"""

import time

from tearline.agreement.home import open_home
from tearline.cli.demo.nodes import Node, StepError
from tearline.store import agreements, parties, private

_LONGEST_S = 60.0


def key_of(node: Node, agreement_id: str) -> str:
    """Return the key with which a node reads at its partner's."""
    home = open_home(node.home)
    with home.store.read() as tx:
        key = parties.credential_of(tx, agreement_id)
    home.store.close()
    if key is None:
        raise StepError(f"{node.name} has no key for {agreement_id}.")
    return key


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

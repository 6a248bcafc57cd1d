"""What a person says of an item on its page, signed with a passkey.

The challenge is the SHA-256 of exactly the statement that `tearline queue` signs with a key file.
So the answer is the person's signature, and it is kept, checked and counted like the other kind.
"""

from typing import Any, get_args

from tearline.agreement.assertion import parse_key
from tearline.agreement.home import Home
from tearline.approval import queue
from tearline.approval.queue import Says
from tearline.errors import MisuseError, ProofError, RefusedError
from tearline.release.reconcile import reconcile_all
from tearline.web import challenges, passkeys
from tearline.web.passkeys import APPROVING
from tearline.web.signing_in import Viewer
from tearline.web.where import Where


def ready(home: Home, who: Viewer, where: Where) -> list[str]:
    """The passkeys with which somebody may approve here, by credential id."""
    if not who.may(*APPROVING):
        return []
    return [
        each.credential
        for each, enrolled in passkeys.mine(home, who.name)
        if enrolled and each.suspended_at is None and parse_key(each.key).rp_id == where.rp_id
    ]


def begin(  # what is signed, and by whom
    home: Home, who: Viewer, where: Where, item: str, verdict: str, text: str, *, now: int
) -> dict[str, Any]:
    """What a browser asks a passkey to sign; RefusedError when none of theirs may approve."""
    if verdict not in get_args(Says):
        raise MisuseError(f"{verdict} is nothing that can be said.", do="Use the buttons.")
    challenges.check_here(where)
    credentials = ready(home, who, where)
    if not credentials:
        raise RefusedError(
            "None of your passkeys may approve.",
            means="Whoever runs the node lets a passkey approve, once for each.",
            do="See your account for the command.",
        )
    says: Says = verdict  # type: ignore[assignment]  # one of them, as was just seen
    found, _ = queue.item(home, item, now=now)
    said = queue.statement(found.review.item, who.name, says, text.strip(), now=now)
    queue.check(found, said)
    body = queue.body_of(said)
    challenge = challenges.put(home, "say", who.session, body, now=now, signs=True)
    return challenges.options(challenge, where, credentials)


def say(home: Home, who: Viewer, where: Where, answer: str, *, now: int) -> Says:
    """Keep what a person signed by passkey, and let releases follow; returns what it was."""
    taken = challenges.answered(home, where, answer, "say", who.session, now=now)
    if taken.passkey.name != who.name:
        raise ProofError("This passkey is somebody else's.", do="Use your own.")
    done = queue.say(home, taken.signed, now=now)
    reconcile_all(home, now=now)
    verdict: Says = done.said[-1].verdict  # type: ignore[assignment]  # read as one just now
    return verdict

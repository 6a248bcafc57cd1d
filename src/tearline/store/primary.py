"""Which PostgreSQL server may be believed, where there are several.

A server that was cut off or came back after it was replaced still calls itself the primary, and may
show what was never acknowledged or miss what was revoked since. So none is believed by its word: it
has to make a message durable, on as many standbys as `synchronous_standby_names` demands, when a
connection is made and every few seconds of its use. Whoever passes has everything that was ever
acknowledged, for a server that lacks it finds no standby that would follow it.
"""

import select
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Self

import psycopg
from psycopg.pq import ConnStatus, ExecStatus

BELIEVED_S = 10.0
"""How long a server with standbys is believed after a proof."""
_PROOF_S = 5.0
_PROOF = b"""
SELECT pg_logical_emit_message(true, 'tearline', ''),
       current_setting('synchronous_standby_names') <> ''
"""
_FOREVER = float("inf")


class Proven(psycopg.Connection[Any]):
    """A connection to a server that proved itself."""

    believed_until = 0.0
    """Until when, on the monotonic clock; for ever where no standby has to agree."""
    warning = ""
    """What the server warned of since this was last emptied."""
    is_first: Callable[[], bool] = staticmethod(lambda: True)
    """Whether no other server of its address has proven itself since."""

    @classmethod
    def to(cls, parameters: Mapping[str, Any], set_up: str, **options: Any) -> Self:  # noqa: ANN401  # the driver's
        """Connect to one server and have it prove itself; psycopg.Error when it cannot.

        `set_up` is run before: it makes commits wait for standbys, whatever the role's default is.
        """
        made = cls.connect(autocommit=True, **options, **parameters)
        try:
            psycopg.Cursor(made).execute(set_up.encode(), prepare=False)
            made.add_notice_handler(made.hear)
            made.prove()
        except BaseException:
            made.close()
            raise
        return made

    def prove(self) -> None:
        """Have the server make a message durable wherever it has to be; psycopg.Error otherwise.

        The wait for standbys ends by no timeout of the server's, so this end keeps the time. A
        connection that failed is of no more use.
        """
        begun = time.monotonic()
        self.pgconn.send_query(_PROOF)
        poll = select.poll()
        poll.register(self.pgconn.socket, select.POLLIN)
        while self.pgconn.is_busy() and self.pgconn.status == ConnStatus.OK:
            left = begun + _PROOF_S - time.monotonic()
            if left <= 0 or not poll.poll(left * 1000):
                raise psycopg.OperationalError("it waits for standbys that do not answer")
            self.pgconn.consume_input()
        result = self.pgconn.get_result()
        if result is None or result.status != ExecStatus.TUPLES_OK or self.warning:
            text = result.error_message.decode(errors="replace") if result else self.warning
            raise psycopg.OperationalError(text.strip() or "it ended the connection")
        while self.pgconn.get_result() is not None:
            pass
        lasting = result.get_value(0, 1) == b"f"
        self.believed_until = _FOREVER if lasting else begun + BELIEVED_S

    @property
    def is_believed(self) -> bool:
        """Whether its proof holds still, and is the last one that any server gave."""
        return time.monotonic() < self.believed_until and self.is_first()

    def prove_again(self) -> None:
        """Ask for another proof when the last one is too old; psycopg.Error when it fails."""
        if time.monotonic() >= self.believed_until:
            self.prove()

    def hear(self, notice: psycopg.errors.Diagnostic) -> None:
        """Keep a warning of the server's."""
        if notice.severity_nonlocalized == "WARNING":
            self.warning = notice.message_primary or "it warned"


class Servers:
    """The servers of one address; the one that proved itself last is asked first."""

    def __init__(self, parameters: Mapping[str, Any], set_up: str) -> None:
        """Take the parameters of an address apart; nothing is opened yet."""
        self._each = one_by_one(parameters)
        self._set_up = set_up

    def connect(self, **options: Any) -> Proven:  # noqa: ANN401  # the driver's
        """Connect to the first that proves itself; psycopg.OperationalError when none does."""
        problems = []
        for each in list(self._each):
            try:
                made = Proven.to(each, self._set_up, **options)
            except psycopg.OperationalError as error:
                problems.append(error)
            else:
                self._each.sort(key=lambda one: one is not each)
                made.is_first = partial(self._is_first, each)
                return made
        raise problems[0] if len(problems) == 1 else _none_of(problems)

    def _is_first(self, one: Mapping[str, Any]) -> bool:
        return self._each[0] is one


def one_by_one(parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the parameters of each server that an address names, as libpq pairs them."""
    names = [each for each in ("host", "hostaddr", "port") if parameters.get(each)]
    lists = [str(parameters[each]).split(",") for each in names]
    count = max((len(each) for each in lists), default=1)
    full = [each * count if len(each) == 1 else each for each in lists]
    if not full or any(len(each) != count for each in full):
        return [dict(parameters)]  # the driver says what is wrong with it
    rows = zip(*full, strict=True)
    return [{**parameters, **dict(zip(names, each, strict=True))} for each in rows]


def _none_of(problems: list[psycopg.OperationalError]) -> psycopg.OperationalError:
    texts = (str(each).strip().rpartition("\n")[2] for each in problems)
    return psycopg.OperationalError("none of its servers takes writes: " + "; ".join(texts))

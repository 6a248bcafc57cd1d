"""By which keys the statements in two logs were signed, and what a revoked key still stands for."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from tearline.log.sides import Compared, Side


class Line(NamedTuple):
    """What a revoked key is judged by: as of when, and what others had seen of each log by when.

    `revoked` has the moments by key, `seen` leaves and moments by origin; microseconds.
    """

    revoked: Mapping[str, int]
    seen: Mapping[str, Sequence[tuple[int, int]]]

    def stands(self, sides: Iterable[Side], name: str, key: str) -> bool:
        """Whether one log had the statement under a head that was cosigned before the moment."""
        held = [(each.origin, each.statements[name][0].leaf) for each in sides if name in each]
        seen = [
            at for origin, leaf in held for size, at in self.seen.get(origin, ()) if size > leaf
        ]
        return bool(seen) and min(seen) < self.revoked[key]


def check_signers(
    sides: Sequence[Side], keys: Mapping[str, Collection[str]], line: Line, found: Compared
) -> None:
    """See by which keys statements were signed; `keys` has those known of each party."""
    seen: set[str] = set()
    for side in sides:
        for name, (place, each) in side.statements.items():
            if name in seen:
                continue
            seen.add(name)
            if each.signer not in keys:
                found.blame(
                    place,
                    f"{each.signer!r} signed the statement {each.step!r}, and is no party here.",
                    "Somebody else's statement stands in the log.",
                )
            elif each.key in line.revoked:
                if not line.stands(sides, name, each.key):
                    found.leave(
                        place,
                        f"{each.signer} signed the statement {each.step!r} with a key that was "
                        "revoked, and no witness is seen to have had it before that moment.",
                        "Somebody else may have made it: a person has to see when it was logged.",
                    )
            elif each.key not in keys[each.signer]:
                found.leave(
                    place,
                    f"{each.signer} signed the statement {each.step!r} with a key that is not on "
                    "its card.",
                    "The key was changed since, or somebody else made it: ask for its older card.",
                )

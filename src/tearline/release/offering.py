"""A preview for the other side: in bands, signed, and only where an officer offers it.

A band says no more than how many digits a number has, and only types that the agreement lists from
us are spoken of. There is one offer for each version of an agreement, by its hash, and never
another: two of them would tell what came in between.
"""

from collections.abc import Mapping

import msgspec

from tearline.agreement import outbox
from tearline.agreement.home import Home
from tearline.agreement.messages import Message
from tearline.agreement.terms import Terms, agreement_hash, to_bytes
from tearline.errors import InputError, RefusedError
from tearline.release.preview import preview
from tearline.stix import canonical
from tearline.stix.timestamp import format_timestamp
from tearline.store import agreements, offers, private
from tearline.store.offers import Offer

KIND = "preview"
"""The kind of message that carries one."""

_DIGITS = 10
_MOST_TYPES = 200


class Bands(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Go, wait and stay as bands."""

    go: str
    wait: str
    stay: str


def offer(home: Home, terms: Terms, *, now: int) -> Offer:
    """Tell the partner in bands what would go, wait and stay of ours under a version.

    It is signed and put into the outbox once; asked again, the same offer is returned. RefusedError
    where the partner does not know the version yet, or has no node and key to check it by.
    """
    hash_ = agreement_hash(to_bytes(terms))
    with home.store.read() as tx:
        version = agreements.version_of(tx, hash_)
        known = offers.offer_of(tx, hash_, ours=True)
    if known is not None:
        return known
    if version is None or version.one_sided:
        raise RefusedError(
            "The partner does not know this version.",
            means="A preview is offered for the hash that both can sign.",
            do="Propose it first, or wait for the partner's proposal.",
        )
    bands = bands_of(preview(home, terms, now=now).by_type, _listed(terms, version.our_slot))
    text = canonical.canonical(msgspec.to_builtins(bands)).decode()
    new = Offer(hash_, True, text, None, now)  # noqa: FBT003  # a row: `ours`
    with home.store.write() as tx:
        # Whoever was quicker: there is one.
        if (known := offers.offer_of(tx, hash_, ours=True)) is not None:
            return known
        offers.add_offer(tx, new)
        body = {"bands": msgspec.to_builtins(bands)}
        outbox.enqueue(tx, KIND, version.partner, body, now=now, version=version)
        record = {"kind": "preview-offered", "agreement": hash_, "bands": text}
        record |= {"at": format_timestamp(now, digits=6)}
        private.add(tx, "preview-offered", [canonical.canonical(record).decode()])
    return new


def taken(home: Home, message: Message, *, now: int) -> None:
    """Keep what a partner offers, whose signature holds; the first for a version stays.

    RefusedError when it is for none that we have with them, or says anything but bands.
    """
    bands = read_bands(message.body)
    with home.store.write() as tx:
        version = agreements.version_of(tx, message.agreement or "")
        if version is None or version.partner != message.sender:
            raise RefusedError("This preview is of no agreement with its sender.")
        if not agreements.remember(tx, message.id, message.sender, at=now):
            return
        if offers.offer_of(tx, version.hash, ours=False) is None:
            text = canonical.canonical(msgspec.to_builtins(bands)).decode()
            offers.add_offer(tx, Offer(version.hash, False, text, message.document, message.at))  # noqa: FBT003  # a row: `ours`


def read_bands(body: Mapping[str, object]) -> dict[str, Bands]:
    """The bands in a message; RefusedError for anything that is not exactly bands."""
    try:
        found = msgspec.convert(body, dict[str, dict[str, Bands]])
        bands = found["bands"]
    except (msgspec.ValidationError, KeyError) as error:
        raise RefusedError("This is not a preview in bands.", do="Refuse it.") from error
    if len(found) > 1 or len(bands) > _MOST_TYPES or not all(map(_sound, bands.values())):
        raise RefusedError("This is not a preview in bands.", do="Refuse it.")
    return bands


def theirs(home: Home, hash_: str) -> tuple[dict[str, Bands], int] | None:
    """What the partner offered for a version, and when it says so; None where it did not."""
    with home.store.read() as tx:
        found = offers.offer_of(tx, hash_, ours=False)
    if found is None:
        return None
    return read(found), found.at


def read(found: Offer) -> dict[str, Bands]:
    """The bands of an offer that is kept; InputError where somebody wrote other things there."""
    try:
        return msgspec.json.decode(found.bands, type=dict[str, Bands])
    except msgspec.MsgspecError as error:
        raise InputError("The offer that is kept cannot be read.") from error


def bands_of(
    by_type: Mapping[str, tuple[int, int, int]], listed: frozenset[str] | None
) -> dict[str, Bands]:
    """The bands of counts by type, for the types `listed`; None stands for all."""
    return {
        type_: Bands(*map(band, counts))
        for type_, counts in sorted(by_type.items())
        if listed is None or type_ in listed
    }


def band(number: int) -> str:
    """The band of a number: `none`, `1-9`, `10-99` and so on."""
    if number == 0:
        return "none"
    low = _DIGITS ** (len(str(number)) - 1)
    return f"{low}-{low * _DIGITS - 1}"


def _sound(bands: Bands) -> bool:
    """Whether each is one that `band` gives."""
    return all(_is_band(each) for each in (bands.go, bands.wait, bands.stay))


def _is_band(text: str) -> bool:
    low = text.partition("-")[0]
    if len(text) > 40:  # noqa: PLR2004  # longer than any number of objects
        return False
    return text == "none" or (low.isascii() and low.isdecimal() and text == band(int(low)))


def _listed(terms: Terms, slot: str) -> frozenset[str] | None:
    """The types that the clauses from us list; those of others are nobody's business."""
    clauses = terms.clauses_from(slot)
    if any(each.types == "*" for each in clauses):
        return None
    return frozenset(type_ for each in clauses for type_ in each.types or ())

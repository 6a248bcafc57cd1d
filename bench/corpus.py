"""Objects to measure with: the same numbers always give the same bytes.

Everything is invented and says so: the organisations and families carry the label `generated`, all
else names them, addresses lie in the ranges that are kept for documentation (RFC 5737, RFC 3849),
names end in `.example` (RFC 2606).
With each indicator goes a relationship to one of the families, and with three of five a sighting.
There are so many families that one object in a hundred is an indicator of a given one, or the
relationship that says so.
"""

import re
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from itertools import count, islice

from tearline.stix.timestamp import format_timestamp, parse_timestamp

FAMILIES = 77
"""How many malware families there are; indicators are spread over them evenly."""

_ORGANISATIONS = 24
CAST = FAMILIES + _ORGANISATIONS
"""How many objects come before the first sign."""

_START = parse_timestamp("2025-01-01T00:00:00Z")
_STEP_US = 37_000_000
_MARKINGS = (
    "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",  # TLP:CLEAR
    "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",  # TLP:GREEN
    "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",  # TLP:AMBER
)
_PHASES = ("delivery", "exploitation", "installation", "command-and-control")
_WAITING = re.compile(rb',"(where_sighted_refs":\[[^]]*\]|contact_information":"[^"]*")')
_SEEN = (
    "Seen by a member after triage of gateway and proxy logs; block at the perimeter and hunt "
    "back fourteen days. "
)


def family(number: int) -> str:
    """The name of a malware family."""
    return f"Generated Family {number:02d}"


def objects(start: int = 0) -> Iterator[bytes]:
    """Yield objects without an end, from the `start`-th sign on: first the cast, then signs.

    The cast (organisations and families) comes only at the very start.
    """
    if not start:
        yield from _cast()
    for number in count(start):
        yield from _sign(number)


def organisations() -> list[str]:
    """The ids of those who created it all."""
    return [_id("identity", number) for number in range(_ORGANISATIONS)]


def plain(raw: bytes) -> bytes:
    """An object without what only people let go: who saw something, and where to reach whom."""
    return _WAITING.sub(b"", raw)


def some(number: int, start: int = 0) -> list[bytes]:
    """The first `number` objects from a sign on."""
    return list(islice(objects(start), number))


def envelopes(raws: Sequence[bytes], size: int = 1000) -> list[bytes]:
    """The objects as bodies to POST."""
    cut = (raws[begin : begin + size] for begin in range(0, len(raws), size))
    return [b'{"objects":[' + b",".join(each) + b"]}" for each in cut]


def sign_id(number: int) -> str:
    """The id of an indicator."""
    return _id("indicator", number)


def _id(type_: str, number: int) -> str:
    h = blake2b(f"{type_} {number}".encode(), digest_size=16).hexdigest()
    return f"{type_}--{h[:8]}-{h[8:12]}-4{h[13:16]}-a{h[17:20]}-{h[20:]}"


def _cast() -> Iterator[bytes]:
    at = format_timestamp(_START)
    for number in range(_ORGANISATIONS):
        yield (
            f'{{"type":"identity","spec_version":"2.1","id":"{_id("identity", number)}",'
            f'"created":"{at}","modified":"{at}","name":"Generated organisation {number:02d}",'
            f'"identity_class":"organization","labels":["generated"],'
            f'"contact_information":"desk@organisation{number:02d}.example"}}'
        ).encode()
    for number in range(FAMILIES):
        yield (
            f'{{"type":"malware","spec_version":"2.1","id":"{_id("malware", number)}",'
            f'"created_by_ref":"{_id("identity", number % _ORGANISATIONS)}",'
            f'"created":"{at}","modified":"{at}","name":"{family(number)}","is_family":true,'
            f'"malware_types":["ransomware"],"labels":["generated"],'
            f'"object_marking_refs":["{_MARKINGS[1]}"],"description":"{_SEEN * 2}"}}'
        ).encode()


def _sign(number: int) -> Iterator[bytes]:
    """An indicator, its relationship, and mostly a sighting."""
    at = _START + number % 2_000_000 * _STEP_US
    stamp, seen = format_timestamp(at), format_timestamp(at + _STEP_US // 2)
    until = format_timestamp(at + 90 * 86_400_000_000)
    author = _id("identity", number % _ORGANISATIONS)
    marking = _MARKINGS[number % 3]
    indicator = sign_id(number)
    shown = f',"description":"{_SEEN * (1 + number % 2)}"' if number % 2 else ""
    yield (
        f'{{"type":"indicator","spec_version":"2.1","id":"{indicator}","created_by_ref":"{author}",'
        f'"created":"{stamp}","modified":"{stamp}","name":"Generated sign {number}",'
        f'"indicator_types":["malicious-activity"],"pattern":"{_pattern(number)}",'
        f'"pattern_type":"stix","pattern_version":"2.1","valid_from":"{stamp}",'
        f'"valid_until":"{until}","confidence":{50 + number % 50},"lang":"en",'
        f'"object_marking_refs":["{marking}"],'
        f'"kill_chain_phases":[{{"kill_chain_name":"lockheed-martin-cyber-kill-chain",'
        f'"phase_name":"{_PHASES[number % 4]}"}}]{shown}}}'
    ).encode()
    yield (
        f'{{"type":"relationship","spec_version":"2.1","id":"{_id("relationship", number)}",'
        f'"created_by_ref":"{author}","created":"{seen}","modified":"{seen}",'
        f'"relationship_type":"indicates","source_ref":"{indicator}",'
        f'"target_ref":"{_id("malware", number % FAMILIES)}",'
        f'"object_marking_refs":["{marking}"]}}'
    ).encode()
    if number % 5 < 3:
        yield (
            f'{{"type":"sighting","spec_version":"2.1","id":"{_id("sighting", number)}",'
            f'"created_by_ref":"{author}","created":"{seen}","modified":"{seen}",'
            f'"first_seen":"{stamp}","last_seen":"{seen}","count":{1 + number % 400},'
            f'"sighting_of_ref":"{indicator}",'
            f'"where_sighted_refs":["{_id("identity", (number + 7) % _ORGANISATIONS)}"],'
            f'"object_marking_refs":["{marking}"]}}'
        ).encode()


def _pattern(number: int) -> str:
    """A pattern, escaped for a JSON text."""
    h = blake2b(f"pattern {number}".encode(), digest_size=32).hexdigest()
    kind = number % 5
    if kind == 0:
        network = ("192.0.2", "198.51.100", "203.0.113")[number // 5 % 3]
        return f"[ipv4-addr:value = '{network}.{number // 15 % 256}']"
    if kind == 1:
        return f"[ipv6-addr:value = '2001:db8:{h[:4]}:{h[4:8]}::{h[8:12]}']"
    if kind == 2:
        return f"[domain-name:value = '{h[:14]}.example']"
    if kind == 3:
        return f"[url:value = 'https://{h[:9]}.example/update?id={number}']"
    return f"[file:hashes.'SHA-256' = '{h}' AND file:size = {1000 + number}]"

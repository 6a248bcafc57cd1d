"""The object types of STIX 2.1, and the ids that the standard computes for observables."""

import uuid
from typing import Any

from tearline.stix.canonical import canonical

DOMAIN_TYPES = frozenset(
    {
        "attack-pattern",
        "campaign",
        "course-of-action",
        "grouping",
        "identity",
        "incident",
        "indicator",
        "infrastructure",
        "intrusion-set",
        "location",
        "malware",
        "malware-analysis",
        "note",
        "observed-data",
        "opinion",
        "report",
        "threat-actor",
        "tool",
        "vulnerability",
    }
)
"""STIX domain objects (section 4)."""

RELATIONSHIP_TYPES = frozenset({"relationship", "sighting"})
"""STIX relationship objects (section 5)."""

META_TYPES = frozenset({"extension-definition", "language-content", "marking-definition"})
"""STIX meta objects (section 7)."""

CONTRIBUTING: dict[str, frozenset[str]] = {
    "artifact": frozenset({"hashes", "payload_bin"}),
    "autonomous-system": frozenset({"number"}),
    "directory": frozenset({"path"}),
    "domain-name": frozenset({"value"}),
    "email-addr": frozenset({"value"}),
    "email-message": frozenset({"body", "from_ref", "subject"}),
    "file": frozenset({"extensions", "hashes", "name", "parent_directory_ref"}),
    "ipv4-addr": frozenset({"value"}),
    "ipv6-addr": frozenset({"value"}),
    "mac-addr": frozenset({"value"}),
    "mutex": frozenset({"name"}),
    "network-traffic": frozenset(
        {
            "dst_port",
            "dst_ref",
            "end",
            "extensions",
            "protocols",
            "src_port",
            "src_ref",
            "start",
        }
    ),
    "process": frozenset(),
    "software": frozenset({"cpe", "name", "swid", "vendor", "version"}),
    "url": frozenset({"value"}),
    "user-account": frozenset({"account_login", "account_type", "user_id"}),
    "windows-registry-key": frozenset({"key", "values"}),
    "x509-certificate": frozenset({"hashes", "serial_number"}),
}
"""For each observable type (section 6) the properties that make its id."""

OBSERVABLE_TYPES = frozenset(CONTRIBUTING)
"""STIX cyber-observable objects (section 6)."""

KNOWN_TYPES = DOMAIN_TYPES | RELATIONSHIP_TYPES | META_TYPES | OBSERVABLE_TYPES
"""Every object type of STIX 2.1; a bundle is not an object."""

_NAMESPACE = uuid.UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")
_PREFERRED_HASHES = ("MD5", "SHA-1", "SHA-256", "SHA-512")


def is_observable(type: str) -> bool:
    """Whether objects of this type are cyber-observables of the standard."""
    return type in OBSERVABLE_TYPES


def observable_id(doc: dict[str, Any]) -> str | None:
    """Return the id that the standard computes for an observable (2.1, section 2.9).

    It is a UUIDv5 over the contributing properties in canonical JSON. None for other types and
    where the standard computes none: a process, or an observable without any such property.
    Raises InputError for values that JSON cannot hold.
    """
    kind = doc.get("type")
    if not isinstance(kind, str):
        return None
    chosen = {name: doc[name] for name in CONTRIBUTING.get(kind, ()) if name in doc}
    if isinstance(hashes := chosen.get("hashes"), dict):
        chosen["hashes"] = _one_hash(hashes)
    if not chosen:
        return None
    return f"{kind}--{uuid.uuid5(_NAMESPACE, canonical(chosen).decode())}"


def _one_hash(hashes: dict[str, Any]) -> dict[str, Any]:
    """Keep the first hash of the standard's order, else the first by name."""
    for name in (*_PREFERRED_HASHES, *sorted(hashes)):
        if name in hashes:
            return {name: hashes[name]}
    return {}

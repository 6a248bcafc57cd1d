"""Open knowledge for a new node: MISP galaxies as STIX 2.1.

The clusters come with the package `pymispgalaxies`; nothing is fetched. Ids are UUIDv5 over the
cluster's own uuid and the moments are fixed for each version of the package, so the same package
gives the same bytes on every machine and importing twice stores nothing new. The files are read
as they lie: the package's own classes keep synonyms in sets, whose order changes with the process.
"""

import difflib
import functools
import importlib.metadata
import importlib.util
import re
import urllib.parse
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from tearline.errors import InputError, MisuseError
from tearline.exchange.galaxy_links import RELATED, End, Link, link

_PACKAGE = "pymispgalaxies"
_NAMESPACE = uuid.UUID("6f0d3b1c-52a4-5d0e-9b57-0a4c5f1f7e21")
# An object is created once and for all; a later version of the package modifies it.
_CREATED = datetime(2025, 11, 14, tzinfo=UTC)


class Galaxy(msgspec.Struct, frozen=True):
    """How the clusters of one galaxy become STIX objects."""

    type: str
    malware_types: tuple[str, ...] = ()
    catalogue: str = ""
    """The source name under which its external ids are known."""
    code: str = "external_id"
    """Where an entry has its number in the catalogue."""


# The order decides which galaxy speaks for a cluster that lies in two.
_GALAXIES: dict[str, Galaxy] = {
    "mitre-intrusion-set": Galaxy("intrusion-set", catalogue="mitre-attack"),
    "mitre-malware": Galaxy("malware", catalogue="mitre-attack"),
    "mitre-tool": Galaxy("tool", catalogue="mitre-attack"),
    "mitre-attack-pattern": Galaxy("attack-pattern", catalogue="mitre-attack"),
    "mitre-course-of-action": Galaxy("course-of-action", catalogue="mitre-attack"),
    "mitre-atlas-attack-pattern": Galaxy("attack-pattern", catalogue="mitre-atlas"),
    "mitre-atlas-course-of-action": Galaxy("course-of-action", catalogue="mitre-atlas"),
    "threat-actor": Galaxy("threat-actor"),
    "microsoft-activity-group": Galaxy("intrusion-set"),
    "ransomware": Galaxy("malware", ("ransomware",)),
    "botnet": Galaxy("malware", ("bot",)),
    "rat": Galaxy("malware", ("remote-access-trojan",)),
    "backdoor": Galaxy("malware", ("backdoor",)),
    "banker": Galaxy("malware", ("trojan",)),
    "stealer": Galaxy("malware", ("spyware",)),
    "cryptominers": Galaxy("malware", ("resource-exploitation",)),
    "exploit-kit": Galaxy("malware", ("exploit-kit",)),
    "android": Galaxy("malware"),
    "malpedia": Galaxy("malware"),
    "tool": Galaxy("tool"),
    "tds": Galaxy("tool"),
    "preventive-measure": Galaxy("course-of-action"),
    "branded_vulnerability": Galaxy("vulnerability"),
    "360net": Galaxy("intrusion-set"),
    "tidal-groups": Galaxy("intrusion-set", catalogue="tidal-cyber", code="group_attack_id"),
    "tidal-campaigns": Galaxy("campaign", catalogue="tidal-cyber", code="campaign_attack_id"),
    "tidal-software": Galaxy("malware", catalogue="tidal-cyber", code="software_attack_id"),
    "sector": Galaxy("identity"),
    "country": Galaxy("location"),
}

_WITH_ALIASES = frozenset(
    {"attack-pattern", "campaign", "intrusion-set", "malware", "threat-actor", "tool"}
)
# The words of MISP's estimative-language taxonomy on the DNI scale of STIX 2.1 appendix A.
_CONFIDENCE = {
    "almost-no-chance": 5,
    "very-unlikely": 15,
    "unlikely": 30,
    "roughly-even-chance": 50,
    "likely": 70,
    "very-likely": 85,
    "almost-certain": 95,
}
_LIKELIHOOD = re.compile(r'estimative-language:likelihood-probability="([a-z-]+)"')
_KILL_CHAINS = {"attack": "mitre-attack", "mobile-attack": "mitre-mobile-attack"}
_KILL_CHAINS |= {"pre-attack": "mitre-pre-attack"}
# Malpedia gives a family one entry for each platform, and tells them apart in brackets.
_PLATFORM = re.compile(
    r" \((?:Android|ELF|iOS|Javascript|OS X|Powershell|Python|symbian|VBScript|Windows)\)$"
)


class Cluster(msgspec.Struct, frozen=True):
    """One entry of a galaxy file; what we do not map is not read."""

    uuid: str
    value: str
    description: str = ""
    revoked: bool = False
    meta: dict[str, Any] = {}
    related: tuple[dict[str, Any], ...] = ()


class ClusterFile(msgspec.Struct, frozen=True):
    """A galaxy's file of clusters."""

    values: tuple[Cluster, ...]


class _Loaded(msgspec.Struct, frozen=True):
    """A cluster, the galaxy that speaks for it and what it is in STIX."""

    cluster: Cluster
    name: str
    end: End


class Galaxies(msgspec.Struct, frozen=True):
    """The objects as compact JSON, clusters first, and what was left out."""

    objects: tuple[bytes, ...]
    clusters: int
    dropped_links: int
    """Links to clusters that were not asked for."""


def available() -> list[str]:
    """Return the names of the galaxies that have a meaning in STIX."""
    return sorted(_GALAXIES)


def galaxy_objects(names: Sequence[str]) -> list[bytes]:
    """Return the clusters and links of these galaxies as STIX 2.1 objects in compact JSON.

    Raises MisuseError for a name that is not in `available()`.
    """
    return list(read_galaxies(names).objects)


def read_galaxies(names: Sequence[str]) -> Galaxies:
    """Read galaxies together, so that links between them are kept, and count the links lost.

    The result depends on the set of names alone, not on their order. Raises MisuseError for an
    unknown name and InputError when the installed package cannot be read.
    """
    wanted = _checked(names)
    loaded: dict[str, _Loaded] = {}
    for name, galaxy in _GALAXIES.items():
        for cluster in read_clusters(name) if name in wanted else ():
            kind = _type_of(galaxy, cluster)
            end = End(kind, _stix_id(kind, cluster.uuid))
            loaded.setdefault(cluster.uuid, _Loaded(cluster, name, end))
    links, dropped = _links(loaded)
    encode = msgspec.json.Encoder().encode
    objects = [encode(_cluster_object(entry)) for entry in loaded.values()]
    objects += [encode(_relationship(*entry)) for entry in links]
    return Galaxies(tuple(objects), len(loaded), dropped)


def _checked(names: Sequence[str]) -> frozenset[str]:
    for name in names:
        if name in _GALAXIES:
            continue
        near = difflib.get_close_matches(name, _GALAXIES, n=3, cutoff=0.4)
        raise MisuseError(
            f"There is no galaxy called '{name}' that Tearline can import.",
            do=f"Did you mean {' or '.join(near)}?"
            if near
            else f"Choose from: {', '.join(available())}.",
        )
    return frozenset(names)


def read_clusters(name: str) -> tuple[Cluster, ...]:
    """Return the clusters of one galaxy in the order of its file.

    Raises InputError when the installed package does not hold it in the form we know.
    """
    try:
        data = (_clusters_folder() / f"{name}.json").read_bytes()
        return msgspec.json.decode(data, type=ClusterFile).values
    except (OSError, msgspec.MsgspecError) as error:
        raise InputError(
            f"The installed package {_PACKAGE} does not hold this galaxy as expected: {error}.",
            place=f"galaxy/{name}",
            do="Install the version named in requirements/run.txt.",
        ) from error


@functools.cache
def _clusters_folder() -> Path:
    """Where the package keeps its clusters; found without importing it, which takes seconds."""
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or found.origin is None:
        raise FileNotFoundError(f"the package {_PACKAGE} is not installed")
    return Path(found.origin).parent / "data" / "misp-galaxy" / "clusters"


def _stix_id(kind: str, key: str) -> str:
    return f"{kind}--{uuid.uuid5(_NAMESPACE, key.lower())}"


@functools.cache
def moments() -> tuple[str, str]:
    """Created and modified: the second counts the package's versions in minutes."""
    numbers = [int(part) for part in re.findall(r"\d+", importlib.metadata.version(_PACKAGE))]
    major, minor, patch = (*numbers, 0, 0, 0)[:3]
    step = timedelta(minutes=max(0, (major - 1) * 10_000 + minor * 100 + patch))
    return _written(_CREATED), _written(_CREATED + step)


def _written(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _header(kind: str, stix_id: str) -> dict[str, Any]:
    created, modified = moments()
    header = {"type": kind, "spec_version": "2.1", "id": stix_id}
    return {**header, "created": created, "modified": modified}


def _type_of(galaxy: Galaxy, cluster: Cluster) -> str:
    """The galaxy's type; Tidal's software is malware or a tool, as each entry says."""
    says_tool = galaxy.code == "software_attack_id" and cluster.meta.get("type") == ["tool"]
    return "tool" if says_tool else galaxy.type


def _cluster_object(entry: _Loaded) -> dict[str, Any]:
    cluster, galaxy, kind = entry.cluster, _GALAXIES[entry.name], entry.end.type
    code = str(cluster.meta.get(galaxy.code, ""))
    doc = _header(kind, entry.end.id)
    if cluster.revoked:
        doc["revoked"] = True
    doc["name"] = cluster.value.strip().removesuffix(f" - {code}")
    if cluster.description.strip():
        doc["description"] = cluster.description.strip()
    aliases = _aliases(entry, doc["name"])
    if aliases and kind in _WITH_ALIASES:
        doc["aliases"] = aliases
    doc |= _of_type(kind, galaxy, cluster.meta)
    doc["external_references"] = _references(entry, code)
    return doc


def _aliases(entry: _Loaded, name: str) -> list[str]:
    """The synonyms, and the family's own name where the entry's also names a platform."""
    family = _PLATFORM.sub("", name) if entry.name == "malpedia" else name
    names = dict.fromkeys((family, *_texts(entry.cluster.meta, "synonyms")))
    return [each for each in names if each != name]


def _of_type(kind: str, galaxy: Galaxy, meta: dict[str, Any]) -> dict[str, Any]:
    """What only objects of this type have."""
    extra: dict[str, Any] = {}
    if kind == "malware":
        extra["is_family"] = True
        if galaxy.malware_types:
            extra["malware_types"] = list(galaxy.malware_types)
    elif kind == "attack-pattern" and (phases := _phases(meta)):
        extra["kill_chain_phases"] = phases
    elif kind == "campaign":
        extra |= _span(meta)
    elif kind == "identity":
        extra["identity_class"] = "class"
    elif kind == "location":
        extra["country"] = str(meta.get("ISO", ""))
    return extra


def _span(meta: dict[str, Any]) -> dict[str, str]:
    """First and last seen, or neither when the galaxy has them the wrong way round."""
    span = {key: str(meta[key]) for key in ("first_seen", "last_seen") if meta.get(key)}
    return {} if span.get("last_seen", "9") < span.get("first_seen", "") else span


def _phases(meta: dict[str, Any]) -> list[dict[str, str]]:
    """ATT&CK's tactics, once each: the galaxy repeats them for every platform."""
    pairs: dict[tuple[str, str], None] = {}
    for text in _texts(meta, "kill_chain"):
        chain, _, phase = text.partition(":")
        for prefix in sorted(_KILL_CHAINS, key=len, reverse=True):
            if chain == prefix or chain.startswith(f"{prefix}-"):
                chain = _KILL_CHAINS[prefix]
                break
        if phase:
            pairs[chain, phase] = None
    return [{"kill_chain_name": chain, "phase_name": phase} for chain, phase in pairs]


def _texts(meta: dict[str, Any], key: str) -> list[str]:
    """The texts of a list in `meta`, trimmed, each once, in the file's order."""
    value = meta.get(key)
    items = value if isinstance(value, list) else [value]
    texts = (item.strip() for item in items if isinstance(item, str))
    return list(dict.fromkeys(text for text in texts if text))


def _references(entry: _Loaded, code: str) -> list[dict[str, str]]:
    """The cluster itself, its number in a catalogue, and every page that its refs name."""
    references = [{"source_name": f"misp-galaxy:{entry.name}", "external_id": entry.cluster.uuid}]
    catalogue = _GALAXIES[entry.name].catalogue
    if entry.cluster.meta.get("source") == "MITRE":  # Tidal keeps ATT&CK's numbers beside its own
        catalogue = "mitre-attack"
    urls = dict.fromkeys(url for text in _texts(entry.cluster.meta, "refs") if (url := _url(text)))
    if code and catalogue:
        reference = {"source_name": catalogue, "external_id": code}
        page = code.replace(".", "/")
        own = next((url for url in urls if url.rstrip("/").endswith(f"/{page}")), None)
        if own:
            del urls[own]
            reference["url"] = own
        references.insert(0, reference)
    hosts = ((urllib.parse.urlsplit(url).hostname, url) for url in urls)
    return references + [{"source_name": host, "url": url} for host, url in hosts if host]


def _url(text: str) -> str:
    """An address of the web with what a URI may not hold escaped (RFC 3986); '' for others."""
    try:
        parts = urllib.parse.urlsplit(text)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            return ""
        parts.hostname.encode("ascii")
    except (ValueError, UnicodeEncodeError):
        return ""
    after = (_escape(part) for part in (parts.path, parts.query, parts.fragment))
    return urllib.parse.urlunsplit((parts.scheme, parts.netloc, *after))


def _escape(text: str) -> str:
    """Escape what may not stand in a path, query or fragment; what is escaped already stays."""
    alone = re.sub(r"%(?![0-9A-Fa-f]{2})", "%25", text)
    return urllib.parse.quote(alone, safe="/:?@!$&'()*+,;=%~")


def _links(loaded: dict[str, _Loaded]) -> tuple[list[tuple[Link, int | None]], int]:
    """Every link whose two ends are loaded, once; and how many have an end that is not."""
    links: dict[tuple[str, str, str], tuple[Link, int | None]] = {}
    dropped = 0
    for entry in loaded.values():
        for related in entry.cluster.related:
            target = loaded.get(str(related.get("dest-uuid", "")))
            if target is None:
                dropped += 1
            elif target is not entry:
                found = link(entry.end, str(related.get("type", RELATED)), target.end)
                key = (found.source, found.relation, found.target)
                links.setdefault(key, (found, _confidence(related)))
    return list(links.values()), dropped


def _confidence(related: dict[str, Any]) -> int | None:
    for tag in _texts(related, "tags"):
        match = _LIKELIHOOD.fullmatch(tag)
        if match and match[1] in _CONFIDENCE:
            return _CONFIDENCE[match[1]]
    return None


def _relationship(found: Link, confidence: int | None) -> dict[str, Any]:
    key = f"{found.source} {found.relation} {found.target}"
    doc = _header("relationship", _stix_id("relationship", key))
    doc["relationship_type"] = found.relation
    if found.said:
        doc["description"] = f"The galaxy calls this link '{found.said}'."
    doc |= {"source_ref": found.source, "target_ref": found.target}
    if confidence is not None:
        doc["confidence"] = confidence
    return doc

import hashlib
import json
import subprocess
import sys
from collections import Counter
from typing import Any

import msgspec
import pytest
from stix2validator import ValidationOptions, validate_instance

from tearline.errors import MisuseError
from tearline.exchange import galaxies
from tearline.exchange.galaxies import available, galaxy_objects, read_galaxies
from tearline.stix.objects import StixObject
from tearline.stix.sift import sift

ACTORS = ("mitre-intrusion-set", "mitre-malware", "mitre-tool", "mitre-attack-pattern")


def _docs(*names: str) -> list[dict[str, Any]]:
    return [json.loads(raw) for raw in galaxy_objects(names)]


def _by_code(docs: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {
        reference["external_id"]: doc
        for doc in docs
        for reference in doc.get("external_references", [])
        if reference["source_name"] == "mitre-attack"
    }


@pytest.fixture(scope="module")
def attack() -> list[dict[str, Any]]:
    return _docs(*ACTORS)


def _cluster(number: int, value: str, **more: object) -> dict[str, Any]:
    return {"uuid": f"00000000-0000-4000-8000-{number:012}", "value": value, **more}


def _to(number: int, word: str, **more: object) -> dict[str, Any]:
    return {"dest-uuid": f"00000000-0000-4000-8000-{number:012}", "type": word, **more}


def _invent(
    monkeypatch: pytest.MonkeyPatch, **files: list[dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Read invented clusters and return the objects by name, relationships by their ends."""
    by_name = {name.replace("_", "-"): values for name, values in files.items()}
    monkeypatch.setattr(
        galaxies,
        "read_clusters",
        lambda name: msgspec.convert({"values": by_name[name]}, galaxies.ClusterFile).values,
    )
    docs = _docs(*by_name)
    names = {doc["id"]: doc["name"] for doc in docs if "name" in doc}
    return {
        doc.get("name")
        or " ".join(
            (names[doc["source_ref"]], doc["relationship_type"], names[doc["target_ref"]])
        ): doc
        for doc in docs
    }


def test_a_number_in_the_name_becomes_a_reference(attack: list[dict[str, Any]]) -> None:
    by_code = _by_code(attack)
    group, software, technique = by_code["G0102"], by_code["S0446"], by_code["T1059"]
    assert group["type"] == "intrusion-set"
    assert software["type"] == "malware"
    assert technique["type"] == "attack-pattern"
    assert not any(" - " in doc["name"] for doc in (group, software, technique))
    assert group["external_references"][0] == {
        "source_name": "mitre-attack",
        "external_id": "G0102",
        "url": "https://attack.mitre.org/groups/G0102",
    }
    assert by_code["T1059.001"]["external_references"][0]["url"].endswith("/T1059/001")


def test_links_between_loaded_galaxies_are_kept(attack: list[dict[str, Any]]) -> None:
    by_code = _by_code(attack)
    uses = {
        (doc["source_ref"], doc["target_ref"])
        for doc in attack
        if doc.get("relationship_type") == "uses"
    }
    assert (by_code["G0102"]["id"], by_code["S0446"]["id"]) in uses
    known = {doc["id"] for doc in attack}
    assert all(doc["source_ref"] in known for doc in attack if "source_ref" in doc)
    assert all(doc["target_ref"] in known for doc in attack if "target_ref" in doc)


def test_the_same_bytes_come_out_of_another_process() -> None:
    names = ["ransomware", "threat-actor", "microsoft-activity-group"]
    here = hashlib.sha256(b"\n".join(galaxy_objects(names))).hexdigest()
    program = (
        "import hashlib,sys;from tearline.exchange.galaxies import galaxy_objects;"
        "print(hashlib.sha256(b'\\n'.join(galaxy_objects(sys.argv[1:]))).hexdigest())"
    )
    for seed in ("1", "2"):
        run = subprocess.run(
            [sys.executable, "-c", program, *reversed(names)],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert run.stdout.strip() == here


def test_a_galaxy_says_the_same_of_an_object_whatever_is_loaded_beside_it() -> None:
    alone = {doc["id"]: doc for doc in _docs("ransomware")}
    together = {doc["id"]: doc for doc in _docs("ransomware", "rat", "tool")}
    assert alone.items() <= together.items()


def test_every_name_on_offer_is_there_and_no_cluster_lies_in_two() -> None:
    owners = Counter(
        cluster.uuid for name in available() for cluster in galaxies.read_clusters(name)
    )
    assert owners.total() > 10_000
    assert owners.most_common(1)[0][1] == 1


def test_every_object_on_offer_is_sound() -> None:
    objects = galaxy_objects(available())
    assert len(objects) > 30_000
    assert [each for each in sift(objects) if not isinstance(each, StixObject)] == []


def test_the_oasis_validator_agrees() -> None:
    docs = [doc for name in ("tds", "cryptominers", "branded_vulnerability") for doc in _docs(name)]
    docs += _docs("ransomware", "threat-actor")[::200] + _docs(*ACTORS)[::800]
    options = ValidationOptions(version="2.1")
    results = {doc["id"]: validate_instance(doc, options) for doc in docs}
    assert len(results) > 60
    assert [id_ for id_, result in results.items() if not result.is_valid] == []


def test_ids_are_unique_and_no_creator_or_marking_is_claimed() -> None:
    docs = _docs("ransomware", "threat-actor", "tool", "rat")
    assert len({doc["id"] for doc in docs}) == len(docs)
    assert not any("created_by_ref" in doc or "object_marking_refs" in doc for doc in docs)


def test_ransomware_says_so() -> None:
    families = [doc for doc in _docs("ransomware") if doc["type"] == "malware"]
    assert len(families) > 1000
    assert all(doc["malware_types"] == ["ransomware"] and doc["is_family"] for doc in families)


def test_an_unknown_name_lists_near_ones() -> None:
    with pytest.raises(MisuseError, match="ransomware"):
        galaxy_objects(["ransomwear"])
    with pytest.raises(MisuseError, match="mitre-tool"):
        galaxy_objects(["%%%"])


def test_links_to_galaxies_that_were_not_asked_for_are_counted() -> None:
    alone, both = read_galaxies(["mitre-tool"]), read_galaxies(["mitre-tool", "malpedia"])
    assert len(alone.objects) == alone.clusters
    assert alone.dropped_links - both.dropped_links == len(both.objects) - both.clusters > 0


def test_words_of_the_galaxies_point_the_right_way(monkeypatch: pytest.MonkeyPatch) -> None:
    found = _invent(
        monkeypatch,
        threat_actor=[_cluster(1, "Grey Heron", related=[_to(3, "deploys"), _to(2, "delivers")])],
        ransomware=[
            _cluster(2, "Tin Lock", related=[_to(1, "is-deployed-by "), _to(4, "dropped-by")]),
            _cluster(3, "Tin Lock 2", related=[_to(2, "variant-of"), _to(2, "parent-of")]),
        ],
        botnet=[_cluster(4, "Moss", related=[_to(5, "used-by")])],
        mitre_tool=[_cluster(5, "Probe", related=[_to(6, "uses"), _to(5, "similar")])],
        mitre_attack_pattern=[_cluster(6, "Knock")],
    )
    assert {name for name in found if "source_ref" in found[name]} == {
        "Grey Heron uses Tin Lock 2",
        "Grey Heron related-to Tin Lock",
        "Grey Heron uses Tin Lock",
        "Moss drops Tin Lock",
        "Tin Lock 2 variant-of Tin Lock",
        "Tin Lock 2 related-to Tin Lock",
        "Moss related-to Probe",
        "Probe uses Knock",
    }
    assert "'parent-of'" in found["Tin Lock 2 related-to Tin Lock"]["description"]


def test_similar_is_one_related_to_and_never_a_variant(monkeypatch: pytest.MonkeyPatch) -> None:
    likely = ['estimative-language:likelihood-probability="likely"']
    found = _invent(
        monkeypatch,
        ransomware=[_cluster(1, "Tin Lock", related=[_to(2, "similar", tags=likely)])],
        rat=[_cluster(2, "Tinlock", related=[_to(1, "similar", tags=likely)])],
    )
    (relationship,) = (doc for doc in found.values() if doc["type"] == "relationship")
    assert relationship["relationship_type"] == "related-to"
    assert relationship["confidence"] == 70


def test_names_aliases_and_pages_are_cleaned(monkeypatch: pytest.MonkeyPatch) -> None:
    meta = {
        "synonyms": ["Grey Heron", " Pond Walker", "", "Pond Walker"],
        "refs": [
            "https://example.org/a b/[c]?d=5%#e f ",
            "not a page",
            "https://example.org/a b/[c]?d=5%#e f",
        ],
    }
    found = _invent(
        monkeypatch,
        threat_actor=[_cluster(1, " Grey Heron ", meta=meta, description=" ", revoked=True)],
    )
    doc = found["Grey Heron"]
    assert doc["aliases"] == ["Pond Walker"]
    assert doc["revoked"] is True
    assert "description" not in doc
    assert doc["external_references"] == [
        {"source_name": "misp-galaxy:threat-actor", "external_id": _cluster(1, "")["uuid"]},
        {"source_name": "example.org", "url": "https://example.org/a%20b/%5Bc%5D?d=5%25#e%20f"},
    ]


def test_an_entry_for_one_platform_has_the_name_of_its_family(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = _invent(
        monkeypatch,
        malpedia=[
            _cluster(1, "Tin Lock (Windows)", meta={"synonyms": ["Tinny"]}),
            _cluster(2, "Tin Lock (Decryptor)"),
        ],
        ransomware=[_cluster(3, "Tin Lock (ELF)")],
    )
    assert found["Tin Lock (Windows)"]["aliases"] == ["Tin Lock", "Tinny"]
    assert "aliases" not in found["Tin Lock (Decryptor)"]
    assert "aliases" not in found["Tin Lock (ELF)"]


def test_software_is_what_each_entry_says_and_has_the_number_of_its_source(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    probe = {"type": ["tool"], "source": "MITRE", "software_attack_id": "S9001"}
    lock = {"type": ["malware"], "source": "Tidal Cyber", "software_attack_id": "S9002"}
    found = _invent(
        monkeypatch,
        tidal_software=[
            _cluster(1, "Probe", meta=probe, related=[_to(3, "used-by")]),
            _cluster(2, "Tin Lock", meta=lock),
        ],
        tidal_groups=[_cluster(3, "Grey Heron")],
    )
    assert (found["Probe"]["type"], found["Tin Lock"]["type"]) == ("tool", "malware")
    assert "Grey Heron uses Probe" in found
    assert found["Probe"]["external_references"][0] == {
        "source_name": "mitre-attack",
        "external_id": "S9001",
    }
    assert found["Tin Lock"]["external_references"][0]["source_name"] == "tidal-cyber"


def test_tactics_are_told_once_and_not_for_each_platform(monkeypatch: pytest.MonkeyPatch) -> None:
    chain = ["attack-Linux:impact", "attack-Windows:impact", "mobile-attack-iOS:impact", "odd"]
    found = _invent(
        monkeypatch, mitre_attack_pattern=[_cluster(1, "A", meta={"kill_chain": chain})]
    )
    assert found["A"]["kill_chain_phases"] == [
        {"kill_chain_name": "mitre-attack", "phase_name": "impact"},
        {"kill_chain_name": "mitre-mobile-attack", "phase_name": "impact"},
    ]


def test_a_span_that_ends_before_it_begins_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    first, last = "2024-06-18T00:00:00Z", "2022-10-19T00:00:00Z"
    found = _invent(
        monkeypatch,
        tidal_campaigns=[
            _cluster(1, "Backwards", meta={"first_seen": first, "last_seen": last}),
            _cluster(2, "Forwards", meta={"first_seen": last, "last_seen": first}),
        ],
    )
    assert "first_seen" not in found["Backwards"]
    assert "last_seen" not in found["Backwards"]
    assert found["Forwards"]["last_seen"] == first


def test_a_later_package_modifies_and_never_creates_again(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = []
    for version in ("1.1.1", "1.1.2", "1.2", "2.0.0rc1"):
        monkeypatch.setattr("importlib.metadata.version", lambda _, version=version: version)
        moments.append(galaxies.moments.__wrapped__())
    created, modified = zip(*moments, strict=True)
    assert len(set(created)) == 1
    assert list(modified) == sorted(set(modified))
    assert min(modified) >= created[0]

"""A partner that has only a TAXII client: from entering it to its client reading everything."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tearline.agreement.home import open_home
from tests.cli.calls import actor, bundle, good, malware, tearline, uses
from tests.exchange.nodes import free_socket, serving, url_of


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """North, with an address, objects, and a party without a node."""
    north = tmp_path / "north"
    good("init", "--name", "North CERT", "--url", "http://127.0.0.1:9", home=north)
    good("party", "add-plain", "East Clinic", home=north)
    heron, lock = actor("Gray Heron"), malware("Tin Lock")
    held = bundle(tmp_path / "held.json", heron, lock, uses(heron, lock), malware("Brass Fly"))
    good("import", held, "--mark", "TLP:GREEN", "--grade", "B2", home=north)
    return north


def agree(home: Path, *more: str) -> str:
    """Sign a one-sided agreement with the hash of a paper; return its id."""
    paper, draft = home.parent / "paper.pdf", home.parent / "draft.toml"
    paper.write_bytes(b"Signed on paper, by hand.")
    good("agreement", "new", "--with", "east-clinic", "--paper", paper, "--out", draft, home=home)
    text = draft.read_text("utf-8")
    assert "one_sided = true" in text
    text = text.replace("Example Spider", "Gray Heron").replace("days = 180", 'days = "*"')
    for each in more:
        before, _, after = each.partition("=>")
        text = text.replace(before, after)
    draft.write_text(text, "utf-8")
    proposed = good("agreement", "propose", draft, home=home)
    assert (proposed["state"], proposed["one_sided"]) == ("active", True)
    name: str = proposed["agreement"]
    return name


def one(home: Path, *arguments: str) -> dict[str, Any]:
    (found,) = good("connect", "east-clinic", *arguments, home=home)["connections"]
    return dict(found)


@pytest.fixture
def served(home: Path) -> Iterator[tuple[Path, str]]:
    """The home with an agreement in force, answering over HTTP."""
    agree(home)
    opened = open_home(home)
    opened.store.close()
    with free_socket() as sock, serving(opened, sock):
        yield home, url_of(sock)


def test_what_connect_prints_for_taxii2_client_reads_everything(served: tuple[Path, str]) -> None:
    home, url = served
    found = one(home, "--client", "taxii2-client", "--new-key", "--url", url)
    (form,) = found["clients"]
    script, _, curl = form["test"].rpartition("\ncurl ")
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert sorted(line.split()[1] for line in done.stdout.splitlines()) == [
        "intrusion-set",
        "malware",
        "relationship",
    ]
    asked = subprocess.run(
        f"curl --silent --noproxy '*' {curl}",
        shell=True,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert len(json.loads(asked.stdout)["objects"]) == 1, asked.stderr


def test_a_key_is_shown_once_and_ends_the_ones_before(served: tuple[Path, str]) -> None:
    home, _ = served
    assert one(home)["keys"] == []
    first = one(home, "--new-key")
    assert len(first["key"]) == 64
    assert first["key"] not in json.dumps(one(home))
    kept = one(home, "--new-key", "--keep-old")
    assert [each["since"] for each in kept["keys"]] == sorted(
        each["since"] for each in kept["keys"]
    )
    assert len(kept["keys"]) == 2
    assert len(one(home, "--new-key")["keys"]) == 1
    said = tearline("connect", "east-clinic", home=home).out
    assert "cannot be shown again" in said
    assert first["key"] not in said


def test_every_client_has_a_form_with_the_address_and_a_test(served: tuple[Path, str]) -> None:
    home, _ = served
    found = one(home)
    assert {each["client"] for each in found["clients"]} == {
        "taxii2-client",
        "opencti",
        "sentinel",
        "splunk",
        "elastic",
        "cortex",
    }
    for each in found["clients"]:
        written = json.dumps(each)
        assert found["api_root"].rstrip("/") in written or found["discovery"] in written
        assert "east-clinic" in written
        assert "curl " in each["test"]


def test_without_an_agreement_or_with_a_node_it_says_what_to_do(home: Path) -> None:
    said = tearline("connect", "east-clinic", home=home)
    assert (said.code, "agreement new --with east-clinic" in said.err) == (1, True)
    assert tearline("connect", "nobody", home=home).code == 1
    agree(home)
    assert tearline("connect", "east-clinic", "--client", "nosuch", home=home).code == 1


def test_a_plain_party_is_entered_once(home: Path) -> None:
    again = tearline("party", "add-plain", "East Clinic", home=home)
    assert (again.code, "--short" in again.err) == (1, True)
    other = good("party", "add-plain", "East Clinic", "--short", "east-2", home=home)
    assert other["party"] == "east-2"
    shown = good("party", "show", "east-2", home=home)
    assert (shown["card"], shown["name"]) == (None, "East Clinic")
    for bad in (("West", "--short", "We st"), ("\x1b[31m",), ("  ",)):
        assert tearline("party", "add-plain", *bad, home=home).code in {1, 2}


def test_a_plain_party_that_gets_a_node_keeps_its_name(home: Path) -> None:
    east = home.parent / "east"
    good("init", "--name", "East Clinic", home=east)
    good("card", "--out", home.parent / "east.card", home=east)
    words = good("card", home=east)["words"]
    good("party", "add", home.parent / "east.card", "--words", words, home=home)
    (listed,) = good("party", "list", home=home)
    assert listed["party"] == "east-clinic"
    assert good("party", "show", "east-clinic", home=home)["card"]["slug"] == "east-clinic"

from pathlib import Path

import pytest

from tearline.config import settings
from tearline.errors import HomeError
from tearline.exchange.pins import Files
from tearline.node.serve import shows
from tests.cli.calls import good, tearline


@pytest.fixture
def home(tmp_path: Path) -> Path:
    good("init", "--name", "East Bank AG", "--url", "https://east.example", home=tmp_path / "e")
    return tmp_path / "e"


def test_a_key_is_made_shown_and_changed(home: Path) -> None:
    none = good("tls", "show", home=home)
    assert (none["certificate"], none["card_names"], none["fits"]) == (None, [], True)
    made = good("tls", "make", home=home)
    assert made["card_names"] == [made["pin"]]
    assert made["words"] == good("card", home=home)["words"] != none["words"]
    both = good("tls", "next", home=home)["card_names"]
    assert both[0] == made["pin"]
    done = good("tls", "change", "--days", "30", home=home)
    assert [done["pin"]] == done["card_names"] == both[1:]
    assert good("tls", "show", home=home) == done
    assert good("card", home=home)["card"]["tls"] == both[1:]


def test_a_card_that_names_another_key_is_pointed_out(home: Path, tmp_path: Path) -> None:
    made = good("tls", "make", home=home)
    good("init", "--name", "Proxy", "--url", "https://proxy.example", home=tmp_path / "p")
    other = good("tls", "make", home=tmp_path / "p")
    named = good("tls", "pin", other["certificate"], home=home)
    assert (named["fits"], named["card_names"], named["pin"]) == (
        False,
        [other["pin"]],
        made["pin"],
    )
    assert "does not name this key" in tearline("tls", "show", home=home).out
    assert good("tls", "pin", home=home)["card_names"] == []
    assert tearline("tls", "pin", tmp_path / "nothing", home=home).code == 2


def test_what_is_served_is_what_was_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shows(home, own=False) is None
    with pytest.raises(HomeError, match="nothing to show in TLS"):
        shows(home, own=True)
    made = good("tls", "make", home=home)
    files = Files(home / "tls.crt", home / "keys" / "tls.pem")
    assert shows(home, own=True) == files
    assert made["certificate"] == str(files.certificate)
    monkeypatch.setenv("TEARLINE_TLS_CERT", str(files.certificate))
    settings.cache_clear()
    try:
        with pytest.raises(HomeError, match="TEARLINE_TLS_KEY"):
            shows(home, own=False)
        monkeypatch.setenv("TEARLINE_TLS_KEY", str(files.key))
        settings.cache_clear()
        assert shows(home, own=False) == files
    finally:
        monkeypatch.undo()
        settings.cache_clear()

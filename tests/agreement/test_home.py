"""Homes: all or nothing, closed to others, and with the keys of their card."""

import shutil
from pathlib import Path

import pytest

from tearline.agreement.card import card_hash, read_card
from tearline.agreement.home import create_home, open_home, slug_of
from tearline.agreement.renewing import renew
from tearline.errors import HomeError, InputError, ProofError
from tearline.log import record
from tearline.log.checkpoint import open_checkpoint
from tests.agreement.sides import DAY, NOW, Sides, new_sides


def test_a_new_home_can_be_opened_and_nobody_else_can_look_in(tmp_path: Path) -> None:
    home = create_home(tmp_path / "new" / "home", "Zürich Health-CERT", "https://z.example/", NOW)
    home.store.close()
    again = open_home(home.path)
    again.store.close()
    assert (again.name, again.slug) == ("Zürich Health-CERT", "zurich-health-cert")
    assert again.card == home.card
    assert again.card.url == "https://z.example"
    assert home.path.stat().st_mode & 0o777 == 0o700
    keys = list((home.path / "keys").iterdir())
    assert len(keys) == 6
    assert {key.stat().st_mode & 0o777 for key in keys} == {0o600}
    assert list((tmp_path / "new").iterdir()) == [home.path]


def test_secrets_are_not_shown(sides: Sides) -> None:
    assert "Private" not in repr(sides.north)
    assert sides.north.keys.secret.hex() not in repr(sides.north.keys)


def test_a_home_is_made_once(tmp_path: Path) -> None:
    create_home(tmp_path / "home", "North CERT", None, NOW).store.close()
    with pytest.raises(HomeError, match="already in use"):
        create_home(tmp_path / "home", "North CERT", None, NOW)


@pytest.mark.parametrize(("name", "url"), [("***", None), ("North", "ftp://north"), ("a\nb", None)])
def test_a_home_that_fails_leaves_nothing(tmp_path: Path, name: str, url: str | None) -> None:
    with pytest.raises(InputError):
        create_home(tmp_path / "home", name, url, NOW)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_no_home_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(HomeError, match="tearline init"):
        open_home(tmp_path)


def test_a_key_that_others_can_read_is_not_used(sides: Sides) -> None:
    key = sides.north.path / "keys" / "sign.pem"
    key.chmod(0o644)
    with pytest.raises(HomeError, match="chmod 600"):
        open_home(sides.north.path)


def test_keys_of_another_card_are_not_used(sides: Sides) -> None:
    shutil.copy(sides.south.path / "keys" / "log.pem", sides.north.path / "keys" / "log.pem")
    with pytest.raises(HomeError, match="log key"):
        open_home(sides.north.path)


def test_a_damaged_home_is_not_used(sides: Sides) -> None:
    (sides.north.path / "keys" / "root.pem").write_bytes(b"nonsense")
    with pytest.raises(HomeError, match="cannot be used"):
        open_home(sides.north.path)
    (sides.north.path / "card.json").write_bytes(b"{}")
    with pytest.raises(HomeError, match="cannot be used"):
        open_home(sides.north.path)


def test_a_renewed_card_keeps_its_keys(sides: Sides) -> None:
    before = sides.north.card
    document = renew(sides.north, "https://new.example", now=NOW + DAY).document
    renewed = read_card(document)
    assert open_home(sides.north.path).card == sides.north.card == renewed
    assert renewed.url == "https://new.example"
    assert renewed.sign == before.sign
    assert card_hash(renewed) != card_hash(before) == renewed.replaces


def test_slugs_are_plain() -> None:
    assert slug_of("  Länder-CERT (Süd) ") == "lander-cert-sud"
    assert len(slug_of("x" * 100)) == 63
    with pytest.raises(InputError):
        slug_of("警察")


def test_a_checkpoint_of_ours_is_signed_under_its_logs_own_name(sides: Sides) -> None:
    note = sides.north.publish(None, now=NOW)
    origin = record.origin_of("north-cert")
    assert origin == "north-cert/log/private"
    checkpoint = open_checkpoint(note, sides.north.log_vkey(None), origin)
    assert checkpoint.size == 1  # the partner that was added


def test_a_log_set_back_behind_its_checkpoint_is_not_signed_again(tmp_path: Path) -> None:
    sides = new_sides(tmp_path)  # a file can be set back
    sides.close()
    database = sides.north.path / "node.db"
    shutil.copy(database, sides.north.path / "backup.db")
    home = open_home(sides.north.path)
    with home.store.write() as tx:
        record.append(tx, record.PRIVATE, "hold", [{"kind": "hold"}], at=NOW, agreement=None)
    home.publish(None, now=NOW)
    home.store.close()
    for name in ("node.db-wal", "node.db-shm"):
        (home.path / name).unlink(missing_ok=True)
    shutil.copy(sides.north.path / "backup.db", database)
    home = open_home(sides.north.path)
    with pytest.raises(ProofError, match="leaves"):
        home.publish(None, now=NOW)
    home.store.close()

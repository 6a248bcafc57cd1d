"""A partner vouches for the card of a third party, and only for what it compared itself."""

import base64
import json
from pathlib import Path

import msgspec
import pytest

from tearline.agreement import jws
from tearline.agreement.card import card_hash
from tearline.agreement.home import open_home
from tearline.agreement.vouching import Said as OwnWord
from tearline.stix.canonical import canonical
from tests.cli.calls import Said, Sides, good, tearline


@pytest.fixture
def card(tmp_path: Path) -> Path:
    """The card file of East, whom nobody knows yet; its home stands beside it."""
    good("init", "--name", "East Bank AG", home=tmp_path / "e")
    good("card", "--out", tmp_path / "east.card", home=tmp_path / "e")
    return tmp_path / "east.card"


def words(home: Path) -> str:
    found: str = good("card", home=home)["words"]
    return found


@pytest.fixture
def word(strangers: Sides, card: Path) -> Path:
    """South telephoned East, and says so to North."""
    good("party", "add", card, "--words", words(card.parent / "e"), home=strangers.south)
    made = card.parent / "east.vouch"
    good("card", "vouch", "east-bank-ag", "--out", made, home=strangers.south)
    return made


def added(strangers: Sides, card: Path, word: Path) -> Said:
    return tearline("party", "add", card, "--vouch", word, home=strangers.north)


def test_a_partners_word_stands_in_for_a_telephone_call(
    strangers: Sides, card: Path, word: Path
) -> None:
    assert added(strangers, card, word).code == 0
    shown = good("party", "show", "east-bank-ag", home=strangers.north)
    assert shown["vouched_by"] == ["south-isac"]
    said = tearline("party", "show", "east-bank-ag", home=strangers.north)
    assert "Vouched   by south-isac" in said.out
    # It says nothing of the one who gave it.
    assert good("party", "show", "south-isac", home=strangers.north)["vouched_by"] == []


def test_nobody_has_to_be_vouched_for(strangers: Sides, card: Path) -> None:
    good("party", "add", card, "--words", words(card.parent / "e"), home=strangers.north)
    assert good("party", "show", "east-bank-ag", home=strangers.north)["vouched_by"] == []


def test_words_that_are_wrong_are_not_made_good(strangers: Sides, card: Path, word: Path) -> None:
    said = tearline("party", "add", card, "--vouch", word, "--words", "x y z", home=strangers.north)
    assert said.code == 1
    assert "not those of this card" in said.err


def test_only_what_was_compared_here_is_vouched_for(strangers: Sides) -> None:
    said = tearline("card", "vouch", "east-bank-ag", home=strangers.south)
    assert said.code == 2
    assert "is not a partner" in said.err
    good("party", "add-plain", "West Clinic", home=strangers.south)
    said = tearline("card", "vouch", "west-clinic", home=strangers.south)
    assert said.code == 1
    assert "Nobody here compared" in said.err


def test_a_strangers_word_counts_for_nothing(card: Path, word: Path) -> None:
    """Whoever meets East's friend for the first time knows neither of them."""
    west = card.parent / "w"
    good("init", "--name", "West Bank AG", home=west)
    said = tearline("party", "add", card, "--vouch", word, home=west)
    assert said.code == 1
    assert "no partner whose word counts" in said.err
    assert good("party", "list", home=west) == []


def test_a_word_for_another_card_or_altered_is_refused(
    strangers: Sides, card: Path, word: Path
) -> None:
    good("card", "--out", card.parent / "s.card", home=strangers.south)
    said = tearline("party", "add", card.parent / "s.card", "--vouch", word, home=strangers.north)
    assert "another card" in said.err
    value = json.loads(word.read_text("utf-8"))
    body = json.loads(base64.urlsafe_b64decode(value["payload"] + "=="))
    written = canonical(body | {"at": "2026-01-05T10:00:00.000000Z"})
    value["payload"] = base64.urlsafe_b64encode(written).decode().rstrip("=")
    word.write_text(json.dumps(value), "utf-8")
    said = added(strangers, card, word)
    assert said.code == 1
    assert good("party", "list", home=strangers.north)[0]["party"] != "east-bank-ag"


def test_nobody_vouches_for_itself(strangers: Sides, card: Path) -> None:
    """East is known to North, and its sign key says that another card is the true one."""
    own = card.parent / "e"
    good("party", "add", card, "--words", words(own), home=strangers.north)
    good("card", "renew", "--yes", home=own)
    good("card", "--out", card, home=own)
    home = open_home(own)
    name = card_hash(home.card)
    said = OwnWord(by="east-bank-ag", party="east-bank-ag", card=name, at="2026-01-05T10:00:00Z")
    (card.parent / "own.vouch").write_bytes(
        jws.dump(home.sign(canonical(msgspec.to_builtins(said))))
    )
    home.store.close()
    told = tearline(
        "party", "add", card, "--vouch", card.parent / "own.vouch", home=strangers.north
    )
    assert told.code == 1
    assert "vouches for itself" in told.err


def test_the_word_of_a_key_that_ended_is_not_taken(
    strangers: Sides, card: Path, word: Path
) -> None:
    """Who finds an old key may write an old moment."""
    good("card", "rotate", "sign", "--overlap-days", "0", "--yes", home=strangers.south)
    good("agreement", "export", "--out", card.parent / "out", home=strangers.south)
    (message,) = (card.parent / "out").glob("*north*")
    good("agreement", "receive", message, home=strangers.north)
    assert added(strangers, card, word).code == 1


@pytest.mark.parametrize(
    "document",
    [b"", b"{}", b"[1]", b"\xff\xfe", b'{"payload":"e30","signatures":[]}', b"x" * 20_000],
)
def test_what_is_no_vouch_is_refused(
    strangers: Sides, card: Path, tmp_path: Path, document: bytes
) -> None:
    (tmp_path / "bad.vouch").write_bytes(document)
    said = added(strangers, card, tmp_path / "bad.vouch")
    assert said.code in {1, 2}
    assert "Traceback" not in said.err
    assert len(good("party", "list", home=strangers.north)) == 1


def test_the_word_of_a_revoked_key_is_not_shown_and_not_taken(
    strangers: Sides, card: Path, word: Path
) -> None:
    assert added(strangers, card, word).code == 0
    good("card", "revoke", "sign", "--reason", "Stolen.", "--yes", home=strangers.south)
    good("agreement", "export", "--out", card.parent / "out", home=strangers.south)
    (message,) = (card.parent / "out").glob("*north*")
    good("agreement", "receive", message, home=strangers.north)
    assert good("party", "show", "east-bank-ag", home=strangers.north)["vouched_by"] == []
    said = added(strangers, card, word)
    assert said.code == 1


def test_a_doubt_is_ended_by_words_alone(strangers: Sides, card: Path, word: Path) -> None:
    """East's key was revoked: what South signed of its card before ends no doubt of North's."""
    assert added(strangers, card, word).code == 0
    own = card.parent / "e"
    good("card", "--out", card.parent / "n.card", home=strangers.north)
    north = words(strangers.north)
    good("party", "add", card.parent / "n.card", "--words", north, home=own)
    good("card", "revoke", "sign", "--reason", "Stolen.", "--yes", home=own)
    good("agreement", "export", "--out", card.parent / "out", home=own)
    (message,) = (card.parent / "out").glob("*north*")
    good("agreement", "receive", message, home=strangers.north)
    good("card", "--out", card.parent / "new.card", home=own)
    good("party", "add", card.parent / "new.card", "--words", words(own), home=strangers.south)
    good("card", "vouch", "east-bank-ag", "--out", word, home=strangers.south)
    assert added(strangers, card.parent / "new.card", word).code == 1
    assert good("party", "show", "east-bank-ag", home=strangers.north)["doubt"]

"""A commented agreement to begin with, in which every limit is spelled out; pure but for its id."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from tearline import clock
from tearline.agreement.card import Card
from tearline.agreement.pairing import MEMBER

_EPOCH = datetime.fromtimestamp(0, UTC)
_SLOT = 31


class Receiver(NamedTuple):
    """A receiver who has no node: what it is called, and the hash of the paper it signed."""

    name: str = "The receiver"
    slug: str = "the-receiver"
    paper: str = f"sha256:{'0' * 64}"


def template(our_card: Card, them: Card | Receiver, *, now: int) -> str:
    """Return the TOML of a new agreement between us and a partner, to be edited.

    With a `Receiver` it is one-sided: we give to someone who has no node and signed paper.
    """
    today = (_EPOCH + timedelta(microseconds=now)).date()
    head = _HEAD.format(id=clock.fresh_uuid(), today=today, until=today + timedelta(days=365))
    our_slot, slot = _slots(our_card.slug, them.slug)
    ours, theirs = _clauses(our_slot, slot)
    if isinstance(them, Receiver):
        head += _PAPER.format(paper=them.paper) + _party(our_slot, our_card)
        name = _quoted(them.name)
        return head + _RECEIVER.format(slot=slot, name=name, slug=them.slug) + _TOPIC + ours + _END
    head += _party(our_slot, our_card) + _party(slot, them)
    return head + _TOPIC + ours + theirs + _END


def group_template(our_card: Card, *, now: int) -> str:
    """Return the TOML of a group's template, to be edited: its members' party stays open."""
    today = (_EPOCH + timedelta(microseconds=now)).date()
    head = _GROUP_HEAD.format(today=today, until=today + timedelta(days=365))
    our_slot = "centre"
    clauses = (
        _CLAUSE.format(clause="C1", giver=our_slot, taker=MEMBER),
        _CLAUSE.format(clause="M1", giver=MEMBER, taker=our_slot),
    )
    return head + _party(our_slot, our_card) + _MEMBER + _TOPIC + "".join(clauses) + _END


def _slots(ours: str, theirs: str) -> tuple[str, str]:
    """Return what the two are called in the agreement: their short names, as far as that works."""
    us, them = ours[:_SLOT], theirs[:_SLOT]
    plain = us != them and us[0].isalpha() and them[0].isalpha()
    return (us, them) if plain else ("first", "second")


def _clauses(us: str, them: str) -> tuple[str, str]:
    letters = (us[0].upper(), them[0].upper()) if us[0] != them[0] else ("A", "B")
    return (
        _CLAUSE.format(clause=f"{letters[0]}1", giver=us, taker=them),
        _CLAUSE.format(clause=f"{letters[1]}1", giver=them, taker=us),
    )


def _party(slot: str, card: Card) -> str:
    name = _quoted(card.name)
    return _PARTY.format(slot=slot, name=name, slug=card.slug, key=card.sign, log=card.log)


def _quoted(name: str) -> str:
    return name.replace("\\", "\\\\").replace('"', '\\"')


_HEAD = """\
# An agreement between exactly two parties. Edit it, read it back in English with
# `tearline agreement check FILE`, and offer it with `tearline agreement propose FILE`.
# A key that is not known here is refused. A limit that is left out releases nothing.

schema = "tearline-agreement/1"
id = "urn:uuid:{id}"     # the same in every version
version = 1              # the next version is 2, and names this one's hash:
# replaces = "sha256:…"
title = "Ransomware against hospitals"
# prose = "sha256:…"     # the paper that lawyers signed, if there is one
valid = {{ from = "{today}", until = "{until}" }}   # in UTC; `until` counts to its end
"""

_GROUP_HEAD = """\
# The template of a group: every member signs a pair with you, made from this one text. Read it back
# in English with `tearline group check FILE`, and begin with `tearline group new NAME --template
# FILE`. It has no `id` and no `version`: each pair gets its own.

schema = "tearline-agreement/1"
title = "Ransomware against hospitals"
# prose = "sha256:…"     # the paper that lawyers signed, if there is one
valid = {{ from = "{today}", until = "{until}" }}   # in UTC; `until` counts to its end
"""

_MEMBER = """
# Each member's name and keys come from its card; all that is said of every member is the role:
# [party.member]
# role = "controller"
"""

_PAPER = """\

# The receiver has no node and no keys: it signed on paper, and this is the paper's hash.
one_sided = true
paper = "{paper}"
"""

_PARTY = """
[party.{slot}]
name = "{name}"
slug = "{slug}"
key = "{key}"
log = "{log}"
# country = "SE"
# approver = ["director", "legal"]
# reviewed = [{{ who = "the legal office", what = "law", on = "2026-01-15" }}]   # or what = "harm"
"""

_RECEIVER = """
[party.{slot}]
name = "{name}"
slug = "{slug}"
"""

_TOPIC = """
[purpose]
text = "Detect and stop ransomware against hospitals."
never = ["resale", "public attribution"]

# The threats that the agreement is limited to, by every name they go under.
[[topic]]
id = "R1"
names = ["Example Spider"]
aliases = []
stix_ids = []
attack_ids = []          # for instance "G0102" or "S0446"
labels = []

# A topic can be the relation between two others, and has no lists of its own then:
# [[topic]]
# id = "R1R2"
# between = ["R1", "R2"]

# What else is of a category on which people decide:
# [[category]]
# id = "personal-data"
# properties = ["x_patient_*"]
"""

_CLAUSE = """
[[clause]]
id = "{clause}"
from = "{giver}"
to = "{taker}"
types = ["indicator", "malware", "intrusion-set", "threat-actor", "relationship"]   # or "*"
topics = ["R1"]          # or "*": about anything
reach = 1                # steps from the topic: 0, 1 or 2
countries = "*"          # or {{ victim = ["SE", "NO"] }}, actor or observed: each must fit
members = false          # true: what a report refers to goes with it
marking_max = "TLP:AMBER"
grading_min = "B2"       # both letter and digit; or "*"
confidence_min = "*"     # or 0 to 100
max_age_days = 180       # or "*"
# pap_max = "PAP:AMBER"  # without it, nothing goes that carries a PAP marking
# statements = ["..."]   # statement markings with which it goes; without it, none
never = []               # what never goes: ids, names, labels, sources; it wins over all above
remove = []              # properties that are cut off first, for instance "x_source_*"
# pseudonymise = ["identity.name"]                    # a stable word takes the place of these
# coarsen = {{ dates = "month", places = "country" }}   # or "day", "region"
# What names a victim, holds personal-data, shows a source, a live-operation or a precise-location,
# or could do harm is withheld, unless people are asked:
# review = {{ when = ["victim"], approvals = 2, within_hours = 72, silence = "withhold" }}
"""

_END = """
# Whether the receiver may pass on what it got. A limit that is left out lets nothing be passed on.
[onward]
allowed = false          # true, and then:
# to = ["east-cert"]     # slugs of parties, or "*"
# marking_max = "TLP:GREEN"
# ask_first = true       # the giver consents to exact bytes and one receiver; or false

[retention]
after_end = "recall"     # or "keep"
recall_days = 7          # within which a recall is carried out and answered
# keep_days = 365        # how long what was given may be kept, from its release

# [limits]
# objects_per_day = 20000     # what goes on a day (UTC), in each direction
# requests_per_hour = 600     # how often each side may ask; refused ones count
"""

"""Agreements by chance, for the world of `test_random_limits`: any limit, in any company."""

import json
import random

from tests.pair import TYPES
from tests.release.test_random_limits import LIMITS

_RELATION = str(LIMITS[3]["threats"])
_TOPICS = ['["T1"]', '["T1"]', '["T1"]', '["T3"]', '["T1", "T3"]', '"*"']
_NEVER = ["net scanner", "Mud Loader", "test", "gray-heron", "a hospital"]
_ADDED = [
    *[""] * 5,
    '[[category]]\nid = "harm"\nlabels = ["gray-heron"]\n',
    '[[category]]\nid = "source"\ntypes = ["tool"]\n',
]


def limits(chance: random.Random) -> dict[str, object]:
    """The limits of one clause, as `Pair.terms` takes them."""
    topics = chance.choice(_TOPICS)
    among = [*TYPES, "grouping"]
    types = among if chance.random() < 0.7 else chance.sample(among, chance.randint(6, 12))
    more = []
    if chance.random() < 0.5:
        more.append(f'pap_max = "{chance.choice(["PAP:CLEAR", "PAP:AMBER", "PAP:RED"])}"')
    if chance.random() < 0.5:
        said = chance.choice(['"*"', '["ours alone"]'])
        more.append(f"statements = {said}")
    if chance.random() < 0.5:
        more.append("expired = true")
    if chance.random() < 0.4:
        more.append(f"never = {json.dumps(chance.sample(_NEVER, chance.randint(1, 2)))}")
    countries = chance.choice(
        [*['"*"'] * 4, '{ victim = ["SE"] }', '{ actor = ["PT", "SE"], observed = ["SE"] }']
    )
    return {
        "types": json.dumps(types),
        "topics": topics,
        "threats": _RELATION if "T3" in topics else "",
        "reach": chance.randint(0, 2),
        "members": chance.choice(["true", "false"]),
        "ceiling": chance.choice(["TLP:CLEAR", "TLP:GREEN", *["TLP:AMBER"] * 4, "TLP:RED"]),
        "floor": chance.choice([*["*"] * 5, "B2", "D4"]),
        "age": chance.choice([*['"*"'] * 4, "1", "3", "30"]),
        "countries": '"*"' if "T3" in topics else countries,
        "confidence": chance.choice([*['"*"'] * 4, "40", "90"]),
        "more": "\n".join(more),
        "when": chance.choice(['["source"]', *['["victim", "harm", "personal-data"]'] * 3]),
        "remove": chance.choice(["[]", '["description"]', '["x_*"]']),
        "categories": chance.choice(_ADDED),
    }

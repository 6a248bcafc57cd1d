"""Why nothing arrived, as a table: what is known, and the reasons that are told."""

from dataclasses import dataclass
from typing import Any

import pytest

from tearline.exchange.why import Sight, why
from tearline.store.visits import Visit

HERE = "11111111-1111-4111-8111-111111111111"
OTHER = "22222222-2222-4222-8222-222222222222"
SIGHT = Sight(
    state="active",
    serving=True,
    blocked=False,
    has_key=True,
    collection=HERE,
    released=3,
    types=frozenset({"indicator", "malware"}),
    last_at=1_000,
    withheld={},
    ended_keys=frozenset({"sha256:old"}),
    from_at=0,
    now=5_000,
)
VISIT = Visit(
    kind="partner",
    name="east-clinic",
    agreement_id="urn:uuid:x",
    at=4_000,
    method="GET",
    resource="objects",
    collection=HERE,
    status=200,
    title="",
    objects=3,
    added_after=None,
    types="",
    agent="taxii2-client/2.3.0",
    address="192.0.2.7",
    key_hash="sha256:new",
    given_at=4_000,
    requests=1,
    refused=0,
    objects_total=3,
)
NOTHING: dict[str, Any] = {"objects": 0, "given_at": None}


@dataclass
class Case:
    told: list[str]
    sight: dict[str, Any]
    visit: dict[str, Any] | None


TABLE = [
    Case([], {}, {}),
    Case(["never-connected"], {}, None),
    Case(["no-key", "never-connected"], {"has_key": False}, None),
    Case(["wrong-key"], {}, {**NOTHING, "status": 401, "collection": ""}),
    Case(
        ["unproven"],
        {},
        {**NOTHING, "status": 401, "title": "A request of a node has to be signed."},
    ),
    Case(["ended-key"], {}, {**NOTHING, "status": 401, "key_hash": "sha256:old"}),
    Case(["blocked"], {"blocked": True, "serving": False}, {**NOTHING, "status": 403}),
    Case(["agreement-suspended"], {"state": "suspended", "serving": False}, {"status": 404}),
    Case(["agreement-expired", "never-connected"], {"state": "expired", "serving": False}, None),
    Case(["not-yet"], {"serving": False, "from_at": 9_000}, {**NOTHING, "status": 404}),
    Case(["nothing-held"], {"released": 0}, NOTHING),
    Case(["nothing-released"], {"released": 0, "withheld": {"unmarked": 4}}, NOTHING),
    Case(["collection-empty"], {"state": "", "released": 0}, NOTHING),
    Case(["asks-too-late"], {}, {**NOTHING, "added_after": 1_000}),
    Case(["up-to-date"], {}, {"objects": 0, "added_after": 1_000}),
    Case([], {}, {**NOTHING, "added_after": 999}),
    Case(["other-types"], {}, {**NOTHING, "types": "report,note"}),
    Case([], {}, {**NOTHING, "types": "report,indicator"}),
    Case(["other-collection"], {}, {**NOTHING, "status": 404, "collection": OTHER}),
    Case(["other-address"], {}, {**NOTHING, "status": 404, "collection": ""}),
    Case(["accept-refused"], {}, {**NOTHING, "status": 406}),
    Case(["bad-query"], {}, {**NOTHING, "status": 400}),
    Case(["read-only"], {}, {**NOTHING, "status": 403, "method": "POST"}),
    Case(["media-type"], {"state": ""}, {**NOTHING, "status": 415}),
    Case(["too-many-failures"], {}, {**NOTHING, "status": 429}),
    Case(["store-away"], {}, {**NOTHING, "status": 503}),
    Case(["status-500"], {}, {**NOTHING, "status": 500}),
    Case(["only-looked"], {}, {**NOTHING, "resource": "collections", "collection": ""}),
    Case([], {}, {"objects": 0, "resource": "collections", "collection": ""}),
]


@pytest.mark.parametrize("case", TABLE, ids=lambda case: ",".join(case.told) or "arrives")
def test_every_reason_that_holds_is_told(case: Case) -> None:
    last = None if case.visit is None else VISIT._replace(**case.visit)
    found = why(SIGHT._replace(**case.sight), last)
    assert [each.code for each in found] == case.told
    for each in found:
        assert each.sentence.endswith(".")
        assert "received" not in each.sentence


def test_reasons_are_counted_most_first() -> None:
    sight = SIGHT._replace(released=0, withheld={"not-about": 2, "unmarked": 1_204})
    (found,) = why(sight, VISIT._replace(objects=0))
    assert "unmarked 1,204, not-about 2" in found.sentence

"""What partners gave us, as plain values and for people."""

from typing import Any

from tearline.cli.terminal import Table, moment, stamp
from tearline.release.holding import Holding


def received_value(found: list[Holding]) -> list[dict[str, Any]]:
    """Return it as JSON."""
    return [
        {
            "object": each.delivered_id,
            "party": each.partner,
            "agreement": each.agreement_id,
            "hash": each.hash,
            "state": each.state,
            "came_at": stamp(each.came_at),
            "until": stamp(each.until_at),
        }
        for each in found
    ]


def received_table(found: list[Holding]) -> Table:
    """Return it for people."""
    rows = [(each.delivered_id, each.partner, _said(each), moment(each.came_at)) for each in found]
    return Table(("object", "party", "state", "came"), rows)


def _said(each: Holding) -> str:
    at = moment(each.until_at)
    if each.state == "expired":
        return f"expired at {at}"
    return f"{each.state}, until {at}" if each.until_at is not None else each.state

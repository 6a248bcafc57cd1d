"""An object as another reader has it, to whom it is sound STIX too."""

from typing import Any

import msgspec
import stix2
from stix2validator import ValidationOptions, validate_instance

from tearline.stix.check import Checker


def through(doc: dict[str, Any]) -> dict[str, Any]:
    """The object written and read again: stix2 knows all of it, the OASIS validator is silent."""
    assert Checker().problems(doc) == []
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(doc))
    stix2.parse(found, allow_custom=False)
    result = validate_instance(found, ValidationOptions(version="2.1"))
    assert (result.is_valid, list(map(str, result.warnings or []))) == (True, [])
    return found

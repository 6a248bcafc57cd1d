"""What tests of pages share: a browser, and who asks for a page."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser
from starlette.testclient import TestClient

from tearline import clock
from tests.pair import Pair
from tests.web.served import chromium
from tests.web.site import site


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture
def officer(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """An officer at the pages of North in a test's own pair, at its moment."""
    monkeypatch.setattr(clock, "now", lambda: pair.now)
    with site(pair.north, "officer") as client:
        yield client

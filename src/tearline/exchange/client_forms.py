"""What to write into the form of each TAXII client, by the names that its own form has. Pure.

The names were read off the clients' own sources and manuals; docs/clients.md says which, and what
could not be seen.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

PLACEHOLDER = "THE-KEY"
"""Stands where the secret belongs, which nobody can show again."""


class Access(NamedTuple):
    """Where a client has to knock, and as whom.

    `root` is the last part of the API root's address; `secret` a fresh key, or the placeholder.
    """

    discovery: str
    api_root: str
    root: str
    collection: str
    title: str
    user: str
    secret: str
    page_limit: int

    @property
    def collection_url(self) -> str:
        """The address of the collection."""
        return f"{self.api_root}collections/{self.collection}/"

    @property
    def objects_url(self) -> str:
        """The address of its objects."""
        return f"{self.collection_url}objects/"


class Form(NamedTuple):
    """One client: where its form is, what to write there, what to know, and how to try it."""

    client: str
    where: str
    fields: tuple[tuple[str, str], ...]
    notes: tuple[str, ...] = ()
    test: str = ""


def form_of(client: str, access: Access) -> Form:
    """Return what to write into the form of a client; KeyError for one that is not known."""
    found = _FORMS[client](access)
    return found if found.test else found._replace(test=_curl(access))


def _curl(access: Access) -> str:
    """One line that asks for one object, as the client will."""
    return (
        f"curl --fail-with-body --user '{access.user}:{access.secret}' "
        f"--header 'Accept: application/taxii+json;version=2.1' '{access.objects_url}?limit=1'"
    )


def _taxii2_client(access: Access) -> Form:
    script = f"""\
from taxii2client.v21 import Collection, as_pages

collection = Collection(
    "{access.collection_url}",
    user="{access.user}",
    password="{access.secret}",
)
for page in as_pages(collection.get_objects, per_request={min(access.page_limit, 1000)}):
    for each in page.get("objects", []):
        print(each["id"], each["type"])
"""
    fields = (
        ("url", access.collection_url),
        ("user", access.user),
        ("password", access.secret),
    )
    note = "Read page by page with as_pages; a plain get_objects() is the first page alone."
    test = f"{script}\n{_curl(access)}\n"
    return Form("taxii2-client", "Python: taxii2client.v21.Collection", fields, (note,), test)


def _opencti(access: Access) -> Form:
    fields = (
        ("Name", access.title),
        ("TAXII server URL", access.api_root.rstrip("/")),
        ("TAXII version", "TAXII 2.1"),
        ("TAXII Collection", access.collection),
        ("Authentication type", "Basic user / password"),
        ("Username", access.user),
        ("Password", access.secret),
        ("Import from date", "(leave empty: everything)"),
    )
    notes = (
        "Before version 7 the form is under Data, Ingestion, TAXII Feeds.",
        (
            "The separate connector external-import/taxii2 is set instead by TAXII2_DISCOVERY_URL="
            f"{access.discovery}, TAXII2_V21=true, TAXII2_COLLECTIONS={access.root}.*, "
            "TAXII2_USERNAME and TAXII2_PASSWORD as above, and TAXII2_INITIAL_HISTORY in hours: it "
            "has to reach back to the first release; by default it asks for 24 hours."
        ),
    )
    return Form("opencti", "Integrations, Built-in ingestion, TAXII Feed", fields, notes)


def _sentinel(access: Access) -> Form:
    fields = (
        ("Friendly name (for server)", access.title),
        ("API root URL", access.api_root),
        ("Collection ID", access.collection),
        ("Username", access.user),
        ("Password", access.secret),
        ("Import indicators", "All available"),
        ("Polling frequency", "Once an hour"),
    )
    notes = (
        "It stores indicators first of all: a clause without the type indicator gives it little.",
        "It knocks from Microsoft's addresses, so the node has to be reachable from the internet.",
    )
    return Form("sentinel", "Data connectors, Threat intelligence - TAXII", fields, notes)


def _splunk(access: Access) -> Form:
    fields = (
        ("Name", "letters, digits and underscores, for instance tearline"),
        ("TAXII API Root URL", access.api_root),
        ("Username", access.user),
        ("Password", access.secret),
    )
    notes = (
        (
            "These are the fields of the add-on for CTIS (TA_CTIS_TAXII), which posts: it needs a "
            "local collection, for nothing can be posted under an agreement."
        ),
        (
            "To read, Enterprise Security 8.2 and later has TAXII feeds under Threat intelligence: "
            f"put the user and the key under Credentials; the API root is {access.api_root}, and "
            f"the collection {access.collection}. Its form was not seen when this was written."
        ),
    )
    return Form("splunk", "CTIS TAXII add-on, Configuration", fields, notes)


def _elastic(access: Access) -> Form:
    fields = (
        ("URL API endpoint", access.objects_url),
        ("Enable TAXII 2.1", "on"),
        ("Basic Auth Username", access.user),
        ("Basic Auth Password", access.secret),
        ("Interval", "5m"),
        ("Initial Interval", "(leave empty: everything)"),
        ("Feed name", access.title),
    )
    notes = (
        "A key may stand under API Key instead, without a user.",
        (
            "It follows `next`, and reads everything anew each time unless Initial Interval is "
            "set; with one it asks for what was added in that span alone."
        ),
    )
    return Form("elastic", "Integrations, Custom Threat Intelligence", fields, notes)


def _cortex(access: Access) -> Form:
    fields = (
        ("Discovery Service URL", access.discovery),
        ("Username / API Key", access.user),
        ("Password", access.secret),
        ("API Root to Use", access.root),
        ("Collection Name To Fetch Indicators From", access.title),
        ("First Fetch Time", "1 year"),
        ("Max STIX Objects Per Poll", str(min(access.page_limit, 1000))),
    )
    notes = (
        (
            "STIX Objects To Fetch must hold the types of the agreement; its default leaves out "
            "identity, location and vulnerability."
        ),
        "Full Feed Fetch reads everything each time, else only what was added since.",
    )
    return Form("cortex", "Cortex XSOAR, TAXII 2 Feed", fields, notes)


_FORMS: Mapping[str, Callable[[Access], Form]] = {
    "taxii2-client": _taxii2_client,
    "opencti": _opencti,
    "sentinel": _sentinel,
    "splunk": _splunk,
    "elastic": _elastic,
    "cortex": _cortex,
}
CLIENTS = tuple(_FORMS)
"""The clients whose forms are known here."""

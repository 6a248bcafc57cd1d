from collections.abc import Iterator

import pytest

from tearline.store import accounts, collections, submissions
from tearline.store.accounts import Key, LocalAccount, Right
from tearline.store.collections import Collection
from tearline.store.database import Place, Store
from tearline.store.schema import open_store
from tearline.store.submissions import KEPT_US, Submission

ALICE = LocalAccount("alice", "hash", 1, None)


@pytest.fixture
def store(place: Place) -> Iterator[Store]:
    store = open_store(place)
    with store.write() as tx:
        accounts.save_account(tx, ALICE)
        for name in ("feed", "inbox"):
            collections.add_collection(tx, Collection(0, f"id of {name}", name, "", "", 1, None, 0))
    yield store
    store.close()


def test_an_account_is_replaced_under_its_name(store: Store) -> None:
    with store.write() as tx:
        assert accounts.account_named(tx, "alice") == ALICE
        assert accounts.is_proven(tx, "alice", "hash")
        accounts.save_account(tx, ALICE._replace(password="other"))
        assert not accounts.is_proven(tx, "alice", "hash")
        accounts.save_account(tx, ALICE._replace(password="other", ended_at=5))
        assert not accounts.is_proven(tx, "alice", "other")
        assert accounts.accounts(tx) == [LocalAccount("alice", "other", 1, 5)]
        assert accounts.account_named(tx, "bob") is None


def test_a_key_opens_while_it_and_its_account_are_open(store: Store) -> None:
    with store.write() as tx:
        for number in (2, 1):
            accounts.add_key(tx, Key(f"key {number}", "alice", number))
        assert accounts.account_keyed(tx, "key 1") == "alice"
        assert [each.since_at for each in accounts.keys_of(tx, "alice")] == [1, 2]
        accounts.end_keys(tx, ["key 1"], at=5)
        assert accounts.account_keyed(tx, "key 1") is None
        assert accounts.open_keys(tx) == {"key 2"}
        accounts.save_account(tx, ALICE._replace(ended_at=5))
        assert accounts.account_keyed(tx, "key 2") is None


def test_a_right_is_to_one_collection_while_it_is_served(store: Store) -> None:
    with store.write() as tx:
        feed, inbox = collections.collections(tx)
        accounts.put_right(tx, "alice", inbox.number, can_read=False, can_write=True)
        accounts.put_right(tx, "alice", feed.number, can_read=True, can_write=True)
        accounts.put_right(tx, "alice", feed.number, can_read=True, can_write=False)
        reads, writes = Right(feed, True, False), Right(inbox, False, True)  # noqa: FBT003  # a row
        assert accounts.rights_of(tx, "alice") == [reads, writes]
        assert accounts.right_of(tx, "alice", feed.id) == reads
        assert accounts.right_of(tx, "bob", feed.id) is None
        collections.end_collection(tx, inbox.number, at=5)
        assert accounts.right_of(tx, "alice", inbox.id) is None
        assert accounts.rights_of(tx, "alice") == [reads]
        accounts.put_right(tx, "alice", feed.number, can_read=False, can_write=False)
        assert accounts.rights_of(tx, "alice") == []
        accounts.clear_rights(tx, "alice")


def test_a_status_is_for_its_account_and_for_its_time(store: Store) -> None:
    first = Submission("a", 1, "alice", 0, 1, 1, 5, 5, "[]", "[]")
    with store.write() as tx:
        submissions.add_submission(tx, first)
        assert submissions.submission_of(tx, "a", "alice") == first
        assert submissions.submission_of(tx, "a", "bob") is None
        submissions.add_submission(tx, first._replace(id="b", at=KEPT_US))
        assert submissions.submission_of(tx, "a", "alice") == first
        submissions.add_submission(tx, first._replace(id="c", at=KEPT_US + 1))
        assert submissions.submission_of(tx, "a", "alice") is None
        assert submissions.submission_of(tx, "b", "alice") is not None

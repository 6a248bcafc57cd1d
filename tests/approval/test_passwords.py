"""Passwords are kept as slow hashes, and nobody's takes as long as somebody's."""

import time

from tearline.approval import passwords as module
from tearline.approval.passwords import hash_password, is_password


def test_a_password_is_known_by_its_hash_alone() -> None:
    phc = hash_password("Mud and Reed")
    assert phc.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert is_password("Mud and Reed", phc)
    assert not is_password("mud and reed", phc)
    assert phc != hash_password("Mud and Reed")


def test_letters_may_be_composed_in_either_way() -> None:
    assert is_password("Scha\u0308fer", hash_password("Sch\u00e4fer"))


def test_nobodys_password_takes_the_work_of_somebodys() -> None:
    assert not is_password("anything", None)
    parameters = module._NOBODYS.rpartition("$")[0].rpartition("$")[0]  # noqa: SLF001
    assert hash_password("x").startswith(parameters)


def test_a_right_password_takes_a_while_and_not_too_long() -> None:
    phc = hash_password("x")
    begun = time.perf_counter()
    is_password("x", phc)
    assert 0.003 < time.perf_counter() - begun < 5

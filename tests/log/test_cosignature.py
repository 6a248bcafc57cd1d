"""Cosignatures (C2SP tlog-cosignature) against the published example, and for readers in Go."""

import base64
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tearline.errors import ProofError
from tearline.log import checkpoint
from tearline.log.checkpoint import COSIGNATURE
from tests.log.made_log import KEY, NOW, ORIGIN, OTHER_KEY, VKEY
from tests.log.test_witness import WITNESS_KEY, WITNESS_VKEY

GO_PATH = Path("/usr/share/gocode")
TEXT = checkpoint.checkpoint_text(ORIGIN, 5, bytes(range(32)))
NOTE = checkpoint.sign_note(TEXT, ORIGIN, KEY)
# The worked example of c2sp.org/tlog-cosignature; the witness's key is not published with it.
C2SP_NOTE = """\
example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==
"""  # noqa: E501  # as it is published


def cosign(at_s: int, *, text: str = TEXT, name: str = "south/witness") -> str:
    return checkpoint.cosign(text, name, WITNESS_KEY, at_s=at_s)


def test_the_published_example_has_the_form_that_we_write() -> None:
    line = C2SP_NOTE.splitlines(keepends=True)[-1]
    blob = base64.b64decode(line.split()[2])
    assert int.from_bytes(blob[4:12], "big") == 1_679_315_147
    ours = cosign(1_679_315_147, text=C2SP_NOTE.partition("\n\n")[0] + "\n", name=line.split()[1])
    mine = base64.b64decode(ours.split()[2])
    assert (len(mine), mine[4:12], ours[:25]) == (len(blob), blob[4:12], line[:25])
    assert checkpoint.cosigned_at(C2SP_NOTE, WITNESS_VKEY) is None


def test_what_is_signed_is_what_the_specification_says() -> None:
    """Verified by hand: header line, time line, and the whole text of the checkpoint."""
    blob = base64.b64decode(cosign(1_679_315_147).split()[2])
    message = f"cosignature/v1\ntime 1679315147\n{TEXT}".encode()
    WITNESS_KEY.public_key().verify(blob[12:], message)
    public = WITNESS_KEY.public_key().public_bytes_raw()
    assert blob[:4] == checkpoint.key_id("south/witness", public, b"\x04")
    assert blob[:4] != checkpoint.key_id("south/witness", public)


@given(st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=4))
def test_the_last_of_several_counts(moments: list[int]) -> None:
    note = checkpoint.add_lines(NOTE, "".join(cosign(each) for each in moments))
    assert checkpoint.cosigned_at(note, WITNESS_VKEY) == max(moments)
    assert checkpoint.cosignature_line(note, WITNESS_VKEY) == cosign(max(moments))
    assert checkpoint.open_checkpoint(note, VKEY, ORIGIN).size == 5
    assert checkpoint.signed_only(note, VKEY) == NOTE


@given(st.data())
def test_no_changed_cosignature_holds(data: st.DataObject) -> None:
    line = cosign(NOW // 10**6)
    blob = bytearray(base64.b64decode(line.split()[2]))
    place = data.draw(st.integers(4, len(blob) - 1))
    blob[place] ^= data.draw(st.integers(1, 255))
    changed = f"— south/witness {base64.b64encode(blob).decode()}\n"
    with pytest.raises(ProofError):
        checkpoint.cosigned_at(NOTE + changed, WITNESS_VKEY)


def test_a_cosignature_is_of_one_head_and_one_witness() -> None:
    other = checkpoint.sign_note(checkpoint.checkpoint_text(ORIGIN, 6, bytes(32)), ORIGIN, KEY)
    with pytest.raises(ProofError):
        checkpoint.cosigned_at(other + cosign(1), WITNESS_VKEY)
    public = OTHER_KEY.public_key().public_bytes_raw()
    stranger = checkpoint.vkey("south/witness", public, COSIGNATURE)
    assert checkpoint.cosigned_at(NOTE + cosign(1), stranger) is None
    for wrong in (VKEY, WITNESS_VKEY.replace("south", "north")):
        with pytest.raises(ProofError):
            checkpoint.cosigned_at(NOTE, wrong)
    with pytest.raises(ProofError):
        checkpoint.parse_vkey(WITNESS_VKEY)


@pytest.mark.parametrize(
    "lines", ["x", "\n", "— a\n", "\n— a AAAAAAAA\n", "more\n\n— a AAAAAAAA\n"]
)
def test_only_signature_lines_are_added(lines: str) -> None:
    with pytest.raises(ProofError):
        checkpoint.add_lines(NOTE, lines)


def test_a_line_is_added_once() -> None:
    once = checkpoint.add_lines(NOTE, cosign(1))
    assert checkpoint.add_lines(once, cosign(1)) == once


@pytest.fixture(scope="module")
def go_note(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The note reader of golang.org/x/mod, which knows keys of type 1 alone."""
    if shutil.which("go") is None or not (GO_PATH / "src/golang.org/x/mod/sumdb/note").is_dir():
        pytest.skip("no Go with golang.org/x/mod is here (Debian: golang-golang-x-mod-dev)")
    folder = tmp_path_factory.mktemp("go")
    program = folder / "note"
    source = Path(__file__).with_name("note.go")
    environment = {"PATH": "/usr/bin:/bin:/usr/local/go/bin", "HOME": str(folder)}
    environment |= {"GO111MODULE": "off", "GOPATH": str(GO_PATH), "GOCACHE": str(folder / "cache")}
    environment |= {"CGO_ENABLED": "0", "GOFLAGS": "-p=1"}
    build = ["go", "build", "-o", str(program), str(source)]
    subprocess.run(build, check=True, env=environment, capture_output=True)
    shutil.rmtree(folder / "cache", ignore_errors=True)
    return program


def test_a_cosigned_head_opens_in_go(go_note: Path) -> None:
    note = checkpoint.add_lines(NOTE, cosign(NOW // 10**6) + cosign(1, name="w.example/w1"))
    done = subprocess.run([go_note, VKEY], input=note.encode(), capture_output=True, check=True)
    assert done.stdout.decode() == f"1 2\n{TEXT}"
    broken = note.replace("\n5\n", "\n6\n")
    again = subprocess.run([go_note, VKEY], input=broken.encode(), capture_output=True, check=False)
    assert again.returncode == 1

"""Every error that a caller may catch.

TearlineError            what happened, what it means, what to do; exit code 1
├── MisuseError          called the wrong way; exit code 2
├── HomeError            this home cannot be used as it is
│   └── StoreError       its store does not answer now, or cannot keep more
├── InputError           what came in is not what it should be; names the place
├── RefusedError         the rules, an agreement or a party's state say no
├── ProofError           a hash, signature, proof or log does not hold
├── PartnerError         the partner's node could not be reached or refused
└── SourceError          a foreign server could not be reached, refused or made no sense
"""


class TearlineError(Exception):
    """A failure that explains itself: what happened, what it means, what to do."""

    exit_code = 1

    def __init__(self, what: str, *, means: str = "", do: str = "") -> None:
        """Keep the three sentences apart, so that each face can lay them out."""
        super().__init__(what)
        self.what = what
        self.means = means
        self.do = do

    def __str__(self) -> str:
        """One line: the three sentences, those that are there."""
        return " ".join(part for part in (self.what, self.means, self.do) if part)


class MisuseError(TearlineError):
    """The caller asked in a way that cannot be understood."""

    exit_code = 2


class HomeError(TearlineError):
    """The home folder is missing, half made or not ours."""


class StoreError(HomeError):
    """The store does not answer now, or cannot keep more; later it may."""


class InputError(TearlineError):
    """Bytes from outside that are refused, with the place where they went wrong."""

    def __init__(self, what: str, *, place: str = "", means: str = "", do: str = "") -> None:
        """Add the place: a file, an object's index, a byte, or a path in the document."""
        super().__init__(what, means=means, do=do)
        self.place = place

    def __str__(self) -> str:
        """The place first, as compilers do."""
        text = super().__str__()
        return f"{self.place}: {text}" if self.place else text


class RefusedError(TearlineError):
    """Understood, and not allowed."""


class ProofError(TearlineError):
    """Something that should prove itself does not."""


class PartnerError(TearlineError):
    """The other node did not answer, or answered with a refusal."""


class SourceError(TearlineError):
    """A foreign server that we read did not answer, refused, or made no sense."""

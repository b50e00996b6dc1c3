"""Locks: two processes never certainly hold one at once, and its fencing tokens only rise.

The work is native, in one pass (``schrodinger_native.check_lock``). A process certainly holds a lock from the return of
its ``acquire`` to the call of its next ``release``. A lock that is a lease can't promise that two never hold it, as
Kleppmann shows ("How to do distributed locking", 2016): a holder that was paused believes in a lease that has ended.
What it can promise is a token with which the protected resource tells holders apart, and that is checked as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from schrodinger_native import check_lock

from schrodinger.checkers.findings import verdict_of

if TYPE_CHECKING:
    from schrodinger.checkers.verdict import Verdict
    from schrodinger.history import History


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """Each key is a lock of its own.

    Attributes:
        exclusive: two processes must never hold a lock at once; if not, only its tokens are judged.
        leased: a lock ends by itself, so that a holder who never releases it holds it for a time that nobody knows.
        reentrant: its holder may take it again.
        acquire: what taking a lock is called; it completes with a fencing token, or nothing.
        release: what giving it back is called.
        use: what presenting a token to the protected resource is called; it completes ok when that let the holder in.
        name: the name in verdicts.
    """

    exclusive: bool = True
    leased: bool = False
    reentrant: bool = False
    acquire: str = "acquire"
    release: str = "release"
    use: str = "use"
    name: str = "lock"

    @property
    def violations_are_final(self) -> bool:
        """Who held a lock, and which token came when, does not change."""
        return True

    def check(self, history: History) -> Verdict:
        """Judge the whole history."""
        found = check_lock(
            history.file,
            acquire=self.acquire,
            release=self.release,
            use_=self.use,
            leased=self.leased,
            reentrant=self.reentrant,
            exclusive=self.exclusive,
        )
        return verdict_of(self.name, history, found)

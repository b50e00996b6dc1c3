"""A user's own model of an object: what it holds at first, and what each operation does to it.

A model is a sequential specification: it says what happens when operations come one at a time, and the checker decides
whether some order of the concurrent ones is like that. The search is the native one; each step is asked for once, and
equal states are one state, so a model is asked far less often than there are operations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Hashable

    from schrodinger_native import ModelOperation


@runtime_checkable
class Model(Protocol):
    """What an object is: ``Linearizable(model=MyModel())``.

    Two more methods are used if a model has them. ``partition(operation)`` returns the number of the independent part
    that an operation is about, or ``None``; without it, that is the operation's key. ``only_observes(operation)`` says
    that an operation never changes the state, which lets the search take it as soon as it can, and leave it out where
    nobody knows its result.

    What a model raises ends the check as an infrastructure error, with its trace.
    """

    @property
    def initial(self) -> Hashable:
        """What the object holds before anything happened."""
        ...

    def step(self, state: Any, operation: ModelOperation) -> Hashable | None:
        """The state after ``operation`` in ``state``, or ``None`` if it can't have happened there, as it ended.

        An operation with ``is_ok`` returned its ``value``. Any other may have happened, and nobody knows what it would
        have returned: it has to be possible, whatever it found.
        """
        ...

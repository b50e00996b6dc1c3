"""What a request can be refused for. Each message says what was wrong, where, and what to do."""

from __future__ import annotations


class RequestError(Exception):
    """A request that is refused, with nothing changed."""


class InvalidRequest(RequestError):
    """A field has a value that can never be right."""


class NotFound(RequestError):
    """It names something that is not there."""


class NotNow(RequestError):
    """It would be right at another time, or in another state."""


class NotYours(RequestError):
    """It concerns something of another session."""


class Failed(RequestError):
    """It was right, and the kernel did not let us."""

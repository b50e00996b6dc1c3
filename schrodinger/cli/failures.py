"""How a command fails: one message with the remedy on standard error, exit status 2, nothing half-done."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import click

from schrodinger.cluster import ProviderError, SuiteError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

USAGE = 2
INFRASTRUCTURE = 4
INTERRUPTED = 130


class Refused(click.ClickException):
    """Input that can't be used; the message names it and says what would do."""

    exit_code = USAGE


class Broken(click.ClickException):
    """The machinery failed before there was anything to judge."""

    exit_code = INFRASTRUCTURE


@contextlib.contextmanager
def plain_errors() -> Iterator[None]:
    """Turn the errors that users can cause into one clear message."""
    try:
        yield
    except (SuiteError, Unavailable) as error:
        raise Refused(str(error)) from error
    except ProviderError as error:
        raise Broken(str(error)) from error
    except PermissionError as error:
        raise Refused(f"no permission: {error}; run as root, or choose another place") from error
    except (ValueError, FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise Refused(str(error)) from error

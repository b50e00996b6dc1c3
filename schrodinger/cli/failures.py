"""How a command fails: one message with the remedy on standard error, exit status 2, nothing half-done.

Exit status 1 says that a violation was found. Nothing else may end with it: :class:`CommandLine` gives an interruption,
a reader of our output that went away, and a mistake of our own each a status before click, or Python, would say 1.
"""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

USAGE = 2
INFRASTRUCTURE = 4
INTERRUPTED = 130
UNREAD = 141
"""As a shell reports the end by SIGPIPE."""


class Refused(click.ClickException):
    """Input that can't be used; the message names it and says what would do."""

    exit_code = USAGE


class Broken(click.ClickException):
    """The machinery failed before there was anything to judge."""

    exit_code = INFRASTRUCTURE


class CommandLine(click.Group):
    """All commands, each with an exit status that means what it says."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was given."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("interrupted", err=True)
            ctx.exit(INTERRUPTED)
        except (click.ClickException, click.exceptions.Exit):
            raise
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python would complain at its end
            ctx.exit(UNREAD)
        except Exception:
            click.echo(f"this is a mistake in schrodinger, please report it:\n{traceback.format_exc()}", err=True)
            ctx.exit(INFRASTRUCTURE)


@contextlib.contextmanager
def plain_errors() -> Iterator[None]:
    """Turn the errors that users can cause into one clear message."""
    try:
        yield
    except (BrokenPipeError, click.ClickException, click.exceptions.Exit):
        raise
    except PermissionError as error:
        raise Refused(f"no permission: {_told(error)}; run as root, or choose another place") from error
    except OSError as error:
        raise Refused(_told(error)) from error
    except ValueError as error:
        raise Refused(str(error)) from error
    except Exception as error:
        # Not above: a command that only judges a file has no cluster, and loading all of that takes a second.
        from schrodinger.cluster import ProviderError, Unavailable

        if isinstance(error, Unavailable):
            raise Refused(str(error)) from error
        if isinstance(error, ProviderError):
            raise Broken(str(error)) from error
        raise


def _told(error: OSError) -> str:
    """The file and what is wrong with it, without the number that only the kernel knows."""
    return f"{error.filename}: {error.strerror}" if error.filename and error.strerror else str(error)


@contextlib.contextmanager
def blaming(suite: str) -> Iterator[None]:
    """While code of a suite runs: what it raises without meaning a user is refused with its trace."""
    from schrodinger.cluster import ProviderError, Unavailable  # whoever has a suite has loaded it

    try:
        yield
    except (click.ClickException, ValueError, OSError, Unavailable, ProviderError):
        raise
    except Exception as error:
        raise Refused(f"the code of suite {suite} raised:\n{traceback.format_exc()}") from error

"""``schrodinger-agent serve`` and ``schrodinger-agent heal``."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from pathlib import Path

from schrodinger_agent.daemon import Starter, detach
from schrodinger_agent.lock import LockError, lock_or_yield
from schrodinger_agent.state import VARIABLE, StateDirectory, StateError
from schrodinger_agent.types import AgentError
from schrodinger_agent.version import __version__


def main(arguments: list[str] | None = None) -> int:
    """The command line. Returns the exit code: 0, or 1 with the reason on stderr; 2 for wrong usage."""
    options = _parser().parse_args(arguments)
    try:
        return _serve(options) if options.command == "serve" else _heal(options)
    except (StateError, LockError, AgentError) as error:
        sys.stderr.write(f"schrodinger-agent: {error}\n")
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="schrodinger-agent", description=sys.modules["schrodinger_agent"].__doc__)
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True)
    state = argparse.ArgumentParser(add_help=False)
    state.add_argument("--state", type=Path, help=f"state directory (default: ${VARIABLE}, or the user's own)")
    state.add_argument("--debug", action="store_true", help="log every step")
    serve = commands.add_parser("serve", parents=[state], help="be the agent of this host")
    serve.add_argument("--idle-exit-s", type=float, help="leave after so long without a session and without a cluster")
    serve.add_argument("--detach", action="store_true", help="go on in the background once ready")
    commands.add_parser("heal", parents=[state], help="remove what crashed runs left behind")
    return parser


def _serve(options: argparse.Namespace) -> int:
    state = StateDirectory.find(options.state)
    state.ensure()
    starter = detach(state.log) if options.detach else Starter(None)
    _log_to_stderr(debug=options.debug)
    # Only now: importing gRPC starts threads, which do not survive the fork of detach().
    from schrodinger_agent.server import serve

    try:
        lock = lock_or_yield(state)
    except (StateError, LockError) as error:
        starter.failed(str(error))
        raise
    if lock is None:
        logging.getLogger(__name__).info("another agent serves %s already", state.path)
        starter.ready()
        return 0
    try:
        serve(state, idle_exit_s=options.idle_exit_s, on_ready=starter.ready)
    except Exception as error:
        starter.failed(f"{type(error).__name__}: {error}")
        raise
    return 0


def _heal(options: argparse.Namespace) -> int:
    _log_to_stderr(debug=options.debug)
    from schrodinger_agent.heal import heal  # imports gRPC, see above

    report = asyncio.run(heal(options.state))
    for removed in report.removed:
        sys.stdout.write(f"removed {removed}\n")
    for problem in report.errors:
        sys.stderr.write(f"{problem}\n")
    return 1 if report.errors else 0


def _log_to_stderr(*, debug: bool) -> None:
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    # Not the root's level: the steps of the libraries underneath would bury ours.
    logging.getLogger("schrodinger_agent").setLevel(logging.DEBUG if debug else logging.INFO)


if __name__ == "__main__":
    sys.exit(main())

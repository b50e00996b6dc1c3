"""The command line: one file a command, loaded when the command is given."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

import click

from schrodinger.cli.failures import CommandLine

if TYPE_CHECKING:
    from collections.abc import Mapping

COMMANDS: Final[Mapping[str, str]] = {
    "run": "Run a suite under faults drawn from a seed, and judge it.",
    "replay": "Run the plan of a run, or a plan file, again.",
    "check": "Judge a run or a history file again.",
    "history": "Convert histories, cut parts out, say what is in one.",
    "runs": "List runs, the newest first.",
    "suites": "List suites, workloads, versions and faults.",
    "cluster": "Keep a cluster for work by hand.",
    "fault": "Say what faults are wanted of a kept cluster.",
    "doctor": "Say what this machine can inject, and what would help.",
    "heal": "Remove what crashed runs left behind.",
}
"""What each command is for. A command is a module of its name with a function of its name."""


class Commands(CommandLine):
    """Loads a command when it is given: to judge a file, or to list them all, nothing that runs take is loaded."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Their names, in the order in which one meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """The command of that name, loaded now."""
        if cmd_name not in COMMANDS:
            return None
        command = getattr(importlib.import_module(f"schrodinger.cli.{cmd_name}"), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """The list of them, without loading any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="schrodinger")
def main() -> None:
    """Find correctness bugs in distributed databases: real clusters, faults from a seed, checked histories.

    Exit status: 0 valid, 1 violation, 2 usage, 3 unknown, 4 infrastructure error, 130 interrupted.
    """

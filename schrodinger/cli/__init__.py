"""The command line: one file a command."""

import click

from schrodinger.cli.check import check
from schrodinger.cli.cluster import cluster
from schrodinger.cli.doctor import doctor
from schrodinger.cli.failures import CommandLine
from schrodinger.cli.fault import fault
from schrodinger.cli.heal import heal
from schrodinger.cli.history import history
from schrodinger.cli.replay import replay
from schrodinger.cli.run import run
from schrodinger.cli.runs import runs
from schrodinger.cli.suites import suites


@click.group(cls=CommandLine, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="schrodinger")
def main() -> None:
    """Find correctness bugs in distributed databases: real clusters, faults from a seed, checked histories.

    Exit status: 0 valid, 1 violation, 2 usage, 3 unknown, 4 infrastructure error, 130 interrupted.
    """


for command in (run, replay, check, history, runs, suites, cluster, fault, doctor, heal):
    main.add_command(command)

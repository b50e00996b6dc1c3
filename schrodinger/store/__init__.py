"""The store: run directories and what they say."""

from schrodinger.store.runs import (
    DEFAULT_ROOT,
    RunRecord,
    create_run,
    list_runs,
    open_run,
    replay_command,
    validity_names,
)
from schrodinger.store.verdicts import write_verdict

__all__ = [
    "DEFAULT_ROOT",
    "RunRecord",
    "create_run",
    "list_runs",
    "open_run",
    "replay_command",
    "validity_names",
    "write_verdict",
]

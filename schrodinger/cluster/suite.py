"""A suite: one database, its clients, its workloads; and how a suite is found by the name a user gives.

A suite is a Python file that defines ``suite``. ``schrodinger run etcd`` finds it as ``suites/etcd/suite.py`` below
the working directory, as a path to the file or its folder, or as an importable module's name.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from schrodinger.checkers import All

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import ModuleType

    from schrodinger.checkers import Checker
    from schrodinger.cluster.database import Database
    from schrodinger.workloads import Workload

SUITE_FILE = "suite.py"


class SuiteError(ValueError):
    """A suite can't be found or loaded, or was asked for something it does not have; the message has the remedy."""


@dataclass(frozen=True, slots=True)
class Suite:
    """A database and what is done to it.

    Attributes:
        name: the name in reports.
        database: how it is run.
        workloads: what clients do, each called by its name.
        checkers: who judges every run beside the workload's own checker.

    Raises:
        SuiteError: there is no workload, or two have one name.
    """

    name: str
    database: Database
    workloads: Sequence[Workload]
    checkers: Sequence[Checker] = ()

    def __post_init__(self) -> None:
        names = [workload.name for workload in self.workloads]
        if not names or len(set(names)) < len(names):
            raise SuiteError(f"suite {self.name} has the workloads {names}; give at least one, each with its own name")

    def workload(self, name: str | None) -> Workload:
        """The workload of that name, or the first. Raises :class:`SuiteError`."""
        if name is None:
            return self.workloads[0]
        for workload in self.workloads:
            if workload.name == name:
                return workload
        names = ", ".join(workload.name for workload in self.workloads)
        raise SuiteError(f"suite {self.name} has no workload {name!r}; it has {names}")

    def checker(self, workload: str | None, parameters: Mapping[str, Any]) -> Checker:
        """Who judges a run of this workload: its own checker, and those of the suite. Raises :class:`SuiteError`."""
        own = self.workload(workload).checker(parameters)
        if not self.checkers:
            return own
        return All((*(own.checkers if isinstance(own, All) else (own,)), *self.checkers))

    def settle_options(self, chosen: Mapping[str, str]) -> dict[str, str]:
        """All of the database's options, with defaults for those not chosen. Raises :class:`SuiteError`."""
        allowed = self.database.options
        for name, value in chosen.items():
            if name == "version":
                continue
            if name not in allowed:
                raise SuiteError(
                    f"suite {self.name} has no option {name!r}; it has {', '.join(sorted(allowed)) or 'none'}"
                )
            if value not in allowed[name]:
                raise SuiteError(
                    f"option {name} of suite {self.name} is {value!r}; choose one of {', '.join(allowed[name])}"
                )
        return {name: values[0] for name, values in sorted(allowed.items())} | dict(sorted(chosen.items()))


def load_suite(reference: str) -> Suite:
    """The suite that ``reference`` names.

    Raises:
        SuiteError: there is none, or its own code raised; the trace is in the message.
    """
    path = _suite_path(reference)
    try:
        module = _load_file(path) if path else importlib.import_module(reference)
    except ModuleNotFoundError as error:
        if path is None and error.name == reference.split(".")[0]:
            names = ", ".join(str(found.parent) for found in find_suites()) or "none"
            raise SuiteError(f"there is no suite {reference!r}; here are: {names}") from None
        place = traceback.extract_tb(error.__traceback__)[-1]
        raise SuiteError(
            f"suite {reference} could not be loaded: {error}, which {place.filename}:{place.lineno} imports; "
            "`uv run --with PACKAGE schrodinger ...` adds a library that this project does not bring"
        ) from error
    except Exception as error:
        raise SuiteError(f"suite {reference} could not be loaded:\n{traceback.format_exc()}") from error
    suite = getattr(module, "suite", None)
    if not isinstance(suite, Suite):
        raise SuiteError(
            f"{path or reference} defines no `suite`; end it with suite = Suite(name, database, workloads=[...])"
        )
    return suite


def suite_of_plan(reference: str, plan: Path) -> str:
    """What names the suite of a plan from here: its ``reference``, or the path where that is found.

    A plan is replayed from anywhere: where the working directory has no such suite, it is looked for below the folder
    of the plan (a file, or the folder of a run) and every folder above, up to the repository that both came from.

    Raises:
        SuiteError: there is none.
    """
    if _suite_below(Path(), reference) is not None or _is_module(reference):
        return reference
    folders = plan.resolve().parents
    for folder in folders:
        if (found := _suite_below(folder, reference)) is not None:
            return str(found.parent if found.name == SUITE_FILE else found)
    raise SuiteError(
        f"{plan} is a plan for suite {reference!r}, and there is none below {Path.cwd()}, nor below {folders[0]} or a "
        "folder above that; run this in the folder that has it"
    )


def find_suites(below: Path = Path("suites")) -> list[Path]:
    """Suite files in the folders below ``below``, by name."""
    return sorted(below.glob(f"*/{SUITE_FILE}"))


def _suite_path(reference: str) -> Path | None:
    if (found := _suite_below(Path(), reference)) is not None:
        return found
    if "/" in reference or reference.endswith(".py") or not all(part.strip() for part in reference.split(".")):
        raise SuiteError(
            f"there is no suite at {reference!r}; give a folder with a {SUITE_FILE}, or a file that defines `suite`"
        )
    return None


def _is_module(reference: str) -> bool:
    try:
        return all(part.isidentifier() for part in reference.split(".")) and bool(importlib.util.find_spec(reference))
    except ImportError:  # of a package that it would be in
        return False


def _suite_below(folder: Path, reference: str) -> Path | None:
    for candidate in (folder / reference, folder / "suites" / reference):
        if candidate.is_file() and candidate.suffix == ".py":
            return candidate
        if (candidate / SUITE_FILE).is_file():
            return candidate / SUITE_FILE
    return None


def _load_file(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"schrodinger_suite_{path.resolve().parent.name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module

"""What the pages list is what there is."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from types import FunctionType

import pytest
from schrodinger_native import consistency_aliases, consistency_models, linearizable_models

from schrodinger import Client, Database, Leader, Membership, Names, PowerLoss, operations, workloads
from schrodinger.checkers.catalogue import KINDS
from schrodinger.checkers.verdict import Anomaly, Dependency, Involved, Verdict
from schrodinger.nemesis import FAULTS
from schrodinger.nemesis.manifests import chaos_mesh, chaos_network, selectors
from schrodinger.operations import Operation

PAGES = Path(__file__).parents[2] / "docs"
PAGE = (PAGES / "histories.md").read_text()


def test_the_page_on_histories_names_every_consistency_model_in_order() -> None:
    listed = [line[3:-1] for line in PAGE.splitlines() if line.startswith("- `")]
    assert listed == consistency_models()


def test_the_page_on_histories_names_every_other_name_of_a_model() -> None:
    assert [alias for alias in consistency_aliases() if f"`{alias}`" not in PAGE] == []


def test_the_pages_on_faults_name_every_kind() -> None:
    pages = "".join(path.read_text() for path in sorted((PAGES / "faults").glob("*.md")))
    assert [kind for kind in FAULTS.kinds if f"`{kind}`" not in pages] == []


def test_the_page_on_histories_names_every_checker() -> None:
    assert [kind.name for kind in KINDS if f"`{kind.name}`" not in PAGE] == []


def test_the_page_on_suites_names_every_workload_operation_and_method_of_a_database() -> None:
    page = (PAGES / "suites.md").read_text()
    made = [
        name for name, one in vars(workloads).items() if name in workloads.__all__ and isinstance(one, FunctionType)
    ]
    asked = [name for name, one in vars(operations).items() if isinstance(one, type) and issubclass(one, Operation)]
    said = [name for kind in (Database, Leader, Membership, Names, PowerLoss) for name in vars(kind)]
    names = [*(set(made) - {"unique_value"}), *(set(asked) - {"Operation"}), *(it for it in said if it[0] != "_")]
    assert sorted(name for name in names if f"`{name}" not in page) == []


def test_the_page_on_suites_names_every_parameter_of_a_workload() -> None:
    page = (PAGES / "suites.md").read_text()
    rows = {line.split("`")[1]: line for line in page.splitlines() if line.startswith("| `")}
    for name in ("register", "set", "append", "long_fork", "bank", "queue", "unique_ids", "monotonic", "lock", "log"):
        with pytest.raises(ValueError, match="has no parameter") as refused:
            getattr(workloads, name)(Client).stream({"nosuch": 1}, 0, 0)
        known = str(refused.value).partition("it has ")[2]
        assert [each for each in known.split(", ") if each not in ("", "none") and f"`{each}`" not in rows[name]] == []


def test_the_page_on_models_names_every_model() -> None:
    page = (Path(__file__).parents[2] / "docs" / "models.md").read_text()
    assert [model for model in linearizable_models() if f"`{model}`" not in page] == []


def test_the_page_on_histories_names_every_field_of_a_verdict_as_json() -> None:
    section = PAGE.partition("## What `--json` prints")[2].partition("\n## ")[0]
    named = [field.name for kind in (Verdict, Anomaly, Involved, Dependency) for field in fields(kind)]
    assert [name for name in named if f"`{name}`" not in section] == []


def test_the_page_on_chaos_mesh_names_every_kind_action_and_mode() -> None:
    page = (PAGES / "chaos-mesh.md").read_text()
    kinds = [*chaos_mesh.READERS, *chaos_mesh.REFUSED]
    words = [f"`{word}`" for word in (*chaos_network.ACTIONS, *chaos_network.DIRECTIONS, *selectors.MODES)]
    assert [name for name in (*kinds, *words) if name not in page] == []

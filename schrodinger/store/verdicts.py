"""Verdicts as JSON: what ``verdict.json`` holds, and what ``--json`` prints."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import cattrs

from schrodinger.checkers import Verdict

if TYPE_CHECKING:
    from pathlib import Path


def verdict_to_json(verdict: Verdict) -> str:
    """Readable JSON, keys in the order of the fields."""
    return json.dumps(cattrs.Converter().unstructure(verdict, Verdict), indent=2) + "\n"


def verdict_from_json(text: str, *, source: str) -> Verdict:
    """What :func:`verdict_to_json` wrote. Raises ValueError naming ``source`` when it is something else."""
    try:
        return cattrs.Converter(forbid_extra_keys=True).structure(json.loads(text), Verdict)
    except (cattrs.BaseValidationError, json.JSONDecodeError, TypeError, KeyError) as error:
        raise ValueError(f"{source} holds no verdict ({error}); remove it and check the run again") from error


def write_verdict(verdict: Verdict, path: Path) -> None:
    """Replace the file whole."""
    scratch = path.with_suffix(".partial")
    scratch.write_text(verdict_to_json(verdict), encoding="utf-8")
    scratch.replace(path)

"""Verdicts as JSON: what ``verdict.json`` holds, and what ``--json`` prints."""

from __future__ import annotations

import json

import cattrs

from schrodinger.checkers.verdict import Verdict


def verdict_to_json(verdict: Verdict) -> str:
    """Readable JSON, keys in the order of the fields."""
    return json.dumps(cattrs.Converter().unstructure(verdict, Verdict), indent=2) + "\n"


def verdict_from_json(text: str, *, source: str) -> Verdict:
    """What :func:`verdict_to_json` wrote. Raises ValueError naming ``source`` when it is something else."""
    try:
        plain = json.loads(text)
        if not isinstance(plain, dict):
            raise TypeError("not an object")
        return cattrs.Converter(forbid_extra_keys=True).structure(plain, Verdict)
    except (cattrs.BaseValidationError, json.JSONDecodeError, RecursionError, TypeError, KeyError) as error:
        raise ValueError(f"{source} holds no verdict ({error}); remove it and check the run again") from error

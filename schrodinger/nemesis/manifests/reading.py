"""A file of manifests, whichever form each of its documents has."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from schrodinger.nemesis.catalogue import FAULTS, FaultCatalogue
from schrodinger.nemesis.invalid import InvalidValueError
from schrodinger.nemesis.manifests.chaos_mesh import is_chaos_mesh, read_chaos_mesh
from schrodinger.nemesis.manifests.documents import documents
from schrodinger.nemesis.manifests.ours import read_ours

if TYPE_CHECKING:
    from schrodinger.nemesis.manifests.experiment import Experiment

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,252}")
"""As Kubernetes names objects, capitals allowed."""


def read_experiments(
    text: str, *, source: str = "manifest.yaml", catalogue: FaultCatalogue = FAULTS
) -> tuple[Experiment, ...]:
    """The experiments of a file, in its order. ``source`` is what the file is called, in errors and for a default name.

    Raises:
        InvalidValueError: there is none, or one is not valid; the field names the file, the document and the field.
    """
    try:
        found = documents(text)
        if not found:
            raise InvalidValueError("the file", text, "no document", "give a manifest, see docs/by-hand.md")
        default = re.sub(r"[^A-Za-z0-9._-]+", "-", re.sub(r"\.[^.]*$", "", source.rpartition("/")[2])).strip("-._")
        experiments: list[Experiment] = []
        for index, document in enumerate(found):
            try:
                experiments.append(_read(document, default, catalogue, experiments))
            except InvalidValueError as error:
                raise (error if len(found) == 1 else _of_document(index, error)) from error
    except InvalidValueError as error:
        raise InvalidValueError(f"{source}: {error.field}", error.value, error.problem, error.remedy) from error
    return tuple(experiments)


def _read(document: object, default: str, catalogue: FaultCatalogue, before: list[Experiment]) -> Experiment:
    if is_chaos_mesh(document):
        experiment = read_chaos_mesh(document)
    else:
        experiment = read_ours(document, default or "faults", catalogue)
    if not _NAME.fullmatch(experiment.name):
        raise InvalidValueError("name", experiment.name, "not a name", "use letters, digits, '.', '_' and '-'")
    if any(experiment.name == other.name for other in before):
        raise InvalidValueError("name", experiment.name, "another document of the file has it", "give each its own")
    return replace(experiment, written=json.dumps(document, sort_keys=True, default=str))


def _of_document(index: int, error: InvalidValueError) -> InvalidValueError:
    return InvalidValueError(f"document {index + 1}: {error.field}", error.value, error.problem, error.remedy)

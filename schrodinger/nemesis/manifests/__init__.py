"""Faults from files: our own form, and the manifests of Chaos Mesh, read as experiments."""

from schrodinger.nemesis.manifests.experiment import MOMENT_NS, Experiment, timeline
from schrodinger.nemesis.manifests.reading import read_experiments
from schrodinger.nemesis.manifests.recurrence import MIDNIGHT
from schrodinger.nemesis.manifests.selectors import DEFAULT_NAMESPACE, Roster

__all__ = ["DEFAULT_NAMESPACE", "MIDNIGHT", "MOMENT_NS", "Experiment", "Roster", "read_experiments", "timeline"]

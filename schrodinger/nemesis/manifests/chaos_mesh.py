"""Manifests of Chaos Mesh (``chaos-mesh.org/v1alpha1``) as experiments.

Both forms are read: that of 2.x, in which a ``Schedule`` wraps what recurs, and the older one, in which each kind may
have a ``scheduler`` of its own beside its ``duration``. What is supported, and what is refused and why, is listed in
``docs/chaos-mesh.md``; nothing is ignored. Where the same words have a slightly other effect here an experiment's
remarks say so.

https://chaos-mesh.org/docs describes the fields; the types are in its repository under ``api/v1alpha1``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from schrodinger.nemesis.invalid import InvalidValueError, choices
from schrodinger.nemesis.manifests.chaos_network import network_chaos
from schrodinger.nemesis.manifests.chaos_nodes import dns_chaos, io_chaos, pod_chaos, stress_chaos, time_chaos
from schrodinger.nemesis.manifests.experiment import Experiment
from schrodinger.nemesis.manifests.fields import Fields
from schrodinger.nemesis.manifests.recurrence import parse_recurrence
from schrodinger.nemesis.manifests.selectors import DEFAULT_NAMESPACE

if TYPE_CHECKING:
    from schrodinger.nemesis.manifests.chaos_nodes import Inflicted

API = "chaos-mesh.org/v1alpha1"
PAUSE = "experiment.chaos-mesh.org/pause"
FORCED = "chaos-mesh.chaos-mesh.org/cleanFinalizer"

Reader: TypeAlias = "Callable[[Fields, str], Inflicted]"

READERS: Mapping[str, Reader] = {
    "PodChaos": pod_chaos,
    "NetworkChaos": network_chaos,
    "IOChaos": io_chaos,
    "StressChaos": stress_chaos,
    "TimeChaos": time_chaos,
    "DNSChaos": dns_chaos,
}
"""What reads the spec of each kind, in a namespace."""

REFUSED: Mapping[str, str] = {
    "KernelChaos": "it needs a kernel that is built for fault injection",
    "HTTPChaos": "it needs a proxy that takes HTTP apart; faults of links act on whatever is spoken",
    "JVMChaos": "it needs an agent within a JVM",
    "BlockChaos": "it needs a module of the kernel; disk-slow and disk-stall slow a disk down",
    "AWSChaos": "there is no cloud here",
    "GCPChaos": "there is no cloud here",
    "AzureChaos": "there is no cloud here",
    "PhysicalMachineChaos": "it is for chaosd on machines of their own",
    "Workflow": "it is a program; a schedule is a list",
    "StatusCheck": "the checkers of a run judge what clients saw",
    "RemoteCluster": "clusters elsewhere are out of reach",
}
"""Kinds that are known, and why they can't be had."""

SPELLINGS = {"IoChaos": "IOChaos"}
"""Names that kinds had before 2.0."""


@dataclass(frozen=True, slots=True)
class _Metadata:
    name: str
    namespace: str
    paused: bool


def is_chaos_mesh(document: object) -> bool:
    """Whether a document says that it is one of these."""
    return isinstance(document, Mapping) and "apiVersion" in document


def read_chaos_mesh(document: object) -> Experiment:
    """The experiment that one object of Chaos Mesh describes.

    Raises:
        InvalidValueError: it describes none, or asks for something that is not supported; the field says what.
    """
    fields = Fields(document, "")
    fields.choice("apiVersion", (API,))
    kind = _kind(fields, "kind", (*READERS, "Schedule"))
    metadata = _metadata(fields.object("metadata"))
    spec = fields.object("spec")
    fields.refuse("status", "it is what Chaos Mesh has observed", "remove it")
    fields.close()
    scheduled = kind == "Schedule"
    experiment = _schedule(spec, metadata) if scheduled else _experiment(kind, spec, metadata, scheduled=False)
    return replace(experiment, paused=metadata.paused)


def _kind(fields: Fields, name: str, known: tuple[str, ...]) -> str:
    written = fields.text(name)
    kind = SPELLINGS.get(written, written)
    if kind in REFUSED:
        raise InvalidValueError(fields.at(name), written, REFUSED[kind], f"the choice is {', '.join(known)}")
    if kind not in known:
        raise InvalidValueError(
            fields.at(name), written, "no kind of Chaos Mesh that can go here", choices(kind, known)
        )
    return kind


def _metadata(fields: Fields) -> _Metadata:
    name = fields.text("name")
    namespace = fields.text("namespace", DEFAULT_NAMESPACE)
    fields.pairs("labels")  # names for people: nothing follows from them
    annotations = fields.pairs("annotations")
    if FORCED in annotations:
        path = f"{fields.at('annotations')}.{FORCED}"
        raise InvalidValueError(path, annotations[FORCED], "here no fault is ever given up unhealed", "remove it")
    fields.close()
    return _Metadata(name, namespace, annotations.get(PAUSE) == "true")


def _experiment(kind: str, spec: Fields, metadata: _Metadata, *, scheduled: bool) -> Experiment:
    """One of the kinds that do something. ``scheduled``: within a Schedule, which says when."""
    scheduler = None
    if not scheduled and spec.has("scheduler"):
        scheduler = spec.object("scheduler")
    spec.refuse("remoteCluster", "clusters elsewhere are out of reach")
    duration_ns = spec.duration_ns("duration", at_least=1) if spec.has("duration") else None
    spec.take("duration")
    inflicted = READERS[kind](spec, metadata.namespace)
    spec.close()
    remarks = list(inflicted.remarks)
    if inflicted.lasts_ns is not None:
        if duration_ns is not None:
            remarks.append(f"{spec.at('duration')}: it is over at once, and databases are started again")
        duration_ns = inflicted.lasts_ns
    recurrence = None
    if scheduler is not None:
        recurrence = scheduler.parsed("cron", lambda text: parse_recurrence(text, at_once=True))
        scheduler.close()
    if duration_ns is None and (inflicted.needs_duration or scheduled or recurrence is not None):
        remedy = "add one, such as 10s"
        raise InvalidValueError(spec.at("duration"), None, "it says when the fault ends, which this one must", remedy)
    return Experiment(
        name=metadata.name,
        kind=kind,
        template=inflicted.template,
        duration_ns=duration_ns,
        recurrence=recurrence,
        remarks=tuple(remarks),
    )


def _schedule(spec: Fields, metadata: _Metadata) -> Experiment:
    """A kind within a Schedule. Its field is called as the kind is, with a small first letter."""
    kind = _kind(spec, "type", tuple(READERS))
    recurrence = spec.parsed("schedule", parse_recurrence)
    policy = spec.choice("concurrencyPolicy", ("Forbid", "Allow"), "Forbid")
    spec.refuse("startingDeadlineSeconds", "an occurrence begins when it is due, or is left out", "remove it")
    remarks: tuple[str, ...] = ()
    if spec.has("historyLimit"):
        spec.integer("historyLimit", at_least=1)
        remarks = (f"{spec.at('historyLimit')}: occurrences leave no objects that it could limit",)
    within = spec.object(_FIELDS[kind])
    spec.close()
    experiment = _experiment(kind, within, metadata, scheduled=True)
    return replace(
        experiment,
        kind=f"Schedule of {kind}",
        recurrence=recurrence,
        overlapping=policy == "Allow",
        remarks=(*remarks, *experiment.remarks),
    )


_FIELDS = {
    "PodChaos": "podChaos",
    "NetworkChaos": "networkChaos",
    "IOChaos": "ioChaos",
    "StressChaos": "stressChaos",
    "TimeChaos": "timeChaos",
    "DNSChaos": "dnsChaos",
}
"""Where a Schedule has the spec of each kind."""

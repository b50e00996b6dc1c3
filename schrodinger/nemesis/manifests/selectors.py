"""Whom a manifest selects: the nodes of a cluster as a selector of Chaos Mesh sees them, and how many of those.

A node stands for a pod. It has a namespace, labels, and one container; what else a pod would have (a phase, a machine
it is on, annotations) a node has not, and a selector that asks for it is refused. Chaos Mesh draws from the system's
entropy; here every choice is drawn from a generator that the caller has seeded.
"""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - part of a dataclass
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from schrodinger.nemesis.invalid import InvalidValueError
from schrodinger.nemesis.manifests.fields import Fields

if TYPE_CHECKING:
    from random import Random

MODES = ("one", "all", "fixed", "fixed-percent", "random-max-percent")
OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")
DEFAULT_NAMESPACE = "default"


@dataclass(frozen=True, slots=True)
class Roster:
    """The nodes of a cluster as selectors see them.

    Attributes:
        nodes: their names, in order.
        namespace: the one that all of them are in.
        container: the name of the one container of each.
        labels: labels by node. A node that is not mentioned has none.
    """

    nodes: tuple[str, ...]
    namespace: str = DEFAULT_NAMESPACE
    container: str = "database"
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        nodes: tuple[str, ...],
        suite: str,
        *,
        namespace: str = DEFAULT_NAMESPACE,
        labels: Mapping[str, str] | None = None,
    ) -> Roster:
        """The nodes of a suite's cluster, with the labels that its pods would have, and more on all of them."""
        return cls(
            nodes=nodes,
            namespace=namespace,
            container=suite,
            labels={
                node: {
                    "app": suite,
                    "app.kubernetes.io/name": suite,
                    "statefulset.kubernetes.io/pod-name": node,
                    **(labels or {}),
                }
                for node in nodes
            },
        )

    def of_node(self, node: str) -> Mapping[str, str]:
        """The labels of a node."""
        return self.labels.get(node, {})


@dataclass(frozen=True, slots=True)
class Requirement:
    """One line of ``expressionSelectors``."""

    key: str
    operator: str
    values: tuple[str, ...]

    def admits(self, labels: Mapping[str, str]) -> bool:
        """Whether somebody with these labels is meant. Who has no such label is not in any list."""
        there = self.key in labels
        match self.operator:
            case "In":
                return there and labels[self.key] in self.values
            case "NotIn":
                return not there or labels[self.key] not in self.values
            case "Exists":
                return there
        return not there


@dataclass(frozen=True, slots=True)
class Selector:
    """Which nodes are meant. ``pods`` names them, and then nothing else counts, as in Chaos Mesh."""

    namespaces: tuple[str, ...]
    labels: Mapping[str, str] = field(default_factory=dict)
    requirements: tuple[Requirement, ...] = ()
    names: tuple[str, ...] = ()
    pods: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def among(self, roster: Roster) -> tuple[str, ...]:
        """Those of the nodes that are meant, in order."""
        if self.pods:
            named = self.pods.get(roster.namespace, ())
            return tuple(node for node in roster.nodes if node in named)
        if roster.namespace not in self.namespaces:
            return ()
        return tuple(node for node in roster.nodes if self._admits(node, roster.of_node(node)))

    def _admits(self, node: str, labels: Mapping[str, str]) -> bool:
        return (
            all(labels.get(key) == value for key, value in self.labels.items())
            and all(requirement.admits(labels) for requirement in self.requirements)
            and (not self.names or node in self.names)
        )


@dataclass(frozen=True, slots=True)
class Selection:
    """A selector and a mode: some of the nodes that are meant. ``path`` is where it stands, for errors."""

    path: str
    selector: Selector
    mode: str
    value: int = 0
    containers: tuple[str, ...] = ()

    def pick(self, roster: Roster, random: Random) -> frozenset[str]:
        """The nodes of one occurrence.

        Raises:
            InvalidValueError: nobody is meant, or nobody is left of them.
        """
        for container in self.containers:
            if container != roster.container:
                raise InvalidValueError(
                    f"{self.path}.containerNames",
                    container,
                    "no container of these nodes",
                    f"each has one, which is called {roster.container}",
                )
        for name in self.selector.pods.get(roster.namespace, ()):
            if name not in roster.nodes:
                path, remedy = f"{self.path}.selector.pods.{roster.namespace}", f"they are {', '.join(roster.nodes)}"
                raise InvalidValueError(path, name, "no such node", remedy)
        meant = self.selector.among(roster)
        if not meant:
            have = "; ".join(
                f"{node}: " + ", ".join(f"{key}={value}" for key, value in sorted(roster.of_node(node).items()))
                for node in roster.nodes[:1]
            )
            raise InvalidValueError(
                f"{self.path}.selector",
                "of no node",
                f"it selects none of {', '.join(roster.nodes)}",
                f"they are in namespace {roster.namespace}, and have labels as these ({have})",
            )
        count = self._count(len(meant), random)
        if not count:
            problem = f"{self.value}% of {len(meant)} nodes are less than one"
            raise InvalidValueError(f"{self.path}.value", str(self.value), problem, "give a larger share")
        return frozenset(random.sample(meant, count))

    def _count(self, among: int, random: Random) -> int:
        match self.mode:
            case "one":
                return 1
            case "all":
                return among
            case "fixed":
                return min(self.value, among)
            case "fixed-percent":
                return -(-among * self.value // 100)
        most = among * self.value // 100
        return random.randint(1, most) if most else 0


def read_selection(fields: Fields, namespace: str) -> Selection:
    """The fields ``selector``, ``mode``, ``value`` and ``containerNames`` of an object in this namespace.

    Raises:
        InvalidValueError: they ask for what nodes have not, or for nothing that can be.
    """
    mode = fields.choice("mode", MODES)
    if mode in ("one", "all"):
        fields.refuse("value", f"mode {mode} has no value", "remove it, or give another mode")
        value = 0
    else:
        value = fields.parsed("value", _percent if mode.endswith("percent") else _number)
    return Selection(
        path=fields.path,
        selector=_selector(fields.object("selector"), namespace),
        mode=mode,
        value=value,
        containers=fields.texts("containerNames"),
    )


def _selector(fields: Fields, namespace: str) -> Selector:
    fields.refuse("annotationSelectors", "nodes have no annotations", "select by labels")
    fields.refuse("podPhaseSelectors", "nodes have no phase, and a plan can't know what runs", "select by labels")
    fields.refuse("nodes", "it names machines of Kubernetes, and all nodes are on this one", "name nodes under pods")
    fields.refuse("nodeSelectors", "it asks for machines, and all nodes are on this one", "select by labels")
    fields.refuse("physicalMachines", "there are no physical machines here", "name nodes under pods")
    selector = Selector(
        namespaces=fields.texts("namespaces") or (namespace,),
        labels=fields.pairs("labelSelectors"),
        requirements=_requirements(fields.take("expressionSelectors"), fields.at("expressionSelectors")),
        names=_names(fields),
        pods=_pods(fields.take("pods"), fields.at("pods")),
    )
    fields.close()
    return selector


def _requirements(plain: object, path: str) -> tuple[Requirement, ...]:
    if plain is None:
        return ()
    if not isinstance(plain, list):
        raise InvalidValueError(path, plain, "not a list", "write each on a line, after a dash")
    read = []
    for index, element in enumerate(plain):
        fields = Fields(element, f"{path}[{index}]")
        requirement = Requirement(fields.text("key"), fields.choice("operator", OPERATORS), fields.texts("values"))
        fields.close()
        if bool(requirement.values) != (requirement.operator in ("In", "NotIn")):
            problem = "In and NotIn have values, Exists and DoesNotExist have none"
            raise InvalidValueError(f"{path}[{index}].values", list(requirement.values), problem, "correct one of them")
        read.append(requirement)
    return tuple(read)


def _names(fields: Fields) -> tuple[str, ...]:
    """Names under ``fieldSelectors``, the only field of a pod that a node has."""
    if not fields.has("fieldSelectors"):
        fields.take("fieldSelectors")
        return ()
    selectors = fields.object("fieldSelectors")
    name = selectors.text("metadata.name")
    selectors.close()
    return (name,)


def _pods(plain: object, path: str) -> dict[str, tuple[str, ...]]:
    if plain is None:
        return {}
    fields = Fields(plain, path)
    assert isinstance(plain, dict), "Fields refuses anything else"
    return {namespace: fields.texts(namespace) for namespace in plain}


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) > 0):
        raise InvalidValueError("", text, "not a number of nodes", 'write how many, in quotes: "2"')
    return int(text)


def _percent(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 4 and 0 < int(text) <= 100):
        raise InvalidValueError("", text, "not a share", 'write whole percents, in quotes: "40"')
    return int(text)

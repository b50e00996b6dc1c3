"""Manifests, ours and those of Chaos Mesh, and the faults that they come to."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from schrodinger.nemesis import InvalidValueError
from schrodinger.nemesis.manifests import MIDNIGHT, MOMENT_NS, Experiment, Roster, read_experiments, timeline
from schrodinger.nemesis.manifests.chaos_mesh import READERS, REFUSED, read_chaos_mesh
from schrodinger.nemesis.strategies import Stretch

SECOND = 1_000_000_000
NODES = ("n1", "n2", "n3", "n4", "n5")
ROSTER = Roster.of(NODES, "etcd")
ONE = "mode: one, selector: {pods: {default: [n1]}}"


def only(text: str) -> Experiment:
    """The one experiment of a manifest."""
    (experiment,) = read_experiments(text)
    return experiment


def chaos(kind: str, spec: str) -> Experiment:
    """An object of Chaos Mesh, its spec in braces."""
    return only(f"apiVersion: chaos-mesh.org/v1alpha1\nkind: {kind}\nmetadata: {{name: it}}\nspec: {{{spec}}}\n")


def told(experiment: Experiment, occurrence: int = 0) -> list[str]:
    """The faults of an occurrence, in words."""
    return [fault.describe() for fault in experiment.faults(ROSTER, 1, occurrence)]


GOLDEN = {
    "pod-kill": ("PodChaos", f"action: pod-kill, {ONE}, gracePeriod: 0", ["kill: n1"]),
    "pod-failure": ("PodChaos", f"action: pod-failure, {ONE}, duration: 30s", ["kill: n1"]),
    "container-kill": ("PodChaos", f"action: container-kill, {ONE}, containerNames: [etcd]", ["kill: n1"]),
    "partition from everybody": (
        "NetworkChaos",
        f"action: partition, {ONE}, direction: both",
        ["partition: n1 cut off from {n2, n3, n4, n5, clients}"],
    ),
    "partition to": (
        "NetworkChaos",
        f"action: partition, {ONE}, direction: to, target: {{mode: all, selector: {{pods: {{default: [n2, n3]}}}}}}",
        ["one-way cut: {n2, n3} hear nothing from n1"],
    ),
    "partition from": (
        "NetworkChaos",
        f"action: partition, {ONE}, direction: from, target: {{mode: all, selector: {{pods: {{default: [n2, n3]}}}}}}",
        ["one-way cut: n1 hears nothing from {n2, n3}"],
    ),
    "delay": (
        "NetworkChaos",
        f"action: delay, {ONE}, device: eth0, delay: {{latency: 10ms, correlation: '100', jitter: 0ms}}",
        ["delay: 10ms from n1 to {n2, n3, n4, n5, clients}"],
    ),
    "delay with jitter, both ways": (
        "NetworkChaos",
        f"action: delay, {ONE}, direction: both, delay: {{latency: 90ms, jitter: 90ms}},"
        "target: {mode: one, selector: {pods: {default: [n2]}}}",
        ["delay: 90ms ± 90ms (uniform) among {n1, n2}"],
    ),
    "delay with reordering": (
        "NetworkChaos",
        f"action: delay, {ONE}, delay: {{latency: 20ms, reorder: {{reorder: '25', correlation: '0', gap: 1}}}}",
        ["reordering: 75% by 20ms from n1 to {n2, n3, n4, n5, clients}"],
    ),
    "loss": (
        "NetworkChaos",
        f"action: loss, {ONE}, loss: {{loss: '25', correlation: '0'}}",
        ["loss: 25% from n1 to {n2, n3, n4, n5, clients}"],
    ),
    "duplicate": (
        "NetworkChaos",
        f"action: duplicate, {ONE}, duplicate: {{duplicate: '40.5'}}",
        ["duplication: 40.5% from n1 to {n2, n3, n4, n5, clients}"],
    ),
    "corrupt": (
        "NetworkChaos",
        f"action: corrupt, {ONE}, corrupt: {{corrupt: '50'}}",
        ["corruption: 50% from n1 to {n2, n3, n4, n5, clients}"],
    ),
    "bandwidth in bytes": (
        "NetworkChaos",
        f"action: bandwidth, {ONE}, bandwidth: {{rate: 1mbps, limit: 20971520, buffer: 10000}}",
        ["rate: 8mbit with a queue of 20971520us from n1 to {n2, n3, n4, n5, clients}"],
    ),
    "bandwidth in bits": (
        "NetworkChaos",
        f"action: bandwidth, {ONE}, bandwidth: {{rate: 8mbit, limit: 1000000, buffer: 10000}}",
        ["rate: 8mbit with a queue of 1s from n1 to {n2, n3, n4, n5, clients}"],
    ),
    "netem": (
        "NetworkChaos",
        f"action: netem, {ONE}, delay: {{latency: 5ms}}, loss: {{loss: '1'}}, rate: {{rate: 1mbps}}",
        [
            "delay: 5ms from n1 to {n2, n3, n4, n5, clients}",
            "loss: 1% from n1 to {n2, n3, n4, n5, clients}",
            "rate: 8mbit with a queue of 1500ms from n1 to {n2, n3, n4, n5, clients}",
        ],
    ),
    "latency of a disk": (
        "IOChaos",
        f"action: latency, {ONE}, volumePath: /var/run/etcd, path: '/var/run/etcd/**/*', delay: 100ms, percent: 100,"
        "methods: [fsync, rename], duration: 400s",
        ["io-delay (100 ms for each sync, rename): n1"],
    ),
    "fault of a disk": (
        "IOChaos",
        f"action: fault, {ONE}, volumePath: /var/run/etcd, errno: 5, percent: 50, methods: [fsync]",
        ["io-error (EIO to one in 2 sync): n1"],
    ),
    "a clock ahead": ("TimeChaos", f"{ONE}, timeOffset: 1h30m", ["clock-jump (+90min): n1"]),
    "both clocks back": (
        "TimeChaos",
        f"{ONE}, timeOffset: '-10m100ns', clockIds: [CLOCK_REALTIME, CLOCK_MONOTONIC]",
        ["clock-jump (-600000000100ns): n1", "monotonic-jump (-600000000100ns): n1"],
    ),
    "names": ("DNSChaos", f"action: error, {ONE}, patterns: ['*']", ["dns-failure (servfail): n1"]),
    "stress of processors": (
        "StressChaos",
        f"{ONE}, stressors: {{cpu: {{workers: 2, load: 100}}}}",
        ["cpu-burn (2 busy programs): n1"],
    ),
}


@pytest.mark.parametrize(("kind", "spec", "expected"), GOLDEN.values(), ids=GOLDEN)
def test_an_object_of_chaos_mesh_comes_to_faults(kind: str, spec: str, expected: list[str]) -> None:
    assert told(chaos(kind, spec)) == expected


REFUSALS = {
    "kernel": ("KernelChaos", ONE, "kind"),
    "grace": ("PodChaos", f"action: pod-kill, {ONE}, gracePeriod: 30", "spec.gracePeriod"),
    "failure without an end": ("PodChaos", f"action: pod-failure, {ONE}", "spec.duration"),
    "no container": ("PodChaos", f"action: container-kill, {ONE}", "spec.containerNames"),
    "unknown action": ("PodChaos", f"action: pod-explode, {ONE}", "spec.action"),
    "unknown field": ("PodChaos", f"action: pod-kill, {ONE}, gracePeriods: 3", "spec.gracePeriods"),
    "field of another action": (
        "NetworkChaos",
        f"action: loss, {ONE}, loss: {{loss: '5'}}, delay: {{latency: 5ms}}",
        "spec.delay",
    ),
    "elsewhere": ("PodChaos", f"action: pod-kill, {ONE}, remoteCluster: other", "spec.remoteCluster"),
    "outside": ("NetworkChaos", f"action: partition, {ONE}, externalTargets: [8.8.8.8]", "spec.externalTargets"),
    "another device": ("NetworkChaos", f"action: partition, {ONE}, device: eth1", "spec.device"),
    "nobody sends": (
        "NetworkChaos",
        f"action: loss, {ONE}, direction: from, loss: {{loss: '5'}}",
        "spec.direction",
    ),
    "correlated loss": (
        "NetworkChaos",
        f"action: loss, {ONE}, loss: {{loss: '5', correlation: '25'}}",
        "spec.loss.correlation",
    ),
    "correlated jitter": (
        "NetworkChaos",
        f"action: delay, {ONE}, delay: {{latency: 5ms, jitter: 1ms, correlation: '25'}}",
        "spec.delay.correlation",
    ),
    "counted reordering": (
        "NetworkChaos",
        f"action: delay, {ONE}, delay: {{latency: 5ms, reorder: {{reorder: '5', gap: 5}}}}",
        "spec.delay.reorder.gap",
    ),
    "delay of nothing": ("NetworkChaos", f"action: delay, {ONE}, delay: {{latency: 0ms}}", "spec.delay.delay"),
    "delay as a number": ("NetworkChaos", f"action: delay, {ONE}, delay: {{latency: 5}}", "spec.delay.latency"),
    "loss of nothing": ("NetworkChaos", f"action: loss, {ONE}, loss: {{loss: '0'}}", "spec.loss.share"),
    "loss of more than all": ("NetworkChaos", f"action: loss, {ONE}, loss: {{loss: '101'}}", "spec.loss.loss"),
    "loss that is none": ("NetworkChaos", f"action: loss, {ONE}, loss: {{loss: 'NaN'}}", "spec.loss.loss"),
    "netem of nothing": ("NetworkChaos", f"action: netem, {ONE}", "spec.action"),
    "rate without a unit": (
        "NetworkChaos",
        f"action: bandwidth, {ONE}, bandwidth: {{rate: '8', limit: 1, buffer: 1}}",
        "spec.bandwidth.rate",
    ),
    "peak rate": (
        "NetworkChaos",
        f"action: bandwidth, {ONE}, bandwidth: {{rate: 8mbit, limit: 1, buffer: 1, peakrate: 1}}",
        "spec.bandwidth.peakrate",
    ),
    "all operations": ("IOChaos", f"action: fault, {ONE}, volumePath: /data, errno: 5", "spec.methods"),
    "reads": ("IOChaos", f"action: fault, {ONE}, volumePath: /data, errno: 5, methods: [read]", "spec.methods"),
    "some files": (
        "IOChaos",
        f"action: fault, {ONE}, volumePath: /data, path: '*.wal', errno: 5, methods: [fsync]",
        "spec.path",
    ),
    "error of no storage": (
        "IOChaos",
        f"action: fault, {ONE}, volumePath: /data, errno: 13, methods: [fsync]",
        "spec.errno",
    ),
    "a share that is no fraction": (
        "IOChaos",
        f"action: fault, {ONE}, volumePath: /data, errno: 5, percent: 30, methods: [fsync]",
        "spec.percent",
    ),
    "mistakes": ("IOChaos", f"action: mistake, {ONE}, volumePath: /data", "spec.action"),
    "attributes": ("IOChaos", f"action: attrOverride, {ONE}, volumePath: /data", "spec.action"),
    "half a load": ("StressChaos", f"{ONE}, stressors: {{cpu: {{workers: 1, load: 50}}}}", "spec.stressors.cpu.load"),
    "memory": ("StressChaos", f"{ONE}, stressors: {{memory: {{workers: 1, size: 256MB}}}}", "spec.stressors.memory"),
    "a clock of nobody": ("TimeChaos", f"{ONE}, timeOffset: 1h, clockIds: [CLOCK_TAI]", "spec.clockIds"),
    "no offset": ("TimeChaos", f"{ONE}, timeOffset: 0s", "spec.timeOffset"),
    "an offset beyond all": ("TimeChaos", f"{ONE}, timeOffset: 1000000h", "spec.timeOffset"),
    "an offset without a unit": ("TimeChaos", f"{ONE}, timeOffset: '5'", "spec.timeOffset"),
    "random names": ("DNSChaos", f"action: random, {ONE}", "spec.action"),
    "some names": ("DNSChaos", f"action: error, {ONE}, patterns: ['etcd-?.*']", "spec.patterns"),
    "stress-ng": ("StressChaos", f"{ONE}, stressngStressors: '--vm 1'", "spec.stressngStressors"),
    "a schedule of nothing": ("Schedule", "schedule: '@every 1m', type: PodChaos", "spec.podChaos"),
    "a schedule of workflows": ("Schedule", "schedule: '@every 1m', type: Workflow, workflow: {}", "spec.type"),
    "a schedule without an end": (
        "Schedule",
        f"schedule: '@every 1m', type: NetworkChaos, networkChaos: {{action: partition, {ONE}}}",
        "spec.networkChaos.duration",
    ),
    "a deadline": (
        "Schedule",
        f"schedule: '@every 1m', startingDeadlineSeconds: 5, type: PodChaos, podChaos: {{action: pod-kill, {ONE}}}",
        "spec.startingDeadlineSeconds",
    ),
    "a scheduler within a schedule": (
        "Schedule",
        "schedule: '@every 1m', type: PodChaos,"
        f"podChaos: {{action: pod-kill, {ONE}, scheduler: {{cron: '@every 5s'}}}}",
        "spec.podChaos.scheduler",
    ),
}


@pytest.mark.parametrize(("kind", "spec", "field"), REFUSALS.values(), ids=REFUSALS)
def test_what_is_not_supported_is_refused_by_name(kind: str, spec: str, field: str) -> None:
    with pytest.raises(InvalidValueError) as refused:
        chaos(kind, spec)
    assert refused.value.field.removeprefix("manifest.yaml: ").startswith(field), refused.value


@pytest.mark.parametrize("kind", REFUSED)
def test_a_kind_that_can_not_be_had_is_refused_with_the_reason(kind: str) -> None:
    with pytest.raises(InvalidValueError, match=f'^manifest.yaml: kind is "{kind}": {REFUSED[kind]}'):
        chaos(kind, ONE)


WHOLE = {
    "a schedule of delays": (
        """
        apiVersion: chaos-mesh.org/v1alpha1
        kind: Schedule
        metadata:
          name: delays
        spec:
          schedule: '*/5 * * * *'
          historyLimit: 2
          concurrencyPolicy: Allow
          type: NetworkChaos
          networkChaos:
            action: delay
            mode: one
            selector:
              namespaces:
                - default
              labelSelectors:
                app: etcd
            delay:
              latency: 10ms
              correlation: '100'
              jitter: 0ms
            duration: 12s
        """,
        ("delays", "Schedule of NetworkChaos", "*/5 * * * *, for 12s each time", True),
    ),
    "a partition between two groups": (
        """
        apiVersion: chaos-mesh.org/v1alpha1
        kind: NetworkChaos
        metadata:
          name: halves
          namespace: default
          labels: {team: storage}
          annotations: {kubectl.kubernetes.io/last-applied-configuration: '{}'}
        spec:
          action: partition
          mode: all
          selector:
            pods:
              default: [n1, n2]
          direction: both
          target:
            mode: all
            selector:
              expressionSelectors:
                - {key: statefulset.kubernetes.io/pod-name, operator: In, values: [n3, n4, n5]}
          duration: 30s
        """,
        ("halves", "NetworkChaos", "once, for 30s", False),
    ),
    "a kill every now and then, in the older form": (
        """
        apiVersion: chaos-mesh.org/v1alpha1
        kind: PodChaos
        metadata:
          name: kills
        spec:
          action: pod-kill
          mode: fixed-percent
          value: '40'
          selector:
            labelSelectors:
              app.kubernetes.io/name: etcd
          scheduler:
            cron: '@every 15s'
        """,
        ("kills", "PodChaos", "@every 15s, over at once each time", False),
    ),
}


@pytest.mark.parametrize(("text", "expected"), WHOLE.values(), ids=WHOLE)
def test_a_whole_manifest_is_read_with_when_and_how_often(text: str, expected: tuple[str, str, str, bool]) -> None:
    read = only(textwrap.dedent(text))
    assert (read.name, read.kind, read.describe(), read.overlapping) == expected
    assert told(read)


def test_a_container_that_nodes_have_not_is_refused_when_nodes_are_picked() -> None:
    with pytest.raises(InvalidValueError, match="is called etcd"):
        told(chaos("PodChaos", f"action: container-kill, {ONE}, containerNames: [tikv]"))


def test_an_empty_selection_is_an_error_that_names_the_experiment() -> None:
    nobody = chaos("PodChaos", "action: pod-kill, mode: one, selector: {labelSelectors: {app: tikv}}")
    with pytest.raises(InvalidValueError, match=r"^it: spec\.selector is .*: it selects none of n1, n2, n3, n4, n5"):
        told(nobody)


def test_a_target_that_is_the_source_alone_is_an_error() -> None:
    target = "target: {mode: all, selector: {pods: {default: [n1]}}}"
    with pytest.raises(InvalidValueError, match="no link to itself"):
        told(chaos("NetworkChaos", f"action: partition, {ONE}, {target}"))


def test_what_is_over_at_once_lasts_a_moment_and_its_duration_is_told_to_mean_nothing() -> None:
    killed = chaos("PodChaos", f"action: pod-kill, {ONE}, duration: 30s")
    assert killed.duration_ns == MOMENT_NS
    assert killed.remarks == ("spec.duration: it is over at once, and databases are started again",)


def test_the_older_form_begins_at_once_and_again_after_each_period() -> None:
    text = f"action: partition, {ONE}, direction: both, duration: 10s, scheduler: {{cron: '@every 15s'}}"
    assert moments(chaos("NetworkChaos", text), 60) == [(0, 10), (15, 10), (30, 10), (45, 10)]


def test_the_older_form_leaves_out_what_would_begin_before_the_last_has_ended() -> None:
    text = f"action: partition, {ONE}, duration: 20s, scheduler: {{cron: '@every 15s'}}"
    assert moments(chaos("NetworkChaos", text), 70) == [(0, 20), (30, 20), (60, 10)]


def test_the_older_spelling_of_a_kind_is_known() -> None:
    old = chaos("IoChaos", f"action: fault, {ONE}, volumePath: /data, errno: 28, methods: [fsync], duration: 1s")
    assert told(old) == ["io-error (ENOSPC to every sync): n1"]


def scheduled(policy: str) -> Experiment:
    """A partition of 20 s every 15 s."""
    inner = f"networkChaos: {{action: partition, {ONE}, duration: 20s}}"
    return chaos("Schedule", f"schedule: '@every 15s', concurrencyPolicy: {policy}, type: NetworkChaos, {inner}")


def test_a_schedule_begins_after_a_period_and_overlaps_only_where_it_may() -> None:
    assert moments(scheduled("Forbid"), 70) == [(15, 20), (45, 20)]
    assert moments(scheduled("Allow"), 70) == [(15, 20), (30, 20), (45, 20), (60, 10)]


def test_each_occurrence_picks_anew_and_a_seed_picks_the_same() -> None:
    everywhere = chaos("PodChaos", "action: pod-kill, mode: one, selector: {namespaces: [default]}")
    picks = [told(everywhere, occurrence) for occurrence in range(20)]
    assert picks == [told(everywhere, occurrence) for occurrence in range(20)]
    assert len({pick[0] for pick in picks}) > 1


def test_an_annotation_pauses_it_and_in_a_run_nobody_could_let_it_begin() -> None:
    paused = only(
        "apiVersion: chaos-mesh.org/v1alpha1\nkind: PodChaos\nmetadata: {name: it, annotations: "
        "{experiment.chaos-mesh.org/pause: 'true'}}\n"
        f"spec: {{action: pod-kill, {ONE}}}"
    )
    assert paused.paused
    with pytest.raises(InvalidValueError, match="nobody can let it begin"):
        moments(paused, 60)


def test_our_form_is_faults_as_plans_have_them() -> None:
    text = """
        name: slow-leader
        faults:
          - {kind: delay, edges: [[leader, n2]], delay: 20ms, jitter: 0ms, distribution: uniform, seed: 7}
          - {kind: kill, targets: [n3]}
        duration: 10s
        every: 15s
    """
    assert told(only(text)) == ["delay: 20ms from the leader to n2", "kill: n3"]
    assert (only(text).name, moments(only(text), 50)) == (
        "slow-leader",
        [(15, 10), (15, 10), (30, 10), (30, 10), (45, 5), (45, 5)],
    )


def test_our_form_takes_its_name_from_the_file_and_may_last_for_ever() -> None:
    (experiment,) = read_experiments("faults: [{kind: pause, targets: [n1]}]", source="some/where/Freeze n1.yaml")
    assert (experiment.name, experiment.duration_ns) == ("Freeze-n1", None)
    assert moments(experiment, 60) == [(0, 60)]


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("faults: []", "faults"),
        ("faults: [{kind: kil, targets: [n1]}]", "faults[0].kind"),
        ("faults: [{kind: kill}]", "faults[0].targets"),
        ("faults: [{kind: kill, targets: [n1]}]\nevery: 5s", "duration"),
        ("faults: [{kind: kill, targets: [n1]}]\nduration: 5", "duration"),
        ("faults: [{kind: kill, targets: [n1]}]\ntimes: 5", "times"),
        ("name: ../up\nfaults: [{kind: kill, targets: [n1]}]", "name"),
        ("- a list", ""),
        ("", "the file"),
    ],
)
def test_a_manifest_of_ours_that_is_none_is_refused(text: str, field: str) -> None:
    with pytest.raises(InvalidValueError) as refused:
        read_experiments(text)
    assert refused.value.field == f"manifest.yaml: {field}"


def test_a_node_that_is_not_there_is_refused_when_faults_are_made() -> None:
    with pytest.raises(InvalidValueError, match=r'faults\[0\] is "n9": no such node'):
        told(only("faults: [{kind: kill, targets: [n9]}]"))


def test_a_file_may_have_several_documents_each_with_a_name_of_its_own() -> None:
    both = "name: a\nfaults: [{kind: kill, targets: [n1]}]\n---\nname: b\nfaults: [{kind: pause, targets: [n1]}]\n"
    assert [experiment.name for experiment in read_experiments(both)] == ["a", "b"]
    with pytest.raises(InvalidValueError, match="document 2: name"):
        read_experiments(both.replace("name: b", "name: a"))


def test_what_begins_only_after_the_run_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="give a longer --time"):
        moments(scheduled("Forbid"), 10)


VALUES: list[Any] = [
    *[
        None,
        True,
        -1,
        0,
        5,
        10**6,
        0.5,
        "",
        "5",
        "101",
        "10s",
        "-1s",
        "all",
        "one",
        "fixed",
        "both",
        "from",
        "pod-kill",
        "netem",
    ],
    *[
        [],
        ["n1"],
        [1],
        {},
        {"pods": {"default": ["n1", "n2"]}},
        {"pods": {"default": ["n9"]}},
        {"namespaces": "default"},
    ],
    *[{"cron": "@every 5s"}, {"cron": 5}, {"latency": "5ms"}, {"latency": "5ms", "jitter": "1ms"}, {"loss": "5"}],
    *[{"loss": "5", "correlation": "5"}, {"mode": "all", "selector": {"namespaces": ["default"]}}, {"mode": "all"}],
]
PLAIN = {name: (kind, yaml.safe_load(f"{{{spec}}}")) for name, (kind, spec, _) in GOLDEN.items()}
FIELDS = ["action", "mode", "value", "selector", "direction", "target", "delay", "loss", "duration", "scheduler"]


@given(
    st.sampled_from([*READERS, "Schedule"]),
    st.dictionaries(st.sampled_from(FIELDS), st.sampled_from(VALUES), max_size=3),
    st.sampled_from(sorted(GOLDEN)),
)
def test_a_mutated_manifest_is_read_or_refused_with_the_field(kind: str, changes: dict[str, Any], golden: str) -> None:
    base_kind, spec = PLAIN[golden]
    document = {
        "apiVersion": "chaos-mesh.org/v1alpha1",
        "kind": kind if changes else base_kind,
        "metadata": {"name": "it"},
        "spec": {**spec, **changes},
    }
    try:
        faults = read_chaos_mesh(document).faults(ROSTER, 1, 0)
    except InvalidValueError as error:
        refusal = str(error)
    else:
        refusal = ""
        assert faults
        assert all(fault.names <= {*NODES, "clients"} for fault in faults)
    assert not refusal or "; " in refusal
    assert "\n" not in refusal


def moments(experiment: Experiment, length_s: int) -> list[tuple[int, int]]:
    """When its faults begin in a run that may have faults for so long, and how long they last, in seconds."""
    schedule = timeline([experiment], ROSTER, 1, Stretch(0, length_s * SECOND), zero=MIDNIGHT)
    return [(event.anchor.position // SECOND, event.duration_ns // SECOND) for event in schedule]

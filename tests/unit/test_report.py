"""The page as a whole: what it says, that it needs nothing else, and that nothing in it can take it over."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import polars as pl
import pytest

from schrodinger.checkers.verdict import Anomaly, Involved, Validity, Verdict, combine
from schrodinger.report import render
from tests.fakes.pages import COLUMNS, SECOND, Sample, fault, faults, operations, page, stale_read

if TYPE_CHECKING:
    from schrodinger.report import Page

HOSTILE = (
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "' onmouseover='alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "]]><!--",
    "</pre></details></title></style><h1>Valid</h1>",
    "\u202egpj.exe\u2066",
    "\x1b[2J\x00\x08",
)
VOID = {"meta", "link", "img", "br", "hr", "input", "base", "embed", "source", "track", "wbr", "area", "col"}


class Outline(HTMLParser):
    """What a browser would see of a page: elements with their attributes, texts, and whether they nest."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.misnested: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.misnested.append(tag)

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append((self._open[-1] if self._open else "", data.strip()))

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def text(self, tag: str) -> list[str]:
        return [text for inside, text in self.texts if inside == tag]


@pytest.fixture(scope="module")
def outline() -> Outline:
    return Outline(render(page()))


@pytest.mark.parametrize("validity", list(Validity))
def test_the_page_begins_with_the_verdict(validity: Validity) -> None:
    seen = Outline(render(page(validity, number=500)))
    headline = validity.value.replace("-", " ").capitalize()
    assert seen.text("h1") == [headline]
    assert seen.text("title")[0] == f"{headline}: etcd register, seed 42"
    assert seen.misnested == []


def test_the_page_needs_nothing_else(outline: Outline) -> None:
    for tag, attributes in outline.elements:
        for name in ("src", "href", "action", "data", "poster", "srcset"):
            value = attributes.get(name)
            assert value is None or value.startswith(("#", "data:image/svg+xml,")), f"<{tag} {name}={value}>"
    assert "@import" not in "".join(outline.text("style"))
    assert "url(" not in "".join(outline.text("style"))


def test_only_the_scripts_of_the_page_itself_may_run(outline: Outline) -> None:
    policy = next(meta for meta in outline.of("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    data, script = outline.text("script")
    json.loads(data)
    digest = base64.b64encode(hashlib.sha256(_between(render(page()), "<script>", "</script>").encode()).digest())
    assert f"script-src 'sha256-{digest.decode()}'" in (policy["content"] or "")
    assert "default-src 'none'" in (policy["content"] or "")
    assert script.startswith('"use strict"')


def test_the_same_run_has_the_same_page() -> None:
    assert render(page(number=800)) == render(page(number=800))


def test_sections_have_headings_and_drawings_have_names(outline: Outline) -> None:
    assert outline.text("h2") == [
        "What went wrong",
        "The run over time",
        "Faults",
        "Operations",
        "Checkers",
        "Node logs",
        "Plan",
    ]
    for attributes in outline.of("svg"):
        assert attributes.get("aria-label") or attributes.get("aria-hidden") == "true" or "overflow" in attributes
    labelled = {attributes["aria-labelledby"] for _, attributes in outline.elements if "aria-labelledby" in attributes}
    assert labelled <= {attributes["id"] for _, attributes in outline.elements if "id" in attributes}


def test_a_violation_tells_its_story_in_order(outline: Outline) -> None:
    told = [text for text in outline.text("li") if text in stale_read().story]
    assert told == list(stale_read().story)
    assert "stale read" in outline.text("span")
    assert any("#0 partition ({n1, n2} cut off from {n3, n4, n5})" in text for text in outline.text("p"))


def test_an_anomaly_without_a_story_tells_its_operations() -> None:
    bare = replace(page(number=300).verdict, anomalies=(replace(stale_read(), story=()),))
    told = Outline(render(replace(page(number=300), verdict=bare))).text("li")
    assert "Process 7 began read 3 → 41 at 9.444 s; it succeeded after 2.00 ms." in told


def test_an_anomaly_without_operations_has_no_timeline() -> None:
    bare = Verdict(
        validity=Validity.VIOLATION,
        checker="set",
        reasons=("3 elements are lost",),
        anomalies=(Anomaly(name="lost element", summary="3 elements were acknowledged and never read again."),),
    )
    seen = Outline(render(replace(page(number=300), verdict=bare)))
    assert not any("timeline" in (attributes.get("class") or "") for attributes in seen.of("svg"))
    assert "3 elements were acknowledged and never read again." in seen.text("p")


def test_the_page_has_the_plan_the_replay_command_the_logs_and_the_versions(outline: Outline) -> None:
    assert page().replay in outline.text("code")
    assert page().plan_json in outline.text("pre")
    assert [text for text in outline.text("summary") if text.startswith("n")] == [
        f"n{i}: last 120 lines, 40 of them with an error" for i in range(1, 6)
    ]
    assert {"etcd", "3.5.0", "kernel"} <= {text for tag in ("dt", "dd") for text in outline.text(tag)}


def test_faults_that_are_not_proved_stand_out() -> None:
    history = Sample(operations(300), (fault(1, "kill", "kill: n1", 5, 6, error="2 processes of n1 are left"),))
    seen = Outline(render(replace(page(), history=history)))
    assert "2 processes of n1 are left" in seen.text("p")
    assert "⚠ not proved" in seen.text("span")
    assert "0 of 1" in seen.text("dd")


def test_every_checker_says_what_it_concluded_and_why() -> None:
    strength = Verdict(validity=Validity.UNKNOWN, checker="strength", reasons=("too weak: 3 operations",))
    seen = Outline(render(replace(page(), verdict=combine([page(Validity.VALID).verdict, strength]))))
    assert {"strength: unknown", "linearizable: valid"} <= set(seen.text("summary"))
    assert "too weak: 3 operations" in seen.text("li")


def test_damage_of_the_history_is_noted() -> None:
    damaged = replace(page(number=300), history=Sample(operations(300), damage="block 7 fails its checksum"))
    seen = Outline(render(replace(damaged, notes=("event 3 was not reached",))))
    assert "Also note" in seen.text("h2")
    assert {"Not all of the history could be read: block 7 fails its checksum.", "event 3 was not reached"} <= set(
        seen.text("li")
    )


def test_a_run_that_recorded_nothing_still_has_a_page() -> None:
    nothing = replace(page(Validity.INFRASTRUCTURE_ERROR), history=Sample(operations(0)), logs={}, versions={})
    seen = Outline(render(nothing))
    assert "Nothing was recorded that could be drawn." in seen.text("p")
    assert "No operation was recorded." in seen.text("td")
    assert "No fault was injected." in seen.text("p")
    assert "No node left a log." in seen.text("p")


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_that_a_database_or_a_user_wrote_is_markup(text: str) -> None:
    seen = Outline(render(_written_everywhere(text)))
    assert len(seen.of("script")) == 2
    assert seen.text("h1") == ["Violation"]
    assert seen.of("img") == []
    assert seen.misnested == []
    assert not [name for _, attributes in seen.elements for name in attributes if name.startswith("on")]
    assert not {"\x1b", "\x00", "\u202e", "\u2066"} & {letter for _, shown in seen.texts for letter in shown}


def test_hostile_text_is_still_readable() -> None:
    seen = Outline(render(_written_everywhere(HOSTILE[0])))
    assert sum(HOSTILE[0] in shown for _, shown in seen.texts) > 15


def test_a_page_of_far_too_much_of_everything_stays_small() -> None:
    links = [{"source": f"n{i}", "destination": "n1", "probes_sent": 3, "packets_dropped": i} for i in range(30)]
    intervals = tuple(
        fault(i, "partition", f"cut {i}", 3 + i / 40, 3.2 + i / 40, evidence={"probes_sent": 90, "edges": links})
        for i in range(1_000)
    )
    crowd = tuple(
        Involved(index=i, process=i % 50, label=f"write {i}", outcome="ok", start_ns=i * 1000, end_ns=i * 1000 + 900)
        for i in range(2_000)
    )
    anomalies = tuple(Anomaly(name="lost", summary=f"lost {i}", operations=crowd) for i in range(300))
    verdict = Verdict(validity=Validity.VIOLATION, checker="set", reasons=("much",) * 500, anomalies=anomalies)
    everything = replace(
        page(),
        verdict=verdict,
        history=Sample(operations(20_000), intervals),
        logs={f"n{i}": '{"msg":"x"}\n' * 100_000 for i in range(9)},
    )
    html = render(everything)
    assert len(html.encode()) < 2_000_000
    seen = Outline(html)
    assert "295 further anomalies are in the run's verdict file." in seen.text("p")
    assert "700 further faults are in the history." in seen.text("p")


def _written_everywhere(text: str) -> Page:
    """A page on which everything that is not ours to write says ``text``."""
    frame = operations(200).with_columns(
        pl.when(pl.col("index") % 3 == 0).then(pl.lit(text)).otherwise(pl.col("f")).alias("f"),
        pl.when(pl.col("index") % 3 == 0).then(pl.lit("fail")).otherwise(pl.col("type")).alias("type"),
        pl.lit(text).alias("detail"),
    )
    evidence = {text: text, "rows": [{text: text}], "list": [text], "nested": {"deep": [[text]]}}
    interval = fault(0, text, text, 5, 9.5, planned=text + text, evidence=evidence)
    one = Involved(index=0, process=1, label=text, outcome=text, start_ns=9 * SECOND, end_ns=None, role=text)
    anomaly = Anomaly(name=text, summary=text, story=(text,), operations=(one,))
    verdict = Verdict(
        validity=Validity.VIOLATION,
        checker=text,
        reasons=(text, text + "!"),
        anomalies=(anomaly, anomaly),
        statistics={text: [text, {text: 1.0}]},
    )
    whole = page(number=10)
    return replace(
        whole,
        run=text,
        started=text,
        verdict=verdict,
        plan=replace(whole.plan, workload=text),
        plan_json=text,
        history=Sample(
            frame.select(pl.col(name).cast(dtype) for name, dtype in COLUMNS.items()),
            (interval, *faults()),
            {text: 1},
            damage=text,
        ),
        replay=text,
        logs={text: text + "\n" + text},
        versions={text: text},
        notes=(text,),
    )


def _between(text: str, before: str, after: str) -> str:
    return text.split(before, 1)[1].split(after, 1)[0]

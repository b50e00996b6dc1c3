"""Our own form of a manifest: faults as plans have them, under a name.

    name: slow-leader
    faults:
      - {kind: delay, edges: [[leader, n2]], delay: 20ms, jitter: 0ms, distribution: uniform, seed: 7}
    duration: 10s
    every: 15s

``name`` may be left out, and so may ``duration``, for faults that last until they are deleted; with ``every``, which is
``15s``, ``@every 15s`` or a calendar of cron, each occurrence must end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schrodinger.nemesis.codec import from_plain
from schrodinger.nemesis.faults import Fault
from schrodinger.nemesis.invalid import InvalidValueError
from schrodinger.nemesis.manifests.experiment import Experiment, Given
from schrodinger.nemesis.manifests.fields import Fields
from schrodinger.nemesis.manifests.recurrence import parse_recurrence

if TYPE_CHECKING:
    from schrodinger.nemesis.catalogue import FaultCatalogue
    from schrodinger.nemesis.manifests.recurrence import Recurrence

KIND = "faults"


def read_ours(document: object, default_name: str, catalogue: FaultCatalogue) -> Experiment:
    """The experiment of one document.

    Raises:
        InvalidValueError: it describes none.
    """
    fields = Fields(document, "")
    name = fields.text("name", default_name)
    given = fields.take("faults")
    if not isinstance(given, list) or not given:
        raise InvalidValueError("faults", given, "not a list of faults", "write each on a line, after a dash")
    duration_ns = fields.duration_ns("duration", at_least=1) if fields.has("duration") else None
    fields.take("duration")
    recurrence = fields.parsed("every", _recurrence) if fields.has("every") else None
    fields.take("every")
    fields.close()
    if recurrence is not None and duration_ns is None:
        raise InvalidValueError("duration", None, "what recurs must end in between", "add one, such as 10s")
    return Experiment(
        name=name,
        kind=KIND,
        template=Given(tuple(_fault(index, plain, catalogue) for index, plain in enumerate(given))),
        duration_ns=duration_ns,
        recurrence=recurrence,
    )


def _fault(index: int, plain: object, catalogue: FaultCatalogue) -> Fault:
    try:
        return from_plain(plain, Fault, catalogue=catalogue)
    except InvalidValueError as error:
        raise error.within(f"faults[{index}]") from error


def _recurrence(text: str) -> Recurrence:
    written = text if text.startswith("@") or " " in text else f"@every {text}"
    return parse_recurrence(written)

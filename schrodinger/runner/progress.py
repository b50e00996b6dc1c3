"""What a run is doing right now, for a display to look at whenever it likes."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Progress:
    """Written by the runner, read by displays; nothing waits on it.

    ``main_elapsed_s`` and ``main_total_s`` are of the main phase, and so is ``invoked``; the outcomes are of the whole
    run, its final operations included. ``faults`` are in force now, in words, by event.
    """

    phase: str = "starting"
    main_elapsed_s: float = 0.0
    main_total_s: float = 0.0
    invoked: int = 0
    ok: int = 0
    fail: int = 0
    info: int = 0
    faults: dict[str, str] = field(default_factory=dict)
    checker: str = "waiting for the history"
    notes: list[str] = field(default_factory=list)

    @property
    def completed(self) -> int:
        """Operations that ended, however they did."""
        return self.ok + self.fail + self.info

"""Many seeds of one suite, one after the other: how each run ended, and how soon a violation showed.

    python scripts/campaign.py 20 suites/etcd --workload register --nodes 5 --time 30 --rate 300
    python scripts/campaign.py 10 suites/etcd --reads serializable --nodes 5 --time 30 --rate 300

The first argument is the number of seeds (1 to that number); the rest goes to ``schrodinger run``. A violation is as
old as its first anomaly: the completion of the last operation in its story, in seconds since the main phase began.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from schrodinger.history import History

SCHRODINGER = Path(sys.executable).with_name("schrodinger")


def main() -> None:
    """Run them all, a line each, and count the verdicts."""
    if len(sys.argv) < 3 or not sys.argv[1].isdecimal():
        sys.exit(__doc__)
    seeds, arguments = int(sys.argv[1]), sys.argv[2:]
    verdicts: Counter[str] = Counter()
    print(" seed verdict              faults      ok   fail  info  found at    wall  reason")
    for seed in range(1, seeds + 1):
        began = time.monotonic()
        result = run(["run", *arguments, "--seed", str(seed), "--json"])
        verdicts[result["validity"]] += 1
        print(line(seed, result, time.monotonic() - began), flush=True)
    print(", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items())))


def run(arguments: list[str]) -> dict[str, Any]:
    """The result that a run prints last."""
    ended = subprocess.run([SCHRODINGER, *arguments], capture_output=True, text=True, check=False)
    try:
        result: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])["result"]
    except (IndexError, KeyError, json.JSONDecodeError):
        sys.exit(f"schrodinger {' '.join(arguments)} ended with status {ended.returncode}:\n{ended.stderr}")
    return result


def line(seed: int, result: dict[str, Any], wall_s: float) -> str:
    """One run in one line."""
    counts = result["operations"]
    involved = result["anomalies"][0]["operations"] if result["anomalies"] else []
    ends = [operation["end_ns"] for operation in involved if operation["end_ns"] is not None]
    try:
        history = History.open(result["run"])
        faults, main_ns = len(history.faults()), history.phases().get("main", 0)
    except (OSError, ValueError):
        faults, main_ns = 0, 0  # the run ended before it recorded anything; its reason says why
    found = f"{(max(ends) - main_ns) / 1e9:.1f} s" if ends else ""
    reason = (result["reasons"] or [""])[0].splitlines()[0][:100] if result["reasons"] else ""
    return (
        f"{seed:>5} {result['validity']:<20} {faults:>6} {counts['ok']:>7} {counts['fail']:>6} "
        f"{counts['info']:>5} {found:>9} {wall_s:>5.1f} s  {reason}"
    )


if __name__ == "__main__":
    main()

"""What holds for every test.

- What a machine lacks is a reason to skip, which pytest prints; under continuous integration (``CI`` is set) it is a
  failure, because a test that never ran proves nothing.
- Properties draw the same examples in every run; ``make fuzz`` draws new ones, and many more.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Generator

settings.register_profile("test", derandomize=True, deadline=None, database=None)
settings.register_profile("fuzz", max_examples=20_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Under continuous integration, turn a skip into a failure with the skip's reason."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("CI"):
        assert isinstance(report.longrepr, tuple), "pytest gives a skip as (file, line, reason)"
        report.outcome = "failed"
        reason = report.longrepr[2]
        report.longrepr = f"{item.nodeid} did not run, which continuous integration does not accept. {reason}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for whole files that skip themselves."""
    report = yield
    if report.skipped and os.environ.get("CI"):
        report.outcome = "failed"
        report.longrepr = f"{collector.nodeid} did not run, which continuous integration does not accept."
    return report

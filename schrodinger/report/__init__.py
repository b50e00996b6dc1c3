"""The page a run leaves behind."""

from schrodinger.report.page import Page, render
from schrodinger.report.run_page import write_report

__all__ = ["Page", "render", "write_report"]

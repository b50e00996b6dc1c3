"""The page a run leaves behind."""

from schrodinger.report.page import Page, render
from schrodinger.report.plots import plot
from schrodinger.report.run_page import write_report

__all__ = ["Page", "plot", "render", "write_report"]

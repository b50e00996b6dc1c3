"""The sign of each verdict. Shapes differ as much as colours do: a disc, an octagon, a diamond and a square."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schrodinger.checkers.verdict import Validity
from schrodinger.report.svg import element

if TYPE_CHECKING:
    from markupsafe import Markup

_GROUNDS = {
    Validity.VALID: "M24 2a22 22 0 1 0 0 44a22 22 0 1 0 0-44z",
    Validity.VIOLATION: "M15 2h18l13 13v18l-13 13h-18l-13-13v-18z",
    Validity.UNKNOWN: "M24 1l23 23-23 23-23-23z",
    Validity.INFRASTRUCTURE_ERROR: "M11 3h26a8 8 0 0 1 8 8v26a8 8 0 0 1-8 8h-26a8 8 0 0 1-8-8v-26a8 8 0 0 1 8-8z",
}
_SIGNS = {
    Validity.VALID: "M14 25l7 7 13-15",
    Validity.VIOLATION: "M17 17l14 14M31 17l-14 14",
    Validity.UNKNOWN: "M18.8 19a5.2 5.2 0 1 1 7.6 4.6c-1.8 1-2.4 2-2.4 4.2M24 33.4v.1",
    Validity.INFRASTRUCTURE_ERROR: "M26.5 11l-9 14.5h13l-9 13",
}
_COLOURS = {
    Validity.VALID: "#0a7f60",
    Validity.VIOLATION: "#c9332a",
    Validity.UNKNOWN: "#b07400",
    Validity.INFRASTRUCTURE_ERROR: "#6a59c4",
}


def icon(validity: Validity) -> Markup:
    """The sign beside the verdict, in the colours of the style sheet."""
    return element(
        "svg",
        element("path", d=_GROUNDS[validity], class_="ground"),
        element("path", d=_SIGNS[validity], class_="sign"),
        class_="icon",
        viewBox="0 0 48 48",
        width=56,
        height=56,
        aria_hidden="true",
    )


def favicon(validity: Validity) -> Markup:
    """The sign for the browser's tab, which has no style sheet."""
    return element(
        "svg",
        element("path", d=_GROUNDS[validity], fill=_COLOURS[validity]),
        element("path", d=_SIGNS[validity], fill="none", stroke="#fff", stroke_width=4, stroke_linecap="round"),
        xmlns="http://www.w3.org/2000/svg",
        viewBox="0 0 48 48",
    )

"""Curves and marks as one SVG picture that stretches sideways with the page. No browser runs anything for it.

The picture is `WIDTH` units wide whatever its width in px; its height is in px. Strokes keep their width, so a mark is
a stroke of no length, whose ends are round or square.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from urllib.parse import quote

WIDTH = 1000
#: (units from the left, px from the top).
Place = tuple[float, float]
_HOLE = 0.55
#: In a data URI between double quotes.
_AS_THEY_ARE = " '()+,-./:;="


def rectangle(left: float, right: float, *, height: float, colour: str) -> str:
    """Returns a rectangle from the top to a height."""
    return f'<path d="M{left:.1f} 0H{right:.1f}V{height:.1f}H{left:.1f}Z" fill="{colour}"/>'


def area(edge: Sequence[Place], *, colour: str, opacity: float) -> str:
    """Returns what the edge encloses."""
    return f'<path d="{_through(edge)}Z" fill="{colour}" fill-opacity="{opacity:g}"/>'


def line(places: Sequence[Place], *, colour: str, width: float, dash: str = "") -> str:
    """Returns a line through the places; `dash` is the px drawn and left out in turn."""
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<path class="s" d="{_through(places)}" stroke="{colour}" stroke-width="{width:g}"{dashed}/>'


def marks(places: Iterable[Place], *, colour: str, size: float, hole: str = "", square: bool = False) -> str:
    """Returns a circle or a square at each place, with a hole of another colour or none."""
    spots = "".join(f"M{x:.1f} {y:.1f}h.01" for x, y in places)
    cap = "square" if square else "round"
    # A square end reaches out on all sides of nothing, so it looks larger than a round one.
    drawn = ((colour, size * (0.9 if square else 1.0)), *([(hole, size * _HOLE)] if hole else []))
    return "".join(
        f'<path class="s" d="{spots}" stroke="{paint}" stroke-width="{width:g}" stroke-linecap="{cap}"/>'
        for paint, width in drawn
    )


def image(shapes: Iterable[str], *, height: float) -> str:
    """Returns the picture as an <img> without words; they belong to what it stands in."""
    style = "<style>.s{fill:none;stroke-linejoin:round;vector-effect:non-scaling-stroke}</style>"
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" preserveAspectRatio="none">'
        f"{style}{''.join(shapes)}</svg>"
    )
    return f'<img alt="" src="data:image/svg+xml,{quote(svg, safe=_AS_THEY_ARE)}">'


def _through(places: Sequence[Place]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places)

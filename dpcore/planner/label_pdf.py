"""The privacy label as one page of PDF.

The fonts every PDF reader has know Western European letters only: Greek ones are spelled out, others become “?”.
"""

from __future__ import annotations

from fpdf import FPDF

from dpcore.errors import InvalidValue
from dpcore.planner.label import TITLE, Icons, Label
from dpcore.planner.rows import Row

_FONT = "Helvetica"
#: Letter heights in points, the largest that fits on the page is taken.
_SIZES = (7.5, 7.0, 6.5, 6.0, 5.5, 5.0, 4.5, 4.0)
_MARGIN, _POINT = 12.0, 0.3528  # mm
_SPELLED = {
    "ε": "epsilon", "δ": "delta", "σ": "sigma", "γ": "gamma", "κ": "kappa", "η": "eta", "√": "sqrt", "∞": "infinite",
    "≤": "at most", "≥": "at least", "–": "-", "—": "-", "−": "-", "…": "...", "“": '"', "”": '"', "’": "'",
}  # fmt: skip
_RED, _GREY, _BLACK = (179, 38, 30), (201, 209, 217), (28, 36, 48)
_ACROSS = {100: 20, 1000: 50}
#: Share of the width that the names of the quantities take.
_NAMES = 0.36


def to_pdf(label: Label) -> bytes:
    """Returns the PDF, one A4 page; raises InvalidValue if the label's texts are too long for one."""
    for size in _SIZES:
        page = _Page(size)
        page.draw(label)
        if page.fits:
            return bytes(page.output())
    raise InvalidValue("The label must fit on one page, but its texts are too long: take shorter or fewer plans.")


def in_latin(text: str) -> str:
    """Returns a text in the letters of the PDF's fonts."""
    spelled = "".join(_SPELLED.get(letter, letter) for letter in text)
    return spelled.encode("latin-1", "replace").decode("latin-1")


class _Page(FPDF):
    """One page, written from top to bottom."""

    def __init__(self, size: float) -> None:
        super().__init__(format="A4")
        self.size = size
        self.row_height = size * _POINT * 1.22
        self.set_auto_page_break(False)
        self.set_margin(_MARGIN)
        self.add_page()
        self.set_text_color(*_BLACK)

    @property
    def fits(self) -> bool:
        return bool(self.get_y() <= self.h - _MARGIN)

    def draw(self, label: Label) -> None:
        self.set_title(in_latin(f"{TITLE}: {', '.join(label.names)}"))
        self._write(TITLE, bold=True, larger=2.0)
        self._icons(label)
        self._list("Note", label.notes)
        self._table(label)
        self._list("This assumes", label.assumptions)
        self._list("Sources", label.sources)
        self.embed_file(basename="plan.json", bytes=label.document.encode(), desc="The plan; FILE of the command")
        self.ln(self.row_height / 2)
        closing = f"Plan {label.hash}, answers {label.answers_hash}. Repeat with: {label.command} (attached: plan.json)"
        self._write(closing, bold=True)

    def _write(self, text: str, *, bold: bool = False, larger: float = 1.0) -> None:
        if not self.fits:
            return
        self.set_font(_FONT, style="B" if bold else "", size=self.size * larger)
        self.multi_cell(0, self.row_height * larger, in_latin(text), align="L", new_x="LMARGIN", new_y="NEXT")

    def _list(self, title: str, sentences: tuple[str, ...]) -> None:
        if sentences:
            self.ln(self.row_height / 2)
            self._write(title, bold=True)
            for sentence in sentences:
                self._write(f"- {sentence}")

    def _icons(self, label: Label) -> None:
        top, width = self.get_y() + 1, self.epw / max(len(label.names), 2)
        bottom = top
        for i, (name, icons) in enumerate(zip(label.names, label.icons, strict=True)):
            left = _MARGIN + i * width
            self.set_xy(left, top)
            self.set_font(_FONT, style="B", size=self.size)
            self.multi_cell(width - 3, self.row_height, in_latin(name), align="L", new_x="LEFT", new_y="NEXT")
            self._dots(icons, left + self.c_margin, self.get_y() + 1, min(width - 6, 50.0))
            self.set_x(left)
            self.set_font(_FONT, size=self.size)
            said = in_latin(f"{icons.count} of {icons.total:,} patients. {icons.text}")
            self.multi_cell(width - 3, self.row_height, said, align="L", new_x="LEFT", new_y="NEXT")
            bottom = max(bottom, self.get_y())
        self.set_xy(_MARGIN, bottom)

    def _dots(self, icons: Icons, left: float, top: float, width: float) -> None:
        across = _ACROSS[icons.total]
        pitch = width / across
        for place in range(icons.total):
            self.set_fill_color(*(_RED if place < icons.count else _GREY))
            x, y = left + place % across * pitch, top + place // across * pitch
            self.rect(x, y, 0.75 * pitch, 0.75 * pitch, style="F")
        self.set_y(top + icons.total / across * pitch + 1)

    def _table(self, label: Label) -> None:
        self.ln(self.row_height / 2)
        nature = ""
        for row in label.rows:
            if row.nature != nature:
                nature = row.nature
                self._table_line([nature.capitalize(), *label.names], bold=True)
            self._table_line(_cells(row))

    def _table_line(self, cells: list[str], *, bold: bool = False) -> None:
        self.set_font(_FONT, style="B" if bold else "", size=self.size)
        first, rest = self.epw * _NAMES, self.epw * (1 - _NAMES) / (len(cells) - 1)
        for i, cell in enumerate(cells):
            width = rest if i else first
            text = in_latin(cell)
            # Smaller rather than cut: half a number would be a wrong number.
            needed = self.get_string_width(text) + 2 * self.c_margin
            self.set_font_size(self.size * min(width / needed, 1.0))
            self.cell(width, self.row_height, text, align="R" if i else "L")
            self.set_font_size(self.size)
        self.ln(self.row_height)


def _cells(row: Row) -> list[str]:
    return [row.label, *row.texts]

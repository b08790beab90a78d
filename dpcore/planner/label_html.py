"""The privacy label as one HTML page that needs nothing else: no script, no font, no picture from elsewhere."""

from __future__ import annotations

from html import escape

from dpcore.planner.label import TITLE, Icons, Label
from dpcore.planner.rows import Nature, Row

_NATURES: dict[Nature, str] = {
    "given": "Given",
    "proven": "Proven: no attacker of the kind does better",
    "estimated": "Estimated, not measured on these records",
    "measured": "Measured on other records, no guarantee",
}
_CSS = """
body{font:14px/1.4 system-ui,sans-serif;color:#1c2430;max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem;margin:0 0 .25rem}h2{font-size:1rem;margin:1.25rem 0 .25rem}
table{border-collapse:collapse;width:100%}th,td{padding:.15rem .5rem;text-align:left;border-bottom:1px solid #e3e6ea}
td{text-align:right;font-variant-numeric:tabular-nums}tbody th{font-weight:400}
th.nature{font-weight:600;background:#f3f5f7;border-top:2px solid #1c2430}
.icons{display:flex;gap:1.5rem;flex-wrap:wrap}.icons figure{margin:.5rem 0;width:13rem}
svg{width:100%;height:auto;stroke-linecap:round;stroke-width:.7}
.hit{stroke:#b3261e}.rest{stroke:#c9d1d9}
code{font-family:ui-monospace,monospace}figcaption,li,p.hash{font-size:.85rem}ul{padding-left:1.1rem;margin:.25rem 0}
@media print{details{display:none}body{margin:0;font-size:9px}svg{width:70%}}
"""
#: Icons side by side.
_ACROSS = {100: 10, 1000: 40}


def to_html(label: Label) -> str:
    """Returns the page; every text in it is escaped."""
    title = f"{TITLE}: {', '.join(label.names)}"
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width">',
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        f"<title>{escape(title)}</title><style>{_CSS}</style></head><body>",
        f"<h1>{TITLE}</h1>",
        '<div class="icons">',
        *(_figure(name, icons) for name, icons in zip(label.names, label.icons, strict=True)),
        "</div>",
        _list("Note", label.notes),
        _table(label),
        _list("This assumes", label.assumptions),
        _list("Sources", label.sources),
        f'<p class="hash">Plan <code>{escape(label.hash)}</code>, answers <code>{escape(label.answers_hash)}</code>. '
        f"Repeat with <code>{escape(label.command)}</code>.</p>",
        f"<details><summary>The plan, to be saved as FILE</summary><pre>{escape(label.document)}</pre></details>",
        "</body></html>\n",
    ]
    return "\n".join(part for part in parts if part)


def _figure(name: str, icons: Icons) -> str:
    across = _ACROSS[icons.total]
    down = icons.total // across
    said = escape(f"{icons.count} of {icons.total:,} patients", quote=True)
    hit, rest = _dots(range(icons.count), across), _dots(range(icons.count, icons.total), across)
    return (
        f'<figure><b>{escape(name)}</b><svg role="img" aria-label="{said}" viewBox="0 0 {across} {down}" '
        f'fill="none"><path class="rest" d="{rest}"/><path class="hit" d="{hit}"/></svg>'
        f"<figcaption>{said}. {escape(icons.text)}</figcaption></figure>"
    )


def _dots(places: range, across: int) -> str:
    """Lines of no length, drawn as dots by their round ends."""
    return "".join(f"M{place % across}.5 {place // across}.5h0" for place in places)


def _table(label: Label) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in label.names)
    body = []
    for nature, title in _NATURES.items():
        body.append(f'<tr><th class="nature" colspan="{len(label.names) + 1}">{title}</th></tr>')
        body += [_line(row) for row in label.rows if row.nature == nature]
    return f'<table><thead><tr><th scope="col">Quantity</th>{head}</tr></thead><tbody>{"".join(body)}</tbody></table>'


def _line(row: Row) -> str:
    cells = "".join(f"<td>{escape(text)}</td>" for text in row.texts)
    return f'<tr><th scope="row">{escape(row.label)}</th>{cells}</tr>'


def _list(title: str, sentences: tuple[str, ...]) -> str:
    if not sentences:
        return ""
    return f"<h2>{escape(title)}</h2><ul>{''.join(f'<li>{escape(sentence)}</li>' for sentence in sentences)}</ul>"

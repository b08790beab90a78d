"""The parts of a verdict as HTML. Everything that comes from the file is escaped and made printable."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence

from dpcore.checker import Finding, Statement, Verdict
from dpcore.checker.claim import LocalGaussian
from dpcore.checker.fields import entries
from dpcore.checker.statements import get_stated_noise
from dpcore.checker.words import relation_words
from dpcore.results.numbers import short_number
from ui import check_person, check_text, glossary
from ui.blocks import stress
from ui.check_state import Reading
from ui.numbers import format_sigma

#: Characters of a quoted line or value, and fields listed that no rule read.
_LONGEST, _MOST_UNUSED = 160, 40
#: Noise stated and real further apart than this are shown as two numbers.
_ROUNDED = 0.01


def verdict_html(verdict: Verdict) -> str:
    """Returns the outcome in colour, sign and word, with its sentence."""
    outcome = verdict.outcome
    return (
        f'<section class="ck-verdict ck-{outcome}" data-outcome="{outcome}" role="status">'
        f'<p class="ck-word"><span aria-hidden="true">{check_text.OUTCOME_SIGNS[outcome]}</span>{outcome}</p>'
        f'<p class="ck-headline">{stress(check_text.headline(verdict))}</p></section>'
    )


def numbers_html(verdict: Verdict) -> str:
    """Returns claimed ε, true ε by both accountants, the noise, and what it means for a person, as cards."""
    claim, real = verdict.claim, verdict.compared
    word = "Proven" if real is not None and not real.is_exact and verdict.epsilon != math.inf else "True"
    made = [
        _card("Claimed", "", check_text.claimed_words(claim) or "none claimed", _about_claim(verdict)),
        _card(f"{word}, tight accountant", "proven", *_true(verdict, real, tight=True)),
        _card(f"{word}, RDP accountant", "proven", *_true(verdict, real, tight=False)),
        _card("Noise that hides one", "", *_noise(verdict, real)),
    ]
    cards = glossary.explain(
        "".join(made), epsilon="Claimed", accountant="tight accountant", noise="Noise that hides one"
    )
    person = check_person.person_sentence(real, claim) if verdict.epsilon != math.inf else check_person.NO_LIMIT
    tag = "" if not person.startswith("Of 1,000") else '<span class="pp-tag pp-tag-proven">proven</span>'
    return (
        f'<h2 class="pp-unseen">In four numbers</h2><div class="pp-cards ck-numbers">{cards}</div>'
        f'<p class="ck-person"><strong>For one {"client" if claim.unit == "client" else "patient"}.</strong> '
        f"{stress(person)} {tag}</p>"
    )


def findings_html(reading: Reading, findings: Iterable[Finding]) -> str:
    """Returns findings in their order: sentence, field with its line, and the engineer's sentence to open."""
    return f'<ul class="ck-findings">{"".join(_finding(reading, finding) for finding in findings)}</ul>'


def missing_html(verdict: Verdict) -> str:
    """Returns what is not stated, and why it matters."""
    items = "".join(
        f"<li><code>{html.escape(m.field)}</code> {html.escape(check_text.FIELDS.get(m.field, ''))}: "
        f"{html.escape(m.why)}.</li>"
        for m in verdict.missing
    )
    return f'<ul class="ck-missing">{items}</ul>'


def statements_html(verdict: Verdict) -> str:
    """Returns who is hidden how well, one block a statement."""
    return f'<div class="ck-statements">{"".join(_statement(verdict, s) for s in verdict.statements)}</div>'


def used_html(reading: Reading) -> str:
    """Returns every field that was read, with its path, value and line, as a table."""
    assert reading.verdict is not None
    values = {entry.path: entry.value for entry in entries(reading.tree)}
    rows = [
        (
            check_text.FIELDS.get(name, name.replace("_", " ")),
            f"<code>{_shown(path)}</code>",
            _shown(_words(values[path])) if path in values else "",
            f"line {reading.lines[path].number}" if path in reading.lines else "",
        )
        for name, path in dict.fromkeys((name, path) for name, path in reading.verdict.claim.origins)
    ]
    return _table("Fields that were read", ("what it is", "field of the file", "value", "where"), rows)


def unused_html(reading: Reading) -> str:
    """Returns the fields that no rule reads; nothing if there are none."""
    assert reading.verdict is not None
    used = {path for _, path in reading.verdict.claim.origins}
    unused = [entry.path for entry in entries(reading.tree) if entry.path not in used]
    if not unused:
        return ""
    more = f" and {len(unused) - _MOST_UNUSED:,} more" if len(unused) > _MOST_UNUSED else ""
    names = ", ".join(f"<code>{_shown(path)}</code>" for path in unused[:_MOST_UNUSED])
    return f'<p class="ck-faint">Not read as part of the guarantee: {names}{more}.</p>'


def assumptions_html(verdict: Verdict) -> str:
    """Returns the library's defaults that stand in for what the file leaves out; nothing if there are none."""
    items = "".join(
        f"<li><code>{html.escape(a.field)}</code> {html.escape(a.text)}</li>" for a in verdict.claim.assumptions
    )
    title = '<p class="ck-faint">Assumed, since the file does not say:</p>'
    return f'{title}<ul class="ck-missing">{items}</ul>' if items else ""


def _card(title: str, tag: str, value: str, lines: Sequence[str]) -> str:
    tag = tag if value.startswith("ε") or "∞" in value else ""
    badge = f'<span class="pp-tag pp-tag-{tag}">{tag}</span>' if tag else ""
    body = "".join(f"<p>{stress(line)}</p>" for line in lines if line)
    return (
        f'<section class="pp-card"><h3>{html.escape(title)}</h3>{badge}'
        f'<p class="pp-value">{stress(value)}</p>{body}</section>'
    )


def _about_claim(verdict: Verdict) -> list[str]:
    claim = verdict.claim
    part = claim.part_epsilon is not None and claim.claimed_epsilon is not None
    return [
        f"at δ = {short_number(claim.delta)}" if claim.delta is not None else "no δ is stated",
        f"and ε = {short_number(claim.part_epsilon)} for one {claim.part}" if part and claim.part_epsilon else "",
    ]


def _true(verdict: Verdict, real: Statement | None, *, tight: bool) -> tuple[str, list[str]]:
    if verdict.epsilon == math.inf:
        return "ε = ∞", ["nothing limits it"]
    if real is None:
        return "not known", ["something is missing, see below"]
    epsilon = real.epsilon_tight if tight else real.epsilon_rdp
    if math.isinf(epsilon):
        return "ε = ∞", ["no finite bound was found"]
    how = "exact for the worst records" if real.is_exact else "an upper bound; nothing lower is proven"
    return f"ε = {short_number(epsilon)}", [
        f"at δ = {short_number(real.delta)}",
        how if tight else "looser, and what most papers print",
    ]


def _noise(verdict: Verdict, real: Statement | None) -> tuple[str, list[str]]:
    stated = get_stated_noise(verdict.claim) if verdict.claim.client_filter is None else None
    if real is not None:
        sigma, said = getattr(real.mechanism, "noise_multiplier", 0.0), verdict.claim.noise_multiplier
        differs = said and abs(sigma / said - 1) > _ROUNDED
        stated_words = f"the file says {format_sigma(said)}" if said and differs else ""
        lines = ["times the most that one can change a step", stated_words]
        return f"σ = {format_sigma(sigma)}", lines
    if stated is not None and verdict.claim.clipping not in ("none", "unknown"):
        return f"σ = {format_sigma(stated)}", ["clipping norms, as stated"]
    return "not known", ["without a limit on one, no noise can be measured against it"]


def _finding(reading: Reading, finding: Finding) -> str:
    severity = finding.severity
    return (
        f'<li class="ck-finding ck-{severity}" data-finding="{html.escape(finding.name)}"><p class="ck-said">'
        f'<span class="ck-badge"><span aria-hidden="true">{check_text.SEVERITY_SIGNS[severity]}</span>{severity}</span>'
        f" {html.escape(finding.text)}</p>{_place(reading, finding.field)}"
        f"<details><summary>For engineers</summary><p>{html.escape(finding.engineer)}</p>"
        f"<p>Source: {html.escape(finding.source)}.</p></details></li>"
    )


def _place(reading: Reading, path: str) -> str:
    line = reading.lines.get(path)
    if line is not None:
        return (
            f'<p class="ck-place">Line {line.number}, <code>{_shown(path)}</code></p>'
            f"<pre><code>{_shown(line.text.strip())}</code></pre>"
        )
    assert reading.verdict is not None
    if path in (where for _, where in reading.verdict.claim.origins):
        return f'<p class="ck-place">Field <code>{_shown(path)}</code></p>'
    assumed = next((a.text for a in reading.verdict.claim.assumptions if a.field == path), "")
    return f'<p class="ck-place"><code>{_shown(path)}</code> is not in the file. {html.escape(assumed)}</p>'


def _statement(verdict: Verdict, statement: Statement) -> str:
    claim = verdict.claim
    local, words = isinstance(claim.client_filter, LocalGaussian), relation_words(statement.neighbours, claim.unit)
    hidden = "what data this client holds, whichever two are compared" if local else words
    infinite = math.isinf(statement.epsilon_tight)
    tight, rdp = ("∞" if math.isinf(e) else short_number(e) for e in (statement.epsilon_tight, statement.epsilon_rdp))
    sigma = format_sigma(getattr(statement.mechanism, "noise_multiplier", 0.0))
    person = check_person.NO_LIMIT if infinite else check_person.person_sentence(statement, claim)
    # With one statement alone it stands above already.
    told = f"<p>{stress(person)}</p>" if len(verdict.statements) > 1 else ""
    conditional = "" if verdict.is_about_the_training else '<span class="ck-if">only if this is so</span> '
    return (
        f'<section class="ck-statement" data-statement="{html.escape(statement.name)}">'
        f"<h3>{conditional}{html.escape(statement.text)}</h3>"
        f'<p class="ck-epsilon"><strong>ε\u00a0=\u00a0{tight}</strong> tight · {rdp} by RDP · '
        f"δ\u00a0=\u00a0{short_number(statement.delta)} · σ\u00a0=\u00a0{sigma}</p>"
        f"<p>Hidden: {html.escape(hidden)}.</p>{told}</section>"
    )


def _words(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(_words, value[:8])) + (" …" if len(value) > 8 else "")
    if value is None or isinstance(value, bool):
        return "nothing" if value is None else str(value).lower()
    return str(value)


def _shown(text: str) -> str:
    cut = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
    return html.escape("".join(c if c.isprintable() else "\ufffd" for c in cut))


def _table(caption: str, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{html.escape(heading)}</th>' for heading in headings)
    body = "".join(f'<tr><th scope="row">{row[0]}</th>{"".join(f"<td>{c}</td>" for c in row[1:])}</tr>' for row in rows)
    table = f'<table class="ck-table"><caption>{html.escape(caption)}</caption><tr>{head}</tr>{body}</table>'
    return f'<div class="pp-scroll" role="region" aria-label="{html.escape(caption)}" tabindex="0">{table}</div>'

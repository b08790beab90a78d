"""The blocks of the page "Is this really DP?"."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import streamlit as st

from dpcore.checker import LARGEST_FILE, Verdict
from dpcore.checker.examples import EXAMPLES
from dpcore.checker.words import get_report, get_result
from ui import check_html, check_state, check_text, glossary
from ui.blocks import stress
from ui.check_state import Reading
from ui.text import plain

_STYLE = Path(__file__).with_name("check.css")
_PLACEHOLDER = """noise_multiplier: 1.1
max_grad_norm: 1.0
batch_size: 256
num_train: 8082
epochs: 20
delta: 1e-6
target_epsilon: 3"""
_EMPTY = """
<p class="pp-summary pp-said">A training is called private in a paper or a mail: <strong>is it?</strong> Paste its
settings above, or take one of the examples; the answer takes a moment.</p>
<div class="ck-empty">
<section><h2>What to paste</h2>
<p>JSON, YAML or TOML with the names your library uses: arguments of an Opacus script, an optimiser of TensorFlow
Privacy, a strategy of Flower, a filter of NVFlare. Most useful are</p>
<ul><li>the <b>noise</b>: <code>noise_multiplier</code>, or the target from which the library finds it</li>
<li>the <b>limit on one person</b>: <code>max_grad_norm</code>, and whether each record or a batch is clipped</li>
<li>the <b>counts</b>: <code>batch_size</code>, <code>num_train</code>, <code>epochs</code></li>
<li>how batches are <b>drawn</b>: <code>poisson_sampling</code></li>
<li>the <b>claim</b>: <code>target_epsilon</code> and <code>delta</code></li></ul></section>
<section class="pp-said"><h2>What is looked for</h2>
<ul><li>no noise, or DP switched off</li><li>clipping of a batch or microbatch instead of each record</li>
<li>noise that does not grow with the clipping norm</li><li>δ of 1/N or more</li>
<li>shuffled batches counted as if drawn by coins</li><li>ε of one round sold as that of all</li>
<li>layers that mix people’s data (BatchNorm)</li><li>settings tuned on the same people’s data</li></ul></section>
<section class="pp-said"><h2>What you get</h2>
<p>One word, void, weak, incomplete or sound, with the reasons, the line each rests on, and the true ε by two
accountants; or what is missing to say so.</p></section></div>"""
_LIMITS = """
- **The settings are read, not the program.** Code that does something else than its settings say is not seen here.
- **Sound means: nothing void or weak was found** by these rules, and the claimed ε covers what is counted here.
- **What the file leaves out** is the library's default where that is known, and said so; otherwise it is missing.
- **All steps are taken to be seen** by the attacker. Who sees only the final model may learn less; nobody can prove how
  much less for deep networks, and a claim must not rest on it.
- **Validation, tuning and other releases** count only if the settings name them.
"""


def style() -> None:
    """Brings the page's style sheet."""
    st.html(_STYLE)


def configuration() -> None:
    """Shows where settings are typed, uploaded or taken from examples."""
    check_state.restore()
    st.html('<p class="ck-faint ck-label" id="ck-examples">Examples to try, sound and not:</p>')
    with st.container(key="check_examples"):
        for example in EXAMPLES:
            st.button(
                example.title,
                key=f"check_example_{example.file.partition('.')[0]}",
                on_click=check_state.take_example,
                args=(example.file,),
            )
    with st.container(key="check_input"):
        st.text_area(
            "Settings of a training (JSON, YAML or TOML)",
            key=check_state.TEXT,
            height=260,
            placeholder=_PLACEHOLDER,
            on_change=check_state.typed,
        )
        with st.container(key="check_beside"):
            st.file_uploader(
                f"Or a file, at most {LARGEST_FILE // 1024} kB",
                type=["json", "yaml", "yml", "toml"],
                key=check_state.upload_key(),
                on_change=check_state.take_upload,
                max_upload_size=1,
            )
            with st.container(key="check_buttons"):
                st.button("Check", type="primary", key="check_go", icon=":material/fact_check:")
                st.button("Clear", key="check_clear", on_click=check_state.clear)
            st.html(
                '<p class="ck-faint">Your settings go to the server that shows this page and nowhere else. They are '
                "not stored, not logged and not part of the address.</p>"
            )
    if sentence := check_state.notice():
        st.warning(plain(sentence), icon=":material/info:")


def nothing_yet() -> None:
    """Shows what to paste, and what comes of it."""
    words = {"clipping": "clipping norm", "delta": "δ of 1/N or more", "poisson": "drawn by coins"}
    st.html(glossary.explain(_EMPTY, dp="called private", accountant="two\naccountants", **words))


def refused(reading: Reading) -> None:
    """Shows the one sentence about settings that could not be read; they stay where they are."""
    st.error(plain(reading.problem), icon=":material/block:")
    st.html('<p class="ck-faint">Your text is unchanged. Mend it and press Check.</p>')


def verdict(found: Verdict) -> None:
    """Shows the outcome and the numbers behind it."""
    st.html(check_html.verdict_html(found) + check_html.numbers_html(found))


def findings(reading: Reading) -> None:
    """Shows what is wrong, the worst first."""
    assert reading.verdict is not None
    found = reading.verdict.findings
    if found:
        st.html(check_html.findings_html(reading, found))
    else:
        st.html(f'<p class="ck-text">{_nothing_wrong(reading.verdict)}</p>')


def missing(found: Verdict) -> None:
    """Shows what must be stated before more can be said."""
    st.html(
        '<p class="ck-text">Add these to the settings, and the answer follows:</p>' + check_html.missing_html(found)
    )


def statements(found: Verdict) -> None:
    """Shows for whom which ε holds."""
    if found.statements:
        st.html(check_html.statements_html(found))
        if found.claim.client_filter is None:
            st.html(f'<p class="ck-faint">{stress(check_text.relation_sentence(found.claim))}</p>')
    elif found.missing:
        st.html('<p class="ck-text">No ε can be given before what is missing is stated.</p>')
    else:
        st.html('<p class="ck-text">No ε describes this training, so none is given.</p>')


def understood(reading: Reading) -> None:
    """Shows the library, every field that was read, and what was assumed."""
    assert reading.verdict is not None
    library = check_text.LIBRARIES[reading.verdict.claim.dialect]
    st.html(f'<p class="ck-text">Read as settings of <strong>{library}</strong>.</p>')
    st.html(
        check_html.assumptions_html(reading.verdict) + check_html.used_html(reading) + check_html.unused_html(reading)
    )


def downloads(reading: Reading) -> None:
    """Offers the verdict as text and JSON, and the command that repeats it."""
    found = reading.verdict
    assert found is not None
    with st.container(key="downloads"):
        for label, suffix, mime, made in (
            ("Report (text)", "txt", "text/plain", get_report(found) + "\n"),
            ("Verdict (JSON)", "json", "application/json", json.dumps(get_result(found), indent=1, ensure_ascii=False)),
        ):
            st.download_button(
                label,
                made,
                file_name=f"verdict.{suffix}",
                mime=mime,
                key=f"check_download_{suffix}",
                on_click="ignore",
                icon=":material/download:",
            )
    st.html('<p class="ck-faint">The same on your own machine; exit code 0 means sound:</p>')
    st.code(f"python -m dpcore check {shlex.quote(reading.name or 'settings.yaml')}", language=None, wrap_lines=True)


def limits() -> None:
    """Shows what a verdict cannot say."""
    with st.expander("Limits: what this check cannot see", icon=":material/warning:"):
        st.markdown(_LIMITS)


def _nothing_wrong(found: Verdict) -> str:
    if found.outcome == "incomplete":
        return "Nothing wrong was found so far; what is missing decides."
    return "None of the rules found anything to object to."

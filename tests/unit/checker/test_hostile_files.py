"""Files that want to crash, hang or run something: one sentence each, at once."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpcore.checker import LARGEST_FILE, check, read_configuration, recognise
from dpcore.errors import DpcoreError, InvalidValue

DEEP = 30_000
BOMB = "a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: [*c,*c]\n"

#: What is read: name of the file, content.
UNREADABLE: dict[str, tuple[str, str | bytes]] = {
    "empty": ("", ""),
    "blank": ("a.yaml", " \n\t\n"),
    "only a byte order mark": ("", b"\xef\xbb\xbf"),
    "only comments": ("a.yaml", "# nothing\n"),
    "too large": ("a.json", '{"a": "' + "x" * LARGEST_FILE + '"}'),
    "too large in UTF-8": ("a.yaml", "a: " + "€" * (LARGEST_FILE // 2)),
    "binary": ("a.json", bytes(range(256))),
    "a picture": ("a.yaml", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"),
    "an archive": ("a.toml", b"PK\x03\x04\x14\x00\x00\x00"),
    "NUL": ("a.yaml", "a: 1\x00"),
    "escape codes": ("a.yaml", "a: \x1b[31mred"),
    "UTF-16": ("a.json", '{"a": 1}'.encode("utf-16")),
    "Latin-1": ("a.yaml", "a: é".encode("latin-1")),
    "lone surrogate": ("a.yaml", "a: \ud800"),
    "list at the top, JSON": ("", "[1, 2]"),
    "list at the top, YAML": ("a.yaml", "- 1\n- 2\n"),
    "number at the top": ("a.json", "3"),
    "text at the top": ("a.yaml", "hello"),
    "null at the top": ("a.json", "null"),
    "JSON cut short": ("a.json", '{"a": '),
    "JSON with a comma too many": ("a.json", '{"a": 1,}'),
    "TOML without a value": ("a.toml", "a =\n"),
    "YAML with a tab": ("a.yaml", "a:\n\t- 1\n"),
    "Python instead": ("a.py", "import os\nos.system('ls')\n"),
    "nested JSON lists": ("a.json", "[" * DEEP),
    "nested JSON tables": ("a.json", '{"a":' * (DEEP // 3)),
    "nested JSON, well formed": ("a.json", '{"a":' * 13 + "1" + "}" * 13),
    "nested YAML lists": ("a.yaml", "[" * DEEP),
    "nested YAML blocks": ("a.yaml", "- " * DEEP),
    "nested YAML tables": ("a.yaml", "{a: " * (DEEP // 3)),
    "nested YAML names": ("a.yaml", "? " * DEEP),
    "nested TOML lists": ("a.toml", "a=" + "[" * DEEP),
    "nested TOML names": ("a.toml", "a." * DEEP + "b=1"),
    "nested TOML headers": ("a.toml", "[" + "a." * DEEP + "b]"),
    "too many values": ("a.json", '{"a": [' + "0," * 2500 + "0]}"),
    "too many YAML values": ("a.yaml", "a: [" + "0," * 9000 + "0]"),
    "too many TOML tables": ("a.toml", "".join(f"[a{i}]\n" for i in range(3000))),
    "alias bomb": ("a.yaml", BOMB),
    "anchor": ("a.yaml", "a: &x 1"),
    "endless alias": ("a.yaml", "a: &a [*a]"),
    "merge key": ("a.yaml", "a:\n  <<: {b: 1}\n"),
    "python object": ("a.yaml", "a: !!python/object/apply:os.system ['true']"),
    "python name": ("a.yaml", "!!python/name:os.system {}"),
    "own tag": ("a.yaml", "a: !secret x"),
    "binary tag": ("a.yaml", "a: !!binary aGVsbG8="),
    "two documents": ("a.yaml", "a: 1\n---\nb: 2\n"),
    "list as a name": ("a.yaml", "[a, b]: 1"),
    "huge escape": ("a.yaml", 'a: "\\UFFFFFFFF"'),
    "other YAML": ("a.yaml", "%YAML 9.0\n---\na: 1"),
    "stated twice, JSON": ("a.json", '{"delta": 1e-5, "delta": 1e-9}'),
    "stated twice, TOML": ("a.toml", "delta = 1e-5\ndelta = 1e-9"),
    "stated twice, YAML": ("a.yaml", "delta: 1e-5\ndelta: 1e-9"),
    "NaN, JSON": ("a.json", '{"delta": NaN}'),
    "infinity, JSON": ("a.json", '{"delta": -Infinity}'),
    "overflow, JSON": ("a.json", '{"delta": 1e999}'),
    "NaN, TOML": ("a.toml", "delta = nan"),
    "infinity, TOML": ("a.toml", "delta = inf"),
    "NaN, YAML": ("a.yaml", "delta: .NaN"),
    "infinity, YAML": ("a.yaml", "delta: -.inf"),
    "10^400, JSON": ("a.json", '{"batch_size": 1' + "0" * 400 + "}"),
    "10^400, TOML": ("a.toml", "batch_size = 1" + "0" * 400),
    "10^400, YAML": ("a.yaml", "batch_size: 1" + "0" * 400),
    "10^50000, JSON": ("a.json", '{"batch_size": 1' + "0" * 50_000 + "}"),
    "10^50000, TOML": ("a.toml", "batch_size = 1" + "0" * 50_000),
    "10^50000 in hexadecimal": ("a.toml", "batch_size = 0x1" + "0" * 50_000),
    "a name of 10,000": ("a.yaml", "a" * 900 + ": 1"),
    "path as the name of the file": ("../../etc/passwd\x00.json", "root:x:0:0"),
}

GOOD = {
    **{"noise_multiplier": 1.1, "max_grad_norm": 1.0, "target_delta": 1e-6, "target_epsilon": 3},
    **{"batch_size": 100, "num_train": 10_000, "epochs": 10},
}
#: What breaks a field's rule.
BAD_FIELDS: dict[str, dict[str, object]] = {
    "negative noise": {"noise_multiplier": -1},
    "noise as a word": {"noise_multiplier": "high"},
    "noise as true": {"noise_multiplier": True},
    "noise as a list": {"noise_multiplier": [1.0]},
    "noise with a unit": {"noise_multiplier": "1.1 sigma"},
    "noise beyond the accountants": {"noise_multiplier": 1e300},
    "tiny noise": {"noise_multiplier": 1e-300},
    "norm 0": {"max_grad_norm": 0},
    "negative norm": {"max_grad_norm": -1.0},
    "norms, one of them 0": {"max_grad_norm": [1.0, 0.0]},
    "no norms": {"max_grad_norm": []},
    "norms that overflow": {"max_grad_norm": [1e308, 1.7e308]},
    "delta 0": {"target_delta": 0},
    "delta 1": {"target_delta": 1},
    "delta in percent": {"target_delta": "1%"},
    "epsilon 0": {"target_epsilon": 0},
    "negative epsilon": {"target_epsilon": -8},
    "epsilon as infinity": {"target_epsilon": "inf"},
    "batch 0": {"batch_size": 0},
    "batch above N": {"batch_size": 10_001},
    "half a batch": {"batch_size": 0.5},
    "negative N": {"num_train": -5},
    "N as a fraction": {"num_train": 100.5},
    "epochs 0": {"epochs": 0},
    "epochs of 10^15": {"epochs": 10**15},
    "more steps than are counted": {"epochs": 10**11},
    "rate 0": {"sample_rate": 0},
    "rate above 1": {"sample_rate": 1.5},
    "rate far from batch / N": {"sample_rate": 0.5},
    "sampling unknown": {"sampling": "dice"},
    "two samplings": {"poisson_sampling": True, "sampling": "shuffle"},
    "yes as a number": {"poisson_sampling": 1},
    "clipping unknown": {"clipping": "hair"},
    "microbatches that do not divide": {"num_microbatches": 7},
    "microbatches above the batch": {"num_microbatches": 200},
    "two noises": {"privacy": {"noise_multiplier": 2.0}},
    "library unknown": {"library": "magic"},
    "accountant as a table": {"accountant": ["rdp"]},
    "more records a patient than there are": {"records_per_patient": 20_000},
    "too many trials": {"n_trials": 10**10},
}


def _one_sentence(error: DpcoreError) -> str:
    text = str(error)
    assert text.endswith(".")
    assert "\n" not in text
    assert text.isprintable()
    assert len(text) < 330
    return text


@pytest.mark.parametrize("case", UNREADABLE)
def test_a_hostile_file_is_refused_in_a_sentence(case: str) -> None:
    name, content = UNREADABLE[case]
    started = time.process_time()
    with pytest.raises(InvalidValue) as caught:
        read_configuration(content, name=name)
    _one_sentence(caught.value)
    assert time.process_time() - started < 3


@pytest.mark.parametrize("case", BAD_FIELDS)
def test_a_field_that_breaks_its_rule_is_refused_in_a_sentence(case: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        check(recognise({**GOOD, **BAD_FIELDS[case]}))
    _one_sentence(caught.value)


def test_the_settings_they_start_from_are_good() -> None:
    assert check(recognise(GOOD)).outcome == "sound"


def test_a_file_without_any_known_field_is_refused() -> None:
    with pytest.raises(InvalidValue, match="no field known here"):
        recognise({"hello": {"world": [1, {"a": 2}]}})


@pytest.mark.parametrize(
    "content", [b"\xef\xbb\xbfepochs: 3", "epochs: 3\r\n", "epochs: 3 # few", "---\nepochs: 3\n..."]
)
def test_harmless_oddities_are_read(content: str | bytes) -> None:
    assert read_configuration(content) == {"epochs": 3}


def test_yaml_numbers_mean_what_their_author_meant() -> None:
    tree = read_configuration(
        "a: 1e-5\nb: 60_000\nc: no\nd: '3'\ne: 012\nf: 1:30\ng: 2020-01-02\nh: .5\ni: ~", name="a.yml"
    )
    assert tree == {
        **{"a": 1e-5, "b": 60_000, "c": False, "d": "3", "e": 12, "f": "1:30", "g": "2020-01-02", "h": 0.5, "i": None}
    }


@settings(max_examples=300)
@given(st.one_of(st.binary(max_size=200), st.text(max_size=200)), st.sampled_from(["", "a.json", "a.yaml", "a.toml"]))
def test_whatever_is_read_gives_a_table_or_a_sentence(content: str | bytes, name: str) -> None:
    try:
        assert isinstance(read_configuration(content, name=name), dict)
    except InvalidValue as error:
        _one_sentence(error)


@settings(max_examples=150)
@given(st.text(alphabet="abe:{}[]-&*!\"'#|>%=.,1 \n?<~", max_size=60), st.sampled_from(["a.json", "a.yaml", "a.toml"]))
def test_whatever_looks_like_a_format_gives_a_table_or_a_sentence(content: str, name: str) -> None:
    try:
        assert isinstance(read_configuration(content, name=name), dict)
    except InvalidValue as error:
        _one_sentence(error)


VALUES = st.one_of(
    st.sampled_from([0, 1, -1, 1.5, 1e-6, 1e-300, 1e300, 10**18, 0.1, 50, True, False, None, "", "poisson", "shuffle"]),
    st.sampled_from(
        ["fixed", "per_layer", "per_batch", "adaptive", "rdp", "gdp", "BatchNorm", "private", [1.0, 2.0], []]
    ),
)
NAMES = st.sampled_from(
    [
        *(
            "noise_multiplier",
            "noise_std",
            "noise_scaled",
            "max_grad_norm",
            "clipping",
            "delta",
            "target_epsilon",
            "epochs",
        ),
        *("epsilon", "batch_size", "num_train", "steps", "sample_rate", "sampling", "num_microbatches", "num_rounds"),
        *("num_sampled_clients", "num_total_clients", "sensitivity", "percentile", "noise_var", "n_trials", "shuffle"),
        *("records_per_patient", "releases", "accountant", "epsilon_per_round", "epsilon_per", "norm", "drop_last"),
        *("num_layers", "unclipped_num_std", "neighbors", "poisson_sampling", "LocalDpMod", "SVTPrivacy", "disable_dp"),
        *("gradient_accumulation_steps", "noise_divided_by_batch", "used_microbatching", "target_unclipped_quantile"),
    ]
)


@settings(max_examples=400)
@given(st.dictionaries(NAMES, VALUES, max_size=10), st.booleans())
def test_whatever_is_stated_gives_a_verdict_or_a_sentence(changes: dict[str, object], from_good: bool) -> None:
    tree = {**(GOOD if from_good else {}), **changes}
    try:
        verdict = check(recognise(tree))
    except DpcoreError as error:
        _one_sentence(error)
        return
    assert all(s.epsilon_rdp >= 0 and s.epsilon_tight >= 0 for s in verdict.statements)
    if verdict.outcome == "sound":
        assert verdict.epsilon is not None
        assert verdict.epsilon < float("inf")

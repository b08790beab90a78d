"""Where a field stands."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dpcore.checker import read_configuration
from dpcore.checker.examples import EXAMPLES
from dpcore.checker.fields import entries
from dpcore.checker.lines import find_lines


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.file)
def test_every_field_of_an_example_is_found_on_the_line_that_states_it(example) -> None:
    content = example.read()
    tree = read_configuration(content, name=example.file)
    paths = [entry.path for entry in entries(tree)]
    lines = find_lines(content, tree, paths, name=example.file)
    assert list(lines) == paths
    for path, line in lines.items():
        assert path.rpartition(".")[2] in line.text
        assert content.split("\n")[line.number - 1] == line.text


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.yaml", "# delta: 1\na:\n  delta: 1\nb:\n  delta: 2\n", {"a.delta": 3, "b.delta": 5}),
        ("a.json", '{"a": "delta",\n"b": {"delta": 1}}', {"b.delta": 2}),
        ("a.toml", "[a]\ndelta = 1\n[b]\nname = 'delta'\ndelta = 1\n", {"a.delta": 2, "b.delta": 5}),
        ("a.toml", "a.delta = 1\nb.delta = 1\n", {"a.delta": 1, "b.delta": 2}),
        ("a.json", '{"\\u0064elta": 1,\n"note": "delta"}', {}),
        ("a.json", '{"l": [{"delta": 1},\n{"delta": 1}]}', {"l[0].delta": 1, "l[1].delta": 2}),
        ("a.yaml", "a.b: 1\r\nb: 2\r\n", {"a.b": 1, "b": 2}),
    ],
)
def test_the_same_name_elsewhere_is_not_taken_for_it(name: str, content: str, expected: dict[str, int]) -> None:
    tree = read_configuration(content, name=name)
    wanted = [entry.path for entry in entries(tree) if entry.key in ("delta", "a_b", "b")]
    lines = find_lines(content, tree, wanted, name=name)
    assert {path: line.number for path, line in lines.items()} == expected


def test_unknown_paths_have_no_line_and_a_large_file_is_not_read_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    tree = {f"k{i}": {"delta": "delta " * 5} for i in range(400)}
    content = json.dumps(tree)
    read = []

    def counted(text: str, **options: Any) -> Any:
        read.append(len(text))
        return read_configuration(text, **options)

    monkeypatch.setattr("dpcore.checker.lines.read_configuration", counted)
    lines = find_lines(content, tree, ["nowhere", *(f"k{i}.delta" for i in range(400))], name="a.json")
    assert len(read) == 1
    assert "nowhere" not in lines

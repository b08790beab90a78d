from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dpcore import datasets
from dpcore.errors import DataUnavailable, InvalidValue


def test_names_are_in_the_order_visitors_see() -> None:
    expected = "ham10000 msd_liver pneumonia_mnist breast_cancer skin_phantom liver_phantom"
    assert " ".join(datasets.names()) == expected


def test_specs_and_status_load_no_heavy_library() -> None:
    code = (
        "import sys, dpcore.datasets as d\n"
        "[(d.spec(name), d.status(name)) for name in d.names()]\n"
        "heavy = {'torch', 'opacus', 'sklearn', 'skimage', 'pandas', 'scipy', 'PIL', 'nibabel', 'streamlit'}\n"
        "heavy.add('plotly')\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


@pytest.mark.parametrize("call", [datasets.spec, datasets.load, datasets.load_attack_records])
def test_unknown_name_is_refused(call) -> None:
    with pytest.raises(InvalidValue, match=r"dataset must be one of .*liver_phantom, but is 'nope'\."):
        call("nope")


def test_status_of_an_unknown_name_does_not_raise() -> None:
    assert datasets.status("nope") == datasets.DataStatus(
        available=False,
        message=f"dataset must be one of {', '.join(datasets.names())}, but is 'nope'.",
    )


@pytest.mark.parametrize("name", datasets.names())
def test_specs_say_what_visitors_must_know(name: str) -> None:
    spec = datasets.spec(name)
    assert spec.name == name
    assert spec.task.endswith("?")
    classes = spec.structures or (spec.positive_label, spec.negative_label)
    for text in (spec.title, *classes, spec.source, spec.licence):
        assert text.strip() == text != ""
    assert spec.group_noun in ("patient", "lesion", "image", "volume")
    if spec.synthetic:
        assert "synthetic" in spec.title.lower()
        assert spec.source.startswith("Synthetic")
    else:
        assert spec.url.startswith("https://doi.org/")
    assert spec.images_may_ship == spec.synthetic


@pytest.mark.parametrize("path", ["nul\0byte", "~nobody_by_that_name", "x" * 5000, "/dev/null", "/", "..", " "])
def test_status_never_raises(path: str) -> None:
    status = datasets.status("ham10000", data_path=path)
    assert not status.available
    assert status.message.endswith(".")


def test_the_environment_names_the_data(monkeypatch: pytest.MonkeyPatch, write_npz) -> None:
    path: Path = write_npz()
    monkeypatch.delenv("DPCORE_DATA", raising=False)
    with pytest.raises(DataUnavailable, match="DPCORE_DATA must name a HAM10000 file or folder, but is not set"):
        datasets.load("ham10000")
    monkeypatch.setenv("DPCORE_DATA", str(path.parent))
    from_folder = datasets.load("ham10000")
    monkeypatch.setenv("DPCORE_DATA", "elsewhere")
    from_argument = datasets.load("ham10000", data_path=path)
    np.testing.assert_array_equal(from_folder.features, from_argument.features)


@pytest.mark.parametrize(
    ("replaced", "complaint"),
    [
        ({"features": np.zeros((569, 29), np.float32)}, "features must be of shape"),
        ({"features": np.full((569, 30), np.nan, np.float32)}, "features must be finite"),
        ({"labels": np.full(569, 2)}, "labels must be whole numbers from 0 to 1"),
        ({"groups": np.zeros(3, np.int64)}, "groups must be of shape"),
        ({"subgroups": {"sex": np.array(["f"])}}, "sex must be of shape"),
    ],
)
def test_arrays_that_do_not_belong_together_are_refused(replaced: dict, complaint: str) -> None:
    from dataclasses import replace

    with pytest.raises(InvalidValue, match=complaint):
        replace(datasets.load("breast_cancer"), **replaced)

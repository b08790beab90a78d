"""Worked examples: short configurations, one a mistake, each with the outcome that `check` gives it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dpcore.checker.verdict import Outcome

_FOLDER = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class Example:
    """A configuration to look at; `outcome` and `finding` are what it shows, and tests compare them with `check`."""

    file: str
    title: str
    outcome: Outcome
    #: The name of the finding it is an example of; empty where nothing is wrong.
    finding: str = ""

    def read(self) -> str:
        """Returns the file's text."""
        return (_FOLDER / self.file).read_text(encoding="utf-8")


EXAMPLES = (
    Example(file="opacus_sound.json", title="Opacus, sound", outcome="sound"),
    Example(file="opacus_shuffled.yaml", title="Opacus, shuffled batches", outcome="weak", finding="shuffled"),
    Example(file="clipped_per_batch.toml", title="Clipping per batch", outcome="void", finding="clipped_per_batch"),
    Example(file="flower_per_round.yaml", title="Flower, ε per round", outcome="void", finding="epsilon_per_part"),
    Example(file="tf_microbatches.yaml", title="TF-Privacy, microbatches", outcome="void", finding="microbatches"),
    Example(file="nvflare_percentile.json", title="NVFlare, percentile", outcome="void", finding="no_noise"),
)

"""What the page of reconstruction shows beyond the control bar: in the session and in the URL."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from dpcore.results.schema import ETA
from ui.page_link import PageLink, Sent, read_choice

LOOKS = ("one", "five", "all")
BATCH_SIZES = (1, 8, 16)
SIDES = (28, 64, 128, 224)
DENOISERS = ("none", "non-local means", "wavelet")
#: Limits of the threshold η, in hundredths.
ETA_LIMITS = (1, 100)


@dataclass(frozen=True, kw_only=True)
class ReconView:
    """One view of this page; the defaults are the paper's setting, whose pictures are stored."""

    looks: str = "one"
    together: int = 1
    side: int = 128
    denoise: str = "none"
    #: Hundredths of 1 − SSIM below which a picture counts as rebuilt.
    eta: int = round(100 * ETA)

    @property
    def is_stored(self) -> bool:
        """Whether the pictures of this view are among the precomputed ones."""
        stored = ReconView(looks=self.looks, eta=self.eta)
        return self == stored and self.looks != "five"

    def count_looks(self, every: int) -> int:
        """Returns the number of looks, where a training gives `every` of them."""
        return {"one": 1, "five": 5, "all": every}[self.looks]


#: What each parameter may be, as written in the URL, and what it means.
_CHOICES: dict[str, dict[str, str | int]] = {
    "looks": {word: word for word in LOOKS},
    "together": {str(size): size for size in BATCH_SIZES},
    "side": {str(side): side for side in SIDES},
    "denoise": {word.replace(" ", "-"): word for word in DENOISERS},
    "eta": {f"{hundredths / 100:.2f}": hundredths for hundredths in range(ETA_LIMITS[0], ETA_LIMITS[1] + 1)},
}


LINK = PageLink(page="recon", parameters=tuple(_CHOICES), default=ReconView())


def link_parameters(view: ReconView) -> dict[str, str]:
    """Returns the query parameters that lead back to the view; defaults are left out."""
    wanted = {}
    for name, choices in _CHOICES.items():
        value = getattr(view, name)
        if value != getattr(ReconView(), name):
            wanted[name] = next(word for word, meaning in choices.items() if meaning == value)
    return wanted


def read_link(sent: Sent, view: ReconView) -> tuple[ReconView, list[str]]:
    """Returns the view a link asks for, and a sentence for each part that cannot be used."""
    problems: list[str] = []
    for name, choices in _CHOICES.items():
        rule = "0.01 to 1.00 with two decimals" if name == "eta" else ""
        value = read_choice(sent, name, choices, problems, rule=rule)
        if value is not None:
            view = _with(view, name, value)
    return view, problems


def _with(view: ReconView, name: str, value: Any) -> ReconView:
    return replace(view, **{name: value})


def take(name: str, value: object) -> None:
    """Takes one field over from its widget, if it is one of its choices; for callbacks."""
    view = LINK.shown()
    LINK.change(_with(view, name, value) if value in _CHOICES[name].values() else view)


def reset() -> None:
    """Goes back to the paper's setting of the pictures; the threshold stays. For callbacks."""
    LINK.change(ReconView(eta=LINK.shown().eta))

"""The words for the scores that stand for utility. One home: pages, tables and commands all speak of them alike."""

from __future__ import annotations

from dataclasses import dataclass

from dpcore.errors import ResultsUnavailable

_RUNS = (
    "Mean and standard deviation over runs that differ only in chance. A t-test asks whether it differs from no DP; "
    "TOST asks whether it is equivalent. Finding no difference is not the same as being equivalent."
)


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A score that stands for utility, and how to speak of it. All texts are shown to visitors; 1 is perfect."""

    #: As in the column `metric` of the tables.
    name: str
    #: On axes and in tables: "MCC".
    short: str
    #: In one line, what the score counts.
    meaning: str
    #: What the score is about, as a heading.
    title: str
    #: What the score and its spread say, for the help beside the title.
    explain: str
    #: Completes "the model keeps 80 % of its …".
    skill: str
    #: Completes "the model … as well as without privacy".
    does: str
    #: Completes "no difference was found from the … without privacy".
    results: str
    #: Below this mean a model is called useless, with the words of `useless`.
    useless_below: float
    #: Completes "the model …".
    useless: str
    #: The same on a card, where no sentence begins it.
    useless_note: str
    #: The score of the second column of a table: its column and its short name.
    second: tuple[str, str]


METRICS = {
    metric.name: metric
    for metric in (
        Metric(
            name="mcc",
            short="MCC",
            meaning="Matthews correlation of diagnosis and truth, 1 = perfect",
            title="Diagnostic quality",
            explain=f"Matthews correlation on patients the model has not seen: 1 is perfect, 0 is guessing. {_RUNS}",
            skill="diagnostic skill",
            does="diagnoses",
            results="diagnoses",
            useless_below=0.05,
            useless="diagnoses **no better than guessing**",
            useless_note="no better than guessing",
            second=("auc_mean", "AUC"),
        ),
        Metric(
            name="dice_liver",
            short="Dice",
            meaning="overlap of the outlined liver with the expert's, 1 = perfect",
            title="Outline of the liver",
            explain=(
                "Dice coefficient on patients the model has not seen: overlap of the outlined liver with the expert's, "
                "1 = perfect, 0 = they do not touch. A careless outline of nearly everything scores above 0 too. "
                f"{_RUNS}"
            ),
            skill="skill at outlining the liver",
            does="outlines the liver",
            results="outlines",
            useless_below=0.05,
            useless="**hardly finds the liver**",
            useless_note="hardly finds the liver",
            second=("dice_tumour_mean", "Dice, tumour"),
        ),
    )
}


def get_metric_from_name(name: str) -> Metric:
    """Returns the words for a value of the column `metric`; raises ResultsUnavailable for one without words."""
    if name not in METRICS:
        raise ResultsUnavailable(f"The precomputed results hold a metric that this version does not know: “{name}”.")
    return METRICS[name]


def get_model_words_from_name(model: str) -> str:
    """Returns an architecture as people write it: “small CNN”, “ResNet-9”, “U-Net”; others with spaces."""
    known = {"small_cnn": "small CNN", "mlp": "MLP", "unet": "U-Net", "small_unet": "small U-Net"}
    known |= {"resnet9": "ResNet-9", "resnet9_group_norm": "ResNet-9 with GroupNorm"}
    return known.get(model, model.replace("_", " "))

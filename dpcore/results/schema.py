"""The tables of `precomputed/` and their columns. One home for their meaning.

`target_epsilon` is the nominal budget asked of the RDP accountant; it is NaN (null in JSON) without DP, and then
`noise_multiplier` is 0 and every ε is infinite. A dataset may have rows of several models, each compared with its own
training without DP; they stand in the plan's order, so a dataset's main model comes first.
"""

from __future__ import annotations

SCHEMA_VERSION = 4

#: Privacy budgets of the default sweep; NO_DP stands behind them on every axis.
EPSILONS = (0.1, 0.5, 1.0, 2.0, 4.0, 8.0, 20.0, 32.0, 100.0, 1e3, 1e4, 1e6, 1e9, 1e12, 1e15)

#: A reconstruction whose error is below this share counts as successful (Ziller et al. use 10 %).
ETA = 0.1

#: Scores of a model on the test records, and what they mean. Which of them a task has, DatasetSpec.metrics says.
SCORES = {
    "mcc": "Matthews correlation coefficient on the test records; NaN where not measured, like all scores",
    "balanced_accuracy": "mean of sensitivity and specificity on the test records",
    "auc": "area under the ROC curve on the test records",
    "dice_liver": "Dice coefficient of the liver on the test records",
    "dice_tumour": "Dice coefficient of the tumour on the test records",
}

#: One row a training run.
RUNS = {
    "dataset": "registry name",
    "model": "architecture",
    "target_epsilon": "nominal budget (RDP), NaN without DP",
    "seed": "0, 1, …",
    "delta": "of (ε, δ)-DP",
    "noise_multiplier": "noise standard deviation / clipping norm; 0 without DP",
    "max_grad_norm": "clipping norm, L2; NaN without DP",
    "sample_rate": "Poisson inclusion probability of a record in a step",
    "steps": "noisy gradient releases",
    "epochs": "passes over the training records in expectation",
    "expected_batch_size": "sample_rate × num_train",
    "num_train": "training records",
    "learning_rate": "of NAdam",
    "epsilon_rdp": "spent, counted as in the paper (RDP, Opacus' orders)",
    "epsilon_tight": "spent, counted tightly",
    "metric": "name of the score that stands for utility: 'mcc' or 'dice_liver'",
    "utility": "value of that score",
    **SCORES,
    "device": "what trained it: 'cpu', one core, or the name of a GPU, which several trainings may have shared",
    "torch": "its version when it trained",
    "seconds": "wall-clock seconds of the training on that device",
    "watt_hours": "estimated: seconds × watts assumed for one core (see manifest); NaN for a GPU",
}

#: One row a dataset, model and budget: the runs summarised over seeds, with the proven risks of their mechanism.
POINTS = {
    **{k: RUNS[k] for k in ("dataset", "model", "target_epsilon", "delta", "noise_multiplier", "sample_rate", "steps")},
    **{k: RUNS[k] for k in ("epochs", "num_train", "epsilon_rdp", "epsilon_tight")},
    "seeds": "number of runs",
    "metric": RUNS["metric"],
    "utility_mean": "mean of utility over seeds",
    "utility_sd": "sample standard deviation (ddof = 1) of utility over seeds",
    "balanced_accuracy_mean": "mean over seeds; NaN where not measured, like all scores",
    "balanced_accuracy_sd": "sample standard deviation over seeds",
    "auc_mean": "mean over seeds",
    "auc_sd": "sample standard deviation over seeds",
    "dice_tumour_mean": "mean over seeds",
    "dice_tumour_sd": "sample standard deviation over seeds",
    "share_of_no_dp": "utility_mean / utility_mean without DP",
    "p_ttest": "two-sided Student's t-test of utility against no DP (NaN on the no-DP row)",
    "p_tost": "two one-sided tests of equivalence with no DP within ± tost_margin (NaN on the no-DP row)",
    "tost_margin": "equivalence margin, in units of the metric",
    "device": "what trained the runs, see runs; several names are joined by ' and '",
    "seconds_mean": "mean wall-clock seconds of a run; NaN if different devices trained",
    "watt_hours_mean": "mean estimated energy of a run; NaN if any was trained on a GPU",
    "kappa": "chance of a match without the release, 1 / num_train",
    "worst_case": "proven bound on the attacker who holds the image, probability",
    "relaxed": "proven bound on the attacker who does not hold the image, probability",
    "advantage": "proven bound on membership advantage, max(TPR − FPR)",
}

#: The proven bounds on a fine grid of budgets, for the curves.
BOUNDS = {
    k: POINTS[k]
    for k in ("dataset", "model", "epsilon_rdp", "epsilon_tight", "noise_multiplier", "worst_case", "relaxed")
}

#: One row an attacked record: the real attack, measured.
ATTACKS = {
    "dataset": "registry name whose mechanism (σ) was attacked",
    "model": "architecture whose training has that mechanism",
    "records": "what was attacked: 'ham10000_sample_128', 'skin_phantom_128', 'breast_cancer', …",
    "target_epsilon": RUNS["target_epsilon"],
    "noise_multiplier": RUNS["noise_multiplier"],
    "looks": "number of noisy gradients of the same record that were averaged",
    "record": "index of the attacked record",
    "error": "1 − SSIM of the reconstruction (images) or relative L2 error (tabular); lower = better attack",
    "psnr": "peak signal-to-noise ratio in dB (images; NaN for tabular)",
    "correlation": "normalised correlation of original and reconstruction",
    "matched": "whether the attacker picked the right record among `candidates`",
    "candidates": "number of candidates M the attacker chose from",
}

#: One row a strip of five pictures.
GALLERY = {
    "dataset": "registry name shown next to",
    "source": "what the pictures are, for the caption",
    "stand_in": "whether the pictures stand in for a dataset whose images may not be shown",
    "target_epsilon": RUNS["target_epsilon"],
    "looks": "0 for the originals, else the number of gradients averaged",
    "choice": "which pictures: 'best' (the five that one look rebuilds best) or 'middle' (the five around the median)",
    "file": "path below precomputed/, WebP, five square pictures side by side",
    "errors": "list of five: 1 − SSIM against the original (0 for originals)",
}

#: One row a setting of a reconstruction attack, summarised over the attacked records. `attacks` has the paper's own
#: setting record by record; this table has what an attacker, or a defender, may change.
RECONSTRUCTIONS = {
    "dataset": ATTACKS["dataset"],
    "records": "dataset, and whether its attack or its training records; for an honest server also the network",
    "attack": "'imprint' (malicious server), 'dlg' or 'inverting gradients' (honest server)",
    "target_epsilon": RUNS["target_epsilon"],
    "noise_multiplier": RUNS["noise_multiplier"],
    "side": "height and width of the attacked pictures, pixels",
    "batch_size": "records whose clipped gradients were added up before the noise",
    "num_bins": "bins of the imprint layer; 0 for other attacks",
    "looks": ATTACKS["looks"],
    "denoiser": "'none', 'non-local means' or 'wavelet': applied to each reconstruction before it is scored",
    "attacked": "number of records attacked",
    "errors": "list of 1 − SSIM, one a record, rising",
    "psnr": "median peak signal-to-noise ratio over records, dB",
    "correlation": "median correlation of original and reconstruction over records",
    "matched": "number of attacked records among the `batch_size` candidates that the attacker named",
    "candidates": "number of candidates M the attacker chose from; 0 where matching was not tried",
    "seconds": "wall-clock seconds a record",
}

#: One row a membership attack, budget and group of records: scores of all shadow models pooled, higher = member.
MEMBERSHIP = {
    "dataset": "registry name",
    "model": RUNS["model"],
    "target_epsilon": RUNS["target_epsilon"],
    "noise_multiplier": RUNS["noise_multiplier"],
    "sample_rate": RUNS["sample_rate"],
    "steps": RUNS["steps"],
    "attack": "'loss threshold' or 'LiRA'",
    "partition": "'all', 'class', or the name of a subgroup partition of the dataset",
    "group": "'all', or the class or subgroup within the partition",
    "shadows": "models trained, each on a random half of the training records",
    "members": "number of scores of records that the scored model was trained on",
    "non_members": "number of scores of records that it was not trained on",
    "auc": "area under the ROC curve of the scores, 0.5 = guessing",
    "auc_low": "lower end of the 95 % interval of auc, models resampled",
    "auc_high": "upper end of that interval",
    "true_at_0001": "members above the threshold that 0.1 % of the non-members reach",
    "false_at_0001": "non-members above that threshold",
    "true_at_001": "members above the threshold that 1 % of the non-members reach",
    "false_at_001": "non-members above that threshold",
    "roc_fpr": "list: false-positive rates, rising, thinned to at most 200 points",
    "roc_tpr": "list: true-positive rate at each",
}

#: One row an audited training: a lower bound on ε that the outcome itself proves, with 95 % confidence.
AUDITS = {
    "dataset": "registry name",
    "model": RUNS["model"],
    "target_epsilon": RUNS["target_epsilon"],
    "noise_multiplier": RUNS["noise_multiplier"],
    "delta": RUNS["delta"],
    "epsilon_rdp": RUNS["epsilon_rdp"],
    "epsilon_tight": RUNS["epsilon_tight"],
    "canary": "'mislabelled record' (seen through its loss) or 'gradient' (seen through the noisy gradients)",
    "canaries": "planted, each included with probability 1/2",
    "guesses": "canaries that the auditor dared to call, in or out",
    "correct": "calls that were right",
    "floor": "largest ε that the outcome refutes at 95 % confidence (Steinke et al. 2023, Theorem 5.2); 0 if none",
    "cap": "largest floor that this number of canaries could ever give",
    "seconds": RUNS["seconds"],
}

#: One row a tried setting: clipping norm and epochs, tuned once at ε = 8 on the validation records.
TUNING = {
    "dataset": "registry name",
    "model": RUNS["model"],
    "target_epsilon": "budget of the tuning",
    "max_grad_norm": "clipping norm tried",
    "epochs": "passes over the training records tried",
    "seeds": "number of runs",
    "utility_mean": "mean utility on the validation records",
    "utility_sd": "sample standard deviation of that utility",
}

TABLES = {
    "runs": RUNS,
    "points": POINTS,
    "bounds": BOUNDS,
    "attacks": ATTACKS,
    "gallery": GALLERY,
    "reconstructions": RECONSTRUCTIONS,
    "membership": MEMBERSHIP,
    "audits": AUDITS,
    "tuning": TUNING,
}

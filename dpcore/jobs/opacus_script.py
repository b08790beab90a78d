"""A script that repeats a training of the live lab with Opacus, for whoever wants to check or adapt it."""

from __future__ import annotations

from dpcore import datasets
from dpcore.jobs.tasks import RunSettings
from dpcore.privacy import DpSgdMechanism

#: Views in memory at once: Opacus keeps every one's gradient of every weight.
_CHUNK = 128

_OWN_OPTIMIZER = '''

class RecordOptimizer(DPOptimizer):
    """{purpose}

    Weights are at most 1, so that one record still moves the sum by at most the clipping norm.
    """

    record_weights = torch.ones(0)  # (n,), set before each step

    def clip_and_accumulate(self):
        gradients = [self._get_flat_grad_sample(p){average} for p in self.params]  # (n, …)
        norms = torch.stack([g.flatten(1).norm(dim=1) for g in gradients]).norm(dim=0)  # (n,)
        factors = (self.max_grad_norm / norms.clamp_min(1e-12)).clamp_max(1.0) * self.record_weights
        for p, gradient in zip(self.params, gradients):
            total = torch.einsum("i,i...", factors, gradient)
            p.summed_grad = total if p.summed_grad is None else p.summed_grad + total
            _mark_as_processed(p.grad_sample)

'''

_SETUP = """
dataset = datasets.load("{dataset}")
spec, train = dataset.spec, dataset.split.train
assert len(train) == NUM_TRAIN, "the settings above are for another number of training records"
records, labels = torch.from_numpy(dataset.features[train]), torch.from_numpy(dataset.labels[train])
network = build_model("{model}", spec.record_shape, seed=SEED, num_classes=spec.num_classes)
objective = make_objective(
    num_classes=spec.num_classes, is_segmentation=spec.is_segmentation, positive_weight=POSITIVE_WEIGHT
)
torch.manual_seed(SEED)
"""

_OPACUS = """\
model = GradSampleModule(network)
optimizer = {optimizer}(
    torch.optim.NAdam(model.parameters(), lr=LEARNING_RATE),
    noise_multiplier=NOISE_MULTIPLIER,
    max_grad_norm=MAX_GRAD_NORM,
    expected_batch_size=EXPECTED_BATCH_SIZE,
)
accountant = RDPAccountant()
optimizer.attach_step_hook(accountant.get_optimizer_hook_fn(sample_rate=SAMPLE_RATE))
"""

_PLAIN = "optimizer = torch.optim.NAdam(network.parameters(), lr=LEARNING_RATE)\n"

_SCORES = """
for name, score in get_scores_from_model(network, dataset, dataset.split.test).items():
    print(f"{name} {score:.6f}")
"""


def opacus_script(settings: RunSettings, num_train: int) -> str:
    """Returns a Python script that does the training of these settings: with Opacus, or without DP in plain PyTorch.

    It starts from the same weights and uses the same sample rate, steps, noise and losses, but draws batches and noise
    of its own, so that its utility differs as that of another seed would. Data and models come from this project.

    Args:
        settings: of the run.
        num_train: training records of the dataset; sets sample rate, steps and noise.

    Raises:
        InvalidValue: if the batch exceeds the records.
        CalibrationError: if no noise meets the budget.
    """
    mechanism = settings.mechanism(num_train)
    setup = _SETUP.format(dataset=settings.dataset, model=settings.training.model)
    if not isinstance(mechanism, DpSgdMechanism):
        constants = _lines(_constants(settings, num_train))
        return _head(settings, "without DP, in plain PyTorch", []) + constants + setup + _PLAIN + _plain_loop(settings)
    own = _needs_own_optimizer(settings)
    return (
        _head(settings, _budget(settings, mechanism), _opacus_imports(own))
        + _lines(_constants(settings, num_train) + _private_constants(settings, mechanism))
        + (_own_optimizer(settings) if own else "")
        + setup
        + _OPACUS.format(optimizer="RecordOptimizer" if own else "DPOptimizer")
        + _private_loop(settings)
    )


def _needs_own_optimizer(settings: RunSettings) -> bool:
    """Outlines are weighted by pixel, inside the loss; weights of records, and their views, Opacus does not know."""
    weighted = settings.training.positive_weight != 1 and not datasets.spec(settings.dataset).is_segmentation
    return weighted or settings.training.multiplicity > 1


def _head(settings: RunSettings, how: str, imports: list[str]) -> str:
    return _lines(
        [
            f'"""{settings.training.model} on {settings.dataset}, trained {how}.',
            "",
            "Run it where `dpcore` can be imported. Copies of real data are found through the variable DPCORE_DATA.",
            '"""',
            "",
            "import torch",
            *imports,
            "",
            "from dpcore import datasets",
            "from dpcore.models import build_model",
            "from dpcore.training import get_scores_from_model, make_objective",
            *(["from dpcore.training.augmentation import make_views"] if settings.training.flips else []),
            "",
        ]
    )


def _budget(settings: RunSettings, mechanism: DpSgdMechanism) -> str:
    budget = "" if settings.epsilon is None else f"at ε = {settings.epsilon:g} (δ = {settings.delta:g}), "
    return f"{budget}σ = {mechanism.noise_multiplier:.6g}, with Opacus"


def _opacus_imports(own: bool) -> list[str]:
    return [
        "from opacus import GradSampleModule",
        "from opacus.accountants import RDPAccountant",
        "from opacus.optimizers import DPOptimizer",
        *(["from opacus.optimizers.optimizer import _mark_as_processed"] if own else []),
    ]


def _constants(settings: RunSettings, num_train: int) -> list[str]:
    training = settings.training
    return [
        f"SEED = {training.seed}",
        f"NUM_TRAIN = {num_train}  # training records",
        f"EXPECTED_BATCH_SIZE = {training.expected_batch_size}",
        "SAMPLE_RATE = EXPECTED_BATCH_SIZE / NUM_TRAIN",
        f"STEPS = {training.steps(num_train)}  # epochs / SAMPLE_RATE, rounded; epochs = {training.epochs}",
        f"LEARNING_RATE = {training.learning_rate!r}",
        f"POSITIVE_WEIGHT = {training.positive_weight!r}",
        *([f"VIEWS = {training.multiplicity}  # of each record, mirrored at random"] if training.flips else []),
        f"CHUNK = {max(1, _CHUNK // training.multiplicity)}  # records in memory at once: no effect on the result",
    ]


def _private_constants(settings: RunSettings, mechanism: DpSgdMechanism) -> list[str]:
    return [
        f"NOISE_MULTIPLIER = {mechanism.noise_multiplier!r}  # noise standard deviation / clipping norm",
        f"MAX_GRAD_NORM = {settings.training.max_grad_norm!r}",
        f"DELTA = {settings.delta!r}",
    ]


def _own_optimizer(settings: RunSettings) -> str:
    if settings.training.multiplicity > 1:
        purpose = "Averages a record's views before clipping, and weighs records afterwards."
        return _OWN_OPTIMIZER.format(purpose=purpose, average=".unflatten(0, (-1, VIEWS)).mean(dim=1)")
    purpose = "Weighs records after clipping, which would undo weights in the loss."
    return _OWN_OPTIMIZER.format(purpose=purpose, average="")


def _views(settings: RunSettings) -> list[str]:
    if not settings.training.flips:
        return []
    return ["        x, y = make_views(x, y, multiplicity=VIEWS, flips=True, generator=torch.default_generator)"]


def _private_loop(settings: RunSettings) -> str:
    of_records = "y[::VIEWS]" if settings.training.multiplicity > 1 else "y"
    weights = [f"        optimizer.record_weights = objective.record_weights({of_records})"]
    loop = [
        "for _ in range(STEPS):",
        "    chosen = torch.rand(NUM_TRAIN) < SAMPLE_RATE  # Poisson sampling: the batch may be empty",
        "    chunks = list(zip(records[chosen].split(CHUNK), labels[chosen].split(CHUNK)))",
        "    for number, (x, y) in enumerate(chunks, start=1):",
        *_views(settings),
        "        objective.losses(model(x), y).mean().backward()",
        *(weights if _needs_own_optimizer(settings) else []),
        "        optimizer.signal_skip_step(number < len(chunks))  # noise is added once, after the last chunk",
        "        optimizer.step()",
        "        optimizer.zero_grad()",
    ]
    note = "" if settings.accountant == "rdp" else "  # as Opacus counts by default; the live lab counted tightly"
    epsilon = f'print(f"epsilon {{accountant.get_epsilon(delta=DELTA):.8g}}"){note}'
    return "\n" + _lines(loop) + _SCORES + _lines([epsilon])


def _plain_loop(settings: RunSettings) -> str:
    views = "VIEWS * " if settings.training.multiplicity > 1 else ""
    loop = [
        "for _ in range(STEPS):",
        "    chosen = torch.rand(NUM_TRAIN) < SAMPLE_RATE  # Poisson sampling: the batch may be empty",
        f"    size = {views}max(1, int(chosen.sum()))",
        "    optimizer.zero_grad()",
        "    for x, y in zip(records[chosen].split(CHUNK), labels[chosen].split(CHUNK)):",
        *_views(settings),
        "        losses = objective.losses(network(x), y) * objective.record_weights(y)",
        "        (losses.sum() / size).backward()",
        "    optimizer.step()",
    ]
    return "\n" + _lines(loop) + _SCORES


def _lines(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"

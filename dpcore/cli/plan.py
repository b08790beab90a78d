"""`python -m dpcore plan`: what a planned training will risk, cost and be worth; or what a ledger adds up to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from dpcore.cli._options import JsonOption, OutOption
from dpcore.cli.errors import one_sentence_errors
from dpcore.errors import InvalidValue
from dpcore.results.store import DEFAULT_FOLDER, PrecomputedStore

if TYPE_CHECKING:
    from dpcore.planner.answer import PlanAnswer
    from dpcore.planner.files import PlanFile
    from dpcore.planner.label import Label
    from dpcore.planner.solve import Feasible, Infeasible
    from dpcore.planner.totals import LedgerAnswer

#: Exit code where the answers are not those of the file's label.
DIFFERENT = 1
#: Narrower, the names of the quantities would be cut.
_TABLE_WIDTH = 120

OutputOption = Annotated[Path | None, typer.Option(help="Write there; an existing file is replaced.")]


@one_sentence_errors
def plan(
    *,
    file: Annotated[Path, typer.Argument(help="TOML or JSON with one to four plans, or a ledger.")],
    as_json: JsonOption = False,
    csv: OutputOption = None,
    html: OutputOption = None,
    pdf: OutputOption = None,
    save: OutputOption = None,
    out: OutOption = DEFAULT_FOLDER,
) -> None:
    """Answer plans from a file: risks, utility, effort, what its limits allow; or add up a ledger of releases."""
    from dpcore.planner.documents import read_document
    from dpcore.planner.files import is_ledger, plans_from_document

    outputs = {"csv": csv, "html": html, "pdf": pdf, "save": save}
    wanted = {name: path for name, path in outputs.items() if path is not None}
    _check_outputs(file, wanted)
    document = read_document(file)
    if is_ledger(document):
        _ledger(document, wanted, as_json=as_json)
    else:
        _plans(plans_from_document(document), wanted, PrecomputedStore(folder=out), as_json=as_json)


def _check_outputs(file: Path, wanted: dict[str, Path]) -> None:
    paths = [path.absolute() for path in (file, *wanted.values())]
    for name, path in wanted.items():
        if paths.count(path.absolute()) > 1:
            raise InvalidValue(f"--{name} must be a file of its own, but {path.name!r} is named twice.")


def _plans(file: PlanFile, wanted: dict[str, Path], store: PrecomputedStore, *, as_json: bool) -> None:
    from dpcore.planner.label import answer_file, make_label

    answers, outcomes = answer_file(file, store)
    label = make_label(file, answers, outcomes)
    _write(file, answers, label, wanted)
    if as_json:
        _print_json(file, answers, outcomes, label, store)
    else:
        _print(label, outcomes, store)
    if file.answers_hash not in (None, label.answers_hash):
        typer.echo(
            f"The plans are those of the label, but the answers are not: {label.answers_hash} instead of "
            f"{file.answers_hash}. The program or its results have changed since.",
            err=True,
        )
        raise typer.Exit(DIFFERENT)


def _write(file: PlanFile, answers: tuple[PlanAnswer, ...], label: Label, wanted: dict[str, Path]) -> None:
    from dpcore.planner.documents import to_json, write_file
    from dpcore.planner.files import plan_document
    from dpcore.planner.label import sealed
    from dpcore.planner.label_html import to_html
    from dpcore.planner.rows import to_csv

    if "pdf" in wanted:
        from dpcore.planner.label_pdf import to_pdf

        write_file(wanted["pdf"], to_pdf(label))
    makers = {
        "csv": lambda: to_csv(answers),
        "html": lambda: to_html(label),
        "save": lambda: to_json(plan_document(sealed(file, answers))),
    }
    for name, make in makers.items():
        if name in wanted:
            write_file(wanted[name], make().encode())


def _print_json(
    file: PlanFile,
    answers: tuple[PlanAnswer, ...],
    outcomes: tuple[Feasible | Infeasible, ...],
    label: Label,
    store: PrecomputedStore,
) -> None:
    from dpcore.planner.documents import to_json
    from dpcore.planner.files import plan_document
    from dpcore.planner.label import sealed
    from dpcore.planner.rows import to_plain

    document: dict[str, Any] = {
        **plan_document(sealed(file, answers)),
        "answers": to_plain(answers),
        "notes": list(label.notes),
    }
    if outcomes:
        document["limits_allow"] = [_sentences(outcome, store) for outcome in outcomes]
    typer.echo(to_json(document), nl=False)


def _print(label: Label, outcomes: tuple[Feasible | Infeasible, ...], store: PrecomputedStore) -> None:
    console = Console()
    console.width = max(console.width, _TABLE_WIDTH)
    table = Table(title=f"Plan {label.hash}, answers {label.answers_hash}")
    for heading in ("quantity", "known", *label.names):
        table.add_column(Text(heading), justify="left" if heading in ("quantity", "known") else "right")
    for row in label.rows:
        table.add_row(row.label, row.nature, *row.texts)
    console.print(table)
    for note in label.notes:
        typer.echo(f"Note: {note}")
    for name, outcome in zip(label.names, outcomes, strict=False):
        typer.echo(f"\nLimits, {name}:")
        for sentence in _sentences(outcome, store):
            typer.echo(f"  {sentence}")


def _sentences(outcome: Feasible | Infeasible, store: PrecomputedStore) -> list[str]:
    from dpcore.planner.remedies import get_remedies
    from dpcore.planner.solve import Infeasible
    from dpcore.planner.texts import describe_outcome, describe_remedies

    remedies = get_remedies(outcome, store) if isinstance(outcome, Infeasible) else ()
    return [*describe_outcome(outcome), *describe_remedies(remedies)]


def _ledger(document: dict[str, Any], wanted: dict[str, Path], *, as_json: bool) -> None:
    from dpcore.planner.documents import to_json, write_file
    from dpcore.planner.files import ledger_document, ledger_from_document
    from dpcore.planner.totals import answer_ledger

    unfit = [name for name in wanted if name != "save"]
    if unfit:
        raise InvalidValue(f"--{unfit[0]} must be asked of plans, but the file is a ledger.")
    found = answer_ledger(ledger_from_document(document))
    if "save" in wanted:
        write_file(wanted["save"], to_json(ledger_document(found.ledger)).encode())
    if as_json:
        typer.echo(to_json({**ledger_document(found.ledger), "totals": _totals(found)}), nl=False)
    else:
        _print_ledger(found)


def _totals(found: LedgerAnswer) -> dict[str, Any]:
    from dpcore.planner.totals import to_plain

    return to_plain(found)


def _print_ledger(found: LedgerAnswer) -> None:
    ledger = found.ledger
    table = Table(title=Text(f"{ledger.name}: ε at δ = {ledger.delta:g}"))
    for heading in ("what", "RDP", "tight"):
        table.add_column(heading, justify="left" if heading == "what" else "right")
    rows = [("spent so far, one record", found.spent), ("with all that is planned", found.with_planned)]
    if ledger.images_per_patient > 1:
        whose = f"a patient with {ledger.images_per_patient:,} records"
        rows += [
            (f"spent so far, {whose}", found.spent_of_patient),
            (f"with planned, {whose}", found.with_planned_of_patient),
        ]
    rows += [(f"planned “{a.release.label}” adds", a.adds) for a in found.planned]
    rows += [(f"{y.year} alone", y.alone) for y in found.years]
    for what, total in rows:
        table.add_row(Text(what), f"{total.epsilon_rdp:.6g}", f"{total.epsilon_tight:.6g}")
    Console().print(table)
    state = f"{found.left:.6g} left" if found.left >= 0 else f"overspent by {-found.left:.6g}"
    typer.echo(f"Budget ε = {ledger.budget_epsilon:g}, counted by {ledger.accountant}: {state}.")
    for addition in found.planned:
        if addition.left < 0:
            typer.echo(f"With “{addition.release.label}” the budget would be overspent by {-addition.left:.6g}.")
    typer.echo(found.refresh)

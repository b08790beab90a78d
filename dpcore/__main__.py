"""`python -m dpcore …`: the command line. Each command lives in `dpcore/cli/` and imports torch only when it runs."""

from __future__ import annotations

import typer

from dpcore.cli import attacks, check, claims, download, laboratory, privacy, remedies, results, run, sweep

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.command()(privacy.calibrate)
app.command()(privacy.risk)
app.command()(sweep.sweep)
app.command()(sweep.tune)
app.command()(sweep.verify)
app.command()(remedies.advise)
app.command()(remedies.profile)
app.command()(run.run)
app.command()(results.results)
app.command()(attacks.attacks)
app.command()(claims.claims)
app.command()(download.download)
app.command()(laboratory.laboratory)
app.command("check")(check.check_configuration)

if __name__ == "__main__":
    app(prog_name="python -m dpcore")

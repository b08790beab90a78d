"""Sweeps: from a plan file to the tables and pictures of `precomputed/`."""

from dpcore.cluster.pool import Workers
from dpcore.sweep.forecast import Forecast, forecast_sweep
from dpcore.sweep.main import SweepReport, run_sweep
from dpcore.sweep.plan import DatasetPlan, SweepPlan, read_plan
from dpcore.sweep.progress import OnProgress, SweepProgress
from dpcore.sweep.run import CellsFailed
from dpcore.sweep.tune import tune_dataset
from dpcore.sweep.verify import Check, verify_store

__all__ = [
    "CellsFailed",
    "Check",
    "DatasetPlan",
    "Forecast",
    "OnProgress",
    "SweepPlan",
    "SweepProgress",
    "SweepReport",
    "Workers",
    "forecast_sweep",
    "read_plan",
    "run_sweep",
    "tune_dataset",
    "verify_store",
]

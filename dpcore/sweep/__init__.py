"""Sweeps: from a plan file to the tables and pictures of `precomputed/`."""

from dpcore.sweep.main import SweepReport, run_sweep
from dpcore.sweep.plan import DatasetPlan, SweepPlan, read_plan
from dpcore.sweep.tune import tune_dataset
from dpcore.sweep.verify import Check, verify_store

__all__ = ["Check", "DatasetPlan", "SweepPlan", "SweepReport", "read_plan", "run_sweep", "tune_dataset", "verify_store"]

"""Dask workers, for sweeps and for the live lab: a cluster of this machine's cores, or one that already runs."""

from dpcore.cluster.pool import ClusterUnavailable, Workers
from dpcore.cluster.runner import run_items
from dpcore.cluster.tasks import Ended

__all__ = ["ClusterUnavailable", "Ended", "Workers", "run_items"]

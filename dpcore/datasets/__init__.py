"""What there is to learn from: real patients' and invented records behind one registry.

Importing this package and asking for names, specs or status is cheap: scikit-learn, PIL and nibabel load with the data.
"""

from dpcore.datasets.registry import load, load_attack_records, names, spec, status
from dpcore.datasets.spec import AttackRecords, Dataset, DatasetSpec, DataStatus, Split
from dpcore.datasets.splits import split_by_group

__all__ = [
    "AttackRecords",
    "DataStatus",
    "Dataset",
    "DatasetSpec",
    "Split",
    "load",
    "load_attack_records",
    "names",
    "spec",
    "split_by_group",
    "status",
]

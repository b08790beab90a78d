"""The science of A Pinch of Privacy: datasets, privacy, training, attacks, results and sweeps.

Imports neither streamlit nor plotly. Only `models`, `training`, `attacks.networks` and what workers do in `sweep` and
`jobs` import torch.
"""

__version__ = "0.1.0"

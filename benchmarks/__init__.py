"""Measurements side by side in one run, never in timed tests: `python -m benchmarks NAME [--json]`."""

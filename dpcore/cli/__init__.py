"""Commands of `python -m dpcore`; importing them imports no torch."""

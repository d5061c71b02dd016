"""Benchmarks of the training loop, the engine and the report; start with `python -m benchmarks --help`."""

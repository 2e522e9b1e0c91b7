"""Training engines to compare, each run in a process of its own: ``python -m benchmarks.engines.NAME JOB``."""

"""Fixtures: MLflow's tables, made once."""

from tests.migrations import migrated_once  # noqa: F401 (a fixture)

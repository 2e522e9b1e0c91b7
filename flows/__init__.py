"""WHEN: Prefect flows that run the stages, release models and schedule both."""

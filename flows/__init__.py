"""WHEN: Prefect flows that run the stages, release models and schedule both (https://docs.prefect.io).

Params, presets and the stage graph go in; finished stages, a registered version and a summary come out. ``pipeline`` is
the flow and the command, ``stages`` runs one stage through DVC, ``workspace`` and ``runs`` say where a run works, and
``parameters`` checks first that it has all it needs. Computes nothing itself, and keeps no cache and no graph beside
DVC's.
"""

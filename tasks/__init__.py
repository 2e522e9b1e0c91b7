"""WHAT: the stages of dvc.yaml, one program each (https://dvc.org/doc/user-guide/pipelines), and nothing else.

Each program reads its inputs, calls the library once and writes its outputs; dvc.yaml gives it the paths. ``stage`` has
what all of them share. ``translate`` is no stage: it translates standard input. Imports ``registry`` and ``seq2seq``,
and never ``flows``, prefect or dvc.
"""

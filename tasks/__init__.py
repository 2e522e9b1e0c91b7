"""WHAT: the stages of dvc.yaml. Each reads its inputs, calls the library once and writes its outputs."""

"""When a new model may take the place of the one in use: pure functions over numbers.

``gate`` names a registered model and its evaluation sets, and decides on a difference in scores. Knows no registry:
aliases and versions are in the room ``registry``.
"""

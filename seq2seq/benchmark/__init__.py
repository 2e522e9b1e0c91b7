"""Engines timed against each other, in turns, each in a process of its own.

Bundles and sentences go in; sentences a second, size and memory come out. ``engines`` leads, ``worker`` is the process.
Never runs beside another stage, and decides nothing. Imports no training, evaluation or report.
"""

"""Text before it is cut into pieces: its language, its one form, and corpora on disk.

Strings and DataFrames go in and come out. ``languages`` knows scripts and word counts, ``normalization`` gives each
text one form (NFC, https://unicode.org/reports/tr15/), ``corpus`` keeps pairs as partitioned Parquet and names the
splits. Imports ``core`` alone.
"""

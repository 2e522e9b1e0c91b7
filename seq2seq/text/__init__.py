"""Text before it is cut into pieces: its language, its one form, and corpora on disk.

Strings and DataFrames go in and come out. ``languages`` counts and splits words in any script, ``scripts`` says what
Unicode's CLDR knows of a language code, ``normalization`` gives each text one form (NFC,
https://unicode.org/reports/tr15/), ``corpus`` keeps pairs as partitioned Parquet and names the splits. Imports
``core`` alone.
"""

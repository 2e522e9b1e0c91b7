"""From raw corpora to clean ones: filters, duplicates, held-out sets, and nothing that leaks from them.

``filters`` are pure functions from a DataFrame to a mask, ``duplicates`` and ``near_duplicates`` remember lines as
hashes, ``scoring`` asks other programs, ``splitting`` holds out validation, gate and test sets, ``prepare`` puts them
in order, one partition in memory at a time. Needs no network and no model: imports ``core`` and ``text`` alone.
"""

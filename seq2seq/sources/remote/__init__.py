"""Corpora that a user names in place of files: addresses, and those of OPUS, Hugging Face and sacreBLEU.

The text of an entry and the languages go in, what there is to read for each split comes out. ``entries`` tells what an
entry means, one module knows the layout of each place. All bytes come by ``sources.first_fetch``, which see.
"""

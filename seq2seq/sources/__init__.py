"""Where corpora come from: files on the network, packages, the user's own tables, and what is generated here.

A catalogue and params go in; raw corpora come out, all in the form of ``text.corpus``. ``acquire`` does it all,
``fetch`` and ``wheels`` bring files by digest, ``first_fetch`` those without one. ``remote/`` knows where OPUS and
others keep theirs. ``readers/`` reads files, one module for each kind. ``phrasebook/`` and
``english/`` generate.
Cleans nothing, and imports ``core`` and ``text`` alone.
"""

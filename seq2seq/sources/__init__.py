"""Where corpora come from: files on the network, packages, the user's own tables, and what is generated here.

A catalogue and params go in; raw corpora come out, all in the form of ``text.corpus``. ``acquire`` does it all,
``fetch`` and ``wheels`` bring files by digest, one module reads each kind of file, ``phrasebook/`` and ``english/``
generate. A new reader is one module here. Cleans nothing, and imports ``core`` and ``text`` alone.
"""

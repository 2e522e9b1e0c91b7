"""Readers of the files that people have, one small module for each kind.

A file or folder goes in, pairs come out as a stream, each row that is none with its place and reason. ``kinds`` lists
the readers; a kind is told by a file's first bytes and not by its name. ``containers`` unpacks, ``texts`` decodes,
``own`` puts it together. Imports ``core`` and ``text`` alone.
"""

"""ANSWERS: an HTTP service over bundles, for clients that exist already.

``python -m serving`` answers with whatever the registry calls champion, or with plain bundles. ``settings`` says how,
``models`` finds and loads what answers, ``engine`` makes batches of many clients' sentences, ``libretranslate`` and
``scoring`` speak two protocols, ``health`` tells how it goes, ``app`` puts them together. It imports ``registry`` and
``seq2seq``, never flows or tasks, and loads no code that is stored beside a model.
"""

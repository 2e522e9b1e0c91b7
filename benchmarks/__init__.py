"""Measurements that aren't stages, each a command: ``python -m benchmarks.NAME``.

A finished run goes in, tables come out; docs/ says what was found. Nothing else imports this package.
"""

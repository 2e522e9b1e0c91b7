"""Training engines to compare, each run in a process of its own: ``python -m benchmarks.engines.NAME JOB``.

A job goes in, its turns come out timed (``job``). Each peer has an environment of its own, so its module imports
nothing of ours but ``job``.
"""

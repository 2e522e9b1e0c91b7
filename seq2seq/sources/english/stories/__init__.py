"""The kinds of articles, one module each.

A random generator goes in, an article with its summary comes out. Another kind is one more module with a ``STORY``, and
its name here.
"""

from seq2seq.sources.english.stories import accident, council, exhibition, jobs, market, match, reopening, weather

STORIES = {
    module.__name__.rpartition(".")[2]: module.STORY
    for module in (accident, council, exhibition, jobs, market, match, reopening, weather)
}

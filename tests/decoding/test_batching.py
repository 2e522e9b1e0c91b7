from seq2seq.decoding.batching import run_in_batches


def shout(batches):
    for batch in batches:
        yield [word.upper() for word in batch]


def test_results_stand_in_the_rows_of_their_items_and_like_lengths_share_a_batch():
    items = {7: "a", 2: "bbb", 9: "cc", 4: "ddd", 5: "e"}
    seen = []

    def run(batches):
        seen.extend(batches)
        return shout(batches)

    assert run_in_batches(items, 2, run, len) == {row: word.upper() for row, word in items.items()}
    assert seen == [["bbb", "ddd"], ["cc", "e"], ["a"]]  # longest first, of equals the first row
    assert run_in_batches({}, 2, shout, len) == {}


def test_processes_share_the_batches():
    items = dict(enumerate(["a", "bbb", "cc", "dddd", "eeeee"]))
    parts = [run_in_batches(items, 2, shout, len, rank=rank, processes=2) for rank in range(2)]
    assert not parts[0].keys() & parts[1].keys()
    assert parts[0] | parts[1] == {row: word.upper() for row, word in items.items()}
    assert [len(part) for part in parts] == [3, 2]

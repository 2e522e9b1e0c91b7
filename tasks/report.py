"""Stage `report`: what the other stages left becomes a page, a model card, and numbers for other tools."""

from seq2seq.core.files import replacing, write_json, write_text
from seq2seq.core.params import PARAMS, load_section
from seq2seq.core.runtime import RuntimeParams
from tasks.stage import path_arguments, run


def main() -> None:
    """Read reports and bundles, write page and card, the summary of scores and the tables for `dvc plots`."""
    paths = path_arguments(__doc__, "reports", "float32", "int8", "quality", "plots", "page", "card")

    from seq2seq.metrics.scores import EvaluationParams
    from seq2seq.release.params import registered_name
    from seq2seq.report.card import render_card
    from seq2seq.report.comparisons import quality
    from seq2seq.report.heat_maps import read_attention
    from seq2seq.report.markdown import card_as_html
    from seq2seq.report.page import render_page
    from seq2seq.report.plots import plot_tables
    from seq2seq.report.results import read_results
    from seq2seq.report.samples import choose_for_attention

    evaluation = load_section(PARAMS, "evaluation", EvaluationParams)
    runtime = load_section(PARAMS, "runtime", RuntimeParams)
    results = read_results(PARAMS, paths.reports, paths.float32, paths.int8)
    first = next(iter(results.predictions["float32"].values()))
    attention = read_attention(paths.float32, *choose_for_attention(first), runtime)

    card = render_card(results, registered_name(PARAMS))
    write_json(paths.quality, quality(results))
    with replacing(paths.plots) as partial:
        partial.mkdir()
        for name, table in plot_tables(results).items():
            write_text(partial / name, table)
    write_text(paths.page, render_page(results, evaluation, attention, card_as_html(card)))
    write_text(paths.card, card)


if __name__ == "__main__":
    run(main)

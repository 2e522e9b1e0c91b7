"""What a forward model learns from besides the new pairs as they are: old pairs, changed copies, synthetic pairs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from seq2seq.core.params import load_section
from seq2seq.synthesis.params import BackTranslationParams
from seq2seq.text.corpus import TRAIN
from seq2seq.text.languages import LanguagesParams
from seq2seq.training.augmentation import AugmentationParams, count_copies
from seq2seq.training.data import Direction, read_direction
from seq2seq.training.old_pairs import mix_old
from seq2seq.training.params import SECTIONS, ForwardParams


def read_mixed(
    params: Path,
    corpus: Path,
    synthetic: Path,
    tokenizer: Path,
    languages: LanguagesParams,
    say: Callable[[str], object],
) -> tuple[Direction, dict[str, Any]]:
    """The direction of a forward model, with all that a params file mixes in.

    Args:
        params: the params file.
        corpus: folder of the splits of the cleaned corpus.
        synthetic: folder of synthetic pairs.
        tokenizer: folder of the tokenizer.
        languages: of the two sides.
        say: whom to tell how many old pairs and copies there are.

    Returns:
        The direction; and which old pairs and copies there are, by which params: empty where there are none.

    Raises:
        UserError: a section is wrong, a file is damaged, or corpora that are said to be old aren't there, or are all
            that there is.
    """
    mixed: dict[str, Any] = {}
    forward = load_section(params, SECTIONS["forward"], ForwardParams)
    old = mix_old(corpus / TRAIN, forward.old_corpora, forward.old_share) if forward.old_corpora else None
    if old:
        say(str(old))
        mixed["old"] = {"corpora": sorted(old.corpora), "pairs": old.old, "kept": old.kept, "new": old.new}
    synthesis = load_section(params, "back_translation", BackTranslationParams)
    direction = read_direction(corpus, synthetic, tokenizer, languages, synthesis, old)
    augmentation = load_section(params, "augmentation", AugmentationParams)
    if shares := augmentation.shares():
        copies = count_copies(direction.real(), augmentation)
        say(f"of the real pairs again, changed: {', '.join(f'{copies[kind]:,} {kind}' for kind in shares)}")
        direction = direction.augmented(augmentation, copies.total())
        mixed["copies"] = {kind: {"pairs": copies[kind], "share": share} for kind, share in shares.items()}
        mixed["seed"] = augmentation.seed
    return direction, mixed

"""How sacreBLEU cuts a language into words for BLEU, and whether TER counts words or characters.

The script decides, and CLDR says which one a language is mostly written in, by whatever code it is called. 13a cuts at
spaces and punctuation: without spaces it scores 0 whatever the text.
"""

from seq2seq.text.scripts import script_of

SPACED = "13a"
TOKENIZERS = {  # by ISO 15924 code of the script; SPACED everywhere else
    "Hans": "zh",
    "Hant": "zh",
    "Hani": "zh",
    "Jpan": "ja-mecab",
    "Kore": "ko-mecab",
    # written without spaces between words, and no tokenizer that needs no download knows their words
    "Thai": "char",
    "Laoo": "char",  # Lao
    "Khmr": "char",  # Khmer
    "Mymr": "char",  # Burmese, Shan, Mon, Karen
    "Tibt": "char",  # Tibetan, Dzongkha
    "Tale": "char",  # Tai Le
    "Talu": "char",  # New Tai Lue
    "Lana": "char",  # Tai Tham
    "Tavt": "char",  # Tai Viet
    "Yiii": "char",  # Yi
    "Kana": "char",  # Ryukyuan languages and Ainu
}


def bleu_tokenizer(language: str) -> str:
    """Name of the sacreBLEU tokenizer for text in ``language``."""
    return TOKENIZERS.get(script_of(language), SPACED)


def edits_characters(language: str) -> bool:
    """Whether TER counts characters, since there are no spaces between words; Korean has them."""
    return bleu_tokenizer(language) in ("zh", "ja-mecab", "char")


def separate_characters(text: str) -> str:
    """Put a space between all characters, as BLEU's tokenizer ``char`` does; TER itself does so for Han and kana."""
    return " ".join(text.replace(" ", ""))

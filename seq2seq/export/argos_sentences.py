"""A rule for the ends of sentences, as the graph that argostranslate runs to split a text.

argostranslate splits with MiniSBD (https://github.com/LibreTranslate/MiniSBD), which downloads a network for a language
unless the package holds one. A network gets the numbers of a text's characters, and gives each character scores of
what it ends: nothing, a word, a sentence. This one is made by hand: each filter of a convolution adds up what stands
around a character, and is positive where one rule holds. It needs no data, and errs towards sentences that are too
long, since a model reads two sentences better than half of one.

Shapes: B batch, L characters, C kinds of characters, F filters.
"""

import json
import string
from collections.abc import Mapping, Sequence

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

OPSET, IR_VERSION = 13, 8  # old enough for any runtime that MiniSBD runs on
LETTERS = string.ascii_lowercase  # each is a kind of its own, which its capital shares
STOP, MARK, WIDE, CLOSING, CLOSED, APOSTROPHE, SPACE, LOWER, DIGIT, LETTER = KINDS = (
    "stop",
    "mark",
    "wide",
    "closing",
    "closed",
    "apostrophe",
    "space",
    "lower",
    "digit",
    "letter",
)
CHARACTERS = {
    STOP: ".",
    MARK: "!?…‽؟۔।॥",
    WIDE: "。！？｡",  # no space follows
    CLOSING: "\"')]}»”’«“",  # before a space; German and Danish close with what others open with
    CLOSED: "」』）】》”’",  # where no space follows
    APOSTROPHE: "'’",
    SPACE: " ",
    DIGIT: string.digits,
}
CASED = 0x3000  # letters with two cases stand below it, but for a few
BEFORE, AFTER = 8, 2  # characters around one that its filter sees
# words whose full stop ends no sentence where a capital follows, as it does titles, months and numbers
ABBREVIATIONS = """adm approx apr aug bzw ca capt col dec dez doc dott dr dra evtl feb fr gen ggf gov hr inkl jan jun
    jul lt maj mio mlle mme mr mrd mrs ms nov nr oct okt prof prov rep rev sen sept sgt sig sr sra st tel vgl vol vs
    zzgl"""


def write_sentence_rules(language: str) -> bytes:
    """The graph in ONNX's form, with what MiniSBD reads beside it.

    Args:
        language: the code that MiniSBD knows it by; the rules are the same for all.
    """
    kinds = _kinds_of_characters()
    characters = ["<PAD>", "<UNK>", *kinds]
    table = np.zeros((len(characters), len(KINDS) + len(LETTERS)), np.float32)
    for row, character in enumerate(characters[2:], start=2):
        table[row, kinds[character]] = 1
    ends, inner = _ends(), _inner_stops()
    weights, biases = (np.concatenate(parts) for parts in zip(ends, inner, strict=True))
    constants = {
        "table": table,
        "weights": weights,
        "biases": biases,
        "parts": np.array([len(ends[0]), len(inner[0])]),
        "veto": np.array(100, np.float32),
        "word": np.array(-1, np.float32),
        "none": np.array(0, np.float32),
    }
    nodes = [
        helper.make_node("Gather", ["table", "units"], ["found"]),  # [B, L, C]
        helper.make_node("Transpose", ["found"], ["rows"], perm=[0, 2, 1]),  # [B, C, L]
        helper.make_node("Conv", ["rows", "weights", "biases"], ["rules"], pads=[BEFORE, AFTER]),  # [B, F, L]
        helper.make_node("Split", ["rules", "parts"], ["ends", "inner"], axis=1),
        helper.make_node("ReduceMax", ["ends"], ["end"], axes=[1]),  # [B, 1, L]
        helper.make_node("ReduceMax", ["inner"], ["stays"], axes=[1]),
        helper.make_node("Relu", ["stays"], ["vetoes"]),
        helper.make_node("Mul", ["vetoes", "veto"], ["vetoed"]),
        helper.make_node("Sub", ["end", "vetoed"], ["sentence"]),
        helper.make_node("Mul", ["end", "none"], ["nothing"]),
        helper.make_node("Add", ["nothing", "word"], ["words"]),  # a word's end is never the best
        helper.make_node("Concat", ["nothing", "words", "sentence"], ["columns"], axis=1),  # [B, 3, L]
        helper.make_node("Transpose", ["columns"], ["predictions"], perm=[0, 2, 1]),  # [B, L, 3]
    ]
    graph = helper.make_graph(
        nodes,
        "sentences",
        [
            helper.make_tensor_value_info("units", TensorProto.INT64, ["B", "L"]),
            helper.make_tensor_value_info("features", TensorProto.FLOAT, ["B", "L", "N"]),  # not used, but given
        ],
        [helper.make_tensor_value_info("predictions", TensorProto.FLOAT, ["B", "L", 3])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    onnx.checker.check_model(model)
    numbers = {character: number for number, character in enumerate(characters)}
    vocabulary = {"lang": language, "_id2unit": characters, "_unit2id": numbers}
    facts = {"lang_code": language, "config": json.dumps({"feat_funcs": []}), "vocab": json.dumps(vocabulary)}
    helper.set_model_props(model, facts)
    return bytes(model.SerializeToString(deterministic=True))


def _kinds_of_characters() -> dict[str, list[int]]:
    """The kinds that each character is of."""
    found: dict[str, list[int]] = {}
    for kind, characters in CHARACTERS.items():
        for character in characters:
            found.setdefault(character, []).append(_column(kind))
    for character in map(chr, range(CASED)):
        if character.islower() or character.isupper():
            found[character] = [_column(LETTER)] + [_column(LOWER)] * character.islower()
            if character.lower() in LETTERS:
                found[character].append(_column(character.lower()))
    return found


def _column(kind: str) -> int:
    return KINDS.index(kind) if kind in KINDS else len(KINDS) + LETTERS.index(kind)


Filters = tuple[NDArray[np.float32], NDArray[np.float32]]  # [F, C, BEFORE + 1 + AFTER] and [F]


def _filters(rules: Sequence[tuple[Mapping[tuple[str, int], float], float]]) -> Filters:
    """Filters of rules: for a kind, so many characters after this one, what it adds; and what the sum has to exceed."""
    weights = np.zeros((len(rules), len(KINDS) + len(LETTERS), BEFORE + 1 + AFTER), np.float32)
    for row, (sums, _) in enumerate(rules):
        for (kind, place), value in sums.items():
            weights[row, _column(kind), BEFORE + place] = value
    return weights, np.array([-least for _, least in rules], np.float32)


def _ends() -> Filters:
    """Where a sentence ends: at a mark or what closes behind it, but not where it goes on in lower case (Who? me)."""
    before_next = {(SPACE, 1): 1.0, (LOWER, 2): -1.0}
    no_other = {(WIDE, 1): -1.0, (CLOSED, 1): -1.0}
    return _filters(
        [
            ({(STOP, 0): 1, (MARK, 0): 1} | before_next, 1.5),
            ({(STOP, -1): 1, (MARK, -1): 1, (CLOSING, 0): 1} | before_next, 2.5),
            ({(STOP, -2): 1, (MARK, -2): 1, (CLOSING, -1): 1, (CLOSING, 0): 1} | before_next, 3.5),
            ({(WIDE, 0): 1} | no_other, 0.5),
            ({(WIDE, -1): 1, (CLOSED, 0): 1} | no_other, 1.5),
        ]
    )


def _inner_stops() -> Filters:
    """Full stops that end no sentence: of an initial, of a number of one or two digits (3. Mai), of an abbreviation."""
    initial = {(STOP, 0): 1.0, (LETTER, -1): 1, (LETTER, -2): -1, (DIGIT, -2): -1, (APOSTROPHE, -2): -1}
    number = {(STOP, 0): 1.0, (DIGIT, -1): 1, (DIGIT, -2): -0.5, (DIGIT, -3): -0.5}
    rules = [(initial, 1.5), (number, 1.25)]
    for word in ABBREVIATIONS.split():
        spelt = {(letter, place - len(word)): 1.0 for place, letter in enumerate(word)}
        rules.append((spelt | {(STOP, 0): 1, (LETTER, -len(word) - 1): -1}, len(word) + 0.5))
    return _filters(rules)

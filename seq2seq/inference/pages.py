"""HTML through a model: blocks are split into sentences, translated, and written back with their markup."""

from collections.abc import Sequence

from seq2seq.core.progress import Progress
from seq2seq.decoding.params import DecodingParams
from seq2seq.inference.alignment import Alignment
from seq2seq.inference.documents import Document
from seq2seq.inference.markup import Page, parse_html
from seq2seq.inference.translator import Translator


def translate_html(
    translator: Translator, pages: Sequence[str], decoding: DecodingParams, progress: Progress | None = None
) -> list[str]:
    """Translate the text of pages, or of parts of pages."""
    parsed = [parse_html(page) for page in pages]
    documents = translator.splitter.split([block.text for page in parsed for block in page.blocks])
    sentences = [sentence for document in documents for sentence in document.sentences]
    return write_html(translator, parsed, documents, translator.translate_sentences(sentences, decoding, progress))


def write_html(
    translator: Translator, pages: Sequence[Page], documents: Sequence[Document], outputs: Sequence[str]
) -> list[str]:
    """Write pages whose sentences are translated.

    Args:
        translator: aligns outputs with their sentences, where markup stands within a text.
        pages: to write.
        documents: the text of each block of all the pages.
        outputs: of each sentence of all the documents.
    """
    blocks = [block for page in pages for block in page.blocks]
    rest = iter(outputs)
    found = [[next(rest) for _ in document.sentences] for document in documents]
    needed = [row for row, block in enumerate(blocks) if block.needs_alignment]
    aligned = iter(
        translator.align(
            [sentence for row in needed for sentence in documents[row].sentences],
            [output for row in needed for output in found[row]],
        )
    )
    written = []
    for block, document, texts in zip(blocks, documents, found, strict=True):
        output = translator.splitter.join(document, texts)
        alignment = None
        if block.needs_alignment:
            parts = [next(aligned) for _ in texts]
            alignment = Alignment.join(block.text, document, output, texts, parts)
        written.append(block.write(output, alignment))
    each = iter(written)
    return [page.write([next(each) for _ in page.blocks]) for page in pages]

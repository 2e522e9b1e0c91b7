"""Markdown as HTML, for pages that show a model card."""

from markdown_it import MarkdownIt


def card_as_html(card: str) -> str:
    """A card as it stands inside a page: its headings two levels lower, and no HTML of its own."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(card)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{int(token.tag[1:]) + 2}"
    return str(markdown.renderer.render(tokens, markdown.options, {}))

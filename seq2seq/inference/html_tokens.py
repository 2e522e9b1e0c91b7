"""HTML as tags and text, by the rules of HTML's tokenizer (https://html.spec.whatwg.org/#tokenization).

No tree is built: a tree would close, move and rewrite tags.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

# possessive (*+), so that no input takes more than linear time
_TOKEN = re.compile(
    r"""
    <!--(?:-?>|.*?(?:--!?>|\Z))                                # a comment
  | <(?:[!?]|/(?![a-zA-Z]))[^>]*+(?:>|\Z)                      # a declaration, or what a browser reads as a comment
  | <(?P<end>/?)(?P<name>[a-zA-Z][^\s/>]*+)
    (?P<attributes>(?:[\s/]++|=?[^\s/>=]++(?:\s*+=\s*+(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z)|[^\s>]*+))?|=)*+)(?:>|\Z)
    """,
    re.VERBOSE | re.DOTALL,
)
_ATTRIBUTE = re.compile(r"""([^\s/>=]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))""")

# what ends the text before it; all others, unknown ones too, stand within a text
_BLOCK_NAMES = """
    address article aside audio base basefont bgsound blockquote body br button caption center col colgroup dd details
    dialog dir div dl dt embed fieldset figcaption figure footer form frame frameset h1 h2 h3 h4 h5 h6 head header
    hgroup hr html iframe legend li link main menu meta nav noembed noframes noscript object ol optgroup option p param
    plaintext pre script search section select source style summary table tbody td template textarea tfoot th thead
    title tr track ul video xmp
"""
_VOID_NAMES = "area base br col embed frame hr img input link meta param source track wbr"
_RAW_NAMES = "iframe noembed noframes script style textarea title xmp"  # no tags in them but their own end
_KEPT_NAMES = "code iframe kbd math noembed noframes pre samp script style svg textarea var xmp"
BLOCKS, _VOID, _RAW, _KEPT = (set(names.split()) for names in (_BLOCK_NAMES, _VOID_NAMES, _RAW_NAMES, _KEPT_NAMES))


@dataclass
class Token:
    """A tag, a comment, or text; or an element that is kept whole, with the text of what is in it.

    ``rest`` is what the page ends within: nothing may come to stand behind it.
    """

    raw: str
    kind: str  # open, close, point, text, kept or rest
    name: str = ""
    content: str = ""


def read_tokens(page: str) -> list[Token]:
    """The tags and texts of a page, each element that is not translated as one; together they are the page."""
    return list(_join_kept(list(_tokenize(page))))


def _tokenize(page: str) -> Iterator[Token]:
    at = 0
    raw_name = ""
    while at < len(page):
        if raw_name:
            found = re.compile(rf"</{re.escape(raw_name)}(?=[\s/>])", re.IGNORECASE).search(page, at)
            end = found.start() if found else len(page)
            if end > at:
                yield Token(page[at:end], "text")
            raw_name, at = "", end
            continue
        match = _TOKEN.match(page, at)
        if not match:
            end = page.find("<", at + 1)
            end = len(page) if end < 0 else end
            yield Token(page[at:end], "text")
            at = end
            continue
        name = (match["name"] or "").lower()
        if not match[0].endswith(">"):
            yield Token(match[0], "rest")
        elif not name:
            yield Token(match[0], "point")
        elif match["end"]:
            yield Token(match[0], "close", name)
        else:
            alone = name in _VOID or (match[0].endswith("/>") and name not in _RAW)
            yield Token(match[0], "point" if alone else "open", name, match["attributes"])
            raw_name = name if name in _RAW else ""
        at = match.end()


def _is_kept(token: Token) -> bool:
    if token.kind != "open":
        return False
    if token.name in _KEPT:
        return True
    attributes = {name.lower(): "".join(values) for name, *values in _ATTRIBUTE.findall(token.content)}
    return attributes.get("translate", "").lower() == "no" or "notranslate" in attributes.get("class", "").split()


def _join_kept(tokens: list[Token]) -> Iterator[Token]:
    """The same, each element that is not translated as one; where its end is missing, it goes to the page's end."""
    at = 0
    while at < len(tokens):
        token = tokens[at]
        at += 1
        if not _is_kept(token):
            yield token
            continue
        first, depth = at - 1, 1
        while depth and at < len(tokens):
            if tokens[at].name == token.name:
                depth += {"open": 1, "close": -1}.get(tokens[at].kind, 0)
            at += 1
        inner = tokens[first:at]
        shown = token.name not in ("script", "style")
        content = "".join(one.raw for one in inner if one.kind == "text") if shown else ""
        yield Token("".join(one.raw for one in inner), "rest" if depth else "kept", token.name, content)

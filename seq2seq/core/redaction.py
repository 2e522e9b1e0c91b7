"""Passwords and tokens in addresses: taken out of each text that leaves a process, whoever wrote it.

Where it can't be told a password from a path, as in http://user:a/b@host, what may be one is hidden.
"""

import os
import re

HIDDEN = "***"
# a user and a password, which may hold each of / @ : % as it is; or a word before @, such as a token
_IN_ADDRESS = re.compile(r'(?<=://)(?:[^\s"<>/@:]*:[^\s"<>]*|[^\s"<>/@]+)@')
_IN_QUERY = re.compile(
    r"""([?&](?:[\w.-]*(?:token|key|secret|password|signature|credential)|sig)=)[^\s"'<>&#]+""", re.I
)
_ADDRESS = re.compile(r"[\w+.-]+(://.*@)[^@]*", re.DOTALL)


def redact(text: str) -> str:
    """Hide what addresses in a text say between :// and @, and the tokens in their queries.

    Credentials in an address that is an environment variable's value are found even if they hold spaces.
    """
    for value in os.environ.values():
        if "@" in value and (address := _ADDRESS.fullmatch(value)):
            text = text.replace(address[1], f"://{HIDDEN}@")
    return _IN_QUERY.sub(rf"\g<1>{HIDDEN}", _IN_ADDRESS.sub(f"{HIDDEN}@", text))

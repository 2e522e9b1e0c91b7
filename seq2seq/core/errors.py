"""The two failures that are not bugs: a user's mistake, and a network that may be back in a minute."""


class UserError(Exception):
    """Something the user can mend. The message is one line: what is wrong, where, and how to mend it."""


class TransientError(Exception):
    """Something that may succeed when tried again unchanged, such as a download without network.

    The message is one line, as for :class:`UserError`.
    """

"""What can go wrong with a music server; each message is a sentence for a page, without credentials."""


class ServerError(Exception):
    """The server did not do what it was asked."""


class ServerUnreachable(ServerError):
    """The server did not answer, or stopped in the middle; later it may."""


class WrongCredentials(ServerError):
    """The server does not accept the account or its password."""


class WrongAnswer(ServerError):
    """The server answered something that its interface does not allow."""


class AnswerTooLarge(WrongAnswer):
    """The answer is larger than we read."""


class ItemGone(ServerError):
    """The server has no such song, cover or playlist."""


class NotOffered(ServerError):
    """The server does not offer this."""

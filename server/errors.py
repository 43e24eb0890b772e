"""The one exception of this package."""


class ServerError(Exception):
    """The server cannot be started or has failed; the message says why and what to do about it."""

"""The faults that the client reports."""

from __future__ import annotations


class ClientError(Exception):
    """A fault that the person at the keyboard can mend: the message says what and how."""


class ServerUnavailable(ClientError):
    """No server there, or it cannot answer now: the same request may succeed later."""


class ServerBusy(ClientError):
    """The server has more to do than it takes: the same request may succeed after a while."""


class RequestFailed(ClientError):
    """This request was refused, or not answered before its deadline; others may well succeed."""


class DeadlineExceeded(RequestFailed):
    """No answer in time: the server hangs or is slow, or the request is too much for it."""


class PictureError(ClientError):
    """A picture file that cannot be read or is not what its annotations say."""


class VideoError(ClientError):
    """A video that cannot be opened: it is none, is damaged, or is out of reach."""

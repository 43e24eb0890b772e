"""A name server that stands in for a cluster's: the addresses of the pods that take requests."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Sequence

HEADER_BYTES = 12
AUTHORITATIVE_ANSWER = 0x8400
POINTER_TO_THE_QUESTION = 0xC000 | HEADER_BYTES
TYPE_A = CLASS_IN = 1
TTL_SECS = 1


class HeadlessService:
    """Answers any question for IPv4 addresses (RFC 1035), over UDP on 127.0.0.1, with `addresses`.

    `addresses` may be set at any time, as a cluster does when pods come and go.
    """

    def __init__(self, addresses: Sequence[str]) -> None:
        self.addresses = tuple(addresses)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.dns_address = "{}:{}".format(*self._socket.getsockname())
        threading.Thread(target=self._answer_all, daemon=True).start()

    def _answer_all(self) -> None:
        while True:
            query, client = self._socket.recvfrom(4096)
            self._socket.sendto(self._answer(query), client)

    def _answer(self, query: bytes) -> bytes:
        end = query.index(0, HEADER_BYTES) + 1 + 4  # of the name, its type and class
        (kind,) = struct.unpack_from("!H", query, end - 4)
        addresses = self.addresses if kind == TYPE_A else ()
        header = struct.pack("!2sHHHHH", query[:2], AUTHORITATIVE_ANSWER, 1, len(addresses), 0, 0)
        record = struct.pack("!HHHIH", POINTER_TO_THE_QUESTION, TYPE_A, CLASS_IN, TTL_SECS, 4)
        answers = b"".join(record + socket.inet_aton(address) for address in addresses)
        return header + query[HEADER_BYTES:end] + answers

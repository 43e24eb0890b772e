"""What is asked of a server."""

from __future__ import annotations

import socket
import threading
import time

from server.health import wait_until_open
from server.listen import Address


def test_a_port_that_opens_later_is_waited_for() -> None:
    with socket.socket() as port:
        port.bind(("127.0.0.1", 0))
        address = Address(*port.getsockname())
        assert not wait_until_open(address, 0.05)

        def open_later() -> None:
            time.sleep(0.1)
            port.listen()

        opener = threading.Thread(target=open_later)
        opener.start()
        assert wait_until_open(address, 30)
        opener.join()

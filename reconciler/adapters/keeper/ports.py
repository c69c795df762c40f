"""Free ports of this machine for a group's members, each given to one group at a time."""

import os
import socket
import sys
from collections.abc import Sequence

FIRST, LAST = 20000, 32767
"""Below the range from which the kernel gives ports to outgoing connections (Linux), so that none takes one away."""


class Ports:
    """Ports by name. Until `open` nobody else can listen on them; no other group gets them before this process ends."""

    def __init__(self, names: Sequence[str]) -> None:
        """Find and hold one for each name; OSError where there are none left."""
        self.numbers: dict[str, int] = {}
        self._held: list[socket.socket] = []
        self._claims: list[socket.socket] = []
        size = LAST - FIRST + 1
        number = FIRST + os.getpid() * 61 % size
        for name in names:
            for _ in range(size):
                number = FIRST + (number - FIRST + 1) % size
                if self._take(number):
                    self.numbers[name] = number
                    break
            else:
                raise OSError(f"no port between {FIRST} and {LAST} is free on 127.0.0.1")

    def _take(self, number: int) -> bool:
        claim = socket.socket(socket.AF_UNIX)
        held = socket.socket(socket.AF_INET)
        try:
            if sys.platform == "linux":
                # A name that goes with its process, however that ends: the port stays claimed while its members listen.
                claim.bind(f"\0kagit-port-{number}")
            held.bind(("", number))
        except OSError:
            claim.close()
            held.close()
            return False
        self._claims.append(claim)
        self._held.append(held)
        return True

    def open(self) -> None:
        """Let the members listen."""
        while self._held:
            self._held.pop().close()

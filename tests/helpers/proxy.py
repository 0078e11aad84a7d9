"""A TCP proxy that makes bad weather between a client and a broker."""

import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

_TICK_S = 0.05
_CHUNK_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Weather:
    """How bytes travel, each way.

    Attributes:
        delay_s: how long every piece is held.
        bytes_per_s: how many go through a connection each second; None for as many as come.
        swallows: whether they vanish, while the connections stay open.
        refuses: whether new connections are closed at once.
    """

    delay_s: float = 0.0
    bytes_per_s: int | None = None
    swallows: bool = False
    refuses: bool = False


FAIR = Weather()


class Proxy:
    """Listens on a port of its own and passes everything on to another one; used by a `with` block."""

    def __init__(self, target_port: int) -> None:
        """Open the port; nothing is passed on before the block begins."""
        self._target = ("127.0.0.1", target_port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(_TICK_S)
        self.port: int = self._listener.getsockname()[1]
        self.weather = FAIR
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._accepting = threading.Thread(target=self._accept, name="proxy", daemon=True)

    def cut(self) -> int:
        """Close all connections now; new ones are welcome. Return how many there were."""
        with self._lock:
            doomed, self._open = self._open, set()
        for each in doomed:
            # Wakes the threads that read it; close alone would not.
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        return len(doomed) // 2

    def __enter__(self) -> Self:
        """Begin to pass on."""
        self._accepting.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close everything."""
        self._closing.set()
        self._accepting.join()
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                client, _ = self._listener.accept()
            except TimeoutError:
                continue
            if self.weather.refuses:
                client.close()
                continue
            try:
                server = socket.create_connection(self._target)
            except OSError:
                client.close()
                continue
            for each in (client, server):
                each.settimeout(None)
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._open |= {client, server}
            pair = _Pair(client, server)
            for origin, goal in ((client, server), (server, client)):
                threading.Thread(target=self._pass_on, args=(origin, goal, pair), daemon=True).start()

    def _pass_on(self, origin: socket.socket, goal: socket.socket, pair: "_Pair") -> None:
        with suppress(OSError):
            while data := origin.recv(self._chunk()):
                weather = self.weather
                if weather.swallows:
                    continue
                time.sleep(weather.delay_s)
                goal.sendall(data)
                if weather.bytes_per_s is not None:
                    time.sleep(len(data) / weather.bytes_per_s)
        with self._lock:
            self._open -= {origin, goal}
        pair.end()

    def _chunk(self) -> int:
        rate = self.weather.bytes_per_s
        return _CHUNK_BYTES if rate is None else max(1, min(_CHUNK_BYTES, rate // 20))


class _Pair:
    """Two sockets that are closed when both directions have ended."""

    def __init__(self, *sockets: socket.socket) -> None:
        self._sockets = sockets
        self._left = len(sockets)
        self._lock = threading.Lock()

    def end(self) -> None:
        for each in self._sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        with self._lock:
            self._left -= 1
            is_last = self._left == 0
        if is_last:
            for each in self._sockets:
                each.close()

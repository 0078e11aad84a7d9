"""What is open until it is closed, and of no use afterwards."""

from abc import ABC, abstractmethod

from streamer.errors import TransportError


class ClosedOnce(ABC):
    """A client that frees what it holds once, however often it is closed."""

    def __init__(self, kind: str) -> None:
        """Be open.

        Args:
            kind: what this is, as users call it.
        """
        self._kind = kind
        self._closed = False

    def close(self) -> None:
        """Free what is held; safe to call twice."""
        if not self._closed:
            self._closed = True
            self._free()

    @abstractmethod
    def _free(self) -> None:
        """Let go of what is held."""

    def _require_open(self) -> None:
        if self._closed:
            raise TransportError(f"the {self._kind} is closed: make a new one")

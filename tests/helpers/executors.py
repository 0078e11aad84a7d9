"""Work beside the loop, at moments that are the same every time."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Deferred(Executor):
    """Does what it is given when it has been looked at so many times, or is waited for."""

    def __init__(self, looks: int) -> None:
        """Take 0 to do it at once."""
        self._looks = looks

    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> "Future[_T]":
        """See `Executor.submit`."""
        return _DeferredFuture(lambda: fn(*args, **kwargs), self._looks)


class _DeferredFuture(Future[_T]):
    def __init__(self, work: Callable[[], _T], looks: int) -> None:
        super().__init__()
        self._work = work
        self._looks = looks
        if not looks:
            self._do()

    def done(self) -> bool:
        if not super().done():
            self._looks -= 1
            if self._looks <= 0:
                self._do()
        return super().done()

    def result(self, timeout: float | None = None) -> _T:
        if not super().done():
            self._do()
        return super().result(timeout)

    def _do(self) -> None:
        try:
            self.set_result(self._work())
        except Exception as error:  # noqa: BLE001 (whoever asks for the result is told)
            self.set_exception(error)

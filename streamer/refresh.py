"""Takes over another bundle when it is put in use, without a restart.

    loop                        another thread
    ────                        ──────────────
    is another one promoted?
        yes ──────────────────► load, check, judge one payment with it
    judges on with the old one
    ◄───────────────────────────┘
    between two micro-batches: judges with the new one

Where the new bundle cannot be used, the old one stays and the log says why, once; it is tried again
at every look, for it may still be on its way here.
"""

import threading
from collections.abc import Callable
from pathlib import Path

import structlog

from detectors.backends import EAGER
from detectors.bundle import Bundle
from streamer.bundles import is_shelf, open_bundle
from streamer.errors import BundleError
from streamer.promotions import read_promotions

log = structlog.get_logger()


class BundleWatch:
    """Knows the bundle in use; one for each process."""

    def __init__(
        self,
        place: Path,
        bundle: Bundle,
        *,
        backend: str = EAGER,
        every_s: float,
        warm_up: Callable[[Bundle], None],
        taken_over: Callable[[Bundle], None],
        refused: Callable[[str | None], None],
    ) -> None:
        """Begin with a bundle.

        Args:
            place: a folder of bundles is watched; a bundle itself never changes.
            bundle: what was loaded from there.
            backend: what computes scores.
            every_s: seconds between two looks.
            warm_up: uses a bundle for the first time, so that it is quick afterwards.
            taken_over: told of every other bundle that takes its place.
            refused: told at each look why the bundle that was put in use cannot be used, or None.
        """
        self._place = place
        self._bundle = bundle
        self._backend = backend
        self._every_s = every_s
        self._warm_up = warm_up
        self._taken_over = taken_over
        self._tell_refused = refused
        self._due = 0.0
        self._refused: str | None = None
        self._loading: threading.Thread | None = None
        self._loaded: Bundle | None = None
        self._watched = is_shelf(place)

    @property
    def bundle(self) -> Bundle:
        """What payments are judged by."""
        return self._bundle

    def look(self, now: float) -> Bundle | None:
        """Return another bundle that is ready to take over, once; else see whether one is wanted.

        Args:
            now: monotonic seconds.
        """
        if not self._watched:
            return None
        if self._loading is not None:
            return None if self._loading.is_alive() else self._finish()
        if now >= self._due:
            self._due = now + self._every_s
            self._begin()
        return None

    def _begin(self) -> None:
        try:
            wanted = read_promotions(self._place).current
        except BundleError as error:
            self._refuse("promotions", error)
            return
        if wanted is None or wanted.sha256 == self._bundle.sha256:
            self._settle()
            return
        # A worker that ends must not wait for a bundle that nobody will ask.
        self._loading = threading.Thread(target=self._load, args=(wanted.sha256,), name="bundle", daemon=True)
        self._loading.start()

    def _load(self, sha256: str) -> None:
        try:
            bundle = open_bundle(self._place, self._backend)
            self._warm_up(bundle)
        except Exception as error:  # noqa: BLE001 (a bundle that cannot judge must not stop a worker that has one)
            self._refuse(sha256, error)
        else:
            self._loaded = bundle

    def _finish(self) -> Bundle | None:
        self._loading = None
        if self._loaded is None:
            return None
        old, self._bundle, self._loaded = self._bundle, self._loaded, None
        self._settle()
        made = self._bundle.manifest.made
        log.info(
            "another bundle judges from now on",
            bundle=made.bundle_id,
            version=made.version,
            before=old.manifest.made.version,
        )
        self._taken_over(self._bundle)
        return self._bundle

    def _refuse(self, what: str, error: Exception) -> None:
        if self._refused != what:
            log.error("the bundle that was put in use cannot be used, going on with the old one", cause=str(error))
        self._refused = what
        self._tell_refused(str(error))

    def _settle(self) -> None:
        """Note that what was put in use is what judges."""
        self._refused = None
        self._tell_refused(None)

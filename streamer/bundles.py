"""Model bundles, loaded against the running feature table."""

from dataclasses import replace
from pathlib import Path

from detectors.api import InvalidBundle
from detectors.backends import EAGER, back_end
from detectors.backends.attach import attach
from detectors.bundle import MANIFEST, Bundle, load_bundle
from streamer.errors import BundleError, EnvironmentFault
from streamer.promotions import PROMOTIONS, read_promotions
from streamer.state.features import TABLE


def open_bundle(place: Path | None, backend: str = EAGER) -> Bundle:
    """Load and check a bundle.

    Args:
        place: its folder, or a folder of bundles, which stands for the one in use.
        backend: what computes its scores.

    Raises:
        BundleError: there is none, it is damaged, it was made for other features, it is not the
            one that was promoted, or the back end cannot run it.
        EnvironmentFault: the back end's libraries are not installed.
    """
    if place is None:
        raise BundleError("no bundle is set: name its folder by --bundle or worker.bundle; `streamer train` makes one")
    if not is_shelf(place):
        return _on(_load(place), place, backend)
    move = read_promotions(place).current
    if move is None:
        raise BundleError(f"no bundle in {str(place)!r} is in use: choose one by `streamer bundles promote`")
    bundle = _load(place / move.bundle)
    if bundle.sha256 != move.sha256:
        raise BundleError(
            f"bundle {str(place / move.bundle)!r} is not the one that was promoted (sha256 {bundle.sha256[:12]} "
            f"instead of {move.sha256[:12]}): put that one back, or promote another"
        )
    return _on(bundle, place / move.bundle, backend)


def is_shelf(place: Path) -> bool:
    """Return whether a folder holds bundles, and is none itself."""
    return not (place / MANIFEST).exists() and ((place / PROMOTIONS).exists() or bool(bundles_in(place)))


def bundles_in(place: Path) -> tuple[Path, ...]:
    """Return the folders of a folder that hold a manifest, by name; none if there is no such folder."""
    if not place.is_dir():
        return ()
    return tuple(sorted(path.parent for path in place.glob(f"*/{MANIFEST}") if path.parent.suffix != ".unfinished"))


def _load(folder: Path) -> Bundle:
    try:
        return load_bundle(folder, TABLE)
    except InvalidBundle as error:
        raise BundleError(f"bundle {str(folder)!r} cannot be used: {error}") from error


def _on(bundle: Bundle, folder: Path, backend: str) -> Bundle:
    if backend == EAGER:
        return bundle
    try:
        return replace(bundle, ensemble=attach(bundle.ensemble, back_end(backend)).ensemble)
    except ImportError as error:
        raise EnvironmentFault(
            f"the back end {backend!r} cannot be loaded ({error}): pip install 'fraud-streamer[onnx]', "
            f"or set worker.backend to {EAGER}"
        ) from error
    except ValueError as error:
        raise BundleError(f"bundle {str(folder)!r}: {error}: set worker.backend to {EAGER}") from error

"""Model bundles, loaded against the running feature table."""

from pathlib import Path

from detectors.api import InvalidBundle
from detectors.bundle import Bundle, load_bundle
from streamer.errors import BundleError
from streamer.state.features import TABLE


def open_bundle(folder: Path | None) -> Bundle:
    """Load and check a bundle.

    Raises:
        BundleError: there is none, it is damaged, or it was made for other features.
    """
    if folder is None:
        raise BundleError("no bundle is set: name its folder by --bundle or worker.bundle; `streamer train` makes one")
    try:
        return load_bundle(folder, TABLE)
    except InvalidBundle as error:
        raise BundleError(f"bundle {str(folder)!r} cannot be used: {error}") from error

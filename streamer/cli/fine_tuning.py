"""`streamer train --from`: the bundle that comes after another."""

from pathlib import Path

from detectors.bundle import Bundle
from streamer.bundles import open_bundle
from streamer.errors import SettingsError


def successor_of(
    start: Path | None, bundle_id: str | None, version: str | None
) -> tuple[Bundle | None, str | None, str]:
    """Return what is fine-tuned, and line and version of the new bundle.

    Args:
        start: a bundle, or a folder of bundles; None begins anew.
        bundle_id: name of the line, if it was given.
        version: within the line, if it was given.

    Raises:
        BundleError: there is no usable bundle.
        SettingsError: the old version is no number that another would follow.
    """
    if start is None:
        return None, bundle_id, version or "1"
    parent = open_bundle(start)
    made = parent.manifest.made
    if version is None:
        if not made.version.isdecimal():
            raise SettingsError(f"version {made.version!r} of {str(start)!r} is no number: name the next --version")
        version = str(int(made.version) + 1)
    return parent, bundle_id or made.bundle_id, version


def require_nothing_new(parent: Bundle | None, *, search: int | None, pretrain: bool) -> None:
    """Refuse options that only mean something where nothing is gone on from.

    Raises:
        SettingsError: names the option.
    """
    if parent is not None and search is not None:
        raise SettingsError("--search tries settings of new models, --from goes on with old ones: leave one out")
    if parent is not None and pretrain:
        raise SettingsError("--pretrain is for new models, --from goes on with old ones: leave one out")

"""The manifest of a bundle: what it is, what it was made from, what belongs to it."""

import msgspec

from detectors.api import Feature, FeatureTable, InvalidBundle

FORMAT = 1


class FeatureEntry(msgspec.Struct, frozen=True):
    """One row of the feature table that the bundle was trained for."""

    name: str
    unit: str
    formula: str
    risk: int
    in_window: bool


class DetectorEntry(msgspec.Struct, frozen=True):
    """One detector: its kind, its configuration and its file of arrays."""

    kind: str
    file: str
    config: dict[str, object]


class FileEntry(msgspec.Struct, frozen=True):
    """One file beside the manifest."""

    name: str
    size: int
    sha256: str


class Provenance(msgspec.Struct, frozen=True, kw_only=True):
    """What a bundle was made from.

    Attributes:
        bundle_id: name of the line of bundles.
        version: version within the line.
        created_at: milliseconds since the epoch.
        code_version: version of the program that trained it.
        trained_from: event time of the first training window, milliseconds since the epoch.
        trained_until: event time of the last one.
        rows: windows the models were fitted on, and windows held back for calibration.
        seed: of all randomness in training.
        typical: median of each feature over the training windows.
        metrics: figures of the training, by name.
    """

    bundle_id: str
    version: str
    created_at: int
    code_version: str
    trained_from: int
    trained_until: int
    rows: dict[str, int]
    seed: int
    typical: tuple[float, ...]
    metrics: dict[str, float]


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What `manifest.json` holds.

    Attributes:
        format: version of this layout.
        made: what the bundle was made from.
        window: T.
        features: the feature table.
        detectors: in the order of a judgement's columns.
        files: all other files of the bundle.
    """

    format: int = FORMAT
    made: Provenance
    window: int
    features: tuple[FeatureEntry, ...]
    detectors: tuple[DetectorEntry, ...]
    files: tuple[FileEntry, ...]


def entries_of(table: FeatureTable) -> tuple[FeatureEntry, ...]:
    """Return the table as a manifest holds it."""
    return tuple(FeatureEntry(f.name, f.unit, f.formula, f.risk, f.in_window) for f in table.features)


def require_fit(manifest: Manifest, table: FeatureTable) -> None:
    """Check that a bundle was trained for these features.

    Raises:
        InvalidBundle: names each difference.
    """
    differences = []
    if manifest.window != table.window:
        differences.append(f"windows of {manifest.window} steps instead of {table.window}")
    theirs = {entry.name: entry for entry in manifest.features}
    ours = {entry.name: entry for entry in entries_of(table)}
    differences += [f"feature {name} is unknown here" for name in theirs if name not in ours]
    differences += [f"feature {name} is missing there" for name in ours if name not in theirs]
    for name in ours.keys() & theirs.keys():
        changed = [
            f"{part} {getattr(theirs[name], part)!r} instead of {getattr(ours[name], part)!r}"
            for part in Feature.__slots__
            if getattr(theirs[name], part) != getattr(ours[name], part)
        ]
        if changed:
            differences.append(f"feature {name} has {', '.join(changed)}")
    if not differences and tuple(theirs) != tuple(ours):
        differences.append(f"features in the order {', '.join(theirs)}")
    if len(manifest.made.typical) != len(manifest.features):
        differences.append(f"{len(manifest.made.typical)} typical values for {len(manifest.features)} features")
    if differences:
        raise InvalidBundle(f"it was trained for other features: {'; '.join(differences)}; train it anew")

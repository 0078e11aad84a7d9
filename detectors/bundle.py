"""A bundle: a folder that holds everything a worker needs to judge.

    manifest.json       what it is, made from what, with which files
    <kind>.safetensors  one for each detector
    ensemble.safetensors  calibration of each detector and of their maximum
    …                   documents for people and programs, such as a model card

No file can hold code. All are checked before any is used.
"""

import hashlib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from detectors.api import FeatureTable, InvalidBundle
from detectors.calibration import TailCurve
from detectors.ensemble import Ensemble
from detectors.manifest import FORMAT, DetectorEntry, FileEntry, Manifest, Provenance, entries_of, require_fit
from detectors.registry import KINDS, Storable

MANIFEST = "manifest.json"
ENSEMBLE = "ensemble.safetensors"

Arrays = Mapping[str, NDArray[np.generic]]


@dataclass(frozen=True, slots=True)
class Bundle:
    """A loaded bundle.

    Attributes:
        manifest: what it says of itself.
        ensemble: its detectors, ready to judge.
        sha256: digest of the manifest, which holds the digests of all files.
    """

    manifest: Manifest
    ensemble: Ensemble
    sha256: str

    @property
    def typical(self) -> NDArray[np.float64]:
        """(F,) median of each feature over the training windows."""
        return np.array(self.manifest.made.typical)


def save_bundle(
    folder: Path,
    ensemble: Ensemble,
    table: FeatureTable,
    made: Provenance,
    documents: Mapping[str, bytes] | None = None,
) -> Manifest:
    """Write a bundle; the folder appears whole or not at all.

    Args:
        folder: must not exist.
        ensemble: what it holds.
        table: the features it was trained for.
        made: what it was made from.
        documents: more files by name; their digests stand in the manifest like those of all others.

    Raises:
        FileExistsError: the folder exists; a bundle is never changed.
        OSError: it cannot be written.
        TypeError: a detector is of no kind that a bundle can hold.
        ValueError: a document has the name of another file.
    """
    if folder.exists():
        raise FileExistsError(f"{folder} exists")
    contents: dict[str, bytes] = {ENSEMBLE: save_arrays(_calibration(ensemble))}
    detectors = []
    for detector in ensemble.detectors:
        kind = next((kind for kind, known in KINDS.items() if type(detector) is known), None)
        if kind is None:
            raise TypeError(f"detector {detector.name} is a {type(detector).__name__}, which is not in the registry")
        storable: Storable = detector  # type: ignore[assignment]  # its class is in the registry
        contents[f"{kind}.safetensors"] = save_arrays(
            {name: np.ascontiguousarray(array) for name, array in storable.arrays().items()}
        )
        detectors.append(DetectorEntry(kind, f"{kind}.safetensors", storable.config()))
    for name, document in (documents or {}).items():
        if name in contents or name == MANIFEST:
            raise ValueError(f"a document cannot be called {name}: another file of the bundle is")
        contents[name] = document
    manifest = Manifest(
        made=made,
        window=table.window,
        features=entries_of(table),
        detectors=tuple(detectors),
        files=tuple(
            FileEntry(name, len(data), hashlib.sha256(data).hexdigest()) for name, data in sorted(contents.items())
        ),
    )
    contents[MANIFEST] = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
    unfinished = folder.with_name(folder.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    for name, data in contents.items():
        (unfinished / name).write_bytes(data)
    unfinished.rename(folder)
    return manifest


def load_bundle(folder: Path, table: FeatureTable) -> Bundle:
    """Read a bundle and check all of it.

    Args:
        folder: where it is.
        table: the features that are computed here.

    Raises:
        InvalidBundle: it is missing, damaged, of another format, or made for other features.
    """
    raw = _read(folder / MANIFEST)
    manifest = _parse(raw)
    require_fit(manifest, table)
    contents = {entry.name: _checked(folder, entry) for entry in manifest.files}
    try:
        ensemble = _restore(manifest, table, contents)
    except (ValueError, KeyError, TypeError, SafetensorError) as error:
        raise InvalidBundle(f"its files do not make detectors ({error}); train it anew") from error
    return Bundle(manifest, ensemble, hashlib.sha256(raw).hexdigest())


def read_manifest(folder: Path) -> tuple[Manifest, str]:
    """Read what a bundle says of itself, and its digest; its other files are not looked at.

    Raises:
        InvalidBundle: it is missing, damaged or of another format.
    """
    raw = _read(folder / MANIFEST)
    return _parse(raw), hashlib.sha256(raw).hexdigest()


def read_document(folder: Path, name: str) -> bytes | None:
    """Read a document of a bundle; None if it never had it.

    Raises:
        InvalidBundle: the bundle or the document is damaged.
    """
    manifest, _ = read_manifest(folder)
    return next((_checked(folder, entry) for entry in manifest.files if entry.name == name), None)


def _parse(raw: bytes) -> Manifest:
    try:
        found = msgspec.json.decode(raw, type=dict[str, object]).get("format")
        if found != FORMAT:
            raise InvalidBundle(f"it has the format {found!r}; this program reads {FORMAT}: train it anew")
        return msgspec.json.decode(raw, type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidBundle(f"its {MANIFEST} is no manifest ({error}); copy or train it anew") from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidBundle(f"its file {path.name} cannot be read ({error.strerror or error})") from error


def _checked(folder: Path, entry: FileEntry) -> bytes:
    if Path(entry.name).name != entry.name:
        raise InvalidBundle(f"it names the file {entry.name!r}, which is not in its own folder")
    data = _read(folder / entry.name)
    if len(data) != entry.size or hashlib.sha256(data).hexdigest() != entry.sha256:
        raise InvalidBundle(f"its file {entry.name} is not the one that was saved (size or sha256); copy it anew")
    return data


def _restore(manifest: Manifest, table: FeatureTable, contents: Mapping[str, bytes]) -> Ensemble:
    detectors = []
    for entry in manifest.detectors:
        if entry.kind not in KINDS:
            raise ValueError(f"a detector of the unknown kind {entry.kind!r}")
        detectors.append(KINDS[entry.kind].load(table, entry.config, _finite(load_arrays(contents[entry.file]))))
    calibration = _finite(load_arrays(contents[ENSEMBLE]))
    curves = tuple(_curve(calibration, str(place)) for place in range(len(detectors)))
    weights = np.asarray(calibration["weights"], np.float64)
    if weights.shape != (len(detectors),) or not (weights > 0).all():
        raise ValueError(f"{len(detectors)} detectors need as many positive weights, not {weights.tolist()}")
    return Ensemble(tuple(detectors), curves, weights, _curve(calibration, "fusion"))


def _calibration(ensemble: Ensemble) -> dict[str, NDArray[np.float64]]:
    curves = {**{str(place): curve for place, curve in enumerate(ensemble.curves)}, "fusion": ensemble.fusion}
    arrays = {f"{name}.{part}": array for name, curve in curves.items() for part, array in curve.arrays().items()}
    return {**arrays, "weights": ensemble.weights}


def _curve(arrays: Arrays, name: str) -> TailCurve:
    return TailCurve.of({part: arrays[f"{name}.{part}"] for part in ("scores", "tails", "scale")})


def _finite(arrays: Arrays) -> Arrays:
    for name, array in arrays.items():
        # An infinite scale is the one infinity that means something: no tail beyond the knots.
        if np.isnan(array).any() or (np.isinf(array).any() and not name.endswith("scale")):
            raise ValueError(f"the array {name} holds NaN or infinity")
    return arrays

"""Mappings from files and by name."""

import re
import tomllib
from importlib import resources
from pathlib import Path

import msgspec

from streamer.errors import SettingsError
from streamer.events.mapping import FieldMapping
from streamer.events.mapping_spec import MappingSpec

_SUFFIX = ".toml"
_AT = re.compile(r" - at `\$\.?([^`]*)`")


def presets() -> tuple[str, ...]:
    """Return the names of the mappings of well-known data sets."""
    folder = resources.files("streamer.events") / "presets"
    return tuple(sorted(each.name.removesuffix(_SUFFIX) for each in folder.iterdir() if each.name.endswith(_SUFFIX)))


def open_mapping(name: str | None) -> FieldMapping | None:
    """Read a mapping.

    Args:
        name: a preset, or the path of a TOML file after `MappingSpec`; None gives none.

    Raises:
        SettingsError: there is no such preset or file, or it is no mapping.
    """
    if name is None:
        return None
    try:
        found = msgspec.convert(tomllib.loads(_text(name)), MappingSpec)
        return FieldMapping(found)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"mapping {name!r} is no TOML: {error}") from None
    except msgspec.ValidationError as error:
        raise SettingsError(f"mapping {name!r}: {_explained(str(error))}") from None
    except SettingsError as error:
        raise SettingsError(f"mapping {name!r}: {error}") from None


def _text(name: str) -> str:
    if name in presets():
        return (resources.files("streamer.events") / "presets" / f"{name}{_SUFFIX}").read_text(encoding="utf-8")
    try:
        return Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise SettingsError(f"it cannot be read ({error}); the presets are {', '.join(presets())}") from None


def _explained(fault: str) -> str:
    place = _AT.search(fault)
    if place is None:
        return fault
    return f"{place[1] or 'the file'}: {_AT.sub('', fault)}"

"""Which files an archive consists of."""

from pathlib import Path

from streamer.errors import ArchiveError

PARQUET = ".parquet"
CSV = ".csv"
JSON_LINES = (".jsonl", ".ndjson")
SUFFIXES = (PARQUET, CSV, *JSON_LINES)


def archive_files(path: Path) -> list[Path]:
    """Return the file, or the data files directly in a folder, by name.

    Other files, hidden ones and those whose name begins with `_` are not data.

    Raises:
        ArchiveError: there is no such file, or it is of no known kind.
    """
    if path.is_dir():
        found = sorted(each for each in path.iterdir() if _is_data(each))
        if not found:
            raise ArchiveError(f"folder {str(path)!r} holds no file that ends in {', '.join(SUFFIXES)}")
        return found
    if path.suffix.lower() not in SUFFIXES:
        raise ArchiveError(f"{str(path)!r} is no archive: name a file that ends in {', '.join(SUFFIXES)}, or a folder")
    if not path.is_file():
        raise ArchiveError(f"there is no file {str(path)!r}")
    return [path]


def kind_of(file: Path) -> str:
    """Return the file's suffix in lower case: one of `SUFFIXES`."""
    return file.suffix.lower()


def _is_data(file: Path) -> bool:
    return file.is_file() and kind_of(file) in SUFFIXES and file.name[0] not in "._"

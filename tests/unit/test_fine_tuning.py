"""`streamer train --from`: what comes after a bundle, and what does not go with it."""

from pathlib import Path

import pytest

from streamer.cli.fine_tuning import require_nothing_new, successor_of
from streamer.errors import SettingsError
from tests.helpers.small_bundles import small_bundle


def test_a_successor_belongs_to_the_same_line_and_has_the_next_version(tmp_path: Path) -> None:
    parent, line, version = successor_of(small_bundle(tmp_path / "a", "7"), None, None)
    assert parent is not None
    assert (line, version) == (parent.manifest.made.bundle_id, "8")
    assert successor_of(tmp_path / "a", "other", "x")[1:] == ("other", "x")
    assert successor_of(None, None, None) == (None, None, "1")


def test_a_version_that_is_no_number_has_no_next_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="name the next --version"):
        successor_of(small_bundle(tmp_path / "a", "spring"), None, None)


@pytest.mark.parametrize(("search", "pretrain", "said"), [(3, False, "--search"), (None, True, "--pretrain")])
def test_options_of_new_models_are_refused_beside_from(
    tmp_path: Path, search: int | None, *, pretrain: bool, said: str
) -> None:
    parent, _, _ = successor_of(small_bundle(tmp_path / "a", "1"), None, None)
    with pytest.raises(SettingsError, match=f"{said} .*: leave one out"):
        require_nothing_new(parent, search=search, pretrain=pretrain)
    require_nothing_new(None, search=search, pretrain=pretrain)
    require_nothing_new(parent, search=None, pretrain=False)

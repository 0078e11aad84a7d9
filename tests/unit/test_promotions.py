"""Which bundle is in use: promoted, rolled back, raced for, damaged and interrupted."""

import multiprocessing
import shutil
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.api import FeatureTable
from detectors.bundle import Bundle, save_bundle
from streamer.bundles import bundles_in, is_shelf, open_bundle
from streamer.cards.card import CARD, Comparison, Rival, encode_card
from streamer.comparison import rival_of
from streamer.errors import BundleError, EnvironmentFault
from streamer.promoting import Compare, promote, roll_back
from streamer.promotions import LOCK, PROMOTIONS, Move, Promotions, changing, read_promotions, write_promotions
from streamer.state.features import TABLE
from tests.helpers.cards import some_card
from tests.helpers.small_bundles import MADE, small_bundle, small_ensemble


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """A folder of three bundles, none in use."""
    place = tmp_path / "bundles"
    for version in ("1", "2", "3"):
        small_bundle(place / version, version)
    return place


def verdict(*objections: str) -> Compare:
    """Compare in no time, with this outcome."""

    def compare(old: Bundle, new: Bundle) -> Comparison:
        return Comparison(rival_of(old), rival_of(new), "", "", 1, 0, 0, {}, objections)

    return compare


def put(bundle: Path, *objections: str, force: bool = False) -> None:
    promote(bundle, at=1, force=force, compare=verdict(*objections))


def in_use(shelf: Path) -> str:
    return open_bundle(shelf).manifest.made.version


def test_a_folder_of_bundles_stands_for_the_one_in_use(shelf: Path) -> None:
    with pytest.raises(BundleError, match=r"no bundle in .* is in use"):
        open_bundle(shelf)
    put(shelf / "1")
    assert in_use(shelf) == "1"
    put(shelf / "2")
    assert in_use(shelf) == "2"
    assert open_bundle(shelf / "1").manifest.made.version == "1"


def test_going_back_returns_to_the_one_before_and_the_history_stays(shelf: Path) -> None:
    for version in ("1", "2", "3"):
        put(shelf / version)
    assert roll_back(shelf, at=5).move.bundle == "2"
    assert roll_back(shelf, at=6).move.bundle == "1"
    with pytest.raises(BundleError, match="none was before"):
        roll_back(shelf, at=7)
    assert in_use(shelf) == "1"
    moves = read_promotions(shelf).moves
    assert [(move.kind, move.bundle) for move in moves] == [
        ("promote", "1"),
        ("promote", "2"),
        ("promote", "3"),
        ("rollback", "2"),
        ("rollback", "1"),
    ]


@given(st.lists(st.sampled_from(["a", "b", "c", "back"]), max_size=12))
def test_going_back_undoes_promotions_one_by_one(steps: list[str]) -> None:
    promotions, line = Promotions(), list[str]()
    for at, step in zip(count(), steps, strict=False):
        if step != "back":
            line.append(step)
            promotions = promotions.and_then(Move(kind="promote", bundle=step, sha256=step, at=at))
        elif promotions.before is not None:
            line.pop()
            promotions = promotions.and_then(Move(kind="rollback", bundle=line[-1], sha256=line[-1], at=at))
        assert [move.bundle for move in promotions.line] == line
        assert (promotions.current.bundle if promotions.current else None) == (line[-1] if line else None)


def test_the_one_in_use_is_not_promoted_again(shelf: Path) -> None:
    put(shelf / "1")
    done = promote(shelf / "1", at=9, force=False, compare=verdict("would be worse"))
    assert not done.changed
    assert len(read_promotions(shelf).moves) == 1


def test_a_worse_one_is_refused_unless_forced(shelf: Path) -> None:
    put(shelf / "1")
    with pytest.raises(BundleError, match=r"AP falls by 0\.2; so does recall \(--force"):
        put(shelf / "2", "AP falls by 0.2", "so does recall")
    assert in_use(shelf) == "1"
    put(shelf / "2", "AP falls by 0.2", force=True)
    assert in_use(shelf) == "2"
    assert read_promotions(shelf).moves[-1].overruled == ("AP falls by 0.2",)


def test_what_was_never_compared_with_the_one_in_use_is_refused(shelf: Path) -> None:
    put(shelf / "1")
    with pytest.raises(BundleError, match=r"never compared with '1'.*--data"):
        promote(shelf / "2", at=1, force=False, compare=None)
    promote(shelf / "2", at=1, force=True, compare=None)
    assert in_use(shelf) == "2"


@pytest.mark.parametrize(("objections", "succeeds"), [((), True), (("it is worse",), False)])
def test_the_comparison_in_a_card_counts(shelf: Path, objections: tuple[str, ...], *, succeeds: bool) -> None:
    put(shelf / "1")
    old = Rival("small", "1", open_bundle(shelf / "1").sha256)
    comparison = Comparison(old, None, "", "", 1, 0, 0, {}, objections)
    small_bundle(shelf / "4", "4", {CARD: encode_card(some_card(comparison))})
    if succeeds:
        promote(shelf / "4", at=1, force=False, compare=None)
        assert in_use(shelf) == "4"
        return
    with pytest.raises(BundleError, match="it is worse"):
        promote(shelf / "4", at=1, force=False, compare=None)
    put(shelf / "2")
    with pytest.raises(BundleError, match="never compared with '2'"):
        promote(shelf / "4", at=1, force=False, compare=None)


def test_of_two_at_once_the_second_must_look_again(shelf: Path) -> None:
    put(shelf / "1")

    def overtaken(old: Bundle, new: Bundle) -> Comparison:
        put(shelf / "3")
        return verdict()(old, new)

    with pytest.raises(BundleError, match=r"meanwhile '3' was put in use .* instead of '1'"):
        promote(shelf / "2", at=1, force=True, compare=overtaken)
    assert in_use(shelf) == "3"


def _count_up(shelf: Path, times: int) -> None:
    for at in range(times):
        with changing(shelf):
            move = Move(kind="promote", bundle="1", sha256="0", at=at)
            write_promotions(shelf, read_promotions(shelf).and_then(move))


def test_changes_of_several_processes_all_count(shelf: Path) -> None:
    spawn = multiprocessing.get_context("fork")
    writers = [spawn.Process(target=_count_up, args=(shelf, 25)) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(read_promotions(shelf).moves) == 100


@pytest.mark.parametrize("at", ["write_bytes", "replace"])
def test_an_interrupted_change_leaves_the_old_one_and_stops_nobody(
    shelf: Path, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    put(shelf / "1")
    if at == "replace":
        with monkeypatch.context() as broken:

            def fail(*_: object) -> None:
                raise OSError(28, "No space left on device")

            broken.setattr(Path, "replace", fail)
            with pytest.raises(EnvironmentFault, match="No space left"):
                put(shelf / "2")
    else:
        # What a kill in the midst of writing leaves.
        (shelf / f"{PROMOTIONS}.unfinished").write_bytes(b'{"format": 1, "mov')
        (shelf / LOCK).write_bytes(b"")
    assert in_use(shelf) == "1"
    put(shelf / "2")
    assert in_use(shelf) == "2"


MOVE = '{"kind": "promote", "bundle": "1", "sha256": "0", "at": 1}'
BACK = '{"kind": "rollback", "bundle": "1", "sha256": "0", "at": 1}'


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"format": 2, "moves": []}',
        '{"format": 1, "moves": [1]}',
        f'{{"format": 1, "moves": [{MOVE.replace("promote", "destroy")}]}}',
        f'{{"format": 1, "moves": [{MOVE.replace(chr(34) + "1" + chr(34), chr(34) + "../1" + chr(34))}]}}',
        f'{{"format": 1, "moves": [{BACK}]}}',
        f'{{"format": 1, "moves": [{MOVE}, {BACK}]}}',
        "\x00\xff",
    ],
)
def test_damaged_promotions_are_told_and_nothing_is_overwritten(shelf: Path, text: str) -> None:
    (shelf / PROMOTIONS).write_text(text, encoding="latin-1")
    acts: list[Callable[[], object]] = [
        lambda: open_bundle(shelf),
        lambda: put(shelf / "2", force=True),
        lambda: roll_back(shelf, at=1),
    ]
    for act in acts:
        with pytest.raises(BundleError, match=r"promotions\.json.*restore it, or remove it"):
            act()
    assert (shelf / PROMOTIONS).read_text(encoding="latin-1") == text


def test_another_bundle_of_the_same_name_is_not_the_one_that_was_promoted(shelf: Path) -> None:
    put(shelf / "1")
    put(shelf / "2")
    for name in ("1", "2"):
        shutil.rmtree(shelf / name)
        small_bundle(shelf / name, "9")
    with pytest.raises(BundleError, match="not the one that was promoted"):
        open_bundle(shelf)
    with pytest.raises(BundleError, match="not the one that was in use"):
        roll_back(shelf, at=1)
    put(shelf / "1", force=True)
    assert in_use(shelf) == "9"


def test_going_back_to_what_is_gone_changes_nothing(shelf: Path) -> None:
    put(shelf / "1")
    put(shelf / "2")
    shutil.rmtree(shelf / "1")
    with pytest.raises(BundleError, match=r"manifest\.json cannot be read"):
        roll_back(shelf, at=1)
    assert in_use(shelf) == "2"


def test_what_cannot_be_used_is_not_promoted(shelf: Path) -> None:
    put(shelf / "1")
    (shelf / "2" / "tails.safetensors").write_bytes(b"")
    with pytest.raises(BundleError, match=r"tails\.safetensors"):
        put(shelf / "2", force=True)
    other = FeatureTable((replace(TABLE.features[0], unit="EUR"), *TABLE.features[1:]), TABLE.window)
    save_bundle(shelf / "other", small_ensemble(1), other, MADE)
    with pytest.raises(BundleError, match="log_amount has unit 'EUR'"):
        put(shelf / "other", force=True)
    with pytest.raises(BundleError, match="absent"):
        put(shelf / "absent", force=True)
    with pytest.raises(BundleError, match=r"is a folder of bundles: name one in it"):
        put(shelf, force=True)
    assert in_use(shelf) == "1"


def test_a_bundle_in_use_that_is_damaged_is_replaced_by_force(shelf: Path) -> None:
    put(shelf / "1")
    (shelf / "1" / "tails.safetensors").write_bytes(b"")
    with pytest.raises(BundleError, match="cannot be compared with the one in use"):
        put(shelf / "2")
    put(shelf / "2", force=True)
    assert in_use(shelf) == "2"


def test_folders_without_bundles(tmp_path: Path) -> None:
    assert bundles_in(tmp_path) == ()
    assert not is_shelf(tmp_path)
    with pytest.raises(BundleError, match=r"manifest\.json"):
        open_bundle(tmp_path)
    with pytest.raises(EnvironmentFault, match="there is no folder"):
        roll_back(tmp_path / "absent", at=1)
    with pytest.raises(BundleError, match="nothing to go back to"):
        roll_back(tmp_path, at=1)


def test_unfinished_bundles_are_no_bundles(shelf: Path) -> None:
    shutil.copytree(shelf / "1", shelf / "4.unfinished")
    assert [path.name for path in bundles_in(shelf)] == ["1", "2", "3"]


def test_a_relative_path_and_a_link_lead_to_the_same_folder(
    shelf: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(shelf)
    put(Path("1"))
    (tmp_path / "link").symlink_to(shelf)
    put(tmp_path / "link" / "2")
    assert in_use(shelf) == "2"

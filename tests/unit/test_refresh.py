"""A worker takes over the bundle that is put in use, between two micro-batches, or stays with the one it has."""

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from detectors.bundle import Bundle
from streamer.bundles import open_bundle
from streamer.clock import ManualClock
from streamer.events.record import Message
from streamer.promoting import promote, roll_back
from streamer.promotions import PROMOTIONS
from streamer.refresh import BundleWatch
from streamer.transport.memory import MemoryBroker
from tests.helpers.lives import NOW_MS, Life, outputs, settings_for
from tests.helpers.small_bundles import small_bundle

PAYMENT = b'{"transaction_id":"t%d","user_id":"u%d","amount":1,"timestamp":%d}'


class Watched:
    """A folder of bundles and who watches it."""

    def __init__(self, place: Path) -> None:
        self.place = place
        for version in ("1", "2", "3"):
            small_bundle(place / version, version)
        self.put("1")
        self.warmed: list[str] = []
        self.taken_over: list[str] = []
        self.causes: list[str | None] = []
        self.now = 0.0
        self.watch = self.watching(self._warm_up)

    def watching(self, warm_up: Callable[[Bundle], None]) -> BundleWatch:
        return BundleWatch(
            self.place,
            open_bundle(self.place),
            every_s=5.0,
            warm_up=warm_up,
            taken_over=lambda bundle: self.taken_over.append(bundle.manifest.made.version),
            refused=self.causes.append,
        )

    def _warm_up(self, bundle: Bundle) -> None:
        assert threading.current_thread() is not threading.main_thread()
        self.warmed.append(bundle.manifest.made.version)

    def put(self, version: str) -> None:
        promote(self.place / version, at=1, force=True, compare=None)

    def look(self) -> str | None:
        """Look after a while, and again until what was begun has ended."""
        self.now += 5
        found = self.watch.look(self.now)
        deadline = time.monotonic() + 60
        while found is None and any(each.name == "bundle" for each in threading.enumerate()):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        found = found or self.watch.look(self.now)
        return None if found is None else found.manifest.made.version


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path / "bundles")


def test_another_one_is_handed_over_once_and_warm(watched: Watched) -> None:
    assert watched.look() is None
    watched.put("2")
    assert watched.look() == "2"
    assert watched.look() is None
    assert watched.warmed == watched.taken_over == ["2"]
    assert watched.watch.bundle.manifest.made.version == "2"
    roll_back(watched.place, at=2)
    assert watched.look() == "1"


def test_it_looks_no_more_often_than_it_is_told(watched: Watched) -> None:
    assert watched.look() is None
    watched.put("2")
    assert watched.watch.look(watched.now + 4.9) is None
    assert not any(each.name == "bundle" for each in threading.enumerate())
    assert watched.look() == "2"


def test_one_that_cannot_be_used_leaves_the_old_one_and_is_told_once(watched: Watched) -> None:
    watched.put("2")
    tails = watched.place / "2" / "tails.safetensors"
    whole = tails.read_bytes()
    tails.write_bytes(whole[:-1])
    with capture_logs() as logs:
        assert [watched.look(), watched.look(), watched.look()] == [None, None, None]
    assert watched.watch.bundle.manifest.made.version == "1"
    assert [entry["log_level"] for entry in logs] == ["error"]
    assert "tails.safetensors" in logs[0]["cause"]
    assert watched.causes == [logs[0]["cause"]] * 3
    tails.write_bytes(whole)
    assert watched.look() == "2", "it may have been on its way"
    assert watched.causes[-1] is None


def test_one_that_was_taken_back_is_refused_no_more_and_told_again(watched: Watched) -> None:
    watched.put("2")
    (watched.place / "2" / "tails.safetensors").unlink()
    with capture_logs() as logs:
        assert watched.look() is None
        watched.put("1")
        assert watched.look() is None
        (watched.place / PROMOTIONS).write_bytes(b"{")
        assert watched.look() is None
    assert watched.causes == [logs[0]["cause"], None, logs[1]["cause"]]


@pytest.mark.parametrize("damage", [lambda path: path.write_bytes(b"{"), lambda path: path.unlink()])
def test_damaged_or_missing_promotions_change_nothing(watched: Watched, damage: Callable[[Path], object]) -> None:
    damage(watched.place / PROMOTIONS)
    assert watched.look() is None
    assert watched.watch.bundle.manifest.made.version == "1"


def test_a_bundle_that_cannot_judge_stops_no_worker(watched: Watched) -> None:
    def fail(_: Bundle) -> None:
        raise FloatingPointError("overflow")

    watched.watch = watched.watching(fail)
    watched.put("2")
    with capture_logs() as logs:
        assert watched.look() is None
    assert "overflow" in logs[0]["cause"]


def test_a_bundle_itself_is_not_watched(tmp_path: Path) -> None:
    place = small_bundle(tmp_path / "one", "1")
    watch = BundleWatch(
        place,
        open_bundle(place),
        every_s=5.0,
        warm_up=lambda _: None,
        taken_over=lambda _: pytest.fail("none came"),
        refused=lambda _: pytest.fail("none came"),
    )
    assert watch.look(100.0) is None


def test_a_worker_goes_on_with_the_new_one(watched: Watched) -> None:
    settings = settings_for(None, {"worker.max_poll_records": "10"})
    clock = ManualClock(NOW_MS / 1000)
    broker = MemoryBroker({"transactions": 1, "alerts": 1, "dead-letters": 1, "scores": 1}, now_ms=lambda: NOW_MS)
    worker = Life(broker, settings, watched.watch.bundle, clock, "w", bundles=watched.watch)
    producer = broker.producer()

    def judged(begin: int, end: int) -> list[str]:
        for number in range(begin, end):
            value = PAYMENT % (number, number % 7, 1_700_000_000_000 + number)
            producer.send(Message("transactions", b"u", value))
        producer.flush(timeout_s=1)
        turn_until(lambda: len(outputs(broker, settings)["scores"]) == end)
        scores = [json.loads(record.value or b"") for record in outputs(broker, settings)["scores"]]
        assert {score["transaction_id"] for score in scores} == {f"t{number}" for number in range(end)}
        return [score["bundle_version"] for score in scores[begin:]]

    def turn_until(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < deadline
            clock.advance(1.0)
            worker.turn()

    assert judged(0, 100) == ["1"] * 100
    watched.put("2")
    turn_until(lambda: watched.taken_over == ["2"])
    assert judged(100, 200) == ["2"] * 100

"""Two workers of one lasting name: loud, never quietly both at work, and in the end one goes."""

import urllib.error
import urllib.request
from pathlib import Path

from tests.helpers.forked import forked_worker
from tests.helpers.worker import RunningWorker, Topics, eventually

NAME = ("--set", "kafka.group_instance_id=twin")
CAUSE = "another process uses the same kafka.group_instance_id"


def readiness(running: RunningWorker) -> str:
    """Return what the worker says of its readiness; nothing if it has ended."""
    try:
        with urllib.request.urlopen(f"{running.url}/readyz", timeout=2) as answer:
            return str(answer.read(), "utf-8")
    except urllib.error.HTTPError as error:
        with error:
            return str(error.read(), "utf-8")
    except OSError:
        return ""


def test_workers_of_one_name_tell_each_other_though_nothing_is_to_be_read(
    kafka: str, bundle: Path, tmp_path: Path
) -> None:
    topics = Topics(kafka).create(partitions=2)
    with (
        forked_worker(topics, bundle, tmp_path / "first", *NAME) as first,
        forked_worker(topics, bundle, tmp_path / "second", *NAME) as second,
    ):
        both = (first, second)
        eventually("one is not ready and says why", lambda: any(CAUSE in readiness(each) for each in both))
        eventually("one gives up", lambda: any(each.process.poll() is not None for each in both))
        loser, winner = both if first.process.poll() is not None else (second, first)
        assert loser.process.poll() == 7, loser.text()
        assert CAUSE in loser.text().splitlines()[-1]
        eventually("the other works", winner.ready)
        assert winner.stop() == 0

"""What is shown of long work: counts with their rates, in a terminal and where there is none."""

import re
from collections.abc import Callable
from io import StringIO

import pytest
from rich.console import Console
from rich.progress import Progress as Bars

from detectors.training.config import Progress
from streamer.progress import RateColumn, counting, rate_text
from streamer.training_progress import training


def shown(work: Callable[[Console], None], *, terminal: bool) -> str:
    file = StringIO()
    work(Console(file=file, force_terminal=terminal, color_system=None, width=200, legacy_windows=False))
    return file.getvalue()


def count_twice(console: Console) -> None:
    with counting("payments judged", console) as count:
        count(1_500)
        count(500)


def train_two(console: Console) -> None:
    with training(console) as move:
        for model, steps in (("vae", 3), ("gan", 2)):
            for step in range(1, steps + 1):
                move(Progress(model, step, 4, loss=1.25, windows=256))


@pytest.mark.parametrize("terminal", [True, False])
def test_a_count_comes_with_its_rate(*, terminal: bool) -> None:
    assert re.search(r"payments judged +2,000 +[\d,]+ payments/s +0:00:00", shown(count_twice, terminal=terminal))


def test_a_file_gets_one_line_for_each_count() -> None:
    assert len(shown(count_twice, terminal=False).strip().splitlines()) == 1


def test_a_terminal_gets_a_bar_for_each_model() -> None:
    text = shown(train_two, terminal=True)
    assert re.search(r"training vae .*3/4 +[\d,]+ windows/s +loss 1\.250", text)
    assert re.search(r"training gan .*2/4 +[\d,]+ windows/s +loss 1\.250", text)
    assert "trained" not in text


def test_a_file_gets_a_line_for_each_model_that_is_done() -> None:
    vae, gan = shown(train_two, terminal=False).splitlines()
    assert re.fullmatch(r"trained vae: 3 of 4 steps in 0\.\d s, [\d,]+ windows/s, loss 1\.250", vae)
    assert gan.startswith("trained gan: 2 of 4 steps")


def test_a_model_that_was_left_is_not_called_trained() -> None:
    def leave(console: Console) -> None:
        with training(console) as move:
            move(Progress("vae", 1, 4, loss=1.0, windows=256))
            raise KeyboardInterrupt

    def interrupted(console: Console) -> None:
        with pytest.raises(KeyboardInterrupt):
            leave(console)

    assert "trained" not in shown(interrupted, terminal=False)


def test_the_rate_is_that_of_the_time_that_passed() -> None:
    now = 100.0
    with Bars(console=Console(file=StringIO()), get_time=lambda: now, auto_refresh=False) as bars:
        bars.add_task("", total=1.0, events=0)
        (task,) = bars.tasks
        assert RateColumn("events", "events").render(task).plain == ""
        now = 104.0
        bars.update(task.id, completed=0.5, events=8_000)
        assert RateColumn("events", "events").render(task).plain == "2,000 events/s"
        bars.stop_task(task.id)
        now = 200.0
        assert RateColumn("events", "events").render(task).plain == "2,000 events/s"


def test_no_time_has_no_rate() -> None:
    assert rate_text(5, 0.0, "records") == ""
    assert rate_text(12_345, 0.5, "records") == "24,690 records/s"

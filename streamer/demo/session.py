"""The demonstration from start to end: broker, history, training, worker, live payments, summary."""

import shutil
import socket
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rich.console import Console
from rich.live import Live

from streamer.clock import Clock
from streamer.demo.feed import Feed
from streamer.demo.model import Stopped, bundle_for
from streamer.demo.options import DemoOptions
from streamer.demo.scoreboard import Scoreboard
from streamer.demo.screen import View, render
from streamer.demo.subprocess_worker import SubprocessWorker
from streamer.demo.summary import Summary
from streamer.demo.watcher import Watcher
from streamer.errors import EnvironmentFault, TransportError
from streamer.settings import KafkaSettings
from streamer.simulate.stream import simulate
from streamer.transport.embedded import EmbeddedKafka
from streamer.transport.embedded_process import FolderLock
from streamer.transport.kafka import KafkaConsumer, KafkaProducer
from streamer.transport.kafka_admin import create_topics

INPUT, ALERTS, DEAD_LETTERS = "transactions", "alerts", "dead-letters"
SETTLE_S = 30.0
START_TIMEOUT_S = 60.0
REFRESH_S = 0.25


class Session:
    """One run; use it once."""

    def __init__(self, options: DemoOptions, *, console: Console, clock: Clock, stopping: threading.Event) -> None:
        """Describe the run.

        Args:
            options: choices.
            console: for people; standard error.
            clock: measures and paces.
            stopping: set by Ctrl-C; the run then drains and stops.
        """
        self._options = options
        self._console = console
        self._clock = clock
        self._stopping = stopping
        self._scoreboard = Scoreboard()
        self._started = clock.monotonic()
        self._live_at: float | None = None
        self._backlog_per_s = 0.0

    def run(self) -> Summary | None:
        """Run to the end of the duration or until stopped; None when stopped before the live part.

        Raises:
            StreamerError: something this machine lacks, or a part that failed.
        """
        with ExitStack() as stack:
            folder = stack.enter_context(_run_folder(self._options.folder))
            kafka = EmbeddedKafka(folder / "kafka", cache=self._options.folder / "cache")
            broker = stack.enter_context(ThreadPoolExecutor(1)).submit(kafka.start)
            stack.callback(kafka.stop)
            try:
                bundle = bundle_for(self._options, self._clock, self._console, self._stopping)
            except Stopped:
                return None
            self._say("starting Kafka")
            broker.result()
            settings = KafkaSettings(bootstrap_servers=kafka.bootstrap)
            create_topics(settings, {INPUT: self._options.partitions, ALERTS: 1, DEAD_LETTERS: 1})
            worker = stack.enter_context(self._worker(folder, settings, bundle))
            history = self._feed(settings, live=False)
            history.start()
            stack.callback(history.stopping.set)
            self._say("starting the worker")
            worker.wait_until_serving(timeout_s=START_TIMEOUT_S, stopping=self._stopping)
            consumer = KafkaConsumer(settings.model_copy(update={"group_id": f"demo-{uuid.uuid4().hex}"}))
            stack.callback(consumer.close)
            watcher = Watcher(consumer, ALERTS, worker.metrics_url, self._scoreboard, self._clock)
            watch = f"{sys.executable} -m kafka.consumer -b {kafka.bootstrap} -t {ALERTS} -C auto_offset_reset=earliest"
            # Printed as one unbroken line too, to be copied; the screen may have to wrap it.
            self._console.print(f"watch the alerts: {watch}", soft_wrap=True, highlight=False)
            self._console.print(f"metrics: {worker.metrics_url}", soft_wrap=True, highlight=False)
            return self._show(worker, watcher, history, settings, watch)

    def _show(
        self, worker: SubprocessWorker, watcher: Watcher, history: Feed, settings: KafkaSettings, watch: str
    ) -> Summary | None:
        with Live(console=self._console, refresh_per_second=4, transient=False) as live:

            def look(phase: str) -> None:
                worker.require_running()
                watcher.look()
                live.update(render(self._view(phase, watcher, worker.metrics_url, watch)))
                time.sleep(REFRESH_S)

            while not self._stopping.is_set() and (history.is_alive() or watcher.received < history.sent):
                look(f"learning the history, {history.sent:,} payments")
                _raise_failure(history)
                self._backlog_per_s = max(self._backlog_per_s, watcher.events_per_s)
            if self._stopping.is_set():
                return None
            watcher.begin_live()
            self._live_at = self._clock.monotonic()
            feed = self._feed(settings, live=True)
            feed.start()
            while not self._stopping.is_set() and self._remaining_s() > 0 and feed.is_alive():
                look("live")
            live_s = self._clock.monotonic() - self._live_at
            feed.stopping.set()
            feed.join()
            _raise_failure(feed)
            deadline = self._clock.monotonic() + SETTLE_S
            while watcher.judged < feed.sent:
                look("draining")
                if self._clock.monotonic() > deadline:
                    raise TransportError(f"the worker judged only {watcher.judged} of {feed.sent}: see {worker.log}")
            # Alerts are produced before their batch counts as judged: one more look has them all.
            look("stopped")
        return Summary.of(
            watcher,
            self._scoreboard.score(judged=feed.sent),
            seconds_to_live=self._live_at - self._started,
            live_s=live_s,
            backlog_per_s=self._backlog_per_s,
            worker_exit=worker.stop(),
        )

    def _view(self, phase: str, watcher: Watcher, url: str, watch: str) -> View:
        return View(
            phase=phase,
            events_per_s=watcher.events_per_s,
            lag=watcher.lag,
            p50_ms=watcher.latency_ms(0.5) if self._live_at else None,
            p99_ms=watcher.latency_ms(0.99) if self._live_at else None,
            judged=watcher.judged,
            score=self._scoreboard.score(judged=watcher.judged),
            alerts=list(watcher.lines),
            metrics_url=url,
            watch=watch,
        )

    def _feed(self, settings: KafkaSettings, *, live: bool) -> Feed:
        options = self._options
        return Feed(
            simulate(options.world, options.live if live else options.history),
            lambda: KafkaProducer(settings),
            INPUT,
            self._clock,
            rate=options.rate if live else None,
            scoreboard=self._scoreboard if live else None,
        )

    def _worker(self, folder: Path, settings: KafkaSettings, bundle: Path) -> SubprocessWorker:
        port = _free_port() if self._options.port is None else self._options.port
        flags = {
            "kafka.bootstrap_servers": settings.bootstrap_servers,
            "topics.transactions": INPUT,
            "topics.alerts": ALERTS,
            "topics.dead_letters": DEAD_LETTERS,
            "alerts.alerts_per_million": str(self._options.alerts_per_million),
            "worker.bundle": str(bundle),
            "http.port": str(port),
            "log.format": "json",
        }
        command = [sys.executable, "-m", "streamer", "run"]
        for name, value in flags.items():
            command += ["--set", f"{name}={value}"]
        return SubprocessWorker(command, folder, metrics_url=f"http://127.0.0.1:{port}/metrics")

    def _remaining_s(self) -> float:
        if self._options.duration_s is None or self._live_at is None:
            return float("inf")
        return self._live_at + self._options.duration_s - self._clock.monotonic()

    def _say(self, what: str) -> None:
        self._console.print(f"[dim]{self._clock.monotonic() - self._started:5.1f} s[/dim]  {what}")


def _raise_failure(feed: Feed) -> None:
    if feed.failure is not None:
        raise feed.failure


@contextmanager
def _run_folder(folder: Path) -> Iterator[Path]:
    """Give the run an empty folder that no other run shares; a failed run leaves its logs there.

    Raises:
        EnvironmentFault: it cannot be made, or another demo runs in it.
    """
    run = folder / "run"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FolderLock(folder / "demo.pid")
        shutil.rmtree(run, ignore_errors=True)
        run.mkdir()
    except OSError as error:
        raise EnvironmentFault(
            f"the demo cannot write to {str(folder)!r} ({error}): choose another folder by --folder"
        ) from error
    try:
        yield run
    finally:
        lock.release()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

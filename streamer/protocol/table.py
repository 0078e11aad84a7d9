"""The comparison as tables for people and as a document for programs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from itertools import groupby

import numpy as np
from rich import box
from rich.table import Table

from streamer.protocol.contest import Entry
from streamer.protocol.sample import Sample
from streamer.protocol.split import Split

_SHOWN_RATE = 0.005

Column = tuple[str, Callable[[Entry], float | None], str]
"""Heading, value and format."""

_COST: tuple[Column, ...] = (
    ("parameters", lambda e: e.parameters, ",.0f"),
    ("seconds of training", lambda e: e.training_s, ",.1f"),
    ("windows/s", lambda e: e.windows_per_s, ",.0f"),
)


def tables_of(entries: Sequence[Entry], sample: Sample, *, cards_per_day: int) -> tuple[Table, Table]:
    """Return what models are worth and what they cost, one row a model: means over seeds ± half their range.

    Args:
        entries: those of a model adjacent.
        sample: what they were judged on.
        cards_per_day: how many cards can be looked at.
    """
    learnt, judged = (f"{len(part):,}" for part in (sample.train, sample.test))
    title = f"{learnt} payments to learn from, {judged} judged, {int(sample.truth.fraud.sum()):,} of them fraud"
    seeds = len({entry.seed for entry in entries})
    if seeds > 1:
        title += f"; means of {seeds} seeds ± half of the range"
    return _table(title, _worth(cards_per_day), entries), _table("", _COST, entries)


def document_of(
    entries: Sequence[Entry], sample: Sample, split: Split, settings: Mapping[str, object]
) -> dict[str, object]:
    """Return everything that was found, and what it was found with, as JSON knows it."""
    return {
        "settings": dict(settings),
        "split": asdict(split),
        "train": {"payments": len(sample.train), "frauds": int(sample.train_fraud.sum())},
        "test": {
            "payments": len(sample.test),
            "frauds": int(sample.truth.fraud.sum()),
            "cards": len(np.unique(sample.truth.card)),
            "left_out_of_known_cards": sample.known,
        },
        "unlabelled": sample.unlabelled,
        "rejected": sample.rejected,
        "models": [asdict(entry) for entry in entries],
    }


def _worth(cards_per_day: int) -> tuple[Column, ...]:
    return (
        ("AUC", lambda e: e.figures.auc, ".3f"),
        ("AP", lambda e: e.figures.average_precision, ".3f"),
        (f"CP@{cards_per_day}", lambda e: e.figures.card_precision, ".3f"),
        ("recall 0.1 %", lambda e: e.figures.recall_at[0.001], ".3f"),
        ("recall 0.5 %", lambda e: e.figures.recall_at[0.005], ".3f"),
        ("recall 1 %", lambda e: e.figures.recall_at[0.01], ".3f"),
        ("value 0.5 %", lambda e: e.figures.value_recall_at[_SHOWN_RATE], ".3f"),
        ("alerts a fraud 0.5 %", lambda e: e.figures.alerts_per_fraud_at[_SHOWN_RATE], ".1f"),
    )


def _table(title: str, columns: Sequence[Column], entries: Sequence[Entry]) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE, pad_edge=False)
    table.add_column("model", no_wrap=True)
    table.add_column("labels")
    for heading, _, _ in columns:
        table.add_column(heading, justify="right", overflow="fold")
    for model, group in groupby(entries, key=lambda entry: entry.model):
        row = list(group)
        learnt = "yes" if row[0].needs_labels else ""
        table.add_row(model, learnt, *(_cell([value(entry) for entry in row], form) for _, value, form in columns))
    return table


def _cell(values: Sequence[float | None], form: str) -> str:
    found = [value for value in values if value is not None]
    if len(found) < len(values):
        return "–"
    text = format(float(np.mean(found)), form)
    spread = (max(found) - min(found)) / 2
    return f"{text} ± {format(spread, form)}" if spread else text

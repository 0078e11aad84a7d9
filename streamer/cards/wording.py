"""The words of cards: names of figures, numbers and rows, for HTML and Markdown alike."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from detectors.training.bootstrap import Interval
from streamer.cards.card import Comparison, ModelCard, Part

TITLES = {
    "auc": "AUC",
    "average_precision": "average precision",
    "recall_at_0.001": "recall, 0.1 % looked at",
    "recall_at_0.005": "recall, 0.5 % looked at",
    "recall_at_0.01": "recall, 1 % looked at",
    "alert_precision": "alerts that are fraud",
    "alert_recall": "frauds that raise an alert",
    "alerts_a_day": "alerts a day",
    "corruption_auc": "AUC against corruptions",
    "corruption_recall": "corruptions that raise an alert",
}
"""What figures are called, in the order of tables."""

PICTURES = {
    "card_scores.svg": "How risk is spread",
    "card_precision_recall.svg": "Precision and recall",
    "card_alerts.svg": "Alerts on the held-back days",
}
"""Titles of the pictures, by file."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells under headings; the first column is text, the others are numbers."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A title and what stands under it."""

    title: str
    paragraphs: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    table: Table | None = None


def interval_text(interval: Interval) -> str:
    """Write a figure with its interval."""
    value, low, high = (f"{part:.3f}" if abs(part) < 10 else f"{part:,.1f}" for part in _parts(interval))
    return f"{value} ({low} to {high})"


def sections_of(card: ModelCard) -> Iterator[Section]:
    """Yield everything a card says, in the order of reading."""
    yield _summary(card)
    yield _figures(card)
    if card.comparison is not None:
        yield comparison_section(card.comparison)
    yield Section("Limits", items=card.limits)
    yield _data(card)
    yield _making(card)
    yield Section(
        "Features",
        (f"Every payment is seen with up to {card.window} payments of its user; {len(card.features)} features:",),
        table=Table(
            ("name", "unit", "formula", "riskier when", "in every step"),
            tuple(
                (f.name, f.unit, f.formula, _direction(f.risk), "yes" if f.in_window else "no") for f in card.features
            ),
        ),
    )


def comparison_section(comparison: Comparison) -> Section:
    """Describe two bundles on the same payments."""
    old, new = comparison.old, comparison.new
    name = "this bundle" if new is None else f"{new.bundle_id} version {new.version}"
    seen = comparison.learnt_by_old
    said = [
        (
            f"{name} against {old.bundle_id} version {old.version} on the same {comparison.payments:,} payments from "
            f"{comparison.first} to {comparison.last}, {comparison.frauds:,} of them known to be fraud. "
            "The change is new minus old, of alerts a day new divided by old; brackets hold it 95 times in 100."
        )
    ]
    if seen:
        said.append(f"The old bundle learnt from {seen:,} of these payments, which flatters it.")
    rows = tuple(
        (TITLES[figure], *(interval_text(each) for each in (found.old, found.new, found.change)))
        for figure in TITLES
        if (found := comparison.figures.get(figure)) is not None
    )
    verdict = comparison.objections or ("Nothing speaks against the new one.",)
    return Section("Comparison", tuple(said), verdict, Table(("figure", "old", "new", "change"), rows))


def _summary(card: ModelCard) -> Section:
    said = [f"Version {card.version} of the line {card.bundle_id}, made {card.created}."]
    if card.tuned_from is not None:
        parent = card.tuned_from
        said.append(f"Fine-tuned from {parent.bundle_id} version {parent.version} (sha256 {parent.sha256[:12]}).")
    said.append(
        f"It ranks payments by how rare they are among ordinary ones; detectors: "
        f"{', '.join(name for name in card.figures if name != 'ensemble')}."
    )
    return Section("What it is", tuple(said))


def _figures(card: ModelCard) -> Section:
    names = [name for name in TITLES if any(name in found for found in card.figures.values())]
    rows = tuple(
        (TITLES[name], *(interval_text(found[name]) if name in found else "–" for found in card.figures.values()))
        for name in names
    )
    return Section(
        "What it is worth",
        (
            (
                f"On the held-back payments, alerts by a budget of {card.alerts_per_million:g} in a million and before "
                "repeats are hidden. In brackets where a figure would lie, for other users, 95 times in 100."
            ),
        ),
        table=Table(("figure", *card.figures), rows),
    )


def _data(card: ModelCard) -> Section:
    data = card.data
    columns = ("part", "payments", "users", "first", "last", "frauds", "honest", "unlabelled", "fraud rate")
    rows = (_part_row("learnt from", data.learnt), _part_row("held back", data.held_back))
    licence = data.licence if data.licence is not None else "unknown"
    said = f"Source: {data.source}. Licence of the data: {licence}. Records that were no payments: {data.rejected:,}."
    return Section("Data", (said,), table=Table(columns, rows))


def _part_row(name: str, part: Part) -> tuple[str, ...]:
    labels = part.labels
    counts = (f"{count:,}" for count in (labels.fraud, labels.honest, labels.unlabelled))
    rate = "–" if labels.rate is None else f"{labels.rate:.3%}"
    return (name, f"{part.payments:,}", f"{part.users:,}", part.first, part.last, *counts, rate)


def _making(card: ModelCard) -> Section:
    training = card.training
    libraries = ", ".join(f"{name} {version}" for name, version in training.libraries.items())
    items = [f"code: fraud-streamer {training.code_version}", f"seed: {training.seed}", f"with: {libraries}"]
    if training.command:
        items.append(f"command: {training.command}")
    return Section("How it was made", items=tuple(items))


def _direction(risk: int) -> str:
    return {1: "larger", -1: "smaller"}.get(risk, "–")


def _parts(interval: Interval) -> Sequence[float]:
    return interval.value, interval.low, interval.high

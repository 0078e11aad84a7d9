"""Listings and summaries of dead letters, for people and for programs."""

from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from streamer.alerts.texts import time_text
from streamer.cli.printable import printable
from streamer.dead_letters.ledger import Ledger
from streamer.dead_letters.letter import Letter, Position
from streamer.dead_letters.plan import Summary
from streamer.dead_letters.status import Status

_COLUMNS = ("position", "written", "reason", "field", "origin", "status")


def newest(letters: Sequence[Letter], limit: int | None) -> list[Letter]:
    """Return the newest letters, the newest last."""
    in_time = sorted(letters, key=lambda letter: (letter.timestamp, letter.position))
    return in_time if limit is None else in_time[-limit:]


def written_at(letter: Letter) -> str | None:
    """Write when the letter was written; None where the broker did not say."""
    return None if letter.timestamp < 0 else time_text(letter.timestamp)


def print_listing(ledger: Ledger, letters: Sequence[Letter], limit: int | None, console: Console) -> None:
    """Print a table of the newest letters, and counts of all."""
    shown = newest(letters, limit)
    if shown:
        table = Table()
        for column in _COLUMNS:
            table.add_column(column, overflow="fold")
        for letter in shown:
            origin = printable(letter.origin)
            cells = (str(letter.position), written_at(letter) or "unknown", letter.reason, letter.field, origin)
            # As texts, so that nothing in a letter is read as markup.
            table.add_row(*(Text(printable(cell)) for cell in (*cells, ledger.status(letter).value)))
        console.print(table)
    if len(shown) < len(letters):
        console.print(f"the newest {len(shown):,} of {len(letters):,}; see --limit")
    statuses = Counter(ledger.status(letter) for letter in letters)
    counts = ", ".join(f"{statuses[status]:,} {status.value}" for status in Status if statuses[status])
    console.print(f"{len(letters):,} letters" + (f": {counts}" if counts else ""), highlight=False)
    for reason, count in Counter(letter.reason for letter in letters).most_common():
        console.print(Text(f"  {printable(reason):<16}{count:>10,}"))
    if ledger.foreign:
        console.print(foreign_text(ledger.foreign, ledger.foreign_examples), highlight=False)


def listing_document(ledger: Ledger, letters: Sequence[Letter], limit: int | None) -> dict[str, object]:
    """Return the same for programs."""
    return {
        "letters": [letter_facts(letter, ledger.status(letter)) for letter in newest(letters, limit)],
        "total": len(letters),
        "by_status": dict(Counter(ledger.status(letter).value for letter in letters)),
        "by_reason": dict(Counter(letter.reason for letter in letters)),
        "foreign": ledger.foreign,
        "foreign_examples": [str(position) for position in ledger.foreign_examples],
    }


def letter_facts(letter: Letter, status: Status) -> dict[str, object]:
    """Return what a letter says about itself."""
    return {
        "position": str(letter.position),
        "status": status.value,
        "written_at": written_at(letter),
        "reason": letter.reason,
        "field": letter.field,
        "origin_topic": letter.origin_topic,
        "origin_partition": letter.origin_partition,
        "origin_offset": letter.origin_offset,
        "truncated": letter.truncated,
        "redrives": letter.redrives,
    }


def summary_text(summary: Summary, *, dry_run: bool) -> str:
    """Say what a redrive did, or would do."""
    verb = "would be redriven" if dry_run else "redriven"
    lines = [f"{summary.selected:,} letters selected, {summary.redriven:,} {verb}"]
    if summary.done:
        lines.append(f"  {summary.done:,} done before")
    lines += [f"  {count:,} refused, {refusal.value}" for refusal, count in summary.refused.items()]
    if summary.left:
        lines.append(f"  {summary.left:,} left: repeat the command to go on")
    if summary.foreign:
        lines.append(foreign_text(summary.foreign, summary.foreign_examples))
    return "\n".join(lines)


def summary_document(summary: Summary, *, dry_run: bool) -> dict[str, object]:
    """Return the same for programs."""
    return {
        "dry_run": dry_run,
        "selected": summary.selected,
        "redriven": summary.redriven,
        "done_before": summary.done,
        "refused": {refusal.name.lower(): count for refusal, count in summary.refused.items()},
        "left": summary.left,
        "foreign": summary.foreign,
        "foreign_examples": [str(position) for position in summary.foreign_examples],
    }


def foreign_text(count: int, examples: Sequence[Position]) -> str:
    """Say that there are records that are no letters."""
    places = ", ".join(map(str, examples)) + (", …" if count > len(examples) else "")
    return f"{count:,} foreign: records of the topic that are no dead letters of this program; left alone: {places}"

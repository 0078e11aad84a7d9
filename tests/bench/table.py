"""Results for people and for machines."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench.machine import Facts
from tests.bench.timing import Absence, Measurement, ratio


def show(
    results: Sequence[Measurement], absences: Sequence[Absence], bare: Measurement, facts: Facts, console: Console
) -> None:
    """Print a table, one section for each area, and what is missing from it."""
    table = Table(
        title=f"{facts['cpu']}, {facts['cores']} cores, load before {facts['load_average_before']}",
        caption="median of the repetitions (least–most); the ratio compares events a second",
    )
    table.add_column("what", no_wrap=True)
    for column in ("median", "spread", "ratio to bare poll"):
        table.add_column(column, justify="right")
    area = ""
    for each in results:
        if each.area != area:
            area = each.area
            table.add_section()
            table.add_row(f"[bold]{area}[/bold]")
        compared = ratio(each, bare)
        table.add_row(
            f"  {each.what}",
            f"{_number(each.median)} {each.unit}",
            f"{_number(each.least)}–{_number(each.most)}",
            "–" if compared is None else f"{compared:.2f}" if compared >= 0.1 else f"{compared:.2g}",
        )
    console.print(table)
    for absence in absences:
        console.print(f"not measured: {absence.area}, {absence.what}: {absence.why}", markup=False)


def write(
    results: Sequence[Measurement],
    absences: Sequence[Absence],
    bare: Measurement,
    facts: Facts,
    *,
    options: Mapping[str, object],
    path: Path,
) -> None:
    """Write all values as JSON."""
    rows = [
        {
            "area": each.area,
            "what": each.what,
            "unit": each.unit,
            "median": each.median,
            "least": each.least,
            "most": each.most,
            "ratio_to_bare_poll": ratio(each, bare),
            "values": each.values,
        }
        for each in results
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    report = {
        "machine": facts,
        "options": options,
        "results": rows,
        "not_measured": [asdict(each) for each in absences],
    }
    path.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}"

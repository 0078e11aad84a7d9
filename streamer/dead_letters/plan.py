"""Which letters a run redrives, and what became of all that it was asked for."""

from collections import Counter
from dataclasses import dataclass, field
from itertools import islice

from streamer.dead_letters.ledger import Ledger
from streamer.dead_letters.letter import Letter, Position
from streamer.dead_letters.restore import Refusal, Rules
from streamer.dead_letters.selection import Selection
from streamer.dead_letters.status import Status


@dataclass(slots=True)
class Summary:
    """What a run did.

    Attributes:
        selected: letters that the filters chose.
        redriven: records written back by this run.
        done: chosen letters that other runs redrove.
        refused: chosen letters that may not be redriven, by why.
        left: letters not reached: the run was stopped, or they were beyond the limit.
        foreign: records of the topic that are no letters.
        foreign_examples: where the first of those are.
    """

    selected: int = 0
    redriven: int = 0
    done: int = 0
    refused: Counter[Refusal] = field(default_factory=Counter)
    left: int = 0
    foreign: int = 0
    foreign_examples: list[Position] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Request:
    """What a run is asked to do.

    Attributes:
        selection: which letters.
        rules: what may be redriven, and where to.
        limit: most letters to redrive; None for all.
    """

    selection: Selection
    rules: Rules
    limit: int | None


def plan(ledger: Ledger, request: Request) -> tuple[dict[Position, Letter], Summary]:
    """Choose the letters to redrive; the summary counts them as left until they are."""
    chosen = ledger.with_status(request.selection.statuses)
    summary = Summary(selected=len(chosen), foreign=ledger.foreign, foreign_examples=ledger.foreign_examples)
    wanted: dict[Position, Letter] = {}
    for letter in chosen:
        refusal = request.rules.refusal(letter)
        if ledger.status(letter) is Status.REDRIVEN:
            summary.done += 1
        elif refusal is None:
            wanted[letter.position] = letter
        else:
            summary.refused[refusal] += 1
    summary.left = len(wanted)
    return dict(islice(wanted.items(), request.limit)), summary

"""A model card for tests that are about something else."""

from streamer.cards.card import (
    Comparison,
    Curve,
    DataEntry,
    Histogram,
    LabelCount,
    ModelCard,
    Part,
    Training,
)


def some_card(comparison: Comparison | None) -> ModelCard:
    part = Part(1, 1, "2025-01-01T00:00:00.000Z", "2025-01-02T00:00:00.000Z", LabelCount(0, 0, 1, None))
    return ModelCard(
        bundle_id="small",
        version="1",
        created="2025-01-03T00:00:00.000Z",
        training=Training("", 0, "0", {}),
        data=DataEntry("tests", None, 0, part, part),
        window=32,
        features=(),
        alerts_per_million=1_000.0,
        figures={},
        scores=Histogram(0.5, (1.0,), (1.0,), ()),
        precision_recall=Curve((1.0,), (1.0,), 0.5),
        against="corruption",
        days=(),
        tuned_from=None,
        comparison=comparison,
        limits=(),
    )

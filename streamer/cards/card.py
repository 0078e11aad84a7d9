"""The model card: what `card.json` of a bundle holds; its other forms are drawn from it.

After Mitchell et al., "Model Cards for Model Reporting" (2019).
"""

import msgspec

from detectors.manifest import FeatureEntry
from detectors.training.bootstrap import Interval

FORMAT = 1
CARD = "card.json"


class LabelCount(msgspec.Struct, frozen=True):
    """How many payments are known to be what; the rate is that of fraud among those with a label."""

    fraud: int
    honest: int
    unlabelled: int
    rate: float | None


class Part(msgspec.Struct, frozen=True):
    """Payments of one part of the training; times are RFC 3339 in UTC."""

    payments: int
    users: int
    first: str
    last: str
    labels: LabelCount


class DataEntry(msgspec.Struct, frozen=True):
    """What the bundle was made from.

    Attributes:
        source: name of the archive or topic.
        licence: of the data; None where nobody told.
        rejected: records that were no payments.
        learnt: payments that the models learnt from.
        held_back: the payments after these, by which the bundle was calibrated and judged.
    """

    source: str
    licence: str | None
    rejected: int
    learnt: Part
    held_back: Part


class Training(msgspec.Struct, frozen=True):
    """How the bundle was made.

    Attributes:
        command: with secrets masked; empty where it was no command.
        seed: of all randomness.
        code_version: of this program.
        libraries: versions of what else decides the weights, by name.
    """

    command: str
    seed: int
    code_version: str
    libraries: dict[str, str]


class Histogram(msgspec.Struct, frozen=True):
    """Shares of scores in bins of equal width from 0.

    Attributes:
        width: of a bin, in tails.
        ordinary: shares of the payments not known to be fraud.
        corrupted: shares of the corruptions.
        fraud: shares of the frauds; empty where none is known.
    """

    width: float
    ordinary: tuple[float, ...]
    corrupted: tuple[float, ...]
    fraud: tuple[float, ...]


class Curve(msgspec.Struct, frozen=True):
    """Points of a precision-recall curve, and the precision of a coin."""

    recall: tuple[float, ...]
    precision: tuple[float, ...]
    base: float


class Day(msgspec.Struct, frozen=True):
    """One day of the held-back payments."""

    day: str
    payments: int
    alerts: int
    frauds: int


class Rival(msgspec.Struct, frozen=True):
    """Another bundle."""

    bundle_id: str
    version: str
    sha256: str


class Difference(msgspec.Struct, frozen=True):
    """One figure of two bundles on the same payments.

    Attributes:
        old: of the one in use.
        new: of the one that may take its place.
        change: new minus old; of alerts a day, new divided by old.
    """

    old: Interval
    new: Interval
    change: Interval


class Comparison(msgspec.Struct, frozen=True):
    """Two bundles on the same payments.

    Attributes:
        old: the one in use.
        new: the one that may take its place; None in its own card, whose digest it is part of.
        first: event time of the first payment, RFC 3339.
        last: of the last one.
        payments: how many.
        frauds: how many of them are known to be fraud.
        learnt_by_old: payments that the old bundle learnt from or was calibrated by.
        figures: by name.
        objections: why the new one should not take the old one's place; empty where nothing speaks against it.
    """

    old: Rival
    new: Rival | None
    first: str
    last: str
    payments: int
    frauds: int
    learnt_by_old: int
    figures: dict[str, Difference]
    objections: tuple[str, ...]


class ModelCard(msgspec.Struct, frozen=True, kw_only=True):
    """A model card.

    Attributes:
        format: version of this layout.
        bundle_id: name of the line of bundles.
        version: version within the line.
        created: RFC 3339.
        training: how it was made.
        data: from what.
        window: steps of a window.
        features: the feature table.
        alerts_per_million: the alert budget that alerts are counted by.
        figures: by name, for the ensemble and for each detector.
        scores: distribution of the ensemble's risk.
        precision_recall: of the ensemble; against frauds where some are known, else against corruptions.
        against: "fraud" or "corruption", what that curve is about.
        days: the held-back days.
        tuned_from: the bundle that it was fine-tuned from, if any.
        comparison: with that bundle.
        limits: what the bundle cannot do, or nobody knows, in sentences.
    """

    format: int = FORMAT
    bundle_id: str
    version: str
    created: str
    training: Training
    data: DataEntry
    window: int
    features: tuple[FeatureEntry, ...]
    alerts_per_million: float
    figures: dict[str, dict[str, Interval]]
    scores: Histogram
    precision_recall: Curve
    against: str
    days: tuple[Day, ...]
    tuned_from: Rival | None
    comparison: Comparison | None
    limits: tuple[str, ...]


def encode_card(card: ModelCard) -> bytes:
    """Write a card as JSON."""
    return msgspec.json.format(msgspec.json.encode(card), indent=2)


def decode_card(raw: bytes) -> ModelCard:
    """Read a card.

    Raises:
        ValueError: it is none, or of another format.
    """
    try:
        found = msgspec.json.decode(raw, type=dict[str, object]).get("format")
        if found != FORMAT:
            raise ValueError(f"{CARD} has the format {found!r}; this program reads {FORMAT}")
        return msgspec.json.decode(raw, type=ModelCard)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ValueError(f"{CARD} is no model card ({error})") from error

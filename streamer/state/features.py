"""The feature table: what is computed for every event before it changes any state.

Notation: a is the amount (refunds count as 0), m the user's running mean amount, dt the time
between the event and the user's newest one, gap its running mean. A decayed count of horizon
h falls by e every h. Logarithms are natural. Each formula lives as a compiled function in
`streamer/state/families/`; a new feature is one function there and one row here.
"""

from detectors.api import Feature, FeatureTable

WINDOW = 32

# Features of every step of a window come first; their order is the layout of the rings.
FEATURES = (
    Feature("log_amount", "ln(currency)", "ln(a + 0.5)", +1, in_window=True),
    Feature("amount_ratio", "ln(1)", "ln((a + 0.5) / (m + 0.5))", +1, in_window=True),
    Feature("merchant_amount_ratio", "ln(1)", "ln((a + 0.5) / (merchant's m + 0.5))", +1, in_window=True),
    Feature("quickness", "ln(1/h)", "-ln(dt / 1 h), dt at least 1 s, 30 d if first", +1, in_window=True),
    Feature("quickness_ratio", "ln(1)", "ln(gap / dt)", +1, in_window=True),
    Feature("count_1h", "ln(events)", "ln(1 + decayed count, 1 h)", +1, in_window=True),
    Feature("count_1d", "ln(1)", "ln((1 + decayed count, 1 d) / (1 + 1 d / gap))", +1, in_window=True),
    Feature("small_count_1h", "ln(events)", "ln(1 + decayed count, 1 h, of a < m / 4)", +1, in_window=True),
    Feature("merchant_novelty", "ln(1/events)", "-ln(1 + earlier payments to this merchant)", +1, in_window=True),
    Feature("category_rarity", "nat", "-ln(share of this category in the user's events)", +1, in_window=True),
    Feature("hour_rarity", "nat", "-ln(24 × share of this hour in the user's events)", +1, in_window=True),
    Feature("hour_sin", "1", "sin(2π × time of day UTC)", 0, in_window=True),
    Feature("hour_cos", "1", "cos(2π × time of day UTC)", 0, in_window=True),
    Feature("travel_speed", "ln(100 km/h)", "ln(1 + max(0, km - 20) / max(dt, 1 min) / 100 km/h)", +1, in_window=True),
    Feature("count_7d", "ln(1)", "ln((1 + decayed count, 7 d) / (1 + 7 d / gap))", +1, in_window=False),
    Feature(
        "sum_1d", "ln(1)", "ln((m + 0.5 + decayed sum, 1 d, + a) / ((m + 0.5) × (1 + 1 d / gap)))", +1, in_window=False
    ),
    Feature(
        "sum_7d", "ln(1)", "ln((m + 0.5 + decayed sum, 7 d, + a) / ((m + 0.5) × (1 + 7 d / gap)))", +1, in_window=False
    ),
    Feature("amount_deviation", "sd", "(a - m) / (sd + 0.05 m + 0.001)", +1, in_window=False),
    Feature(
        "excess_7d",
        "ln(1)",
        "decayed sum, 7 d, of max(0, amount_ratio - 0.7), this event included",
        +1,
        in_window=False,
    ),
    Feature("new_device", "1", "1 if the user has known devices and this is none of them", +1, in_window=False),
    Feature("new_country", "1", "1 if the user has known countries and this is none of them", +1, in_window=False),
    Feature(
        "merchant_rush",
        "ln(1)",
        "ln((1 + strangers, decayed 1 h) / (1 + usual)) if the user is a stranger",
        +1,
        in_window=False,
    ),
    Feature("history", "ln(events)", "ln(1 + earlier events of the user)", 0, in_window=False),
)

TABLE = FeatureTable(FEATURES, window=WINDOW)

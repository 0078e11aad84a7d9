"""The kinds of panels on the dashboard."""

from collections.abc import Sequence

from grafana_foundation_sdk.builders import common, heatmap, prometheus, stat, timeseries
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.common import BigValueTextMode, StackingMode, TooltipDisplayMode
from grafana_foundation_sdk.models.dashboard import DataSourceRef
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode, HeatmapColorScale
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

Query = tuple[str, str]
"""A legend and an expression."""

CHOSEN = 'job="fraud-streamer", instance=~"$instance"'
"""Selects the series of the workers that the viewer chose."""

_SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
_HEIGHT = 8
_FIGURE_HEIGHT = 4


def rate(metric: str, by: str) -> str:
    """Return the expression of a counter's rate, summed by labels."""
    return f"sum by ({by}) (rate({metric}{{{CHOSEN}}}[$__rate_interval]))"


def quantiles(metric: str) -> list[Query]:
    """Return queries for the median and the tails of a histogram."""
    buckets = rate(f"{metric}_bucket", "le")
    return [
        (name, f"histogram_quantile({level}, {buckets})")
        for name, level in (("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999))
    ]


def figure(title: str, why: str, unit: str, query: Query, *, show_name: bool = False) -> stat.Panel:
    """Make a panel of one present figure, or of the legends where these say it all."""
    return (
        stat.Panel()
        .title(title)
        .description(why)
        .datasource(_SOURCE)
        .span(4)
        .height(_FIGURE_HEIGHT)
        .unit(unit)
        .targets(_targets([query]))
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .text_mode(BigValueTextMode.NAME if show_name else BigValueTextMode.VALUE)
    )


def curves(title: str, why: str, unit: str, queries: Sequence[Query], *, stacked: bool = False) -> timeseries.Panel:
    """Make a panel of curves over time, one for each series."""
    panel = (
        timeseries.Panel()
        .title(title)
        .description(why)
        .datasource(_SOURCE)
        .span(8)
        .height(_HEIGHT)
        .unit(unit)
        .min(0)
        .targets(_targets(queries))
        .tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI))
    )
    if stacked:
        panel.stacking(common.StackingConfig().mode(StackingMode.NORMAL)).fill_opacity(40)
    return panel


def bands(title: str, why: str, metric: str) -> heatmap.Panel:
    """Make a panel of a histogram over time."""
    grown = f"sum by (le) (increase({metric}_bucket{{{CHOSEN}}}[$__rate_interval]))"
    # Rare values are what one looks for: the colours spread out the small counts.
    colours = (
        heatmap.HeatmapColorOptions()
        .mode(HeatmapColorMode.SCHEME)
        .scheme("Oranges")
        .scale(HeatmapColorScale.EXPONENTIAL)
        .exponent(0.3)
        .steps(64)
    )
    return (
        heatmap.Panel()
        .title(title)
        .description(why)
        .datasource(_SOURCE)
        .span(8)
        .height(_HEIGHT)
        .targets(_targets([("{{le}}", grown)], PromQueryFormat.HEATMAP))
        .color(colours)
    )


def _targets(queries: Sequence[Query], form: PromQueryFormat = PromQueryFormat.TIME_SERIES) -> list[Builder[Dataquery]]:
    return [
        prometheus.Dataquery()
        .ref_id(chr(ord("A") + number))
        .datasource(_SOURCE)
        .expr(expression)
        .legend_format(legend)
        .format(form)
        .range()
        for number, (legend, expression) in enumerate(queries)
    ]

"""Prints the Grafana dashboard as JSON.

    python -m deploy.dashboard > deploy/grafana/dashboards/fraud-streamer.json

A test compares the committed file with this, and another asks every expression of a Prometheus
that scraped a worker.
"""

import json
import sys

from grafana_foundation_sdk.builders.dashboard import Dashboard, DatasourceVariable, QueryVariable, Row
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import DashboardCursorSync, DataSourceRef, VariableOption, VariableRefresh

from deploy.panels import CHOSEN, bands, curves, figure, quantiles, rate

PARTITION = "topic, partition"
PARTITION_LEGEND = "{{topic}}/{{partition}}"


def build() -> Dashboard:
    """Lay out all panels: first whether all is well, then why it may not be."""
    board = (
        Dashboard("Fraud Streamer")
        .uid("fraud-streamer")
        .tags(["fraud-streamer"])
        .description("Transactions in, alerts out: flow, latency, judgement and memory of the workers.")
        .refresh("10s")
        .time("now-1h", "now")
        .timezone("utc")
        .readonly()
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .with_variable(DatasourceVariable("datasource").label("Data source").type("prometheus"))
        .with_variable(
            QueryVariable("instance")
            .label("Worker")
            .datasource(DataSourceRef(type_val="prometheus", uid="${datasource}"))
            .query('label_values(streamer_build_info{job="fraud-streamer"}, instance)')
            .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
            .multi(multi=True)
            .include_all(include_all=True)
            .all_value(".*")
            .current(VariableOption(selected=True, text="All", value="$__all"))
        )
    )
    for part in (_health, _flow, _latency, _judgement, _memory, _recovery):
        part(board)
    return board


def _health(board: Dashboard) -> None:
    board.with_row(Row("Is all well?"))
    board.with_panel(
        figure(
            "Workers ready",
            "Workers whose /readyz answers 200.",
            "short",
            ("ready", f"sum(streamer_ready{{{CHOSEN}}})"),
        )
    )
    board.with_panel(
        figure(
            "Partitions stalled",
            "Partitions with records to read that none was read from for worker.stall_after_s.",
            "short",
            ("stalled", f"sum(streamer_stalled{{{CHOSEN}}})"),
        )
    )
    board.with_panel(
        figure("Transactions", "Judged per second.", "cps", ("judged", rate("streamer_events_total", "job")))
    )
    board.with_panel(figure("Lag", "Records not yet read.", "short", ("lag", f"sum(streamer_lag_records{{{CHOSEN}}})")))
    board.with_panel(
        figure(
            "Bundle",
            "What the workers judge by; more than one during a roll-out only.",
            "short",
            ("{{bundle_id}} {{version}}", f"count by (bundle_id, version) (streamer_bundle_info{{{CHOSEN}}})"),
            show_name=True,
        )
    )
    board.with_panel(
        figure(
            "Trained until",
            "Age of the newest payment that the oldest bundle has learnt from.",
            "s",
            ("age", f"time() - min(streamer_bundle_trained_until_timestamp_seconds{{{CHOSEN}}} > 0)"),
        )
    )


def _flow(board: Dashboard) -> None:
    board.with_row(Row("Flow"))
    board.with_panel(
        curves(
            "Transactions per second",
            "Judged, by worker.",
            "cps",
            [("{{instance}}", rate("streamer_events_total", "instance"))],
            stacked=True,
        )
    )
    board.with_panel(
        curves(
            "Lag by partition",
            "Records not yet read. One partition alone means a key that many records share.",
            "short",
            [(PARTITION_LEGEND, f"sum by ({PARTITION}) (streamer_lag_records{{{CHOSEN}}})")],
        )
    )
    board.with_panel(
        curves(
            "Event delay by partition",
            "Wall time minus newest event time, when it was judged.",
            "s",
            [(PARTITION_LEGEND, f"max by ({PARTITION}) (streamer_event_delay_seconds{{{CHOSEN}}})")],
        )
    )
    board.with_panel(
        curves(
            "Rejected per second, by reason",
            "Records that are no transactions; they are in the dead-letter topic.",
            "cps",
            [("{{reason}}", rate("streamer_rejected_total", "reason"))],
            stacked=True,
        )
    )
    board.with_panel(
        curves(
            "Odd ones per second",
            "Late ones and those out of order are judged, repeats are skipped; wrong keys spread a user's "
            "payments over partitions.",
            "cps",
            [
                ("late", rate("streamer_late_total", "job")),
                ("out of order", rate("streamer_out_of_order_total", "job")),
                ("repeated", rate("streamer_duplicates_total", "job")),
                ("key is no user id", rate("streamer_key_mismatch_total", "job")),
                ("dead letters", rate("streamer_dead_letters_total", "job")),
            ],
        )
    )
    board.with_panel(
        curves(
            "Records in one turn",
            "Large batches mean a backlog; the limit is worker.max_poll_records.",
            "short",
            quantiles("streamer_batch_records"),
        )
    )


def _latency(board: Dashboard) -> None:
    board.with_row(Row("Latency"))
    board.with_panel(
        curves(
            "Produced to alert acknowledged",
            "From the record's timestamp to the broker's acknowledgement of its alert.",
            "s",
            quantiles("streamer_alert_latency_seconds"),
        )
    )
    board.with_panel(
        curves(
            "Produced to committed",
            "All transactions, alert or not. The objective is 99 % within a second.",
            "s",
            quantiles("streamer_event_latency_seconds"),
        )
    )
    stages = rate("streamer_stage_seconds_sum", "stage")
    board.with_panel(
        curves(
            "Where the time goes",
            "Share of each stage in the loop's time. Much idle is room for more; much deliver, a slow broker.",
            "percentunit",
            [("{{stage}}", f"{stages} / ignoring (stage) group_left sum({stages})")],
            stacked=True,
        )
    )


def _judgement(board: Dashboard) -> None:
    board.with_row(Row("Judgement"))
    board.with_panel(
        curves(
            "Alerts per second, by level",
            "Published; repeats are hidden for alerts.suppress_s.",
            "cps",
            [
                ("{{level}}", rate("streamer_alerts_total", "level")),
                ("hidden", rate("streamer_suppressed_alerts_total", "job")),
            ],
            stacked=True,
        )
    )
    raised = f"({rate('streamer_alerts_total', 'job')} + {rate('streamer_suppressed_alerts_total', 'job')})"
    board.with_panel(
        curves(
            "Alerts per transaction, and the budget",
            "Hidden repeats included. Well above the budget: fraud at work, or drift. Well below: blindness.",
            "percentunit",
            [
                ("alerts", f"{raised} / {rate('streamer_events_total', 'job')}"),
                ("budget", f"max(streamer_alert_budget_ratio{{{CHOSEN}}})"),
            ],
        )
    )
    board.with_panel(
        bands(
            "Rarity of transactions, in decades",
            "3 is a payment rarer than 1 in 1,000. A calibrated bundle thins out by ten from one decade to the next.",
            "streamer_risk_decades",
        )
    )


def _memory(board: Dashboard) -> None:
    board.with_row(Row("Memory"))
    board.with_panel(
        curves(
            "Users and merchants held",
            "Bounded for each partition by state.users and state.merchants.",
            "short",
            [
                ("users", f"sum(streamer_users{{{CHOSEN}}})"),
                ("merchants", f"sum(streamer_merchants{{{CHOSEN}}})"),
            ],
        )
    )
    board.with_panel(
        curves(
            "Forgotten per second",
            "Least recently used, to stay within the bounds; they come back as newcomers.",
            "cps",
            [("{{kind}}", rate("streamer_evictions_total", "kind"))],
        )
    )
    board.with_panel(
        curves(
            "Memory by worker",
            "Of the process, and of the rows of state in use.",
            "bytes",
            [
                ("process {{instance}}", f"process_resident_memory_bytes{{{CHOSEN}}}"),
                ("state {{instance}}", f"sum by (instance) (streamer_state_bytes{{{CHOSEN}}})"),
            ],
        )
    )
    board.with_panel(
        curves(
            "CPU by worker", "Cores in use.", "short", [("{{instance}}", rate("process_cpu_seconds_total", "instance"))]
        )
    )


def _recovery(board: Dashboard) -> None:
    board.with_row(Row("Recovery"))
    board.with_panel(
        curves(
            "Changes of assignment",
            "Partitions that came, went, or were lost to another worker.",
            "short",
            [("{{kind}}", f"sum by (kind) (increase(streamer_rebalances_total{{{CHOSEN}}}[$__rate_interval]))")],
        )
    )
    board.with_panel(
        curves(
            "Partitions taken over",
            "By what their state was made of; snapshot is the quickest.",
            "short",
            [("{{how}}", f"sum by (how) (increase(streamer_restores_total{{{CHOSEN}}}[$__rate_interval]))")],
        )
    )
    board.with_panel(
        curves(
            "Records to read until the state is whole",
            "Read silently: their outputs were published before.",
            "short",
            [(PARTITION_LEGEND, f"sum by ({PARTITION}) (streamer_restore_records{{{CHOSEN}}})")],
        )
    )
    board.with_panel(
        curves(
            "Snapshots",
            "Failed ones are tried again; the log names the cause. Unusable ones were passed over by a restore.",
            "short",
            [
                ("{{outcome}}", f"sum by (outcome) (increase(streamer_snapshots_total{{{CHOSEN}}}[$__rate_interval]))"),
                ("unusable", f"sum(increase(streamer_unusable_snapshots_total{{{CHOSEN}}}[$__rate_interval]))"),
            ],
        )
    )
    board.with_panel(
        curves(
            "Broken detectors",
            "Payments without a score, payments judged while a detector was broken, and starts anew after fencing.",
            "short",
            [
                ("unscorable", f"sum(increase(streamer_unscorable_total{{{CHOSEN}}}[$__rate_interval]))"),
                ("degraded", f"sum(increase(streamer_degraded_events_total{{{CHOSEN}}}[$__rate_interval]))"),
                ("starts anew", f"sum(increase(streamer_restarts_total{{{CHOSEN}}}[$__rate_interval]))"),
            ],
        )
    )


def as_json() -> str:
    """Return the dashboard as Grafana reads it."""
    return json.dumps(json.loads(JSONEncoder().encode(build().build())), indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    sys.stdout.write(as_json())

"""The JSON Schema of alerts: `python -m streamer.alerts.schema > streamer/alerts/alert.schema.json`."""

import inspect
import json
import sys
from typing import Any

import msgspec

from streamer.alerts.contract import Alert

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def alert_schema() -> dict[str, Any]:
    """Return the JSON Schema of an alert."""
    schema = msgspec.json.schema(Alert)
    for part in schema["$defs"].values():
        part["description"] = inspect.cleandoc(part["description"])
    return {"$schema": DIALECT, "title": "Alert v1", **schema}


def schema_text() -> str:
    """Return the schema as the committed file holds it."""
    return json.dumps(alert_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_text())

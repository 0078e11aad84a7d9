"""The JSON Schemas of what is published.

python -m streamer.alerts.schema alert > streamer/alerts/alert.schema.json
python -m streamer.alerts.schema score > streamer/alerts/score.schema.json
"""

import inspect
import json
import sys
from collections.abc import Mapping
from typing import Any

import msgspec

from streamer.alerts.contract import Alert
from streamer.alerts.score import Score

DIALECT = "https://json-schema.org/draft/2020-12/schema"

CONTRACTS: Mapping[str, type[msgspec.Struct]] = {"alert": Alert, "score": Score}
"""What has a schema, by the name of its file."""


def schema_of(name: str) -> dict[str, Any]:
    """Return the JSON Schema of one of `CONTRACTS`."""
    contract = CONTRACTS[name]
    schema = msgspec.json.schema(contract)
    for part in schema["$defs"].values():
        part["description"] = inspect.cleandoc(part["description"])
    return {"$schema": DIALECT, "title": f"{contract.__name__} v1", **schema}


def schema_text(name: str) -> str:
    """Return the schema as the committed file holds it."""
    return json.dumps(schema_of(name), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_text(sys.argv[1]))

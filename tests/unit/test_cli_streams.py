"""Standard output is for results, whatever is logged and whenever."""

import subprocess
import sys

PROGRAM = """
import structlog
import sys
from streamer.cli import app

sys.argv = ["streamer", "--version"]
try:
    app.main()
finally:
    structlog.get_logger().info("a line of the log")
"""


def test_what_is_logged_before_settings_are_read_goes_to_standard_error() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert "a line of the log" in done.stderr
    assert "a line of the log" not in done.stdout
    assert done.stdout.strip()

"""Fraud Streamer: a worker that scores payment streams and publishes fraud alerts."""

from importlib.metadata import version

__version__ = version("fraud-streamer")

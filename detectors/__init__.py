"""Detectors of fraud in windows of events: arrays in, arrays out, no knowledge of streams."""

"""Alerts: what is worth telling, to whom it is told, and why."""

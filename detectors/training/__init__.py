"""Training: from windows of history to a calibrated bundle."""

"""Transports: where records come from and messages go to."""

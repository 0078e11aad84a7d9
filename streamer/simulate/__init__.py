"""A simulator of card payments with habits and several kinds of fraud."""

"""Kinds of fraud, one module each.

Each has a function `strike(scene, victims)` that returns the payments of that many bursts, in
any order. A burst begins within the scene's day and lasts less than a day.
"""

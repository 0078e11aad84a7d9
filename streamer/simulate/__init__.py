"""A simulator of card payments with habits and several kinds of fraud.

    config -> world (users, merchants) -> honest days + frauds -> events in time order -> sinks

Every day is a function of the configuration and its number alone: any range of days can be
simulated without the ones before, and memory holds one day.
"""

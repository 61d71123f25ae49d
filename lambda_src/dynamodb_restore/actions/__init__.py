"""Operator actions: look at a replay, cut over, abandon it, repair refused items, choose its window; release held settings.

Each action may be called again, and continues where an earlier call stopped.
"""

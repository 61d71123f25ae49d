"""What a person asks for: look at a replay, cut over, abandon it, repair what was refused, choose its window; release
settings that were held.

Each action may be repeated, and takes up where an earlier try stopped.
"""

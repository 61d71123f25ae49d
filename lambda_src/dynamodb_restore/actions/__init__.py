"""What a person asks for about a replay: look at it, cut over, abandon it, repair what was refused, choose its window.

Each action may be repeated, and takes up where an earlier try stopped.
"""

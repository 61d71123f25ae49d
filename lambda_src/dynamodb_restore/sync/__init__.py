"""Bringing a target's settings to the desired state: run (all settings), task (one of them), outcome (how it ended).

This room knows settings, and nothing of restores, pipelines or records: whoever wants steps on record passes a `StepLog`.
"""

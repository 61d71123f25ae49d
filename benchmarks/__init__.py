"""Measurements, in an environment of their own: what is imported here reads it while it is imported."""

from tests.aws.environment import isolate

isolate()

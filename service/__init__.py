"""Scheduler Service: a distributed HTTP job scheduler on PostgreSQL."""

__version__ = "1.0.0"

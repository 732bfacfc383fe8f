"""Scheduler Service: a distributed HTTP job scheduler on PostgreSQL."""

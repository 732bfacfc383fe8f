"""Measures the service beside baselines taken in the same run; `make bench` runs it, see __main__.py."""

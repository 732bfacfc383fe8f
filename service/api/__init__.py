"""The REST API. Nothing is imported here: commands need its models, and an engine none of it."""

"""`openapi`: print the OpenAPI document."""

import argparse

from service.api.openapi import document_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take no options."""


def run(arguments: argparse.Namespace) -> int:
    """Print the document as JSON."""
    print(document_text())
    return 0

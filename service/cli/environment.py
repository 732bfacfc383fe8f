"""The environment that commands take their settings from."""

import os
from collections.abc import Mapping

from dotenv import dotenv_values

from service.config import Config


def environment() -> Mapping[str, str]:
    """What .env says, and over it what the process was given."""
    return {name: value or "" for name, value in dotenv_values(".env").items()} | dict(os.environ)


def config(**given: str | None) -> Config:
    """The settings of this environment, with what was `given` by options instead of variables.

    Raises:
        ConfigError: names every variable with a bad value and what was expected.
    """
    return Config.from_env({**environment(), **{name: value for name, value in given.items() if value is not None}})

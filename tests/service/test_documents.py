"""README and .env.example say what the code says."""

import re
from pathlib import Path

import pytest

from service.api import openapi
from service.config import Config


@pytest.mark.parametrize("document", ["README.md", ".env.example"])
def test_every_setting_is_documented(document: str) -> None:
    text = Path(document).read_text()

    assert [name for name in Config.variables() if name not in text] == []


def test_readme_names_every_route() -> None:
    text = Path("README.md").read_text()
    routes = [re.sub(r"{(\w+)}", r":\1", path.removeprefix("/api/v1")) for path in openapi.document()["paths"]]

    assert [route for route in routes if f"`{route}`" not in text] == []


def test_env_example_shows_the_defaults() -> None:
    lines = [line.removeprefix("# ") for line in Path(".env.example").read_text().splitlines()]
    environ = dict(line.split("=", 1) for line in lines if line.split("=")[0] in Config.variables())

    assert sorted(Config.variables()) == sorted(environ)
    assert Config.from_env(environ) == Config()

"""README and .env.example say what the code says."""

import re
from pathlib import Path

import pytest

from service import errors, web
from service.api import envelope, openapi
from service.config import Config


@pytest.mark.parametrize("document", ["README.md", ".env.example"])
def test_every_setting_is_documented(document: str) -> None:
    text = Path(document).read_text()

    assert [name for name in Config.variables() if name not in text] == []


def test_readme_names_every_route() -> None:
    text = Path("README.md").read_text()
    routes = [re.sub(r"{(\w+)}", r":\1", path.removeprefix("/api/v1")) for path in openapi.document()["paths"]]

    assert [route for route in routes if f"`{route}`" not in text] == []


def codes_of(tree: type[errors.ServiceError]) -> set[str]:
    """The codes of an error and of all below it."""
    return {tree.code}.union(*(codes_of(child) for child in tree.__subclasses__()))


CODES = codes_of(errors.ServiceError) | set(envelope.CODES.values()) | {code for code, _ in web.REFUSALS.values()}
COMMENT = re.compile(r"COMMENT ON COLUMN public\.execution_log\.error_code IS '(.*)';")


def error_codes() -> set[str]:
    """The error codes that an execution can end with, as the schema tells them."""
    [comment] = COMMENT.findall(Path("schema.sql").read_text())
    listed = re.findall(r"(?:failure|reason): ([a-z_, ]+)\.", comment)
    return {"unrecordable", *", ".join(listed).split(", ")}


def test_every_code_of_an_error_is_documented() -> None:
    schema = openapi.document()["components"]["schemas"]["ErrorBody"]["properties"]["code"]["description"]
    text = Path("README.md").read_text()

    assert [code for code in sorted(CODES) if code not in schema or f"`{code}`" not in text] == []


def test_every_error_code_of_an_execution_is_documented() -> None:
    schema = openapi.document()["components"]["schemas"]["Execution"]["properties"]["error_code"]["description"]
    text = Path("README.md").read_text()

    assert {"http_status", "cancelled", "misfire", "paused"} <= error_codes()
    assert [code for code in sorted(error_codes()) if code not in schema or f"`{code}`" not in text] == []


def test_env_example_shows_the_defaults() -> None:
    lines = [line.removeprefix("# ") for line in Path(".env.example").read_text().splitlines()]
    environ = dict(line.split("=", 1) for line in lines if line.split("=")[0] in Config.variables())

    assert sorted(Config.variables()) == sorted(environ)
    assert Config.from_env(environ) == Config()

"""What clients read about a field that breaks a rule: one text and one code for each error the models can raise."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from service.errors import Problem, ProblemCode

# By pydantic's type of error: our text, over the values of its context, and our code; fields.invalid brings its own.
TEXTS: Mapping[str, tuple[str, ProblemCode]] = {
    "missing": ("is required", "required"),
    "extra_forbidden": ("is not a field of this request", "unknown_field"),
    "string_type": ("must be a string", "invalid_type"),
    "int_type": ("must be a whole number", "invalid_type"),
    "bool_type": ("must be true or false", "invalid_type"),
    "list_type": ("must be a list", "invalid_type"),
    "dict_type": ("must be an object", "invalid_type"),
    "model_type": ("must be an object", "invalid_type"),
    "literal_error": ("must be {expected}", "invalid"),
    "string_unicode": ("must not contain half of a surrogate pair", "invalid"),
    "string_pattern_mismatch": ("must match {pattern}", "invalid"),
    "string_too_short": ("must have at least {min_length} character{s}", "too_short"),
    "string_too_long": ("must have at most {max_length} characters", "too_long"),
    "too_short": ("must have at least {min_length} item{s}", "too_short"),
    "too_long": ("must have at most {max_length} items", "too_long"),
    "greater_than_equal": ("must be at least {ge}", "out_of_range"),
    "less_than_equal": ("must be at most {le}", "out_of_range"),
    "invalid-json-value": ("must be a JSON value", "invalid"),
    "recursion_loop": ("must be a JSON value", "invalid"),
}


def problems(error: ValidationError) -> list[Problem]:
    """Every field that a model refused, in our words."""
    return [_problem(item) for item in error.errors(include_url=False)]


def _problem(item: Any) -> Problem:
    field = ".".join(str(part) or '""' for part in item["loc"]) or "body"
    context = item.get("ctx", {})
    if "message" in context:  # of fields.invalid, whose codes may be named as pydantic's types are
        return Problem(field, context["message"], item["type"])
    if item["type"] not in TEXTS:
        return Problem(field, item["msg"], "invalid")
    text, code = TEXTS[item["type"]]
    if item["type"] == "literal_error":
        context = {"expected": context["expected"].replace("'", '"')}
        code = code if isinstance(item["input"], str) else "invalid_type"
    plural = "" if context.get("min_length") == 1 else "s"
    return Problem(field, text.format(**context, s=plural), code)

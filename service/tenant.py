"""Names of tenants."""

import re

DEFAULT_TENANT = "00000000-0000-0000-0000-000000000000"
TENANT = re.compile(r"[A-Za-z0-9._:-]{1,64}")
RULE = "must be a UUID, or 1 to 64 of letters, digits, '.', '_', '-', ':'"
_UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


def tenant_of(text: str) -> str:
    """The tenant a text names; of a UUID case does not count.

    Raises: ValueError, with the rule it breaks.
    """
    if not TENANT.fullmatch(text):
        raise ValueError(RULE)
    return text.lower() if _UUID.fullmatch(text) else text

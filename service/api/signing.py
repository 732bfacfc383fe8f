"""The secret that a tenant's calls are signed with: made, renewed, removed; shown once."""

from datetime import datetime

from pydantic import Field

from service import signing
from service.api import answers
from service.api.routing import Reply, Resource
from service.api.services import Call

api = Resource("signing")


class SigningSecret(answers.Answer):
    """What is known of a tenant's signing secret."""

    signed: bool = Field(description="Whether calls carry signatures.")
    rotated_at: datetime | None
    previous_until: datetime | None = Field(description="Until then the secret before is valid too.")


class NewSigningSecret(SigningSecret):
    """A secret that was made now."""

    secret: str = Field(description="Shown this once. whsec_ and base64.")


@api.route("GET", "/signing-secret", answer=SigningSecret)
def get_signing_secret(call: Call) -> Reply:
    """Tell whether calls are signed, and since when by the present secret."""
    with call.transaction() as conn:
        found = signing.state(conn, tenant_id=call.tenant)
    if found is None:
        return Reply(SigningSecret(signed=False, rotated_at=None, previous_until=None))
    return Reply(SigningSecret(signed=True, rotated_at=found.rotated_at, previous_until=found.previous_until))


@api.route(
    "POST", "/signing-secret", answer=NewSigningSecret, status=201, errors=[409], shows_secret=True, scope="admin"
)
def rotate_signing_secret(call: Call) -> Reply:
    """Make a signing secret, or another one; the one before stays valid for a day."""
    with call.transaction() as conn:
        secret, made = signing.rotate(conn, call.tenant, call.services.vault)
    return Reply(
        NewSigningSecret(signed=True, secret=secret, rotated_at=made.rotated_at, previous_until=made.previous_until)
    )


@api.route("DELETE", "/signing-secret", answer=None, status=204, scope="admin")
def remove_signing_secret(call: Call) -> Reply:
    """Stop signing calls, at once."""
    with call.transaction() as conn:
        signing.remove(conn, call.tenant)
    return Reply()

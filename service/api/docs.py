"""The OpenAPI document."""

from flask import Response, current_app

from service.api.routing import Resource

api = Resource("docs")


@api.plain("/openapi.json", "application/json")
def openapi_document() -> Response:
    """Get this document."""
    return Response(current_app.extensions["openapi"](), mimetype="application/json")

"""The OpenAPI document."""

from flask import Response, current_app, jsonify

from service.api.routing import Resource

api = Resource("docs")


@api.plain("/openapi.json", "application/json")
def openapi_document() -> Response:
    """Get this document."""
    return jsonify(current_app.extensions["openapi"])

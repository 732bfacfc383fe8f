"""The API as its clients meet it, without a socket between."""

import threading
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from service import db
from service.api.app import create_app
from service.api.services import Services
from service.config import Config

JOB = {"name": "report", "type": "interval", "schedule": "300", "endpoint": "http://example.org/hook"}


class Api:
    """A client of one tenant. Each call checks the envelope and gives back what is in it."""

    def __init__(self, client: FlaskClient, tenant: str = "t1") -> None:
        self.client = client
        self.tenant = tenant

    def of(self, tenant: str) -> "Api":
        """The same API for another tenant."""
        return Api(self.client, tenant)

    def send(self, method: str, path: str, **more: Any) -> TestResponse:
        """Any request, its answer as it is."""
        headers = {"X-Tenant-ID": self.tenant} | more.pop("headers", {})
        return self.client.open(f"/api/v1{path}", method=method, headers=headers, **more)

    def ok(self, method: str, path: str, json: Any = None, status: int = 200) -> Any:
        """The data of a request that must succeed."""
        response = self.send(method, path, json=json) if json is not None else self.send(method, path)
        assert response.status_code == status, response.text
        return None if status == 204 else response.json["data"]

    def page(self, path: str) -> tuple[list[Any], dict[str, Any]]:
        """The rows and the pagination of a list."""
        response = self.send("GET", path)
        assert response.status_code == 200, response.text
        return response.json["data"], response.json["pagination"]

    def refused(self, status: int, method: str, path: str, **more: Any) -> dict[str, Any]:
        """The error of a request that must fail."""
        response = self.send(method, path, **more)
        assert response.status_code == status, response.text
        assert response.json["success"] is False
        assert len(response.json["traceId"]) == 32
        return response.json["error"]

    def invalid(self, method: str, path: str, **more: Any) -> dict[str, str]:
        """The fields that a request is refused for, each with its message."""
        error = self.refused(400, method, path, **more)
        assert error["code"] == "VALIDATION_ERROR"
        return {problem["field"]: problem["message"] for problem in error["validation"]}

    def job(self, **given: Any) -> dict[str, Any]:
        """A new job."""
        return self.ok("POST", "/jobs", JOB | given, status=201)


@pytest.fixture
def services(config: Config, api_pool: db.Pool) -> Services:
    return Services(config=config, pool=api_pool, draining=threading.Event(), lease_state=lambda: LEASE)


@pytest.fixture
def client(services: Services) -> FlaskClient:
    return create_app(services).test_client()


@pytest.fixture
def api(client: FlaskClient) -> Api:
    return Api(client)


@pytest.fixture(scope="session")
def refuser() -> Api:
    """The API without a database: enough, and quicker, where a request is refused for what it says."""
    app = create_app(Services(config=Config(), pool=None, draining=threading.Event()))
    return Api(app.test_client())


LEASE = {"status": "ok", "holder": "w1"}

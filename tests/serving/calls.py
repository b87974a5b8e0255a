"""Asking a service in its own process, and what an error must look like."""

from starlette.testclient import TestClient

from tutorial_lib.serving.app import create_app
from tutorial_lib.serving.service import Service

AS_JSON = {"Content-Type": "application/json"}


def client_of(models, **options):
    """A client of a new service; the block ends the service."""
    return TestClient(create_app(Service(models, **options)), raise_server_exceptions=False)


def refusal(response, status):
    """Hold an answer to being a refusal in OpenAI's form, and return what it says."""
    assert response.status_code == status, response.text
    assert set(response.json()) == {"error"}
    error = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert response.headers["content-type"] == "application/json"
    return error

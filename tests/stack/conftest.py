import uuid

import pytest

from production import FRONT_ENDS


def pytest_generate_tests(metafunc):
    """Everything here with both front ends, one stack each; but for a module that names its own."""
    if "stack" in metafunc.fixturenames:
        front_ends = getattr(metafunc.module, "FRONT_ENDS", FRONT_ENDS)
        metafunc.parametrize("stack", front_ends, indirect=True, scope="session")


@pytest.fixture
def account(stack):
    """Somebody new, as the API says it: the answer to the registration."""
    name = f"sato-{uuid.uuid4().hex[:8]}"
    body = {"username": name, "email": f"{name}@example.com", "password": "correct horse battery"}
    response = stack.request("POST", f"{stack.api}/auth/register/", json=body)
    assert response.status_code == 201, response.text
    return body | response.json()


def bearer(access):
    return {"Authorization": f"Bearer {access}"}

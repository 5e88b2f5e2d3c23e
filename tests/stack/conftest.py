import pytest

from production import FRONT_ENDS


def pytest_generate_tests(metafunc):
    """Everything here with both front ends, one stack each; but for a module that names its own."""
    if "stack" in metafunc.fixturenames:
        front_ends = getattr(metafunc.module, "FRONT_ENDS", FRONT_ENDS)
        metafunc.parametrize("stack", front_ends, indirect=True, scope="session")


@pytest.fixture
def account(stack):
    return stack.register()


def bearer(access):
    return {"Authorization": f"Bearer {access}"}

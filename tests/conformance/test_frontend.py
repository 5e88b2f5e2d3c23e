"""The frontend's image: one build, and the API's address that its container was given."""

import time

import pytest
import requests

from production import docker


@pytest.mark.parametrize("address", ["https://api.thinkring.example.com/api/v1", "https://api.example.org/api/v1"])
def test_the_address_is_read_at_run_time(stack, address):
    image = docker("inspect", "-f", "{{.Image}}", stack.container("frontend")).strip()

    assert address in page(image, address)


def page(image, address):
    """The page as a container with this address sends it."""
    options = ["-p", "127.0.0.1::3000", "-e", f"VITE_API_BASE_URL={address}"]
    name = docker("run", "-d", "--rm", *options, image).strip()
    try:
        port = docker("port", name, "3000").split()[0]
        for _ in range(100):
            try:
                return requests.get(f"http://{port}/", timeout=5).text
            except requests.ConnectionError:
                time.sleep(0.1)
        return pytest.fail("the container did not answer")
    finally:
        docker("rm", "-f", name)

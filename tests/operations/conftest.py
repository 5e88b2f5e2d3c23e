import shutil

import pytest

from .certificates.authority import Authority
from .certificates.server import Server


@pytest.fixture(scope="module")
def authority(stack, missing, tmp_path_factory):
    for command in ["pebble", "pebble-challtestsrv", "certbot"]:
        if not shutil.which(command):
            missing(f"there is no {command} (Debian: apt install pebble certbot)")
    authority = Authority(tmp_path_factory.mktemp("authority"), stack.ports["http"])
    with authority.running():
        yield authority


@pytest.fixture(scope="module")
def server(stack, authority, tmp_path_factory):
    """The running stack beside the authority; in the end it has the pair that it had."""
    server = Server(stack, authority, tmp_path_factory.mktemp("tools"))
    kept = {path: path.read_bytes() for path in server.pair}
    trusted = stack.certificate
    # What the traffic trusts: the authority, and the pair of the first start.
    stack.certificate = authority.folder / "trusted.pem"
    stack.certificate.write_bytes(authority.root.read_bytes() + trusted.read_bytes())
    try:
        yield server
    finally:
        stack.certificate = trusted
        shutil.rmtree(stack.folder / "nginx" / "letsencrypt", ignore_errors=True)
        for path, content in kept.items():
            path.write_bytes(content)
            path.with_name(f"{path.name}.old").unlink(missing_ok=True)
        stack.compose("exec", "-T", "nginx", "nginx", "-s", "reload")
        stack.wait()

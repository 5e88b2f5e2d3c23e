"""One connection, on which the bytes of a case are sent as they are, and all that is answered to them."""

import contextlib
import socket
import ssl
import subprocess
from typing import NamedTuple

VERSION = b"GET /api/v1/version/ HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n"


class Answer(NamedTuple):
    status: str
    headers: dict
    body: bytes

    @property
    def is_version(self):
        return self.status == "200" and b'"commit"' in self.body


def sent(stack, host, data, expected, plain=False):
    """What was answered to the data; the version is asked for after it, and was answered if the last one is that."""
    answers = []
    with contextlib.ExitStack() as closing:
        connection = closing.enter_context(socket.create_connection(("127.0.0.1", stack.ports["https"]), timeout=20))
        if not plain:
            context = ssl.create_default_context(cafile=stack.certificate)
            connection = closing.enter_context(context.wrap_socket(connection, server_hostname=host))
        file = closing.enter_context(connection.makefile("rb"))
        # A server that has refused the rest closes while it is still being sent.
        with contextlib.suppress(ConnectionError, ssl.SSLEOFError):
            connection.sendall(data)
        with contextlib.suppress(ConnectionError, ssl.SSLEOFError):
            for _ in range(expected):
                answers.append(read(file))
            connection.sendall(VERSION % host.encode())
            while answer := read(file):
                answers.append(answer)
    return [answer for answer in answers if answer]


def read(file):
    """The next answer, or None where the connection has ended."""
    line = file.readline()
    if not line:
        return None
    if not line.startswith(b"HTTP/"):
        return Answer("0.9", {}, line + file.read())
    status, headers = line.split()[1].decode(), fields(file)
    return Answer(status, headers, body(file, headers, status))


def fields(file):
    found = {}
    while (field := file.readline().rstrip(b"\r\n")) != b"":
        name, _, value = field.decode().partition(":")
        found.setdefault(name.lower(), []).append(value.strip())
    return found


def body(file, headers, status):
    if status in ("100", "204", "304"):
        return b""
    if headers.get("transfer-encoding") == ["chunked"]:
        parts = []
        while size := int(file.readline(), 16):
            parts.append(file.read(size))
            file.readline()
        file.readline()
        return b"".join(parts)
    if "content-length" in headers:
        return file.read(int(headers["content-length"][0]))
    return file.read()


def by_http2(stack, folder, method, target, host, headers, data):
    """The answer to the same over HTTP/2, as curl sends it, or None where the connection was ended instead."""
    (folder / "sent").write_bytes(data or b"")
    lines = [f"{name}: {value}" if value else f"{name};" for name, value in headers.items()]
    result = subprocess.run(
        [
            "curl", "--silent", "--show-error", "--http2", "--globoff", "--cacert", stack.certificate,
            "--connect-to", f"::127.0.0.1:{stack.ports['https']}", "--request", method, "--request-target", target,
            *(word for line in lines for word in ("--header", line)),
            *(["--data-binary", f"@{folder / 'sent'}"] if data is not None else []),
            "--max-time", "30", "--dump-header", folder / "headers", "--output", folder / "answered",
            f"https://{host}/",
        ],
        capture_output=True,
    )  # fmt: skip
    with (folder / "headers").open("rb") as file:
        line = file.readline().decode()
        if not line:
            assert result.returncode != 0
            return None
        version, status = line.split()
        assert version == "HTTP/2"
        return Answer(status, fields(file), (folder / "answered").read_bytes())

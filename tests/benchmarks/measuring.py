"""One measurement: wrk for a few seconds, and what the containers' processors did meanwhile."""

import json
import os
import secrets
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import requests

from production import Loopback

LOAD = Path(__file__).with_name("load.lua")
# Seconds with less than a twentieth of a processor.
QUIET = 0.3


class Wrong(Exception):
    """An answer that is not what it has to be: the figures would be about something else."""


@dataclass(frozen=True)
class Sample:
    number: int
    rate: float  # answers a second
    cpu: float  # microseconds a request
    database: float  # the same, of PostgreSQL
    latencies: list[tuple[int, int]]  # microseconds, and how many took as long


def headers(contender, request, tokens, etag=None):
    found = contender.headers | request.headers
    if request.account:
        found["Authorization"] = f"Bearer {tokens[request.account]}"
    if request.body:
        found["Content-Type"] = "application/json"
    if etag:
        found["If-None-Match"] = etag
    return found


def lua(value):
    if isinstance(value, dict):
        return "{" + ", ".join(f"[{lua(name)}] = {lua(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list):
        return "{" + ", ".join(map(lua, value)) + "}"
    # JSON writes the characters of a string as Lua reads them, but for those that it need not write at all.
    return "nil" if value is None else json.dumps(value, ensure_ascii=False)


def length(answer):
    """Bytes of an answer with its head, as it came."""
    head = [f"HTTP/1.1 {answer.status_code} {answer.reason}", *map(": ".join, answer.headers.items()), ""]
    return sum(len(line) + 2 for line in head) + int(answer.headers.get("Content-Length", len(answer.content)))


def load(contender, database, asked, *, seconds, connections, think=None, bytes=(), refusals=False):
    """`asked` are requests with their headers; `think` is the mean pause of a connection, in milliseconds.

    `bytes` are how many each request's answer has. With `refusals` an answer may be any.
    """
    plan = [
        {
            "method": request.method,
            "path": request.path,
            "headers": headers,
            "body": json.dumps(request.body, ensure_ascii=False) if request.body else None,
        }
        for request, headers in asked
    ]
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(f"return {lua(plan)}\n")
        file.flush()
        # As long a number as Lua's numbers are exact.
        environment = {"BENCH_PLAN": file.name, "BENCH_SEED": str(secrets.randbits(30))}
        if contender.port:
            environment["BENCH_PORT"] = str(contender.port)
        if think:
            environment["BENCH_THINK"] = f"{think:.3f}"
        before = contender.cpu(), database.cpu()
        result = subprocess.run(
            [
                *("wrk", "--threads", "1", "--connections", str(connections), "--duration", f"{seconds}s"),
                *("--timeout", "30s", "--script", str(LOAD), contender.url),
            ],
            env=os.environ | environment,
            capture_output=True,
            text=True,
            timeout=seconds + 120,
        )
        after = contender.cpu(), database.cpu()
    settle(contender, database)
    lines = [line.split()[1:] for line in result.stdout.splitlines() if line.startswith("BENCH ")]
    if not lines:
        raise Wrong(f"wrk said: {result.stdout}{result.stderr}")
    number, duration, wrong, read = map(int, lines[0])
    path = asked[0][0].path + (" and the like" if len(asked) > 1 else "")
    if wrong and not refusals:
        raise Wrong(f"{contender.name}: {wrong} of {number} answers to {path} are errors, or did not come")
    if bytes:
        wanted = statistics.mean(bytes) * number
        # Each connection may have part of one more; and where answers differ, the longer ones may come last.
        unfinished = connections * max(bytes)
        if not 0.95 * wanted - (unfinished if len(bytes) > 1 else 0) <= read <= 1.05 * wanted + unfinished:
            raise Wrong(f"{contender.name}: {number} answers to {path} were {read} bytes, and not about {wanted:.0f}")
    # Without any answer there is nothing to divide by; whoever asked has to ask for longer.
    cpu, database_cpu = ((new - old) / max(number, 1) for new, old in zip(after, before, strict=True))
    latencies = [(int(value), int(count)) for value, count in lines[1:]]
    return Sample(number, number / duration * 1e6, cpu, database_cpu, latencies)


def settle(*containers):
    """Until they have done what wrk no longer waits for: it would be in the way of who is next."""
    quiet = 0
    for _ in range(50):
        before = sum(container.cpu() for container in containers)
        time.sleep(QUIET)
        quiet = quiet + 1 if sum(container.cpu() for container in containers) - before < QUIET * 1e6 / 20 else 0
        if quiet == 2:
            return


def percentile(latencies, percent):
    """Of many samples' latencies together, in milliseconds."""
    ordered = sorted(latencies)
    left = sum(count for _, count in ordered) * percent / 100
    for value, count in ordered:
        left -= count
        if left <= 0:
            return value / 1000
    raise ValueError("there are no latencies")


def spread(values):
    """The median, the smallest, the largest."""
    return [statistics.median(values), min(values), max(values)]


def ask(contender, request, headers):
    """One answer, as requests sees it."""
    with requests.Session() as session:
        session.trust_env = False
        if contender.port:
            session.mount("https://", Loopback({"https": contender.port}))
            session.verify = contender.certificate
        body = None
        if request.body:
            text = json.dumps(request.body, ensure_ascii=False)
            text = text.replace("{id}", f"00000000-0000-4000-8000-{secrets.token_hex(6)}").replace("{number}", "0")
            body = text.encode()
        url = f"{contender.url}{request.path}"
        return session.request(request.method, url, data=body, headers=headers, timeout=60, allow_redirects=False)

"""The profile `redis` under constant traffic: with it, while it is killed, frozen or stopped, and after that."""

import os
import signal
import time

import pytest

from operations.deploy.traffic import Traffic
from production import FRONT_ENDS, Stack, docker
from reliability import faults

pytestmark = pytest.mark.torture
PASSWORD = "a-redis-of-a-test"


@pytest.fixture(scope="module")
def cached(engine, tmp_path_factory):
    """Two backends and a Redis."""
    stack = Stack(tmp_path_factory.mktemp("redis") / "thinkring", FRONT_ENDS[-1].split())
    with stack.running(BACKENDS=2, REDIS_HOST="redis", REDIS_PASSWORD=PASSWORD, COMPOSE_PROFILES="redis"):
        wait_for_redis(stack)
        yield stack


def wait_for_redis(stack):
    end = time.monotonic() + 60
    while docker("inspect", "--format", "{{.State.Health.Status}}", stack.container("redis")).strip() != "healthy":
        assert time.monotonic() < end
        time.sleep(0.5)


def hits(stack):
    """How often something was asked for that Redis had."""
    said = stack.compose(
        "exec", "-T", "-e", f"REDISCLI_AUTH={PASSWORD}", "redis", "redis-cli", "info", "stats"
    ).stdout  # fmt: skip
    return int(next(line for line in said.splitlines() if line.startswith("keyspace_hits")).split(":")[1])


def test_what_was_asked_before_is_answered_from_it(cached, figure):
    before = hits(cached)
    with Traffic(cached) as traffic:
        time.sleep(10)

    figure("with Redis", f"{traffic}; {hits(cached) - before} times something was found in it")
    traffic.assert_nothing_failed()
    assert hits(cached) > before


def kill(stack):
    os.kill(faults.pid(stack, "redis"), signal.SIGKILL)
    return lambda: None


def freeze(stack):
    docker("pause", stack.container("redis"))
    return lambda: docker("unpause", stack.container("redis"))


def stop(stack):
    stack.compose("stop", "redis")
    return lambda: stack.compose("start", "redis")


@pytest.mark.parametrize("fault", [kill, freeze, stop])
def test_without_it_the_site_goes_on(cached, figure, fault):
    with Traffic(cached) as traffic:
        time.sleep(2)
        mend = fault(cached)
        try:
            time.sleep(15)
        finally:
            mend()
        wait_for_redis(cached)
        time.sleep(6)
        before = hits(cached)
        time.sleep(3)

    figure(f"Redis away: {fault.__name__}", traffic)
    traffic.assert_nothing_failed()
    assert hits(cached) > before, "it is used again"


def test_nobody_without_its_password(cached):
    said = cached.compose("exec", "-T", "redis", "redis-cli", "dbsize", check=False)

    assert "NOAUTH" in said.stdout


def test_without_a_password_it_does_not_start(cached):
    result = cached.compose("run", "--rm", "--no-deps", "-T", "-e", "REDIS_PASSWORD=", "redis", check=False)

    assert result.returncode != 0
    assert "Set it in .env.production to a secret" in result.stderr

"""
The profile `redis` with two backends: what they have in it together, and constant traffic with it, while it is killed,
frozen or stopped, and after that.
"""

import os
import signal
import time

import pytest

from operations.deploy.traffic import Traffic
from production import FRONT_ENDS, Stack, docker
from reliability import faults
from stack.test_limits import containers_that_answered, count, post

pytestmark = pytest.mark.torture
PASSWORD = "a-redis-of-a-test"
# Calls a minute to log in by one name, more than what else is asked here makes.
LOGINS = 10
# In all that is kept one text becomes another; says in how much.
EXCHANGE = """
local exchanged = 0
for _, key in ipairs(redis.call("keys", "*")) do
  local kept, times = string.gsub(redis.call("get", key), ARGV[1], ARGV[2])
  if times > 0 then
    redis.call("set", key, kept, "keepttl")
    exchanged = exchanged + 1
  end
end
return exchanged
"""


@pytest.fixture(scope="module")
def cached(engine, tmp_path_factory):
    """Two backends and a Redis."""
    stack = Stack(tmp_path_factory.mktemp("redis") / "thinkring", FRONT_ENDS[-1].split())
    with stack.running(
        BACKENDS=2, COMMIT="of-a-test", REDIS_HOST="redis", REDIS_PASSWORD=PASSWORD, COMPOSE_PROFILES="redis",
        LIMIT_LOGIN_NAME=LOGINS,
    ):  # fmt: skip
        wait_for_redis(stack)
        yield stack


def wait_for_redis(stack):
    end = time.monotonic() + 60
    while docker("inspect", "--format", "{{.State.Health.Status}}", stack.container("redis")).strip() != "healthy":
        assert time.monotonic() < end
        time.sleep(0.5)


def redis(stack, *words):
    """What it answers to a command."""
    asked = ["exec", "-T", "-e", f"REDISCLI_AUTH={PASSWORD}", "redis", "redis-cli", *words]
    return stack.compose(*asked).stdout.strip()


def hits(stack):
    """How often something was asked for that Redis had."""
    said = redis(stack, "info", "stats")
    return int(next(line for line in said.splitlines() if line.startswith("keyspace_hits")).split(":")[1])


def test_two_backends_with_it(cached, figure):
    before = hits(cached)
    with Traffic(cached) as traffic:
        time.sleep(10)

    figure("with Redis", f"{traffic}; {hits(cached) - before} times something was found in it")
    traffic.assert_nothing_failed()


def test_what_was_asked_before_is_answered_from_it(cached):
    """Whatever stands there, until the account has changed something."""
    answer = cached.request("POST", f"{cached.api}/auth/token/", json=cached.register())
    token = {"Authorization": f"Bearer {answer.json()['access']}"}

    def ask(method, path, **arguments):
        answer = cached.request(method, f"{cached.api}/{path}", headers=token, **arguments)
        assert answer.ok, answer.text
        return answer.json()

    def titles():
        return [project["title"] for project in ask("GET", "projects/")["results"]]

    ask("POST", "projects/", json={"title": "FromTheDatabase"})
    assert titles() == ["FromTheDatabase"]
    assert redis(cached, "eval", EXCHANGE, "0", "FromTheDatabase", "FromRedis") == "1"

    assert titles() == ["FromRedis"]
    ask("POST", "projects/", json={"title": "Another"})
    assert sorted(titles()) == ["Another", "FromTheDatabase"]


def test_two_backends_count_together(cached):
    """In Redis, and not in the database."""
    name = cached.register()["username"]

    answers = count(lambda _: post(cached, "login", {"username": name, "password": "wrong"}), 3 * LOGINS)

    assert answers == {401: LOGINS, 429: 2 * LOGINS}
    assert len(containers_that_answered(cached)) == 2
    assert cached.sql("select count(*) from core_callcount where key like 'login_name:%'") == "0"


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


def test_it_stops_by_itself_within_its_time(cached):
    began = time.monotonic()
    cached.compose("stop", "redis")
    seconds = time.monotonic() - began
    try:
        assert docker("inspect", "--format", "{{.State.ExitCode}}", cached.container("redis")).strip() == "0"
        # Compose kills it after ten.
        assert seconds < 5
    finally:
        cached.compose("start", "redis")
        wait_for_redis(cached)


def test_no_process_shows_its_password(cached):
    assert PASSWORD not in docker("top", cached.container("redis"))


def test_nobody_without_its_password(cached):
    said = cached.compose("exec", "-T", "redis", "redis-cli", "dbsize", check=False)

    assert "NOAUTH" in said.stdout


def test_without_a_password_it_does_not_start(cached):
    result = cached.compose("run", "--rm", "--no-deps", "-T", "-e", "REDIS_PASSWORD=", "redis", check=False)

    assert result.returncode != 0
    assert "Set it in .env.production to a secret" in result.stderr

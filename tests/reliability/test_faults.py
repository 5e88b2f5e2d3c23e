"""
What breaks under a server that is in use: afterwards every acknowledged write is there, whoever was refused was told so
in the right shape, and all of it recovers by itself.
"""

import concurrent.futures
import time

import pytest

from . import faults
from .conftest import torture
from .traffic import Persistent

pytestmark = pytest.mark.usefixtures("root")

ANSWERING = ["frontend", "backend"]


def survives(stack, figure, fault, *, seconds=0, restarting=(), **traffic_of):
    """Breaks something for so long under traffic, and judges what became of that.

    `restarting` are the services whose containers Docker has to start again, once.
    """
    # What another test has left broken is its own failure.
    faults.ready(stack)
    before = faults.restarts(stack)
    with Persistent(stack, **traffic_of) as traffic:
        with fault:
            time.sleep(seconds)
        traffic.recovers()
    judge(stack, figure, "fault survived", traffic, before, restarting)


def judge(stack, figure, what, traffic, before, restarting=()):
    found = traffic.read_back()
    again = {
        service: count - before[service] for service, count in faults.restarts(stack).items() if count > before[service]
    }
    figure(
        what,
        f"{traffic.asked} answers, {traffic.outcomes['refused']} refused, "
        f"{traffic.outcomes['unreachable']} unreachable, {len(traffic.failed)} wrong; "
        f"{traffic.acknowledged_writes} writes acknowledged, {found} found; "
        f"recovered after {traffic.seconds_to_recovery:.1f} s; slowest answer {traffic.slowest:.1f} s; "
        f"restarts: {', '.join(f'{service} {count}' for service, count in again.items()) or 'none'}",
    )
    assert not traffic.failed, "\n".join([f"{len(traffic.failed)} of {traffic.asked} wrong:", *traffic.failed])
    assert traffic.acknowledged_writes > 0
    assert found == traffic.acknowledged_writes
    assert traffic.overwritten == []
    assert again == dict.fromkeys(restarting, 1)


@pytest.mark.parametrize("service", ["nginx", torture("frontend"), "backend", "db", torture("wal")])
def test_a_service_is_killed(stack, figure, service):
    fault, gone = faults.killed(stack, service), service == "nginx"
    survives(stack, figure, fault, restarting=[service], unreachable=gone, cut_off=service in ANSWERING)


@pytest.mark.parametrize("service", [torture("nginx"), torture("frontend"), torture("backend"), "db"])
def test_a_service_is_restarted(stack, figure, service):
    survives(stack, figure, faults.restarted(stack, service), unreachable=service == "nginx")


@pytest.mark.parametrize("seconds", [6, torture(30)])
def test_the_database_is_paused(stack, figure, seconds):
    survives(stack, figure, faults.paused(stack, "db"), seconds=seconds)


@pytest.mark.parametrize("seconds", [5, torture(60)])
def test_the_disk_of_the_database_is_full(stack, figure, seconds, tmp_path):
    with faults.small_disk(stack, tmp_path) as disk:
        survives(stack, figure, faults.full(disk), seconds=seconds)


@pytest.mark.parametrize(
    ("one", "other", "seconds"),
    [
        ("backend", "db", 6),
        torture("backend", "db", 30),
        torture("nginx", "backend", 30),
        torture("nginx", "frontend", 30),
    ],
)
def test_the_network_between_two_is_cut(stack, figure, one, other, seconds):
    survives(stack, figure, faults.cut(stack, one, other), seconds=seconds)


@pytest.mark.parametrize(
    ("service", "seconds"), [("backend", 6), torture("nginx", 60), torture("backend", 60), torture("db", 60)]
)
def test_every_third_packet_is_lost(stack, figure, service, seconds):
    survives(stack, figure, faults.lossy(stack, service), seconds=seconds)


@pytest.mark.parametrize("seconds", [6, torture(60)])
def test_no_connection_to_the_database_is_left(stack, figure, seconds):
    survives(stack, figure, faults.no_connections(stack), seconds=seconds)


@pytest.mark.parametrize("service", ["backend", torture("db")])
def test_the_memory_is_eaten(stack, figure, service):
    survives(
        stack, figure, faults.no_memory(stack, service), seconds=5, restarting=[service], cut_off=service in ANSWERING
    )


@pytest.mark.parametrize(("service", "seconds"), [("nginx", 6), torture("nginx", 60), torture("backend", 60)])
def test_no_name_is_found(stack, figure, service, seconds):
    survives(stack, figure, faults.no_names(stack, service), seconds=seconds)


@pytest.mark.parametrize("seconds", [6, torture(60)])
def test_nginx_is_reloaded_in_a_loop(stack, figure, seconds):
    survives(stack, figure, faults.reloading(stack), seconds=seconds)


@pytest.mark.parametrize(("offset", "code"), [("+3h", "AUTH_003"), torture("-3h", "AUTH_002")])
def test_the_clock_of_the_backend_is_off(stack, figure, tmp_path, offset, code):
    """Tokens are refused as what they are to it, and are good again when it is right again."""
    survives(stack, figure, faults.another_clock(stack, tmp_path, offset), code=code, seconds=5)


def test_all_that_serves_is_killed_at_once(stack, figure):
    services = ["backend", "frontend", "db"]
    fault = faults.together(*(faults.killed(stack, service) for service in services))
    survives(stack, figure, fault, restarting=services, cut_off=True)


@pytest.mark.torture
def test_all_that_is_slow_happens_at_once(stack, figure):
    fault = faults.together(
        faults.paused(stack, "db"), faults.lossy(stack, "backend"), faults.no_names(stack, "nginx"),
        faults.reloading(stack),
    )  # fmt: skip
    survives(stack, figure, fault, seconds=30)


def test_a_stop_cuts_no_request(stack, figure):
    """One that waits for a lock when the backend is told to stop is answered before it ends."""
    faults.ready(stack)
    before = faults.restarts(stack)
    with Persistent(stack) as traffic:
        step = traffic.new_step()
        with faults.locked(stack, step.id), concurrent.futures.ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(traffic.made, "PATCH", f"steps/{step.id}/", {"content": {"theme": "answered"}})
            time.sleep(1)
            assert not waiting.done()
            stack.compose("stop", "backend")
            assert waiting.result()["content"]["theme"] == "answered"
        stack.compose("start", "backend")
        traffic.recovers()
    judge(stack, figure, "stop under traffic", traffic, before)

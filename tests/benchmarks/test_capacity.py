"""The simulation beside what is known exactly of small queues, and docs/scaling.md beside its figures."""

import itertools
import json
import math
import re
import statistics
import sys

import pytest

from conformance.specification import DIRECTORY

from . import capacity_report, remembering, scaled
from .capacity import WRITES, first_to_give_way, main, mean, predict, visit
from .capacity_report import DOCUMENT, put, sections
from .queueing import Kind, Simulation, Site
from .scaled import CPUS, KEPT, astray, predicted

# All that a place is to be measured by takes no part in what these ask.
ALONE = Site(
    nginx_cpus=None, backend_cpus=None, database_cpus=None, cores=100, max_conns=10**9, workers=1, threads=10**9
)
MEAN = 0.01


def site(**more):
    return Site(**{**vars(ALONE), **more})


def one(*, backend=0.0, database=0.0, nginx=0.0):
    return [Kind("one", 1, nginx, backend, database)]


def exponential(simulation):
    simulation.draw = lambda mean: simulation.random.expovariate(1 / mean) if mean else 0.0
    return simulation


def erlang_c(servers, load):
    """The probability of having to wait in M/M/c."""
    waiting = load**servers / math.factorial(servers) * servers / (servers - load)
    return waiting / (sum(load**number / math.factorial(number) for number in range(servers)) + waiting)


def mean_value_analysis(demands, clients, think=0.0):
    """Requests a second of a closed network of single queues."""
    queues = [0.0] * len(demands)
    rate = 0.0
    for number in range(1, clients + 1):
        times = [demand * (1 + queue) for demand, queue in zip(demands, queues, strict=True)]
        rate = number / (think + sum(times))
        queues = [rate * time for time in times]
    return rate


def test_one_processor_at_random():
    """M/M/1, whose mean under processor sharing is that of any service time (https://en.wikipedia.org/wiki/M/G/1)."""
    outcome = exponential(Simulation(ALONE, one(backend=MEAN), rate=50)).run(120, 5)

    assert statistics.mean(outcome.served) == pytest.approx(MEAN / (1 - 50 * MEAN), rel=0.06)
    assert outcome.rate == pytest.approx(50, rel=0.02)


@pytest.mark.parametrize("cores", [2, 3])
def test_several_processors_at_random(cores):
    """M/M/c: so many of PostgreSQL's processes as the machine has cores."""
    load = 0.7 * cores
    waits = erlang_c(cores, load) * MEAN / (cores - load)

    outcome = exponential(Simulation(site(cores=cores), one(database=MEAN), rate=load / MEAN)).run(40, 5)

    assert statistics.mean(outcome.served) == pytest.approx(MEAN + waits, rel=0.06)


@pytest.mark.parametrize("clients", [1, 4, 12])
def test_two_stations_in_a_circle(clients):
    """By mean value analysis: a backend's interpreter and one core for the rest, that is, nginx."""
    circle = site(nginx_cpus=None)
    simulation = exponential(Simulation(circle, one(backend=MEAN, nginx=MEAN / 2), clients=clients))
    # One of nginx's two workers, or it would be no single queue.
    simulation.nginx = simulation.nginx[:1]

    assert simulation.run(25, 2).rate == pytest.approx(mean_value_analysis([MEAN, MEAN / 2], clients), rel=0.03)


def test_with_one_client_each_part_is_waited_for_once():
    outcome = Simulation(Site(), one(nginx=0.001, backend=0.004, database=0.002), clients=1).run(10)

    assert [outcome.percentile(50), outcome.percentile(99)] == pytest.approx([0.007, 0.007])
    assert outcome.rate == pytest.approx(1 / 0.007, rel=0.01)


def test_what_has_used_up_its_part_stands_still_until_the_next_tenth_of_a_second():
    """Thirty milliseconds of work where twenty may be done in each tenth of a second: from 0 to 110, to 220, to 410."""
    outcome = Simulation(site(backend_cpus=0.2), one(backend=0.03), clients=1).run(60)

    assert outcome.served[:3] == pytest.approx([0.11, 0.11, 0.19])
    assert outcome.rate == pytest.approx(0.2 / 0.03, rel=0.01)


def test_two_processes_use_it_up_in_half_the_time():
    """Two requests of ten milliseconds at once, and then neither process runs for ninety."""
    held = site(backend_cpus=0.2, workers=2, threads=1)

    assert Simulation(held, one(backend=MEAN), clients=8).run(0.09).served == pytest.approx([0.01, 0.01])
    assert Simulation(held, one(backend=MEAN), clients=8).run(30).rate == pytest.approx(0.2 / MEAN, rel=0.01)


def test_a_process_runs_one_thread_at_a_time():
    free = site(workers=2, threads=4)

    assert Simulation(free, one(backend=MEAN), clients=64).run(10, 1).rate == pytest.approx(2 / MEAN, rel=0.01)


def test_a_health_check_takes_its_part_at_once():
    """A tenth of a second's work each five seconds, of a backend that has a fifth of a core: a tenth less in all, and
    whoever comes then waits for the next tenth of a second."""
    kinds = one(backend=0.004)
    checked, unchecked = (site(backend_cpus=0.2, health_check=seconds, workers=2, threads=4) for seconds in (0.1, 0))

    rates = [Simulation(place, kinds, clients=16).run(30).rate for place in (checked, unchecked)]
    slowest = [max(Simulation(place, kinds, rate=2).run(50).served) for place in (checked, unchecked)]

    assert rates == pytest.approx([0.18 / 0.004, 0.2 / 0.004], rel=0.03)
    assert first_to_give_way(checked, kinds) == ("backends", pytest.approx(0.18 / 0.004))
    assert slowest[0] > 0.05 > slowest[1]


def test_who_finds_no_place_is_refused():
    """A hundred ask at the same moment, and would ask again an hour later."""
    simulation = Simulation(Site(max_conns=64), one(backend=MEAN), clients=100)
    simulation.think = 3600

    outcome = simulation.run(60)

    assert (len(outcome.served), len(outcome.refused)) == (64, 36)


def test_the_backend_with_the_fewest_gets_the_next():
    """Four come where one of two backends has six already, and all go to the other one."""
    simulation = Simulation(Site(backends=2), one(backend=1), clients=4)
    simulation.backends[0].requests = 6

    simulation.run(0.1)

    assert [backend.requests for backend in simulation.backends] == [6, 4]


def test_nothing_is_lost():
    """Of more than two backends can answer."""
    kinds = [Kind("read", 3, 0.0004, 0.006, 0.003), Kind("write", 1, 0.0004, 0.012, 0.004, client=0.0003)]
    simulation = Simulation(Site(backends=2), kinds, rate=200)

    outcome = simulation.run(10)

    assert outcome.refused
    assert len(outcome.served) + len(outcome.refused) + simulation.under_way == simulation.came
    assert simulation.under_way <= 128 + 10


REAL = [Kind("read", 3, 0.0004, 0.006, 0.003), Kind("write", 1, 0.0004, 0.012, 0.004)]


@pytest.mark.parametrize(
    ("place", "name"),
    [
        (Site(backends=1, cores=8), "backends"),
        (Site(backends=8, cores=32), "PostgreSQL"),
        (Site(backends=3, cores=2), "the machine"),
        (Site(backends=2, cores=8, backend_cpus=0.2), "backends"),
        # Both of its processes have a core, and its container is not held.
        (Site(backends=1, cores=8, backend_cpus=None), "backends"),
    ],
)
def test_what_gives_way_first_is_busy_and_lets_through_what_was_calculated(place, name):
    found, most = first_to_give_way(place, REAL)

    outcome = Simulation(place, REAL, clients=32 * place.backends).run(6, 1)

    assert found == name
    assert outcome.rate == pytest.approx(most, rel=0.03)


def test_more_backends_answer_no_less_and_more_visitors_wait_no_less():
    rates = [Simulation(Site(backends=number, cores=4), REAL, clients=48).run(4, 1).rate for number in (1, 2, 3)]
    times = [Simulation(Site(cores=4), REAL, rate=rate).run(15, 2).percentile(95) for rate in (20, 60, 100)]

    assert [rate * 1.01 > before for before, rate in itertools.pairwise(rates)] == [True] * 2
    assert times == sorted(times)


def test_a_visit_is_what_the_documents_say():
    """84 calls, of which four in five change something; and any other part of them can be asked for."""
    kinds = visit()
    other = visit(0.25)

    assert round(sum(kind.weight for kind in kinds)) == 84
    assert sum(kind.weight for kind in kinds if kind.name in WRITES) / 84 == pytest.approx(0.8, abs=0.005)
    assert sum(kind.weight for kind in other if kind.name in WRITES) == pytest.approx(0.25)
    assert sum(kind.weight for kind in other) == pytest.approx(1)
    assert mean(other, "backend") < mean(kinds, "backend")


@pytest.fixture
def say(monkeypatch, capsys):
    """What is printed to whoever asks with these arguments."""

    def asked(*arguments):
        monkeypatch.setattr(sys, "argv", ["capacity", *arguments])
        main()
        return capsys.readouterr().out

    return asked


def test_it_says_what_somebody_has_to_expect(say):
    said = say("--users", "2000", "--calls", "20", "--writes", "0.1", "--backends", "2")

    assert "2,000 people in the busiest hour, 20 calls each: 11.1 calls a second." in said
    assert [line.split("|")[1].strip() for line in said.splitlines() if line.startswith("| ")][1:] == ["---", "1", "2"]
    assert "0% |" in said


def test_of_far_too_much_it_says_what_is_let_through(say):
    said = say("--users", "100000", "--backends", "4", "--cores", "16")

    assert re.search(r"With 4 backends on 16 cores PostgreSQL lets \d+ a second through\.", said)


@pytest.mark.parametrize("wrong", [("--writes", "2"), ("--writes", "some"), ("--users", "0"), ("--backends", "-1")])
def test_what_makes_no_sense_is_refused_in_a_sentence(say, capsys, wrong):
    with pytest.raises(SystemExit):
        say(*wrong)

    assert f"{wrong[1]!r} is not a" in capsys.readouterr().err


def test_what_did_not_come_as_predicted_is_said_at_the_end(say, monkeypatch):
    done = []
    monkeypatch.setattr(scaled, "main", lambda: ["2 × 0.2, half"])
    monkeypatch.setattr(remembering, "main", lambda: done.append("Redis"))
    monkeypatch.setattr(capacity_report, "main", lambda: done.append("report"))

    with pytest.raises(SystemExit, match="What was predicted is not what came: 2 × 0.2, half"):
        say("--measure")

    assert done == ["Redis", "report"]


def test_the_upstream_is_the_specified_one():
    assert (DIRECTORY / "upstream-least-conn.conf").read_text().strip() in DOCUMENT.read_text()


def test_the_tables_are_those_of_the_figures():
    """`make capacity` writes both."""
    text = DOCUMENT.read_text()

    for section in sections():
        assert put(text, section) == text


def test_what_the_text_says_follows_from_them():
    text = " ".join(DOCUMENT.read_text().split())
    kinds = visit()
    backend, database, nginx = (mean(kinds, of) for of in ("backend", "database", "nginx"))
    whole = backend + database + nginx
    # A tenth of the accounts comes on a day, a fifth of these in the busiest hour, with 84 calls each.
    by_account = 84 / 3600 / 50
    rate = 100_000 * by_account

    def in_ms(seconds):
        return f"{1000 * seconds:.1f} ms"

    def percentiles(rate, backends):
        outcome = predict(Site(backends=backends, cores=2), kinds, rate=rate)
        return [round(1000 * outcome.percentile(percent)) for percent in (50, 99)]

    usual, slow = percentiles(rate, 1)
    one, two = percentiles(75, 1), percentiles(75, 2)
    for sentence in [
        f"A call takes {in_ms(backend)} in a backend, {in_ms(database)} in PostgreSQL, {in_ms(nginx)} in nginx",
        f"of the {1 / backend:.0f} that one backend lets through (1 ÷ {in_ms(backend)}",
        f"{rate:.0f} calls a second are {100 * rate * backend:.0f} % of one backend",
        f"a median of {usual} ms and a 99th percentile of {slow}",
        f"At 75 calls, {round(75 / by_account, -4):,.0f} accounts",
        f"they are {one[0]} and {one[1]} ms with one backend, and {two[0]} and {two[1]} with two",
        f"at {2 / whole:.0f} calls a second (2 ÷ {in_ms(whole)})",
        f"at {1 / database:.0f} calls a second (1 ÷ {in_ms(database)}) and {round(1 / database / by_account, -4):,.0f} "
        "accounts",
        f"ten backends, each to {100 * rate * backend:.0f} % busy",
        f"a call takes {1000 * backend:.1f} of its {in_ms(whole)} there",
    ]:
        assert sentence in text


def test_a_table_out_of_date_is_noticed():
    section = "## Measured\n\nanother"

    assert put("# A\n\n## Measured\n\nold\n\n## B\n\nb\n", section) == f"# A\n\n{section}\n\n## B\n\nb\n"
    with pytest.raises(ValueError, match="has no '## Measured'"):
        put("# A\n", section)


def test_what_is_predicted_there_is_what_the_simulation_predicts():
    """Of held backends without a pause, which are soon calculated."""
    kept = json.loads(KEPT.read_text())["backends"]

    for run in kept["runs"]:
        if run["cpus"] == CPUS and not run["think"]:
            again = predicted(kept, run, seconds=20)
            assert again["rate"] == pytest.approx(run["predicted"]["rate"], rel=0.05)


def test_a_prediction_that_does_not_come_true_fails():
    def run(cpus, rate):
        figures = {"measured": {"rate": rate}, "predicted": {"rate": 20.0}}
        return figures | {"backends": 2, "cpus": cpus, "load": "half"}

    assert astray([run(CPUS, 20), run(CPUS, 15), run(CPUS, 25), run(1.0, 90)]) == []
    assert astray([run(CPUS, 11)]) == ["2 × 0.2, half: 11.0 a second, and not about 20.0"]
    assert len(astray([run(CPUS, 29)])) == 1

"""From a plan to a stored run, with everything that it starts replaced."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar, cast

import pytest

from otel_voiceload.errors import CollectorError, ExitCode, SmokeFailed, UsageError
from otel_voiceload.load.resources import Sampler
from otel_voiceload.profiles import Request, load
from otel_voiceload.runner import play as playing
from otel_voiceload.runner.calibrate import HearingError
from otel_voiceload.runner.children import Child
from otel_voiceload.runner.collector import CollectorHandle
from otel_voiceload.runner.generate import RunOutcome
from otel_voiceload.runner.plan import Access, RunPlan
from otel_voiceload.runner.prepare import Prepared
from otel_voiceload.runner.screen import Screen
from otel_voiceload.runner.smoke import Seen
from otel_voiceload.runner.stop import Running, find_running
from otel_voiceload.runner.usage import UsageWatch
from otel_voiceload.telemetry.exporter import Totals
from otel_voiceload.telemetry.posting import Endpoint

STORE = Path("store")
HEARING = HearingError(0.003, 0.001, 21)
PLAN = RunPlan("ws://127.0.0.1:8765", "custom", Request(calls=5, duration_s=60), STORE)
DONE = RunOutcome("run-1", "duration", Totals(7, 7), None)


class FakeCollector(CollectorHandle):
    """Notes in ``order`` what happens to it."""

    def __init__(self, order: list[str], *, own: bool = True, store: Path | None = STORE) -> None:
        child = cast(Child, SimpleNamespace(pid=9)) if own else None
        super().__init__("http://127.0.0.1:4318", "", None, child, store)
        self.order = order
        self.joined: int | None = 3

    def linger(self) -> None:
        self.order.append("linger")

    def stop(self) -> None:
        self.order.append("stop")

    def spans_of_trace(self, trace_id: str) -> int | None:
        return self.joined


class World:
    """What ``play`` reaches for, each part noting that it was used."""

    def __init__(self, patch: pytest.MonkeyPatch, store: Path) -> None:
        self.store = store
        self.found: Running | None = None
        self.order: list[str] = []
        self.said = io.StringIO()
        self.outcome = DONE
        self.collector: CollectorHandle = FakeCollector(self.order)
        self.smoke: Callable[[], list[str]] = lambda: ["smoke call: fine"]
        patch.setattr(playing.collectors, "find_or_start", self._collector)
        patch.setattr(playing, "smoke", self._smoke)
        patch.setattr(playing.fleet, "start", self._fleet)
        patch.setattr(playing, "Run", self._run)
        patch.setattr(playing, "watching", self._watching)
        patch.setattr(playing, "calibrating", lambda wire: nullcontext(lambda: HEARING))
        self.prepared: Prepared | None = None

    def _fleet(self, *_: object) -> World:
        self.order.append("fleet")
        return self

    pids: ClassVar[dict[str, int]] = {"worker-0": 7}

    def _watching(
        self, plan: RunPlan, workers: dict[str, int], collector_pid: int | None, store: Path | None
    ) -> UsageWatch:
        self.watched = workers
        return UsageWatch(Sampler(()), lambda: None, lambda: 0)

    def _run(self, _: RunPlan, prepared: Prepared, *__: object, **___: object) -> World:
        self.prepared = prepared
        return self

    def _collector(self, store: Path, choice: str | None, access: Access) -> CollectorHandle:
        assert (store, access) == (self.store, Access())
        self.order.append(f"collector {choice}")
        return self.collector

    def _smoke(
        self,
        plan: RunPlan,
        prepared: Prepared,
        joined: Callable[[str], int | None],
        stop_asked: Callable[[], bool],
    ) -> Seen:
        self.order.append("smoke")
        assert not stop_asked()
        lines, count = self.smoke(), joined("abc")
        return Seen([*lines, f"joined {count}"], count)

    def play(self) -> RunOutcome:
        """As ``Run.play``."""
        self.order.append("load")
        (self.found,) = find_running(self.store)
        return self.outcome

    def begin(self, plan: RunPlan = PLAN) -> RunOutcome:
        return playing.play(replace(plan, store=self.store), Screen(self.said))


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> World:
    return World(monkeypatch, tmp_path)


def test_collector_smoke_call_load_last_spans_and_the_collectors_end_in_this_order(
    world: World,
) -> None:
    assert world.begin() == DONE

    assert world.order == [
        *("collector None", "smoke", "fleet", "load", "linger", "stop"),
    ]
    said = world.said.getvalue().splitlines()
    assert said[0] == "point your agent at it: OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318"
    assert said[1].startswith(f"stop it: Ctrl-C, ovl stop, or touch {world.store / 'runs'}/")
    assert said[2:5] == ["placing one call first", "smoke call: fine", "joined 3"]
    assert said[5].startswith("run ")
    assert said[5].endswith("custom, 5 calls, about 60 s")


def test_the_run_knows_how_late_this_machine_hears(world: World) -> None:
    world.begin()

    assert world.prepared is not None
    assert world.prepared.hearing == HEARING


def test_a_run_can_be_found_by_others_while_it_goes_on_and_no_longer(world: World) -> None:
    world.begin(replace(PLAN, tag="tuesday"))

    assert world.found is not None
    assert (world.found.target, world.found.tag) == (PLAN.target, "tuesday")
    assert find_running(world.store) == ()


@pytest.mark.parametrize(
    ("profile", "request_", "said"),
    [
        ("ramp", Request(calls=40, duration_s=180), "9 levels up to 40 calls, about 3 min"),
        ("ramp", Request(calls=1), "1 call, about 60 s"),
        ("custom", Request(stages=("10m:200", "hold:2h:200")), "2 stages, up to 200 calls, about"),
        ("custom", Request(stages=("90s:4",)), "up to 4 calls, about 90 s"),
        ("baseline", Request(), "3 levels up to 10 calls, 2 min at least, 15 min at most"),
        (
            "custom",
            Request(rate_per_s=2),
            "calls begun at up to 2/s, 100 calls held at most, about",
        ),
        ("five-phase", Request(calls=40), "5 phases, up to 40 calls, "),
    ],
)
def test_what_is_to_come_is_said_with_levels_and_length(
    profile: str, request_: Request, said: str
) -> None:
    assert playing.outlook(load(profile).of(request_)).startswith(said)


def test_a_plan_that_can_not_be_starts_nothing(world: World) -> None:
    with pytest.raises(UsageError, match="no profile"):
        world.begin(replace(PLAN, profile_name="moon"))

    assert world.order == []


def test_a_failed_smoke_call_is_followed_by_no_load(world: World) -> None:
    def mute() -> list[str]:
        raise SmokeFailed("it never said anything")

    world.smoke = mute

    with pytest.raises(SmokeFailed):
        world.begin()

    assert world.order == ["collector None", "smoke", "stop"]


def test_nobody_waits_for_late_spans_after_ctrl_c(world: World) -> None:
    world.outcome = replace(DONE, interrupted=ExitCode.INTERRUPTED)

    assert world.begin().interrupted == ExitCode.INTERRUPTED
    assert "linger" not in world.order


@pytest.mark.parametrize(("joined", "waits"), [(0, False), (3, True), (None, True)])
def test_a_target_that_sends_no_spans_is_not_waited_for(
    world: World, joined: int | None, waits: bool
) -> None:
    world.collector = one = FakeCollector(world.order)
    one.joined = joined

    world.begin()

    assert ("linger" in world.order) is waits


def test_a_collector_of_somebody_else_is_named_as_such(world: World) -> None:
    world.collector = FakeCollector(world.order, own=False)

    world.begin()

    assert world.said.getvalue().startswith("using the collector at http://127.0.0.1:4318\n")


def test_a_run_in_another_store_is_marked_so(world: World) -> None:
    world.collector = FakeCollector(world.order, own=False, store=None)

    assert world.begin().stored_here is False


def test_what_went_wrong_inside_is_said(world: World) -> None:
    world.outcome = replace(DONE, totals=None, internal_errors=("KeyError: 'x'",))

    world.begin()

    assert "internal error in a worker: KeyError: 'x'" in world.said.getvalue()
    assert "telemetry process died" in world.said.getvalue()


def test_a_collector_that_ended_badly_is_said_after_the_run(world: World) -> None:
    class Broken(FakeCollector):
        def stop(self) -> None:
            raise CollectorError("the collector ended with code 1")

    world.collector = Broken(world.order)

    with pytest.raises(CollectorError, match="code 1"):
        world.begin()

    assert "load" in world.order


def test_a_target_that_sent_no_spans_of_its_own_is_not_waited_for(world: World) -> None:
    collector = FakeCollector(world.order)
    collector.joined = 0
    world.collector = collector

    world.begin()

    assert "linger" not in world.order


@pytest.mark.parametrize(
    ("totals", "said"),
    [
        (Totals(7, 7), []),
        (Totals(7, 7, away_s=0.4, spool_peak_bytes=9), []),
        (
            Totals(7, 5, {"spool_full": 2}, away_s=61.6, spool_peak_bytes=3 * 2**20),
            ["the collector was away for 62 s: up to 3.0 MiB were spooled, 2 spans lost"],
        ),
        (
            Totals(7, 3, spooled=4),
            [
                "4 spans of this run are not delivered to http://otel: they wait in store/spool; "
                "ovl collect, or the next run on this store, delivers them"
            ],
        ),
        (
            Totals(7, 7, copy=Totals(7, 4, {"http_400": 2}, spooled=1)),
            [
                "your own back end got 4 of 7 spans: 2 http_400 lost, 1 wait for the next run "
                "with the same address"
            ],
        ),
    ],
)
def test_spans_that_did_not_get_away_as_they_should_are_said(
    totals: Totals, said: list[str]
) -> None:
    assert playing.deliveries(totals, "http://otel", Path("store")) == said


def test_what_earlier_runs_left_is_delivered_before_the_first_call(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://backend:4318")

    def deliver(store: Path, others: Mapping[str, Endpoint]) -> list[str]:
        world.order.append(f"leftovers {store == world.store} {list(others)}")
        return ["stored 5 spans"]

    monkeypatch.setattr(FakeCollector, "deliver_leftovers", staticmethod(deliver))
    world.begin()

    assert world.order[1] == "leftovers True ['http://backend:4318/v1/traces']"
    assert "stored 5 spans" in world.said.getvalue()

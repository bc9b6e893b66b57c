"""What is shown while a run goes on."""

import io
from dataclasses import replace

from otel_voiceload.model import Health, Progress, Stage
from otel_voiceload.runner.screen import Screen, Tally, line, percentile, rows

STAGE = Stage(index=2, phase="ramp", start_s=10, duration_s=10, calls_from=48, calls_to=48)


def progress(
    shard: int = 0, calls: int = 20, latencies: tuple[float, ...] = (), llm: float = 0.2
) -> Progress:
    health = Health(
        shard_index=shard,
        at_mono_ns=0,
        calls_active=calls,
        frames_due=1000,
        frames_late=0,
        late_share=0.0,
        pacing_error_p99_s=0.002,
        loop_lag_p99_s=0.001,
        run_delay_share=0.01,
        cpu=0.31,
        late_starts=0,
        connect_pending=0,
    )
    return Progress(
        health=health,
        calls_started=3,
        calls_ended={"completed": 2},
        turn_latencies_s=latencies,
        turns_unanswered=1,
        components={"llm": ((1, llm),) * 10, "tts": ((1, 0.1),) * 10},
    )


def test_calls_are_summed_over_shards_and_a_later_second_replaces_an_earlier_one() -> None:
    tally = Tally()
    tally.add(progress(shard=0, calls=20), 1.0)
    tally.add(progress(shard=1, calls=21), 1.0)
    tally.add(progress(shard=0, calls=24), 2.0)

    assert tally.held == 45
    assert tally.calls_started == 9
    assert tally.ended["completed"] == 6


def test_traffic_is_summed_over_shards_and_a_lost_one_holds_nothing() -> None:
    tally = Tally()
    assert tally.traffic is None
    for shard, rate in ((0, 10.0), (1, 20.0), (1, 30.0)):
        told = progress(shard=shard, calls=5)
        health = replace(told.health, sent_bytes_per_s=rate, received_bytes_per_s=1.0)
        tally.add(replace(told, health=health), 1.0)
    assert tally.traffic == (40.0, 2.0)

    tally.forget(1)
    assert tally.traffic == (10.0, 1.0)
    assert tally.held == 5


def test_the_slowest_component_is_the_one_that_grew_not_the_one_that_is_long() -> None:
    tally = Tally()
    tally.add(progress(llm=0.5), 1.0)
    assert tally.worst_component() is not None

    tally.add(progress(llm=1.5), 12.0)  # the first second has left the window

    worst = tally.worst_component()
    assert worst is not None
    assert worst[0] == "llm"
    assert worst[1] == 3.0


def test_latency_is_of_the_last_ten_seconds() -> None:
    tally = Tally()
    tally.add(progress(latencies=(9.0,)), 1.0)
    tally.add(progress(latencies=(0.5, 0.6)), 12.0)

    assert tally.latency_s(95) == 0.6


def test_a_line_fits_eighty_columns_and_names_calls_and_latency() -> None:
    tally = Tally()
    tally.add(progress(calls=100, latencies=(0.5,) + (12.5,) * 997, llm=0.02), 1.0)
    tally.add(progress(calls=100, latencies=(12.5,) * 999, llm=0.25), 1.0)
    tally.first_level_medians_s["llm"] = 0.01

    text = line(tally, STAGE, 1200.0)

    assert text.startswith("1200 s  calls 100/48  answered 1997/1999  p95 12.50 s  llm ")
    assert text.endswith("x  pacing 2 ms")
    assert len(text) <= 80 - len("120") + len("2")  # room for a pacing error of three digits


def test_rows_say_so_when_nothing_was_measured_yet() -> None:
    shown = dict(rows(Tally(), None, 0.0))

    assert shown["slowest"] == "no timing yet"
    assert shown["latency"] == "p50 -  p95 -"


def test_without_a_terminal_there_is_one_line_per_ten_seconds() -> None:
    now = [0.0]
    out = io.StringIO()
    with Screen(out, clock=lambda: now[0]) as screen:
        for second in range(25):
            now[0] = float(second)
            screen.show(Tally(), STAGE, 10.0 + second)

    assert len(out.getvalue().splitlines()) == 2


def test_a_quiet_screen_says_nothing() -> None:
    out = io.StringIO()
    with Screen(out, quiet=True) as screen:
        screen.say("hello")
        screen.show(Tally(), STAGE, 100.0)

    assert out.getvalue() == ""


def test_percentile_is_the_nearest_rank() -> None:
    assert percentile([3.0, 1.0, 2.0], 50) == 2.0
    assert percentile([1.0], 95) == 1.0

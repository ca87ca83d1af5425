"""The sampler as a real process, its sources over real files, and what is made of planted traces."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from verifier.evidence.telemetry import CLOCK_EVENT_REASONS, LIMIT_BITS, MOST_POINTS, THROTTLE_BITS, Telemetry, Validity
from verifier.telemetry import HostSampler
from verifier.telemetry.host import MOST_THREADS, Own, Pressure, ProcessorTime, Quota, Waiting
from verifier.telemetry.nvml import Nvml, cards
from verifier.telemetry.program import sources
from verifier.telemetry.sensors import Clock, Rapl, Temperature, Throttle
from verifier.telemetry.summary import telemetry
from verifier.telemetry.trace import Lines

BURN = "import time\nwhile time.process_time() < 0.6: sum(range(1000))"
ENDED = 30.0
"""Patience for another process to end; it is there within milliseconds, and a loaded machine is no failure."""


def _gone(pid: int) -> bool:
    """Whether a process has ended: away, or a zombie that nobody has fetched yet."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state in {"Z", "X"}


def _until(condition) -> bool:
    deadline = time.monotonic() + ENDED
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.01)
    return False


# --- the sampler as a process


def test_samples_are_times_of_the_workers_own_clock():
    before = time.perf_counter()
    with HostSampler(period_s=0.02) as sampler:
        assert _until(lambda: sampler.report().samples >= 10)
    report, after = sampler.report(), time.perf_counter()
    times = [report.began_s + t for t in report.times_s]
    assert before <= times[0] <= times[-1] <= after
    assert times == sorted(times)
    assert report.samples >= 10
    assert report.sampler_share is not None
    assert report.processors >= 1


def test_the_sampler_ends_when_its_parent_is_killed():
    code = (
        "import time\nfrom verifier.telemetry import HostSampler\n"
        "with HostSampler() as s:\n    print(s.pid, flush=True)\n    time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert not _gone(pid)
        parent.send_signal(signal.SIGKILL)
    assert _until(lambda: _gone(pid))


def test_the_sampler_ends_with_the_stage_even_if_the_stage_fails():
    sampler = HostSampler()
    with pytest.raises(ZeroDivisionError), sampler:
        _ = 1 / 0
    assert sampler.pid is not None
    assert _gone(sampler.pid)


def test_a_sampler_that_was_stopped_leaves_a_gap():
    with HostSampler(period_s=0.02) as sampler:
        assert sampler.pid is not None
        assert _until(lambda: sampler.report().samples >= 3)
        os.kill(sampler.pid, signal.SIGSTOP)
        time.sleep(16 * 0.02 + 0.2)
        os.kill(sampler.pid, signal.SIGCONT)
        seen = sampler.report().samples
        assert _until(lambda: sampler.report().samples > seen)
    report = sampler.report()
    assert report.status is Validity.GAP_TOO_LONG
    assert report.longest_gap_s >= 16 * 0.02


def test_a_killed_sampler_makes_telemetry_invalid_and_nothing_else_fails():
    with HostSampler() as sampler:
        assert sampler.pid is not None
        os.kill(sampler.pid, signal.SIGKILL)
        assert _until(lambda: not sampler.alive)
        sampler.own.add(os.getpid())
    report = sampler.report({"int8": [(report_start := time.perf_counter(), report_start + 1.0)]})
    assert report.status is Validity.SAMPLER_DIED
    assert not report.valid
    assert all(during.steal is None for during in report.during)
    assert isinstance(sampler.samples, tuple)


def test_a_sampler_that_cannot_start_makes_telemetry_invalid(monkeypatch, tmp_path):
    monkeypatch.setattr("verifier.telemetry.sampling._PROGRAM", tmp_path / "absent.py")
    with HostSampler() as sampler:
        assert sampler.samples == ()
    sampler.save(tmp_path / "trace.npz")
    assert sampler.report({"int8": [(0.0, 1.0)]}).status is Validity.SAMPLER_DIED


def test_the_time_of_a_process_that_is_ours_counts_as_ours():
    with HostSampler(period_s=0.02) as sampler, subprocess.Popen([sys.executable, "-c", BURN]) as child:
        sampler.own.add(child.pid)
        _, _, usage = os.wait4(child.pid, 0)
        child.returncode = 0
        time.sleep(0.1)
    source = sampler.report().source("processor_time")
    assert source is not None
    own = next(reading for reading in source.readings if reading.name == "own")
    assert own.total == pytest.approx(usage.ru_utime + usage.ru_stime, abs=0.2)  # ticks, and the parent's own time


def test_what_was_read_so_far_can_be_reported_while_the_stage_goes_on():
    with HostSampler(period_s=0.02) as sampler:
        assert _until(lambda: sampler.report().samples >= 10)
        early = sampler.report({"int8": [(sampler.report().began_s, time.perf_counter() - 0.05)]})
        assert early.status is not Validity.SAMPLER_DIED
        assert early.over("int8") is not None
        assert _until(lambda: sampler.report().samples > early.samples)


def test_every_sample_is_kept_in_a_file(tmp_path):
    with HostSampler(period_s=0.02) as sampler:
        assert _until(lambda: sampler.report().samples >= 5)
    sampler.save(tmp_path / "trace.npz")
    with np.load(tmp_path / "trace.npz", allow_pickle=False) as kept:
        assert len(kept["times_s"]) == len(kept["processor_time/used"]) == sampler.report().samples


def test_the_report_is_plain_data():
    with HostSampler(period_s=0.02) as sampler:
        assert _until(lambda: sampler.report().samples >= 5)
    report = sampler.report()
    assert Telemetry.model_validate_json(report.model_dump_json()) == report


@pytest.mark.bench
def test_rate_and_cost_of_the_sampler():
    with HostSampler() as sampler:
        time.sleep(10)
    report = sampler.report()
    words = f"{report.rate_hz:.2f} samples/s, {100 * report.sampler_share:.2f} % of one processor"
    print(f"\nsampler: {words}")  # noqa: T201 - printing ratios is what it is for


# --- sources


def test_what_cannot_be_read_here_says_so_by_a_known_reason():
    for source in sources(Own(os.getpid(), os.getpid())):
        code = source.available()
        assert code is None or Validity(code) is not Validity.OK
        assert source.note
        if source.channels:
            assert len(source.read()) == len(source.channels)
        else:
            assert code is not None


@contextmanager
def _as_nobody() -> Iterator[None]:
    """Without root's right to read everything."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def _tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_energy_that_only_root_may_read_is_permission_denied_and_not_zero():
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        root.chmod(0o755)
        _tree(root, {"class/powercap/intel-rapl:0/energy_uj": "5", "class/powercap/intel-rapl:0/name": "package-0"})
        (root / "class/powercap/intel-rapl:0/energy_uj").chmod(0o400)
        with _as_nobody():
            source = Rapl(root)
            assert source.available() == "permission_denied"
            assert source.channels == ()
        source = Rapl(root)
        assert source.available() is None or os.geteuid() != 0


def test_a_machine_without_sensors_has_none(tmp_path):
    for source in (Rapl(tmp_path), Temperature(tmp_path), Throttle(tmp_path)):
        assert source.available() == "no_sensor"
    assert Clock(tmp_path, tmp_path / "cpuinfo").available() == "no_sensor"
    assert Pressure(tmp_path).available() == "no_sensor"
    assert Quota(tmp_path, tmp_path / "cgroup").available() == "no_sensor"
    assert ProcessorTime(Own(1, 1), tmp_path).available() == "no_sensor"
    assert Waiting(Own(1, 1), tmp_path).available() == "no_sensor"


def test_clocks_come_from_the_frequency_driver_in_megahertz(tmp_path):
    first = min(os.sched_getaffinity(0))
    _tree(tmp_path, {f"devices/system/cpu/cpu{first}/cpufreq/scaling_cur_freq": "2400000\n"})  # kHz, cpufreq.rst
    source = Clock(tmp_path, tmp_path / "cpuinfo")
    assert source.available() is None
    assert source.read() == [2400.0, 2400.0, 2400.0, 2400.0]


@pytest.mark.parametrize(("flags", "code"), [("fpu hypervisor avx2", "nominal_only"), ("fpu avx2", None)])
def test_the_clock_that_a_guest_is_shown_is_no_measurement(tmp_path, flags, code):
    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\nflags\t\t: {flags}\ncpu MHz\t\t: 2596.152\n")
    source = Clock(tmp_path, tmp_path / "cpuinfo")
    assert source.available() == code
    assert source.read()[0] == 2596.152


def test_temperatures_are_the_processors_and_not_the_disks(tmp_path):
    _tree(
        tmp_path,
        {
            "class/hwmon/hwmon0/name": "nvme\n",
            "class/hwmon/hwmon0/temp1_input": "38850\n",
            "class/hwmon/hwmon1/name": "coretemp\n",
            "class/hwmon/hwmon1/temp1_input": "61000\n",  # thousandths of a degree, hwmon sysfs-interface
            "class/hwmon/hwmon1/temp1_label": "Package id 0\n",
        },
    )
    source = Temperature(tmp_path)
    assert source.available() is None
    assert [channel.name for channel in source.channels] == ["hwmon1 coretemp Package id 0"]
    assert source.read() == [61.0]


def test_without_such_a_driver_a_thermal_zone_of_the_processor_serves(tmp_path):
    zones = {"thermal_zone0/type": "acpitz", "thermal_zone0/temp": "27800", "thermal_zone1/type": "x86_pkg_temp"}
    _tree(tmp_path / "class/thermal", zones | {"thermal_zone1/temp": "55000"})
    source = Temperature(tmp_path)
    assert source.available() is None
    assert source.read() == [55.0]


def test_throttling_is_read_as_events_and_seconds(tmp_path):
    first = min(os.sched_getaffinity(0))
    names = {"core_throttle_count": "3", "package_throttle_count": "4", "package_throttle_total_time_ms": "1500"}
    _tree(tmp_path / f"devices/system/cpu/cpu{first}/thermal_throttle", names)
    source = Throttle(tmp_path)
    assert source.available() is None
    assert source.read() == [7.0, 1.5]


def test_a_quota_is_read_in_both_versions_of_control_groups(tmp_path):
    (tmp_path / "cgroup").write_text("0::/box\n")
    _tree(tmp_path, {"box/cpu.stat": "usage_usec 9\nnr_throttled 2\nthrottled_usec 250000\n"})  # cgroup-v2.rst
    source = Quota(tmp_path, tmp_path / "cgroup")
    assert (source.available(), source.read()) == (None, [0.25])
    (tmp_path / "cgroup").write_text("7:cpu,cpuacct:/old\n")
    _tree(tmp_path, {"cpu,cpuacct/old/cpu.stat": "nr_throttled 2\nthrottled_time 500000000\n"})  # sched-bwc.rst
    source = Quota(tmp_path, tmp_path / "cgroup")
    assert (source.available(), source.read()) == (None, [0.5])


def test_waiting_counts_workers_and_not_the_processes_that_measure(tmp_path):
    _tree(
        tmp_path, {"self/schedstat": "0 0 0", "7/task/7/schedstat": "10 1000000000 1", "8/task/8/schedstat": "10 5 1"}
    )
    own = Own(8, 9)
    own.add(7)
    own.add(8)
    source = Waiting(own, tmp_path)
    assert source.available() is None
    assert source.read() == [0.0]  # what was waited before we looked does not count
    (tmp_path / "7/task/7/schedstat").write_text("10 3500000000 1")
    (tmp_path / "8/task/8/schedstat").write_text("10 9500000000 1")
    assert source.read() == [2.5]


def test_without_library_or_driver_a_card_is_absent_for_a_reason():
    for source in cards(Own(1, 1)):
        code = source.available()
        if isinstance(source, Nvml):
            assert code is None or Validity(code)
        else:
            assert code in {"library_absent", "no_sensor"}


def test_bits_of_clock_event_reasons_are_those_of_nvml():
    pynvml = pytest.importorskip("pynvml")
    assert (
        pynvml.nvmlClocksEventReasonSwThermalSlowdown
        | pynvml.nvmlClocksThrottleReasonHwThermalSlowdown
        | pynvml.nvmlClocksThrottleReasonHwSlowdown
        | pynvml.nvmlClocksThrottleReasonHwPowerBrakeSlowdown
    ) == THROTTLE_BITS
    assert pynvml.nvmlClocksEventReasonSwPowerCap | pynvml.nvmlClocksEventReasonSyncBoost == LIMIT_BITS
    assert sum(CLOCK_EVENT_REASONS) == pynvml.nvmlClocksEventReasonAll


# --- planted traces

COUNTERS = ("processor_time", [("used", "s", "counter"), ("idle", "s", "counter"), ("steal", "s", "counter")])
CARD = (
    "nvml.0",
    [("sm_clock", "MHz", "gauge"), ("clock_event_reasons", "bits", "mask"), ("own_processes", "1", "gauge")],
)


def planted(
    rows: Iterable[list[float | None]],
    *described: tuple[str, list[tuple[str, str, str]]],
    period_s: float = 0.125,
    asleep: dict[int, float] | None = None,
    wrap: float | None = None,
) -> Lines:
    """The sampler's output, written by hand: one row of values a period from second 100."""
    lines = Lines()
    head = [
        {"name": name, "code": None, "note": "2 planted", "channels": [[*c, wrap, True] for c in channels]}
        for name, channels in described
    ]
    lines.feed(json.dumps({"pid": 1, "period_ns": round(period_s * 1e9), "sources": head}).encode() + b"\n")
    for i, row in enumerate(rows):
        at = round((100.0 + i * period_s) * 1e9)
        cells = [at, i * 400_000, (asleep or {}).get(i, 0.0) * 1e9, *row]
        lines.feed(json.dumps(cells).encode() + b"\n")
    lines.feed(b'{"stopped":true}\n')
    return lines


def reported(lines: Lines, *, seconds: float, spans: list[tuple[float, float]] | None = None) -> Telemetry:
    return telemetry(lines, {"int8": spans or [(100.0, 100.0 + seconds)]}, began_s=100.0, ended_s=100.0 + seconds)


def _card(masks: list[int], clocks: list[float]) -> Lines:
    return planted([[clock, mask, 1.0] for mask, clock in zip(masks, clocks, strict=True)], CARD)


def test_a_card_throttled_for_half_the_time_is_slowed_by_half_its_clocks_deficit():
    found = reported(_card([0] * 80 + [0x40] * 80, [2000.0] * 80 + [1500.0] * 80), seconds=19.875).over("int8")
    assert found is not None
    assert found.throttled == pytest.approx(0.5)
    assert found.slowed == pytest.approx(0.5 * 0.25)
    assert found.clock_mhz == 1750.0


@pytest.mark.parametrize("bit", [0x8, 0x20, 0x40, 0x80])
def test_each_reason_of_heat_and_hardware_is_throttling(bit):
    found = reported(_card([bit] * 80, [1500.0] * 80), seconds=9.875).over("int8")
    assert found is not None
    assert found.throttled == 1.0


@pytest.mark.parametrize("bit", [0x0, 0x1, 0x2, 0x100])
def test_idling_and_clocks_that_were_set_are_no_throttling(bit):
    found = reported(_card([bit] * 80, [1500.0] * 80), seconds=9.875).over("int8")
    assert found is not None
    assert (found.throttled, found.slowed) == (0.0, 0.0)


def test_a_card_that_runs_evenly_at_its_limit_of_power_is_not_slowed():
    found = reported(_card([0x4] * 160, [1500.0] * 160), seconds=19.875).over("int8")
    assert found is not None
    assert (found.throttled, found.slowed) == (0.0, 0.0)


def test_a_boost_before_the_limit_of_power_is_a_deficit_after_it():
    found = reported(_card([0] * 40 + [0x4] * 120, [1980.0] * 40 + [1485.0] * 120), seconds=19.875).over("int8")
    assert found is not None
    assert found.slowed == pytest.approx(0.75 * 0.25)


def test_throttling_outside_the_counted_blocks_does_not_count():
    lines = _card([0x40] * 80 + [0] * 80, [1500.0] * 80 + [2000.0] * 80)
    found = reported(lines, seconds=19.875, spans=[(110.0, 119.8)]).over("int8")
    assert found is not None
    assert found.throttled == 0.0


def test_the_reasons_share_of_time_is_given_bit_by_bit():
    report = reported(_card([0x4] * 50 + [0x44] * 25 + [0] * 25, [1500.0] * 100), seconds=12.375)
    source = report.source("nvml.0")
    assert source is not None
    reading = next(r for r in source.readings if r.kind == "mask")
    assert reading.bits == {"0x4": 0.75, "0x40": 0.25}


def test_steal_is_a_share_of_all_processors_time_in_the_counted_blocks():
    # Two processors: 0.25 s of time a sample. In the first half nothing is stolen, in the second a tenth of it.
    used = [0.25 * min(i, 80) + 0.225 * max(i - 80, 0) for i in range(161)]
    steal = [0.025 * max(i - 80, 0) for i in range(161)]
    lines = planted([[u, 0.0, s] for u, s in zip(used, steal, strict=True)], COUNTERS)
    first = reported(lines, seconds=20.0, spans=[(100.0, 110.0)]).over("int8")
    both = reported(lines, seconds=20.0, spans=[(100.0, 105.0), (110.0, 115.0)]).over("int8")
    assert first is not None
    assert both is not None
    assert (first.steal, both.steal) == (0.0, pytest.approx(0.05))


def test_a_counter_that_wraps_goes_on_and_one_that_starts_anew_is_reset():
    values = [90.0, 95.0, 1.0, 6.0]
    energy = ("rapl", [("intel-rapl:0.package-0", "J", "counter")])
    wrapped = reported(planted([[v] for v in values], energy, wrap=100.0), seconds=0.375)
    reset = reported(planted([[v] for v in values], energy), seconds=0.375)
    assert wrapped.source("rapl").readings[0].total == pytest.approx(5 + 6 + 5)
    assert wrapped.source("rapl").status is Validity.OK
    assert reset.source("rapl").status is Validity.COUNTER_RESET


def test_energy_of_a_regime_is_that_of_its_blocks():
    energy = ("rapl", [("intel-rapl:0.package-0", "J", "counter")])
    rows = [[2.0 * i] for i in range(81)]  # 16 W
    found = reported(planted(rows, energy), seconds=10.0, spans=[(101.0, 102.0), (105.0, 107.0)]).over("int8")
    assert found.energy_j == {"rapl.intel-rapl:0.package-0": pytest.approx(48.0)}


@pytest.mark.parametrize(
    ("period_s", "count", "seconds", "asleep", "status"),
    [
        (0.125, 81, 10.0, {}, Validity.OK),
        (0.25, 41, 10.0, {}, Validity.RATE_TOO_LOW),
        (0.125, 81, 13.0, {}, Validity.GAP_TOO_LONG),  # three seconds at the end were not watched
        (0.125, 81, 10.0, dict.fromkeys(range(40, 81), 30.0), Validity.CLOCK_JUMP),
    ],
)
def test_each_fault_of_the_sampling_has_its_reason(period_s, count, seconds, asleep, status):
    rows = [[0.2 * i, 0.0, 0.0] for i in range(count)]
    report = reported(planted(rows, COUNTERS, period_s=period_s, asleep=asleep), seconds=seconds)
    assert report.status is status
    assert bool(report.message) is (status is not Validity.OK)


def test_output_that_breaks_off_is_a_sampler_that_died():
    lines = Lines()
    whole = b'{"pid":1,"period_ns":125000000,"sources":[]}\n[100000000000,0,0]\n[100125000000,0,0]\n'
    lines.feed(whole[:60])
    lines.feed(whole[60:] + b"[100250")
    assert reported(lines, seconds=0.25).status is Validity.SAMPLER_DIED


def test_a_source_that_fails_on_the_way_is_named_and_its_values_are_no_zeros():
    lines = planted([[1500.0, 0, 1.0]] * 8 + [[None, None, None]] * 8, CARD)
    lines.feed(b'{"failed":"nvml.0","at":1,"message":"GPU is lost"}\n')
    source = reported(lines, seconds=1.875).source("nvml.0")
    assert source.status is Validity.READ_FAILED
    assert "GPU is lost" in source.message
    assert source.readings[0].low == 1500.0
    assert source.readings[0].samples == 8


def test_a_curve_has_at_most_600_points_and_keeps_every_bit():
    masks = [0] * 5000
    masks[1234] = 0x40
    report = reported(_card(masks, [1500.0 + i % 7 for i in range(5000)]), seconds=4999 * 0.125)
    reading = next(r for r in report.source("nvml.0").readings if r.kind == "mask")
    assert len(report.times_s) == len(reading.curve) == MOST_POINTS
    assert reading.curve.count(64.0) == 1


def test_the_curve_of_a_counter_is_its_rise_per_second():
    energy = ("rapl", [("intel-rapl:0.package-0", "J", "counter")])
    rows = [[1.0 * i] for i in range(1200)] + [[1199.0 + 3.0 * i] for i in range(1, 1201)]
    reading = reported(planted(rows, energy), seconds=2399 * 0.125).source("rapl").readings[0]
    assert reading.curve[10] == pytest.approx(8.0)
    assert reading.curve[-10] == pytest.approx(24.0)


def test_the_time_of_throttling_rises_with_any_processors_whatever_another_one_has_behind_it(tmp_path):
    first = min(os.sched_getaffinity(0))
    folder = tmp_path / f"devices/system/cpu/cpu{first}/thermal_throttle"
    times = {"core_throttle_total_time_ms": "100000", "package_throttle_total_time_ms": "2000"}
    _tree(folder, {"core_throttle_count": "3"} | times)  # the core was throttled for 100 s before we came
    source = Throttle(tmp_path)
    assert source.available() is None
    before = source.read()[1]
    (folder / "package_throttle_total_time_ms").write_text("22000")
    after = source.read()[1]
    assert before is not None
    assert after is not None
    assert after - before == pytest.approx(20.0)


def test_what_a_processor_has_behind_it_that_answers_later_is_no_throttling(tmp_path):
    first = min(os.sched_getaffinity(0))
    folder = tmp_path / f"devices/system/cpu/cpu{first}/thermal_throttle"
    times = {"core_throttle_total_time_ms": "1000", "package_throttle_total_time_ms": "50000"}
    _tree(folder, {"core_throttle_count": "3"} | times)
    source = Throttle(tmp_path)
    assert source.available() is None
    late = folder / "package_throttle_total_time_ms"
    late.write_text("")
    assert source.read()[1] == pytest.approx(1.0)
    late.write_text("50000")
    assert source.read()[1] == pytest.approx(1.0)
    late.write_text("52000")
    assert source.read()[1] == pytest.approx(3.0)


def test_a_processor_that_throttles_throughout_has_no_clock_of_its_own_to_be_held_against():
    """Its own clock under throttling is not its usual one: the whole time counts, as where no clock is measured."""
    sources = (
        ("cpu_throttle", [("events", "1", "counter")]),
        ("cpu_clock", [("mean", "MHz", "gauge"), ("low", "MHz", "gauge")]),
    )
    found = reported(planted([[float(i), 1500.0, 1500.0] for i in range(160)], *sources), seconds=19.875).over("int8")
    assert found is not None
    assert found.throttled == pytest.approx(1.0, abs=0.01)
    assert found.slowed == pytest.approx(1.0, abs=0.01)


def test_the_waiting_of_more_threads_than_are_read_is_not_known(tmp_path):
    """A bound from a part of the threads is none: the others may have waited all the time."""
    files = {f"7/task/{tid}/schedstat": "10 0 1" for tid in range(1000, 1000 + MOST_THREADS)}
    _tree(tmp_path, files | {"self/schedstat": "0 0 0"})
    own = Own(8, 9)
    own.add(7)
    every = Waiting(own, tmp_path)
    assert (every.available(), every.read()) == (None, [0.0])
    _tree(tmp_path, {"7/task/2000/schedstat": "10 0 1"})
    some = Waiting(own, tmp_path)
    assert (some.available(), some.read()) == (None, [None])

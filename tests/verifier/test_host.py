"""The host as found, against what the system's own tools print; and the sampler by hand-worked counters."""

from __future__ import annotations

import os

from verifier.host import describe, machine_digest
from verifier.telemetry import HostSampler, Snapshot, sample_between


def test_the_host_is_what_the_system_says() -> None:
    host = describe()
    assert host.logical_cpus <= (os.cpu_count() or 1)
    assert host.kernel == os.uname().release
    assert host.packages["numpy"]
    assert host.memory_bytes > 2**28


def test_the_machine_is_named_by_a_digest_and_not_by_its_ids() -> None:
    digest = machine_digest()
    if digest is not None:
        assert len(digest) == 64
        assert digest == machine_digest()


def _snapshot(at: float, *, user: int, idle: int, steal: int, own: float, waited_us: int | None) -> Snapshot:
    kinds = ("nice", "system", "iowait", "irq", "softirq")
    ticks = dict.fromkeys(kinds, 0) | {"user": user, "idle": idle, "steal": steal}
    return Snapshot(at=at, ticks=ticks, own=own, waited_us=waited_us, mhz=None)


def test_time_of_others_is_foreign_and_our_own_is_not() -> None:
    # One second on two processors is 200 ticks: 120 used (80 by us), 10 stolen, 70 idle.
    before = _snapshot(5.0, user=1000, idle=1000, steal=0, own=500, waited_us=0)
    after = _snapshot(6.0, user=1120, idle=1070, steal=10, own=580, waited_us=250_000)
    sample = sample_between(before, after, began=5.0)
    assert (sample.t_s, sample.busy, sample.steal, sample.foreign, sample.pressure) == (1.0, 0.65, 0.05, 0.2, 0.25)


def test_a_process_of_ours_that_ended_does_not_make_time_negative() -> None:
    before = _snapshot(0.0, user=0, idle=0, steal=0, own=900, waited_us=None)
    after = _snapshot(1.0, user=100, idle=100, steal=0, own=50, waited_us=None)
    sample = sample_between(before, after, began=0.0)
    assert (sample.busy, sample.foreign, sample.pressure) == (0.5, 0.5, None)


def test_the_sampler_reads_this_hosts_counters() -> None:
    with HostSampler(period_s=0.01) as sampler:
        while not sampler.samples:
            sum(range(1000))
    assert all(0 <= sample.busy <= 1 for sample in sampler.samples)

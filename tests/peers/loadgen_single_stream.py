"""MLPerf LoadGen's single stream over a model: one line of seconds in, one line of its own figures out.

Run as ``python loadgen_single_stream.py MODEL DATA BATCH``; needs ``mlcommons-loadgen`` and ONNX Runtime.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import mlperf_loadgen as lg
from peer_session import calls


def main() -> None:
    call, batches = calls(*sys.argv[1:4])

    def issue(queries):
        for query in queries:
            call(batches[query.index % len(batches)])
        lg.QuerySamplesComplete([lg.QuerySampleResponse(query.id, 0, 0) for query in queries])

    sut = lg.ConstructSUT(issue, lambda: None)
    qsl = lg.ConstructQSL(1024, 1024, lambda _: None, lambda _: None)
    for line in sys.stdin:
        settings = lg.TestSettings()
        settings.scenario = lg.TestScenario.SingleStream
        settings.mode = lg.TestMode.PerformanceOnly
        settings.min_duration_ms = int(float(line) * 1000)
        settings.min_query_count = 1
        with tempfile.TemporaryDirectory() as folder:
            log = lg.LogSettings()
            log.log_output.outdir = folder
            log.log_output.copy_summary_to_stdout = False
            log.enable_trace = False  # as MLPerf's reference implementations set it
            lg.StartTestWithLogSettings(sut, qsl, settings, log)
            summary = Path(folder, "mlperf_log_summary.txt").read_text()
        found = dict(row.split(":", 1) for row in summary.splitlines() if " : " in row)
        rates = {key.strip(): value.strip() for key, value in found.items()}
        answer = {
            "calls_per_second": float(rates["QPS w/ loadgen overhead"]),
            "without_its_overhead": float(rates["QPS w/o loadgen overhead"]),
        }
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


main()

"""Polygraphy's ONNX Runtime runner over a model: one line of seconds in, one line of its own figure out.

Run as ``python polygraphy_runner.py MODEL DATA BATCH``; needs ``polygraphy`` and ONNX Runtime.
"""

from __future__ import annotations

import json
import sys
import time

from peer_session import batches_of, session_of
from polygraphy.backend.onnxrt import OnnxrtRunner


def main() -> None:
    session = session_of(sys.argv[1])
    batches = batches_of(session, *sys.argv[2:4])
    with OnnxrtRunner(session) as runner:
        for line in sys.stdin:
            times = []
            deadline = time.perf_counter() + float(line)
            while time.perf_counter() < deadline:
                runner.infer(batches[len(times) % len(batches)], check_inputs=False)
                times.append(runner.last_inference_time())
            sys.stdout.write(json.dumps({"calls_per_second": len(times) / sum(times)}) + "\n")
            sys.stdout.flush()


main()

"""Our calls of the CUDA driver against a small driver made of host memory: what is passed, in which order, and back."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from verifier.runtimes._cuda import Cuda, CudaError

SOURCE = r"""
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <stddef.h>
/* Device memory is host memory; a captured stream keeps its copies and a launched graph does them. */
typedef struct { void *to; const void *from; size_t size; } copy;
static copy held[64];
static int count, capturing, events;
int cuInit(unsigned f) { return f; }
int cuDriverGetVersion(int *v) { *v = 13000; return 0; }
int cuDeviceGetCount(int *n) { *n = 1; return 0; }
int cuDeviceGet(int *d, int n) { *d = n + 3; return 0; }
int cuDeviceGetName(char *s, int n, int d) { strncpy(s, d == 3 ? "Paper 1" : "?", n); return 0; }
int cuDeviceGetAttribute(int *v, int a, int d) { *v = a == 75 ? 8 : a == 76 ? 9 : -1; return d == 3 ? 0 : 101; }
int cuDevicePrimaryCtxRetain(void **c, int d) { *c = (void *)(uintptr_t)(d + 40); return 0; }
int cuCtxSetCurrent(void *c) { return c == (void *)43 ? 0 : 201; }
int cuMemGetInfo_v2(size_t *f, size_t *t) { *f = 5ull << 32; *t = 6ull << 32; return 0; }
int cuMemAlloc_v2(uint64_t *p, size_t n) { if (n > 1u << 30) return 2; *p = (uintptr_t)malloc(n); return 0; }
int cuMemFree_v2(uint64_t p) { free((void *)(uintptr_t)p); return 0; }
int cuMemHostAlloc(void **p, size_t n, unsigned f) { *p = malloc(n); return f; }
int cuMemFreeHost(void *p) { free(p); return 0; }
static int go(void *to, const void *from, size_t n, void *s) {
  if (s != (void *)7) return 400;
  if (capturing) { held[count].to = to; held[count].from = from; held[count++].size = n; }
  else memcpy(to, from, n);
  return 0;
}
int cuMemcpyHtoDAsync_v2(uint64_t d, const void *h, size_t n, void *s) { return go((void *)(uintptr_t)d, h, n, s); }
int cuMemcpyDtoHAsync_v2(void *h, uint64_t d, size_t n, void *s) { return go(h, (void *)(uintptr_t)d, n, s); }
int cuMemcpyDtoDAsync_v2(uint64_t a, uint64_t b, size_t n, void *s) {
  return go((void *)(uintptr_t)a, (void *)(uintptr_t)b, n, s);
}
int cuStreamCreate(void **s, unsigned f) { *s = (void *)7; return f == 1 ? 0 : 1; }
int cuStreamSynchronize(void *s) { return s == (void *)7 ? 0 : 400; }
int cuStreamBeginCapture_v2(void *s, int m) { capturing = 1; count = 0; return m == 1 && s == (void *)7 ? 0 : 1; }
int cuStreamEndCapture(void *s, void **g) { capturing = 0; *g = (void *)9; return s == (void *)7 ? 0 : 400; }
int cuGraphInstantiateWithFlags(void **x, void *g, unsigned long long f) {
  *x = (void *)11;
  return g == (void *)9 && f == 0 ? 0 : 1;
}
int cuGraphLaunch(void *x, void *s) {
  for (int i = 0; i < count; i++) memcpy(held[i].to, held[i].from, held[i].size);
  return x == (void *)11 && s == (void *)7 ? 0 : 1;
}
int cuEventCreate(void **e, unsigned f) { *e = (void *)(uintptr_t)(++events); return f; }
int cuEventRecord(void *e, void *s) { return e && s == (void *)7 ? 0 : 400; }
int cuEventSynchronize(void *e) { return e ? 0 : 400; }
int cuEventElapsedTime(float *t, void *a, void *b) { *t = 1.5f; return a < b ? 0 : 600; }
int cuGetErrorName(int e, const char **s) { *s = e == 2 ? "CUDA_ERROR_OUT_OF_MEMORY" : "?"; return 0; }
"""


@pytest.fixture(scope="module")
def cuda(tmp_path_factory) -> Cuda:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler to make a driver with")
    folder = tmp_path_factory.mktemp("driver")
    (folder / "driver.c").write_text(SOURCE)
    library = folder / "libcuda.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(library), str(folder / "driver.c")], check=True)
    return Cuda(str(library))


def test_a_machine_without_a_driver_says_which_file_is_missing():
    with pytest.raises(CudaError, match=r"no CUDA driver: nowhere\.so is not on this machine"):
        Cuda("nowhere.so")


def test_the_device_is_described_as_the_driver_numbers_it(cuda):
    assert cuda.device() == ("Paper 1", "8.9", "13.0")
    assert cuda.memory() == (5 << 32, 6 << 32)


def test_an_array_comes_back_from_the_device_as_it_went(cuda):
    stream = cuda.stream()
    sent = np.arange(1000, dtype=np.float32)
    got = cuda.pinned(sent.nbytes).view(np.float32)
    one, other = cuda.allocate(sent.nbytes), cuda.allocate(sent.nbytes)
    cuda.to_device(one, sent, stream)
    cuda.within_device(other, one, sent.nbytes, stream)
    cuda.to_host(got, other, stream)
    cuda.wait(stream)
    assert np.array_equal(sent, got)
    cuda.free(one)


def test_captured_work_is_done_when_the_graph_is_launched_and_not_before(cuda):
    stream = cuda.stream()
    sent, got = np.full(8, 3.0, np.float32), cuda.pinned(32).view(np.float32)
    got[:] = 0.0
    address = cuda.allocate(32)
    cuda.capture(stream)
    cuda.to_device(address, sent, stream)
    cuda.to_host(got, address, stream)
    graph = cuda.captured(stream)
    assert not got.any()
    cuda.launch(graph, stream)
    assert np.array_equal(sent, got)


def test_time_between_events_is_the_devices(cuda):
    stream = cuda.stream()
    first, last = cuda.event(), cuda.event()
    cuda.record(first, stream)
    cuda.record(last, stream)
    assert cuda.milliseconds(first, last) == 1.5


def test_a_failed_call_names_itself_and_the_drivers_word(cuda):
    with pytest.raises(CudaError, match=r"cuMemAlloc_v2: CUDA_ERROR_OUT_OF_MEMORY \(2\)"):
        cuda.allocate(2**31)


def test_every_call_that_is_declared_is_in_the_fake_and_none_changes_a_setting():
    text = (Path(__file__).parents[2] / "verifier/runtimes/_cuda.py").read_text()
    assert not [word for word in ("Reset", "SetLimit", "SetCacheConfig", "SetFlags") if f"cu{word}" in text]

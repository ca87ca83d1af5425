"""A headless Chromium with one page of ours, and a channel to it: commands and tensors over a loop-back HTTP server.

Runs inside the worker process: standard library and numpy, syntax of Python 3.8. The page polls: it posts the answer
to the last command and is given the next one, so that nothing but HTTP is needed. Pages are served with the headers of
cross-origin isolation (HTML standard, section 7.2), without which a page has neither threads nor a fine clock, and
with a content security policy that lets them load from this server alone.
"""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import queue
import secrets
import shutil
import subprocess
import tempfile
import threading
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    Arrays = dict[str, Any]

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome")
"""Programs that are looked for on the path, in this order."""
WRAPPED = {"/usr/bin/chromium": "/usr/lib/chromium/chromium"}
"""Debian's launcher is a shell script that reads the user's configuration: the browser behind it is started instead."""
START_S = 90.0
"""Longest time until the page asks for its first command."""
FLAGS = (
    "--headless",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-quic",
    "--disable-sync",
    "--disable-breakpad",
    "--disable-crash-reporter",
    "--disable-dev-shm-usage",
    "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
)
"""A page of ours and nothing else: no network beyond the loop-back, no throttling of a page that nobody looks at."""
_ALIGNED = 8
_FOLDER = "lynxspec-browser-"
_LONGEST = 60
"""Longest path of the browser's own folder: it makes sockets there, whose addresses end at 107 characters (Linux)."""
_HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'self'; script-src 'self' 'wasm-unsafe-eval' blob:; "
    "worker-src 'self' blob:",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}
_KINDS = {".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm"}


def find() -> str | None:
    """Path of a browser of the Chromium family, ``None`` if there is none."""
    for name in NAMES:
        path = shutil.which(name)
        if path:
            real = WRAPPED.get(path, path)
            return real if os.access(real, os.X_OK) else path
    return None


def encode(header: dict[str, Any], arrays: Arrays) -> bytes:
    """A message: length of the header (4 bytes, little endian), header as JSON, raw tensors at multiples of 8 bytes."""
    listed, bodies = [], []
    for name, array in arrays.items():
        values = np.ascontiguousarray(array)
        listed.append([name, values.dtype.name, list(array.shape), values.nbytes])
        bodies.append(values.tobytes() + b"\0" * (-values.nbytes % _ALIGNED))
    words = json.dumps(dict(header, tensors=listed)).encode("utf-8")
    words += b" " * (-(len(words) + 4) % _ALIGNED)
    return b"".join([len(words).to_bytes(4, "little"), words, *bodies])


def decode(message: bytes) -> tuple[dict[str, Any], Arrays]:
    """The same backwards; the arrays may be written to."""
    length = int.from_bytes(message[:4], "little")
    header = json.loads(message[4 : 4 + length].decode("utf-8"))
    arrays, at = {}, 4 + length
    for name, dtype, shape, size in header.pop("tensors", ()):
        arrays[name] = np.frombuffer(message[at : at + size], dtype=dtype).reshape(shape).copy()
        at += size + -size % _ALIGNED
    return header, arrays


class _Channel:
    """What the server's threads and the page's object share."""

    def __init__(self, files: dict[str, str], token: str) -> None:
        self.files = files
        self.token = token
        self.commands: Any = queue.SimpleQueue()
        self.answers: Any = queue.SimpleQueue()
        self.gone = threading.Event()


class Page:
    """One page in a browser of its own; ended with this object, and with the process at the latest."""

    def __init__(self, files: dict[str, str], flags: tuple[str, ...] = ()) -> None:
        """Serve ``files`` (paths by name; ``page.html`` is opened) and wait for the page's first poll.

        Raises `RuntimeError` if there is no browser or the page does not come up.
        """
        program = find()
        if program is None:
            raise RuntimeError("no browser of the Chromium family is on the path: looked for " + ", ".join(NAMES))
        self._channel = _Channel(files, secrets.token_urlsafe(16))
        self._lock = threading.Lock()
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(self._channel))
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        folder = _profile()
        own = ("--no-sandbox",) if os.geteuid() == 0 else ()  # Chromium does not start as root with its sandbox
        address = f"http://127.0.0.1:{server.server_address[1]}/{self._channel.token}/page.html"
        self._words = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the browser
        self._process = subprocess.Popen(
            [program, *FLAGS, *own, *flags, "--user-data-dir=" + folder, address],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._words,
            env=dict(os.environ, TMPDIR=folder) if len(folder) < _LONGEST else None,  # what it leaves goes with it
            preexec_fn=_end_with_parent,  # noqa: PLW1509 - one call into the system between fork and exec
        )
        self.close = weakref.finalize(self, _end, self._process, server, folder)
        self.hello, _ = self._receive("start", START_S)
        """What the page says of itself."""

    def ask(self, header: dict[str, Any], arrays: Arrays | None = None) -> tuple[dict[str, Any], Arrays]:
        """Send a command and wait for its answer. Raises `RuntimeError` with the page's words if it fails."""
        with self._lock:
            self._channel.commands.put(encode(header, arrays or {}))
            return self._receive(header["do"], None)

    def serve(self, name: str, path: str | None) -> None:
        """Let the page fetch a further file under ``name``; ``None`` takes it away again."""
        if path is None:
            self._channel.files.pop(name, None)
        else:
            self._channel.files[name] = path

    def processes(self) -> tuple[int, ...]:
        """Ids of the browser's processes."""
        return (self._process.pid, *descendants(self._process.pid))

    def _receive(self, what: str, limit: float | None) -> tuple[dict[str, Any], Arrays]:
        waited = 0.0
        while True:
            try:
                header, arrays = decode(self._channel.answers.get(timeout=0.25))
            except queue.Empty:
                waited += 0.25
                self._see_that_it_lives(what, waited, limit)
                continue
            if "error" in header:
                raise RuntimeError(header["error"])
            return header, arrays

    def _see_that_it_lives(self, what: str, waited: float, limit: float | None) -> None:
        code = self._process.poll()
        if code is not None:
            raise RuntimeError(f"the browser ended in {what} with exit code {code}{self._last_words()}")
        if self._channel.gone.is_set():
            raise RuntimeError(
                f"the page ended in {what}: its process crashed or ran out of memory{self._last_words()}"
            )
        if limit is not None and waited > limit:
            raise RuntimeError(f"the page did not come up within {limit:g} s{self._last_words()}")

    def _last_words(self) -> str:
        self._words.seek(0)
        text = self._words.read().decode("utf-8", "replace")
        lines = [line for line in text.splitlines() if "dbus" not in line][-3:]
        return "; the browser's last words: " + " | ".join(lines) if lines else ""


def descendants(pid: int) -> list[int]:
    """Ids of a process's children, their children, and so on, as the system lists them now."""
    parents: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", encoding="ascii", errors="replace") as file:
                parent = int(file.read().rpartition(")")[2].split()[1])
        except (OSError, IndexError):
            continue  # ended meanwhile
        parents.setdefault(parent, []).append(int(name))
    found, left = [], [pid]
    while left:
        children = parents.get(left.pop(), [])
        found += children
        left += children
    return found


def _end(process: Any, server: Any, folder: str) -> None:
    for pid in (*descendants(process.pid), process.pid):
        try:
            os.kill(pid, 9)
        except OSError:
            continue  # ended already
    process.wait()
    threading.Thread(target=server.shutdown, daemon=True).start()
    server.server_close()
    shutil.rmtree(folder, ignore_errors=True)


def _profile() -> str:
    """An empty folder for the browser; those of processes that were killed before they could remove theirs go."""
    base = tempfile.gettempdir()
    for name in os.listdir(base):
        pid = name[len(_FOLDER) :].partition("-")[0]
        if name.startswith(_FOLDER) and pid.isdigit() and not os.path.exists("/proc/" + pid):
            shutil.rmtree(os.path.join(base, name), ignore_errors=True)
    return tempfile.mkdtemp(prefix=f"{_FOLDER}{os.getpid()}-")


def _end_with_parent() -> None:
    """In the browser's process: the system ends it when the worker is gone, however that went (Linux, ``prctl``)."""
    import ctypes

    ctypes.CDLL(None).prctl(1, 9)


def _handler(channel: Any) -> Any:  # noqa: C901 - the library wants a class, whose methods all see the channel
    """Handler of one page's requests; whoever does not know the token is told nothing."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            """Nothing is logged."""

        def do_GET(self) -> None:
            name = self._name()
            if name == "alive":
                self._stay()
            elif name is not None and name in channel.files:
                with open(channel.files[name], "rb") as file:
                    self._send(file.read(), _KINDS.get(os.path.splitext(name)[1], "application/octet-stream"))
            else:
                self.send_error(404)

        def do_POST(self) -> None:
            if self._name() != "next":
                self.send_error(404)
                return
            body = self.rfile.read(int(self.headers["Content-Length"]))
            channel.answers.put(body)
            self._send(channel.commands.get(), "application/octet-stream")

        def _name(self) -> str | None:
            first, _, rest = self.path.lstrip("/").partition("/")
            return rest if secrets.compare_digest(first, channel.token) else None

        def _send(self, body: bytes, kind: str) -> None:
            self.send_response(200)
            for header, value in dict(_HEADERS, **{"Content-Type": kind, "Content-Length": str(len(body))}).items():
                self.send_header(header, value)
            self.end_headers()
            self.wfile.write(body)

        def _stay(self) -> None:
            """An answer without an end: the connection breaks when the page's process is gone."""
            self.send_response(200)
            for header, value in dict(_HEADERS, **{"Content-Type": "application/octet-stream"}).items():
                self.send_header(header, value)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"1\r\n \r\n")
            self.wfile.flush()
            with contextlib.suppress(OSError):  # broken is gone, too
                self.rfile.read(1)
            channel.gone.set()

    return Handler

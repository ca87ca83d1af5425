"""The HTML report as a browser lays it out: on a desk, on a phone, in the dark, by keyboard."""

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

DESK = (1280, 800)
PHONE = (390, 844)

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-dev-shm-usage",
    "--remote-debugging-pipe",
)


class Browser:
    """Chromium over its debugging pipe: commands go to descriptor 3, answers and events come from descriptor 4."""

    def __init__(self, program: str, profile: Path) -> None:
        reads, self.to = os.pipe()
        self.back, writes = os.pipe()
        reads, writes = (fcntl.fcntl(end, fcntl.F_DUPFD, 20) for end in (reads, writes))

        def connect() -> None:
            os.dup2(reads, 3)
            os.dup2(writes, 4)

        self.process = subprocess.Popen(
            [program, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            preexec_fn=connect,  # noqa: PLW1509 - Chromium wants descriptors 3 and 4, and nothing else can place them
            pass_fds=(3, 4),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(reads)
        os.close(writes)
        self.pending = b""
        self.number = 0
        self.events: list[dict[str, Any]] = []
        self.session: str | None = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and wait for its answer."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self.number:
                assert "error" not in answer, answer
                return dict(answer["result"])
            self.events.append(answer)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self.pending:
            ready, _, _ = select.select([self.back], [], [], 60)
            assert ready, "the browser does not answer"
            self.pending += os.read(self.back, 1 << 16)
        message, _, self.pending = self.pending.partition(b"\0")
        return dict(json.loads(message))

    def open(self, page: Path, width: int, height: int, *, dark: bool = False, phone: bool = False) -> None:
        """Show a file in a window of that size."""
        self.events.clear()
        scale = 2 if phone else 1
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=phone
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        still = {"name": "prefers-reduced-motion", "value": "reduce"}
        self.call("Emulation.setEmulatedMedia", media="screen", features=[scheme, still])
        self.call("Page.navigate", url=page.as_uri())
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self._next())

    def ask(self, expression: str) -> Any:
        """Evaluate an expression in the page."""
        return self.call("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def press(self, key: str, code: int) -> None:
        """Press a key."""
        for kind in ("rawKeyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)
        if key == "Enter":
            self.call("Input.dispatchKeyEvent", type="char", text="\r", key=key)

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(20)
        os.close(self.to)
        os.close(self.back)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A headless Chromium, if there is one."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no Chromium on this machine")
    shown = Browser(program, tmp_path_factory.mktemp("profile"))
    yield shown
    shown.close()


def screenshot(browser, name):
    """Keep a picture where the environment asks for pictures."""
    folder = os.environ.get("LYNXSPEC_SCREENSHOTS")
    if folder:
        image = browser.call("Page.captureScreenshot", format="png")["data"]
        (Path(folder) / f"{name}.png").write_bytes(base64.b64decode(image))


@pytest.fixture
def long(make):
    """The sheet with a lot before it, a table that is wider than any phone, and a word without end."""
    columns = [f"column-{n}" for n in range(14)]
    table = "".join(f"| {' | '.join(columns)} |\n" for _ in range(3))
    filler = "A paragraph about the company and its values.\n\n" * 120
    return make.sheet(f"# Acme\n\n{filler}{table}\n{'x' * 300}\n\n{make.text}")


@pytest.fixture(params=["sheet", "long", "claim", "several"])
def run(request, make, long):
    sheet = make.draft(make.sheet(make.text))
    claim = make.claim("claims/incomplete/3-numbers-disagree.claim.yaml")
    drafts = {"sheet": (sheet,), "long": (make.draft(long),), "claim": (claim,), "several": (sheet, claim)}
    return make.run(*drafts[request.param])


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [DESK, PHONE, (820, 1180), (1920, 1080)])
def test_nothing_is_wider_than_the_window(browser, saved, run, width, height, dark):
    browser.open(saved(run), width, height, dark=dark, phone=width == 390)
    screenshot(browser, f"{len(run.documents)}-{run.documents[0].draft.kind}-{width}{'-dark' if dark else ''}")
    wide = "[document.scrollingElement.scrollWidth, window.innerWidth]"
    needed, there = browser.ask(wide)
    assert needed <= there == width


@pytest.mark.parametrize(("width", "height"), [DESK, PHONE])
def test_the_worst_gap_grade_and_score_stand_in_the_first_screen(browser, saved, make, width, height):
    browser.open(saved(make.run(make.draft(make.sheet(make.text)))), width, height, phone=width == 390)
    for selector in (".grade", ".score", ".gates", ".worst", ".disclosures tbody tr"):
        bottom = browser.ask(f"document.querySelector('{selector}').getBoundingClientRect().bottom")
        assert 0 < bottom <= height, selector


def test_a_desk_shows_report_and_text_side_by_side_and_a_phone_below_each_other(browser, saved, make):
    page = saved(make.run(make.draft(make.sheet(make.text))))
    sides = "[document.querySelector('.first'), document.querySelector('.source')].map(e => e.getBoundingClientRect())"
    ends = f"(() => {{ const [a, b] = {sides}; return [a.right, a.bottom, b.left, b.top]; }})()"
    browser.open(page, *DESK)
    right, _, left, top = browser.ask(ends)
    assert left >= right
    assert top < DESK[1]
    browser.open(page, *PHONE, phone=True)
    _, bottom, _, top = browser.ask(ends)
    assert top >= bottom


def test_following_evidence_brings_the_words_into_view_and_keeps_the_table_there(browser, saved, make, long):
    browser.open(saved(make.run(make.draft(long))), *DESK)
    row = "document.querySelector('#d1-c-hardware').getBoundingClientRect().top"
    before = browser.ask(row)
    browser.ask("document.querySelector('#d1-c-hardware a.place').click()")
    place = "document.querySelector('mark:target').getBoundingClientRect()"
    top, bottom = (browser.ask(f"{place}.{edge}") for edge in ("top", "bottom"))
    assert 0 <= top < bottom <= DESK[1]
    screenshot(browser, "followed")
    assert abs(browser.ask(row) - before) < 60  # the masthead may leave, no more


def test_the_keyboard_reaches_the_skip_link_first_and_its_focus_shows(browser, saved, make):
    browser.open(saved(make.run(make.draft(make.sheet(make.text)))), *DESK)
    browser.press("Tab", 9)
    assert browser.ask("document.activeElement.className") == "skip"
    assert browser.ask("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert browser.ask("document.activeElement.getBoundingClientRect().left") >= 0
    browser.press("Enter", 13)
    assert browser.ask("location.hash") == "#d1-gaps"


def test_the_browser_asks_nobody_for_anything_and_reports_no_fault(browser, saved, run):
    page = saved(run)
    browser.open(page, *DESK)
    asked = [e["params"]["request"]["url"] for e in browser.events if e["method"] == "Network.requestWillBeSent"]
    assert {url for url in asked if not url.startswith("data:")} == {page.as_uri()}
    assert [e for e in browser.events if e["method"] in {"Log.entryAdded", "Runtime.exceptionThrown"}] == []


def test_a_screen_reader_is_told_landmarks_and_a_table_with_headers(browser, saved, make):
    browser.open(saved(make.run(make.draft(make.sheet(make.text)))), *PHONE, phone=True)
    nodes = browser.call("Accessibility.getFullAXTree")["nodes"]
    roles = [node["role"]["value"] for node in nodes if not node["ignored"]]
    assert {"banner", "main", "navigation", "contentinfo", "heading"} <= set(roles)
    assert roles.count("rowheader") >= 23
    named = [n for n in nodes if n["role"]["value"] in {"link", "textbox", "region", "table"} and not n["ignored"]]
    assert [node for node in named if not node.get("name", {}).get("value")] == []


def test_on_paper_panes_are_stacked_and_what_was_folded_is_open(browser, saved, make):
    browser.open(saved(make.run(make.draft(make.sheet(make.text)))), *DESK)
    browser.call("Emulation.setEmulatedMedia", media="print", features=[])
    assert browser.ask("getComputedStyle(document.querySelector('.source')).position") == "static"
    assert browser.ask("getComputedStyle(document.querySelector('.letter')).display") == "none"
    assert browser.ask("document.querySelector('footer details p').checkVisibility()")
    assert not browser.ask("document.querySelector('footer details').open")

"""A studio in a process of its own, and a page of it in Chromium: for the browser's tests and its benchmark."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

import backlit as bl
from backlit.lesson import MANY

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync"]  # fmt: skip
READY = "main[data-step]"  #: once the first moment is drawn
PATIENCE = 30.0  #: seconds to wait for what must come; a wait ends as soon as it is there
DEEP = "if (location.protocol !== 'about:') localStorage.setItem('backlit-depth', 'everything')"
NAMES = ("chromium", "chromium-browser", "google-chrome")

expect.set_options(timeout=1000 * PATIENCE)


def chromium() -> str | None:
    """Where a browser is, if there is one."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


def absent(what: str) -> NoReturn:
    """Skip what needs it; where a browser must be, as in CI, that is a failure."""
    pytest.fail(what) if os.environ.get("BACKLIT_REQUIRE_BROWSER") == "1" else pytest.skip(what)


@contextmanager
def opened_browser() -> Iterator[Browser]:
    """Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield browser
        browser.close()


class Served:
    """`backlit studio ARGUMENTS` in a folder, until `end`.

    Attributes
    ----------
    origin : http://127.0.0.1:PORT
    address : with the token, as it was printed
    """

    def __init__(self, folder: Path, *arguments: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.folder, self.arguments = folder, arguments
        self.origin = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        """Begin, or begin again on the same port, and wait until it answers."""
        command = [sys.executable, "-m", "backlit", "studio", *self.arguments, "--no-browser", "--port", str(self.port)]
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        self.process = subprocess.Popen(
            command, cwd=self.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert self.process.stdout is not None
        said = ""
        for line in self.process.stdout:
            said += line
            if self.origin in line:
                self.address = next(word for word in line.split() if word.startswith(self.origin))
                break
        else:
            raise AssertionError(f"the studio did not start:\n{said}")
        self._wait()

    def _wait(self) -> None:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise AssertionError(f"nothing listens at {self.origin}")

    def run(self, steps: int, file: str = "houses-3-3-1.backlit") -> bl.Run:
        """A run in the folder, once so many steps are written: they are told first."""
        run = bl.open_run(self.folder / file)
        end = time.monotonic() + PATIENCE
        while (written := run.timeline().steps()) < steps:
            assert time.monotonic() < end, f"{file} has {written} steps"
            time.sleep(0.05)
        return run

    def end(self, how: int = signal.SIGINT) -> int:
        """Ctrl-C, or another signal; its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        code = self.process.wait(2 * PATIENCE)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return code


@contextmanager
def serving(folder: Path) -> Iterator[Served]:
    """A studio for several tests."""
    served = Served(folder)
    yield served
    served.end()


class Complaints(list[str]):
    """What pages said on their console as an error, and what they could not load."""

    def expect(self, part: str) -> None:
        """Forget those that a test brings about; there must be one."""
        assert any(part in one for one in self), f"{part!r} is not among {self}"
        self[:] = [one for one in self if part not in one]


@contextmanager
def window(browser: Browser, complaints: Complaints, new: bool = False, **more: Any) -> Iterator[BrowserContext]:
    """A browser window of its own: 1440 x 900, light; what goes wrong in it is a complaint.

    new : whether it was never here before; otherwise it has asked for everything at once
    """
    made = browser.new_context(**{"viewport": {"width": 1440, "height": 900}, "color_scheme": "light"} | more)
    made.set_default_timeout(1000 * PATIENCE)
    if not new:
        made.add_init_script(DEEP)
    made.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    made.on("response", lambda got: complaints.append(f"{got.url}: {got.text()}") if got.status == 400 else None)
    made.on("weberror", lambda error: complaints.append(str(error.error)))
    yield made
    made.close()


@contextmanager
def watched(browser: Browser, **more: Any) -> Iterator[BrowserContext]:
    """A window for several tests, in which nothing may go wrong."""
    complaints = Complaints()
    with window(browser, complaints, **more) as context:
        yield context
    assert not complaints, "\n".join(complaints)


def many(address: str) -> str:
    """The address of the lesson's timeline that learns from 128 houses a step; the run opens on one house."""
    return f"{address}{'&' if '#' in address else '#'}timeline={MANY.replace(' ', '+')}"


def opened(context: BrowserContext, address: str) -> Page:
    """A page at an address, once its first moment is drawn."""
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector(READY)
    return page


def at_step(page: Page, step: int) -> None:
    expect(page.locator("main")).to_have_attribute("data-step", str(step))


def press(page: Page, key: str, step: int) -> None:
    """A key, and then the step's numbers are drawn."""
    page.keyboard.press(key)
    at_step(page, step)


def show_numbers(page: Page, view: str) -> None:
    page.locator(f'[data-view="{view}"]').get_by_role("button", name="Numbers").click()


def table(page: Page, view: str) -> list[list[str]]:
    """A view's numbers, as the page has them, with all their digits."""
    return page.eval_on_selector_all(
        f'[data-view="{view}"] .table tbody tr',
        "rows => rows.map(row => [...row.cells].map(cell => cell.dataset.exact ?? cell.innerText))",
    )


def number(text: str) -> float:
    return float(text.replace("−", "-").replace(",", ""))


def until(page: Page, true: Callable[[], bool]) -> None:
    """Wait; the page's own rules forbid what Playwright would do for it."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "it never came true"
        page.wait_for_timeout(30)

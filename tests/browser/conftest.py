"""A browser, a studio, and pages that must not complain."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page
from served import Complaints, Served, absent, chromium, many, opened, opened_browser, window

import backlit as bl
from backlit.lesson import FIRST_FILE


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if chromium() is None:
        absent("no Chromium: install the package chromium")
    with opened_browser() as found:
        yield found


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Begins a studio in a folder of the test's own."""
    begun: list[Served] = []

    def begin(*arguments: str) -> Served:
        begun.append(Served(tmp_path, *arguments))
        return begun[-1]

    yield begin
    for served in begun:
        served.end()


@pytest.fixture
def served(serve: Callable[..., Served]) -> Served:
    """A studio that opens on the 3-3-1 network."""
    return serve()


@pytest.fixture
def complaints() -> Iterator[Complaints]:
    found = Complaints()
    yield found
    assert not found, "\n".join(found)


@pytest.fixture
def context(browser: Browser, complaints: Complaints, serve: Callable[..., Served]) -> Iterator[BrowserContext]:
    """A browser window, closed before the studio that it looks at."""
    with window(browser, complaints) as made:
        yield made


@pytest.fixture
def page(context: BrowserContext, served: Served) -> Page:
    """The studio's page, ready."""
    return opened(context, many(served.address))


@pytest.fixture
def newcomer(browser: Browser, complaints: Complaints, served: Served) -> Iterator[BrowserContext]:
    """A window that was never here, in which nothing moves."""
    with window(browser, complaints, new=True, viewport={"width": 1280, "height": 720}) as made:
        yield made


@pytest.fixture
def run(served: Served) -> bl.Run:
    """The lesson's run, as the studio keeps it."""
    return bl.open_run(served.folder / FIRST_FILE)

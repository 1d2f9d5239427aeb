"""How quick the studio is, measured in the browser: first paint, keys, scrubbing, playing, and the page's size.

    python benchmarks/studio.py [--rounds 100]

Chromium and the server share this machine. "From key to drawn" begins with the key's event and ends with the first
frame after the numbers of the new step are in the page. What playing costs is the steps a second of the same run while
the page draws it, beside those of `Timeline.events` without a studio, in turns.
"""

from __future__ import annotations

import argparse
import gzip
import math
import statistics
import sys
import tempfile
import time
from collections import Counter
from importlib.resources import files
from pathlib import Path

from common import machine
from playwright.sync_api import Browser, Page, ViewportSize

import backlit as bl
from backlit.fitting import Recipe, prepare
from backlit.problem import Problem, split_rows
from backlit.runs.run import recording
from backlit.tables.datasets import HOUSE_UNITS

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from served import READY, Served, many, opened_browser

SIZE: ViewportSize = {"width": 1440, "height": 900}
DRAWN = """
async ({key, shift, step, timeline}) => {
  const main = document.querySelector("main");
  const there = () => main.dataset.step === String(step) && main.dataset.timeline === timeline;
  const began = performance.now();
  const drawn = new Promise((done) => {
    const look = () => { if (there()) { watch.disconnect(); requestAnimationFrame(() => setTimeout(done)); } };
    const watch = new MutationObserver(look);
    watch.observe(main, {attributes: true});
  });
  document.body.dispatchEvent(new KeyboardEvent("keydown", {key, shiftKey: shift, bubbles: true, cancelable: true}));
  await drawn;
  return performance.now() - began;
}
"""
FRAMES = """
() => {
  window.frames_seen = [];
  let last = performance.now();
  const look = (now) => {
    window.frames_seen.push(now - last);
    last = now;
    window.looking = requestAnimationFrame(look);
  };
  window.looking = requestAnimationFrame(look);
}
"""


def begin_default(path: Path) -> None:
    """The default network before its first step, with more epochs than can be played here."""
    houses = bl.datasets.load_houses()
    recipe = Recipe(units=HOUSE_UNITS, epochs=5000)
    split = split_rows(houses["id"].to_numpy())
    start = prepare(Problem(houses.drop("price"), houses.select("price"), split=split), recipe, 3)
    with recording(path, *start, frame=houses):
        pass


def page_bytes() -> int:
    """Of all files of the page, as they are sent: what is text gzipped, fonts as they are."""
    page = files("backlit.studio") / "page"
    total = 0
    for file in Path(str(page)).rglob("*"):
        if file.is_file() and file.suffix in (".html", ".js", ".css", ".svg"):
            total += len(gzip.compress(file.read_bytes()))
        elif file.suffix == ".woff2":
            total += file.stat().st_size
    return total


def opening(browser: Browser, address: str) -> tuple[float, float]:
    """Seconds to the first paint, and until the network's numbers are drawn, in a window that was never there."""
    page = browser.new_page(viewport=SIZE)
    page.goto(address)
    page.wait_for_selector(READY)
    usable = page.evaluate("performance.now()") / 1000
    paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime") / 1000
    page.close()
    return paint, usable


def keys(page: Page, rounds: int) -> dict[str, float]:
    """The median milliseconds of a step forward that is recorded, of one back, and of one that is trained."""
    step = int(page.get_attribute("main", "data-step") or 0)
    timeline = page.get_attribute("main", "data-timeline")
    times: dict[str, list[float]] = {"trained": [], "back": [], "forward": []}

    def press(key: str, to: int) -> float:
        return page.evaluate(DRAWN, {"key": key, "shift": False, "step": to, "timeline": timeline})

    for name, key, by in (("trained", "ArrowRight", 1), ("back", "ArrowLeft", -1), ("forward", "ArrowRight", 1)):
        for _ in range(rounds):
            step += by
            times[name].append(press(key, step))
            page.wait_for_timeout(150)  # a quick hand
    return {name: statistics.median(found) for name, found in times.items()}


def trained(page: Page, seconds: float) -> tuple[float, float]:
    """Steps a second while the page draws, and updates drawn a second."""
    page.evaluate("""() => {
      window.updates = 0;
      window.watch?.disconnect();
      window.watch = new MutationObserver(() => window.updates++);
      window.watch.observe(document.querySelector("main"), {attributes: true});
    }""")
    page.keyboard.press("Space")
    page.wait_for_timeout(1000)
    step = lambda: int(page.input_value('input[aria-label="Step"]'))
    began, first = time.perf_counter(), step()
    page.evaluate("window.updates = 0")
    page.wait_for_timeout(1000 * seconds)
    took, made = time.perf_counter() - began, step() - first
    updates = page.evaluate("window.updates") / took
    page.keyboard.press("Space")
    page.wait_for_selector('button:has-text("Play")')
    return made / took, updates


def alone(path: Path, seconds: float) -> float:
    """Steps a second of going on with a run, recorded, with nobody looking."""
    timeline = bl.open_run(path).timeline()
    events = timeline.events()
    first = next(events).state.step
    began = time.perf_counter()
    last = next(event for event in events if time.perf_counter() - began > seconds)
    made = (last.state.step - first) / (time.perf_counter() - began)
    events.close()
    return made


def scrubbed(page: Page, moves: int) -> tuple[list[float], int]:
    """The milliseconds of each frame while the mouse drags the cursor over the whole timeline and back, twice."""
    page.wait_for_timeout(2000)
    area = page.locator('[data-view="timeline"] .lines .area')
    area.scroll_into_view_if_needed()
    box = area.bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 10, y)
    page.mouse.down()
    page.evaluate(FRAMES)
    for i in range(1, moves + 1):
        share = 0.5 - 0.5 * math.cos(i / moves * 4 * math.pi)
        page.mouse.move(box["x"] + 10 + share * (box["width"] - 20), y)
    frames = page.evaluate("() => { cancelAnimationFrame(window.looking); return window.frames_seen.slice(1); }")
    page.mouse.up()
    return frames, int(page.get_attribute('[data-view="timeline"] [role=slider]', "aria-valuemax") or 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=5.0, help="of playing, each time")
    given = parser.parse_args()
    print(machine(("NumPy", "starlette", "uvicorn")))
    print(f"page, compressed: {page_bytes() / 1000:.0f} kB (< 600)")
    with tempfile.TemporaryDirectory() as name, opened_browser() as browser:
        folder = Path(name)
        begin_default(folder / "houses.backlit")
        served = Served(folder)
        page = browser.new_page(viewport=SIZE)
        page.goto(many(f"{served.address}#depth=everything"))
        page.wait_for_selector(READY)
        looks = [opening(browser, f"{served.address}#depth=everything") for _ in range(5)]
        paint, usable = (statistics.median(found) for found in zip(*looks))
        print(f"first paint {paint:.2f} s (< 1), usable {usable:.2f} s (< 2)")
        counted: Counter[str] = Counter()
        page.on("request", lambda request: counted.update([request.url.rpartition("/")[2]]))
        drawn = trained(page, given.seconds)[1]
        asked = sum(counted.values()) / max(1.0, drawn * (given.seconds + 1))
        print(f"playing 3-3-1 with its maps: {drawn:.0f} updates a second (≥ 20), each of {asked:.1f} requests")
        for called, button in (("3-3-1", None), ("the default network", "The real one")):
            if button:
                page.get_by_role("button", name=button).click()
                page.wait_for_selector('button[aria-pressed="true"]:has-text("The real one")')
                page.wait_for_timeout(2000)
            told = ", ".join(f"{name} {ms:.0f} ms" for name, ms in keys(page, given.rounds).items())
            print(f"{called}: key to drawn, medians of {given.rounds}: {told} (< 50)")
        rates, updates = [], []
        for _ in range(3):
            made, drawn = trained(page, given.seconds)
            served_alone = alone_beside(folder, given.seconds)
            rates.append(made / served_alone)
            updates.append(drawn)
        print(f"playing the default network: {statistics.median(updates):.0f} updates a second, "
              f"training at {statistics.median(rates):.0%} of its speed without a page (≥ 80 %)")  # fmt: skip
        frames, last = scrubbed(page, 300)
        print(f"scrubbing over {last} steps: {len(frames)} frames, median {statistics.median(frames):.0f} ms, "
              f"longest {max(frames):.0f} ms (< 100)")  # fmt: skip
        served.end()


def alone_beside(folder: Path, seconds: float) -> float:
    """As `alone`, on a copy of the studio's own run file, while the studio is idle."""
    copy = folder / "copy" / "houses.backlit"
    copy.parent.mkdir(exist_ok=True)
    copy.write_bytes((folder / "houses.backlit").read_bytes())
    made = alone(copy, seconds)
    copy.unlink()
    return made


if __name__ == "__main__":
    main()

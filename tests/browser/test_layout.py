"""At four sizes, at every depth: nothing is cut, nothing lies on anything else, nothing is too small to read, and the
page never scrolls sideways. On a phone the network goes from top to bottom, and the step bar stays in sight."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from served import Served, at_step, opened, serving, until, watched

SIZES = {"1440": (1440, 900), "1024": (1024, 768), "820": (820, 1180), "390": (390, 844)}
LEAST = 11  #: px, of letters
# Of the network what is read: [what, left, top, right, bottom, size of its letters]; a line's box is a little higher
# than its letters.
READ = """
() => {
  const parts = [["number", ".label .value"], ["gradient", ".label .gradient"], ["z", ".z"], ["dz", "g > .gradient"],
    ["name", ".name"], ["unit", ".unit .body"], ["outcome", ".outcome text"], ["heading", ".heading"]];
  const drawing = document.querySelector(".drawing svg");
  return parts.flatMap(([what, selector]) => [...drawing.querySelectorAll(selector)].filter(
    (one) => one.textContent.trim() && (what !== "dz" || !one.closest(".label")) || what === "unit",
  ).map((one) => {
    const box = one.getBoundingClientRect();
    const up = one.closest("[transform*=rotate]") ? 0 : box.height / 5;
    return [`${what} ${one.textContent.trim()}`, box.left, box.top + up, box.right, box.bottom - up,
      parseFloat(getComputedStyle(one).fontSize)];
  }));
}
"""
# Of all that is written, what is smaller than `least`.
SMALL = """
(least) => [...document.querySelectorAll("main *, header *")].filter((one) =>
  [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim()) && one.checkVisibility() &&
  !one.closest(".hidden") && parseFloat(getComputedStyle(one).fontSize) < least,
).map((one) => one.textContent.trim())
"""
# What can be pressed or read, and sticks out of the window, or out of what cuts it off.
CUT = """
() => [...document.querySelectorAll("header *, main *")].filter((one) => {
  if (!one.matches("button, a, select, input, h1, h2, h3, label") || !one.checkVisibility()) return false;
  if (one.closest(".hidden, .table, .skip")) return false;
  const box = one.getBoundingClientRect();
  const out = box.left < -0.5 || box.right > innerWidth + 0.5;
  return out || (one.matches("button") && one.scrollWidth > one.clientWidth + 1);
}).map((one) => `${one.tagName} ${one.textContent.trim()}`)
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One studio for all tests here."""
    with serving(tmp_path_factory.mktemp("layout")) as made:
        yield made


@pytest.fixture
def look(browser: Browser, served: Served, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page without its tour, of the size and at the place that a test is asked for."""
    size, place = request.param
    width, height = SIZES[size]
    with watched(browser, new=True, viewport={"width": width, "height": height}, reduced_motion="reduce") as context:
        page = opened(context, f"{served.address}#{place}")
        for offer in page.get_by_role("button", name="Not now").all():
            offer.click()
        yield page


def at(*places: str, sizes: tuple[str, ...] = tuple(SIZES)) -> Any:
    cases = [(size, place) for size in sizes for place in places]
    return pytest.mark.parametrize("look", cases, indirect=True, ids=lambda case: " ".join(case))


def overlaps(a: list[Any], b: list[Any]) -> bool:
    return min(a[3], b[3]) - max(a[1], b[1]) > 1 and min(a[4], b[4]) - max(a[2], b[2]) > 1


@at("depth=picture", "depth=numbers", "depth=everything", "depth=everything&run=real")
def test_nothing_is_cut_or_too_small(look: Page) -> None:
    for on in (0, 1):
        step = int(look.get_attribute("main", "data-step") or 0) + on
        if on:
            look.keyboard.press("ArrowRight")
        at_step(look, step)
        assert look.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert look.evaluate(SMALL, LEAST) == []
        assert look.evaluate(CUT) == []


@at("depth=numbers", "depth=everything")
def test_the_numbers_of_the_network_lie_on_nothing(look: Page) -> None:
    expect(look.locator(".drawing .label")).to_have_count(12)
    read = look.evaluate(READ)
    left, right = look.evaluate(
        "(({left, right}) => [left, right])(document.querySelector('.drawing').getBoundingClientRect())"
    )
    for i, one in enumerate(read):
        assert left <= one[1] and one[3] <= right, one  # noqa: PT018
        assert one[5] >= LEAST, one
        for other in read[i + 1 :]:
            inside = one[0].startswith("outcome") and other[0].startswith("outcome")
            assert inside or not overlaps(one, other), (one, other)


@at("depth=picture", "depth=numbers", "depth=everything&run=real", sizes=("390",))
def test_on_a_phone_the_network_goes_from_top_to_bottom(look: Page) -> None:
    bodies = look.eval_on_selector_all(
        ".unit .body",
        """all => all.map(one => one.getBoundingClientRect())
            .map(({left, right, y, height}) => [left, right, y + height / 2])""",
    )
    rows = list(dict.fromkeys(round(y) for _, _, y in bodies))
    assert rows == sorted(rows)
    assert len(rows) == (4 if "run=real" in look.url else 3)
    for row in rows:
        own = [box for box in bodies if round(box[2]) == row]
        assert all(a[1] <= b[0] for a, b in pairwise(own))
    outcome = look.locator(".outcome").bounding_box()
    assert outcome is not None
    assert outcome["y"] + outcome["height"] > rows[-1]


@at("depth=everything")
def test_the_step_bar_stays_in_sight_and_covers_nothing_that_is_focused(look: Page) -> None:
    bar = look.locator('[data-view="steps"]')
    look.evaluate("scrollTo(0, 1e6)")
    until(look, lambda: look.evaluate("scrollY") > 0)
    box = bar.bounding_box()
    assert box is not None
    assert 0 <= box["y"] < 5
    assert box["height"] < (96 if "390" in str(look.viewport_size) else 110)
    # back through all that can be focused, upwards
    look.locator('[data-view="chain"] button').last.focus()
    for _ in range(60):
        look.keyboard.press("Shift+Tab")
        hidden = look.evaluate("""() => {
          const [one, bar] = [document.activeElement, document.querySelector("[data-view=steps]")];
          const box = one.getBoundingClientRect();
          const over = document.elementFromPoint(box.left + box.width / 2, box.top + Math.min(box.height, 30) / 2);
          return bar.contains(over) && !bar.contains(one) ? one.outerHTML.slice(0, 200) : "";
        }""")
        assert hidden == ""

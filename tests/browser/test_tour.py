"""The tour of ten stops: its card covers nothing that it speaks of, and each task can be done with every hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect
from served import Complaints, Served, absent, at_step, opened, serving, until, watched, window

import backlit as bl
from backlit.lesson import ANOTHER, FIRST_FILE, MANY, ONE, STEPS
from backlit.words import number

AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
#: window, and what is used in it
SIZES = {
    "1440": ((1440, 900), "mouse"), "1024": ((1024, 768), "keyboard"), "820": ((820, 1180), "touch"),
    "390": ((390, 844), "touch"),
}  # fmt: skip
TITLES = [
    "It guesses", "It learns from one mistake", "Which weight did it?", "How does it know which way?",
    "How does the first layer get to know?", "Why minus?", "How far?", "Another house got worse", "Again and again",
    "When to stop, and another way",
]  # fmt: skip
#: what each stop speaks of as it opens; all of it can be seen at once
NAMED = {
    1: [".first .gauge", ".first .stage", "aside .task button"],
    2: [".first .gauge", ".first .learn button"],
    3: [".bet .joined", ".bet select", ".bet input", ".bet form button.main"],
    4: [".along .dot", ".along dl"],
    5: [".picker .back", ".factors li:first-child", ".factors li:last-child"],
    6: ['[data-view="chain"] .update'],
    7: ['[data-view="timeline"] [data-opens-panel]:has-text("Race")'],
    8: [".first .sentence", ".first .gauge", "aside .task button"],
    9: ['[data-view="timeline"] .curves'],
    10: ['[data-view="timeline"] .curves'],
}
# Points of an element that lie outside the window, or beneath something that does not belong to it.
HIDDEN = """
element => {
  const { left, top, width, height } = element.getBoundingClientRect();
  const view = element.closest("section, aside, [data-view]") ?? element;
  const hidden = [];
  for (const i of [0.04, 0.5, 0.96]) for (const j of [0.06, 0.5, 0.94]) {
    const at = [left + i * width, top + j * height];
    const there = document.elementFromPoint(...at);
    if (!there || !(view.contains(there) || there.contains(element))) {
      hidden.push([...at.map(Math.round), there?.className?.toString()]);
    }
  }
  return hidden;
}
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One studio for all tests here."""
    with serving(tmp_path_factory.mktemp("tour")) as made:
        yield made


@pytest.fixture
def run(served: Served) -> bl.Run:
    return bl.open_run(served.folder / FIRST_FILE)


@pytest.fixture
def newcomer(browser: Browser, complaints: Complaints, served: Served) -> Iterator[BrowserContext]:
    """A window that was never here, in which nothing moves."""
    with window(browser, complaints, new=True, reduced_motion="reduce") as made:
        yield made


class Walk:
    """A visitor of the tour, who does everything with the mouse, the keyboard or by touch."""

    def __init__(self, page: Page, hand: str) -> None:
        self.page, self.hand = page, hand
        self.card = page.locator("aside.card")

    def press(self, target: Locator | str, key: str = "") -> None:
        """A button, or the key that does the same; a button without one is reached by the tab key."""
        found = self.page.locator(target) if isinstance(target, str) else target
        if self.hand == "mouse":
            found.click()
        elif self.hand == "touch":
            found.tap()
        elif key:
            for one in key.split():
                self.page.keyboard.press(one)
        else:
            found.focus()
            self.page.keyboard.press("Enter")

    def drag(self, target: str, to: Callable[[], float], key: str, times: int) -> None:
        """A handle by so many pixels to the right; or by a key, so many times."""
        found = self.page.locator(target)
        if self.hand == "keyboard":
            found.focus()
            for _ in range(times):
                self.page.keyboard.press(key)
            return
        box = found.bounding_box()
        assert box
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        way = to()
        if self.hand == "mouse":
            self.page.mouse.move(x, y)
            self.page.mouse.down()
            self.page.mouse.move(x + way, y, steps=6)
            self.page.mouse.up()
            return
        finger = self.page.context.new_cdp_session(self.page)

        def touch(kind: str, *at: float) -> None:
            points = [{"x": at[0], "y": at[1]}] if at else []
            finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

        touch("touchStart", x, y)
        for i in range(1, 7):
            touch("touchMove", x + way * i / 6, y)
        touch("touchEnd")
        self.page.wait_for_timeout(400)  # a tap sooner would count as the second of two

    def arrives(self, n: int) -> None:
        """The stop is there, says all that it knows, and everything that it speaks of can be seen."""
        expect(self.card.get_by_role("heading")).to_have_text(TITLES[n - 1])
        expect(self.card).to_have_attribute("data-stage", "set")
        assert self.page.locator(".task.done").count() == 0
        self.sees(*NAMED[n])

    def sees(self, *named: str) -> None:
        last: list[Any] = []

        def all_seen() -> bool:
            last[:] = [(one, self.page.locator(one).first.evaluate(HIDDEN)) for one in named]
            return not any(points for _, points in last)

        for one in named:
            expect(self.page.locator(one).first).to_be_visible()
        for _ in range(60):
            if all_seen():
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(f"covered, or out of sight: {last}")

    def done(self, *said: str) -> None:
        """The stop has noticed it, and says what came of it; on to the next."""
        expect(self.page.locator(".task.done")).to_be_visible()
        for one in said:
            expect(self.page.locator(".task.done")).to_contain_text(one)
        self.press(self.card.get_by_role("button", name="Next", exact=True))

    def says(self, *texts: str) -> None:
        for one in texts:
            expect(self.card.locator(".words")).to_contain_text(one)


def dollars(value: float) -> str:
    return f"${value:,.0f}"


@pytest.mark.parametrize("size", SIZES)
def test_ten_stops_by_their_tasks(browser: Browser, served: Served, run: bl.Run, size: str) -> None:
    (width, height), hand = SIZES[size]
    touch = hand == "touch"
    with watched(
        browser, new=True, viewport={"width": width, "height": height}, has_touch=touch, reduced_motion="reduce"
    ) as context:
        page = opened(context, served.address)
        walk = Walk(page, hand)
        walk.press(page.get_by_role("link", name="take the tour"))
        stops(walk, run)


def stops(walk: Walk, run: bl.Run) -> None:
    page = walk.page
    before, after = (run.timeline(ONE).trace(0, [0]), run.timeline(ONE).trace(0, [0]).after)
    price, truth, then = (float(one[0, 0]) for one in (before.prediction, before.truth, after.prediction))

    walk.arrives(1)
    walk.says(dollars(price))
    walk.press(walk.card.locator(".task button"), "n")
    second = run.trace(0, [1], ONE)
    walk.done(f"For house 1 it says {dollars(float(second.prediction[0, 0]))}", dollars(float(second.truth[0, 0])))

    walk.arrives(2)
    walk.says(f"House 0 sold for {dollars(truth)}", f"{dollars(price - truth)} too high")
    walk.press(".learn button.main", "ArrowRight")
    walk.done(dollars(then), f"better by {dollars(price - then)}")

    walk.arrives(3)
    walk.press(page.get_by_role("button", name="down"))
    page.get_by_label("Which weight will do the most?").select_option("w2[2, 1]")
    walk.press(page.get_by_role("button", name="Make the step"))
    at_step(page, 2)
    walk.sees(".first .bet .row")
    walk.press(page.get_by_role("button", name="That was enough"))
    account = run.trace(1, [0], ONE).account()
    most = account.net.weight_name(int(abs(account.parts).argmax()))
    walk.sees(".first .account li:first-child")
    walk.done(f"{most} did the most", f"of −{dollars(account.before - account.after)}")

    walk.arrives(4)
    walk.says(number(before["w2[2, 1]"].gradient))
    walk.drag(".along .dot", lambda: -40, "ArrowLeft", 4)
    walk.done(f"E of this house went from {number(before.E)} to")

    walk.arrives(5)
    if walk.hand == "mouse":
        walk.press(".picker .back")
    else:
        for one in page.locator(".factors button").all():
            walk.press(one)
    walk.done(f"∂E/∂w = {number(before['w1[sqft_living, 1]'].gradient)}")

    walk.arrives(6)
    walk.says("positive: the weight shrinks")
    walk.press(page.get_by_role("button", name="Plus: uphill"))
    uphill = before.at(before.theta + run.timeline(ONE).settings().learning_rate * before.gradient)
    expect(walk.card.locator(".task")).to_contain_text(f"E of this house would be {number(uphill.E)}")
    walk.press(page.get_by_role("button", name="A step forward"), "ArrowRight")
    walk.done(f"{number(before.E)} to {number(after.E)}")

    walk.arrives(7)
    others = len(run.timelines())
    walk.press(page.get_by_role("button", name="Race three rates"))
    if (again := page.get_by_role("button", name="Race again")).is_visible():
        walk.press(again)
    walk.sees('[data-view="race"] form button.main')
    walk.press('[data-view="race"] form button.main')
    walk.done("got the farthest", "went wrong at step 21", "All three stay as timelines")
    made = run.timelines()[others:]
    assert [one.reason() == "diverged" for one in made] == [False, False, True]

    walk.arrives(8)
    until(page, lambda: run.timeline(ONE).steps() == STEPS)  # they are told before they are written
    other = [float(run.trace(step, [17], ONE).prediction[0, 0]) for step in (0, STEPS)]
    own = float(run.trace(STEPS, [0], ONE).prediction[0, 0])
    walk.says(f"After {STEPS} steps house 0 is at {dollars(own)}", *(dollars(one) for one in (*other, 485_000)))
    walk.press(walk.card.locator(".task button"))
    expect(walk.card.locator(".task button")).to_have_text("128 houses")
    walk.says("the same weights", dollars(other[0]))
    walk.sees(*NAMED[8])
    walk.press(walk.card.locator(".task button"))
    walk.says("128 houses", "the mean of their wishes")
    at_step(page, 0)
    walk.sees(".wishes h3", ".wishes .mean", '[data-view="steps"] .play')
    walk.press(page.get_by_role("button", name="A step forward"), "ArrowRight")
    walk.done("the mean wish of 128 houses")

    walk.arrives(9)
    page.get_by_label("Speed").select_option("as fast as it goes")
    walk.press(page.get_by_role("button", name="Play", exact=True), "Space")
    expect(page.locator(".task.done")).to_contain_text("Passed, at step")
    walk.done()

    walk.arrives(10)
    playing = page.get_by_role("button", name="Stop", exact=True)
    if run.timeline(MANY).steps() >= 2700:  # another one has been here: it is shown again, and that takes its time
        if playing.is_visible():
            walk.press(playing, "Space")
        last = page.get_by_role("button", name="To the last step")
        if last.is_enabled():
            walk.press(last, "End")
    else:
        if not playing.is_visible():
            walk.press(page.get_by_role("button", name="Play", exact=True), "Space")
        until(page, lambda: int(page.get_attribute("main", "data-step") or 0) >= 2700)
        if playing.is_visible():
            walk.press(playing, "Space")
    expect(walk.card.locator(".task")).to_contain_text("It is flat here")
    walk.sees('[data-view="timeline"] .aside > :last-child', '[data-view="timeline"] .curves')
    walk.press('[data-view="timeline"] .aside > :last-child')
    walk.sees('[data-view="timeline"] form button.main')
    page.get_by_label("Learning rate", exact=True).fill("0.01")
    walk.press('[data-view="timeline"] form button.main')
    walk.done("beside the old one")
    last = run.timelines()[-1]
    assert last.parent is not None
    assert (last.parent.name, last.settings().learning_rate) == (MANY, 0.01)

    expect(walk.card.get_by_role("heading")).to_have_text("Now it is yours")
    walk.press(walk.card.get_by_role("button", name="Finish"))
    expect(walk.card).to_have_count(0)
    until(page, lambda: page.evaluate("document.documentElement.scrollWidth <= innerWidth"))  # once it stands
    assert {ONE, ANOTHER, MANY} <= {one.name for one in run.timelines()}  # nothing is put away


def centre(found: Locator) -> float:
    box = found.bounding_box()
    assert box
    return box["x"] + box["width"] / 2


def test_it_is_left_and_taken_up_again(newcomer: BrowserContext, served: Served) -> None:
    page = opened(newcomer, served.address)
    card = page.locator("aside.card")
    expect(card).to_have_count(0)  # nobody is stopped at the door
    page.get_by_role("link", name="take the tour").click()
    for _ in range(3):
        card.get_by_role("button", name="Next").click()
    expect(card.get_by_role("heading")).to_have_text(TITLES[3])
    until(page, lambda: "tour=4" in page.url)
    page.reload()
    expect(card.get_by_role("heading")).to_have_text(TITLES[3])
    card.get_by_role("button", name="Back").click()
    expect(card.get_by_role("heading")).to_have_text(TITLES[2])
    card.get_by_role("button", name="Leave").click()
    expect(card).to_have_count(0)
    assert page.evaluate("getComputedStyle(document.body).paddingRight") == "0px"
    until(page, lambda: "tour" not in page.url)
    page.reload()
    page.get_by_role("link", name="take the tour").click()
    expect(card.get_by_role("heading")).to_have_text(TITLES[0])
    card.get_by_role("button", name="Continue at 3 of 10").click()
    expect(card.get_by_role("heading")).to_have_text(TITLES[2])
    card.get_by_role("heading").press("Escape")
    expect(card).to_have_count(0)
    last = opened(newcomer, f"{served.origin}/#tour=99")
    expect(last.locator("aside.card").get_by_role("heading")).to_have_text("Now it is yours")


def test_whoever_saw_everything_sees_it_again_after_the_tour(browser: Browser, served: Served) -> None:
    with watched(browser, reduced_motion="reduce") as context:
        page = opened(context, served.address)
        page.get_by_role("button", name="How does it learn?").click()
        expect(page.locator("aside.card")).to_have_attribute("data-stage", "set")
        expect(page.locator('[data-view="house"]')).to_have_count(0)
        page.locator("aside.card").get_by_role("button", name="Leave").click()
        expect(page.locator('[data-view="house"]')).to_be_visible()


@pytest.mark.parametrize(("size", "scheme"), [((1440, 900), "light"), ((390, 844), "dark")])
def test_axe_finds_nothing_at_any_stop(browser: Browser, served: Served, size: tuple[int, int], scheme: Any) -> None:
    if not AXE.exists():
        absent("no axe-core: it is where the page is built, in web/node_modules")
    viewport = {"width": size[0], "height": size[1]}
    with watched(browser, viewport=viewport, reduced_motion="reduce", color_scheme=scheme) as context:
        context.add_init_script(path=AXE)
        page = opened(context, f"{served.address}#tour=1")
        for n in (1, 4, 8, 9, 11):
            page.evaluate(f"location.hash = '#tour={n}'")
            until(page, lambda n=n: n == 11 or page.locator("aside.card").get_attribute("data-stage") == "set")
            found = page.evaluate("axe.run('aside.card')")
            assert [(one["id"], one["nodes"][0]["html"]) for one in found["violations"]] == []

"""The first screen: what a newcomer sees, one press, and the step's account in dollars."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from served import Complaints, Served, absent, at_step, many, opened, until, watched, window

import backlit as bl
from backlit.lesson import MANY, ONE, STEPS

AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
SIZES = {"1280": (1280, 720), "1440": (1440, 900), "1024": (1024, 768), "820": (820, 1180), "390": (390, 844)}
PICTURE = "#depth=picture"
LEARN = "Learn from this mistake"
# Boxes of what is read or pressed on the first screen, [left, top, right, bottom], by what they are.
BOXES = """
() => Object.fromEntries([
  ["sentence", ".sentence"], ["sold", ".gauge .flag ~ text"], ["guess", ".gauge .guess text"], ["off", ".gauge .off"],
  ["ticks", ".gauge .at"], ["callouts", ".callout"], ["outcome", ".outcome"], ["learn", ".learn button"],
  ["units", ".unit .body"], ["ones", ".one circle"], ["rows", ".account li"], ["hint", ".hint"], ["links", ".depths a"],
].flatMap(([name, selector]) => [...document.querySelectorAll(selector)].map((one, i) => {
  const box = one.getBoundingClientRect();
  return [`${name} ${i}`, [box.left, box.top, box.right, box.bottom]];
})))
"""


@pytest.fixture
def page(newcomer: BrowserContext, served: Served) -> Page:
    return opened(newcomer, served.address + PICTURE)


# From now on, what can be seen whenever the film comes to another beat.
WATCH = """
() => {
  const first = document.querySelector("[data-view=first]");
  window.film = [];
  new MutationObserver(() => window.film.push({
    beat: first.dataset.beat,
    says: first.querySelector(".sentence").innerText,
    flies: first.querySelectorAll(".flight").length,
    travels: [...first.querySelectorAll(".travel")].map((one) => one.classList[1]),
    pulls: Object.fromEntries([...first.querySelectorAll(".wire")].map(
      (one) => [one.dataset.id.replace("weight ", ""), parseFloat(one.querySelector(".pull").style.strokeWidth)])),
    changes: first.querySelector(".changes")?.innerText ?? "",
    by: [...first.querySelectorAll(".by")].map((one) => one.innerText),
    glows: Object.fromEntries([...first.querySelectorAll(".wire")].map(
      (one) => [one.dataset.id.replace("weight ", ""), Number(one.querySelector(".glow")?.style.opacity ?? 0)])),
    longest: Math.max(0, ...document.getAnimations({ subtree: true }).map(
      (one) => Number(one.effect.getComputedTiming().duration) + Number(one.effect.getComputedTiming().delay))),
  })).observe(first, { attributes: true, attributeFilter: ["data-beat"] });
}
"""


def film(page: Page) -> list[dict[str, Any]]:
    """What was seen since `WATCH`, now that it is over."""
    still(page)
    until(page, lambda: page.evaluate("window.film.length && window.film.at(-1).beat === ''"))
    return page.evaluate("window.film")


def still(page: Page) -> None:
    """The film of the step is over."""
    expect(page.locator('[data-view="first"]')).to_have_attribute("data-beat", "")


def sentence(page: Page) -> str:
    return " ".join(page.locator(".sentence").inner_text().split())


def learn(page: Page, step: int) -> None:
    page.get_by_role("button", name=LEARN).click()
    at_step(page, step)
    still(page)
    expect(page.locator(".account li").first).to_be_visible()


def apart(a: list[float], b: list[float]) -> bool:
    return a[2] <= b[0] + 0.5 or b[2] <= a[0] + 0.5 or a[3] <= b[1] + 0.5 or b[3] <= a[1] + 0.5


def prices(run: bl.Run, step: int) -> tuple[float, float]:
    """What house 0 is said to cost before a step, and what it sold for."""
    t = run.trace(step, [0], ONE)
    return float(t.prediction[0, 0]), float(t.truth[0, 0])


def test_a_newcomer_sees_one_sentence_one_scale_one_picture_one_button(
    newcomer: BrowserContext, served: Served
) -> None:
    page = opened(newcomer, served.address)
    expect(page.get_by_role("button", name=LEARN)).to_be_visible()
    assert sentence(page) == "This network guesses what a house costs. It says $483,199; house 0 sold for $221,900."
    expect(page.locator(".gauge .off")).to_have_text("$261,299 too high")
    assert [one.text_content() for one in page.locator(".entry").all()] == ["1,180 sqft", "grade 7", "47.51°"]
    expect(page.get_by_role("link", name="show me everything")).to_be_visible()
    for view in ("steps", "network", "chain", "timeline", "house"):
        expect(page.locator(f'[data-view="{view}"]')).to_have_count(0)
    expect(page.locator(".callout")).to_have_text(["blue: more in, more out; orange: less out", "thicker counts more"])
    text = page.locator("body").inner_text()  # of drawings, too
    assert len(re.findall(r"\d[\d,.]*", text)) <= 25
    # each bias is an edge from a 1
    assert page.locator(".wire").count() == 16
    assert page.locator(".one").count() == 2


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_overlaps_and_nothing_is_cut(browser: Browser, served: Served, size: str, scheme: str) -> None:
    width, height = SIZES[size]
    with watched(browser, new=True, viewport={"width": width, "height": height}, color_scheme=scheme) as context:
        page = opened(context, served.address + PICTURE)
        for step in (0, 1, 2):
            if step:
                learn(page, step)
            boxes = page.evaluate(BOXES)
            assert len(boxes) > 20
            for name, box in boxes.items():
                assert box[0] >= 0, name
                assert box[2] <= width, name
                if name != "hint 0" and (size != "390" or not name.startswith("rows")):
                    assert box[3] <= height, name
                assert all(apart(box, other) for key, other in boxes.items() if key != name), (name, boxes)
            if size != "390":
                assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_what_is_announced_is_what_is_made(page: Page, run: bl.Run) -> None:
    seen = [sentence(page)]
    for step in range(1, 13):
        page.get_by_role("button", name=LEARN).click()
        at_step(page, step)
        page.get_by_role("button", name=LEARN).hover()
        still(page)
        seen.append(sentence(page))
    until(page, lambda: run.timeline(ONE).steps() >= 12)
    for step, text in enumerate(seen):
        guess, truth = prices(run, step)
        assert f"${guess:,.0f}" in text
        announced = run.trace(step, [0], ONE).after.prediction[0, 0]
        if step < 12:
            assert f"${announced:,.0f}" in seen[step + 1]
    assert "$411,201" in seen[1]
    assert page.locator(".gauge .off").text_content() == f"${guess - truth:,.0f} too high"


def test_the_account_adds_up_to_the_change_of_the_guess(page: Page, run: bl.Run) -> None:
    expect(page.locator(".account li")).to_have_count(0)
    for step in (1, 2):
        learn(page, step)
        (before, truth), (after, _) = prices(run, step - 1), prices(run, step)
        expect(page.locator(".gain")).to_have_text(f"better by ${abs(before - truth) - abs(after - truth):,.0f}")
        for opened_up in (False, True):
            if opened_up:
                page.locator(".account").get_by_role("button", name="others").click()
            bars = [float(one.get_attribute("data-exact") or "nan") for one in page.locator(".account .part").all()]
            assert len(bars) == (16 if opened_up else 6)
            residual = float(page.locator(".account .foot [data-exact]").get_attribute("data-exact") or "nan")
            assert abs(residual) < 0.01
            assert sum(bars) + residual == pytest.approx(after - before, abs=1e-6)
        t = run.trace(step - 1, [0], ONE)
        own = dict(t.account().by_weight().iter_rows())
        names = page.locator(".account .name").all_inner_texts()
        assert names == list(own)
        # the update that 64-bit arithmetic computes, and the one that was made in 32 bits
        assert bars == pytest.approx(list(own.values()), rel=1e-3, abs=1.0)
        page.locator(".account").get_by_role("button", name="Gather").click()
    assert names[0] == "b2[1]"


def test_bars_and_edges_light_each_other(page: Page) -> None:
    learn(page, 1)
    bar = page.locator(".account li", has_text="w2[2, 1]")
    edge = page.locator('.wire[data-id="weight w2[2, 1]"]')
    faint = float(edge.locator(".line").evaluate("one => getComputedStyle(one).opacity"))
    bar.hover()
    until(page, lambda: float(edge.locator(".line").evaluate("one => getComputedStyle(one).opacity")) > faint)
    expect(bar).to_have_class(re.compile("lit"))
    page.mouse.move(5, 5)
    expect(bar).not_to_have_class(re.compile("lit"))
    edge.dispatch_event("pointerover", {"pointerType": "mouse", "clientX": 700, "clientY": 360})
    expect(bar).to_have_class(re.compile("lit"))
    page.mouse.move(5, 5)
    bar.locator("button").click()
    expect(edge).to_have_attribute("aria-pressed", "true")
    bar.locator("button").click()
    expect(edge).to_have_attribute("aria-pressed", "false")


def test_it_can_be_taken_back(page: Page, run: bl.Run) -> None:
    first = sentence(page)
    expect(page.get_by_role("button", name="take it back")).to_have_count(0)
    learn(page, 1)
    expect(page.locator(".callout")).to_have_count(0)
    assert sentence(page) != first
    page.get_by_role("button", name="take it back").click()
    at_step(page, 0)
    still(page)
    assert sentence(page) == first
    expect(page.locator(".account li")).to_have_count(0)
    expect(page.locator(".gain")).to_have_text("")
    expect(page.get_by_role("button", name=LEARN)).to_be_enabled()


def test_the_keys_do_the_same_and_the_next_press_ends_the_film(page: Page, run: bl.Run) -> None:
    still(page)
    page.evaluate(WATCH)
    page.keyboard.press("ArrowRight")
    until(page, lambda: page.evaluate("window.film.some((one) => one.beat.startsWith('backward'))"))
    page.keyboard.press("ArrowRight")
    at_step(page, 2)
    beats = [one["beat"] for one in film(page)]
    assert beats.count("miss 0") == 2
    assert beats[-1] == ""
    assert f"${prices(run, 2)[0]:,.0f}" in sentence(page)
    page.keyboard.press("ArrowLeft")
    at_step(page, 1)
    still(page)
    assert f"${prices(run, 1)[0]:,.0f}" in sentence(page)


def test_the_film_shows_the_old_guess_until_it_comes_to_the_new_one(page: Page, run: bl.Run) -> None:
    """The pulls are as thick as |∂E/∂w|."""
    still(page)
    page.evaluate(WATCH)
    page.get_by_role("button", name=LEARN).click()
    seen = {one["beat"]: one for one in film(page)}
    assert list(seen) == ["miss 0", "backward 2", "backward 1", "change 0", "forward 1", "forward 2", "guess 0", ""]
    assert [beat for beat, one in seen.items() if "$483,199" in one["says"]] == list(seen)[:6]
    assert "$411,201" in seen["guess 0"]["says"]
    assert [one["flies"] for one in seen.values()] == [1, 0, 0, 0, 0, 0, 0, 0]
    assert [one["travels"] for one in seen.values()] == [
        [], ["backward"], ["backward"], [], ["forward"], ["forward"], [], []
    ]  # fmt: skip
    t = run.trace(0, [0], ONE)
    for beat, one in seen.items():
        names = {"backward 2": [n for n in one["pulls"] if n[1] == "2"], "backward 1": list(one["pulls"])}.get(beat, [])
        assert all(one["pulls"][name] == 0 for name in one["pulls"] if name not in names)
        if names:
            size = np.array([abs(t[name].gradient) for name in names])
            assert np.corrcoef([one["pulls"][name] for name in names], size)[0, 1] > 0.9999


def test_the_film_shows_which_weights_change_and_by_how_much(page: Page, run: bl.Run) -> None:
    still(page)
    page.evaluate(WATCH)
    page.get_by_role("button", name=LEARN).click()
    seen = {one["beat"]: one for one in film(page)}
    assert [beat for beat, one in seen.items() if one["changes"]] == ["change 0"]
    own = seen["change 0"]
    until(page, lambda: run.timeline(ONE).steps() == 1)
    before, after = (np.asarray(run.timeline(ONE).at(step).theta, float) for step in (0, 1))
    t = run.trace(0, [0], ONE)
    by = {name: (after - before)[t.net.positions(name)[0]] for name in own["glows"]}
    # as a share of the thickest edge of its layer
    thickest = {n: max(abs(before[t.net.positions(name)[0]]) for name in by if name.startswith(f"w{n}")) for n in "12"}
    share = {name: abs(one) / thickest[name[1]] for name, one in by.items()}
    most = sorted(share, key=lambda name: -share[name])
    for name, glow in own["glows"].items():
        assert glow == pytest.approx(share[name] / share[most[0]], abs=0.01)
    assert own["by"] == [f"{by[name]:+.2g}".replace("-", "−") for name in most[:3]]
    times = max(one for one in (1, 2, 5, 10, 20, 50) if one <= 0.6 / share[most[0]])
    assert f"drawn {times} times as large" in own["changes"]


def test_what_is_looked_at_in_the_picture_is_said_in_words(page: Page, run: bl.Run) -> None:
    still(page)
    assert page.locator(".words").count() == 0
    t = run.trace(0, [0], ONE)
    for name, way in (("w2[2, 1]", "unit 2 → price"), ("b2[1]", "1 → price"), ("w1[grade, 2]", "grade → unit 2")):
        page.locator(f'.wire[data-id="weight {name}"]').focus()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowUp")
        value = t.theta[t.net.positions(name)[0]]
        colour = "blue: more out" if value > 0 else "orange: less out" if value < 0 else "it passes nothing on"
        expect(page.locator(".words")).to_have_text(f"{way}: weight {value:.3g}; {colour}".replace("-", "−"))
    page.locator('[role=button][data-id="unit 1 1"]').hover()
    expect(page.locator(".words")).to_contain_text("unit 2 adds up what comes in")


def test_it_ends_where_the_timeline_ends(page: Page, run: bl.Run) -> None:
    for step in range(1, STEPS + 1):
        page.keyboard.press("ArrowRight")
        at_step(page, step)
    expect(page.get_by_role("button", name=LEARN)).to_be_disabled()
    expect(page.locator(".learn")).to_contain_text(f"after {STEPS} steps")
    expect(page.get_by_role("button", name="take it back")).to_be_enabled()


def test_worse_is_said_as_plainly(newcomer: BrowserContext, served: Served, run: bl.Run) -> None:
    """House 17 gets worse while house 0 is learnt from."""
    page = opened(newcomer, served.address + PICTURE + "&row=17")
    learn(page, 1)
    until(page, lambda: run.timeline(ONE).steps() == 1)
    before, after = (run.trace(step, [17], ONE) for step in (0, 1))
    lost = abs(after.difference[0, 0]) - abs(before.difference[0, 0])
    assert lost > 0
    expect(page.locator(".gain")).to_have_text(f"worse by ${lost:,.0f}")
    bars = [float(one.get_attribute("data-exact") or "nan") for one in page.locator(".account .part").all()]
    assert sum(bars) == pytest.approx(after.prediction[0, 0] - before.prediction[0, 0], abs=0.01)


def test_many_houses_are_said_as_their_average(newcomer: BrowserContext, served: Served, run: bl.Run) -> None:
    page = opened(newcomer, many(f"{served.address}#depth=numbers&of=batch"))
    t = run.trace(0, timeline=MANY)
    guess, sold = (f"${value:,.0f}" for value in (t.prediction.mean(), t.truth.mean()))
    expect(page.locator(".sentence")).to_have_text(
        f"This network guesses what a house costs. On average over 128 houses it says {guess}; they sold for {sold}."
    )


def test_nothing_moves_for_those_who_ask_for_that(browser: Browser, served: Served) -> None:
    """Four stills."""
    with watched(browser, new=True, reduced_motion="reduce") as context:
        page = opened(context, served.address + PICTURE)
        page.evaluate(WATCH)
        page.get_by_role("button", name=LEARN).click()
        at_step(page, 1)
        seen = film(page)
        assert [one["beat"] for one in seen] == ["miss 0", "backward 1", "change 0", "guess 0", ""]
        assert all(width > 0 for width in seen[1]["pulls"].values())
        assert "$411,201" in sentence(page)
        assert max(one["longest"] for one in seen) <= 1


def test_a_finger_does_it_too(browser: Browser, served: Served) -> None:
    with watched(browser, new=True, has_touch=True, viewport={"width": 390, "height": 844}) as context:
        page = opened(context, served.address + PICTURE)
        page.get_by_role("button", name=LEARN).tap()
        at_step(page, 1)
        still(page)
        assert "$411,201" in sentence(page)
        page.locator(".account li button").first.tap()
        expect(page.locator('.wire[data-id="weight b2[1]"]')).to_have_attribute("aria-pressed", "true")
        page.get_by_role("button", name="take it back").tap()
        at_step(page, 0)


def test_the_depth_is_remembered_and_linked(newcomer: BrowserContext, served: Served) -> None:
    page = opened(newcomer, served.address)
    until(page, lambda: "depth=picture" in page.url)
    page.get_by_role("link", name="show me everything").click()
    for view in ("steps", "network", "chain", "timeline", "house"):
        expect(page.locator(f'[data-view="{view}"]')).to_have_count(1)
    expect(page.get_by_role("button", name="Your table")).to_be_visible()
    expect(page.locator('[data-view="first"]')).to_have_count(0)
    until(page, lambda: "depth=everything" in page.url)
    deep = page.url
    page.close()
    page = opened(newcomer, served.origin)  # remembered
    expect(page.locator('[data-view="house"]')).to_have_count(1)
    page.get_by_role("link", name="just the picture").click()
    expect(page.locator('[data-view="house"]')).to_have_count(0)
    page.close()
    page = opened(newcomer, deep)  # linked
    expect(page.locator('[data-view="house"]')).to_have_count(1)
    page.close()
    page = opened(newcomer, f"{served.origin}#depth=picture")
    expect(page.locator('[data-view="first"]')).to_have_count(1)
    page.close()
    page = opened(newcomer, f"{served.origin}#step=0")  # an old link
    expect(page.locator('[data-view="house"]')).to_have_count(1)


def test_numbers_come_as_they_are_needed(newcomer: BrowserContext, served: Served) -> None:
    page = opened(newcomer, served.address + PICTURE)
    page.get_by_role("link", name="show the numbers").click()
    expect(page.locator('[data-view="network"]')).to_have_count(1)
    for view in ("steps", "chain", "timeline", "house"):
        expect(page.locator(f'[data-view="{view}"]')).to_have_count(0)
    page.get_by_role("button", name=LEARN).click()
    at_step(page, 1)
    expect(page.locator('[data-view="steps"]')).to_have_count(1)
    expect(page.locator('[data-view="timeline"]')).to_have_count(0)
    page.keyboard.press("ArrowRight")
    at_step(page, 2)
    expect(page.locator('[data-view="timeline"]')).to_have_count(1)
    page.locator(".account li button").first.click()
    expect(page.locator('[data-view="chain"]').get_by_role("heading", name="b2[1]")).to_be_visible()


def test_a_unit_leads_to_its_numbers(page: Page) -> None:
    page.locator('[role=button][data-id="unit 1 2"]').click()
    expect(page.locator('[data-view="network"] tfoot')).to_be_visible()


def test_axe_finds_nothing_that_keeps_people_out(browser: Browser, served: Served) -> None:
    if not AXE.exists():
        absent("no axe-core: it is where the page is built, in web/node_modules")
    with watched(browser, new=True, reduced_motion="reduce", viewport={"width": 1280, "height": 720}) as context:
        context.add_init_script(path=AXE)
        page = opened(context, served.address + PICTURE)
        told: list[str] = []
        for step, depth in ((0, "picture"), (1, "picture"), (1, "numbers")):
            if step > int(page.get_attribute("main", "data-step") or 0):
                learn(page, step)
            if depth == "numbers":
                page.get_by_role("link", name="show the numbers").click()
                expect(page.locator('[data-view="network"]')).to_be_visible()
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
                told += [
                    f"{depth} {step} {scheme}: {one['impact']} {one['id']}: {node['target']} {node['failureSummary']}"
                    for one in found["violations"] for node in one["nodes"] if one["impact"] in ("serious", "critical")
                ]  # fmt: skip
        assert not told, "\n".join(told)


def test_a_key_is_drawn_at_once(page: Page) -> None:
    """Back and forth along what is recorded: the new numbers are on the page soon after the key."""
    learn(page, 1)
    drawn = """async () => {
      const main = document.querySelector("main");
      const began = performance.now();
      const done = new Promise((go) => new MutationObserver(() => requestAnimationFrame(() => setTimeout(go)))
        .observe(main, {attributes: true}));
      document.body.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowLeft", bubbles: true, cancelable: true}));
      await done;
      return document.querySelector(".sentence").innerText.includes("$483,199");
    }"""
    assert page.evaluate(drawn)


def test_another_table_says_its_own_target(
    browser: Browser, complaints: Complaints, serve: Callable[..., Served], tmp_path: Path
) -> None:
    """Three classes, of a wide table: chances in place of dollars."""
    import polars as pl

    draw = np.random.default_rng(5)
    X = draw.normal(size=(200, 2))
    kinds = np.array(["low", "mid", "high"])[np.digitize(X.sum(axis=1), [-0.7, 0.7])]
    frame = pl.DataFrame({"width": X[:, 0], "depth": X[:, 1], "kind": kinds})
    folder = tmp_path / "other"
    folder.mkdir()
    frame.write_csv(folder / "kinds.csv")
    model = bl.NetClassifier(hidden=(3,), epochs=2, encoding="plain", run=folder / "kinds.backlit", random_state=0)
    model.fit(frame.drop("kind"), frame["kind"])
    served = serve(str(folder / "kinds.backlit"))
    with window(browser, complaints, new=True, viewport={"width": 1280, "height": 720}) as context:
        page = opened(context, served.address)
        assert sentence(page).startswith("This network guesses kind. It now says ")
        expect(page.locator(".gauge .off")).to_contain_text("short")
        assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")
        expect(page.locator(".account li").first).to_be_visible()

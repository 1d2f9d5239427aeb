"""A whole session with the keyboard alone; where the focus is can always be seen."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect
from served import Served, at_step, number, press, until

import backlit as bl

# What of the focused element, or within it, looks otherwise than without the focus.
MARKED = """
() => {
  const active = document.activeElement;
  if (!active || active === document.body) return "body";
  const names = ["outline", "boxShadow", "stroke", "strokeWidth", "strokeOpacity", "fill", "opacity", "display",
                 "backgroundColor", "borderColor", "visibility"];
  const look = () => [active, ...active.querySelectorAll("*"), ...active.parentElement.children].map((one) => {
    const style = getComputedStyle(one);
    return names.map((name) => style[name]).join();
  });
  const still = document.createElement("style");
  const style = getComputedStyle(active);
  if ((style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1.5) || style.boxShadow !== "none") return "";
  const focused = look();
  active.blur();
  const plain = look();
  active.focus({preventScroll: true, focusVisible: true});
  if (focused.some((one, i) => one !== plain[i])) return "";
  return active.outerHTML.slice(0, 160);
}
"""


@pytest.fixture
def page(page: Page) -> Page:
    """Without transitions, so that what is focused looks so at once."""
    page.emulate_media(reduced_motion="reduce")
    return page


def tab(page: Page, to: Locator, back: bool = False, most: int = 60) -> None:
    """Press tab until something has the focus, which can be seen wherever it comes by."""
    for _ in range(most):
        page.keyboard.press("Shift+Tab" if back else "Tab")
        hidden = page.evaluate(MARKED)
        assert hidden in ("", "body"), f"the focus cannot be seen on {hidden}"
        if to.count() == 1 and to.evaluate("one => one === document.activeElement"):
            return
    raise AssertionError(f"the tab key does not lead to {to}")


def view(page: Page, name: str) -> Locator:
    return page.locator(f'[data-view="{name}"]')


def test_a_session(page: Page, served: Served) -> None:
    # steps and phases
    press(page, "ArrowRight", 1)
    page.keyboard.press("Shift+ArrowRight")
    expect(page.locator(".phases .which")).to_have_text("Feed forward: layer 1")
    page.keyboard.press("Escape")
    expect(page.locator(".phases .which")).to_have_text("the whole step")

    # a weight
    chosen = view(page, "network").locator("[role=button][tabindex='0']")
    tab(page, chosen)
    for _ in range(40):
        label = page.evaluate("document.activeElement.getAttribute('aria-label')")
        if label.startswith("Weight w2[2, 1]"):
            break
        page.keyboard.press("ArrowDown")
        assert page.evaluate(MARKED) == ""
    else:
        raise AssertionError("the arrows do not lead to w2[2, 1]")
    page.keyboard.press("Enter")
    expect(view(page, "chain").get_by_role("heading", name="w2[2, 1]")).to_be_visible()

    # its curve, and starting over with it
    dot = view(page, "chain").get_by_role("slider", name="Value of w2[2, 1]")
    expect(dot).to_be_attached()
    tab(page, dot)
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    w = float(dot.get_attribute("aria-valuenow") or 0)
    told = view(page, "chain").locator(".along dd").nth(1)
    run = bl.open_run(served.folder / "houses-3-3-1.backlit")
    until(page, lambda: run.timeline().steps() >= 1)  # a step made by hand is written a moment later
    t = run.trace(1, [0])
    theta = t.theta.copy()
    theta[t.net.positions("w2[2, 1]")] = w
    until(page, lambda: number(told.inner_text()) == pytest.approx(t.at(theta).E, rel=2e-3))
    tab(page, view(page, "chain").get_by_role("button", name="Start over with w"))
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_have_attribute("data-timeline", "fork 1")
    assert run.timeline("fork 1").at(1).theta[t.net.positions("w2[2, 1]")][0] == pytest.approx(w, rel=1e-6)

    # another rate, through the form
    over = view(page, "timeline").get_by_role("button", name="Start over from here")
    tab(page, over, back=True, most=90)
    page.keyboard.press("Space")
    rate = view(page, "timeline").get_by_label("Learning rate", exact=True)
    expect(rate).to_be_focused()
    page.keyboard.press("Escape")
    expect(over).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Control+a")
    page.keyboard.type("0.1")
    page.keyboard.press("Enter")
    train = view(page, "timeline").get_by_role("button", name="Train it")
    expect(train).to_be_focused()
    assert page.evaluate(MARKED) == ""
    page.keyboard.press("Enter")
    expect(over).to_be_focused()
    expect(page.get_by_role("button", name="Stop", exact=True)).to_be_visible()
    tab(page, page.get_by_role("button", name="Stop", exact=True), back=True)
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    assert run.timeline("fork 2").settings().learning_rate == 0.1

    # comparing, and back to where one was
    compare = view(page, "timeline").get_by_role("button", name="Compare with 128 houses")
    tab(page, compare)
    page.keyboard.press("Enter")
    expect(view(page, "timeline")).to_contain_text("The same up to step 1")
    tab(page, view(page, "timeline").get_by_role("button", name="Close the comparison"))
    page.keyboard.press("Enter")
    expect(compare).to_be_focused()


def test_the_rate_along_the_step(page: Page) -> None:
    press(page, "ArrowRight", 1)
    grip = view(page, "timeline").get_by_role("slider", name="Another learning rate for this step")
    expect(grip).to_be_attached()
    tab(page, grip)
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    rate = grip.get_attribute("aria-valuenow")
    page.keyboard.press("Enter")
    button = view(page, "timeline").get_by_role("button", name=f"Start over with learning rate {rate}")
    expect(button).to_be_focused()
    page.keyboard.press("Escape")
    expect(view(page, "timeline").get_by_role("button", name="Start over from here")).to_be_focused()


def test_dialogs_give_the_focus_back(page: Page, served: Served) -> None:
    table = page.get_by_role("button", name="Your table")
    tab(page, table)
    page.keyboard.press("Enter")
    dialog = page.locator("dialog[open]")
    expect(dialog).to_be_visible()
    houses = dialog.get_by_role("region", name="a table that is here").get_by_role("button", name="houses")
    tab(page, houses)
    page.keyboard.press("ArrowRight")
    at_step(page, 0)
    page.keyboard.press("Enter")
    expect(dialog.get_by_label("To predict")).to_have_value("price")
    tab(page, dialog.get_by_role("button", name="Small, for learning"))
    page.keyboard.press("Space")
    tab(page, dialog.get_by_label("Learning rate"), most=120)
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(table).to_be_focused()
    page.keyboard.press("?")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(table).to_be_focused()
    page.keyboard.press("Enter")
    tab(page, dialog.get_by_role("button", name="Small, for learning"))
    page.keyboard.press("Space")
    tab(page, dialog.get_by_role("button", name="Begin", exact=True), back=True, most=120)
    page.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    expect(table).to_be_focused()
    assert len(list(served.folder.glob("*.backlit"))) == 2


def test_clicks_leave_the_keys_to_the_dialog(page: Page) -> None:
    page.get_by_role("button", name="Your table").click()
    dialog = page.locator("dialog[open]")
    dialog.get_by_role("region", name="a table that is here").get_by_role("button", name="houses").click()
    dialog.get_by_role("button", name="None", exact=True).click()
    for key in ("ArrowRight", "Space"):
        page.keyboard.press(key)
    page.wait_for_timeout(200)
    at_step(page, 0)
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    press(page, "ArrowRight", 1)

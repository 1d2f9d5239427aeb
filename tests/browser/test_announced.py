"""What the page announces of a step is what the step makes, to every digit shown; and whose E it shows it says."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from served import Served, at_step, many, opened, press, until

import backlit as bl
from backlit.lesson import ANOTHER, HOUSES, MANY, ONE, STEPS
from backlit.words import number

FILE = "houses-3-3-1.backlit"


@pytest.fixture
def page(context: BrowserContext, served: Served) -> Page:
    """The page as it opens, without the tour."""
    return opened(context, f"{served.address}#hide=tour")


def outcome(page: Page) -> list[str]:
    return [" ".join(text.split()) for text in page.locator("g.outcome text").all_text_contents()]


def after(page: Page, label: str) -> str:
    """What stands below a label of the outcome."""
    texts = outcome(page)
    return texts[texts.index(label) + 1]


def settled(page: Page, label: str) -> str:
    until(page, lambda: label in outcome(page))
    return after(page, label)


def test_it_opens_at_one_house_before_its_first_step(page: Page) -> None:
    expect(page.locator("main")).to_have_attribute("data-timeline", ONE)
    at_step(page, 0)
    expect(page.locator("header .run")).to_contain_text("1 house to learn from")
    assert (after(page, "prediction"), settled(page, "this step will make it")) == ("$483,199", "$411,201")


@pytest.mark.parametrize("name", [ONE, ANOTHER])
def test_one_house_becomes_what_was_announced_in_each_of_its_steps(page: Page, served: Served, name: str) -> None:
    if name != ONE:
        page.locator(".tree .go", has_text=name).click()
        expect(page.locator("main")).to_have_attribute("data-timeline", name)
    house = HOUSES[name]
    expect(page.get_by_role("heading", name=f"House {house}", exact=True)).to_be_visible()
    seen = []
    for step in range(STEPS):
        announced = settled(page, "this step will make it")
        assert not [text for text in outcome(page) if "alone" in text]
        press(page, "ArrowRight", step + 1)
        assert after(page, "prediction") == announced
        seen.append(announced)
    run = bl.open_run(served.folder / FILE)
    until(page, lambda: run.timeline(name).steps() == STEPS)
    prices = [float(run.trace(step + 1, [house], name).prediction[0, 0]) for step in range(STEPS)]
    assert seen == [number(price, "$") for price in prices]
    expect(page.locator(".where dt", has_text="E of this house")).to_be_visible()
    # a step back, and what is announced there is what was made
    press(page, "ArrowLeft", STEPS - 1)
    assert settled(page, "this step will make it") == seen[-1]
    # the step's own rows are that house
    page.get_by_role("button", name="batch").click()
    expect(page.locator(".where dt", has_text="E of this step’s house")).to_be_visible()
    assert f"E of this step’s house {number(run.trace(STEPS - 1, None, name).E)}" in " ".join(outcome(page))


def test_128_houses_make_of_a_house_what_was_announced(context: BrowserContext, served: Served) -> None:
    page = opened(context, many(f"{served.address}#hide=tour"))
    prices, wishes = [], []
    for step in range(12):
        wishes.append(settled(page, "this house alone would make it"))
        prices.append(settled(page, "the step of 128 houses will make"))
        press(page, "ArrowRight", step + 1)
        assert after(page, "prediction") == prices[-1]
    run = served.run(12)
    for step in range(12):
        own, t = run.trace(step), run.trace(step, [0])
        assert wishes[step] == number(float(t.after.prediction[0, 0]), "$")
        assert prices[step] == number(float(t.at(own.update.after).prediction[0, 0]), "$") != wishes[step]
    assert (prices[0], wishes[0]) == ("$459,510", "$411,201")


def test_no_E_stands_alone_and_a_jump_is_explained(context: BrowserContext, served: Served) -> None:
    page = opened(context, many(f"{served.address}#hide=tour"))
    for step in range(1, 7):
        press(page, "ArrowRight", step)
    run = served.run(6)
    E = [run.trace(step).E for step in range(6)]
    timeline = page.locator('[data-view="timeline"]')
    for step in range(1, 6):
        page.evaluate(f"location.hash = '#hide=tour&timeline=128+houses&step={step}&row=0&of=row'")
        at_step(page, step)
        expect(timeline.locator(".left .read")).to_contain_text(f"E of this step’s houses {number(E[step])}")
        expect(timeline.locator(".left .why")).to_have_count(int(E[step] > E[step - 1]))
    assert any(b > a for a, b in pairwise(E))
    assert any("E of this house" in text for text in outcome(page))
    page.get_by_role("button", name="batch").click()
    expect(page.locator(".where dt", has_text="E of this step’s 128 houses")).to_be_visible()
    until(page, lambda: any("E of this step’s 128 houses" in text for text in outcome(page)))
    bare = [text for text in outcome(page) if re.match(r"E [−\d]", text)]
    assert bare == []


def test_another_timeline_shows_what_it_learns_from(page: Page) -> None:
    tree = page.locator('[data-view="timeline"] .tree')
    for name, house in HOUSES.items():
        expect(tree.locator(".go", has_text=name)).to_contain_text(f"learns from house {house}")
    tree.locator(".go", has_text=ANOTHER).click()
    expect(page.get_by_role("heading", name="House 17", exact=True)).to_be_visible()
    tree.locator(".go", has_text=MANY).click()
    expect(page.locator("main")).to_have_attribute("data-timeline", MANY)
    expect(page.get_by_role("heading", name="House 17", exact=True)).to_be_visible()
    expect(page.locator("header .run")).to_contain_text("13,765 houses to learn from")
    tree.locator(".go", has_text=ONE).click()
    expect(page.get_by_role("heading", name="House 0", exact=True)).to_be_visible()


def test_the_curves_always_carry_the_mean_and_the_linear_model(page: Page, served: Served) -> None:
    timeline = page.locator('[data-view="timeline"]')
    for name in (ONE, MANY, ANOTHER):  # before any step was made
        timeline.locator(".tree .go", has_text=name).click()
        expect(page.locator("main")).to_have_attribute("data-timeline", name)
        for baseline in ("mean", "linear model"):
            expect(timeline.locator(f'line.baseline[data-name="{baseline}"]')).to_have_count(1)
            expect(timeline.locator("text.label", has_text=baseline)).to_be_visible()


def test_two_beginnings_are_compared_by_what_they_learn_from(page: Page) -> None:
    timeline = page.locator('[data-view="timeline"]')
    timeline.get_by_role("button", name=f"Compare with {ANOTHER}").click()
    expect(timeline).to_contain_text("Two beginnings. In another house: learns from row 0 → row 17.")

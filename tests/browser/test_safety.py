"""Another page in the same browser reaches nothing, and the studio's own page breaks none of its rules."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from served import FLAGS, Complaints, Served, chromium, many, opened, press, show_numbers

REACH = """
async (studio) => {
  const tried = async (what) => { try { return await what(); } catch (error) { return error.name; } };
  const post = (path, more) => fetch(studio + path, {method: "POST", credentials: "include", body: "{}", ...more});
  const found = {
    asked: await tried(async () => (await post("/api/run")).status),
    read: await tried(async () => (await fetch(studio + "/", {credentials: "include"})).status),
    sent: await tried(async () => (await post("/api/train", {mode: "no-cors", body: '{"steps": 5}'})).type),
    uploaded: await tried(async () => (await post("/api/upload?name=a.csv", {mode: "no-cors", body: "a,b"})).type),
    news: await new Promise((done) => {
      const socket = new WebSocket(studio.replace("http", "ws") + "/api/news?tab=x");
      socket.onopen = () => done("open");
      socket.onerror = () => done("refused");
    }),
    script: await new Promise((done) => {
      const script = document.createElement("script");
      [script.onload, script.onerror] = [() => done("loaded"), () => done("refused")];
      script.src = studio + "/favicon.svg";
      document.body.append(script);
    }),
    image: await new Promise((done) => {
      const image = new Image();
      [image.onload, image.onerror] = [() => done("loaded"), () => done("refused")];
      image.src = studio + "/favicon.svg";
    }),
  };
  return found;
}
"""
BREACHES = """
window.breaches = [];
addEventListener("securitypolicyviolation", ({violatedDirective: rule, blockedURI}) => {
  window.breaches.push(`${rule} ${blockedURI}`);
});
"""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[str]:
    """Another page of this machine: its site is the same, and its origin is not."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "index.html").write_text("<!doctype html><title>elsewhere</title><body>")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


def test_another_page_reaches_nothing(
    context: BrowserContext, page: Page, served: Served, elsewhere: str, complaints: Complaints
) -> None:
    before = set(served.folder.rglob("*"))
    other = context.new_page()
    other.goto(elsewhere)
    assert other.evaluate(REACH, served.origin) == {
        "asked": "TypeError", "read": "TypeError", "sent": "TypeError", "uploaded": "TypeError", "news": "refused",
        "script": "refused", "image": "refused",
    }  # fmt: skip
    other.evaluate("(studio) => { document.body.innerHTML = `<iframe src='${studio}/'></iframe>`; }", served.origin)
    other.wait_for_timeout(500)
    assert all(frame.url in ("", "about:blank") or not frame.url.startswith(served.origin) for frame in other.frames)
    assert other.evaluate("(studio) => window.open(studio + '/', 'studio') === null || 'opened'", served.origin)
    other.wait_for_timeout(300)
    opener = [one for one in context.pages if one.url.startswith(served.origin) and one is not page]
    assert all(one.evaluate("window.opener === null") for one in opener)
    press(page, "ArrowRight", 1)
    assert {path for path in set(served.folder.rglob("*")) - before if path.suffix == ".csv"} == set()
    complaints.expect("frame-ancestors")
    complaints.clear()  # all that was refused


def test_a_name_that_is_given_to_this_machine_is_refused(served: Served, page: Page) -> None:
    browser = page.context.browser
    assert browser
    rebound = browser.browser_type.launch(
        executable_path=chromium(), args=[*FLAGS, "--host-resolver-rules=MAP evil.example 127.0.0.1"]
    )
    try:
        evil = rebound.new_page()
        answer = evil.goto(served.address.replace("127.0.0.1", "evil.example"))
        assert answer
        assert answer.status == 403
        assert "is not called that" in evil.inner_text("body")
        assert rebound.contexts[0].cookies() == []
    finally:
        rebound.close()


def test_the_token_is_in_a_cookie_that_no_script_reads(context: BrowserContext, page: Page, served: Served) -> None:
    token = served.address.split("token=")[1]
    assert token not in page.url
    assert token not in page.evaluate("history.state + document.cookie + JSON.stringify({...localStorage})")
    [cookie] = context.cookies()
    assert (cookie["value"], cookie["httpOnly"], cookie["sameSite"]) == (token, True, "Strict")  # type: ignore[typeddict-item]
    assert page.evaluate("performance.getEntriesByType('navigation')[0].name").split("#")[0] == f"{served.origin}/"


def test_a_whole_session_breaks_no_rule(context: BrowserContext, served: Served) -> None:
    context.add_init_script(BREACHES)
    page = opened(context, many(served.address))
    press(page, "ArrowRight", 1)
    page.locator(".pulls li button").first.click()
    expect(page.locator('[data-view="chain"] .katex').first).to_be_attached()
    page.locator('[data-view="timeline"]').get_by_role("button", name="Start over from here").click()
    page.locator('[data-view="timeline"] form button.main').click()
    expect(page.locator("main")).to_have_attribute("data-timeline", "fork 1")
    for view in ("network", "chain", "timeline", "house"):
        show_numbers(page, view)
        for kind in ("SVG", "PNG", "CSV"):
            page.locator(f'[data-view="{view}"] summary[aria-label^="Export"]').click()
            with page.expect_download() as taken:
                page.locator(f'[data-view="{view}"] .menu').get_by_role("button", name=kind).click()
            assert Path(taken.value.path()).stat().st_size > 100
    page.get_by_role("button", name="Light or dark").click()
    page.get_by_role("button", name="The real one").click()
    expect(page.locator("header strong")).to_have_text("houses.backlit")
    page.get_by_role("button", name="Your table").click()
    page.get_by_role("region", name="a table that is here").get_by_role("button", name="houses").click()
    expect(page.get_by_label("To predict")).to_have_value("price")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="How does it learn?").click()
    expect(page.locator("header strong")).to_have_text("houses-3-3-1.backlit")
    page.wait_for_timeout(300)
    assert page.evaluate("window.breaches") == []

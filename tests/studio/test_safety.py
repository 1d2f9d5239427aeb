import os
import stat
import time

import pytest
from websockets.exceptions import InvalidStatus

from backlit.studio import safety
from backlit.studio.safety import HEADERS, hosts_of, is_loopback, token_for

from .conftest import TOKEN, serving

FOREIGN = "http://evil.example"


def is_refused(answer):
    for name, value in HEADERS.items():
        assert answer.headers[name.lower()] == value
    return answer.status == 403


def test_what_is_let_in(client):
    assert client.ask("run").status == 200
    port = client.port
    for name in ("127.0.0.1", "localhost", "[::1]"):
        assert client.ask("run", Host=f"{name}:{port}", Origin=f"http://{name}:{port}").status == 200
    assert client.ask("run", Sec_Fetch_Site="same-origin").status == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example:{port}", "", "evil.example:{port}"]
)
def test_a_forged_host_is_refused(client, host):
    assert is_refused(client.ask("run", Host=host.format(port=client.port)))
    assert is_refused(client.request("GET", "/", Host=host.format(port=client.port)))


@pytest.mark.parametrize(
    "origin",
    [None, "null", FOREIGN, "https://127.0.0.1:{port}", "http://127.0.0.1", "http://127.0.0.1:{port}.evil.example"],
)
def test_a_forged_origin_is_refused(client, origin, desk):
    origin = origin and origin.format(port=client.port)
    assert is_refused(client.ask("run", Origin=origin))
    assert is_refused(client.ask("train", {"steps": 5}, Origin=origin))
    assert is_refused(client.request("POST", "/api/upload?name=a.csv", b"a\n1\n", Origin=origin))
    assert desk.present.step == 0
    assert not desk.present.training


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_other_sites_are_refused(client, site):
    assert is_refused(client.ask("run", Sec_Fetch_Site=site))
    assert client.request("GET", "/", Sec_Fetch_Site=site, Origin=None).status != 403  # a link to the page


@pytest.mark.parametrize("cookie", [None, "", "x=y", "backlit-{port}=", "backlit-{port}=wrong", "backlit-1=" + TOKEN])
def test_without_the_token_nothing_is_answered(client, cookie):
    cookie = cookie and cookie.format(port=client.port)
    answer = client.ask("run", Cookie=cookie)
    assert is_refused(answer)
    assert answer.json["kind"] == "forbidden"
    assert is_refused(client.request("POST", "/api/upload?name=a.csv", b"a\n1\n", Cookie=cookie))
    with pytest.raises(InvalidStatus) as refused, client.news(Cookie=cookie):
        pass
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize("origin", [None, FOREIGN, "null"])
def test_news_are_not_for_other_pages(client, origin):
    with pytest.raises(InvalidStatus) as refused, client.news(Origin=origin):
        pass
    assert refused.value.response.status_code == 403


def test_the_token_becomes_a_cookie(client):
    answer = client.request("GET", f"/?token={TOKEN}", Cookie=None, Origin=None)
    assert (answer.status, answer.headers["location"]) == (303, "/")
    assert answer.headers["set-cookie"] == f"backlit-{client.port}={TOKEN}; HttpOnly; SameSite=Strict; Path=/"
    assert is_refused(client.request("GET", "/?token=wrong", Cookie=None, Origin=None))
    assert is_refused(client.request("GET", "/?token=%F0%9F%92%A1", Cookie=None, Origin=None))


def test_headers_are_on_everything(client):
    for answer in (client.ask("run"), client.ask("nothing"), client.request("GET", "/"), client.ask("run", b"{")):
        for name, value in HEADERS.items():
            assert answer.headers[name.lower()] == value
        assert "server" not in answer.headers
    assert "unsafe-eval" not in HEADERS["Content-Security-Policy"]


def test_an_open_page_is_let_in_after_a_restart(desk):
    with serving(desk) as client:
        assert client.ask("run").status == 200
        port = client.port
    with serving(desk, port) as again:
        assert again.port == port
        assert client.ask("run").status == 200


def test_the_token_is_kept_for_a_day(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    token, other = token_for(8711), token_for(8712)
    assert token_for(8711) == token != other
    file = tmp_path / "backlit" / "studio-8711.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    os.utime(file, (time.time() - 90_000,) * 2)
    renewed = token_for(8711)
    assert token_for(8711) == renewed != token
    file.chmod(0o644)  # others have seen it
    assert token_for(8711) != renewed
    file.write_text("short")
    assert len(token_for(8711)) == 43


def test_a_link_in_its_place_is_not_followed(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    aim = tmp_path / "aim"
    aim.write_text("x" * 43)
    aim.chmod(0o600)
    (tmp_path / "backlit").mkdir()
    (tmp_path / "backlit" / "studio-1.key").symlink_to(aim)
    assert token_for(1) != "x" * 43
    assert aim.read_text() == "x" * 43


def test_a_folder_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    assert len(token_for(8711)) == 43
    assert token_for(8711) != token_for(8711)


def test_hosts(monkeypatch):
    monkeypatch.setattr(safety, "_addresses", lambda: {"10.0.0.7", "fe80::1"})
    assert hosts_of("127.0.0.1", 80) == {"127.0.0.1:80", "localhost:80", "[::1]:80"}
    assert hosts_of("0.0.0.0", 80) >= {"10.0.0.7:80", "[fe80::1]:80", "localhost:80"}
    assert "evil.example:80" not in hosts_of("0.0.0.0", 80)
    assert [is_loopback(host) for host in ("127.0.0.1", "localhost", "::1", "127.1.1.1", "0.0.0.0", "10.0.0.7")] == [
        True, True, True, True, False, False,
    ]  # fmt: skip

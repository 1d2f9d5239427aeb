import pytest
from websockets.exceptions import InvalidStatus

from backlit.errors import ArgumentError
from backlit.lesson import MANY
from backlit.studio.safety import HEADERS, origin
from backlit.studio.server import listen

from .conftest import TOKEN, serving

FOREIGN = "http://evil.example"


def is_refused(answer):
    for name, value in HEADERS.items():
        assert answer.headers[name.lower()] == value
    return answer.status == 403


def test_what_is_let_in(client):
    assert client.ask("shelf").status == 200
    port = client.port
    for name in ("127.0.0.1", "localhost", "[::1]"):
        assert client.ask("shelf", Host=f"{name}:{port}", Origin=f"http://{name}:{port}").status == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example:{port}", "", "evil.example:{port}"]
)
def test_a_forged_host_is_refused(client, host):
    assert is_refused(client.ask("shelf", Host=host.format(port=client.port)))
    assert is_refused(client.request("GET", "/", Host=host.format(port=client.port)))


@pytest.mark.parametrize(
    "origin",
    [None, "null", FOREIGN, "https://127.0.0.1:{port}", "http://127.0.0.1", "http://127.0.0.1:{port}.evil.example"],
)
def test_a_forged_origin_is_refused(client, origin, desk):
    origin = origin and origin.format(port=client.port)
    assert is_refused(client.ask("shelf", Origin=origin))
    assert is_refused(client.ask("train", {"run": "first", "timeline": MANY, "stop": 5}, Origin=origin))
    assert is_refused(client.request("POST", "/api/upload?name=a.csv", b"a\n1\n", Origin=origin))
    assert desk.run.timeline().steps() == 0


@pytest.mark.parametrize("cookie", [None, "", "x=y", "backlit-{port}=", "backlit-{port}=wrong", "backlit-1=" + TOKEN])
def test_without_the_token_nothing_is_answered(client, cookie):
    cookie = cookie and cookie.format(port=client.port)
    answer = client.ask("shelf", Cookie=cookie)
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
    assert answer.headers["set-cookie"] == f"backlit-{client.port}={TOKEN}; HttpOnly; Path=/; SameSite=strict"
    assert is_refused(client.request("GET", "/?token=wrong", Cookie=None, Origin=None))
    assert is_refused(client.request("GET", "/?token=%F0%9F%92%A1", Cookie=None, Origin=None))


def test_headers_are_on_everything(client):
    for answer in (client.ask("shelf"), client.ask("nothing"), client.request("GET", "/"), client.ask("shelf", b"{")):
        for name, value in HEADERS.items():
            assert answer.headers[name.lower()] == value
        assert "server" not in answer.headers
    assert "unsafe-eval" not in HEADERS["Content-Security-Policy"]


def test_by_which_names_a_server_is_reached():
    assert [origin(host, 8711) for host in ("Laptop.local", "10.0.0.7", "fe80::1")] == [
        "http://laptop.local:8711", "http://10.0.0.7:8711", "http://[fe80::1]:8711",
    ]  # fmt: skip
    assert origin("localhost", 80) == "http://localhost"  # browsers leave this port out


def test_the_host_that_others_type_is_let_in(desk):
    with serving(desk, host="laptop.local") as client:
        named = f"laptop.local:{client.port}"
        assert client.ask("shelf", Host=named, Origin=f"http://{named}").status == 200
        assert client.ask("shelf").status == 200  # from this machine
        assert is_refused(client.ask("shelf", Host=f"desk.local:{client.port}", Origin=f"http://{named}"))


@pytest.mark.parametrize("host", ["0.0.0.0", "0", ""])
def test_every_address_is_no_host(host):
    with pytest.raises(ArgumentError, match=r"every address of this machine; give the one that others will type"):
        listen(host, 0)

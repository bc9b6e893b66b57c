"""Row 17 of OTLP's checklist, the part about browsers: off by default, exact when on."""

import pytest

from ovl_collector.cors import cors_problems

from .asgi import PROTOBUF, Collector
from .requests import traces

BODY = traces(1).SerializeToString()
PAGE = "https://app.example"
PREFLIGHT = {
    "origin": PAGE,
    "access-control-request-method": "POST",
    "access-control-request-headers": "content-type",
}


@pytest.fixture
def open_to_pages(tmp_path):
    made = Collector(tmp_path, token="secret", cors_origins=(PAGE, "http://localhost:3000"))
    yield made
    made.close()


def test_no_page_is_answered_by_default(tmp_path):
    collector = Collector(tmp_path)
    asked = collector.request(method="OPTIONS", content_type=None, headers=PREFLIGHT)
    sent = collector.request(BODY, headers={"origin": PAGE})
    collector.close()
    assert (asked[0], asked[1]["allow"]) == (405, "POST")
    assert sent[0] == 200
    for _, headers, _ in (asked, sent):
        assert not [name for name in headers if name.startswith("access-control")]


def test_a_page_that_asks_is_told_what_it_may_send_without_a_token(open_to_pages):
    answer = open_to_pages.request(method="OPTIONS", content_type=None, headers=PREFLIGHT)
    assert answer == (
        204,
        {
            "access-control-allow-origin": PAGE,
            "access-control-allow-methods": "POST",
            "access-control-allow-headers": "authorization, content-encoding, content-type",
            "access-control-max-age": "7200",
            "vary": "origin",
        },
        b"",
    )


@pytest.mark.parametrize(("token", "status"), [("secret", 200), ("another", 401)])
def test_a_page_reads_every_answer(open_to_pages, token, status):
    headers = {"origin": PAGE, "authorization": f"Bearer {token}"}
    found, answered, _ = open_to_pages.request(BODY, headers=headers)
    assert found == status
    assert answered["access-control-allow-origin"] == PAGE
    assert answered["access-control-expose-headers"] == "retry-after"
    assert (answered["vary"], answered["content-type"]) == ("origin", PROTOBUF)


@pytest.mark.parametrize(
    "origin",
    [
        "https://app.example.evil.example",
        "http://app.example",
        "https://app.example:8443",
        "https://APP.example",
        "null",
        "",
    ],
)
def test_another_origin_is_told_nothing(open_to_pages, origin):
    headers = PREFLIGHT | {"origin": origin}
    status, answered, _ = open_to_pages.request(
        method="OPTIONS", content_type=None, headers=headers
    )
    assert status == 405
    assert not [name for name in answered if name.startswith("access-control")]


@pytest.mark.parametrize("path", ["/v1/logs", "/control/stop", "/healthz", "/elsewhere"])
def test_a_page_may_ask_for_the_signals_only(open_to_pages, path):
    status, headers, _ = open_to_pages.request(
        method="OPTIONS", path=path, content_type=None, headers=PREFLIGHT
    )
    assert "access-control-allow-methods" not in headers
    assert status != 204
    assert not open_to_pages.stopped


def test_options_without_a_question_is_no_preflight(open_to_pages):
    headers = {"origin": PAGE}
    assert open_to_pages.request(method="OPTIONS", content_type=None, headers=headers)[0] == 405


@pytest.mark.parametrize("origin", ["https://app.example", "http://localhost:3000", "http://[::1]"])
def test_origins_as_browsers_write_them(origin):
    assert cors_problems([origin]) == []


@pytest.mark.parametrize(
    "origin",
    [
        *("*", "null", "", "app.example", "https://app.example/", "https://*.example"),
        *("https://App.example", "ws://app.example", "https://a@app.example", "https://a?b"),
    ],
)
def test_what_is_no_exact_origin_is_refused(origin):
    assert len(cors_problems([origin])) == 1

"""Outbound HTTP against a local server that misbehaves, and against addresses it must not touch."""

import contextlib
import hashlib
import io
import socket
import socketserver
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from genproj.kernel import http
from genproj.kernel.addresses import is_public

QUICK = http.Limits(connect=1, read=0.5, total=1, max_bytes=1_000_000, max_redirects=3)
BODY = bytes(range(256)) * 800


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *args):
        pass

    def setup(self):
        super().setup()
        self.server.connections += 1

    def do_GET(self):
        self.server.seen.append(dict(self.headers))
        name = self.path.strip("/").partition("?")[0].replace("-", "_").partition("/")[0]
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            getattr(self, f"serve_{name}")()

    do_POST = do_GET

    def answer(self, status=200, body=b"", **headers):
        self.send_response(status)
        headers.setdefault("Content_Length", str(len(body)))
        for header, value in headers.items():
            if value is not None:
                self.send_header(header.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def serve_file(self):
        self.answer(body=BODY, Content_Type="image/png")

    def serve_chunked(self):
        self.answer(Content_Length=None, Transfer_Encoding="chunked")
        for part in (BODY[:1000], BODY[1000:]):
            self.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
        self.wfile.write(b"0\r\n\r\n")

    def serve_echo(self):
        self.answer(body=self.rfile.read(int(self.headers["Content-Length"])))

    def serve_gone(self):
        self.answer(410, b"x" * 5000)

    def serve_missing(self):
        self.answer(404, b"nothing")

    def serve_busy(self):
        self.answer(503, b"later", Retry_After="7")

    def serve_stall(self):
        self.answer(Content_Length="1000")
        self.server.released.wait(60)

    def serve_silent(self):
        self.server.released.wait(60)

    def serve_cut(self):
        self.answer(body=b"half", Content_Length="1000")
        self.close_connection = True

    def serve_slammed(self):
        self.close_connection = True

    def serve_drip(self):
        self.answer(Content_Length="1000")
        self.drip()

    def serve_headerdrip(self):
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        self.drip()

    def drip(self):
        for _ in range(100):
            self.wfile.write(b"x")
            if self.server.released.wait(0.05):
                return

    def serve_announced(self):
        self.answer(Content_Length="999999999")

    def serve_huge(self):
        self.answer(Content_Length=None, Connection="close")
        self.close_connection = True
        for _ in range(100):
            self.wfile.write(b"x" * 100_000)

    def serve_zipped(self):
        self.answer(body=b"zip", Content_Encoding="gzip")

    def serve_cookie(self):
        self.answer(Set_Cookie="session=1")

    def serve_chain(self):
        left = int(self.path.rpartition("/")[2])
        self.answer(302, Location=f"/chain/{left - 1}" if left else "/file")

    def serve_to(self):
        self.answer(302, Location=self.path.partition("?")[2])

    def serve_nowhere(self):
        self.answer(302)

    def serve_rubbish(self):
        self.wfile.write(b"SMTP ready\r\n\r\n")
        self.close_connection = True


class Server(ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        """A client that gives up is what these tests are about."""


@pytest.fixture
def server():
    served = Server(("127.0.0.1", 0), Handler)
    served.connections, served.seen, served.released = 0, [], threading.Event()
    served.url = f"http://127.0.0.1:{served.server_port}"
    thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield served
    served.released.set()
    http.close()
    served.shutdown()
    thread.join()
    served.server_close()


def guard(server):
    return http.Guard(hosts=("im.example",), excepted=(http.Origin.of(server.url),))


def get(server, path, limits=QUICK, **more):
    into = io.BytesIO()
    found = http.download(server.url + path, guard=guard(server), limits=limits, into=into, **more)
    return found, into.getvalue()


def refused(server, path, limits=QUICK):
    with pytest.raises(http.HttpFailure) as failure:
        get(server, path, limits)
    return failure.value


# ── what comes ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", ["/file", "/chunked", "/chain/2"])
def test_a_file_comes_whole_measured_and_hashed(server, path):
    found, body = get(server, path)
    assert body == BODY
    assert (found.size, found.sha256) == (len(BODY), hashlib.sha256(BODY).hexdigest())


def test_the_header_and_the_last_address_are_told(server):
    found, _ = get(server, "/chain/0")
    assert found.content_type == "image/png"
    assert found.final_url == f"{server.url}/file"


def test_a_body_is_read_as_it_comes(server):
    drip = f"{server.url}/drip"
    with http.opened("GET", drip, guard=guard(server), limits=QUICK) as incoming:
        assert (incoming.status, next(incoming.chunks)[:1]) == (200, b"x")


def test_another_call_in_between_leaves_the_deadline_as_it_was(server):
    short = http.Limits(connect=0.5, read=0.5, total=0.4)
    long = http.Limits(connect=0.5, read=0.5, total=60)
    started = time.monotonic()

    def read_with_calls_between():
        with http.opened("GET", f"{server.url}/drip", guard=guard(server), limits=short) as drip:
            for _ in drip.chunks:
                http.call("GET", f"{server.url}/file", guard=guard(server), limits=long)

    with pytest.raises(http.HttpFailure, match="timeout"):
        read_with_calls_between()
    assert time.monotonic() - started < 30


def test_downloads_from_one_host_share_a_connection(server):
    for _ in range(5):
        get(server, "/file")
    assert server.connections == 1


def test_a_connection_survives_a_call_and_threads_have_their_own(server):
    get(server, "/file")
    http.call("POST", f"{server.url}/echo", json={"a": 1}, guard=guard(server), limits=QUICK)
    assert server.connections == 1
    thread = threading.Thread(target=get, args=(server, "/file"))
    thread.start()
    thread.join()
    assert server.connections == 2


def test_a_call_gives_every_status_as_an_answer(server):
    answer = http.call("GET", f"{server.url}/busy", guard=guard(server), limits=QUICK)
    assert (answer.status, answer.body, answer.ok) == (503, b"later", False)
    assert http.retry_after(answer.headers) == 7


def test_a_call_sends_json_and_its_headers_only(server, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    answer = http.call(
        "POST",
        f"{server.url}/echo",
        json=[{"taskType": "ping"}],
        headers={"Authorization": "Bearer k"},
        guard=guard(server),
        limits=QUICK,
    )
    assert answer.json() == [{"taskType": "ping"}]
    assert server.seen[0]["Authorization"] == "Bearer k"
    assert server.seen[0]["Accept-Encoding"] == "identity"


def test_a_call_does_not_follow_redirects(server):
    answer = http.call("GET", f"{server.url}/chain/1", guard=guard(server), limits=QUICK)
    assert answer.status == 302


def test_cookies_are_not_kept(server):
    get(server, "/cookie")
    get(server, "/file")
    assert "Cookie" not in server.seen[1]


def test_headers_of_a_download_stay_with_the_first_origin(server):
    other = server.url.replace("127.0.0.1", "localhost")
    guarded = http.Guard(excepted=(http.Origin.of(server.url), http.Origin.of(other)))
    http.download(
        f"{server.url}/to?{other}/file",
        guard=guarded,
        limits=QUICK,
        into=io.BytesIO(),
        headers={"X-Goog-Api-Key": "k"},
    )
    assert [("X-Goog-Api-Key" in seen) for seen in server.seen] == [True, False]


# ── what does not come ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("path", "kind", "status", "permanent"),
    [
        ("/gone", "status", 410, True),
        ("/missing", "status", 404, True),
        ("/busy", "status", 503, False),
        ("/cut", "cut", 0, False),
        ("/slammed", "cut", 0, False),
        ("/rubbish", "cut", 0, False),
        ("/zipped", "cut", 0, False),
        ("/stall", "timeout", 0, False),
        ("/silent", "timeout", 0, False),
        ("/drip", "timeout", 0, False),
        ("/headerdrip", "timeout", 0, False),
        ("/announced", "too_large", 0, True),
        ("/huge", "too_large", 0, True),
        ("/chain/3", "refused", 0, True),
        ("/nowhere", "refused", 302, False),
    ],
)
def test_each_failure_has_its_kind_and_ends_in_time(server, path, kind, status, permanent):
    started = time.monotonic()
    failure = refused(server, path)
    assert (failure.kind, failure.status, failure.permanent) == (kind, status, permanent)
    assert time.monotonic() - started < 30
    assert get(server, "/file")[1] == BODY


def test_the_body_of_a_failure_is_capped(server):
    failure = refused(server, "/gone")
    assert failure.body == "x" * 2000
    assert failure.url == f"{server.url}/gone"


def test_a_wait_that_was_asked_for_is_told(server):
    assert refused(server, "/busy").retry_after == 7


def test_memory_stays_bounded_while_too_much_comes(server):
    into = io.BytesIO()
    with pytest.raises(http.HttpFailure):
        http.download(f"{server.url}/huge", guard=guard(server), limits=QUICK, into=into)
    assert len(into.getvalue()) <= QUICK.max_bytes


def test_a_body_of_a_call_is_capped(server):
    with pytest.raises(http.HttpFailure) as failure:
        http.call("GET", f"{server.url}/huge", guard=guard(server), limits=QUICK)
    assert failure.value.kind == "too_large"


def test_a_full_disk_is_not_taken_for_a_bad_network(server):
    class Full(io.BytesIO):
        def write(self, chunk):
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        http.download(f"{server.url}/file", guard=guard(server), limits=QUICK, into=Full())


def test_nobody_listening_is_unreachable_and_never_sent():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/"
        excepted = http.Guard(excepted=(http.Origin.of(url),))
        with pytest.raises(http.HttpFailure) as failure:
            http.call("GET", url, guard=excepted, limits=QUICK)
    assert (failure.value.kind, failure.value.permanent) == ("unreachable", False)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("5", 5), ("999999", 3600), ("", None), ("soon", None), ("²", None), ("-3", None)],
)
def test_only_a_readable_wait_is_taken(value, seconds):
    assert http.retry_after({"Retry-After": value}) == seconds


def test_a_wait_given_as_a_date_is_counted_from_now():
    assert http.retry_after({"Retry-After": "Wed, 01 Jan 2020 00:00:00 GMT"}) == 0


# ── what is never asked ───────────────────────────────────────────────────────────────────────

NOT_ASKED = [
    "http://im.example/x",
    "https://user:pass@im.example/x",
    "https://im.example@127.0.0.1/x",
    "https://im.example:8443/x",
    "https://127.0.0.1/x",
    "https://2130706433/x",
    "https://017700000001/x",
    "https://0177.0.0.1/x",
    "https://0x7f.0.0.1/x",
    "https://0x7f000001/x",
    "https://127.1/x",
    "https://127.0.1/x",
    "https://127.0.0.1./x",
    "https://10.0.0.1/x",
    "https://172.16.0.1/x",
    "https://192.168.1.1/x",
    "https://169.254.169.254/latest/meta-data/",
    "https://100.64.0.1/x",
    "https://0.0.0.0/x",
    "https://224.0.0.1/x",
    "https://240.0.0.1/x",
    "https://255.255.255.255/x",
    "https://[::1]/x",
    "https://[::]/x",
    "https://[::ffff:127.0.0.1]/x",
    "https://[::ffff:7f00:1]/x",
    "https://[::ffff:8.8.8.8]/x",
    "https://[::7f00:1]/x",
    "https://[64:ff9b::7f00:1]/x",
    "https://[64:ff9b:1::1]/x",
    "https://[2002:7f00:1::]/x",
    "https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/x",
    "https://[fe80::1%25eth0]/x",
    "https://[fe80::1]/x",
    "https://[fc00::1]/x",
    "https://[fec0::1]/x",
    "https://[ff02::1]/x",
    "https://[2001:db8::1]/x",
    "ftp://im.example/x",
    "file:///etc/passwd",
    "gopher://im.example/x",
    "//im.example/x",
    "im.example/x",
    "https:///x",
    "https://im.example\\@evil.example/x",
    "https://im.example /x",
    "https://im.example\n/x",
    "https://ｉm.example/x",
    "https://im%2eexample/x",
    "https://im..example/x",
    "https://evil.example/x",
    "https://im.example.evil.example/x",
    "https://notim.example/x",
    "https://im.example:99999/x",
    "https://im.example:0/x",
    "https://[im.example/x",
    "",
]
STRICT = http.Guard(hosts=("im.example",))


@pytest.fixture
def no_lookups(monkeypatch):
    asked = []
    monkeypatch.setattr(http, "resolve", lambda host, port: asked.append(host) or ["127.0.0.1"])
    return asked


@pytest.mark.parametrize("url", NOT_ASKED)
def test_these_addresses_are_refused_before_any_lookup(no_lookups, url):
    for hosts in (STRICT, http.Guard()) if "://1" in url or "[" in url else (STRICT,):
        with pytest.raises(http.HttpFailure) as failure:
            http.download(url, guard=hosts, limits=QUICK, into=io.BytesIO())
        assert (failure.value.kind, failure.value.permanent) == ("refused", True)
    assert no_lookups == []


# The others would be changed on their way through the test's own server.
IN_A_HEADER = [
    url for url in NOT_ASKED if url.startswith("https:") and url.isprintable() and "%2e" not in url
]


@pytest.mark.parametrize("url", [one for one in IN_A_HEADER if one.isascii()])
def test_a_redirect_to_these_addresses_is_refused(server, no_lookups, url):
    assert refused(server, f"/to?{url}").kind in ("refused", "cut")
    assert no_lookups == []


def test_a_redirect_from_https_is_not_followed_to_plain_http():
    with pytest.raises(http.HttpFailure, match="plain http"):
        http.download("http://im.example/x", guard=http.Guard(), limits=QUICK, into=io.BytesIO())


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["10.1.2.3"], ["93.184.216.34", "10.1.2.3"], ["::1"], ["fe80::1%eth0"]],
)
def test_a_name_with_a_private_address_is_refused_altogether(monkeypatch, addresses):
    monkeypatch.setattr(http, "resolve", lambda host, port: addresses)
    with pytest.raises(http.HttpFailure) as failure:
        http.download("https://im.example/x", guard=STRICT, limits=QUICK, into=io.BytesIO())
    assert (failure.value.kind, failure.value.permanent) == ("refused", True)


def test_a_name_without_an_address_may_have_one_later(monkeypatch):
    def nothing(host, port):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(http, "resolve", nothing)
    with pytest.raises(http.HttpFailure) as failure:
        http.download("https://im.example/x", guard=STRICT, limits=QUICK, into=io.BytesIO())
    assert (failure.value.kind, failure.value.permanent) == ("unreachable", False)


def test_a_name_that_changes_its_mind_is_connected_where_it_was_judged(monkeypatch):
    """The second look-up would lead home; there is none. The tests' own guard sees the target."""
    answers = [["93.184.216.34"], ["127.0.0.1"]]
    monkeypatch.setattr(http, "resolve", lambda host, port: answers.pop(0))
    with pytest.raises(RuntimeError, match=r"'93\.184\.216\.34', 443"):
        http.download("https://im.example/x", guard=STRICT, limits=QUICK, into=io.BytesIO())
    assert answers == [["127.0.0.1"]]


def test_one_lookup_serves_a_connection_for_its_life(server, monkeypatch):
    url = server.url.replace("127.0.0.1", "pictures.example")
    answers = [["127.0.0.1"]]
    monkeypatch.setattr(http, "resolve", lambda host, port: answers.pop())
    named = http.Guard(excepted=(http.Origin.of(url),))
    for _ in range(3):
        http.download(f"{url}/file", guard=named, limits=QUICK, into=io.BytesIO())
    assert server.seen[0]["Host"] == url.removeprefix("http://")


def test_an_exception_for_one_guard_is_none_for_another(server):
    get(server, "/file")
    with pytest.raises(http.HttpFailure) as failure:
        http.download(f"{server.url}/file", guard=http.Guard(), limits=QUICK, into=io.BytesIO())
    assert failure.value.kind == "refused"


@pytest.mark.parametrize(
    ("host", "allowed", "passes"),
    [
        ("im.example", ("im.example",), True),
        ("IM.Example", ("im.example",), True),
        ("im.example.", ("im.example",), True),
        ("a.im.example", ("im.example",), False),
        ("a.im.example", (".im.example",), True),
        ("im.example", (".im.example",), False),
        ("anything.example", (), True),
    ],
)
def test_hosts_are_names_or_suffixes(no_lookups, host, allowed, passes):
    with pytest.raises(http.HttpFailure):
        http.download(
            f"https://{host}/", guard=http.Guard(hosts=allowed), limits=QUICK, into=io.BytesIO()
        )
    assert bool(no_lookups) is passes


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "64:ff9b::808:808"])
def test_public_addresses_are_public(address):
    assert is_public(address)


def test_a_certificate_is_checked_against_the_name(tmp_path, monkeypatch):
    """The server's name is sent and its certificate, which nobody vouches for, is refused."""
    import ssl

    make = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=x -keyout k.pem -out c.pem"
    made = subprocess.run(
        ["openssl", *make.split()], cwd=tmp_path, capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("openssl makes no certificate here")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "c.pem", tmp_path / "k.pem")
    names = []
    context.sni_callback = lambda sock, name, ctx: names.append(name)

    class Greeter(socketserver.BaseRequestHandler):
        def handle(self):
            with contextlib.suppress(OSError):
                context.wrap_socket(self.request, server_side=True).close()

    with socketserver.TCPServer(("127.0.0.1", 0), Greeter) as greeter:
        thread = threading.Thread(target=greeter.handle_request)
        thread.start()
        url = f"https://pictures.example:{greeter.server_address[1]}/"
        monkeypatch.setattr(http, "resolve", lambda host, port: ["127.0.0.1"])
        named = http.Guard(excepted=(http.Origin.of(url),))
        with pytest.raises(http.HttpFailure) as failure:
            http.call("GET", url, guard=named, limits=QUICK)
        thread.join()
    assert failure.value.kind == "unreachable"
    assert names == ["pictures.example"]

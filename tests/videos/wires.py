"""A wire between a worker and a server that a test can cut at a chosen word."""

import contextlib
import socket
import threading


class Wire:
    """Passes connections on; what holds the word of a cut is swallowed, and `cut` is set."""

    def __init__(self, port: int) -> None:
        self.target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.cut = threading.Event()
        self._request = self._reply = b""
        threading.Thread(target=self._listen, daemon=True).start()

    def cut_request(self, word: bytes) -> None:
        """The next request with this word never arrives, nor does anything after it."""
        self.cut.clear()
        self._request, self._reply = word, b""

    def cut_reply(self, word: bytes) -> None:
        """The next request with this word arrives, but its answer never comes back."""
        self.cut.clear()
        self._request, self._reply = b"", word

    def mend(self) -> None:
        """New requests pass."""
        self._request = self._reply = b""

    def close(self) -> None:
        self._listener.close()

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self.target))
                deaf = threading.Event()
                for pump in (self._forth, self._back):
                    threading.Thread(target=pump, args=(client, server, deaf), daemon=True).start()

    def _forth(self, client: socket.socket, server: socket.socket, deaf: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                if self._request and self._request in data:
                    self._request = b""
                    self.cut.set()
                    while client.recv(65536):
                        pass  # until its end gives up
                    break
                if self._reply and self._reply in data:
                    self._reply = b""
                    deaf.set()
                server.sendall(data)
        _shut(server)
        client.close()

    def _back(self, client: socket.socket, server: socket.socket, deaf: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                if deaf.is_set():
                    self.cut.set()
                    continue
                client.sendall(data)
        if not deaf.is_set():
            _shut(client)
        server.close()


def _shut(one: socket.socket) -> None:
    """Have who reads at this end, or the other, come to the end; each closes what it reads."""
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)

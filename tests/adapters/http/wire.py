"""Servers that behave badly on purpose, over real sockets, and a sender for each kind of host."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Act = Callable[[socket.socket, threading.Event], None]
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


class Peer:
    """A server on a raw socket that does one thing on every connection."""

    def __init__(self, act: Act, held: socket.socket | None = None) -> None:
        self._act = act
        self._over = threading.Event()
        self._listening = held or socket.create_server(("127.0.0.1", 0))
        self._listening.listen()
        self.port: int = self._listening.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.connections = 0
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            connection, _ = self._listening.accept()
            if self._over.is_set():
                connection.close()
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):  # the client goes away, which is what it should do
            self._act(connection, self._over)

    def close(self) -> None:
        self._over.set()
        with socket.create_connection(("127.0.0.1", self.port)):
            pass
        for thread in self._threads:
            thread.join()
        self._listening.close()


@contextmanager
def peer(act: Act, *, held: socket.socket | None = None) -> Iterator[Peer]:
    made = Peer(act, held)
    try:
        yield made
    finally:
        made.close()


def answering(answer: bytes) -> Act:
    """Read the request, send these bytes, close."""

    def act(connection: socket.socket, over: threading.Event) -> None:
        heard(connection)
        connection.sendall(answer)

    return act


def staying(connection: socket.socket, over: threading.Event) -> None:
    """Answer one request after the other on the same connection."""
    while heard(connection):
        connection.sendall(OK)


def dripping(head: bytes, byte: bytes = b"x") -> Act:
    """Read the request, send the head, then a byte every 50 ms."""

    def act(connection: socket.socket, over: threading.Event) -> None:
        heard(connection)
        connection.sendall(head)
        while not over.wait(0.05):
            connection.sendall(byte)

    return act


def heard(connection: socket.socket) -> bytes:
    """One request, its body included."""
    got = b""
    while b"\r\n\r\n" not in got:
        if not (piece := connection.recv(65_536)):
            return got
        got += piece
    head, _, body = got.partition(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            while len(body) < int(line.partition(b":")[2]) and (piece := connection.recv(65_536)):
                body += piece
    return head + b"\r\n\r\n" + body


@contextmanager
def held_port() -> Iterator[tuple[socket.socket, int]]:
    """A port that nobody else can take meanwhile; it refuses connections until its socket listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held, held.getsockname()[1]


def free_port() -> int:
    """A port of this machine on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def certificate(folder: Path) -> tuple[str, str]:
    """A self-signed certificate for `localhost`, and its key, as PEM files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
            ),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = folder / "certificate.pem", folder / "key.pem"
    certificate_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return str(certificate_file), str(key_file)


def trusting(certificate_file: str) -> ssl.SSLContext:
    """Trust nobody but this certificate."""
    return ssl.create_default_context(cafile=certificate_file)

"""What the server sends does not wait for the browser's confirmation."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from app.shell.server.at_once import switch_on


def sends_at_once(connection: socket.socket) -> bool:
    """Whether Nagle's algorithm is off."""
    return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


def arrive(port: socket.socket) -> tuple[socket.socket, socket.socket]:
    """A new connection to a port: the browser's side, and the server's."""
    browser = socket.create_connection(port.getsockname()[:2])
    return browser, port.accept()[0]


@pytest.mark.parametrize(("family", "address"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_connections_before_and_after_send_at_once(family: socket.AddressFamily, address: str) -> None:
    with socket.socket(family) as port:  # opened as Streamlit does, without naming TCP
        port.bind((address, 0))
        port.listen()
        browser, early = arrive(port)
        with browser, early:
            assert not sends_at_once(early)  # else the switch is not needed any more
            switch_on()
            assert sends_at_once(early)
            early.sendall(b"still open")
            assert browser.recv(10) == b"still open"
        browser, late = arrive(port)
        with browser, late:
            assert sends_at_once(late)


def test_files_pipes_and_other_sockets_are_left_alone(tmp_path: Path) -> None:
    ends = os.pipe()
    left, right = socket.socketpair()
    with (tmp_path / "open").open("w+b") as file, left, right, socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        datagrams.bind(("127.0.0.1", 0))
        switch_on()
        file.write(b"a")
        left.sendall(b"b")
        os.write(ends[1], b"c")
        assert (right.recv(1), os.read(ends[0], 1), datagrams.fileno() >= 0) == (b"b", b"c", True)
    for end in ends:
        os.close(end)

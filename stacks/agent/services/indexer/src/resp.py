"""One Redis command over a connection of its own, in RESP2."""

import socket
from urllib.parse import unquote, urlsplit


class Refused(Exception):
    """Redis answered with an error; the text is its code."""


def command(url, *words):
    """The answer as str, int, None or a list of them."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port or 6379), timeout=2) as connection:
        stream = connection.makefile("rwb")
        if parts.password:
            user = [unquote(parts.username)] if parts.username else []
            _exchange(stream, ["AUTH", *user, unquote(parts.password)])
        return _exchange(stream, words)


def _exchange(stream, words):
    encoded = [str(word).encode() for word in words]
    stream.write(b"*%d\r\n" % len(encoded))
    for word in encoded:
        stream.write(b"$%d\r\n%s\r\n" % (len(word), word))
    stream.flush()
    return _answer(stream)


def _answer(stream):
    line = stream.readline()
    if not line.endswith(b"\r\n"):
        raise ConnectionError("the connection ended within an answer")
    kind, rest = line[:1], line[1:-2].decode()
    if kind == b"+":
        return rest
    if kind == b":":
        return int(rest)
    if kind == b"$":
        return None if rest == "-1" else stream.read(int(rest) + 2)[:-2].decode()
    if kind == b"*":
        return [_answer(stream) for _ in range(int(rest))]
    raise Refused(rest.split(" ")[0])

"""Polls the health endpoints of the trading system and Redis, and exposes the results to Prometheus on :9105/metrics.

TARGETS        name=url pairs, separated by commas
REDIS_URL      redis://:password@host:port/db
POLL_INTERVAL  seconds, as in 5s
"""

import os
import socket
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TIMEOUT_SECS = 2
PORT = 9105


class Refused(Exception):
    """Redis answered, but does not accept the password."""


def probe_http(url):
    with urllib.request.urlopen(url, timeout=TIMEOUT_SECS) as response:
        return response.status == 200


def probe_redis(url):
    password = urllib.parse.unquote(url.password or "")
    with socket.create_connection((url.hostname, url.port or 6379), TIMEOUT_SECS) as connection:
        stream = connection.makefile("rwb")
        for command in (["AUTH", password], ["PING"]):
            stream.write(encode(command))
            stream.flush()
            reply = stream.readline()
            if reply.startswith((b"-WRONGPASS", b"-NOAUTH", b"-ERR AUTH")):
                raise Refused
        return reply == b"+PONG\r\n"


def encode(words):
    """A Redis command in the protocol's array form."""
    parts = [b"*%d\r\n" % len(words)]
    for word in map(str.encode, words):
        parts.append(b"$%d\r\n%s\r\n" % (len(word), word))
    return b"".join(parts)


class Poller:
    def __init__(self, targets, redis_url, interval_secs):
        self.targets = targets
        self.redis_url = redis_url
        self.interval_secs = interval_secs
        self.results = {}
        self.refused = False
        self.polled_at = None

    def poll(self):
        for name, url in self.targets.items():
            try:
                self.results[name] = probe_http(url)
            except (OSError, urllib.error.URLError):
                self.results[name] = False
        if self.redis_url:
            self.poll_redis()
        self.polled_at = time.monotonic()

    def poll_redis(self):
        try:
            self.results["redis"] = probe_redis(self.redis_url)
            self.refused = False
        except Refused:
            self.results["redis"], self.refused = False, True
        except OSError:
            self.results["redis"] = False

    def healthy(self):
        """A target that is down is a measurement; a refused password or a stalled poll is this service's own failure."""
        fresh = self.polled_at is not None and time.monotonic() - self.polled_at < 60 + 3 * self.interval_secs
        return fresh and not self.refused

    def run(self):
        while True:
            self.poll()
            time.sleep(self.interval_secs)


def handler(poller):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path == "/metrics":
                lines = ["# TYPE trading_target_up gauge"]
                lines += [f'trading_target_up{{target="{n}"}} {int(up)}' for n, up in sorted(poller.results.items())]
                self.reply(200, "\n".join(lines) + "\n")
            elif self.path == "/health":
                healthy = poller.healthy()
                self.reply(200 if healthy else 503, "ok\n" if healthy else "failing\n")
            else:
                self.reply(404, "not found\n")

        def reply(self, status, text):
            self.send_response(status)
            self.send_header("Content-Type", "text/plain; charset=utf-8")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_):
            pass

    return Handler


def main():
    targets = dict(pair.split("=", 1) for pair in os.environ.get("TARGETS", "").split(",") if pair)
    redis_url = os.environ.get("REDIS_URL")
    interval_secs = float(os.environ.get("POLL_INTERVAL", "5s").rstrip("s"))
    poller = Poller(targets, urllib.parse.urlsplit(redis_url) if redis_url else None, interval_secs)
    threading.Thread(target=poller.run, daemon=True).start()
    print(f"health-exporter: {len(targets)} targets, listening on {PORT}")
    ThreadingHTTPServer(("", PORT), handler(poller)).serve_forever()


if __name__ == "__main__":
    main()

"""Keeps which documents hold which words, as sets in Redis, and finds them again."""

import json
import os
import re
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from resp import Refused, command

PORT = int(os.environ["PORT"])
REDIS_URL = os.environ["REDIS_URL"]
# Without a key there are no embeddings and search goes by words.
OPENAI_API_KEY = os.environ.get("OPENAI_API_KEY")
MAX_BODY = int(os.environ.get("MAX_DOCUMENT_BYTES", "65536"))

UNREACHABLE = (OSError, Refused)


def words_of(text):
    return sorted(set(re.findall(r"\w{2,}", text.lower())))


def store(document):
    words = words_of(document["text"])
    for word in words:
        command(REDIS_URL, "SADD", f"word:{word}", document["id"])
    return len(words)


def search(question):
    words = words_of(question)
    return sorted(command(REDIS_URL, "SINTER", *(f"word:{word}" for word in words))) if words else []


def valid(document):
    return isinstance(document, dict) and all(isinstance(document.get(key), str) for key in ("id", "text"))


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        url = urlsplit(self.path)
        if url.path == "/healthz":
            self.answer(lambda: {"status": command(REDIS_URL, "PING"), "embeddings": bool(OPENAI_API_KEY)})
        elif url.path == "/search":
            question = parse_qs(url.query).get("q", [""])[0]
            self.answer(lambda: {"documents": search(question)})
        else:
            self.send(404, {"error": "not found"})

    def do_POST(self):
        length = int(self.headers.get("content-length") or 0)
        if self.path != "/documents" or not 0 < length <= MAX_BODY:
            return self.send(400, {"error": "a document goes to /documents and has a size"})
        try:
            document = json.loads(self.rfile.read(length))
        except ValueError:
            document = None
        if not valid(document):
            return self.send(400, {"error": "a document has an id and a text"})
        return self.answer(lambda: {"words": store(document)})

    def answer(self, work):
        try:
            self.send(200, work())
        except UNREACHABLE as error:
            self.send(503, {"error": "the store does not answer", "reason": type(error).__name__})

    def send(self, status, body):
        encoded = json.dumps(body).encode() + b"\n"
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(encoded)))
        self.end_headers()
        self.wfile.write(encoded)

    def log_message(self, *_):
        pass


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print(f"indexer: listening on {PORT}")
ThreadingHTTPServer(("", PORT), Handler).serve_forever()

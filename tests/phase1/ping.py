"""Asks the cache as its URL says; exits with 0 when it answers."""
import os, socket
from urllib.parse import urlsplit

url = urlsplit(os.environ["CACHE_URL"])
with socket.create_connection((url.hostname, url.port), 3) as cache:
    cache.sendall(f"AUTH {url.password}\r\nPING\r\n".encode())
    answer = cache.recv(100)
    while answer.count(b"\r\n") < 2:
        answer += cache.recv(100)
assert answer == b"+OK\r\n+PONG\r\n", answer

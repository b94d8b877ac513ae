"""A faulty search engine for unit tests, and engines for integration tests."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources

import pytest
from elasticsearch import Elasticsearch

from pipeline.settings import CoreSettings
from tests.indexer.city import City
from tests.indexer.doubles import FaultySearch, eventually, make_settings


@pytest.fixture
def search() -> Iterator[FaultySearch]:
    engine = FaultySearch()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_PUT(self) -> None:
            self.do_POST()

        def do_POST(self) -> None:
            status, body = engine.answer(self.rfile.read(int(self.headers["content-length"])))
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            try:
                self.send_response(status)
                self.send_header("X-Elastic-Product", "Elasticsearch")
                self.send_header("Content-Type", "application/vnd.elasticsearch+json;compatible-with=9")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    engine.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield engine
    server.shutdown()
    thread.join()
    server.server_close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CoreSettings]:
    """Broker and search: those of TANGGAP_TEST_KAFKA and TANGGAP_TEST_ELASTICSEARCH, else the embedded stand-in."""
    if os.environ.get("TANGGAP_TEST_KAFKA") and os.environ.get("TANGGAP_TEST_ELASTICSEARCH"):
        yield make_settings(
            kafka=os.environ["TANGGAP_TEST_KAFKA"], elasticsearch=os.environ["TANGGAP_TEST_ELASTICSEARCH"]
        )
        return
    folder = tmp_path_factory.mktemp("engines")
    kafka, elasticsearch = free_port(), free_port()
    command = [
        str(resources.files("noida_db") / "noida-db"), "start", "--data-dir", str(folder),
        "--only", "kafka,elasticsearch", "--kafka-port", str(kafka), "--elasticsearch-port", str(elasticsearch),
    ]  # fmt: skip
    with (folder / "log").open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    url = f"http://127.0.0.1:{elasticsearch}"
    eventually(lambda: _answers(url))
    yield make_settings(kafka=f"127.0.0.1:{kafka}", elasticsearch=url)
    # It writes to disk about once a second and corrupts nothing only when it is quiet before it ends.
    time.sleep(2)
    process.send_signal(signal.SIGTERM)
    process.wait(10)


@pytest.fixture
def city(engines: CoreSettings) -> Iterator[City]:
    search = Elasticsearch(engines.elasticsearch)
    made = City(engines, search)
    made.create_topics()
    yield made
    made.remove()
    search.close()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False

"""The Kafka broker process: the mock cluster inside librdkafka, which speaks the protocol on a real port.

`python -m compose.embedded.kafka_broker READY_FILE` writes `host:port` to READY_FILE once it serves; SIGTERM ends it.
It keeps nothing on disk and about 5 MB per partition; the port cannot be chosen.
"""

import os
import signal
import sys
import threading
from pathlib import Path

from confluent_kafka import Producer


def main(ready: Path) -> None:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    options = {"bootstrap.servers": "none", "test.mock.num.brokers": 1, "log_level": 3, "error_cb": lambda error: None}
    owner = Producer(options)
    brokers = owner.list_topics(timeout=10).brokers.values()
    fresh = ready.with_name(f"{ready.name}.{os.getpid()}")
    fresh.write_text(",".join(f"{broker.host}:{broker.port}" for broker in brokers), encoding="ascii")
    fresh.replace(ready)
    while not stop.wait(1):
        owner.poll(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

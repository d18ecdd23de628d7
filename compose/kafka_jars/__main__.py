"""`python -m compose.kafka_jars fetch FOLDER [--from FOLDER|URL]`, `… check FOLDER`, `… lock`."""

import argparse
import sys
from pathlib import Path

from compose.kafka_jars import lock, sources
from compose.kafka_jars.fetch import fetch, relock


def main(arguments: list[str]) -> int:
    """0: done; 1: could not, with the reason on stderr."""
    parser = argparse.ArgumentParser(prog="python -m compose.kafka_jars", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    bring = verbs.add_parser("fetch", help="bring the locked jars into FOLDER, each checked")
    bring.add_argument("folder", type=Path)
    bring.add_argument("--from", dest="place", help="a folder or a repository's URL instead of mvn")
    check = verbs.add_parser("check", help="does FOLDER hold the locked jars?")
    check.add_argument("folder", type=Path)
    verbs.add_parser("lock", help="resolve pom.xml anew and write kafka.lock")
    given = parser.parse_args(arguments)
    try:
        return _do(given)
    except (sources.SourceFailed, lock.LockInvalid, OSError) as error:
        print(f"kafka_jars: {error}", file=sys.stderr)
        return 1


def _do(given: argparse.Namespace) -> int:
    if given.verb == "lock":
        jars = relock(lambda folder: list(sources.resolve(folder)))
        print(f"locked {len(jars)} jars, Apache Kafka {lock.version(jars)}")
        return 0
    jars = lock.read()
    if given.verb == "check":
        wrong = lock.complaints(jars, given.folder)
        print("\n".join(wrong) or f"{given.folder}: Apache Kafka {lock.version(jars)}, {len(jars)} jars, whole")
        return 1 if wrong else 0
    fresh = fetch(given.folder, jars, sources.choose(given.place), lambda line: print(line, flush=True))
    said = "fetched and checked" if fresh else "already there and whole"
    print(f"{given.folder}: Apache Kafka {lock.version(jars)}, {len(jars)} jars, {said}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

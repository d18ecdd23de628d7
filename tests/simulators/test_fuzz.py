"""Each simulator and the control plane by their own OpenAPI documents: every example holds, nothing odd breaks them.

No 5xx whatever a generator thinks of, with a valid key and with ids that exist; at least one 2xx per operation.
"""

import contextlib
import zlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core import NOT_SET

from simulators.kit.examples import Examples
from simulators.kit.serving import discover
from tests.simulators.fuzzing import Playground, odd_request

NAMES = (*discover(), "control")
GOOD, BAD = 5, 2
"""Generated requests per operation: as the schema says, and not."""
PARTS = 6
"""The operations of a simulator are dealt to so many tests, which can run side by side."""


def _bounds(examples: int) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture(scope="module")
def playground() -> Iterator[Playground]:
    running = Playground()
    yield running
    running.close()


@pytest.fixture(scope="module")
def documents(playground: Playground) -> dict[str, Any]:
    return {name: playground.document(name) for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_every_example_succeeds(playground: Playground, documents: dict[str, Any], name: str) -> None:
    """≥ 1 2xx per operation; one that refuses everything says why, and does refuse."""
    failures: list[str] = []
    operations = list(Examples(documents[name], playground.account("dummypay"), "").operations())
    assert operations
    for method, path, operation in operations:
        examples = playground.examples(name)
        if name == "control":
            examples.names.setdefault("fault", "none")
        status, answer = examples.perform(method, path)
        refuses = operation.get("x-payera-refuses")
        if (200 <= status < 300) == (refuses is not None) or status >= 500:
            failures.append(f"{method} {path} → {status} {answer[:300]!r} {refuses or ''}")
    assert not failures, "\n".join(failures)


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("name", NAMES)
def test_nothing_odd_breaks_it(playground: Playground, documents: dict[str, Any], name: str, part: int) -> None:
    """Generated requests, good and bad, with ids that exist: never a 5xx."""
    failures: dict[str, str] = {}
    schema = schemathesis.openapi.from_dict(documents[name])
    for found in list(schema.get_all_operations())[part::PARTS]:
        operation = found.ok()
        examples = playground.examples(name)
        raw = examples.operation(operation.method.upper(), operation.path)
        examples.prepare(raw)
        known = {one["name"]: examples.names[one["name"]] for one in raw.get("parameters", ()) if one["in"] == "path"}
        for mode, count in ((GenerationMode.POSITIVE, GOOD), (GenerationMode.NEGATIVE, BAD)):
            fixed = known if mode == GenerationMode.POSITIVE or not raw.get("parameters") else None
            _try(operation, raw, mode, count, fixed, examples, failures)
    assert not failures, "\n".join(f"{where}: {what}" for where, what in failures.items())


def _try(
    operation: Any,
    raw: dict[str, Any],
    mode: GenerationMode,
    count: int,
    fixed: Any,
    examples: Examples,
    failures: dict[str, str],
) -> None:
    """`count` generated requests to one operation; a 5xx is noted with the request that caused it."""
    strategy = operation.as_strategy(generation_mode=mode, path_parameters=fixed)

    @seed(zlib.crc32(f"{operation.label} {mode}".encode()))
    @_bounds(count)
    @given(strategy)
    def attempt(case: Any) -> None:
        path = operation.path
        for parameter, value in (case.path_parameters or {}).items():
            path = path.replace(f"{{{parameter}}}", quote(str(value), safe=""))
        body = None if case.body is NOT_SET else case.body
        media_type = case.media_type if case.body is not NOT_SET else None
        status = odd_request(examples, raw, path, case.query, body, media_type, case.method)
        if status >= 500:
            failures.setdefault(operation.label, f"{status} for {path} {case.query} {str(case.body)[:300]}")

    with contextlib.suppress(Unsatisfiable):  # nothing about the operation can be wrong
        attempt()

"""What clients were told, against what happened (INV-11)."""

import json
from collections import defaultdict
from collections.abc import Iterator

from scenarios.runner.evidence import Evidence, Violation
from scenarios.runner.wire import Call

IN_FLIGHT = 202
"""The status of an answer that is not final: the payment is still processing. It may differ from the next one."""


def same_key_same_answer(evidence: Evidence) -> Iterator[Violation]:
    """INV-11: one key and one body give one effect and, once final, the same status and bytes; another body is refused.

    A broken connection proves nothing and is left out. 409 with Retry-After means that the first request is still at
    work; it is no answer either. 5xx promises nothing.
    """
    by_key: dict[tuple[str, str], list[Call]] = defaultdict(list)
    for call in evidence.calls:
        if call.key is not None and call.status is not None:
            by_key[(call.path, call.key)].append(call)
    for (path, key), calls in by_key.items():
        accepted = [call for call in calls if call.status is not None and call.status < 300]
        if not accepted:
            continue
        first = min(accepted, key=lambda call: call.started)
        bodies = {_canonical(call.body) for call in accepted}
        if len(bodies) > 1:
            yield Violation("INV-11", f"POST {path}: the key {key} was accepted with {len(bodies)} different bodies")
        objects = {str(call.json.get("id")) for call in accepted}
        if len(objects) > 1:
            yield Violation("INV-11", f"POST {path}: one key, {len(objects)} effects: {', '.join(sorted(objects))}")
        finals = [
            call for call in accepted if call.status != IN_FLIGHT and _canonical(call.body) == _canonical(first.body)
        ]
        if len({(call.status, call.answer) for call in finals}) > 1:
            words = " / ".join(f"{call.status} {call.answer.decode('utf-8', 'replace')}" for call in finals[:2])
            yield Violation("INV-11", f"POST {path}: one key, different final answers: {words}")
        for call in calls:
            other_body = _canonical(call.body) != _canonical(first.body)
            if other_body and call.status is not None and not 400 <= call.status < 500:
                yield Violation("INV-11", f"POST {path}: another body under the key {key} was answered {call.status}")


def _canonical(body: bytes) -> str:
    return json.dumps(json.loads(body or b"null"), sort_keys=True)

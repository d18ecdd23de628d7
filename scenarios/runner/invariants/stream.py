"""The events: Kafka against the outbox, and what reached the merchant (INV-09, INV-14)."""

from collections import Counter, defaultdict
from collections.abc import Iterator

from scenarios.runner.evidence import Endpoint, Evidence, Row, Violation
from scenarios.runner.topic import Message


def complete_stream(evidence: Evidence) -> Iterator[Violation]:
    """INV-09: per payment the topic has 1..n without a gap, in one partition, in order, and it is what the outbox has.

    A message may come twice (a relay died between produce and mark); it then has the same id and content. A stream
    that is not seen from its beginning cannot be judged, and that counts as a violation.
    """
    if evidence.topic_fault:
        yield Violation("INV-09", f"cannot tell: the topic could not be followed: {evidence.topic_fault}")
    by_payment: dict[str, list[Message]] = defaultdict(list)
    for message in evidence.messages:
        subject = str(message.event.get("subject", ""))
        by_payment[subject].append(message)
        if message.key != subject:
            yield Violation("INV-09", f"the message {message.event.get('id')} has the key {message.key!r}", subject)
    for payment in sorted(by_payment.keys() | {str(event["subject"]) for event in evidence.events}):
        yield from _one_payment(payment, by_payment[payment], evidence.events_of(payment))
    known = {payment.id for payment in evidence.payments}
    for payment in sorted(by_payment.keys() - known):
        yield Violation("INV-09", "the topic has events of a payment that the database does not know", payment)


def _one_payment(payment: str, messages: list[Message], outbox: list[Row]) -> Iterator[Violation]:
    partitions = {message.partition for message in messages}
    if len(partitions) > 1:
        yield Violation("INV-09", f"events are spread over partitions {sorted(partitions)}", payment)
    seen: dict[int, Row] = {}
    highest = 0
    for message in sorted(messages, key=lambda message: message.offset):
        sequence = int(message.event.get("sequence", 0))
        if sequence in seen:
            if seen[sequence] != message.event:
                yield Violation("INV-09", f"two different events have the sequence {sequence}", payment)
            continue
        if sequence < highest:
            yield Violation("INV-09", f"sequence {sequence} came after {highest}", payment)
        seen[sequence], highest = message.event, max(highest, sequence)
    wanted = {int(event["sequence"]): event for event in outbox}
    if sorted(wanted) != list(range(1, len(wanted) + 1)):
        yield Violation("INV-09", f"the outbox has the sequences {sorted(wanted)}, not 1..{len(wanted)}", payment)
    if seen and 1 not in seen:
        yield Violation("INV-09", f"cannot tell: the topic was seen from sequence {min(seen)} on, not from 1", payment)
    for sequence in sorted(wanted.keys() | seen.keys()):
        if sequence not in seen:
            yield Violation("INV-09", f"{wanted[sequence]['type']} (sequence {sequence}) is not on the topic", payment)
        elif sequence not in wanted:
            yield Violation(
                "INV-09", f"{seen[sequence].get('type')} (sequence {sequence}) is not in the outbox", payment
            )
        elif dict(seen[sequence]) != dict(wanted[sequence]):
            yield Violation("INV-09", f"sequence {sequence} differs between topic and outbox", payment)


def merchants_told(evidence: Evidence) -> Iterator[Violation]:
    """INV-14: every event an endpoint asked for reached it or is a dead letter, signed well, and nothing else did."""
    committed = {str(event["id"]): event for event in evidence.events}
    for endpoint in evidence.endpoints:
        yield from _received_is_committed(endpoint, committed)
        accepted = Counter(one.id for one in endpoint.received if 200 <= one.answered < 300)
        for identifier, event in committed.items():
            wanted = "*" in endpoint.wants or event["type"] in endpoint.wants
            if wanted and not accepted[identifier] and identifier not in endpoint.dead:
                yield Violation(
                    "INV-14",
                    f"{event['type']} (sequence {event['sequence']}) neither reached the merchant nor is a dead letter",
                    str(event["subject"]),
                )


def _received_is_committed(endpoint: Endpoint, committed: dict[str, Row]) -> Iterator[Violation]:
    for one in endpoint.received:
        if one.fault is not None:
            yield Violation("INV-14", f"a merchant webhook is not signed well: {one.fault}", one.event.get("subject"))
        event = committed.get(one.id)
        if event is None:
            yield Violation(
                "INV-14", f"the merchant was told {one.id}, which was never committed", one.event.get("subject")
            )
        elif one.event != dict(event):
            yield Violation("INV-14", f"the merchant was told something else than {one.id} says", str(event["subject"]))
        elif "*" not in endpoint.wants and event["type"] not in endpoint.wants:
            yield Violation("INV-14", f"the merchant did not ask for {event['type']}", str(event["subject"]))

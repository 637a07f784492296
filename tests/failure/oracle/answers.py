"""What callers were told, held against the replay: each command once, as answered, in their order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.failure.oracle.comparison import Differences
from tests.failure.surroundings.callers import Asked


def compare_answers(replies: Mapping[str, object], asked: Sequence[Asked], differences: Differences) -> None:
    """Compare every answer with the reply of the replay, by idempotency key."""
    left = dict(replies)
    for command in asked:
        reply = left.pop(command.name, None)
        if command.answered is None:
            continue  # its caller has said so
        if any(answer != reply for answer in command.replies):
            kind = "lost" if reply is None else "command"
            differences.add(kind, f"{command.name} was answered {command.replies}, should be {reply}")
    for name in left:
        differences.add("unexplained", f"command {name} was carried out, and nobody asked for it")


def compare_order(asked: Sequence[Asked], differences: Differences) -> None:
    """Compare the counts of each lead: who was asked after another's answer has counted after it."""
    for lead in {command.lead for command in asked}:
        _compare_one([command for command in asked if command.lead == lead], differences)


def _compare_one(asked: Sequence[Asked], differences: Differences) -> None:
    done = [
        (command.began, command.answered, command.replies[0], command.name)
        for command in asked
        if command.answered is not None and command.replies and isinstance(command.replies[0], int)
    ]
    for began, _, count, name in done:
        for _, answered, earlier, before in done:
            if answered < began and earlier >= count:
                differences.add("reordered", f"{name} counted {count}, but {before} before it {earlier}")

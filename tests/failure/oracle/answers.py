"""What callers were told, held against the replay: each command once, as answered, in their order."""

from __future__ import annotations

from collections.abc import Sequence

from tests.failure.oracle.comparison import Differences
from tests.failure.oracle.replay import Expected
from tests.failure.surroundings.callers import Asked


def compare_answers(expected: Expected, asked: Sequence[Asked], differences: Differences) -> None:
    """Compare every answer with the reply of the replay, and the order of those of one lead.

    A command that was asked when another of its lead had been answered must have counted after it.
    """
    left = dict(expected.replies)
    for command in asked:
        reply = left.pop(command.name, None)
        if command.answered is None:
            continue  # its caller has said so
        if set(command.replies) != {reply}:
            kind = "lost" if reply is None else "command"
            differences.add(kind, f"{command.name} was answered {command.replies}, should be {reply}")
    for name in left:
        differences.add("unexplained", f"command {name} was carried out, and nobody asked for it")
    for lead in {command.lead for command in asked}:
        _compare_order([command for command in asked if command.lead == lead], differences)


def _compare_order(asked: Sequence[Asked], differences: Differences) -> None:
    done = [
        (command.began, command.answered, command.replies[0], command.name)
        for command in asked
        if command.answered is not None and command.replies and command.replies[0] is not None
    ]
    for began, _, count, name in done:
        for _, answered, earlier, before in done:
            if answered < began and earlier >= count:
                differences.add("reordered", f"{name} counted {count}, but {before} before it {earlier}")

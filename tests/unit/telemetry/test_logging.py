"""Log lines: what they hold, and what they never hold."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from shared.kernel.errors import Unavailable
from shared.kernel.redacted import Redacted
from shared.telemetry.floods import FloodGate
from shared.telemetry.logging import (
    UnknownLevel,
    _LineHandler,
    configure_logging,
    current_level,
    get_logger,
    log_context,
    set_level,
)

EMAIL = "zhang.wei+demo@fixture-mail.example"
PHONE = "13812345678"


class Lines:
    """What has been written so far."""

    def __init__(self, stream: io.StringIO) -> None:
        self.stream = stream

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    def all(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]

    def last(self) -> dict[str, Any]:
        return self.all()[-1]


@pytest.fixture
def lines() -> Iterator[Lines]:
    root = logging.getLogger()
    before = (list(root.handlers), root.level)
    stream = io.StringIO()
    configure_logging(service="ingest", version="0.1.0", level="info", stream=stream)
    yield Lines(stream)
    root.handlers[:], _ = before
    root.setLevel(before[1])


class Refused(Unavailable):
    """Something is away; try again later."""

    code = "test.away"


def fail_with(error: Exception) -> Exception:
    try:
        raise error  # an exception that was raised has frames
    except Exception as caught:  # noqa: BLE001
        return caught


class TestALine:
    def test_is_one_json_object_with_a_static_event_name_and_its_fields(self, lines: Lines) -> None:
        get_logger("shared.processor.loop").info("batch_committed", records=12, topic="leadmill.raw")
        line = lines.last()
        assert line.pop("timestamp").endswith("Z")
        assert line == {
            "level": "info",
            "service": "ingest",
            "version": "0.1.0",
            "event": "batch_committed",
            "logger": "shared.processor.loop",
            "records": 12,
            "topic": "leadmill.raw",
        }

    def test_takes_identifiers_from_the_context_around_it(self, lines: Lines) -> None:
        with log_context(service="scoring", event_id="e1", lead_id="1234567890"):
            get_logger("x").info("inside")
            inside = lines.last()
        get_logger("x").info("outside")
        assert (inside["service"], inside["event_id"], inside["lead_id"]) == ("scoring", "e1", "1234567890")
        assert lines.last()["service"] == "ingest"
        assert "event_id" not in lines.last()

    def test_of_a_logger_made_before_logging_was_configured_comes_out_too(self) -> None:
        early = get_logger("early")
        stream = io.StringIO()
        root = logging.getLogger()
        before = (list(root.handlers), root.level)
        try:
            configure_logging(service="s", version="v", stream=stream)
            early.warning("told")
        finally:
            root.handlers[:], _ = before
            root.setLevel(before[1])
        assert json.loads(stream.getvalue())["event"] == "told"

    def test_is_not_written_below_the_level_which_can_change_at_run_time(self, lines: Lines) -> None:
        logger = get_logger("x")
        logger.debug("hidden")
        set_level("debug")
        assert current_level() == "debug"
        logger.debug("shown")
        set_level("ERROR")
        logger.warning("hidden_again")
        assert [line["event"] for line in lines.all()] == ["shown"]

    def test_level_must_be_one_there_is(self) -> None:
        with pytest.raises(UnknownLevel):
            set_level("loud")

    def test_shows_nothing_of_an_object_that_was_not_made_for_the_log(self, lines: Lines) -> None:
        class Person:
            def __repr__(self) -> str:
                return EMAIL

        get_logger("x").info(
            "odd", person=Person(), nested={"people": [Person(), Redacted(EMAIL)]}, secret=Redacted(PHONE)
        )
        line = lines.last()
        assert line["person"] == "<Person>"
        assert line["nested"] == {"people": ["<Person>", "[redacted]"]}
        assert line["secret"] == "[redacted]"


class TestAnException:
    def test_shows_type_code_and_frames_but_not_its_message(self, lines: Lines) -> None:
        error = fail_with(ValueError(f"cannot read {EMAIL} and Zhang Wei"))
        get_logger("x").error("handler_failed", exc_info=error)
        line = lines.last()
        assert line["code"] == "internal.bug"
        assert line["exception"]["type"] == "ValueError"
        assert line["exception"]["frames"][-1].startswith("unit/telemetry/test_logging.py:")
        assert line["exception"]["frames"][-1].endswith("fail_with")
        assert "Zhang" not in lines.text

    def test_that_is_a_verdict_shows_its_message_which_says_what_to_do(self, lines: Lines) -> None:
        get_logger("x").warning("paused", exc_info=fail_with(Refused()))
        assert lines.last()["code"] == "test.away"
        assert lines.last()["exception"]["message"] == "Something is away; try again later."

    def test_shows_its_causes_and_the_members_of_a_group(self, lines: Lines) -> None:
        inner = OSError(28, f"no space for {EMAIL}")
        outer = fail_with(RuntimeError(EMAIL))
        outer.__cause__ = inner
        get_logger("x").error(
            "all_failed", exc_info=fail_with(ExceptionGroup("several", [outer, KeyError(EMAIL)]))
        )
        group = lines.last()["exception"]
        assert [member["type"] for member in group["exceptions"]] == ["RuntimeError", "KeyError"]
        assert group["exceptions"][0]["cause"]["errno"] == "ENOSPC"
        assert EMAIL not in lines.text

    def test_given_as_a_field_shows_type_and_code(self, lines: Lines) -> None:
        get_logger("x").info("tried", error=Refused(), other=ValueError(EMAIL))
        assert lines.last()["error"] == {"type": "Refused", "code": "test.away"}
        assert lines.last()["other"] == {"type": "ValueError", "code": "internal.bug"}


class TestOtherPackages:
    @pytest.mark.parametrize(
        "speak",
        [
            lambda log: log.warning("sent to %s", EMAIL),
            lambda log: log.warning("sent to %(who)s", {"who": EMAIL}),
            lambda log: log.warning("GET %s", f"/v1/leads?email={EMAIL.replace('@', '%40')}&phone={PHONE}"),
            lambda log: log.error("failed: %s", ValueError(f"{EMAIL} {PHONE} Zhang")),
            lambda log: log.error("failed: %r", KeyError(f"{EMAIL} {PHONE} Zhang")),
            lambda log: log.error("failed", exc_info=fail_with(ValueError(f"{EMAIL} Zhang"))),
            lambda log: log.error(ValueError(f"{EMAIL} Zhang")),
            lambda log: log.error("call +86 138-1234-5678 or (415) 555-2671", stack_info=True),
        ],
    )
    def test_come_out_of_the_same_door_without_addresses_numbers_and_messages_of_exceptions(
        self, lines: Lines, speak: Callable[[logging.Logger], None]
    ) -> None:
        speak(logging.getLogger("aiokafka.consumer"))
        assert lines.last()["event"] == "library_message"
        assert lines.last()["logger"] == "aiokafka.consumer"
        assert lines.last()["service"] == "ingest"
        for leak in ("fixture-mail", PHONE, "138-1234", "555-2671", "Zhang", "zhang"):
            assert leak not in lines.text

    def test_keep_what_is_harmless(self, lines: Lines) -> None:
        harmless = (
            f"Joined at 127.0.0.1:9092 on 2026-11-22 10:00:00 offset 123456 id {'0123456789abcdef' * 2}"
        )
        logging.getLogger("aiokafka").warning(harmless)
        assert lines.last()["message"] == harmless

    def test_asyncio_does_not_show_what_a_forgotten_task_was_about(self, lines: Lines) -> None:
        async def forget() -> None:
            async def lose() -> None:
                raise ValueError("Zhang Wei")

            task = asyncio.get_running_loop().create_task(lose())
            await asyncio.sleep(0.01)
            asyncio.get_running_loop().call_exception_handler(
                {"message": "Task exception was never retrieved", "exception": task.exception(), "task": task}
            )

        asyncio.run(forget())
        assert lines.last()["message"] == "Task exception was never retrieved"
        assert lines.last()["exception"]["type"] == "ValueError"
        assert "Zhang" not in lines.text

    def test_whose_line_cannot_be_formatted_leak_nothing_either(
        self, lines: Lines, capsys: pytest.CaptureFixture[str]
    ) -> None:
        root = logging.getLogger()
        for other in [handler for handler in root.handlers if not isinstance(handler, _LineHandler)]:
            root.removeHandler(other)  # pytest's own handlers raise here, which is their good right
        logging.getLogger("x").error("%d", EMAIL)
        assert lines.last()["event"] == "log_line_lost"
        assert EMAIL not in lines.text + "".join(capsys.readouterr())


class TestAFlood:
    def test_is_sampled_and_counted(self) -> None:
        now = [0.0]
        gate = FloodGate(burst=2, window=10.0, now=lambda: now[0])

        def line(event: str, code: str = "") -> logging.LogRecord:
            return logging.LogRecord("x", logging.ERROR, "", 0, {"event": event, "code": code}, None, None)

        assert [gate.filter(line("bad")) for _ in range(5)] == [True, True, False, False, False]
        assert gate.filter(line("bad", code="another"))
        assert gate.filter(line("good"))
        now[0] = 10.0
        next_line = line("bad")
        assert gate.filter(next_line)
        assert next_line.__dict__["suppressed"] == 3

    def test_tells_on_the_next_line_how_many_were_held_back(self) -> None:
        now = [0.0]
        stream = io.StringIO()
        root = logging.getLogger()
        before = (list(root.handlers), root.level)
        gate = FloodGate(burst=1, window=5.0, now=lambda: now[0])
        try:
            configure_logging(service="s", version="v", stream=stream, gate=gate)
            for second in (0.0, 1.0, 2.0, 6.0):
                now[0] = second
                get_logger("x").error("bad")
        finally:
            root.handlers[:], _ = before
            root.setLevel(before[1])
        written = [json.loads(line) for line in stream.getvalue().splitlines()]
        assert [line.get("suppressed") for line in written] == [None, 2]

    def test_of_ever_new_kinds_does_not_eat_the_memory(self) -> None:
        gate = FloodGate()
        for number in range(3_000):
            gate.filter(logging.LogRecord("x", logging.INFO, "", 0, f"message {number}", None, None))
        assert len(gate._windows) <= 1_000

"""A process's life: supervision, draining, signals, exit codes."""

from __future__ import annotations

import asyncio
import errno
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from shared.kernel.errors import Duplicate, Rejected, Unavailable
from shared.runtime.exit_codes import ExitCode, exit_code_of
from shared.runtime.health import Health
from shared.runtime.process import ActivityEnded, Lifeline, StopPlan, supervise
from shared.runtime.service import Activity, Service, repeatedly, until_stopped

QUICK = StopPlan(grace=timedelta(milliseconds=200))
PATIENT = StopPlan(grace=timedelta(seconds=60))


@dataclass
class Diary:
    """What happened, in order."""

    entries: list[str] = field(default_factory=list)

    def activity(
        self, name: str, *, fails: Exception | None = None, ends: bool = False, drains: float = 0.0
    ) -> Activity:
        async def run(stopping: asyncio.Event) -> None:
            self.entries.append(f"{name} runs")
            if fails is not None:
                raise fails
            if ends:
                return
            try:
                await stopping.wait()
                self.entries.append(f"{name} drains")
                await asyncio.sleep(drains)
            except asyncio.CancelledError:
                self.entries.append(f"{name} is cancelled")
                raise
            self.entries.append(f"{name} is done")

        return until_stopped(name, run)

    def service(self, name: str, *activities: Activity) -> Service:
        async def release() -> None:
            self.entries.append(f"{name} lets go")

        return Service(name=name, activities=activities, release=release)


@pytest.fixture
def diary() -> Diary:
    return Diary()


@pytest.fixture
def health() -> Health:
    return Health(version="0.1.0")


async def pull_after(lifeline: Lifeline, seconds: float = 0.01) -> None:
    await asyncio.sleep(seconds)
    lifeline.pull()


class TestSupervision:
    async def test_drains_everything_then_lets_go_then_ends(self, diary: Diary, health: Health) -> None:
        lifeline = Lifeline()
        services = [
            diary.service("one", diary.activity("a", drains=0.02)),
            diary.service("two", diary.activity("b")),
        ]
        await asyncio.gather(
            supervise(
                services,
                health=health,
                lifeline=lifeline,
                around=[diary.activity("http")],
                admin=[diary.activity("admin")],
                plan=PATIENT,
            ),
            pull_after(lifeline),
        )
        assert sorted(diary.entries[:4]) == ["a runs", "admin runs", "b runs", "http runs"]
        assert set(diary.entries[4:-4]) == {
            *("a drains", "a is done"),
            *("b drains", "b is done"),
            *("http drains", "http is done"),
        }
        assert diary.entries[-4:] == ["two lets go", "one lets go", "admin drains", "admin is done"]

    async def test_cancels_what_is_not_done_within_the_grace(self, diary: Diary, health: Health) -> None:
        lifeline = Lifeline()
        service = diary.service("one", diary.activity("slow", drains=60), diary.activity("quick"))
        await asyncio.gather(
            supervise([service], health=health, lifeline=lifeline, plan=QUICK), pull_after(lifeline)
        )
        assert diary.entries[-2:] == ["slow is cancelled", "one lets go"]
        assert "quick is done" in diary.entries

    async def test_ends_the_process_when_an_activity_fails_and_lets_the_others_finish(
        self, diary: Diary, health: Health
    ) -> None:
        service = diary.service(
            "one", diary.activity("bad", fails=ValueError("x")), diary.activity("good", drains=0.02)
        )
        with pytest.raises(ExceptionGroup) as caught:
            await supervise([service], health=health, lifeline=Lifeline(), plan=PATIENT)
        assert [type(error) for error in caught.value.exceptions] == [ValueError]
        assert diary.entries[-2:] == ["good is done", "one lets go"]

    async def test_ends_the_process_when_an_activity_ends_unasked(self, diary: Diary, health: Health) -> None:
        with pytest.raises(ExceptionGroup) as caught:
            await supervise(
                [diary.service("one", diary.activity("short", ends=True))],
                health=health,
                lifeline=Lifeline(),
                plan=PATIENT,
            )
        assert [type(error) for error in caught.value.exceptions] == [ActivityEnded]

    async def test_takes_readiness_away_and_lingers_before_it_stops_anything(
        self, diary: Diary, health: Health
    ) -> None:
        lifeline = Lifeline()
        plan = StopPlan(grace=timedelta(seconds=60), linger=timedelta(milliseconds=100))
        clock, stops = asyncio.get_running_loop().time, []
        activity = diary.activity("a")

        def stop() -> None:
            stops.append(clock())
            activity.stop()

        running = asyncio.create_task(
            supervise(
                [diary.service("one", replace(activity, stop=stop))],
                health=health,
                lifeline=lifeline,
                plan=plan,
            )
        )
        while "a runs" not in diary.entries:
            await asyncio.sleep(0)
        assert [result.ok for result in await health.ready()] == [True]
        lifeline.pull()
        pulled = clock()
        while (states := await health.ready())[0].ok:
            assert not stops
            await asyncio.sleep(0)
        assert [(state.ok, state.code) for state in states] == [(False, "process.stopping")]
        await running
        assert stops[0] - pulled >= plan.linger.total_seconds() * 0.9
        assert diary.entries == ["a runs", "a drains", "a is done", "one lets go"]

    async def test_goes_on_to_its_end_when_letting_go_fails_or_hangs(
        self, diary: Diary, health: Health
    ) -> None:
        async def fail() -> None:
            raise Unavailable("the pool is away")

        lifeline = Lifeline()
        services = [diary.service("one", diary.activity("a")), Service(name="two", release=fail)]
        await asyncio.gather(
            supervise(services, health=health, lifeline=lifeline, plan=PATIENT), pull_after(lifeline)
        )
        assert diary.entries[-1] == "one lets go"


class TestARepeatedJob:
    async def test_acts_again_and_again_and_bears_what_is_unavailable(self) -> None:
        acts = 0

        async def act() -> None:
            nonlocal acts
            acts += 1
            if acts == 2:
                raise Unavailable("later")

        job = repeatedly("job", act, every=timedelta(milliseconds=1))
        running = asyncio.create_task(job.run())
        async with asyncio.timeout(60):
            while acts <= 3:
                await asyncio.sleep(0.001)
        job.stop()
        await asyncio.wait_for(running, 60)
        assert job.beat is not None
        assert job.beat() > 0

    @pytest.mark.parametrize(("at_the_end", "acts"), [(False, ["first"]), (True, ["first", "last"])])
    async def test_acts_once_more_at_the_end_if_it_is_to_and_bears_that_it_cannot(
        self, at_the_end: bool, acts: list[str]
    ) -> None:
        seen: list[str] = []
        has_acted = asyncio.Event()

        async def act() -> None:
            seen.append("last" if seen else "first")
            has_acted.set()
            if len(seen) == 2:
                raise Unavailable("gone already")

        job = repeatedly("job", act, every=timedelta(hours=1), at_the_end=at_the_end)
        running = asyncio.create_task(job.run())
        await has_acted.wait()
        job.stop()
        await running
        assert seen == acts

    async def test_stops_at_once_while_it_waits(self) -> None:
        async def act() -> None:
            return

        job = repeatedly("job", act, every=timedelta(hours=1))
        running = asyncio.create_task(job.run())
        await asyncio.sleep(0.01)
        job.stop()
        await asyncio.wait_for(running, 60)


class TestAnExitCode:
    @pytest.mark.parametrize(
        ("error", "code"),
        [
            (Rejected("x"), ExitCode.MISUSED),
            (Unavailable("x"), ExitCode.UNAVAILABLE),
            (Duplicate("x"), ExitCode.DONE),
            (OSError(errno.ENOSPC, "no room"), ExitCode.UNAVAILABLE),
            (OSError(errno.EIO, "broken"), ExitCode.FAILED),
            (ValueError("x"), ExitCode.FAILED),
            (ExceptionGroup("x", [Unavailable("x"), ExceptionGroup("y", [Rejected("x")])]), ExitCode.MISUSED),
            (ExceptionGroup("x", [Unavailable("x"), ValueError("x")]), ExitCode.FAILED),
        ],
    )
    def test_tells_how_it_ended(self, error: Exception, code: ExitCode) -> None:
        assert exit_code_of(error) is code


PROGRAM = """
import asyncio, sys, time
from datetime import timedelta
from shared.kernel.errors import Rejected, Unavailable
from shared.runtime.health import Health
from shared.runtime.process import StopPlan, run_process, supervise
from shared.runtime.service import Service, until_stopped

def say(text):
    print(text, flush=True)

async def work(stopping):
    say("working")
    await stopping.wait()
    say("draining")
    await asyncio.sleep(float(sys.argv[1]))
    say("drained")

async def main(lifeline):
    {body}

service = Service(name="one", activities=[until_stopped("work", work)])
plan = StopPlan(grace=timedelta(seconds=1))
sys.exit(run_process(main, at_once=lambda: say("at once")))
"""
SUPERVISE = "await supervise([service], health=Health(version='v'), lifeline=lifeline, plan=plan)"


@dataclass
class Program:
    """A process of its own."""

    process: subprocess.Popen[str]

    def until(self, line: str) -> None:
        assert self.process.stdout is not None
        for said in self.process.stdout:
            if said.strip() == line:
                return
        pytest.fail(f"ended before it said {line}")

    def tell(self, which: signal.Signals) -> None:
        self.process.send_signal(which)

    def end(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=20)
        return self.process.returncode, out, err


@pytest.fixture
def start() -> Callable[..., Program]:
    def start(body: str, drains: float = 0.0) -> Program:
        program = PROGRAM.replace("{body}", textwrap.indent(textwrap.dedent(body), "    ").strip())
        command = [sys.executable, "-c", program, str(drains)]
        return Program(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))

    return start


class TestAProcess:
    @pytest.mark.parametrize("which", [signal.SIGTERM, signal.SIGINT])
    def test_told_to_stop_drains_and_ends_with_0(
        self, start: Callable[..., Program], which: signal.Signals
    ) -> None:
        program = start(SUPERVISE, drains=0.1)
        program.until("working")
        program.tell(which)
        code, out, _ = program.end()
        assert (code, out.split()) == (0, ["draining", "drained"])

    def test_that_cannot_drain_in_time_ends_with_0_all_the_same(self, start: Callable[..., Program]) -> None:
        program = start(SUPERVISE, drains=60)
        program.until("working")
        program.tell(signal.SIGTERM)
        code, out, _ = program.end()
        assert (code, out.split()) == (0, ["draining"])

    def test_told_twice_ends_now_and_takes_along_what_it_would_leave_behind(
        self, start: Callable[..., Program]
    ) -> None:
        program = start(SUPERVISE, drains=0.9)
        program.until("working")
        program.tell(signal.SIGTERM)
        program.until("draining")
        program.tell(signal.SIGTERM)
        code, out, _ = program.end()
        assert (code, out) == (128 + signal.SIGTERM, "at once\n")

    def test_told_to_stop_while_it_starts_cleans_up_and_ends_with_0(
        self, start: Callable[..., Program]
    ) -> None:
        program = start("""
            say("starting")
            try:
                await asyncio.sleep(60)
            finally:
                say("cleaned up")
        """)
        program.until("starting")
        program.tell(signal.SIGTERM)
        code, out, err = program.end()
        assert (code, out, err) == (0, "cleaned up\n", "")

    @pytest.mark.parametrize(
        ("body", "code", "line"),
        [
            ("raise Rejected('set LEADMILL_X')", 2, "leadmill: set LEADMILL_X"),
            (
                "raise Unavailable('the database does not answer')",
                3,
                "leadmill: the database does not answer",
            ),
            (
                "raise ValueError('zhang.wei@fixture.example')",
                1,
                "leadmill: something went wrong (ValueError)",
            ),
        ],
    )
    def test_that_cannot_start_says_why_in_one_line_and_by_its_exit_code(
        self, start: Callable[..., Program], body: str, code: int, line: str
    ) -> None:
        ended, _, err = start(body).end()
        assert ended == code
        assert line in err
        assert "Traceback" not in err.partition("leadmill:")[2]

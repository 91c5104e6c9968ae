"""The demo, on few flights: the same story, the same checks, and what it says of what differs."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Callable
from subprocess import CompletedProcess

import pytest
from rich.console import Console

from haar.cli.demo import flights, report
from haar.cli.demo.flights import Answers
from haar.cli.demo.steps import Step, Steps

Run = Callable[..., CompletedProcess[str]]
TIMEOUT_S = 400


@pytest.mark.slow
def test_the_story_is_told_and_every_figure_is_right(haar_command: Run) -> None:
    """Upload, map, functions, table, queue and pipe agree with the CSV."""
    told = haar_command("demo", "--rows", "3000", timeout=TIMEOUT_S)
    assert told.returncode == 0, told.stdout + told.stderr
    assert "Every figure is right." in told.stdout
    assert "differs" not in told.stdout
    for step in ("upload to S3", "map, count in Lambda", "pipe, filter, name"):
        assert re.search(rf"{step} +100 %", told.stdout)


@pytest.mark.slow
@pytest.mark.crash
def test_the_story_survives_two_kills(haar_command: Run) -> None:
    """SIGKILL in the middle of the map and of the pipe changes no figure."""
    told = haar_command("demo", "--crash", "--rows", "6000", timeout=TIMEOUT_S)
    assert told.returncode == 0, told.stdout + told.stderr
    assert told.stdout.count("SIGKILL in the middle of") == 2
    assert "though haar was killed 2 times" in told.stdout


def answers() -> Answers:
    """Return answers that a right haar gives."""
    counts = Counter(flights=3, arrivals=2, delay_minutes=400)
    return Answers(3, 1, {"a": (400, "Air to There")}, {"XX#JFK": counts})


def shown(found: Answers, width: int) -> tuple[int, str]:
    """Return how many figures differ and what is printed."""
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    steps = [Step("upload to S3", 31_000_000, "bytes", 0.5), Step("map", 336_776, "flights", 45)]
    differing = report.show(console, answers(), found, steps)
    assert isinstance(console.file, io.StringIO)
    return differing, console.file.getvalue()


@pytest.mark.parametrize("width", [80, 120])
def test_right_answers_are_shown_right_within_the_terminal(width: int) -> None:
    """No figure differs, and no line is longer than the terminal is wide."""
    differing, text = shown(answers(), width)
    assert differing == 0
    assert max(map(len, text.splitlines())) <= width
    assert "62.0 MB/s" in text
    assert "7,484/s" in text


@pytest.mark.parametrize(
    "wrong",
    [
        Answers(4, 1, answers().late_here, answers().tallies),
        Answers(3, 2, answers().late_here, answers().tallies),
        Answers(3, 1, {}, answers().tallies),
        Answers(3, 1, {"a": (400, "Air to Nowhere")}, answers().tallies),
        Answers(3, 1, answers().late_here, {"XX#JFK": Counter(flights=3, arrivals=3)}),
        Answers(3, 1, answers().late_here, {}),
    ],
)
def test_a_wrong_answer_differs(wrong: Answers) -> None:
    """Whatever haar gets wrong is counted and marked."""
    differing, text = shown(wrong, 100)
    assert differing > 0
    assert "differs" in text


def test_the_answers_are_those_of_the_csv() -> None:
    """Known figures of the data, which no code of the demo computed."""
    found = flights.compute(flights.text())
    assert found.flights == 336_776
    assert found.tallies["UA#EWR"]["flights"] == 46_087
    assert len(found.tallies) == 35


def test_a_log_has_a_line_for_each_quarter() -> None:
    """Without a terminal a step does not draw a bar, and does not flood."""
    console = Console(file=io.StringIO(), width=80)
    steps = Steps(console)
    with steps.step("count", 1000, "things") as advance:
        for _ in range(1000):
            advance(1)
    assert isinstance(console.file, io.StringIO)
    shares = re.findall(r"(\d+) %", console.file.getvalue())
    assert shares == ["25", "50", "75", "100"]
    assert [(step.name, step.count) for step in steps.done] == [("count", 1000)]


@pytest.mark.parametrize("width", [80, 120])
def test_a_step_is_one_line_of_a_terminal(width: int) -> None:
    """Name, bar and figures stand side by side, also where the terminal is narrow."""
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    with Steps(console).step("map, count in Lambda", 336_776, "flights") as advance:
        advance(336_776)
    assert isinstance(console.file, io.StringIO)
    shown = re.sub(r"\x1b\[[^a-zA-Z]*[a-zA-Z]", "", console.file.getvalue()).splitlines()[-1]
    assert len(shown) <= width
    assert re.search(r"map, count in Lambda +━+ +336,776 flights +[\d,]+/s +[\d.]+ s", shown)

"""Hurt batches over a cluster in all ways that we know, and print a table (make torture-cluster).

Usage: python -m tests.cluster.torture_cluster [RUNS]

Each trial runs in a process of its own, and several at once: they mostly wait. The exit code is 1 if a law is broken, or
if the trial without lease breaks none: then the torture could not see anything.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import msgspec

from tests.cluster.torture_trial import LIMIT_PER_S, PRELOAD, Figures, Scene, Trial, run_trial

ROWS = 400
_MAX_BUSIEST_SECOND = LIMIT_PER_S * 3 // 2
"""Seen by the CRM: on a busy machine requests come bunched. Two senders would make twice the limit."""


def kill_worker(scene: Scene) -> None:
    """Kill the worker that sends to the first account."""
    scene.find_sending_worker().kill()


def stop_worker(seconds: float):
    """Return what stops the sending worker for so long, as if its computer slept."""

    def stop(scene: Scene) -> None:
        worker = scene.find_sending_worker()
        worker.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        worker.send_signal(signal.SIGCONT)

    return stop


def cut_journal(seconds: float):
    """Return what cuts the workers off from the coordinator for so long."""

    def cut(scene: Scene) -> None:
        scene.proxy.cut()
        time.sleep(seconds)
        scene.proxy.heal()

    return cut


def kill_coordinator(scene: Scene) -> None:
    """Kill the command."""
    scene.kill_coordinator()


def kill_scheduler(scene: Scene) -> None:
    """Kill the scheduler, whose workers end with it, and start both again once the command has ended."""
    scene.cluster.scheduler.kill()
    scene.wait_for_end()
    scene.cluster.restart(*PRELOAD, workers=2)


TRIALS = (
    Trial(name="nothing"),
    Trial(name="kill -9 of the sending worker", hurt=kill_worker),
    Trial(name="worker stopped for 32 s", hurt=stop_worker(32)),
    Trial(name="journal cut off for 12 s", hurt=cut_journal(12), hook="proxy"),
    Trial(name="journal cut off for 40 s", hurt=cut_journal(40), hook="proxy"),
    Trial(name="kill -9 of the coordinator, run again", hurt=kill_coordinator, codes=(-signal.SIGKILL, 0)),
    Trial(name="scheduler killed, run again", hurt=kill_scheduler, codes=(3, 0)),
    Trial(name="each task given three times", hook="three times"),
    Trial(name="old epoch tries all calls", hook="old epoch"),
    Trial(
        name="negative control: no lease, no epoch, tasks given three times",
        hook="no guards",
        is_control=True,
    ),
)

TABLE_HEAD = (
    "| hurt at a quarter | trials | rows | lost | notes doubled | two senders at once | out of order | notes in doubt | to send again "
    "| fullest second | longest gap, s |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
)


def format_row(figures: Figures) -> str:
    """Return a row of the table."""
    counts = (
        figures.trials,
        figures.rows,
        figures.lost,
        figures.doubled,
        figures.two_senders,
        figures.disordered,
    )
    cells = [
        f"{count:,}" for count in (*counts, figures.in_doubt, figures.to_send_again, figures.busiest_second)
    ]
    return f"| {figures.name} | {' | '.join(cells)} | {figures.longest_gap_s:.0f} |"


def find_broken_laws(trial: Trial, figures: Figures) -> list[str]:
    """Return what a trial has broken. A control must let two workers send, or double notes."""
    if trial.is_control:
        return (
            []
            if figures.two_senders or figures.doubled
            else [f"{trial.name}: broke no law, so it shows nothing"]
        )
    counts = {
        "lost": figures.lost,
        "doubled": figures.doubled,
        "two senders": figures.two_senders,
        "out of order": figures.disordered,
        "requests in a second above the limit": max(0, figures.busiest_second - _MAX_BUSIEST_SECOND),
    }
    return [f"{trial.name}: {count} {law}" for law, count in counts.items() if count] + figures.findings


def run_in_process(trial: Trial, rows: int = ROWS) -> Figures:
    """Run a trial in a process of its own."""
    command = [
        sys.executable,
        "-m",
        "tests.cluster.torture_cluster",
        "--trial",
        trial.name,
        "--rows",
        str(rows),
    ]
    ended = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    if ended.returncode:
        return Figures(name=trial.name, findings=[f"{trial.name}: the trial itself failed"])
    return msgspec.json.decode(ended.stdout.splitlines()[-1], type=Figures)


def main() -> int:
    """Run all trials and print the table. Return 1 if a law is broken."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("runs", type=int, nargs="?", default=1, help="how often each trial runs")
    options.add_argument("--at-once", type=int, default=os.cpu_count() or 1)
    options.add_argument("--only", default="", help="trials with this in their name")
    options.add_argument("--rows", type=int, default=ROWS, help="rows of each sheet")
    options.add_argument("--trial", help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.trial:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # its processes end with it
        trial = next(one for one in TRIALS if one.name == given.trial)
        print(msgspec.json.encode(run_trial(trial, rows=given.rows)).decode())
        return 0
    trials = [trial for trial in TRIALS if given.only in trial.name]
    with ThreadPoolExecutor(given.at_once) as threads:
        done = list(threads.map(partial(run_in_process, rows=given.rows), trials * given.runs))
    return print_table(trials, done)


def print_table(trials: list[Trial], done: list[Figures]) -> int:
    """Print a line for each kind of trial, and the broken laws. Return 1 if there are any."""
    broken = []
    print(TABLE_HEAD)
    for place, trial in enumerate(trials):
        total, *others = done[place :: len(trials)]
        for other in others:
            total.add(other)
        print(format_row(total))
        broken += find_broken_laws(trial, total)
    print("\n".join(["", *broken[:50]]))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())

"""What a run found, as text."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tests.chaos.faults import Fault
from tests.chaos.fleet import Fleet
from tests.chaos.oracle import Verdict
from tests.chaos.plans import Planned, total

SHOWN = 10  # examples of each kind of wrong


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that is printed."""

    seed: int
    seconds: float
    planned: Sequence[Planned]
    verdict: Verdict
    faults: Sequence[Fault]
    fleet: Fleet
    acts: int
    exit_codes: Sequence[int]
    bursts: tuple[float, float]  # deliveries a second of the bursts before the faults and after them
    settled: float  # s from the last instant until nothing was live

    def wrongs(self) -> dict[str, list[str]]:
        """Everything that must not be, by kind; only what there is."""
        found = self.verdict.wrongs() | {
            "answers of the API that no client may get": self.fleet.broken,
            "processes that ended by themselves": self.fleet.own_exits,
            "drains that failed": [f"exit code {code}" for code in self.exit_codes if code],
        }
        return {kind: examples for kind, examples in found.items() if examples}

    def right(self) -> bool:
        """Whether nothing is wrong."""
        return not self.wrongs()

    def text(self) -> str:
        """The printout."""
        parts = [self._head(), self._counts(), self._again(), self._damage(), self._wrongs()]
        return "\n\n".join(part for part in parts if part)

    def _head(self) -> str:
        kinds = Counter(job.body["type"] for job in self.planned)
        return (
            f"Chaos: seed {self.seed}, {self.seconds:.0f} s, {len(self.planned)} jobs "
            f"({', '.join(f'{count} {kind}' for kind, count in sorted(kinds.items()))}), "
            f"{len(self.faults)} faults, {self.acts} acts of clients"
        )

    def _counts(self) -> str:
        verdict = self.verdict
        statuses = ", ".join(f"{count} {status}" for status, count in sorted(verdict.statuses.items()))
        answers = ", ".join(f"{count} {answer}" for answer, count in sorted(self.fleet.answers.items()))
        return "\n".join(
            (
                f"due instants      {verdict.due} of {total(self.planned)} named (else paused; {verdict.open} open)",
                f"executions        {verdict.executions}, and {verdict.skipped} instants skipped",
                f"lost              {len(verdict.lost)}",
                f"doubled           {len(verdict.doubled)}",
                f"in the log        {statuses}",
                f"calls received    {verdict.calls}, of them {sum(verdict.again.values())} sent again",
                f"triggers          {len(verdict.triggers_lost)} lost, {len(verdict.triggers_doubled)} made twice",
                f"API answers       {answers}",
                f"settled           {self.settled:.1f} s after the last instant",
                f"burst             {self.bursts[0]:.0f}/s before the faults, {self.bursts[1]:.0f}/s after them",
            )
        )

    def _again(self) -> str:
        lines = [f"  {count:6d}  {reason}" for reason, count in self.verdict.again.most_common()]
        return "\n".join(["calls sent again, and why", *lines])

    def _damage(self) -> str:
        lines = [
            f"  {kind:22s} {count:4d}  {queued:9.2f}  {started:9.2f}"
            for kind, (count, queued, started) in self.verdict.delays.items()
        ]
        head = f"  {'fault':22s} {'n':>4s}  {'to queue':>9s}  {'to start':>9s}"
        return "\n".join(["longest delay in seconds while a fault lasted and 5 s after", head, *lines])

    def _wrongs(self) -> str:
        lines = []
        for kind, examples in self.wrongs().items():
            lines += [f"WRONG: {kind}: {len(examples)}", *(f"  {example}" for example in examples[:SHOWN])]
        return "\n".join(lines) or "nothing is wrong"

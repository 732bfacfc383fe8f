"""What becomes of runs that come due while an earlier execution of their job lives: pure, by the job's policy."""

from collections.abc import Sequence
from dataclasses import dataclass

from service.policy import Run, Skip


@dataclass(frozen=True, slots=True)
class Decision:
    """How the due runs of a job are dealt with."""

    pending: list[Run]
    held: list[Run]  # until the earlier execution has ended
    skipped: list[Skip]
    replaces: bool  # the job's live executions are cancelled

    @property
    def taken(self) -> int:
        """Runs that become executions."""
        return len(self.pending) + len(self.held)


def decide(policy: str, live: int, waiting: int, runs: Sequence[Run]) -> Decision:
    """Deal with the due runs, oldest first, of a job with `live` executions of which `waiting` are held.

    allow: all go. skip: one goes if nothing lives. queue: one goes if nothing lives, one more waits unless one does
    already. replace: the newest goes, and what lives is cancelled. The others are skipped, as one range.
    """
    if policy == "allow" or not runs:
        return Decision(list(runs), [], [], replaces=False)
    if policy == "replace":
        return Decision([runs[-1]], [], _skipped(runs[:-1]), replaces=live > 0)
    free = 1 if live == 0 else 0
    room = 1 if policy == "queue" and waiting == 0 else 0
    return Decision(list(runs[:free]), list(runs[free : free + room]), _skipped(runs[free + room :]), replaces=False)


def _skipped(runs: Sequence[Run]) -> list[Skip]:
    if not runs:
        return []
    return [Skip("overlap", runs[0].run_at, runs[-1].run_at, len(runs))]

"""How a gate talks to a system: one client, one recorder, one pace, one budget."""

from rollout_gates.evidence.transcript import Recorder
from rollout_gates.wire.arrivals import Arrivals, Chunk, End
from rollout_gates.wire.budget import Budget
from rollout_gates.wire.client import UNSET, Wire, current_transcript
from rollout_gates.wire.errors import (
    BadAnswer,
    CouldNotJudge,
    NotConfigured,
    NotJson,
    OutOfBudget,
    RedirectLoop,
    TargetUnreachable,
    TimedOut,
    TlsFailed,
)
from rollout_gates.wire.journal import Journal, Resource, outstanding
from rollout_gates.wire.listening import Listening
from rollout_gates.wire.pace import Pace
from rollout_gates.wire.poll import Polled, Poller, Sample
from rollout_gates.wire.reply import Reply, Sent

__all__ = [
    "UNSET",
    "Arrivals",
    "BadAnswer",
    "Budget",
    "Chunk",
    "CouldNotJudge",
    "End",
    "Journal",
    "Listening",
    "NotConfigured",
    "NotJson",
    "OutOfBudget",
    "Pace",
    "Polled",
    "Poller",
    "Recorder",
    "RedirectLoop",
    "Reply",
    "Resource",
    "Sample",
    "Sent",
    "TargetUnreachable",
    "TimedOut",
    "TlsFailed",
    "Wire",
    "current_transcript",
    "outstanding",
]

"""One case acted out: the request is filled and sent, and the answer comes back with the values that were used.

The driver speaks to no system. What it needs of one stands in three functions that the system's package gives it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout_gates.golden.compare import Comparison, compare, status_fits
from rollout_gates.golden.model import Case, Expectation, GoldenError, NotReached, Reply, Request
from rollout_gates.golden.render import builtins_for, fill_expectation, fill_request, needs

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping


@dataclass(frozen=True, repr=False)
class Exchange:
    """A case, the answer it got, and the value of each placeholder in it. A frozen observation: it judges nothing.

    *step* is where the answer was found, for a case that sends nothing itself.
    """

    case: Case
    mode: str
    reply: Reply
    values: Mapping[str, Any]
    step: str | None = None

    def __repr__(self) -> str:
        # Shown in tracebacks: values may be long, and answers stand in the transcript.
        return f"<Exchange {self.case.id}: {self.reply.status}>"

    @property
    def expectation(self) -> Expectation:
        """What the answer has to be, placeholders filled with the values of this very exchange."""
        expectation = self.case.expectation(self.mode)
        if expectation is None:
            raise GoldenError(f"{self.case.file}: has no expectation for mode '{self.mode}'")
        return fill_expectation(expectation, self.values)


async def observe(
    case: Case,
    mode: str,
    *,
    supply: Callable[[set[str]], Awaitable[Mapping[str, Any]]],
    send: Callable[[Case, Request], Awaitable[Reply]],
    step: Callable[[str], Awaitable[Reply | None]],
) -> Exchange:
    """Act *case* out once.

    *supply* gives the values for a set of placeholder names, *send* sends a filled request as the case's actor, and
    *step* gives the answer that a flow got at `"flow.attribute"`, or None when it did not get there. Whatever they
    raise goes through. Raises `NotReached` when no flow got to any of the case's steps.
    """
    wanted = needs(case, mode)
    values = {**builtins_for(case), **(await supply(wanted) if wanted else {})}
    if case.request is not None:
        return Exchange(case, mode, await send(case, fill_request(case.request, values)), values)
    for path in case.steps:
        reply = await step(path)
        if reply is not None:
            return Exchange(case, mode, reply, values, path)
    raise NotReached(f"{case.title}: no flow got to {' or '.join(case.steps)}")


def pick(observation: Any, path: str) -> Any:
    """What stands in *observation* at *path*: attributes and indexes, joined by dots. None where a link is missing."""
    for name in path.split("."):
        if name.isdecimal():
            observation = observation[int(name)] if observation and int(name) < len(observation) else None
        else:
            observation = getattr(observation, name, None)
    return observation


def judge(exchange: Exchange) -> Comparison:
    """Compare the answer of *exchange* with what its case expects. Raises `GoldenError` if nothing was compared."""
    return compare(exchange.expectation, exchange.reply)


def explain(exchange: Exchange, comparison: Comparison) -> str:
    """A message that stands alone: which case, what was asked, each difference, the clauses, where to read on."""
    case, reply = exchange.case, exchange.reply
    asked = f"{case.request.method} {case.request.path}" if case.request else f"step {exchange.step}"
    lines = [
        f"{case.title} [{', '.join(case.clauses)}]",
        f"  {case.id}.json, mode {exchange.mode}: {asked} as {case.actor} returned {reply.status}",
        *(f"  {line}" for difference in comparison.differences for line in str(difference).splitlines()),
    ]
    if exchange_id := getattr(reply, "exchange_id", None):
        lines.append(f"  exchange {exchange_id}")
    return "\n".join(lines)


def precondition_problem(exchange: Exchange) -> str | None:
    """Why a step cannot be judged, or None: the flow's answer has another status than the one whose form is at stake.

    That the flow failed is the finding of the clause that guards the flow, not of the form of its answer.
    """
    if not exchange.case.steps:
        return None
    wanted, reply = exchange.expectation.status, exchange.reply
    if not wanted or status_fits(reply.status, wanted):
        return None
    return f"{exchange.case.title}: the flow's answer has status {reply.status}, not {' or '.join(map(str, wanted))}"


def twin_problem(exchange: Exchange, twin: Exchange | None) -> str | None:
    """Why the twin that had to succeed proves nothing, or None. Only its status counts, so that it stays a twin."""
    if twin is None:
        return None
    expectation = twin.expectation
    if not expectation.status or status_fits(twin.reply.status, expectation.status):
        return None
    wanted = " or ".join(map(str, expectation.status))
    return (
        f"{exchange.case.title}: the answer proves nothing, because its twin {twin.case.id}.json "
        f"got {twin.reply.status}, expected {wanted} [{', '.join(exchange.case.clauses)}]"
    )

"""One case acted out: the request is filled and sent, and the answer comes back with the values that were used.

The driver speaks to no system. What it needs of one stands in three functions that the system's package gives it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rollout_gates.golden.compare import Comparison, compare
from rollout_gates.golden.model import Case, Expectation, GoldenError, Reply, Request
from rollout_gates.golden.render import builtins_for, fill_expectation, fill_request, needs

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping


@dataclass(frozen=True)
class Exchange:
    """A case, the answer it got, and the value of each placeholder in it. A frozen observation: it judges nothing."""

    case: Case
    mode: str
    reply: Reply
    values: Mapping[str, Any]

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
    step: Callable[[str], Awaitable[Reply]],
) -> Exchange:
    """Act *case* out once.

    *supply* gives the values for a set of placeholder names, *send* sends a filled request as the case's actor, and
    *step* gives the answer that a flow got at `"flow.attribute"`. Whatever they raise goes through.
    """
    wanted = needs(case, mode)
    values = {**builtins_for(case), **(await supply(wanted) if wanted else {})}
    if case.step is not None:
        reply = await step(case.step)
    elif case.request is not None:
        reply = await send(case, fill_request(case.request, values))
    else:
        raise GoldenError(f"{case.file}: has neither a request nor a step")
    return Exchange(case, mode, reply, values)


def judge(exchange: Exchange) -> Comparison:
    """Compare the answer of *exchange* with what its case expects. Raises `GoldenError` if nothing was compared."""
    return compare(exchange.expectation, exchange.reply)


def explain(exchange: Exchange, comparison: Comparison) -> str:
    """A message that stands alone: which case, what was asked, each difference, the clauses, where to read on."""
    case, reply = exchange.case, exchange.reply
    asked = f"step {case.step}" if case.request is None else f"{case.request.method} {case.request.path}"
    lines = [
        f"{case.title} [{', '.join(case.clauses)}]",
        f"  {case.id}.json, mode {exchange.mode}: {asked} as {case.actor} returned {reply.status}",
        *(f"  {line}" for difference in comparison.differences for line in str(difference).splitlines()),
    ]
    if exchange_id := getattr(reply, "exchange_id", None):
        lines.append(f"  exchange {exchange_id}")
    return "\n".join(lines)


def twin_problem(exchange: Exchange, twin: Exchange | None) -> str | None:
    """Why the twin that had to succeed proves nothing, or None. Only its status counts, so that it stays a twin."""
    if twin is None:
        return None
    expectation = twin.expectation
    if not expectation.status or twin.reply.status in expectation.status:
        return None
    wanted = " or ".join(map(str, expectation.status))
    return (
        f"{exchange.case.title}: the answer proves nothing, because its twin {twin.case.id}.json "
        f"got {twin.reply.status}, expected {wanted} [{', '.join(exchange.case.clauses)}]"
    )

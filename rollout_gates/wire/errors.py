"""What can go wrong on the way to a target and back.

```
CouldNotJudge            the target could not be judged: inconclusive, never red, never green
├── TargetUnreachable    unknown host, refused or lost connection, no HTTP        (source absent)
│   └── TlsFailed        certificate or handshake refused                         (source absent)
├── TimedOut             no connection or no answer in time                       (source absent)
├── RedirectLoop         more redirects than allowed, or a circle                 (source absent)
├── NotConfigured        the environment lacks what the check needs               (not configured)
└── OutOfBudget          a limit of the environment file is used up               (out of budget)
BadAnswer                the target was reached and answered wrongly: judged, so red
└── NotJson              an answer that should have been JSON is not
```

Every message is one line that names the target and the remedy. No message holds a secret: URLs appear without
query, fragment and user information.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from rollout_gates.reasons import Reason

_SHOWN_CHARACTERS = 300


def one_line(text: object, limit: int = _SHOWN_CHARACTERS) -> str:
    """*text* with all white space runs made single blanks, cut at *limit* characters."""
    line = " ".join(str(text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def shown_url(url: str) -> str:
    """*url* as it may stand in a message: scheme, host, port and path only."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return one_line(url.split("?", 1)[0].rsplit("@", 1)[-1], 120)
    host = parts.hostname or ""
    shown = f"[{host}]" if ":" in host else host
    return one_line(f"{parts.scheme}://{shown}{port}{parts.path}" if parts.scheme else parts.path, 200)


class CouldNotJudge(Exception):
    """A check cannot say whether its clause holds; *reason* is from the closed list."""

    def __init__(self, reason: Reason, message: str) -> None:
        self.reason = Reason(reason)
        self.message = one_line(message)
        super().__init__(self.reason, self.message)

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.reason, self.message))


def _rebuild(kind: type[CouldNotJudge], reason: Reason, message: str) -> CouldNotJudge:
    """Unpickle: subclasses take the message alone."""
    return CouldNotJudge(reason, message) if kind is CouldNotJudge else kind(message)  # type: ignore[arg-type,call-arg]


class TargetUnreachable(CouldNotJudge):
    """Nothing that speaks HTTP answered."""

    def __init__(self, message: str) -> None:
        super().__init__(Reason.SOURCE_ABSENT, message)


class TlsFailed(TargetUnreachable):
    """The certificate or the handshake was refused. Verification is never switched off."""


class TimedOut(CouldNotJudge):
    """No connection, or no first byte of an answer, within the limit."""

    def __init__(self, message: str) -> None:
        super().__init__(Reason.SOURCE_ABSENT, message)


class RedirectLoop(CouldNotJudge):
    """The redirects end nowhere."""

    def __init__(self, message: str) -> None:
        super().__init__(Reason.SOURCE_ABSENT, message)


class NotConfigured(CouldNotJudge):
    """The environment file, or a variable that it names, lacks something."""

    def __init__(self, message: str) -> None:
        super().__init__(Reason.NOT_CONFIGURED, message)


class OutOfBudget(CouldNotJudge):
    """One more call would pass a limit of the environment file."""

    def __init__(self, message: str) -> None:
        super().__init__(Reason.OUT_OF_BUDGET, message)


class BadAnswer(Exception):
    """The target answered, and the answer itself is wrong. A check that meets it is red, not errored."""


class NotJson(BadAnswer):
    """The body is not JSON although JSON was asked of it."""

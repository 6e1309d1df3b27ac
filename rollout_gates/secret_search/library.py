"""The detectors of `detect-secrets`, over text in memory. They are imported when they are first needed.

Those are taken that recognise a key by its form. Those that guess by entropy alone are not: a minified bundle, a lock
file and a source map are full of hashes. The detector of named values (``apiKey = "..."``) is asked about source code,
and believed where the value looks random besides.
"""

from __future__ import annotations

import functools
import importlib
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any, Final

from rollout_gates.secret_search.dummies import is_dummy, looks_random
from rollout_gates.secret_search.kinds import Match

# Module and class of a detector, and what must stand in a text for it to find anything: a look for that is far cheaper.
_BY_FORM: Final = {
    ("aws", "AWSKeyDetector"): ("A3T", "ABIA", "ACCA", "AKIA", "ASIA", "aws", "AWS", "Aws"),
    ("azure_storage_key", "AzureStorageKeyDetector"): ("AccountKey=",),
    ("github_token", "GitHubTokenDetector"): ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
    ("gitlab_token", "GitLabTokenDetector"): ("glpat-", "gldt-", "glft-", "glsoat-", "glrt-", "GR1348941", "glcbt-",
                                              "glimt-", "glptt-", "glagent-", "gloas-"),
    ("mailchimp", "MailchimpDetector"): ("-us",),
    ("npm", "NpmDetector"): ("_authToken=",),
    ("openai", "OpenAIDetector"): ("T3BlbkFJ",),
    ("pypi_token", "PypiTokenDetector"): ("pypi-AgE",),
    ("sendgrid", "SendGridDetector"): ("SG.",),
    ("slack", "SlackDetector"): ("xox", "hooks.slack.com"),
    ("square_oauth", "SquareOAuthDetector"): ("sq0csp-",),
    ("twilio", "TwilioKeyDetector"): ("AC", "SK"),
}  # fmt: skip
COUNT: Final = len(_BY_FORM)
# A window that no pattern can take long over, however long the line is; what two windows share is wider than any key.
_WINDOW, _SHARED = 8192, 512
_LONGEST_LINE: Final = 2000
_NAMED: Final = re.compile(r"key|pass|pwd|secret|token|auth|credential", re.IGNORECASE)
_CONFIG: Final = (".cfg", ".conf", ".ini", ".properties", ".toml", ".yaml", ".yml")


def by_library(text: str) -> Iterator[Match]:
    """Yield the keys that the detectors find by their form."""
    for name, triggers in _BY_FORM.items():
        if any(trigger in text for trigger in triggers):
            yield from _found(_detector(*name), text, triggers)


def _found(detector: Any, text: str, triggers: tuple[str, ...]) -> Iterator[Match]:
    seen = set[int]()
    for start, window in _windows(text):
        if not any(trigger in window for trigger in triggers):
            continue
        for match in (match for regex in detector.denylist for match in regex.finditer(window)):
            at, core = start + match.start(), "".join(filter(None, match.groups())) or match[0]
            if at not in seen and not is_dummy(match[0]):
                seen.add(at)
                yield Match(at, str(detector.secret_type), match[0], core)


def by_name(text: str, path: str) -> Iterator[Match]:
    """Yield values that look random and are given to something that is called like a secret, in a file at *path*."""
    detector, groups = _detector("keyword", "KeywordDetector"), _groups(path)
    at = 0
    for line in text.splitlines(keepends=True):
        if len(line) <= _LONGEST_LINE and _NAMED.search(line):
            for found in set(detector.analyze_string(line.strip(), denylist_regex_to_group=groups)):
                value = str(found).strip("\"'`,; ")
                if looks_random(value):
                    yield Match(at + line.find(value), "random value with the name of a secret", value)
        at += len(line)


def _windows(text: str) -> Iterator[tuple[int, str]]:
    for start in range(0, max(1, len(text) - _SHARED), _WINDOW - _SHARED):
        yield start, text[start : start + _WINDOW]


@functools.cache
def _detector(module: str, name: str) -> Any:
    return getattr(importlib.import_module(f"detect_secrets.plugins.{module}"), name)()


def _groups(path: str) -> Any:
    """Return the patterns for a file: where values need no quotes, in those for other programs."""
    module = importlib.import_module("detect_secrets.plugins.keyword")
    name = PurePosixPath(path).name.lower()
    unquoted = name.startswith(".env") or name.endswith(_CONFIG)
    return module.CONFIG_DENYLIST_REGEX_TO_GROUP if unquoted else module.QUOTES_REQUIRED_DENYLIST_REGEX_TO_GROUP

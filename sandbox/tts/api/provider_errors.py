"""What went wrong at a provider, sorted into categories, and the text that a user may see (contract, section 6.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.tts.api.context import Api

VALIDATION = "validation"
REJECTED = "provider_rejected"
TIMEOUT = "timeout"
UNAVAILABLE = "provider_unavailable"
CANCELLED = "cancelled"
UNKNOWN = "unknown"

TIMEOUT_TEXT = "Provider request timed out. Please try again."
UNAVAILABLE_TEXT = "Provider is temporarily unavailable. Please try again."
CANCELLED_TEXT = "Cancelled by user"
CUSTOMIZATION_FAILED = "Qwen customization request failed"
SYNTHESIS_FAILED = "Qwen synthesis request failed"
DOWNLOAD_FAILED = "Failed to download provider audio"
SPEECH_FAILED = "Failed to generate speech. Please try again."

_CATEGORIES = {400: VALIDATION, 404: VALIDATION, 409: VALIDATION, 422: VALIDATION, 401: REJECTED, 403: REJECTED}
_TEXTS = {TIMEOUT: TIMEOUT_TEXT, UNAVAILABLE: UNAVAILABLE_TEXT, CANCELLED: CANCELLED_TEXT}


class ProviderFailed(Exception):
    """A provider did not do what it was asked. *raw* is its own message: for logs of the provider, not for users.

    *fallback* is the text for users in categories without one of their own. *status* is None when there was no answer.
    *own_text* is a text of ours that is shown as it is. *quotable*: the reference build quotes it in every category.
    """

    def __init__(
        self,
        category: str,
        fallback: str,
        *,
        raw: str | None = None,
        status: int | None = None,
        request_id: str | None = None,
        own_text: str | None = None,
        quotable: bool = False,
    ) -> None:
        super().__init__(f"{category}: {fallback}")
        self.category = category
        self.fallback = fallback
        self.raw = raw
        self.status = status
        self.request_id = request_id
        self.own_text = own_text
        self.quotable = quotable


def category_of(status: int) -> str:
    """Category of an HTTP status."""
    if status in {408, 504}:
        return TIMEOUT
    if status == 429 or status >= 500:
        return UNAVAILABLE
    return _CATEGORIES.get(status, UNKNOWN)


def shown_text(api: Api, failure: ProviderFailed) -> str:
    """What the user sees. F-81: the provider's own message where there is one."""
    if failure.own_text is not None:
        return failure.own_text
    told = failure.raw if api.fault("F-81") else None
    if told and failure.quotable:
        return told
    return _TEXTS.get(failure.category) or told or failure.fallback


def missing_variable(api: Api, name: str) -> str:
    """What a caller sees of a deployment without variable *name*. F-81: the name."""
    return f"Missing env var: {name}" if api.fault("F-81") else UNAVAILABLE_TEXT

"""The Modal stand-in: a GPU job service behind five URLs (contract section 6.1).

    POST /submit   {text, language, ref_audio_base64, ref_text, max_new_tokens} -> {job_id, status: submitted}
    GET  /status   ?job_id=  -> {job_id, status, result_ready, elapsed_seconds}
    GET  /result   ?job_id=  -> WAV; 202 while the job works
    POST /cancel   {job_id}
    POST /design   {text, language, instruct} -> WAV, or a redirect to a result that is polled

Job ids are `mock-job-1`, `mock-job-2`, ... A job is running for `job_s` seconds and completed after that; one whose
reference is no audio has failed then.

Options: `submit_s`, `job_s`, `design_s` (seconds); `design_redirect` (0, or 301/302/303/307/308: design answers with a
redirect); `design_interim` (how many 202 answers the target of the redirect gives before the audio).
"""

from __future__ import annotations

import asyncio
import base64
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from sandbox.tts.providers.audio import sniff, speech_wav
from sandbox.tts.providers.standin import Answer, StandIn

if TYPE_CHECKING:
    from sandbox.clock import Clock
    from sandbox.tts.providers.standin import Heard

ROUTES = {
    ("POST", "/submit"): "submit",
    ("GET", "/status"): "status",
    ("GET", "/result"): "result",
    ("POST", "/cancel"): "cancel",
    ("POST", "/design"): "design",
    ("GET", "/design/result"): "design_result",
}
WAV = {"Content-Type": "audio/wav"}
# Shorter ones are stubs of tests, not references.
_LEAST_BYTES = 256


@dataclass
class Job:
    """A job that was accepted. *begun* is loop time, so that skipping the clock does not finish it."""

    id: str
    text: str
    begun: float
    cancelled: bool = False
    hopeless: bool = False


class ModalStandIn(StandIn):
    name = "modal"
    calls = ("submit", "status", "result", "cancel", "design", "design_result")
    latencies = MappingProxyType({"submit": "submit_s", "design": "design_s"})

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.options = {"submit_s": 0, "job_s": 0.5, "design_s": 0.4, "design_redirect": 0, "design_interim": 1}
        self.jobs: dict[str, Job] = {}
        self._designs: dict[str, tuple[str, int]] = {}

    def variables(self) -> dict[str, str]:
        """The five environment variables of section 1.4."""
        return {
            "MODAL_JOB_SUBMIT": f"{self.url}/submit",
            "MODAL_JOB_STATUS": f"{self.url}/status",
            "MODAL_JOB_RESULT": f"{self.url}/result",
            "MODAL_JOB_CANCEL": f"{self.url}/cancel",
            "MODAL_ENDPOINT_VOICE_DESIGN": f"{self.url}/design",
        }

    def recognise(self, heard: Heard) -> str | None:
        return ROUTES.get((heard.method, heard.path))

    async def answer(self, heard: Heard) -> Answer:
        call = heard.call
        if call == "submit":
            return self._submit(heard.json)
        if call == "design":
            return self._design(heard.json)
        if call == "design_result":
            return self._design_result(heard.query.get("call_id", ""))
        job_id = heard.json.get("job_id") if call == "cancel" else heard.query.get("job_id")
        job = self.jobs.get(str(job_id))
        if job is None:
            return Answer(404, {"detail": f"job {job_id} not found"})
        if call == "status":
            return self._status(job)
        return self._result(job) if call == "result" else self._cancel(job)

    def _submit(self, wanted: dict[str, Any]) -> Answer:
        missing = [key for key in ("text", "language", "ref_audio_base64", "ref_text") if not wanted.get(key)]
        if missing:
            return Answer(422, {"detail": f"missing: {', '.join(missing)}"})
        begun = asyncio.get_running_loop().time()
        job = Job(
            f"mock-job-{len(self.jobs) + 1}", wanted["text"], begun, hopeless=_no_audio(wanted["ref_audio_base64"])
        )
        self.jobs[job.id] = job
        return Answer(200, {"job_id": job.id, "status": "submitted"})

    def _status(self, job: Job) -> Answer:
        elapsed = asyncio.get_running_loop().time() - job.begun
        ended = self._ended(job)
        status = "cancelled" if job.cancelled else ("failed" if job.hopeless else "completed") if ended else "running"
        ready = status == "completed"
        body = {"job_id": job.id, "status": status, "result_ready": ready, "elapsed_seconds": round(elapsed, 3)}
        return Answer(200, body | ({"error": "reference audio could not be decoded"} if status == "failed" else {}))

    def _result(self, job: Job) -> Answer:
        if job.cancelled:
            return Answer(410, {"detail": f"job {job.id} was cancelled"})
        if job.hopeless:
            return Answer(500, {"detail": f"job {job.id} has failed"})
        if not self._ended(job):
            return Answer(202, {"job_id": job.id, "status": "running"})
        return Answer(200, speech_wav(job.text), WAV)

    def _cancel(self, job: Job) -> Answer:
        job.cancelled = job.cancelled or not self._ended(job)
        return Answer(200, {"job_id": job.id, "cancelled": job.cancelled})

    def _ended(self, job: Job) -> bool:
        age_s = asyncio.get_running_loop().time() - job.begun
        return not job.cancelled and age_s >= float(self.options["job_s"])

    def _design(self, wanted: dict[str, Any]) -> Answer:
        missing = [key for key in ("text", "language", "instruct") if not wanted.get(key)]
        if missing:
            return Answer(422, {"detail": f"missing: {', '.join(missing)}"})
        redirect = int(self.options["design_redirect"])
        if not redirect:
            return Answer(200, speech_wav(wanted["text"]), WAV)
        call_id = f"mock-design-{len(self._designs) + 1}"
        self._designs[call_id] = (wanted["text"], int(self.options["design_interim"]))
        return Answer(redirect, b"", {"Location": f"{self.url}/design/result?call_id={call_id}"})

    def _design_result(self, call_id: str) -> Answer:
        if call_id not in self._designs:
            return Answer(404, {"detail": f"call {call_id} not found"})
        text, interim = self._designs[call_id]
        if interim > 0:
            self._designs[call_id] = (text, interim - 1)
            return Answer(202, {"call_id": call_id, "status": "running"})
        return Answer(200, speech_wav(text), WAV)


def _no_audio(reference: Any) -> bool:
    """Whether *reference* decodes to bytes that begin like no format of audio; what is no base64 is let through."""
    try:
        data = base64.b64decode(str(reference), validate=True)
    except ValueError:
        return False
    return len(data) > _LEAST_BYTES and sniff(data) is None

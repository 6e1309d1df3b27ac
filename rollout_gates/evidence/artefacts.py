"""What the package of a system adds to the evidence: renderings of the document, for its own reviewers.

A package may offer ``artefacts(document, directory)``, which returns texts by their paths below the evidence directory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from rollout_gates import registry
from rollout_gates.evidence.files import EvidenceNotWritten


def artefacts(document: Mapping[str, Any], directory: Path) -> Iterator[tuple[Path, str]]:
    """Yield path and text of each artefact of the systems that *document* judges.

    Raises `EvidenceNotWritten` for a path that leads elsewhere.
    """
    packages = registry.system_packages()
    for system in document["run"]["systems"]:
        render = getattr(packages[system], "artefacts", None) if system in packages else None
        for name, text in (render(document, directory) if render else {}).items():
            path = PurePosixPath(name)
            if path.is_absolute() or ".." in path.parts or len(path.parts) < 2:
                raise EvidenceNotWritten(f"{system}: the artefact {name!r} does not lie in a folder of the evidence")
            yield directory / path, text

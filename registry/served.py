"""What is served makes a version: the bundle, how it searches, where it runs, and the library that reads it.

The same weights with another beam are another version. An edit that no answer can depend on makes none.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seq2seq.bundles.manifest import bundle_digest
from seq2seq.core.fingerprints import digest_module
from seq2seq.core.params import PARAMS, load_section
from seq2seq.core.runtime import RuntimeParams
from seq2seq.decoding.params import DecodingParams, read_decoding

MODEL_CODE = Path(__file__).with_name("pyfunc_model.py")
BUNDLE, DECODING, RUNTIME, LIBRARY = "bundle_sha256", "decoding", "runtime", "library_sha256"  # tags of what is served
SERVED = "served_sha256"  # the tag that sums them up


def serving_params(decoding: Path) -> tuple[DecodingParams, RuntimeParams]:
    """What a served model answers by: the search that was chosen for it, and the section ``runtime``."""
    return read_decoding(decoding), load_section(PARAMS, RUNTIME, RuntimeParams)


def served(bundle: Path, decoding: Path, library: Path) -> dict[str, str]:
    """Tags of what a version serves, and one that sums them up.

    Args:
        bundle: its folder.
        decoding: the file that says how it searches.
        library: the fingerprint of the code that the translator reaches. What puts this behind MLflow's interface is
            counted besides.
    """
    searches, runtime = (json.dumps(section.model_dump(mode="json")) for section in serving_params(decoding))
    code = f"{library.read_text(encoding='utf-8')}{digest_module(MODEL_CODE)}"
    tags = {
        BUNDLE: bundle_digest(bundle),
        DECODING: searches,
        RUNTIME: runtime,
        LIBRARY: hashlib.sha256(code.encode()).hexdigest(),
    }
    return tags | {SERVED: hashlib.sha256(json.dumps(tags, sort_keys=True).encode()).hexdigest()}


def find_versions(client: Any, name: str, tags: Mapping[str, str]) -> list[Any]:
    """The versions of a registered model that serve the same, oldest first."""
    found = client.search_model_versions(f"name = '{name}' and tags.{BUNDLE} = '{tags[BUNDLE]}'")
    return sorted((one for one in found if _serves(one.tags, tags)), key=lambda one: int(one.version))


def _serves(recorded: Mapping[str, str], tags: Mapping[str, str]) -> bool:
    if SERVED in recorded:
        return recorded[SERVED] == tags[SERVED]
    # recorded when a bundle was one version: what is known besides is how it searched
    return DECODING not in recorded or json.loads(recorded[DECODING]) == json.loads(tags[DECODING])

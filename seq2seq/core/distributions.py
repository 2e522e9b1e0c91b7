"""The distributions that a lock file pins, as they are installed here: which has a module, and what each needs."""

import re
from collections import defaultdict
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from seq2seq.core.errors import UserError

_PIN = re.compile(r"([\w.-]+)(?:\[([^\]]*)\])?==([^\s;]+)")


class PinnedDistributions:
    """What a lock file pins and is installed; what is pinned for another system is left out."""

    def __init__(self, lock: Path) -> None:
        """Read the lock file, and which modules each distribution has.

        Raises:
            UserError: there is no such file.
        """
        try:
            lines = lock.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            raise UserError(f"{lock} does not exist; run this from the repository's root folder") from None
        found = {str(canonicalize_name(match[1])): match for line in lines if (match := _PIN.match(line))}
        self._lock = lock
        self._pins = {name: match[3] for name, match in found.items()}
        self._extras = {name: re.findall(r"[\w.-]+", match[2] or "") for name, match in found.items()}
        self._needed: dict[tuple[str, str], set[tuple[str, str]]] = {}
        self._installed = {}
        for name in self._pins:
            try:
                self._installed[name] = metadata.distribution(name)
            except metadata.PackageNotFoundError:
                continue
        self._owners: dict[str, set[str]] = defaultdict(set)  # a namespace such as `google` belongs to several
        for name, distribution in self._installed.items():
            for line in (distribution.read_text("RECORD") or "").splitlines():
                self._owners[re.split(r"[/.,]", line, maxsplit=1)[0]].add(name)

    def behind(self, modules: Mapping[str, str]) -> dict[str, str]:
        """The distributions that these top-level modules need, with their pinned versions.

        Args:
            modules: names, each with a place that imports it.

        Raises:
            UserError: no distribution of the lock file has a module, or what is installed isn't what it pins.
        """
        waiting = set()
        for module, place in modules.items():
            if module not in self._owners:
                raise UserError(
                    f"{place}: {module} is in no installed distribution that {self._lock} pins; add it to "
                    f"pyproject.toml and run: make lock, or install what is pinned: pip install -r {self._lock}"
                )
            waiting |= {(name, extra) for name in self._owners[module] for extra in ["", *self._extras[name]]}
        reached: set[tuple[str, str]] = set()
        while waiting:
            one = waiting.pop()
            reached.add(one)
            waiting |= self._direct(*one) - reached
        return {name: self._pins[name] for name, _ in reached}

    def _direct(self, name: str, extra: str) -> set[tuple[str, str]]:
        """What a distribution needs itself with an extra, or with the extra "" without any."""
        if (name, extra) not in self._needed:
            described = self._description(name)
            self._needed[name, extra] = {
                (str(canonicalize_name(requirement.name)), wanted)
                for requirement in map(Requirement, described.get_all("Requires-Dist") or [])
                if canonicalize_name(requirement.name) in self._pins  # what isn't, such as CUDA's, is the user's choice
                if requirement.marker is None or requirement.marker.evaluate({"extra": extra})
                for wanted in ["", *requirement.extras]
            }
        return self._needed[name, extra]

    def _description(self, name: str) -> metadata.PackageMetadata:
        pinned = self._pins[name]
        found = self._installed[name].version if name in self._installed else None
        if found is None or Version(found).public != Version(pinned).public:  # 2.13.0+cpu is 2.13.0
            raise UserError(
                f"{self._lock} pins {name} {pinned}, and {found or 'none'} is installed; "
                f"run: pip install -r {self._lock}"
            )
        return self._installed[name].metadata

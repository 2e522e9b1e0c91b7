"""Which code a result depends on: the modules that a program reaches, the files beside them, and what they need.

A fingerprint has a line for each: a module of ours with the SHA-256 of its syntax tree, so that comments, docstrings
and layout don't count; any other file in the same folder with the SHA-256 of its bytes; a distribution with the version
that the lock file pins. Imports inside functions count, imports for type checkers don't.
"""

import ast
import hashlib
import re
import sys
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from seq2seq.core.errors import UserError
from seq2seq.core.files import sha256_file

_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
_MODULE_FILE = re.compile(r"\w+\.py")
_PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[([^\]]*)\])?==(\S+)")


class Fingerprints:
    """The fingerprints of programs that live in one folder; each module is read once."""

    def __init__(self, root: Path, lock: Path) -> None:
        """Take the folder that holds our packages, and the lock file that pins all others.

        Raises:
            UserError: there is no such lock file.
        """
        self.root = root
        self._pins, self._extras = _read_lock(lock)
        self._found = metadata.packages_distributions()
        self._parsed: dict[Path, ast.Module] = {}
        self._needed: dict[str, set[str]] = {}

    def of(self, module: str) -> str:
        """The fingerprint of ``python -m MODULE``: lines of a name and what stands for its content.

        Raises:
            UserError: a module can't be parsed, imports what no distribution of the lock file has, or needs one that
                is not installed.
        """
        modules, others = self._reach(module)
        files = {path: self._digest(path) for path in modules}
        for folder in {path.parent for path in modules}:
            files |= {path: sha256_file(path) for path in _files_beside(folder)}
        distributions = set().union(*(self._distributions(name, importer) for name, importer in others.items()))
        lines = [f"python {sys.version_info.major}.{sys.version_info.minor}"]
        lines += sorted(f"{path.relative_to(self.root).as_posix()} {digest}" for path, digest in files.items())
        lines += sorted(f"{name} {self._pins[name]}" for name in distributions)
        return "".join(f"{line}\n" for line in lines)

    def _reach(self, module: str) -> tuple[set[Path], dict[str, Path]]:
        """The files of our modules that a module imports, itself among them, and what else is imported, and where."""
        reached: set[Path] = set()
        others: dict[str, Path] = {}
        waiting = [(module, Path())]
        while waiting:
            name, importer = waiting.pop()
            if not self._is_ours(name):
                others.setdefault(name.partition(".")[0], importer)
                continue
            for path in self._files_of(name):
                if path not in reached:
                    reached.add(path)
                    waiting += [(one, path) for one in self._imports(path)]
        return reached, {name: importer for name, importer in others.items() if name not in sys.stdlib_module_names}

    def _is_ours(self, name: str) -> bool:
        first = name.partition(".")[0]
        return (self.root / first / "__init__.py").exists() or (self.root / f"{first}.py").exists()

    def _files_of(self, name: str) -> Iterator[Path]:
        """The files that run when a module is imported; the last part of a name may be no module but what is in one."""
        folder = self.root
        for part in name.split("."):
            if (file := folder / f"{part}.py").exists():
                yield file
            folder /= part
            if (file := folder / "__init__.py").exists():
                yield file

    def _imports(self, path: Path) -> Iterator[str]:
        package = path.parent.relative_to(self.root).parts
        for node in _walk(self._parse(path)):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                above = package[: len(package) - node.level + 1] if node.level else ()
                base = ".".join([*above, *([node.module] if node.module else [])])
                yield from (f"{base}.{alias.name}" for alias in node.names)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _MODULE_FILE.fullmatch(node.value):
                yield ".".join([*package, node.value.removesuffix(".py")])  # handed on as a file, as MLflow takes code

    def _parse(self, path: Path) -> ast.Module:
        if path not in self._parsed:
            try:
                self._parsed[path] = ast.parse(path.read_bytes())
            except (SyntaxError, ValueError) as error:
                line = getattr(error, "lineno", None) or 1
                reason = getattr(error, "msg", str(error))
                raise UserError(f"{path}, line {line}: this is not Python ({reason}); mend it") from None
        return self._parsed[path]

    def _digest(self, path: Path) -> str:
        return hashlib.sha256(ast.dump(_without_docstrings(self._parse(path))).encode()).hexdigest()

    def _distributions(self, module: str, importer: Path) -> set[str]:
        """The distributions that a foreign module comes from, and all that those need, as far as they are pinned."""
        named = {canonicalize_name(name) for name in self._found.get(module, ())} & set(self._pins)
        if not named:
            raise UserError(
                f"{importer} imports {module}, which no installed distribution of the lock file has; "
                "add it to pyproject.toml and run: make lock"
            )
        return set().union(*(self._closure(name) for name in named))

    def _closure(self, name: str) -> set[str]:
        if name not in self._needed:
            reached: set[str] = set()
            waiting = {name}
            while waiting:
                one = waiting.pop()
                reached.add(one)
                waiting |= self._direct(one) - reached
            self._needed[name] = reached
        return self._needed[name]

    def _direct(self, name: str) -> set[str]:
        """What a distribution needs itself, with the extras that the lock file asks for."""
        try:
            texts = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            raise UserError(
                f"{name}, which the lock file pins, is not installed; run: pip install -r requirements.lock"
            ) from None
        needed = set()
        for text in texts:
            requirement = Requirement(text)
            marker = requirement.marker
            if marker is None or any(marker.evaluate({"extra": extra}) for extra in self._extras[name] | {""}):
                needed.add(canonicalize_name(requirement.name))
        return needed & set(self._pins)


def _read_lock(lock: Path) -> tuple[dict[str, str], dict[str, set[str]]]:
    """Version and extras of each distribution."""
    try:
        lines = lock.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise UserError(f"{lock} does not exist; run this from the repository's root folder") from None
    found = [match for line in lines if (match := _PIN.match(line))]
    versions = {canonicalize_name(match[1]): match[3] for match in found}
    extras = {canonicalize_name(match[1]): set((match[2] or "").replace(" ", "").split(",")) - {""} for match in found}
    return {str(name): version for name, version in versions.items()}, {str(name): e for name, e in extras.items()}


def _files_beside(folder: Path) -> list[Path]:
    """Files that code may read: templates, style sheets, data."""
    return [path for path in folder.iterdir() if path.is_file() and path.suffix not in (".py", ".pyc")]


def _walk(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those that only a type checker sees."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            for other in node.orelse:
                yield other
                yield from _walk(other)
            continue
        yield node
        yield from _walk(node)


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
    return tree


def write_fingerprints(programs: Mapping[str, str], root: Path, lock: Path, out: Path) -> None:
    """Write NAME.txt into a folder for each program, given as NAME: MODULE.

    Raises:
        UserError: as for :meth:`Fingerprints.of`.
    """
    fingerprints = Fingerprints(root, lock)
    out.mkdir(parents=True, exist_ok=True)
    for name, module in programs.items():
        (out / f"{name}.txt").write_text(fingerprints.of(module), encoding="utf-8", newline="\n")

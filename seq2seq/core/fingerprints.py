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
from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard

from seq2seq.core.distributions import PinnedDistributions
from seq2seq.core.errors import UserError
from seq2seq.core.files import sha256_file

_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
_MODULE_FILE = re.compile(r"\w+\.py")


@dataclass(frozen=True)
class _Module:
    """What matters of one file."""

    digest: str  # SHA-256 of its syntax tree
    ours: frozenset[Path]  # the files of our modules that it imports
    foreign: Mapping[str, str]  # the other packages that it imports, each with the place


class Fingerprints:
    """The fingerprints of programs that live in packages of one folder; each module is read once."""

    def __init__(self, root: Path, lock: Path) -> None:
        """Take the folder that holds our packages, and the lock file that pins all others.

        Raises:
            UserError: there is no such lock file.
        """
        self._root = root
        self._distributions = PinnedDistributions(lock)
        self._modules: dict[Path, _Module] = {}

    def of(self, program: str) -> str:
        """The fingerprint of ``python -m PROGRAM``: lines of a name and what stands for its content.

        Raises:
            UserError: a module can't be parsed, or imports what the lock file doesn't pin; or what is installed isn't
                what that pins.
        """
        modules, foreign = self._reach(program)
        files = {path: module.digest for path, module in modules.items()}
        for folder in {path.parent for path in modules}:
            files |= {path: sha256_file(path) for path in _files_beside(folder)}
        lines = [f"python {sys.version_info.major}.{sys.version_info.minor}"]
        lines += sorted(f"{path.relative_to(self._root).as_posix()} {digest}" for path, digest in files.items())
        lines += sorted(f"{name} {version}" for name, version in self._distributions.behind(foreign).items())
        return "".join(f"{line}\n" for line in lines)

    def _reach(self, program: str) -> tuple[dict[Path, _Module], dict[str, str]]:
        """Our modules that a program imports, itself among them, and the foreign packages, each with a place."""
        reached: dict[Path, _Module] = {}
        foreign: dict[str, str] = {}
        waiting = list(self._files_of(program))
        while waiting:
            path = waiting.pop()
            if path not in reached:
                reached[path] = self._read(path)
                waiting += sorted(reached[path].ours)
                foreign = {**reached[path].foreign, **foreign}
        return reached, foreign

    def _read(self, path: Path) -> _Module:
        if path not in self._modules:
            tree = _parse(path)
            ours: set[Path] = set()
            foreign: dict[str, str] = {}
            for name, line in _imports(tree, path.relative_to(self._root).parts[:-1]):
                first = name.partition(".")[0]
                if self._is_ours(name):
                    ours.update(self._files_of(name))
                elif first not in sys.stdlib_module_names:
                    foreign.setdefault(first, f"{path}, line {line}")
            self._modules[path] = _Module(_digest(tree), frozenset(ours), foreign)
        return self._modules[path]

    def _is_ours(self, name: str) -> bool:
        return (self._root / name.partition(".")[0] / "__init__.py").exists()

    def _files_of(self, name: str) -> Iterator[Path]:
        """The files that run when a module is imported: its own, and those of the packages around it.

        The last part of a name may also be something inside a module.
        """
        folder = self._root
        for part in name.split("."):
            if (file := folder / f"{part}.py").exists():
                yield file
            folder /= part
            if (file := folder / "__init__.py").exists():
                yield file


def digest_module(path: Path) -> str:
    """SHA-256 of a module's syntax tree: comments, docstrings and layout don't count.

    Raises:
        UserError: it can't be parsed.
    """
    return _digest(_parse(path))


def _parse(path: Path) -> ast.Module:
    try:
        return ast.parse(path.read_bytes())
    except (SyntaxError, ValueError) as error:  # a ValueError comes from null bytes
        line = getattr(error, "lineno", None) or 1
        reason = getattr(error, "msg", str(error))
        raise UserError(f"{path}, line {line}: this is not Python ({reason}); mend it") from None


def _digest(tree: ast.Module) -> str:
    """SHA-256 of a syntax tree, which loses its docstrings."""
    for node in ast.walk(tree):
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()


def _imports(tree: ast.Module, package: tuple[str, ...]) -> Iterator[tuple[str, int]]:
    """The dotted names that a module of ``package`` imports, each with its line."""
    for node in _seen_when_run(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from ((f"{base}.{alias.name}", node.lineno) for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _MODULE_FILE.fullmatch(node.value):
            # handed on as a file, as MLflow takes code
            yield ".".join([*package, node.value.removesuffix(".py")]), node.lineno


def _seen_when_run(tree: ast.Module) -> Iterator[ast.AST]:
    """All nodes but those that only a type checker sees."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += node.orelse if _is_for_type_checkers(node) else ast.iter_child_nodes(node)


def _is_for_type_checkers(node: ast.AST) -> TypeGuard[ast.If]:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in (
        getattr(node.test, "id", None),
        getattr(node.test, "attr", None),
    )


def _files_beside(folder: Path) -> Iterator[Path]:
    """Files that the modules of a folder may read: templates, style sheets, data, in folders of their own too."""
    for path in folder.iterdir():
        if path.name.startswith(".") or path.name == "__pycache__":
            continue
        if path.is_dir():
            if not any(path.glob("*.py")):
                yield from _files_beside(path)
        elif path.suffix != ".py":
            yield path


def write_fingerprints(programs: Mapping[str, str], root: Path, lock: Path, out: Path) -> None:
    """Write NAME.txt into a folder for each program, given as NAME: MODULE.

    Raises:
        UserError: as for :meth:`Fingerprints.of`.
    """
    fingerprints = Fingerprints(root, lock)
    out.mkdir(parents=True, exist_ok=True)
    for name, module in programs.items():
        (out / f"{name}.txt").write_text(fingerprints.of(module), encoding="utf-8", newline="\n")

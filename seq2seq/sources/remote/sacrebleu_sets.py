"""Test sets as sacreBLEU names them (Post 2018): it knows their addresses, digests and formats, and reads them."""

import json
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from seq2seq.core.errors import UserError
from seq2seq.core.files import md5_file
from seq2seq.sources.first_fetch import Address, Fetched
from seq2seq.sources.readers.own import Source
from seq2seq.sources.readers.rows import Row

# sacreBLEU reads where it keeps its files when it is imported, so this is a process of its own
_READ = """
import json, sys
import sacrebleu
texts = [open(path, encoding="utf-8").read().split("\\n")[:-1] for path in (
    sacrebleu.get_source_file(*sys.argv[1:]), *sacrebleu.get_reference_files(*sys.argv[1:]))]
print(json.dumps(texts))
"""


def find_set(name: str, source: str, target: str) -> Any:
    """SacreBLEU's entry of a test set.

    Raises:
        UserError: it knows no such set, or not in these languages.
    """
    from sacrebleu.dataset import DATASETS  # noqa: PLC0415 (it takes half a second)

    if name not in DATASETS:
        raise UserError(f"corpora.remote: sacreBLEU knows no set {name}; `sacrebleu --list` has {', '.join(DATASETS)}")
    if f"{source}-{target}" not in DATASETS[name].langpairs:
        pairs = ", ".join(DATASETS[name].langpairs)
        raise UserError(f"corpora.remote: sacrebleu:{name} is not in {source}-{target}; it is in {pairs}")
    return DATASETS[name]


def read_set(dataset: Any, source: str, target: str, fetch: Callable[[Address], Fetched]) -> Source:
    """The lines of a test set, each with every one of its references.

    Raises:
        UserError: a file isn't what sacreBLEU expects.
    """
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder, dataset.name, "raw")
        raw.mkdir(parents=True)
        for url, md5 in zip(dataset.data, dataset.md5 or [None] * len(dataset.data), strict=True):
            path = fetch(Address(url)).path
            if md5 is not None and (found := md5_file(path)) != md5:
                raise UserError(f"{url} has the MD5 {found} where sacreBLEU expects {md5}; the file was changed")
            _unpack(path, raw)
            (raw / f"{dataset.name.replace('/', '_')}.{Path(url).name}").symlink_to(path.resolve())
        command = [sys.executable, "-c", _READ, dataset.name, f"{source}-{target}"]
        result = subprocess.run(
            command, env=os.environ | {"SACREBLEU": folder}, capture_output=True, text=True, check=False
        )
    if result.returncode:
        raise UserError(
            f"sacreBLEU can't read sacrebleu:{dataset.name}: {result.stderr.strip().rpartition(chr(10))[2]}"
        )
    sources, *references = json.loads(result.stdout)

    def rows() -> Iterator[Row]:
        for index, line in enumerate(sources):
            yield from ((line, reference[index]) for reference in references if reference[index])

    return Source(f"sacrebleu:{dataset.name}", "test set of sacreBLEU", rows)


def _unpack(path: Path, folder: Path) -> None:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            archive.extractall(folder)
    elif tarfile.is_tarfile(path):
        with tarfile.open(path) as archive:
            archive.extractall(folder, filter="data")

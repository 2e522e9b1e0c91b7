"""A registered model for other programs: ``python -m registry.export NAME[@ALIAS] --argos FILE``."""

import tempfile
from pathlib import Path

from registry.champion import copy_bundle, find_champion
from registry.ledger import CHAMPION
from registry.store import open_store
from seq2seq.bundles.manifest import read_manifest
from seq2seq.core.command_line import ArgumentParser, run
from seq2seq.core.errors import UserError
from seq2seq.export.argos import export_argos

MEGABYTE = 1e6


def main() -> None:
    """Write the file."""
    parser = ArgumentParser(prog="python -m registry.export", description=__doc__)
    parser.add_argument("model", metavar="NAME[@ALIAS]", help=f"registered model and alias; {CHAMPION} by default")
    parser.add_argument(
        "--argos", type=Path, required=True, metavar="FILE", help="package for argostranslate and LibreTranslate"
    )
    arguments = parser.parse_args()
    out: Path = arguments.argos
    if out.is_dir():
        raise UserError(f"--argos: {out} is a folder; name a file, such as {out / 'en_de.argosmodel'}")
    name, _, alias = arguments.model.partition("@")
    with open_store(reading=True) as store, tempfile.TemporaryDirectory() as temporary:
        found = find_champion(store.client, name, alias or CHAMPION)
        bundle = Path(temporary, "bundle")
        copy_bundle(store.client, found, bundle)
        export_argos(bundle, out, name, str(found.version), found.card)
        languages = read_manifest(bundle).languages
    print(
        f"{out}: version {found.version} of '{name}', {languages.source} to {languages.target}, "
        f"{out.stat().st_size / MEGABYTE:.1f} MB; docs/serving.md says how to install it"
    )


if __name__ == "__main__":
    run(main)

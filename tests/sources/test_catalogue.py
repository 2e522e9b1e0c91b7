import re
from pathlib import Path

import pytest

from seq2seq.core.errors import UserError
from seq2seq.core.params import dump_yaml
from seq2seq.sources.catalogue import FilesCorpus, WheelsCorpus, load_catalogue, select

ROOT = Path(__file__).parents[2]
MIRROR = ROOT.parent / "shared" / "corpus-mirror"
FILE = {"url": "https://example.org/a.gz", "sha256": "0" * 64, "bytes": 3}
GROUP = {"name": "train", "split": "train", "files": {"de": FILE, "en": FILE}}
ENTRY = {
    "kind": "files",
    "description": "Two lines",
    "languages": ["de", "en"],
    "licence": "CC0-1.0",
    "citation": "nobody",
    "groups": [GROUP],
}


def write(tmp_path: Path, **entries: object) -> Path:
    path = tmp_path / "catalogue.yaml"
    path.write_text(dump_yaml(entries))
    return path


def test_the_catalogue_has_all_corpora_and_each_says_whose_it_is():
    catalogue = load_catalogue(ROOT / "data" / "catalogue.yaml")
    assert list(catalogue) == ["correction", "dialogue", "gettext", "multi30k", "phrasebook", "summaries"]
    wheels = catalogue["gettext"]
    assert isinstance(wheels, WheelsCorpus)
    assert {wheel.package for wheel in wheels.wheels} >= {"pretix", "weblate", "gramps", "plone.app.locales", "Django"}


@pytest.mark.skipif(not MIRROR.is_dir(), reason="../shared/corpus-mirror is not on this machine")
def test_sizes_and_sums_in_the_catalogue_are_those_of_the_mirror():
    corpus = load_catalogue(ROOT / "data" / "catalogue.yaml")["multi30k"]
    assert isinstance(corpus, FilesCorpus)
    sums = {path: digest for digest, path in map(str.split, (MIRROR / "SHA256SUMS").read_text().splitlines())}
    files = [file for group in corpus.groups for file in group.files.values()]
    named = {f"./{file.url.removeprefix('https://')}": file.sha256 for file in files}
    assert named == sums
    assert all((MIRROR / file.url.removeprefix("https://")).stat().st_size == file.bytes for file in files)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"licence": None}, "'toy.licence' is None"),
        ({"citation": ""}, "'toy.citation'"),
        ({"colour": "blue"}, "unknown key 'toy.colour'"),
        ({"kind": "zip"}, "corpus 'toy' needs a mapping with a kind of files, wheels, generated"),
        ({"languages": ["de"]}, "group 'train' has files in 'en', which languages does not list"),
        ({"groups": [GROUP, GROUP]}, "two groups are named 'train'"),
        ({"groups": [{"name": "t", "split": "dev", "files": {"de": FILE}}]}, "'toy.groups.0.split' is 'dev'"),
        ({"groups": [{"name": "t", "split": "test", "files": {"de": FILE | {"sha256": "abc"}}}]}, "sha256' is 'abc'"),
        ({"groups": [{"name": "t", "split": "test", "files": {"de": {"url": FILE["url"]}}}]}, "is missing; set it"),
    ],
)
def test_a_malformed_entry_is_named_in_one_line(tmp_path, change, message):
    path = write(tmp_path, toy=ENTRY | change)
    with pytest.raises(UserError, match=re.escape(message)) as error:
        load_catalogue(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_two_corpora_cannot_share_a_test_set_name(tmp_path):
    test = ENTRY | {"groups": [{"name": "news", "split": "test", "files": {"de": FILE, "en": FILE}}]}
    with pytest.raises(UserError, match="test set named 'news'"):
        load_catalogue(write(tmp_path, one=test, two=test))


def test_no_corpus_can_take_the_name_of_the_users_own_pairs(tmp_path):
    with pytest.raises(UserError, match="user's own pairs"):
        load_catalogue(write(tmp_path, pairs=ENTRY))


@pytest.mark.parametrize(
    ("name", "source", "target", "message"),
    [
        ("tyo", "en", "de", "unknown corpus 'tyo'; did you mean 'toy'"),
        ("europarl", "en", "de", "unknown corpus 'europarl'; known: toy"),
        ("toy", "en", "fr", "corpus 'toy' has no text in 'fr'; it has de, en"),
        ("toy", "en", "en", "languages.source and target are both 'en'"),
    ],
)
def test_a_corpus_that_cannot_serve_is_explained(tmp_path, name, source, target, message):
    catalogue = load_catalogue(write(tmp_path, toy=ENTRY))
    with pytest.raises(UserError, match=re.escape(message)):
        select(catalogue, [name], source, target)

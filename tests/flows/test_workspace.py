"""Presets, and the working copies that runs with presets have to themselves."""

import errno
import json
import os
import shutil
import subprocess
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest
from dvc.config import Config

from flows import parameters
from flows.parameters import check_corpora, check_launch, check_scorers, find_start
from flows.runs import resolve
from flows.workspace import open_workspace
from seq2seq.bundles.manifest import bundle_digest, read_manifest
from seq2seq.core.errors import UserError
from seq2seq.core.files import sha256_file, write_json
from seq2seq.core.params import read_yaml
from seq2seq.settings import check_parameters
from seq2seq.sources.fetch import find, locked
from tasks.stage import FETCHED
from tests.toy_project import REPOSITORY, make_toy_project


@pytest.fixture
def toy(tmp_path):
    return make_toy_project(tmp_path / "toy")


def refresh(toy, *presets, overrides=(), name="", say=print):
    tree, _ = resolve(toy, presets, overrides)
    with open_workspace(toy, tree, presets, overrides, name, say) as workspace:
        return workspace


def test_the_repositorys_params_and_each_preset_are_valid():
    for preset in [None, *(path.stem for path in (REPOSITORY / "presets").glob("*.yaml"))]:
        check_corpora(check_parameters(*resolve(REPOSITORY, [preset] if preset else [], [])))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda tree: tree.pop("model"), "here: section 'model' is missing"),
        (lambda tree: tree.update(modl={}), "here: unknown section 'modl'; did you mean 'model'?"),
        (
            lambda tree: tree["release"].update(metric="comet"),
            "here: 'release.metric' is 'comet'; use one of bleu, chrf, ter, exact_match",
        ),
        (lambda tree: tree["train"].update(lrr=1), "here: unknown key 'train.lrr'"),
        (lambda tree: tree["transformer"].update(heads=3), "here: 'transformer': width 128 must be a multiple of"),
        (
            lambda tree: tree["languages"].update(source="EN"),
            "here: 'languages.source' is 'EN': 'EN' is no tag of a language, such as en, pt-BR or zh-Hant; did",
        ),
        (
            lambda tree: tree["train_backward"].update(batch_tokens=511),
            "'train_backward.batch_tokens' is 511, but a pair may have 512 pieces; set it to at least that, or lower "
            "'transformer.max_length'",
        ),
        (
            lambda tree: tree["transformer"].update(dropout=1.5),
            "here: 'transformer.dropout' is 1.5: input should be less than ",
        ),
        (
            lambda tree: (tree["corpora"].update(remote=["opus:A/v1"]), tree["train"].update(old_corpora=["b"])),
            "here: 'train.old_corpora': b is none of this run's corpora, which are phrasebook, A-v1, pairs, old_pairs",
        ),
        (
            lambda tree: tree["train"].update(start="models:/old"),
            "here: 'train.start' is 'models:/old': 'models:/old' names no version of a registered model; set it to a",
        ),
        (
            lambda tree: tree["candidates"].update(types=["int8"]),
            "here: 'candidates': types lacks float32, with which all others are compared",
        ),
        (
            lambda tree: (tree["model"].update(architecture="recurrent"), tree["train"].update(compile=True)),
            "'train.compile' is true, but PyTorch can't compile recurrent models; set it to false",
        ),
        (
            lambda tree: (
                tree["model"].update(architecture="pretrained"),
                tree["train_backward"].update(subword_sampling=0.2),
            ),
            "here: 'train_backward.subword_sampling' needs a tokenizer that is trained here",
        ),
        (
            lambda tree: (
                tree["model"].update(architecture="pretrained"),
                tree["pretrained"].update(lora_rank=4),
                tree["train"].update(adversarial=0.1),
            ),
            "here: 'train.adversarial' needs gradients of embeddings, which LoRA leaves out",
        ),
    ],
)
def test_every_section_of_the_params_is_checked(change, message):
    tree = read_yaml(REPOSITORY / "params.yaml")
    change(tree)
    with pytest.raises(UserError) as caught:
        check_parameters(tree, "here")
    assert str(caught.value).startswith(message)


def test_a_copy_has_the_tracked_files_as_they_stand_and_the_presets_params(toy):
    subprocess.run(["git", "-c", "user.name=x", "-c", "user.email=x@y", "commit", "-qm", "x"], cwd=toy, check=True)
    (toy / "work.py").write_text("edited")
    (toy / "module.py").write_text("new, and not added yet")
    (toy / "big.bin").write_text("neither tracked nor code")
    (toy / "presets" / "wide.yaml").unlink()
    folder = refresh(toy, "slow").folder
    assert folder == toy / "runs" / "slow"
    assert (folder / "work.py").read_text() == "edited"
    assert (folder / "module.py").exists()
    assert not (folder / "big.bin").exists()
    assert not (folder / "presets" / "wide.yaml").exists()
    assert read_yaml(folder / "params.yaml") == resolve(toy, ["slow"], [])[0]

    (toy / "module.py").unlink()
    (folder / "dvc.lock").write_text("kept")
    (folder / "out").mkdir()
    refresh(toy, "slow")
    assert not (folder / "module.py").exists()
    assert (folder / "dvc.lock").read_text() == "kept"
    assert (folder / "out").exists()


def test_a_full_disk_is_told_and_a_copy_killed_half_way_is_made_whole(toy, monkeypatch):
    whole = refresh(toy, "slow").folder
    (toy / "gone.py").write_text("removed from the checkout between two tries")
    copy = shutil.copy2
    free = iter(())
    again = toy / "runs" / "again"

    def copy_until_full(source, target):
        if next(free, None) is None:
            Path(target).write_text("half")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(source), None, str(target))
        return copy(source, target)

    monkeypatch.setattr(shutil, "copy2", copy_until_full)
    while not (again / "gone.py").exists():
        free = iter(range(2))
        with pytest.raises(UserError, match=r"the disk is full while writing .*/runs/again/.*; free some space"):
            refresh(toy, "slow", name="again")
    (toy / "gone.py").unlink()
    monkeypatch.undo()
    refresh(toy, "slow", name="again")
    assert contents(again) == contents(whole)


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_only_what_changed_is_written_again(toy):
    folder = refresh(toy, "slow").folder
    files = [path for path in folder.rglob("*") if path.is_file() and ".work" not in path.parts]
    before = {path: path.stat().st_ctime_ns for path in files}
    (toy / "work.py").write_text("edited")
    refresh(toy, "slow")
    changed = {path.name for path in files if path.stat().st_ctime_ns != before[path]}
    assert changed == {"work.py", "run.json"}  # this file's time is that of the start
    assert (folder / "work.py").stat().st_mtime_ns == (toy / "work.py").stat().st_mtime_ns  # DVC trusts the time


def test_the_users_own_pairs_reach_the_copy(toy, tmp_path):
    (toy / "data" / "pairs" / "mine.tsv").write_text("a\tb\n")
    (toy / ".gitignore").write_text("/data/pairs/*\n")
    folder = refresh(toy, "slow").folder
    assert (folder / "data" / "pairs" / "mine.tsv").read_text() == "a\tb\n"
    assert read_yaml(folder / "params.yaml")["corpora"]["pairs"] == "data/pairs"
    (toy / "data" / "pairs" / "mine.tsv").unlink()
    refresh(toy, "slow")
    assert not (folder / "data" / "pairs" / "mine.tsv").exists()

    (tmp_path / "other.tsv").write_text("c\td\n")
    for given in ("../other.tsv", str(tmp_path / "other.tsv")):
        folder = refresh(toy, overrides=[f"corpora.pairs={given}"]).folder
        assert read_yaml(folder / "params.yaml")["corpora"]["pairs"] == str(tmp_path / "other.tsv")


@pytest.mark.parametrize("given", ["data/pairs", "data/pairs/mine.tsv"])
def test_pairs_that_are_a_link_into_dvcs_cache_are_copied_and_nothing_is_written_through_links(toy, given):
    cached = toy / ".dvc" / "cache" / "abcd"
    cached.parent.mkdir()
    cached.write_text("one\teins\n")
    (toy / "data" / "pairs" / "mine.tsv").symlink_to(cached)
    copy = refresh(toy, overrides=[f"corpora.pairs={given}"]).folder / "data" / "pairs" / "mine.tsv"
    assert (copy.read_text(), copy.is_symlink()) == ("one\teins\n", False)
    copy.unlink()
    copy.symlink_to(cached)
    (toy / "data" / "pairs" / "mine.tsv").unlink()
    (toy / "data" / "pairs" / "mine.tsv").write_text("two\tzwei\n")
    refresh(toy, overrides=[f"corpora.pairs={given}"])
    assert (copy.read_text(), cached.read_text()) == ("two\tzwei\n", "one\teins\n")


def test_a_pretrained_model_in_a_folder_is_found_from_the_copy_and_a_name_stays_a_name(toy):
    (toy / "mine").mkdir()
    for given, expected in (("mine", str(toy / "mine")), ("google-t5/t5-small", "google-t5/t5-small")):
        folder = refresh(toy, overrides=[f"pretrained.model={given}"]).folder
        assert read_yaml(folder / "params.yaml")["pretrained"]["model"] == expected


@pytest.mark.parametrize("given", ["mine.tsv", "../mine.tsv", "/nowhere/mine.tsv"])
def test_pairs_that_do_not_exist_are_told_before_anything_runs(toy, monkeypatch, given):
    monkeypatch.chdir(toy)
    with pytest.raises(UserError, match=r"^corpora\.pairs: .*mine\.tsv does not exist; name a file of pairs"):
        refresh(toy, overrides=[f"corpora.pairs={given}"])
    params = check_parameters(*resolve(toy, [], [f"corpora.pairs={given}"]))
    with pytest.raises(UserError, match=r"^corpora\.pairs: .*mine\.tsv does not exist; name a file of pairs"):
        check_corpora(params)


@pytest.mark.parametrize(
    ("made", "names", "message"),
    [
        ({}, [], r"nothing to learn from: corpora\.names is empty, and .*pairs holds no file"),
        ({"x.tsv/y": ""}, [], r"x\.tsv/y is empty"),
        ({"x.tsv": ""}, ["phrasebook"], r"pairs/x\.tsv is empty"),
        ({"x.tsv": "a\tb\nc\n"}, ["phrasebook"], r"pairs/x\.tsv: 1 of 2 rows are no pairs: 1 column in place of 2"),
    ],
)
def test_pairs_that_can_not_be_learned_from_are_told_before_anything_runs(tmp_path, monkeypatch, made, names, message):
    monkeypatch.chdir(REPOSITORY)
    for name, text in {".keep": "", **made}.items():
        path = tmp_path / "pairs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    params = check_parameters(*resolve(REPOSITORY, [], [f"corpora.names={names}", f"corpora.pairs={tmp_path}/pairs"]))
    with pytest.raises(UserError, match=message):
        check_corpora(params)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("launch=pythn", "'train.launch': there is no program 'pythn'"),
        ("launch=torchrunn --nproc-per-node 2", "'train.launch': there is no program 'torchrunn'"),
        ("launch=torchrun --nproc-per-node two", "'train.launch' is .*: Unsupported nproc_per_node value: two"),
        ("launch=torchrun --nproc-per-node 0", "'train.launch' is .*: --nproc-per-node must be 1 or more"),
        ("launch=torchrun --nproc-pre-node 2", "'train.launch' is .*: unrecognized arguments: --nproc-pre-node"),
        ("launch=torchrun --nproc-per-node 2 train.py", "'train.launch' is .*: it takes torchrun's options alone"),
        ("compile=true", r"'train.compile' needs the C\+\+ compiler no-g\+\+; install it, or set compile to false"),
    ],
)
def test_trainings_that_can_not_be_started_are_told_before_anything_runs(monkeypatch, change, message):
    monkeypatch.setenv("CXX", "no-g++")
    with pytest.raises(UserError, match=message):
        check_launch(check_parameters(*resolve(REPOSITORY, [], [f"train.{change}"])))
    check_launch(check_parameters(*resolve(REPOSITORY, [], ["train.launch=torchrun --nproc-per-node 2"])))
    unwanted = ["back_translation.enabled=false", "train_backward.launch=pythn"]
    with pytest.raises(UserError, match=r"'train_backward\.launch': there is no program 'pythn'"):
        check_launch(check_parameters(*resolve(REPOSITORY, [], unwanted)))


def test_a_scorer_that_is_not_there_is_told_before_anything_runs():
    scorer = "evaluation.scorers=[{name: own, command: no-such-program --fast, higher_is_better: true}]"
    with pytest.raises(UserError, match=r"the scorer own .*: there is no program 'no-such-program'"):
        check_scorers(check_parameters(*resolve(REPOSITORY, [], [scorer])))
    check_scorers(check_parameters(*resolve(REPOSITORY, [], [scorer.replace("no-such-program", "python3")])))
    twice = scorer.replace("[{", "[{name: own, command: echo, higher_is_better: true}, {")
    with pytest.raises(UserError, match=r"'evaluation.scorers' is .*: two scorers have the same name"):
        check_parameters(*resolve(REPOSITORY, [], [twice]))


def test_the_scorers_are_checked_of_the_languages_that_are_scored(monkeypatch):
    checked = []
    monkeypatch.setattr(parameters, "check_scorer", checked.append)
    for changes, languages in {
        (): ["de"],
        ("train_backward.early_stopping_metric=bleu",): ["de", "en"],
        ("train_backward.early_stopping_metric=bleu", "back_translation.enabled=false"): ["de"],
    }.items():
        checked.clear()
        parameters.check_scorers(check_parameters(*resolve(REPOSITORY, [], changes)))
        assert checked == languages


def test_what_one_run_fetched_is_there_for_all(toy, tmp_path):
    (toy / "runs" / "slow" / FETCHED).mkdir(parents=True)  # as copies had it once
    slow, wide = (refresh(toy, name).folder / FETCHED for name in ("slow", "wide"))
    (slow / "new").write_text("fetched")
    digest = sha256_file(slow / "new")
    (slow / "new").rename(slow / digest)
    assert find(wide, digest) and find(toy / FETCHED, digest)
    moved = toy.rename(tmp_path / "moved")
    assert find(moved / slow.relative_to(toy), digest)
    shutil.rmtree(moved / ".work")  # make clean
    with locked(moved / slow.relative_to(toy)):
        assert (moved / FETCHED / "lock").exists()


def test_a_copy_has_the_checkouts_settings_of_dvc_in_any_folder(tmp_path):
    toy = make_toy_project(tmp_path / "50%20 [a, b] it's #1; größer" / "toy")
    tracked, local = toy / ".dvc" / "config", toy / ".dvc" / "config.local"
    with tracked.open("a") as config:
        config.write("    remote = ours\n['remote \"ours\"']\n    url = ../../remote\n")
    local.write_text("['remote \"mine\"']\n    url = s3://bucket\n    access_key_id = secret\n")
    config = Config(str(refresh(toy, "slow").folder / ".dvc"))
    assert config["remote"]["ours"]["url"] == str(toy.parent / "remote")
    assert (config["remote"]["mine"]["url"], config["remote"]["mine"]["access_key_id"]) == ("s3://bucket", "secret")
    assert config["core"]["remote"] == "ours"
    assert config["core"]["no_scm"] is True
    assert config["cache"]["dir"] == str(toy / ".dvc" / "cache")


@pytest.mark.parametrize("name", ["a {b}", "%(x)s"])
def test_a_folder_that_dvc_can_not_work_in_is_refused(tmp_path, name):
    toy = make_toy_project(tmp_path / name)
    for presets in ([], ["slow"]):
        with pytest.raises(UserError, match=r"DVC can't work in .*, whose path has a .*; rename that folder"):
            refresh(toy, *presets)
    assert not (toy / "runs").exists()


@pytest.mark.parametrize("name", ["mine\n.tsv", "mine\t.tsv"])
def test_pairs_whose_name_breaks_a_line_are_refused(tmp_path, name):
    (tmp_path / name).write_text("a\tb\n")
    with pytest.raises(UserError, match=r"'corpora\.pairs' is '.*': has a line break"):
        check_parameters(*resolve(REPOSITORY, [], [f"corpora.pairs={json.dumps(str(tmp_path / name))}"]))


def test_relative_places_hold_in_a_copy(toy, monkeypatch):
    monkeypatch.setenv("CORPUS_MIRROR", "../mirror")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    environment = refresh(toy, "slow").environment
    assert environment["CORPUS_MIRROR"] == str(toy.parent / "mirror")
    assert environment["MLFLOW_TRACKING_URI"].startswith(f"sqlite:///{toy}/")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///mine.db")
    assert refresh(toy, "slow").environment["MLFLOW_TRACKING_URI"] == f"sqlite:///{toy}/mine.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://there:5000")
    assert refresh(toy, "slow").environment["MLFLOW_TRACKING_URI"] == "http://there:5000"


@pytest.mark.parametrize("presets", [[], ["slow"]])
def test_a_second_run_of_the_same_name_waits(toy, presets):
    tree, _ = resolve(toy, presets, [])
    said, order = [], []
    waiting = threading.Event()

    def say(line):
        said.append(line)
        waiting.set()

    def second():
        with open_workspace(toy, tree, presets, [], "", say):
            order.append("second")

    with ExitStack() as first:
        first.enter_context(open_workspace(toy, tree, presets, [], "", say))
        thread = threading.Thread(target=second)
        thread.start()
        assert waiting.wait(10)
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]
    assert "another run works in" in said[0]


def test_without_git_a_preset_is_refused_and_a_plain_run_is_not(toy):
    subprocess.run(["rm", "-r", ".git"], cwd=toy, check=True)
    refresh(toy)
    with pytest.raises(UserError, match="clone the repository with git"):
        refresh(toy, "slow")


def test_a_bundle_to_go_on_from_is_named_by_its_digest_in_a_copy(bundle, tmp_path):
    old = shutil.copytree(bundle, tmp_path / "old")

    def found(text, pinned=False, **changes):
        tree, where = resolve(REPOSITORY, [], [f"train.start={text}"])
        tree["transformer"] |= changes
        return find_start(tmp_path, check_parameters(tree, where), pinned)

    first = found("old")
    assert first == f"{old}#sha256={bundle_digest(old)}" == found(first) == found(old)
    with pytest.raises(UserError, match=f"or set it to old#sha256={bundle_digest(old)}$"):
        found("old", pinned=True)
    rewritten = read_manifest(old).model_copy(update={"task": "other"})
    write_json(old / "bundle.json", rewritten.model_dump(mode="json"))
    assert found("old") != first
    with pytest.raises(UserError, match="is another bundle today"):
        found(first)

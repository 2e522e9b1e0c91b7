"""A DVC project of four quick stages with the repository's params.yaml, to try the flow on."""

import shutil
import subprocess
import textwrap
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]

# NAME.waits: seconds to sleep; NAME.meets: a stage that must be at work at the same time;
# NAME.fails: an error's name or a signal's number, and how many times
WORK = """
import os, pathlib, sys, time

name, *inputs = sys.argv[1:]
with open("executed.log", "a") as log:
    log.write(name + "\\n")
print(name, "is at work", flush=True)


def order(kind):
    path = pathlib.Path(f"{name}.{kind}")
    return path.read_text().split() if path.exists() else []


pathlib.Path(f"{name}.started").write_text(str(os.getpid()))
for seconds in order("waits"):
    time.sleep(float(seconds))
for other in order("meets"):
    deadline = time.monotonic() + 240
    while not pathlib.Path(f"{other}.started").exists():
        if time.monotonic() > deadline:
            sys.exit(f"{other} did not start")
        time.sleep(0.05)
if order("fails"):
    error, times = order("fails")
    if int(times):
        pathlib.Path(f"{name}.fails").write_text(f"{error} {int(times) - 1}")
        if error.isdigit():
            os.kill(os.getpid(), int(error))
        sys.path.insert(0, "REPOSITORY")
        from seq2seq.core import errors
        from tasks.stage import run

        def fail():
            raise getattr(errors, error, RuntimeError)(f"{name} can't")

        run(fail)
out = pathlib.Path("out")
out.mkdir(exist_ok=True)
text = "".join((out / f"{one}.txt").read_text() for one in inputs)
(out / f"{name}.txt").write_text(text + name + " " + pathlib.Path("params.yaml").read_text().count("lr: 0.5") * "!")
"""

STAGES = """
stages:
  first:
    cmd: python work.py first
    deps: [work.py]
    params: [train.lr]
    outs: [out/first.txt]
  left:
    cmd: python work.py left first
    deps: [work.py, out/first.txt]
    outs: [out/left.txt]
  right:
    cmd: python work.py right first
    deps: [work.py, out/first.txt]
    outs: [out/right.txt]
  last:
    cmd: python work.py last left right
    deps: [work.py, out/left.txt, out/right.txt]
    params: [decoding.beam_size]
    outs: [out/last.txt]
"""

PRESETS = {"slow": "train: {lr: 0.5}\n", "wide": "decoding: {beam_size: 7}\n"}


def make_toy_project(root: Path) -> Path:
    """Write the project, with two presets, into a git checkout whose files are tracked but never committed."""
    (root / "presets").mkdir(parents=True)
    (root / "data" / "pairs").mkdir(parents=True)
    (root / ".dvc").mkdir()
    (root / ".dvc" / "config").write_text("[core]\n    analytics = false\n    check_update = false\n")
    (root / ".gitignore").write_text("/runs/\n/out/\n.work/\n/.dvc/tmp\n/.dvc/cache\n/executed.log\n*.started\n")
    (root / ".dvcignore").write_text("/runs\n.work\n")
    (root / "dvc.yaml").write_text(STAGES)
    (root / "work.py").write_text(textwrap.dedent(WORK).replace("REPOSITORY", str(REPOSITORY)))
    for file in ("params.yaml", "data/catalogue.yaml"):
        shutil.copy(REPOSITORY / file, root / file)
    for name, text in PRESETS.items():
        (root / "presets" / f"{name}.yaml").write_text(text)
    subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
    subprocess.run(["git", "add", "."], cwd=root, check=True)
    return root


def executed(folder: Path) -> list[str]:
    """The stages whose commands ran in a folder, in the order of their starts."""
    log = folder / "executed.log"
    return log.read_text().split() if log.exists() else []

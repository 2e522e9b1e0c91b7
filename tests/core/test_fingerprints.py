import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from seq2seq.core.errors import UserError
from seq2seq.core.fingerprints import Fingerprints
from tests.toy_project import REPOSITORY

LIBRARY = {
    "tasks/__init__.py": "",
    "tasks/other.py": "",
    "lib/__init__.py": "",
    "lib/a.py": "VALUE = 1\n",
    "lib/chain.py": "from lib.a import VALUE\n",
    "lib/room/__init__.py": "",
    "lib/room/b.py": "",
    "lib/room/up.py": "from ..a import VALUE\n",
    "lib/face/__init__.py": "from lib.a import VALUE\n",
    "lib/face/c.py": "",
    "lib/folder/d.py": "",
}


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def install(site: Path, name: str, version: str, *needs: str, modules: tuple[str, ...] = ()) -> None:
    """Put a made-up distribution where Python finds it."""
    described = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    described += "".join(f"Requires-Dist: {need}\n" for need in needs)
    folder = f"{name.replace('-', '_')}-{version}.dist-info"
    write(site, {f"{folder}/METADATA": described, f"{folder}/RECORD": "".join(f"{one},,\n" for one in modules)})


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    """Our packages and a lock file, and a folder of distributions beside them."""
    write(tmp_path / "code", LIBRARY | {"requirements.lock": ""})
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.setattr(sys, "path", [str(site), *sys.path])
    return tmp_path / "code"


def fingerprint(root: Path, program: str = "tasks.run") -> str:
    return Fingerprints(root, root / "requirements.lock").of(program)


def of(root: Path, source: str) -> str:
    """The fingerprint of a program with this source."""
    write(root, {"tasks/run.py": source})
    return fingerprint(root)


def reached(text: str) -> set[str]:
    """The library's modules in a fingerprint, without the packages around them."""
    modules = {line.split()[0] for line in text.splitlines() if ".py " in line}
    return modules - {"tasks/__init__.py", "tasks/run.py", "lib/__init__.py"}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import json, os.path", []),
        ("import lib", []),
        ("import lib.room.b as anything", ["lib/room/__init__.py", "lib/room/b.py"]),
        ("from lib import a", ["lib/a.py"]),
        ("from lib.a import VALUE", ["lib/a.py"]),
        ("from lib import a as b, room", ["lib/a.py", "lib/room/__init__.py"]),
        ("from . import other", ["tasks/other.py"]),
        ("from .other import anything", ["tasks/other.py"]),
        ("import lib.room.up", ["lib/room/__init__.py", "lib/room/up.py", "lib/a.py"]),
        ("import lib.chain", ["lib/chain.py", "lib/a.py"]),
        ("import lib.face.c", ["lib/face/__init__.py", "lib/face/c.py", "lib/a.py"]),
        ("import lib.folder.d", ["lib/folder/d.py"]),  # a folder is a package without __init__.py too
        ("def late():\n    with open('x'):\n        from lib import a", ["lib/a.py"]),
        (
            "try:\n    import lib.a\nexcept ImportError:\n    import tasks.other\nelse:\n    import lib.room",
            ["lib/a.py", "tasks/other.py", "lib/room/__init__.py"],
        ),
        ("if TYPE_CHECKING:\n    import lib.a", []),
        (
            "def late():\n    if typing.TYPE_CHECKING:\n        import lib.a\n    else:\n        import lib.room.b",
            ["b"],
        ),
        ("if x:\n    pass\nelif TYPE_CHECKING:\n    import lib.a\nelse:\n    import lib.room.b", ["b"]),
        ("if not TYPE_CHECKING:\n    import lib.a", ["lib/a.py"]),
        ("log_model(python_model=here('other.py'))", ["tasks/other.py"]),
        ("import tasks.run", []),
    ],
)
def test_imports_of_every_form_are_followed(root, source, expected):
    assert reached(of(root, source)) == (
        set(expected) if expected != ["b"] else {"lib/room/__init__.py", "lib/room/b.py"}
    )


def test_a_circle_of_imports_has_an_end(root):
    write(root, {"lib/a.py": "import lib.chain\n"})
    assert reached(of(root, "import lib.a")) == {"lib/a.py", "lib/chain.py"}


SOURCE = '''"""What it does."""

import lib.a


class Model:
    """A docstring."""

    def run(self, x):
        """Another."""
        return {"x": x, "longer": lib.a.VALUE + 1, "text": "quoted"}
'''
SAME = {
    "comment": SOURCE.replace("return", "# why\n        return"),
    "docstrings": SOURCE.replace("A docstring", "Other words").replace("Another.", "Said\n\n        otherwise."),
    "no docstrings": SOURCE.replace('    """A docstring."""\n\n', "").replace('        """Another."""\n', ""),
    "layout": SOURCE.replace('"x": x, ', "'x': (x),\n            ").replace("\n\n\n", "\n"),
}
OTHER = {
    "constant": SOURCE.replace("+ 1", "+ 2"),
    "text": SOURCE.replace('"quoted"', '"other"'),
    "a string that documents nothing": SOURCE.replace("return", 'x = "Another."\n        return'),
    "name": SOURCE.replace("self, x", "self, x=1"),
    "import": SOURCE.replace("import lib.a", "import lib.a\nimport lib.room"),
}


@pytest.mark.parametrize("edited", SAME.values(), ids=SAME)
def test_comments_docstrings_and_layout_do_not_count(root, edited):
    assert ast.dump(ast.parse(edited)) != ast.dump(ast.parse("")) and edited != SOURCE
    assert of(root, edited) == of(root, SOURCE)


@pytest.mark.parametrize("edited", OTHER.values(), ids=OTHER)
def test_code_does(root, edited):
    assert edited != SOURCE
    assert of(root, edited) != of(root, SOURCE)


def test_ruff_format_does_not_count(root):
    messy = "import lib.a\nx = {  'a':1,\n'b' :0XFF, }\ndef f( a,b = ( 2 ) ) :\n  return ('%s'\n    'more' % a),\n"
    before = of(root, messy)
    subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--quiet", "--isolated", "tasks/run.py"], cwd=root, check=True
    )
    assert (root / "tasks/run.py").read_text() != messy
    assert fingerprint(root) == before


def test_an_edit_counts_for_those_who_reach_it_alone(root):
    before = of(root, "import lib.chain")
    write(root, {"lib/room/b.py": "VALUE = 2\n"})
    assert fingerprint(root) == before
    write(root, {"lib/a.py": "VALUE = 2\n"})
    assert fingerprint(root) != before


def test_files_beside_the_code_count_and_what_editors_and_python_leave_there_does_not(root):
    before = of(root, "import lib.room.b")
    write(root, {"lib/room/.b.py.swp": "x", "lib/room/__pycache__/b.cpython-311.pyc": "x", "lib/page.txt": "x"})
    write(root, {"lib/face/page.css": "x", "data/page.css": "x"})
    assert "lib/page.txt" in fingerprint(root)
    (root / "lib/page.txt").unlink()
    assert fingerprint(root) == before
    write(root, {"lib/room/page.css": "a {}"})
    sheet = fingerprint(root)
    write(root, {"lib/room/templates/page.html": "<p>"})
    template = fingerprint(root)
    write(root, {"lib/room/templates/page.html": "<b>"})
    assert len({before, sheet, template, fingerprint(root)}) == 4


def test_versions_count_of_what_is_imported_and_of_what_that_needs(root):
    site = root.parent / "site"
    install(site, "Direct.Thing", "1.0", "deep-thing>=2", "absent; sys_platform == 'none'", modules=("direct/x.py",))
    install(site, "deep_thing", "2.1+cpu", "direct-thing", "unpinned", modules=("deep.py",))
    install(site, "pytest-like", "3.0", modules=("pytest_like/x.py",))
    lock = "# by a tool\ndirect-thing==1.0\nDeep.Thing==2.1 ; python_version > '3'\nabsent==1\npytest_like==3.0\n"
    write(root, {"requirements.lock": lock})
    text = of(root, "def late():\n    import direct.x as anything")
    assert text.splitlines()[-2:] == ["deep-thing 2.1", "direct-thing 1.0"]
    assert "pytest" not in text
    install(site, "pytest-like", "3.1", modules=("pytest_like/x.py",))
    write(root, {"requirements.lock": lock.replace("pytest_like==3.0", "pytest_like==3.1")})
    assert fingerprint(root) == text


def test_extras_count_where_they_are_asked_for(root):
    site = root.parent / "site"
    install(site, "asks", "1.0", "offers[fast]", modules=("asks.py",))
    install(site, "offers", "1.0", "quick; extra == 'fast'", "tests; extra == 'dev'", modules=("offers/__init__.py",))
    for name in ("quick", "tests"):
        install(site, name, "1.0", modules=(f"{name}.py",))
    write(root, {"requirements.lock": "asks==1.0\noffers==1.0\nquick==1.0\ntests==1.0\n"})
    assert of(root, "import offers").splitlines()[-1:] == ["offers 1.0"]
    assert of(root, "import asks").splitlines()[-3:] == ["asks 1.0", "offers 1.0", "quick 1.0"]
    write(root, {"requirements.lock": "asks==1.0\noffers[dev, Fast]==1.0\nquick==1.0\ntests==1.0\n"})
    assert of(root, "import offers").splitlines()[-3:] == ["offers 1.0", "quick 1.0", "tests 1.0"]


def test_all_that_share_a_namespace_count(root):
    install(root.parent / "site", "one", "1.0", modules=("shared/one.py",))
    install(root.parent / "site", "other", "1.0", modules=("shared/other.cpython-311-x86_64-linux-gnu.so",))
    write(root, {"requirements.lock": "one==1.0\nother==1.0\n"})
    assert of(root, "from shared import one").splitlines()[-2:] == ["one 1.0", "other 1.0"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (b"x = 1\nif x\n", r"lib/a\.py, line 2: this is not Python \(expected ':'\); mend it$"),
        (b"\nx = '\xff'\n", r"lib/a\.py, line \d: this is not Python \(.*utf-8.*\); mend it$"),
        (b"x = 1\0", r"lib/a\.py, line \d: this is not Python \(.*null bytes\); mend it$"),
    ],
)
def test_a_module_that_is_not_python_is_named(root, source, message):
    (root / "lib/a.py").write_bytes(source)
    with pytest.raises(UserError, match=message):
        of(root, "import lib.chain")


def test_an_import_that_no_pinned_distribution_has_is_named(root):
    install(root.parent / "site", "unpinned", "1.0", modules=("unpinned.py",))
    with pytest.raises(
        UserError, match=r"lib/a\.py, line 3: unpinned is in no .* that \S*lock pins; add it .* make lock"
    ):
        write(root, {"lib/a.py": "\n\ndef late(): import unpinned\n"})
        of(root, "import lib.chain")


def test_what_is_installed_must_be_what_is_pinned(root):
    site = root.parent / "site"
    install(site, "direct", "1.0", "deep; extra == 'more'", modules=("direct.py",))
    write(root, {"requirements.lock": "direct==1.0\ndeep==2.0\n"})
    assert of(root, "import direct").splitlines()[-1] == "direct 1.0"
    write(root, {"requirements.lock": "direct[more]==1.0\ndeep==2.0\n"})
    with pytest.raises(UserError, match=r"lock pins deep 2\.0, and none is installed; run: pip install -r"):
        of(root, "import direct")
    install(site, "deep", "1.9", modules=("deep.py",))
    with pytest.raises(UserError, match=r"lock pins deep 2\.0, and 1\.9 is installed; run: pip install -r"):
        of(root, "import direct")


def test_a_lock_file_that_is_not_there_is_named(root):
    with pytest.raises(UserError, match=r"absent\.lock does not exist"):
        Fingerprints(root, root / "absent.lock")


STAGES = {
    "download",
    "clean",
    "pretrained",
    "tokenizer",
    "train",
    "back_translate",
    "evaluate",
    "distil",
    "train_student",
    "candidates",
    "choose",
    "report",
    "register",
}


@pytest.fixture(scope="module")
def fingerprints() -> dict[str, str]:
    """Those of the repository's own stages; two that share a program share its fingerprint."""
    found = Fingerprints(REPOSITORY, REPOSITORY / "requirements.lock")
    return {name: found.of(f"tasks.{name}") for name in STAGES}


@pytest.mark.parametrize(
    ("line", "stages"),
    [
        ("seq2seq/core/params.py", STAGES),
        ("seq2seq/sources/phrasebook/grammar.py", {"download"}),
        ("seq2seq/cleaning/splitting.py", {"clean"}),
        ("seq2seq/pretrained/adopt.py", {"pretrained"}),
        ("seq2seq/synthesis/back_translation.py", {"back_translate"}),
        ("seq2seq/training/trainer.py", {"train", "train_student"}),
        ("seq2seq/report/page.css", {"report"}),
        ("registry/pyfunc_model.py", {"register"}),
        ("flows/pipeline.py", set()),
        ("prefect", set()),
        ("dvc", set()),
        ("pytest", set()),
        ("ruff", set()),
        ("mypy", set()),
        ("pydantic", STAGES),
    ],
)
def test_the_repositorys_stages_depend_on_what_they_use(fingerprints, line, stages):
    assert {name for name, text in fingerprints.items() if f"\n{line} " in text} == stages


@pytest.mark.parametrize("name", sorted(STAGES))
def test_each_stage_depends_on_its_own_module_and_not_on_every_one(fingerprints, name):
    lines = {line.split()[0] for line in fingerprints[name].splitlines()}
    own = f"tasks/{name}.py"
    assert own in lines
    assert {path for path in lines if path.startswith("tasks/")} == {own, "tasks/__init__.py", "tasks/stage.py"}


def test_what_decides_a_stages_result_is_reached_whenever_it_is_imported(fingerprints):
    search = {name for name, text in fingerprints.items() if "\nseq2seq/decoding/beam_search.py " in text}
    assert {"back_translate", "evaluate"} <= search
    assert "ctranslate2" in fingerprints["candidates"]
    assert "torch" in fingerprints["back_translate"]


def test_the_library_does_not_use_its_own_lazy_face():
    """Whoever did would depend on modules that no import names."""
    for path in [file for room in ("seq2seq", "registry", "tasks") for file in (REPOSITORY / room).rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.ImportFrom) and node.module == "seq2seq":
                assert all((REPOSITORY / "seq2seq" / alias.name).is_dir() for alias in node.names), path


def test_the_stage_writes_the_same_bytes_in_every_process_and_folder(fingerprints, tmp_path):
    command = [sys.executable, "-m", "tasks.code", "--programs", "tasks", "--lock", "requirements.lock", "--out"]
    environment = os.environ | {"PYTHONHASHSEED": "7", "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([*command, str(tmp_path / "code")], cwd=REPOSITORY, env=environment, check=True)
    written = {path.stem: path.read_text() for path in (tmp_path / "code").iterdir() if path.stem in STAGES}
    assert written == fingerprints

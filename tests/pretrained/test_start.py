"""What train.start may say, and which bundles a training can go on from."""

import shutil

import pytest

from seq2seq.bundles.manifest import bundle_digest
from seq2seq.core.errors import UserError
from seq2seq.pretrained.start import Start, check_pinned, check_start, parse_start
from tests.tiny_models import LANGUAGES

DIGEST = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "expected", "moves"),
    [
        ("runs/old/models/forward", Start("runs/old/models/forward", "", "", "", 0), True),
        (f"old#sha256={DIGEST}", Start("old", DIGEST, "", "", 0), False),
        ("models:/a-b@champion", Start("models:/a-b@champion", "", "a-b", "champion", 0), True),
        ("models:/a-b/12", Start("models:/a-b/12", "", "a-b", "", 12), False),
        (f"models:/a@b#sha256={DIGEST}", Start("models:/a@b", DIGEST, "a", "b", 0), False),
    ],
)
def test_a_start_is_taken_apart_and_put_together(text, expected, moves):
    start = parse_start(text)
    assert (start, start.moves) == (expected, moves)
    assert parse_start(start.pinned(DIGEST)) == expected._replace(digest=DIGEST)


@pytest.mark.parametrize(
    "text", ["models:/", "models:/a", "models:/a/latest", "models:/a@", "models://a/1", "old#sha256=12"]
)
def test_a_start_that_names_nothing_is_an_error(text):
    with pytest.raises(UserError, match=r"names no version of a registered model; set it to|is no SHA-256 of 64"):
        parse_start(text)


def test_a_bundle_can_be_gone_on_from_and_a_wrong_one_is_told_in_a_line(bundle, float_engine, tmp_path):
    assert check_start(bundle, "here", "transformer", LANGUAGES).architecture == "transformer"
    alone = shutil.copytree(float_engine, tmp_path / "alone")
    for folder, architecture, languages, message in [
        (
            tmp_path,
            "transformer",
            LANGUAGES,
            "here is no bundle, as it has no bundle.json; set it to a bundle's folder",
        ),
        (bundle, "recurrent", LANGUAGES, "here holds a transformer model, .* set model.architecture=transformer"),
        (bundle, "transformer", LANGUAGES.reverse(), "here translates from en to de, but .* from de to en; set one"),
        (float_engine, "transformer", LANGUAGES, f"can't be trained; set it to {bundle}, the float32 bundle"),
        (
            alone,
            "transformer",
            LANGUAGES,
            rf"set it to .* models/forward of its run \(SHA-256 {bundle_digest(bundle)}\)",
        ),
    ]:
        with pytest.raises(UserError, match=f"^train.start: .*{message}"):
            check_start(folder, "here", architecture, languages)
    with pytest.raises(UserError, match="set it to models:/a/7, which was registered with the float32 bundle"):
        check_start(alone, "here", "transformer", LANGUAGES, {bundle_digest(bundle): "models:/a/7"}.__getitem__)


def test_a_start_that_dvc_would_not_see_change_is_told_with_its_digest():
    for text in ("old", "models:/a@champion"):
        with pytest.raises(UserError, match=f"wouldn't notice a change; .* or set it to {text}#sha256={DIGEST}$"):
            check_pinned(parse_start(text), DIGEST)
    with pytest.raises(UserError, match=f"old is another bundle today; correct it to old#sha256={DIGEST}$"):
        check_pinned(parse_start(f"old#sha256={DIGEST[::-1]}"), DIGEST)
    check_pinned(parse_start(f"old#sha256={DIGEST}"), DIGEST)
    check_pinned(parse_start("models:/a/1"), DIGEST)

"""Stage `pretrained`: the model to train further, as a bundle.

With any other model.architecture, the folder holds no bundle.
"""

from seq2seq.core.params import PARAMS, load_section, read_yaml
from seq2seq.text.languages import LanguagesParams
from tasks.stage import leave_nothing, origin_of, path_arguments, run


def main() -> None:
    """Fetch the model, and check that its parts belong together."""
    paths = path_arguments(__doc__, "out", "code")
    # read unchecked: the class that checks it needs PyTorch, and most runs have nothing to do here
    if (architecture := read_yaml(PARAMS)["model"]["architecture"]) != "pretrained":
        leave_nothing("pretrained", paths.out, f"model.architecture is {architecture}")
        return
    from seq2seq.models.huggingface import FineTuningParams
    from seq2seq.pretrained.hub import find_model

    params = load_section(PARAMS, "pretrained", FineTuningParams)
    languages = load_section(PARAMS, "languages", LanguagesParams)
    folder = find_model(params.model, params.revision)
    from seq2seq.pretrained.adopt import adopt_model

    origin = origin_of({"languages": languages}, {"model": folder}, paths.code, seed=params.seed)
    model = adopt_model(folder, params.seed, languages, origin, paths.out)
    size = sum(weight.numel() for weight in model.parameters())
    print(f"pretrained: {size:,} weights, {len(model.theirs):,} pieces")


if __name__ == "__main__":
    run(main)

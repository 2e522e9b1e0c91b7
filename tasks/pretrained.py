"""Stage `pretrained`: the model to train further, as a bundle.

Where model.architecture is another one, the folder holds no bundle.
"""

from seq2seq.languages import LanguagesParams
from seq2seq.params import load_section, read_yaml
from tasks.stage import PARAMS, leave_nothing, origin_of, path_arguments, run


def main() -> None:
    """Fetch the model, and check that its parts belong together."""
    paths = path_arguments(__doc__, "out")
    # read unchecked: the class that checks it needs PyTorch, and most runs have nothing to do here
    if (architecture := read_yaml(PARAMS)["model"]["architecture"]) != "pretrained":
        leave_nothing("pretrained", paths.out, f"model.architecture is {architecture}")
        return
    from seq2seq.hub import find_model
    from seq2seq.pretrained import FineTuningParams

    params = load_section(PARAMS, "pretrained", FineTuningParams)
    languages = load_section(PARAMS, "languages", LanguagesParams)
    folder = find_model(params.model, params.revision)
    from seq2seq.adoption import adopt_model

    origin = origin_of({"languages": languages}, {"model": folder}, seed=params.seed)
    model = adopt_model(folder, params.seed, languages, origin, paths.out)
    size = sum(weight.numel() for weight in model.parameters())
    print(f"pretrained: {size:,} weights, {len(model.theirs):,} pieces")


if __name__ == "__main__":
    run(main)

"""Release a version, in the flow and by hand: ``python -m flows.release promote|rollback|history``.

:mod:`registry.judging` says what becomes champion.
"""

import argparse
from collections.abc import Callable

from prefect import task

from flows.retries import RETRYING
from flows.tables import text_table
from registry.judging import Decision, judge
from registry.store import open_store
from registry.versions import CHALLENGER, CHAMPION, DECISION, REASON, RegisteredModel
from seq2seq.core.command_line import ArgumentParser, run
from seq2seq.core.errors import UserError
from seq2seq.core.params import PARAMS, load_section
from seq2seq.release.params import ReleaseParams, registered_name

History = list[dict[str, str]]


@task(**RETRYING)
def release(name: str, version: int, params: ReleaseParams) -> tuple[Decision, History]:
    """Settle what a version that was just registered becomes; return that and the history afterwards.

    It needs no Prefect server, so that one which is away keeps no version from being judged.
    """
    with open_store() as store:
        decision = settle(RegisteredModel(store.client, name), version, params)
        return decision, RegisteredModel(store.client, name).history()


def settle(model: RegisteredModel, number: int, params: ReleaseParams) -> Decision:
    """Judge a version once. One that was judged or rolled back before stays what it is."""
    tags = model.version(number).tags
    if DECISION in tags:
        alias = next((alias for alias in (CHAMPION, CHALLENGER) if model.aliases.get(alias) == number), "")
        return Decision(number, alias, f"decided before: {tags[REASON]}")
    decision = judge(model, number, params)
    model.apply(number, decision.alias, decision.reason)
    return decision


def _promote_by_hand(model: RegisteredModel, arguments: argparse.Namespace) -> str:
    number = arguments.version or model.aliases.get(CHALLENGER)
    if number is None:
        raise UserError(f"'{model.name}' has no challenger; say --version N (`history` shows them)")
    model.version(number)
    if model.aliases.get(CHAMPION) == number:
        return f"version {number} of {model.name} is the champion already"
    if arguments.force:
        decision = Decision(number, CHAMPION, "promoted by hand without the gate")
    else:
        decision = judge(model, number, load_section(PARAMS, "release", ReleaseParams))
    if decision.alias != CHAMPION:
        raise UserError(f"version {number} is not promoted: {decision.reason}; --force promotes it all the same")
    model.apply(number, decision.alias, decision.reason)
    return f"version {number} of {model.name} is the champion now: {decision.reason}"


def _roll_back_by_hand(model: RegisteredModel, _arguments: argparse.Namespace) -> str:
    left, now = model.roll_back()
    return f"version {now} of {model.name} is the champion again, in place of version {left}"


def _show_history(model: RegisteredModel, _arguments: argparse.Namespace) -> str:
    return text_table(model.history())


def main() -> None:
    """Promote, roll back or show by hand."""
    parser = ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True, metavar="promote|rollback|history")
    verbs: dict[str, tuple[Callable[[RegisteredModel, argparse.Namespace], str], str]] = {
        "promote": (_promote_by_hand, "make a version champion, if the gate lets it pass"),
        "rollback": (_roll_back_by_hand, "make the champion's predecessor champion again"),
        "history": (_show_history, "show every version, what it became and why"),
    }
    for verb, (action, purpose) in verbs.items():
        command = commands.add_parser(verb, help=purpose, description=purpose)
        command.set_defaults(action=action)
        command.add_argument("--name", help="of the registered model; by default that of params.yaml")
        if verb == "promote":
            command.add_argument("--version", type=int, help="its number; by default the challenger's")
            command.add_argument("--force", action="store_true", help="don't ask the gate")
    arguments = parser.parse_args()
    name = arguments.name or registered_name(PARAMS)
    with open_store() as store:
        print(arguments.action(RegisteredModel(store.client, name), arguments))


if __name__ == "__main__":
    run(main)

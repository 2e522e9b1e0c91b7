"""Release a version, in the flow and by hand: ``python -m flows.release promote|rollback|history``.

:mod:`registry.judging` says what becomes champion, :mod:`registry.versions` makes it champion and keeps the ledger.
"""

import argparse
from collections.abc import Callable, Sequence

from prefect import task
from prefect.context import FlowRunContext

from flows.history import describe_champion, describe_history, read_time, version_rows
from flows.retries import RETRYING
from flows.tables import Rows
from registry.judging import Decision, judge
from registry.ledger import CHALLENGER, CHAMPION, Change
from registry.store import open_store
from registry.versions import RegisteredModel
from seq2seq.core.command_line import ArgumentParser, run
from seq2seq.core.errors import TransientError, UserError
from seq2seq.core.params import PARAMS, load_section
from seq2seq.metrics.external import ScorerParams
from seq2seq.metrics.scores import EvaluationParams
from seq2seq.release.params import ReleaseParams, registered_name


@task(**RETRYING)
def release(name: str, version: int, params: ReleaseParams, scorers: Sequence[ScorerParams]) -> tuple[Decision, Rows]:
    """Settle what a version that was just registered becomes; return that and the history afterwards.

    It needs no Prefect server, so that one which is away keeps no version from being judged.
    """
    with open_store(away=TransientError) as store:
        model = RegisteredModel(store.client, name, flow_run())
        return settle(model, version, params, scorers), version_rows(model)


def flow_run() -> dict[str, str]:
    """What the ledger says of the flow run that we are in, as far as it can be told without Prefect's server."""
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        return {}
    run = context.flow_run
    told = {"flow_run": run.name, "flow_run_id": str(run.id)}
    if run.deployment_id:
        told["deployment_id"] = str(run.deployment_id)
        told["started_by"] = "its schedule" if run.auto_scheduled else "somebody's request"
    return told


def settle(
    model: RegisteredModel, number: int, params: ReleaseParams, scorers: Sequence[ScorerParams] = ()
) -> Decision:
    """Judge a version once. One that was judged or rolled back before stays what it is."""
    model.version(number)
    decision = Decision(number, "", "")

    def plan() -> Change | None:
        nonlocal decision
        if before := model.decided(number):
            alias = next((alias for alias in (CHAMPION, CHALLENGER) if model.aliases.get(alias) == number), "")
            decision = Decision(number, alias, f"decided before: {before.what}: {before.reason}")
            return None
        decision = judge(model, number, params, scorers)
        make = model.release if decision.alias == CHAMPION else model.keep
        return make(number, decision.reason, decision.evidence)

    model.change(plan)
    return decision


def _promote_by_hand(model: RegisteredModel, arguments: argparse.Namespace) -> str:
    said = ""

    def plan() -> Change | None:
        nonlocal said
        number = arguments.version or model.aliases.get(CHALLENGER)
        if number is None:
            raise UserError(f"'{model.name}' has no challenger; say --version N (`history` shows them)")
        model.version(number)
        if model.aliases.get(CHAMPION) == number:
            said = f"version {number} of {model.name} is the champion already"
            return None
        params = load_section(PARAMS, "release", ReleaseParams)
        decision = judge(model, number, params, load_section(PARAMS, "evaluation", EvaluationParams).scorers)
        passed = decision.alias == CHAMPION
        if not (passed or arguments.force):
            raise UserError(f"version {number} is not promoted: {decision.reason}; --force promotes it all the same")
        reason = decision.reason if passed else f"promoted by hand against the gate: {decision.reason}"
        said = f"version {number} of {model.name} is the champion now: {reason}"
        return model.release(number, reason, decision.evidence, forced=not passed)

    model.change(plan)
    return said


def _roll_back_by_hand(model: RegisteredModel, _arguments: argparse.Namespace) -> str:
    change = model.change(model.roll_back)
    now = change.aliases[CHAMPION]
    return f"version {now} of {model.name} is the champion again, in place of version {change.version}"


def _show_history(model: RegisteredModel, arguments: argparse.Namespace) -> str:
    lacking = model.mend_if_allowed()
    shown = describe_history(model) if arguments.at is None else describe_champion(model, arguments.at)
    return "\n\n".join([shown, *lacking])


def main() -> None:
    """Promote, roll back or show by hand."""
    parser = ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True, metavar="promote|rollback|history")
    verbs: dict[str, tuple[Callable[[RegisteredModel, argparse.Namespace], str], str]] = {
        "promote": (_promote_by_hand, "make a version champion, if the gate lets it pass"),
        "rollback": (_roll_back_by_hand, "make the champion's predecessor champion again"),
        "history": (_show_history, "show every version, and every decision with its reason; or who was champion when"),
    }
    for verb, (action, purpose) in verbs.items():
        command = commands.add_parser(verb, help=purpose, description=purpose)
        command.set_defaults(action=action, reading=verb == "history")
        command.add_argument("--name", help="of the registered model; by default that of params.yaml")
        if verb == "promote":
            command.add_argument("--version", type=int, help="its number; by default the challenger's")
            command.add_argument("--force", action="store_true", help="promote it whatever the gate says")
        if verb == "history":
            command.add_argument(
                "--at", type=read_time, metavar="TIME", help="who was champion then: ISO 8601, in UTC if without a zone"
            )
    arguments = parser.parse_args()
    name = arguments.name or registered_name(PARAMS)
    with open_store(reading=arguments.reading) as store:
        print(arguments.action(RegisteredModel(store.client, name), arguments))


if __name__ == "__main__":
    run(main)

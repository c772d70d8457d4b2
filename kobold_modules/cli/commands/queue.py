"""``train --detach`` and what can be done with trainings that run on their own: list, follow, pause, continue, stop."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from ...duration import duration
from ...errors import BadUsage
from ...records import Failed, Progress, TrainedModule
from ...training import TrainingRequest
from ...training_queue.files import Training
from ...training_queue.queue import TrainingQueue
from ..output import Output, table


CHANGES: dict[str, tuple[str, str]] = {
    "pause": ("pause", "{} is paused; `kobold-modules train --continue {}` resumes it."),
    "go_on": ("resume", "{} was resumed."),
    "stop": ("stop", "{} stops and saves its best module."),
    "cancel": ("cancel", "{} is cancelled; nothing of it is saved."),
}


def asked(arguments: argparse.Namespace) -> bool:
    """Return whether the options are about the queue rather than about a training to start."""
    return bool(arguments.queue or arguments.follow or any(getattr(arguments, option) for option in CHANGES))


def manage(arguments: argparse.Namespace, output: Output) -> int:
    """Do what the options ask of the queue."""
    if arguments.files or arguments.detach:
        raise BadUsage(
            "--queue, --follow, --pause, --continue, --stop and --cancel go without FILE and --detach.",
            "Start a training with a separate command.",
        )
    queue = TrainingQueue()
    for option, (method, sentence) in CHANGES.items():
        if id := getattr(arguments, option):
            change: Callable[[str], None] = getattr(queue, method)
            change(id)
            output.object(training=id, state=queue.get(id).state)
            output.data(sentence.format(id, id))
    if arguments.queue:
        _list(queue, output)
    return _follow(queue, arguments.follow, output) if arguments.follow else 0


def submit(request: TrainingRequest, output: Output) -> int:
    """Put ``request`` into the queue and return at once. Raises NoModel where its model cannot be trained through."""
    from ...models.find import resolve
    from ...models.usability.usable import check_can_train

    check_can_train(resolve(request.model))
    queue = TrainingQueue()
    id = queue.submit(request)
    before = sum(1 for training in queue.trainings() if not training.ended) - 1
    output.object(training=id, waiting_behind=before)
    output.data(id)
    behind = f"It starts after {before} other{'s' if before > 1 else ''}. " if before else ""
    output.say(f"{behind}It continues without this terminal; `kobold-modules train --follow {id}` shows how far it is.")
    return 0


def _list(queue: TrainingQueue, output: Output) -> None:
    queue.ensure_runner()  # one that was cut short by a power cut goes on as soon as somebody looks
    rows = []
    for training in queue.trainings():
        records, _ = queue.records(training.id)
        progress = next((r for r in reversed(records) if isinstance(r, Progress) and r.total > 1), None)
        output.object(
            training=training.id,
            name=training.request.name,
            state=training.state,
            done=progress.done if progress else 0,
            total=progress.total if progress else None,
            seconds_left=progress.seconds_left if progress else None,
            message=training.message,
        )
        rows.append((training.id, training.request.name, _state(training), _progress(training, progress)))
    for problem in queue.unreadable():
        output.error(problem.message, problem.hint, problem.exit_code)
    if rows:
        output.data(table(rows, ("id", "name", "state", "")))
    else:
        output.say("There are no trainings. `kobold-modules train FILE --name NAME --detach` adds one.")


def _state(training: Training) -> str:
    if training.state == "done" and training.stopped:
        return "stopped, best saved"
    return "interrupted" if training.state == "waiting" and training.started else training.state


def _progress(training: Training, progress: Progress | None) -> str:
    if training.message:
        return training.message
    if training.ended or progress is None:
        return ""
    left = "" if progress.seconds_left is None else f", {duration(progress.seconds_left)} left"
    return f"step {progress.done} of {progress.total}{left}"


def _follow(queue: TrainingQueue, id: str, output: Output) -> int:
    """Show a training from its beginning until it ends. Ctrl-C stops the showing, not the training."""
    from ..verdict import verdict

    queue.ensure_runner()
    try:
        kept = output.follow(queue.follow(id))
    except KeyboardInterrupt:
        output.say(f"\n{id} continues without this terminal.")
        return 0
    for record in kept:
        if isinstance(record, TrainedModule):
            output.data(verdict(record))
    training = queue.get(id)
    if training.state == "failed":
        failed = next((r for r in reversed(kept) if isinstance(r, Failed)), None)
        if failed is None or not output.json:  # as a JSON line it has been printed already
            output.error(training.message, training.hint, training.code)
        return training.code or 1
    if training.state == "cancelled":
        output.say(f"{id} was cancelled.")
    return 0

"""TABLE: what is made, brought in, said, proposed and planned in a space, for `test_resume`.

A row that prepares something is a generator: what stands before its `yield` has happened before.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile

from generations.models import Output, RegisterEntry
from generations.operations import keeping
from genproj.assistant.models import Message, Turn
from genproj.assistant.operations import rounds, turns
from genproj.kernel import leases, rows
from genproj.kernel.clock import now
from genproj.kernel.ids import uuid7
from spaces.models import Approval, Plan, PlanStep, StandingPermission, Variant
from spaces.operations import (
    approvals,
    describing,
    looking,
    plans,
    retrying,
    settling,
    talking,
    uploading,
)
from spaces.operations.entering import locked
from spaces.states import ApprovalStatus, StepStatus, VariantStatus
from tests import world
from tests.people import Person
from tests.spaces.doors import PROMPT, Stage
from tests.spaces.making import FLUX, GEMINI
from tests.spaces.world import variant_of

Operation = Callable[[Stage, User], object]
Story = Iterator[None]
#: what asks the language model
NEEDS_MODEL = {"answering.answer", "describing.describe", "looking.describe"}
MANY = {**PROMPT, "count": 3}


def at(it: Stage) -> dict[str, Any]:
    """The space, as operations are told."""
    return {"space_id": it.space.pk}


# ── pictures ──────────────────────────────────────────────────────────────────────────────────


def pictured(it: Stage) -> Variant:
    """Another variant, whose picture really lies in the space."""
    world.models()
    return variant_of(it.asset, artifact=it.picture().pk, active=True)


def asked(it: Stage, actor: User, path: str = "generate", **body: Any) -> Any:
    """Ask a door of making for something; its answer."""
    world.models()
    body = {**PROMPT, "model": FLUX, **body}
    return Person(actor).post(f"spaces/{it.space.pk}/{path}/", body, status=202)


def awaited(it: Stage, actor: User) -> tuple[Variant, RegisterEntry]:
    """A placeholder, and the entry that is to bring its picture."""
    variant = Variant.objects.get(pk=asked(it, actor)["variants"][0]["id"])
    return variant, RegisterEntry.objects.get(pk=variant.generation)


def came(it: Stage, entry: RegisterEntry) -> None:
    """The picture of an entry is stored."""
    Output.objects.filter(pk=it.picture().pk).update(entry=entry)


@rows.atomically
def told(projector: Callable[..., None], entry: RegisterEntry) -> None:
    projector([entry])


def derived(it: Stage, actor: User) -> Story:
    shown = pictured(it)
    yield
    asked(it, actor, "derive", model=GEMINI, reference_variant_ids=[str(shown.pk)])


def refined(it: Stage, actor: User) -> Story:
    pictured(it)
    yield
    body = {"asset_id": str(it.asset.pk), "prompt": "the same at night", "model": GEMINI}
    Person(actor).post(f"spaces/{it.space.pk}/refine/", {**body, "count": 2}, status=202)


def forked(it: Stage, actor: User) -> Story:
    pictured(it)
    yield
    body = {"name": "Copy", "asset_type": "lamp"}
    Person(actor).post(f"spaces/{it.space.pk}/assets/{it.asset.pk}/fork/", body)


def matrix(it: Stage, actor: User) -> None:
    world.models()
    body = {"name": "Gulls", "asset_type": "animal", "prompts": ["a gull", "two"]}
    models = {"models": [FLUX, GEMINI], "seeds": [7]}
    Person(actor).post(f"spaces/{it.space.pk}/matrix/", {**body, **models}, status=202)


def submitted(it: Stage, actor: User) -> Story:
    _, entry = awaited(it, actor)
    yield
    told(settling.note_submitted, entry)


def completed(it: Stage, actor: User) -> Story:
    variant, entry = awaited(it, actor)
    came(it, entry)
    yield
    told(settling.settle, entry)
    variant.refresh_from_db()
    assert variant.status == VariantStatus.COMPLETED


def failed(it: Stage, actor: User) -> Story:
    variant, entry = awaited(it, actor)
    yield
    told(settling.settle, entry)
    variant.refresh_from_db()
    assert variant.status == VariantStatus.FAILED


def late(it: Stage, actor: User) -> Story:
    variant, entry = awaited(it, actor)
    told(settling.settle, entry)
    came(it, entry)
    yield
    told(settling.note_late, entry)
    variant.refresh_from_db()
    assert variant.status == VariantStatus.COMPLETED


def retried(it: Stage, actor: User) -> Story:
    variant, entry = awaited(it, actor)
    told(settling.settle, entry)
    yield
    retrying.retry(actor=actor, **at(it), variant_id=variant.pk)


def cancelled(it: Stage, actor: User) -> Story:
    variant, _ = awaited(it, actor)
    yield
    retrying.cancel(actor=actor, **at(it), variant_id=variant.pk)


def described(it: Stage, actor: User) -> Story:
    shown = pictured(it)
    yield
    describing.describe(actor=actor, **at(it), variant_id=shown.pk)


def looked(it: Stage, actor: User) -> Story:
    shown = pictured(it)
    yield
    looking.describe(actor=actor, **at(it), arguments={"variant_id": str(shown.pk)})


# ── files ─────────────────────────────────────────────────────────────────────────────────────


def file() -> SimpleUploadedFile:
    return SimpleUploadedFile("fox.png", world.picture(), "image/png")


def begun(it: Stage, actor: User, asset_id: UUID | None = None) -> uploading.Begun:
    given = {"file": file(), "filename": "fox.png", "asset_id": asset_id}
    return uploading.begin(actor=actor, **at(it), **given)


def ended(it: Stage, actor: User) -> Story:
    upload = begun(it, actor)
    yield
    uploading.end(actor=actor, begun=upload)


def withdrawn(it: Stage, actor: User) -> Story:
    upload = begun(it, actor, it.asset.pk)
    yield
    uploading.withdraw(begun=upload)


def lost(it: Stage, actor: User) -> Story:
    upload = begun(it, actor)
    long_ago = now() - timedelta(seconds=uploading.PATIENCE + 60)
    Variant.objects.filter(pk=upload.variant_id).update(updated_at=long_ago)
    yield
    assert uploading.fail_lost_uploads() == 1


def added(it: Stage, actor: User) -> None:
    mine = keeping.keep_upload(
        actor=actor, audience=f"user:{actor.pk}", file=file(), filename="fox.png"
    )
    artifact = Output.objects.get(entry=mine).pk
    uploading.add_artifact(actor=actor, **at(it), artifact_id=artifact)


# ── talk ──────────────────────────────────────────────────────────────────────────────────────


def spoken(it: Stage, actor: User, words: str = "Please.") -> Message:
    return talking.send(actor=actor, **at(it), content=words)


def stopped(it: Stage, actor: User) -> Story:
    spoken(it, actor)
    [turn] = leases.claim(turns.turns_to_answer(), limit=1)
    assert rounds.open_round(turn)
    yield
    assert talking.stop(actor=actor, **at(it))


def answered(it: Stage, actor: User) -> Story:
    spoken(it, actor, "Rename the lamp to Sir Fog")
    yield
    assert turns.answer_turns() == 1
    assert Turn.objects.get().waiting_at


def cleared(it: Stage, actor: User) -> Story:
    """With a call that waits, and one that was approved and ends after the talk is gone."""
    proposed(it, actor)
    approved = proposed(it, actor)
    approvals.approve(actor=actor, **at(it), approval_id=approved.pk)
    yield
    talking.clear(actor=actor, **at(it))
    spoken(it, actor)
    assert approvals.run_approved() == 1


# ── proposals ─────────────────────────────────────────────────────────────────────────────────


def proposed(it: Stage, asker: User, tool: str = "rename", **arguments: Any) -> Approval:
    """What the model asked for after somebody's words, and the turn that waits for people."""
    StandingPermission.objects.filter(space=it.space).delete()  # people are asked
    arguments = arguments or {"asset_id": str(it.asset.pk), "name": "Sir Fog"}
    said = spoken(it, asker)
    turn = Turn.objects.get(asked=said)
    Turn.objects.filter(pk=turn.pk).update(due_at=None, waiting_at=now())
    call = {"type": "tool_use", "id": f"toolu_{uuid7().hex}", "name": tool, "input": arguments}
    message = Message.objects.create(
        **{"id": uuid7(), "conversation": said.conversation, "role": "assistant", "type": "text"},
        **{"content": "", "of_turn": turn, "blocks": [call]},
        **{"created_at": now(), "updated_at": now()},
    )
    return keep(it, turn, message, call)


@rows.atomically
def keep(it: Stage, turn: Turn, message: Message, call: dict[str, Any]) -> Approval:
    locked(it.space.pk)
    return approvals.propose(
        turn,
        message=message,
        space=it.space,
        call_id=call["id"],
        name=call["name"],
        arguments=call["input"],
    )


def decided(**verb: Any) -> Operation:
    """A row in which a proposal is decided on, or changed."""
    [(name, given)] = verb.items()

    def story(it: Stage, actor: User) -> Story:
        one = proposed(it, actor)
        yield
        if "arguments" in given:
            given["arguments"]["asset_id"] = str(it.asset.pk)
        getattr(approvals, name)(actor=actor, **at(it), approval_id=one.pk, **given)

    return story


def all_approved(it: Stage, actor: User) -> Story:
    proposed(it, actor)
    proposed(it, actor, "tag", asset_id=str(it.asset.pk), add=["hero"])
    yield
    assert len(approvals.approve_all(actor=actor, **at(it))["approved"]) == 3


def expired(it: Stage, actor: User) -> Story:
    one = proposed(it, actor)
    Approval.objects.filter(pk=one.pk).update(expires_at=now() - timedelta(seconds=1))
    yield
    assert approvals.expire() == 1


def refused(it: Stage, actor: User) -> Story:
    """What was approved cannot be done any more."""
    one = proposed(it, actor)
    approvals.approve(actor=actor, **at(it), approval_id=one.pk)
    Approval.objects.filter(pk=one.pk).update(approved_hash="other")
    yield
    carry_out(one, ApprovalStatus.FAILED)


def carried(tool: str, arguments: Callable[[Stage], dict[str, Any]]) -> Operation:
    """A row in which an approved call of a tool is carried out."""

    def story(it: Stage, actor: User) -> Story:
        pictured(it)
        one = proposed(it, actor, tool, **arguments(it))
        approvals.approve(actor=actor, **at(it), approval_id=one.pk)
        yield
        carry_out(one, ApprovalStatus.EXECUTED)

    return story


def carry_out(one: Approval, ends: ApprovalStatus) -> None:
    assert approvals.run_approved() == 1
    one.refresh_from_db()
    assert one.status == ends, one.result


def asset_id(it: Stage) -> dict[str, Any]:
    return {"asset_id": str(it.asset.pk)}


def picture(it: Stage) -> dict[str, Any]:
    return {"name": "Gull", "prompt": "a gull in fog"}


def from_picture(it: Stage) -> dict[str, Any]:
    it.asset.refresh_from_db()
    return {**picture(it), "reference_variant_ids": [str(it.asset.active_variant_id)]}


# ── plans ─────────────────────────────────────────────────────────────────────────────────────


def of_plan(it: Stage) -> dict[str, Any]:
    return {"space_id": it.space.pk, "plan_id": it.plan.pk}


def drafted(it: Stage, actor: User) -> None:
    step = {"tool": "rename", "arguments": {"asset_id": str(it.asset.pk), "name": "Wick"}}
    plans.draft(actor=actor, **at(it), arguments={"title": "Fog", "steps": [step]})


def paused(it: Stage, actor: User) -> Story:
    plans.start(actor=actor, **of_plan(it))
    yield
    plans.pause(actor=actor, **of_plan(it))


def step_ended(it: Stage, actor: User) -> Story:
    more = {"tool": "tag", "arguments": {**asset_id(it), "add": ["hero"]}, "status": "waiting"}
    PlanStep.objects.create(id=uuid7(), plan=it.plan, position=2, **more)
    plans.start(actor=actor, **of_plan(it), auto_advance=True)
    yield
    assert approvals.run_approved() == 1
    assert approvals.run_approved() == 1
    assert Plan.objects.get(pk=it.plan.pk).status == "done"


def step_retried(it: Stage, actor: User) -> Story:
    plans.start(actor=actor, **of_plan(it))
    Approval.objects.update(approved_hash="other")
    approvals.run_approved()
    it.step.refresh_from_db()
    assert it.step.status == StepStatus.FAILED
    yield
    plans.retry(actor=actor, **of_plan(it), step_id=it.step.pk)


HAPPENINGS: dict[str, Operation] = {
    "making.generate": lambda it, a: asked(it, a, count=2),
    "making.derive": derived,
    "making.refine": refined,
    "making.fork": forked,
    "making.batch": lambda it, a: asked(it, a, "batch", **MANY, mode="explore"),
    "making.batch: set": lambda it, a: asked(it, a, "batch", **MANY, mode="set"),
    "making.matrix": matrix,
    "settling.note_submitted": submitted,
    "settling.settle": completed,
    "settling.settle: nothing came": failed,
    "settling.note_late": late,
    "retrying.retry": retried,
    "retrying.cancel": cancelled,
    "describing.describe": described,
    "looking.describe": looked,
    "uploading.begin": begun,
    "uploading.end": ended,
    "uploading.withdraw": withdrawn,
    "uploading.fail_lost_uploads": lost,
    "uploading.add_artifact": added,
    "talking.send": spoken,
    "talking.stop": stopped,
    "talking.clear": cleared,
    "answering.answer": answered,
    "approvals.edit": decided(edit={"arguments": {"name": "Dame Fog"}}),
    "approvals.approve": decided(approve={}),
    "approvals.reject": decided(reject={"reason": "No."}),
    "approvals.approve_all": all_approved,
    "approvals.expire": expired,
    "approvals.run_approved": refused,
    "carrying.generate": carried("generate", picture),
    "carrying.derive": carried("derive", from_picture),
    "carrying.refine": carried("refine", lambda it: {**asset_id(it), "prompt": "at night"}),
    "carrying.batch_generate": carried("batch_generate", lambda it: {**picture(it), "count": 2}),
    "carrying.fork": carried(
        "fork", lambda it: {"name": "Copy", "source_asset_id": str(it.asset.pk)}
    ),
    "carrying.tag": carried("tag", lambda it: {**asset_id(it), "add": ["hero"]}),
    "carrying.move": carried("move", lambda it: {**asset_id(it), "parent_asset_id": None}),
    "carrying.rename": carried("rename", lambda it: {**asset_id(it), "name": "Sir Fog"}),
    "plans.draft": drafted,
    "plans.start": lambda it, a: plans.start(actor=a, **of_plan(it)),
    "plans.pause": paused,
    "plans.stop": lambda it, a: plans.stop(actor=a, **of_plan(it)),
    "plans.skip": lambda it, a: plans.skip(actor=a, **of_plan(it), step_id=it.step.pk),
    "plans.retry": step_retried,
    "approvals.run_approved: steps": step_ended,
}

"""Spaces, their people, and what belongs to them."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from genproj.assistant.models import Conversation
from genproj.kernel.leases import Leased
from spaces.models_plans import Plan as Plan
from spaces.models_plans import PlanStep as PlanStep
from spaces.permissions import Role
from spaces.states import APPROVAL, VARIANT, ApprovalStatus, Rating, Relation

ROLES = [(role.value, role.value) for role in Role]


def person() -> Any:
    """A column that names somebody, and outlives them."""
    return models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )


class Space(models.Model):
    """Where a team works. `trashed_at`: nobody sees it but its owners, who may bring it back."""

    id = models.UUIDField(primary_key=True, editable=False)
    name = models.CharField(max_length=120)
    created_by = person()
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    trashed_at = models.DateTimeField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)
    style_description = models.TextField(blank=True, default="")
    style_artifacts = models.JSONField(default=list, help_text="Up to five artifact ids.")
    style_enabled = models.BooleanField(default=False)
    style_version = models.PositiveIntegerField(default=1)
    conversation = models.ForeignKey(
        Conversation, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name


class Member(models.Model):
    """Somebody's place in a space."""

    space = models.ForeignKey(Space, on_delete=models.CASCADE, related_name="members")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships"
    )
    role = models.CharField(max_length=10, choices=ROLES)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["space", "user"], name="member_once_per_space"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.role} of {self.space_id}"


class Invitation(models.Model):
    """An open door to a space: by link (`token_hash`), or for one person by name."""

    id = models.UUIDField(primary_key=True, editable=False)
    space = models.ForeignKey(Space, on_delete=models.CASCADE, related_name="invitations")
    role = models.CharField(max_length=10, choices=ROLES)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="invitations",
    )
    token_hash = models.CharField(max_length=64, blank=True, default="", db_index=True)
    created_by = person()
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    accepted_at = models.DateTimeField(null=True, blank=True)
    accepted_by = person()

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"invitation to {self.space_id} as {self.role}"


class AccessRequest(models.Model):
    """Somebody asks to be let in; one that is open per person and space."""

    id = models.UUIDField(primary_key=True, editable=False)
    space = models.ForeignKey(Space, on_delete=models.CASCADE, related_name="access_requests")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = person()
    granted_role = models.CharField(max_length=10, choices=ROLES, blank=True, default="")

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["space", "user"],
                condition=Q(decided_at__isnull=True),
                name="one_open_access_request",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} asks for {self.space_id}"


class Asset(models.Model):
    """A thing that the team works on, in a tree. Its pictures are its variants."""

    id = models.UUIDField(primary_key=True, editable=False)
    space = models.ForeignKey(Space, on_delete=models.CASCADE, related_name="assets")
    name = models.CharField(max_length=120)
    asset_type = models.CharField(max_length=40)
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="children"
    )
    active_variant = models.ForeignKey(
        "Variant", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    tags = models.JSONField(default=list)
    created_by = person()
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["created_at", "id"]
        indexes = [
            models.Index(fields=["space", "created_at", "id"], name="asset_in_space"),
        ]

    def __str__(self) -> str:
        return self.name


class Variant(models.Model):
    """One picture of an asset, from its placeholder on. `recipe` is everything that made it.

    `generation` is the engine's entry of the newest attempt, `artifact` the picture it brought.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    space = models.ForeignKey(Space, on_delete=models.CASCADE, related_name="variants")
    asset = models.ForeignKey(Asset, on_delete=models.CASCADE, related_name="variants")
    status = models.CharField(max_length=12, choices=VARIANT.choices)
    error = models.JSONField(null=True, blank=True)
    attempt = models.PositiveIntegerField(default=1)
    generation = models.UUIDField(null=True, blank=True, db_index=True)
    artifact = models.UUIDField(null=True, blank=True, db_index=True)
    recipe = models.JSONField(default=dict)
    batch = models.UUIDField(null=True, blank=True)
    starred = models.BooleanField(default=False)
    rating = models.CharField(
        max_length=14, choices=[(one.value, one.value) for one in Rating], blank=True, default=""
    )
    comment = models.CharField(max_length=1000, blank=True, default="")
    rated_by = person()
    label = models.CharField(max_length=120, blank=True, default="")
    position = models.FloatField(default=0.0)
    description = models.TextField(blank=True, default="")
    created_by = person()
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["position", "created_at", "id"]
        constraints = [
            models.CheckConstraint(
                name="a_completed_variant_has_a_picture",
                condition=~Q(status="completed") | Q(artifact__isnull=False),
            ),
        ]
        indexes = [
            models.Index(fields=["space", "created_at", "id"], name="variant_in_space"),
            models.Index(fields=["asset", "position"], name="variant_of_asset"),
        ]

    def __str__(self) -> str:
        return f"variant {self.id} {self.status}"


class Lineage(models.Model):
    """That a variant came from another. Never changed but for the mark that severs it; it outlives
    both, so it keeps their ids and what they were called."""

    id = models.UUIDField(primary_key=True, editable=False)
    space = models.ForeignKey(Space, on_delete=models.CASCADE, related_name="lineage")
    parent_variant = models.UUIDField(db_index=True)
    child_variant = models.UUIDField(db_index=True)
    parent_name = models.CharField(max_length=120)
    child_name = models.CharField(max_length=120)
    relation = models.CharField(max_length=10, choices=[(one.value, one.value) for one in Relation])
    created_at = models.DateTimeField()
    severed_at = models.DateTimeField(null=True, blank=True)
    severed_by = person()

    class Meta:
        verbose_name_plural = "lineage"
        ordering = ["created_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["parent_variant", "child_variant", "relation"], name="lineage_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.child_variant} {self.relation} from {self.parent_variant}"


class Snippet(models.Model):
    """Words that are often put into a prompt."""

    id = models.UUIDField(primary_key=True, editable=False)
    space = models.ForeignKey(Space, on_delete=models.CASCADE, related_name="snippets")
    name = models.CharField(max_length=80)
    text = models.CharField(max_length=1000)
    created_by = person()
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(fields=["space", "name"], name="snippet_once_per_name"),
        ]

    def __str__(self) -> str:
        return self.name


class StandingPermission(models.Model):
    """What somebody lets the assistant do without asking again: one tool, up to a ceiling of cost.

    With a conversation it is for whoever speaks there, else for what its giver asks for.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    space = models.ForeignKey(Space, on_delete=models.CASCADE, related_name="standing_permissions")
    given_by = person()
    tool = models.CharField(max_length=40)
    conversation = models.ForeignKey(
        Conversation, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    ceiling = models.DecimalField(max_digits=14, decimal_places=6)
    spent = models.DecimalField(max_digits=14, decimal_places=6, default=0)
    created_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = person()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(
                name="standing_permission_within_ceiling",
                condition=Q(spent__gte=0, spent__lte=F("ceiling")),
            ),
        ]
        indexes = [
            # for the look of every proposal, and the list
            models.Index(
                fields=["space", "tool"],
                condition=Q(revoked_at__isnull=True),
                name="standing_permission_now",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tool} up to {self.ceiling}"


class Approval(Leased):
    """A call that the assistant proposes and people decide on. Leased while it is carried out.

    `standing` is the permission by which it was approved, if nobody was asked; `step` what it
    carries out of a plan.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    space = models.ForeignKey(Space, on_delete=models.CASCADE, related_name="approvals")
    conversation = models.ForeignKey(
        Conversation, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    turn = models.UUIDField(null=True, blank=True, db_index=True)
    message = models.UUIDField(null=True, blank=True)
    call_id = models.CharField(max_length=80, blank=True, default="")
    tool = models.CharField(max_length=40)
    arguments = models.JSONField(default=dict)
    original_arguments = models.JSONField(default=dict)
    approved_hash = models.CharField(max_length=64, blank=True, default="")
    cost = models.DecimalField(max_digits=14, decimal_places=6, null=True, blank=True)
    status = models.CharField(max_length=10, choices=APPROVAL.choices)
    requested_by = person()
    decided_by = person()
    decided_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=300, blank=True, default="")
    standing = models.UUIDField(null=True, blank=True)
    step = models.UUIDField(null=True, blank=True)
    result = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    version = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["message", "call_id"],
                condition=Q(message__isnull=False),
                name="approval_once_per_call",
            ),
        ]
        indexes = [
            # for the claim of `spaces.jobs.run_approved` and the clock's look
            models.Index(
                fields=["due_at"], condition=Q(due_at__isnull=False), name="approval_to_run"
            ),
            # for what waits for somebody, and what expires
            models.Index(
                fields=["space", "expires_at"],
                condition=Q(status=ApprovalStatus.PENDING.value),
                name="approval_pending",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tool} {self.status}"


class ShareLink(models.Model):
    """An address under which some of a space's pictures can be seen by whoever has it."""

    id = models.UUIDField(primary_key=True, editable=False)
    space = models.ForeignKey(Space, on_delete=models.CASCADE, related_name="shares")
    name = models.CharField(max_length=120, blank=True, default="")
    token_hash = models.CharField(max_length=64, unique=True)
    password = models.CharField(max_length=200, blank=True, default="")
    variants = models.JSONField(default=list)
    asset = models.ForeignKey(
        Asset, null=True, blank=True, on_delete=models.CASCADE, related_name="shares"
    )
    download = models.CharField(
        max_length=10,
        choices=[("off", "off"), ("preview", "preview"), ("original", "original")],
        default="preview",
    )
    show_prompt = models.BooleanField(default=False)
    created_by = person()
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    views = models.PositiveIntegerField(default=0)
    last_viewed_at = models.DateTimeField(null=True, blank=True)
    downloads = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return self.name or str(self.id)

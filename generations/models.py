"""The register, its outputs, the catalogue that lists read, and the registry of models."""

from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from generations.states import Facts, GenerationState, Kind, derive_state
from genproj.kernel.leases import Leased

KINDS = [(kind.value, kind.value) for kind in Kind]


def money(**options: object) -> models.DecimalField:
    """An amount in US dollars."""
    return models.DecimalField(max_digits=14, decimal_places=6, **options)  # type: ignore[arg-type]


class ProviderModel(models.Model):
    """A model that a provider serves: a row, because providers retire them every few months."""

    id = models.CharField(max_length=120, primary_key=True)
    provider = models.CharField(max_length=40)
    kind = models.CharField(max_length=10, choices=KINDS)
    name = models.CharField(max_length=120)
    description = models.CharField(max_length=300, blank=True, default="")
    parameters = models.JSONField(default=dict, help_text="JSON schema of `parameters`.")
    sizes = models.JSONField(
        default=dict, help_text="{min, max, multiple, presets: [[w, h]], default: [w, h]}"
    )
    max_count = models.PositiveSmallIntegerField(default=10)
    max_references = models.PositiveSmallIntegerField(default=0)
    price = money(null=True, blank=True, help_text="US dollars per output; empty: unknown.")
    sunset_at = models.DateTimeField(null=True, blank=True)
    replacement = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL)
    enabled = models.BooleanField(default=True)
    position = models.PositiveSmallIntegerField(default=100)

    class Meta:
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return f"{self.name} ({self.id})"


class RegisterEntry(Leased):
    """The complete truth about one request. Its id is the provider's task id.

    Leased for what is asked of the provider: submission, then polls, at last the deadline.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    kind = models.CharField(max_length=10, choices=KINDS)
    provider = models.CharField(max_length=40)
    model = models.CharField(max_length=120)
    input = models.JSONField(default=dict)
    expected_count = models.PositiveSmallIntegerField()
    audience = models.CharField(max_length=80)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    key_prefix = models.CharField(max_length=200)
    annotations = models.JSONField(default=dict)
    request_id = models.CharField(max_length=80, blank=True, default="")
    retry_of = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="retries"
    )
    calls_back = models.BooleanField(default=False)

    error = models.JSONField(null=True, blank=True)
    error_history = models.JSONField(default=list)
    progress = models.PositiveSmallIntegerField(null=True, blank=True)
    polls = models.PositiveIntegerField(default=0)

    created_at = models.DateTimeField()
    submit_started_at = models.DateTimeField(null=True, blank=True)
    dispatched_at = models.DateTimeField(null=True, blank=True)
    deadline_at = models.DateTimeField()
    cancelled_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    catalogued_at = models.DateTimeField(null=True, blank=True)
    purged_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "register entries"
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(
                name="an_unfinished_entry_is_not_catalogued",
                condition=Q(catalogued_at__isnull=True) | Q(completed_at__isnull=False),
            ),
            models.CheckConstraint(
                name="a_cancelled_entry_is_complete",
                condition=Q(cancelled_at__isnull=True) | Q(completed_at__isnull=False),
            ),
            models.CheckConstraint(
                name="entry_expects_something", condition=Q(expected_count__gte=1)
            ),
        ]
        indexes = [
            # for the claim of `generations.jobs.call_providers` and the clock's look
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="entry_due"),
            # for lists, which show what the catalogue has not got yet
            models.Index(
                fields=["audience", "-created_at", "-id"],
                condition=Q(catalogued_at__isnull=True),
                name="entry_uncatalogued",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.id} {self.model}"

    @property
    def success_count(self) -> int:
        """How many outputs are stored. Uses prefetched outputs where there are any."""
        return sum(1 for output in self.outputs.all() if output.stored_at)

    @property
    def state(self) -> GenerationState:
        """Read off facts."""
        return derive_state(
            Facts(
                completed_at=self.completed_at,
                cancelled_at=self.cancelled_at,
                success_count=self.success_count,
                expected_count=self.expected_count,
            )
        )


class Output(Leased):
    """One result of an entry, from its announcement to stored bytes or an error.

    `ref` is the provider's id of the result, and what makes a repeated delivery harmless. An
    error without `index` fills no slot. Leased for fetching.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    entry = models.ForeignKey(RegisterEntry, on_delete=models.CASCADE, related_name="outputs")
    index = models.PositiveSmallIntegerField(null=True, blank=True)
    ref = models.CharField(max_length=120)
    url = models.TextField(blank=True, default="")
    seed = models.DecimalField(max_digits=20, decimal_places=0, null=True, blank=True)
    cost = money(null=True, blank=True)
    raw = models.JSONField(default=dict)
    late = models.BooleanField(default=False)
    announced_at = models.DateTimeField()

    error = models.JSONField(null=True, blank=True)
    error_history = models.JSONField(default=list)

    stored_at = models.DateTimeField(null=True, blank=True)
    storage_key = models.CharField(max_length=300, blank=True, default="")
    content_type = models.CharField(max_length=80, blank=True, default="")
    size = models.PositiveBigIntegerField(null=True, blank=True)
    sha256 = models.CharField(max_length=64, blank=True, default="")
    width = models.PositiveIntegerField(null=True, blank=True)
    height = models.PositiveIntegerField(null=True, blank=True)
    duration = models.FloatField(null=True, blank=True)

    class Meta:
        ordering = ["entry", F("index").asc(nulls_last=True), "id"]
        constraints = [
            models.UniqueConstraint(fields=["entry", "ref"], name="output_once_per_result"),
            models.UniqueConstraint(fields=["entry", "index"], name="output_once_per_slot"),
            models.CheckConstraint(
                name="a_stored_output_has_no_error_and_a_key",
                condition=Q(stored_at__isnull=True)
                | (Q(error__isnull=True) & ~Q(storage_key="") & ~Q(sha256="")),
            ),
        ]
        indexes = [
            # for the claim of `generations.jobs.collect_outputs` and the clock's look
            models.Index(
                fields=["due_at"], condition=Q(due_at__isnull=False), name="output_to_collect"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.entry_id}#{self.index}"

    @property
    def is_terminal(self) -> bool:
        """Whether nothing more will come of it."""
        return self.stored_at is not None or self.error is not None


class Preview(Leased):
    """The small pictures of a stored output, and the colour a tile shows before them."""

    output = models.OneToOneField(
        Output, primary_key=True, on_delete=models.CASCADE, related_name="preview"
    )
    colour = models.CharField(max_length=7, blank=True, default="")
    thumb_key = models.CharField(max_length=300, blank=True, default="")
    preview_key = models.CharField(max_length=300, blank=True, default="")
    poster_key = models.CharField(max_length=300, blank=True, default="")
    made_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            # for the claim of `generations.jobs.make_previews` and the clock's look
            models.Index(
                fields=["due_at"], condition=Q(due_at__isnull=False), name="preview_to_make"
            ),
        ]

    def __str__(self) -> str:
        return f"preview of {self.output_id}"


class Projection(Leased):
    """One projector's turn at one stage of an entry. `done_at` is set in its own transaction."""

    entry = models.ForeignKey(RegisterEntry, on_delete=models.CASCADE, related_name="projections")
    projector = models.CharField(max_length=40)
    stage = models.CharField(max_length=20)
    created_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True, blank=True)
    failed_at = models.DateTimeField(null=True, blank=True)
    cause = models.JSONField(null=True, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_reason = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["entry", "projector", "stage"], name="projection_once_per_stage"
            ),
        ]
        indexes = [
            # for the claim of `generations.jobs.project` and the clock's look
            models.Index(
                fields=["due_at"], condition=Q(due_at__isnull=False), name="projection_due"
            ),
            # for the admin's list of failures and `replay_projections`
            models.Index(
                fields=["failed_at"],
                condition=Q(failed_at__isnull=False),
                name="projection_failed",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.projector}/{self.stage} of {self.entry_id}"


class Generation(models.Model):
    """The catalogue's row of a settled entry; immutable but for a late success."""

    id = models.UUIDField(primary_key=True, editable=False)
    kind = models.CharField(max_length=10, choices=KINDS)
    provider = models.CharField(max_length=40)
    model = models.CharField(max_length=120)
    input = models.JSONField()
    audience = models.CharField(max_length=80)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    prompt = models.TextField(blank=True, default="")
    expected_count = models.PositiveSmallIntegerField()
    artifact_count = models.PositiveSmallIntegerField()
    cancelled_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    completed_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["audience", "-created_at", "-id"], name="generation_of_audience"),
            models.Index(fields=["-created_at", "-id"], name="generation_newest"),
            models.Index(
                fields=["audience", "model", "-created_at", "-id"], name="generation_by_model"
            ),
            # "show me failures", the founding schema's question
            models.Index(
                fields=["audience", "-created_at", "-id"],
                condition=Q(artifact_count=0),
                name="generation_failed",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.id} {self.model}"


class Artifact(models.Model):
    """The catalogue's row of a stored output, under the output's own id; immutable."""

    id = models.UUIDField(primary_key=True, editable=False)
    generation = models.ForeignKey(Generation, on_delete=models.CASCADE, related_name="artifacts")
    index = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=10, choices=KINDS)
    provider = models.CharField(max_length=40)
    model = models.CharField(max_length=120)
    audience = models.CharField(max_length=80)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    prompt = models.TextField(blank=True, default="")
    storage_key = models.CharField(max_length=300)
    content_type = models.CharField(max_length=80)
    seed = models.DecimalField(max_digits=20, decimal_places=0, null=True, blank=True)
    cost = money(null=True, blank=True)
    metadata = models.JSONField(default=dict)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    duration = models.FloatField(null=True, blank=True)
    late = models.BooleanField(default=False)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["generation", "index"], name="artifact_once_per_position"
            ),
        ]
        indexes = [
            models.Index(fields=["audience", "-created_at", "-id"], name="artifact_of_audience"),
            models.Index(fields=["-created_at", "-id"], name="artifact_newest"),
            models.Index(
                fields=["audience", "model", "-created_at", "-id"], name="artifact_by_model"
            ),
            models.Index(
                fields=["audience", "kind", "-created_at", "-id"], name="artifact_by_kind"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.id} {self.content_type}"


class EntryTag(models.Model):
    """A word somebody put on a generation."""

    entry = models.ForeignKey(RegisterEntry, on_delete=models.CASCADE, related_name="tags")
    name = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name", "entry"], name="entry_tag_once"),
        ]

    def __str__(self) -> str:
        return self.name


class ArtifactTag(models.Model):
    """A word somebody put on a picture; it begins with its generation's words."""

    output = models.ForeignKey(Output, on_delete=models.CASCADE, related_name="tags")
    name = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name", "output"], name="artifact_tag_once"),
        ]

    def __str__(self) -> str:
        return self.name


class Star(models.Model):
    """A picture somebody wants to find again."""

    output = models.OneToOneField(
        Output, primary_key=True, on_delete=models.CASCADE, related_name="star"
    )
    starred_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"star on {self.output_id}"


class Trash(Leased):
    """A generation (`output` null) or a single picture on its way out; due when it is purged."""

    entry = models.ForeignKey(RegisterEntry, on_delete=models.CASCADE, related_name="trashings")
    output = models.ForeignKey(
        Output, null=True, blank=True, on_delete=models.CASCADE, related_name="trashings"
    )
    trashed_at = models.DateTimeField()
    trashed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        verbose_name_plural = "trash"
        constraints = [
            models.UniqueConstraint(
                fields=["entry"], condition=Q(output__isnull=True), name="entry_trashed_once"
            ),
            models.UniqueConstraint(
                fields=["output"], condition=Q(output__isnull=False), name="output_trashed_once"
            ),
        ]
        indexes = [
            # for the claim of `generations.jobs.purge` and the clock's look
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="trash_due"),
        ]

    def __str__(self) -> str:
        return f"trash {self.output_id or self.entry_id}"


class Act(models.Model):
    """What staff did to an entry: who, what, why. Never changed."""

    entry = models.ForeignKey(RegisterEntry, on_delete=models.CASCADE, related_name="acts")
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    act = models.CharField(max_length=40)
    reason = models.CharField(max_length=300, blank=True, default="")
    at = models.DateTimeField()

    class Meta:
        ordering = ["at"]

    def __str__(self) -> str:
        return f"{self.act} by {self.actor_id}"


ZERO = Decimal(0)

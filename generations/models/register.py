"""The register: entries, their outputs, and the work that is owed to them."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from generations.models.words import KINDS, money
from generations.states import Facts, GenerationState, derive_state
from genproj.kernel.leases import Leased


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
    provider_ref = models.CharField(
        max_length=300, blank=True, default="", help_text="What the provider calls the task."
    )
    hold = models.CharField(
        max_length=80, blank=True, default="", help_text="Subject of the money held for it."
    )

    error = models.JSONField(null=True, blank=True)
    error_history = models.JSONField(default=list)
    progress = models.PositiveSmallIntegerField(null=True, blank=True)
    polls = models.PositiveIntegerField(default=0)
    asked_at = models.DateTimeField(
        null=True, blank=True, help_text="When the provider was last asked about it."
    )

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
            # for the count of what is under way, which every request for more asks for
            models.Index(
                fields=["owner"], condition=Q(completed_at__isnull=True), name="entry_open"
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

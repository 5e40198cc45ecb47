"""TABLES: the jobs of a worker's lanes, and what the clock does from time to time."""

from genproj.kernel.wake import Job

#: job -> (works a batch, is anything due, threads per worker). A lane never uses another's
#: threads, so two slow consumers stop nothing.
JOBS = {
    name: Job(run=name, due=f"{name}_due", threads=threads)
    for name, threads in {
        "generations.jobs.apply_receipts": 1,
        "generations.jobs.project": 1,
        "generations.jobs.call_providers": 1,  # calls eight at a time by threads of its own
        "generations.jobs.paint": 1,  # as many again of those that take a minute
        "generations.jobs.collect_outputs": 1,  # fans out to four fetching threads of its own
        "generations.jobs.make_previews": 1,
        "generations.jobs.purge": 1,
        "genproj.assistant.jobs.answer_turns": 2,
        "genproj.usage.jobs.export": 1,
        "genproj.webhooks.jobs.deliver": 2,
        "spaces.jobs.run_approved": 1,
        "videos.jobs.run_queue": 1,
    }.items()
}

#: sweep -> seconds between two runs; run by the clock, harmless when two clocks do.
SWEEPS = {
    "generations.operations.sweeps.repair_stuck": 10.0,
    "generations.operations.belated.take_up_all": 30.0,
    "genproj.usage.operations.budgets.watch_budgets": 5.0,
    "genproj.usage.operations.exporting.owe_lines": 300.0,
    "genproj.usage.operations.tokens.forget_old_calls": 3600.0,
    "genproj.events.operations.forget_old_events": 3600.0,
    "genproj.kernel.wake.forget_old_tasks": 3600.0,
    "genproj.runtime.operations.forget_old_answers": 3600.0,
    "genproj.runtime.operations.forget_old_beats": 3600.0,
    "genproj.runtime.operations.forget_old_sessions": 3600.0,
    "genproj.accounts.operations.forget_ended_keys": 3600.0,
    "genproj.webhooks.operations.receipts.forget_old_receipts": 3600.0,
    "genproj.webhooks.operations.replaying.forget_old_deliveries": 3600.0,
    "genproj.assistant.operations.conversations.delete_trashed": 3600.0,
    "genproj.notices.operations.forget_old_notices": 3600.0,
    "spaces.operations.approvals.expire": 5.0,
    "videos.operations.leaving.close_money_of_gone": 300.0,
    "videos.operations.uploads.clear_incoming": 3600.0,
    "videos.operations.workers.forget_old_reports": 3600.0,
    "spaces.operations.purging.purge_trashed": 3600.0,
    "spaces.operations.uploading.fail_lost_uploads": 300.0,
}

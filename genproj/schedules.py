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
        "generations.jobs.collect_outputs": 1,  # fans out to four fetching threads of its own
        "generations.jobs.make_previews": 1,
        "generations.jobs.purge": 1,
    }.items()
}

#: sweep -> seconds between two runs; run by the clock, harmless when two clocks do.
SWEEPS = {
    "generations.operations.sweeps.repair_stuck": 10.0,
    "genproj.events.operations.forget_old_events": 3600.0,
    "genproj.runtime.operations.forget_old_answers": 3600.0,
    "genproj.accounts.operations.forget_ended_keys": 3600.0,
    "genproj.webhooks.operations.forget_old_receipts": 3600.0,
}

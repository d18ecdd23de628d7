"""The workflows' names on the server, and the flags by which running ones may meet changed code.

A change to a workflow's commands (another activity, another order, a timer more or less) breaks the histories that are
running. Either it goes behind `workflow.patched(FLAG)` with FLAG named here and a predicate for it, until no history
older than it is left; or the workflow gets a new name. `tests/workflows/histories` holds one history per name and
flag, and the replay test runs them against today's code.
"""

PAYMENT = "payment"
"""`PaymentWorkflow`; its id is the payment's id."""

FIRST_ANSWER = "first_answer"
"""Update: returns when the payment is at rest or waits for somebody else."""

WAKE = "wake"
"""Signal: something happened to the payment; plan again."""

CANCEL_ENDS = "cancel-ends"
"""Flag: a cancel in Temporal ends the workflow after the step under way. Before, it cut the step off and was forgotten.
Its marker is written where a cancel is met, so only such histories hold it."""

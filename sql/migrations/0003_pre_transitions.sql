-- The automata as rows. gateway/domain/payment.py says the same; tests/sql compares.
set role payera_owner;

insert into core.payment_transition (from_status, to_status, event) values
    ('processing', 'requires_action', 'payment.requires_action'),
    ('processing', 'authorized', 'payment.authorized'),
    ('processing', 'captured', 'payment.captured'),
    ('processing', 'declined', 'payment.declined'),
    ('processing', 'failed', 'payment.failed'),
    ('processing', 'canceled', 'payment.canceled'),
    ('processing', 'needs_review', 'payment.needs_review'),
    ('requires_action', 'processing', null),
    ('requires_action', 'authorized', 'payment.authorized'),
    ('requires_action', 'captured', 'payment.captured'),
    ('requires_action', 'declined', 'payment.declined'),
    ('requires_action', 'failed', 'payment.failed'),
    ('requires_action', 'canceled', 'payment.canceled'),
    ('requires_action', 'needs_review', 'payment.needs_review'),
    ('needs_review', 'processing', null),
    ('needs_review', 'requires_action', 'payment.requires_action'),
    ('needs_review', 'authorized', 'payment.authorized'),
    ('needs_review', 'captured', 'payment.captured'),
    ('needs_review', 'declined', 'payment.declined'),
    ('needs_review', 'failed', 'payment.failed'),
    ('needs_review', 'canceled', 'payment.canceled'),
    ('authorized', 'partially_captured', 'payment.partially_captured'),
    ('authorized', 'captured', 'payment.captured'),
    ('authorized', 'canceled', 'payment.canceled'),
    ('partially_captured', 'partially_captured', 'payment.partially_captured'),
    ('partially_captured', 'captured', 'payment.captured');

insert into core.operation_transition (from_status, to_status, event)
select f, t, null
from (values ('dispatched', array['approved', 'declined', 'not_sent', 'pending', 'requires_action', 'unknown', 'absent', 'review']),
             ('unknown', array['approved', 'declined', 'absent', 'review', 'not_sent', 'unknown', 'pending', 'requires_action']),
             ('pending', array['approved', 'declined', 'absent', 'review', 'unknown', 'pending', 'requires_action']),
             ('requires_action', array['approved', 'declined', 'absent', 'review', 'unknown', 'pending', 'requires_action']),
             ('review', array['approved', 'declined', 'absent', 'unknown', 'pending']),
             ('not_sent', array['approved']),   -- late evidence
             ('absent', array['approved']),     -- late evidence
             ('declined', array['approved']),   -- late evidence: the PSP contradicts itself
             ('approved', array['reversed'])    -- surplus only
     ) as edge (f, targets)
cross join lateral unnest(edge.targets) as t;

reset role;

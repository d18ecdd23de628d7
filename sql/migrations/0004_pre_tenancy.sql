-- Row-level security, FORCED: the owner is held as well. An api function sets payera.merchant for its transaction;
-- nothing set means no rows, because no merchant has an empty id (SEC-02). payera_system has policies of its own.
set role payera_owner;

do $$
declare
    v_table text;
    v_column text;
begin
    foreach v_table in array array[
        'core.merchant', 'core.api_key', 'core.provider_account', 'core.routing', 'vault.data_key', 'vault.token',
        'vault.cvv', 'core.payment', 'core.operation', 'core.idempotency', 'core.ledger_transaction',
        'core.ledger_line', 'core.event', 'core.workflow_order', 'core.webhook_inbox', 'core.webhook_endpoint',
        'core.delivery', 'core.event_archive', 'core.daily_total'
    ] loop
        v_column := case v_table when 'core.merchant' then 'id' else 'merchant' end;
        execute format('alter table %s enable row level security', v_table);
        execute format('alter table %s force row level security', v_table);
        if v_table not in ('core.api_key', 'core.event_archive') then
            execute format(
                'create policy tenant on %s to payera_owner using (%I = current_setting(''payera.merchant'', true))',
                v_table, v_column);
        end if;
    end loop;

    -- What crosses tenants is listed here, verb by verb, and nowhere else.
    for v_table, v_column in
        select * from (values
            ('core.merchant', 'select, insert'),
            ('core.api_key', 'select, insert'),
            ('core.provider_account', 'select'),
            ('vault.cvv', 'select, delete'),
            ('core.payment', 'select, update'),
            ('core.operation', 'select, update'),
            ('core.idempotency', 'select, update'),
            ('core.event', 'select'),
            ('core.workflow_order', 'select, insert, update, delete'),
            ('core.webhook_endpoint', 'select, update'),
            ('core.delivery', 'select, insert, update'),
            ('core.event_archive', 'select, insert'),
            ('core.daily_total', 'select, insert, update')
        ) as t
    loop
        execute format('create policy system on %s to payera_system using (true)', v_table);
        execute format('grant %s on %s to payera_system', v_column, v_table);
    end loop;
end
$$;

-- Not a tenant's: the queue, its leases and receipts, and the automata.
grant select, insert, update, delete on core.outbox, core.outbox_lease, core.event_sent to payera_system;
grant select on core.payment_transition, core.operation_transition to payera_system;

reset role;

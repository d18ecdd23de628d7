-- Set the tenant for this transaction. Every api function begins with it; row-level security compares with it.
create or replace function core.tenant_v1(p_merchant text) returns void
language plpgsql as $$
begin
    if coalesce(p_merchant, '') = '' then
        perform core.refuse_v1('PA500', 'tenant_missing', 'An api function was called without a merchant.');
    end if;
    perform set_config('payera.merchant', p_merchant, true);
end
$$;

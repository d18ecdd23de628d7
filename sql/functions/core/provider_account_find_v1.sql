-- The merchant's live provider account, or PA404 provider_account_not_found.
create or replace function core.provider_account_find_v1(p_id text) returns core.provider_account
language plpgsql stable as $$
declare
    v_row core.provider_account;
begin
    select * into v_row from core.provider_account a where a.id = p_id and a.deleted_at is null;
    if not found then
        perform core.refuse_v1('PA404', 'provider_account_not_found', 'No such provider account.');
    end if;
    return v_row;
end
$$;

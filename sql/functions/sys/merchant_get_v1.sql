-- p: {merchant_id} → {id, object: "merchant", name, mcc, country, created_at}. Raises PA404 merchant_not_found.
create or replace function sys.merchant_get_v1(p jsonb) returns json
language plpgsql security definer set search_path = core, vault, pg_temp as $$
declare
    v_row core.merchant;
begin
    select * into v_row from core.merchant m where m.id = p ->> 'merchant_id';
    if not found then
        perform core.refuse_v1('PA404', 'merchant_not_found', 'No such merchant.');
    end if;
    return json_build_object('id', v_row.id, 'object', 'merchant', 'name', v_row.name, 'mcc', v_row.mcc,
                             'country', v_row.country, 'created_at', core.iso_v1(v_row.created_at));
end
$$;

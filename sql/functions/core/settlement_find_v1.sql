-- The merchant's settlement file, or PA404 settlement_not_found.
create or replace function core.settlement_find_v1(p_id text) returns core.settlement_file
language plpgsql stable as $$
declare
    v_row core.settlement_file;
begin
    select * into v_row from core.settlement_file f where f.id = p_id;
    if not found then
        perform core.refuse_v1('PA404', 'settlement_not_found', 'No such settlement.');
    end if;
    return v_row;
end
$$;

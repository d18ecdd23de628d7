-- One line of a payment's timeline. `rank` orders what happened in the same moment: cause before effect.
create or replace function core.timeline_entry_v1(
    p_at timestamptz, p_rank int, p_source text, p_what text, p_operation text, p_trace text, p_details jsonb)
returns json
language plpgsql stable as $$
begin
    return json_build_object(
        'at', core.iso_v1(p_at), 'source', p_source, 'what', p_what, 'operation', p_operation, 'trace', p_trace,
        'details', jsonb_strip_nulls(coalesce(p_details, '{}')));
end
$$;

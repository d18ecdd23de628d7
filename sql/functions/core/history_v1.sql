-- Add to what was learned of an operation. The same again only counts (`times`, `last_at`), so that looks which find
-- nothing new for a week do not grow the row; whatever alternates stops at 50 entries, the newest in the last place.
create or replace function core.history_v1(p_history jsonb, p_entry jsonb) returns jsonb
language plpgsql immutable parallel safe as $$
declare
    v_passing text[] := array['at', 'last_at', 'times', 'epoch', 'trace', 'source'];
    v_count int := jsonb_array_length(p_history);
    v_last jsonb;
begin
    if v_count = 0 then
        return jsonb_build_array(p_entry);
    end if;
    v_last := p_history -> -1;
    if v_last - v_passing = p_entry - v_passing then
        return jsonb_set(p_history, array[(v_count - 1)::text], v_last || jsonb_build_object(
            'times', coalesce((v_last ->> 'times')::int, 1) + 1, 'last_at', p_entry -> 'at'));
    elsif v_count >= 50 then
        return jsonb_set(p_history, array[(v_count - 1)::text], p_entry);
    end if;
    return p_history || p_entry;
end
$$;

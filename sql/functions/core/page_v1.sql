-- The answer of a list function: rows beyond the limit only say that there are more. p_ids are the cursors.
create or replace function core.page_v1(p_views json[], p_ids text[], p_limit int) returns json
language sql immutable parallel safe as $$
    select json_build_object(
        'data', coalesce(array_to_json(p_views[1:p_limit]), '[]'::json),
        'has_more', coalesce(cardinality(p_views), 0) > p_limit,
        'next_cursor', case when coalesce(cardinality(p_views), 0) > p_limit then p_ids[p_limit] end)
$$;

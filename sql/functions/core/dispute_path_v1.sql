-- The shortest legal way of a dispute from one status to another, without the first; null where there is none. More than one
-- step means that notices in between were lost or are late; of two ways of one length the one that invents no decision.
create or replace function core.dispute_path_v1(p_from text, p_to text) returns text[]
language sql stable as $$
    with recursive way as (
        select array[t.to_status] as steps
        from core.dispute_transition t where t.from_status = p_from
        union all
        select w.steps || t.to_status
        from way w join core.dispute_transition t on t.from_status = w.steps[cardinality(w.steps)]
        where t.to_status <> all (w.steps) and t.to_status <> p_from
    )
    select w.steps from way w where w.steps[cardinality(w.steps)] = p_to
    order by cardinality(w.steps), w.steps[:cardinality(w.steps) - 1] && array['won', 'lost', 'accepted'], w.steps limit 1
$$;

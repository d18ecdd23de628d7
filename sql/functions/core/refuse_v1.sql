-- Raise a refusal: SQLSTATE says its class, MESSAGE is the code for machines, DETAIL the sentence for people.
create or replace function core.refuse_v1(p_class text, p_code text, p_detail text) returns void
language plpgsql as $$
begin
    raise exception using errcode = p_class, message = p_code, detail = p_detail;
end
$$;

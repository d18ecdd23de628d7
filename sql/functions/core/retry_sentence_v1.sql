-- A retry verdict as a sentence for people: the rule, and until when.
create or replace function core.retry_sentence_v1(p_refused json) returns text
language sql immutable parallel safe as $$
    select format('The retry rule %s forbids another attempt with this card%s.', p_refused ->> 'rule',
                  coalesce(' until ' || (p_refused ->> 'until'), '; another card, or corrected card data, may be tried'))
$$;

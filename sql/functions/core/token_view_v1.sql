-- A token as the API shows it: nothing of the card but what PCI DSS 3.4.1 lets anyone see.
create or replace function core.token_view_v1(p vault.token) returns json
language plpgsql stable as $$
begin
    return json_build_object(
        'id', p.id, 'object', 'token',
        'card', json_build_object('brand', p.brand, 'bin', p.bin, 'last4', p.last4, 'exp_month', p.exp_month,
                                  'exp_year', p.exp_year, 'fingerprint', p.fingerprint),
        'created_at', core.iso_v1(p.created_at));
end
$$;

-- A demo auction with one seller and three buyers, all with the password demo-password.
insert into auth.users (
    id, aud, role, email, encrypted_password, email_confirmed_at, raw_app_meta_data, raw_user_meta_data,
    created_at, updated_at
)
select
    d.id, 'authenticated', 'authenticated', d.email,
    extensions.crypt('demo-password', extensions.gen_salt('bf')), now(),
    '{"provider": "email", "providers": ["email"]}', '{}', now(), now()
from (values
    ('00000000-0000-4000-8000-000000000001'::uuid, 'seller@demo.test'),
    ('00000000-0000-4000-8000-000000000002'::uuid, 'buyer1@demo.test'),
    ('00000000-0000-4000-8000-000000000003'::uuid, 'buyer2@demo.test'),
    ('00000000-0000-4000-8000-000000000004'::uuid, 'buyer3@demo.test')
) as d (id, email)
on conflict (id) do nothing;

insert into public.users (id, username)
values
    ('00000000-0000-4000-8000-000000000001', 'seller'),
    ('00000000-0000-4000-8000-000000000002', 'ada'),
    ('00000000-0000-4000-8000-000000000003', 'ben'),
    ('00000000-0000-4000-8000-000000000004', 'cleo')
on conflict (id) do nothing;

insert into public.auctions (id, seller_id, title)
values (
    '00000000-0000-4000-8000-0000000000a1',
    '00000000-0000-4000-8000-000000000001',
    'Demo auction'
)
on conflict (id) do nothing;

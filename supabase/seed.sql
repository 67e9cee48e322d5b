-- Four demo auctions with one seller and three buyers, all with the password demo-password.
-- Supabase Auth finds users of the nil instance alone, and reads the token columns into texts that hold no null.
insert into auth.users (
    id, instance_id, aud, role, email, encrypted_password, email_confirmed_at, raw_app_meta_data, raw_user_meta_data,
    is_super_admin, confirmation_token, recovery_token, email_change_token_new, email_change,
    email_change_token_current, phone_change, phone_change_token, reauthentication_token, created_at, updated_at
)
select
    d.id, '00000000-0000-0000-0000-000000000000', 'authenticated', 'authenticated', d.email,
    extensions.crypt('demo-password', extensions.gen_salt('bf')), now(),
    '{"provider": "email", "providers": ["email"]}', '{}', false, '', '', '', '', '', '', '', '', now(), now()
from (values
    ('00000000-0000-4000-8000-000000000001'::uuid, 'seller@demo.test'),
    ('00000000-0000-4000-8000-000000000002'::uuid, 'buyer1@demo.test'),
    ('00000000-0000-4000-8000-000000000003'::uuid, 'buyer2@demo.test'),
    ('00000000-0000-4000-8000-000000000004'::uuid, 'buyer3@demo.test')
) as d (id, email)
on conflict (id) do nothing;

insert into auth.identities (provider_id, user_id, identity_data, provider, created_at, updated_at)
select
    u.id::text, u.id,
    jsonb_build_object('sub', u.id, 'email', u.email, 'email_verified', true, 'phone_verified', false),
    'email', now(), now()
from auth.users as u
where u.email like '%@demo.test'
on conflict (provider_id, provider) do nothing;

insert into public.users (id, username)
values
    ('00000000-0000-4000-8000-000000000001', 'seller'),
    ('00000000-0000-4000-8000-000000000002', 'ada'),
    ('00000000-0000-4000-8000-000000000003', 'ben'),
    ('00000000-0000-4000-8000-000000000004', 'cleo')
on conflict (id) do nothing;

insert into public.auctions (id, seller_id, title, description, picture, opening_cents, created_at)
select a.id, '00000000-0000-4000-8000-000000000001', a.title, a.description, a.picture, a.opening_cents, a.created_at
from (values
    (
        '00000000-0000-4000-8000-0000000000a1'::uuid, 'Leica M3 with Summicron 50, 1956',
        'Double stroke, chrome. Shutter serviced in March, glass clean, light brassing on the corners. Case and cap.',
        'camera', 120000, '2026-01-05 10:00:00+00'::timestamptz
    ),
    (
        '00000000-0000-4000-8000-0000000000a2', 'Lounge chair in teak and cane, Copenhagen',
        'Re-woven cane, oiled frame, stamped under the seat. From the estate of an architect in Aarhus.',
        'chair', 45000, '2026-01-05 10:01:00+00'
    ),
    (
        '00000000-0000-4000-8000-0000000000a3', 'Omega Seamaster, steel, 1962',
        'Calibre 552, original dial with even patina, crown signed. Runs four seconds fast a day. New strap.',
        'watch', 68000, '2026-01-05 10:02:00+00'
    ),
    (
        '00000000-0000-4000-8000-0000000000a4', 'Stoneware vase, ash glaze, 38 cm',
        'Wheel-thrown, wood-fired for three days. Kiln mark on the foot, no chips, no repairs.',
        'vase', 9000, '2026-01-05 10:03:00+00'
    )
) as a (id, title, description, picture, opening_cents, created_at)
on conflict (id) do nothing;

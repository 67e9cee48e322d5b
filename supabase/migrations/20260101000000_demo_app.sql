-- The demo application: users with a public name, and their auctions. Your own application takes its place.
create table public.users (
    id uuid not null,
    username text not null,
    is_verified boolean not null default false,
    is_moderator boolean not null default false,
    constraint users_pkey primary key (id),
    constraint users_id_fkey foreign key (id) references auth.users (id) on delete cascade,
    constraint users_username_key unique (username),
    constraint users_username_check check (length(username) between 1 and 40)
);
comment on table public.users is 'Public profile of a user of the demo application.';

create table public.auctions (
    id uuid not null default gen_random_uuid(),
    seller_id uuid not null,
    title text not null,
    created_at timestamptz not null default now(),
    constraint auctions_pkey primary key (id),
    constraint auctions_seller_id_fkey foreign key (seller_id) references public.users (id) on delete cascade,
    constraint auctions_title_check check (length(title) between 1 and 200)
);
create index auctions_seller_id_idx on public.auctions (seller_id);
comment on table public.auctions is 'Auctions of the demo application.';

alter table public.users enable row level security;
alter table public.auctions enable row level security;
revoke all on table public.users, public.auctions from anon, authenticated;
grant select on table public.users, public.auctions to authenticated;
create policy users_select_authenticated on public.users for select to authenticated using (true);
create policy auctions_select_authenticated on public.auctions for select to authenticated using (true);

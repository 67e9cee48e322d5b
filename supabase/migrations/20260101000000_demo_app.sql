-- The demo application: users with a public name, their auctions and the bids. Your own application takes its place.
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
    description text not null default '',
    -- The name of a drawing that the demo app has.
    picture text not null default '',
    opening_cents bigint not null default 10000,
    created_at timestamptz not null default now(),
    constraint auctions_pkey primary key (id),
    constraint auctions_seller_id_fkey foreign key (seller_id) references public.users (id) on delete cascade,
    constraint auctions_title_check check (length(title) between 1 and 200),
    constraint auctions_opening_cents_check check (opening_cents between 1 and 100000000000)
);
create index auctions_seller_id_idx on public.auctions (seller_id);
comment on table public.auctions is 'Auctions of the demo application.';

create table public.auction_bids (
    -- Made by the bidder's device: the same id again is the same bid.
    id uuid not null,
    auction_id uuid not null,
    bidder_id uuid not null,
    amount_cents bigint not null,
    created_at timestamptz not null default clock_timestamp(),
    constraint auction_bids_pkey primary key (id),
    constraint auction_bids_auction_id_amount_cents_key unique (auction_id, amount_cents),
    constraint auction_bids_auction_id_fkey foreign key (auction_id) references public.auctions (id) on delete cascade,
    constraint auction_bids_bidder_id_fkey foreign key (bidder_id) references public.users (id) on delete cascade,
    constraint auction_bids_amount_cents_check check (amount_cents between 1 and 100000000000)
);
create index auction_bids_bidder_id_idx on public.auction_bids (bidder_id);
comment on table public.auction_bids is 'Bids of the demo application; each is higher than the one before.';

alter table public.users enable row level security;
alter table public.auctions enable row level security;
alter table public.auction_bids enable row level security;
revoke all on table public.users, public.auctions, public.auction_bids from anon, authenticated;
grant select on table public.users, public.auctions, public.auction_bids to authenticated;
create policy users_select_authenticated on public.users for select to authenticated using (true);
create policy auctions_select_authenticated on public.auctions for select to authenticated using (true);
create policy auction_bids_select_authenticated on public.auction_bids for select to authenticated using (true);

-- The least that a bid adds to the one before it.
create function public.bid_step(amount_cents bigint) returns bigint
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return case when amount_cents < 10000 then 500 when amount_cents < 100000 then 1000 else 5000 end;
end
$$;
comment on function public.bid_step is 'The least that a bid adds to the one before it, in cents.';
revoke all on function public.bid_step from public, anon, authenticated, service_role;

-- Runs as the owner: users write no bids themselves, and no auction updates. The row of the auction is locked before the
-- log of its stream, as by a deletion; NO KEY, so that starting a stream of it does not wait.
create function public.place_bid(auction_id uuid, amount_cents bigint, id uuid) returns public.auction_bids
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
    bidder pg_catalog.uuid := stream_private.user_id();
    bidder_name pg_catalog.text;
    live pg_catalog.uuid;
    auction public.auctions;
    highest pg_catalog.int8;
    minimum pg_catalog.int8;
    bid public.auction_bids;
begin
    select a.* into auction from public.auctions as a where a.id = $1 for no key update;
    if auction.id is null or bidder is null or $3 is null then
        raise exception 'there is no such auction' using errcode = 'PT404';
    end if;
    select b.* into bid from public.auction_bids as b where b.id = $3;
    if bid.id is not null then
        if bid.bidder_id <> bidder or bid.auction_id <> $1 then
            raise exception 'this id is of another bid' using errcode = 'PT409';
        end if;
        return bid;
    end if;
    if auction.seller_id = bidder then
        raise exception 'sellers do not bid on their own auctions' using errcode = 'PT403';
    end if;
    -- Whoever is banned holds no place in the stream.
    select s.id, u.username into live, bidder_name
    from stream.stream_sessions as s
    join stream.stream_viewers as v on v.session_id = s.id and v.user_id = bidder and v.left_at is null
    join public.users as u on u.id = bidder
    where s.auction_id = $1 and s.state = 'active';
    if live is null then
        raise exception 'bids are taken from viewers while the auction is live' using errcode = 'PT409';
    end if;
    select max(b.amount_cents) into highest from public.auction_bids as b where b.auction_id = $1;
    minimum := coalesce(highest + public.bid_step(highest), auction.opening_cents);
    if $2 is null or $2 < minimum or $2 > 100000000000 then
        raise exception 'the least bid is now % cents', minimum using errcode = 'PT409', detail = minimum::text;
    end if;
    insert into public.auction_bids as b (id, auction_id, bidder_id, amount_cents)
    values ($3, $1, bidder, $2) returning b.* into bid;
    perform stream_private.post_auction_update(live, json_build_object(
        'text', bidder_name || ' bids EUR ' || to_char(bid.amount_cents / 100.0, 'FM999999999990.00'),
        'bid_id', bid.id, 'bidder_id', bidder, 'bidder', bidder_name, 'amount_cents', bid.amount_cents
    ));
    return bid;
end
$$;
comment on function public.place_bid is
    'Bids on a live auction: higher than the bid before by bid_step. The bid and its entry in the log of the stream commit together.';
revoke all on function public.place_bid from public, anon, authenticated, service_role;
grant execute on function public.place_bid to authenticated;

-- Runs as the owner because the newest stream of each auction is among them, ended ones too.
create function public.list_auctions() returns jsonb
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select coalesce(jsonb_agg(jsonb_build_object(
            'id', a.id, 'title', a.title, 'description', a.description, 'picture', a.picture,
            'opening_cents', a.opening_cents, 'seller_id', a.seller_id, 'seller', u.username,
            'highest_cents', h.amount_cents, 'highest_bidder_id', h.bidder_id, 'highest_bidder', h.username,
            'bid_count', (select count(*) from public.auction_bids as b where b.auction_id = a.id),
            'session_id', s.id, 'session_state', s.state
        ) order by a.created_at, a.id), '[]')
        from public.auctions as a
        join public.users as u on u.id = a.seller_id
        left join lateral (
            select b.amount_cents, b.bidder_id, n.username
            from public.auction_bids as b join public.users as n on n.id = b.bidder_id
            where b.auction_id = a.id order by b.amount_cents desc limit 1
        ) as h on true
        left join lateral (
            select l.id, l.state from stream.stream_sessions as l
            where l.auction_id = a.id order by l.created_at desc limit 1
        ) as s on true
    );
end
$$;
comment on function public.list_auctions is 'All auctions with their highest bid and newest stream, oldest first.';
revoke all on function public.list_auctions from public, anon, authenticated, service_role;
grant execute on function public.list_auctions to authenticated;

-- Auction updates: the application's bids in the log of the stream.
-- Whoever may call it speaks in the name of the auction: never a role that users have. update is of type json, whose text
-- is kept as it came: numbers keep every digit, and escapes that cannot be stored are refused by the extension, where
-- jsonb would quote what stands around them.
create function stream_private.post_auction_update(session_id uuid, update json)
returns stream.chat_message
language plpgsql
as 'begin end';
comment on function stream_private.post_auction_update is $$
Writes an auction update into the log of a stream: metadata is the update, a JSON object of at most 8 KB, with kind
auction_update; content is its member text, or a neutral sentence. Not for users: an application's own SECURITY
DEFINER functions call the one of the same name in stream_private.
@native
@callers service_role
@repeat unsafe
@errors isolation_level, invalid_argument, session_not_found, stream_ended, payload_too_large
$$;

-- SECURITY DEFINER although callers see this schema: a trigger function cannot be called, only be attached, and only
-- the owner may attach it. It must run as the owner, because the rows are written by bidders.
-- The row's values become texts of a frame that everybody reads, in formats that the bidder's session must not choose.
create function stream.auction_update_trigger() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set datestyle = 'ISO, MDY'
set intervalstyle = 'postgres'
set extra_float_digits = 1
set bytea_output = 'hex'
set lc_monetary = 'C'
set quote_all_identifiers = off
as $$
begin
    -- As json and not jsonb, which would read, and quote, columns of type json that are not even published.
    perform stream_ext.log_auction_row(tg_argv, to_json(new)::text);
    return null;
end
$$;
comment on function stream.auction_update_trigger() is
    'Attach it to a table of the application: create constraint trigger ... after insert or update on <table> deferrable '
    'initially deferred for each row execute function stream.auction_update_trigger(''<column with the auction id>'', '
    '''<column to publish>'', ...). Each row then becomes an auction update of the auction''s live stream, in the same '
    'transaction; without columns to publish it is the whole row. When the auction is not live nothing happens. A value '
    'that cannot be stored (the escape of a zero character in a column of type json) is refused with invalid_argument.';

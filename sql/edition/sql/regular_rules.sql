-- The rules of the regular work by their names. Each call stands in a statement of its own, which is planned once per connection: a
-- statement that is built from the name would be planned anew for every stream.

create function stream_ext.regular_take(rule text, most integer, rows_left integer, skipping uuid[], kept jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    case $1
        when 'tails' then
            return (select jsonb_agg(to_jsonb(t)) from stream_ext.regular_take_tails($2, $3, $4, $5) as t);
        when 'governor' then
            return (select jsonb_agg(to_jsonb(t)) from stream_ext.regular_take_governor($2, $3, $4, $5) as t);
        when 'viewer_leases' then
            return (select jsonb_agg(to_jsonb(t)) from stream_ext.regular_take_viewer_leases($2, $3, $4, $5) as t);
        when 'viewer_counts' then
            return (select jsonb_agg(to_jsonb(t)) from stream_ext.regular_take_viewer_counts($2, $3, $4, $5) as t);
        when 'session_timeouts' then
            return (select jsonb_agg(to_jsonb(t)) from stream_ext.regular_take_session_timeouts($2, $3, $4, $5) as t);
        when 'late_events' then
            return (select jsonb_agg(to_jsonb(t)) from stream_ext.regular_take_late_events($2, $3, $4, $5) as t);
        when 'clock_correction' then
            return (select jsonb_agg(to_jsonb(t)) from stream_ext.regular_take_clock_correction($2, $3, $4, $5) as t);
        when 'ended_resources' then
            return (select jsonb_agg(to_jsonb(t)) from stream_ext.regular_take_ended_resources($2, $3, $4, $5) as t);
        when 'reactions' then
            return (select jsonb_agg(to_jsonb(t)) from stream_ext.regular_take_reactions($2, $3, $4, $5) as t);
        when 'expiring_tokens' then
            return (select jsonb_agg(to_jsonb(t)) from stream_ext.regular_take_expiring_tokens($2, $3, $4, $5) as t);
        when 'tokens' then
            return (select jsonb_agg(to_jsonb(t)) from stream_ext.regular_take_tokens($2, $3, $4, $5) as t);
        when 'restrictions' then
            return (select jsonb_agg(to_jsonb(t)) from stream_ext.regular_take_restrictions($2, $3, $4, $5) as t);
        when 'retention' then
            return (select jsonb_agg(to_jsonb(t)) from stream_ext.regular_take_retention($2, $3, $4, $5) as t);
        when 'webhook_events' then
            return (select jsonb_agg(to_jsonb(t)) from stream_ext.regular_take_webhook_events($2, $3, $4, $5) as t);
        when 'webhook_cursors' then
            return (select jsonb_agg(to_jsonb(t)) from stream_ext.regular_take_webhook_cursors($2, $3, $4, $5) as t);
        when 'requests' then
            return (select jsonb_agg(to_jsonb(t)) from stream_ext.regular_take_requests($2, $3, $4, $5) as t);
        when 'start_rates' then
            return (select jsonb_agg(to_jsonb(t)) from stream_ext.regular_take_start_rates($2, $3, $4, $5) as t);
        when 'canary' then
            return (select jsonb_agg(to_jsonb(t)) from stream_ext.regular_take_canary($2, $3, $4, $5) as t);
    end case;
end
$$;
comment on function stream_ext.regular_take(text, integer, integer, uuid[], jsonb) is
    'Finds and locks what is due by a rule; null when nothing is.';

create function stream_ext.regular_do(rule text, session_id uuid, keys jsonb, kept jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    case $1
        when 'tails' then
            return stream_ext.regular_do_tails($2, $3, $4);
        when 'governor' then
            return stream_ext.regular_do_governor($2, $3, $4);
        when 'viewer_leases' then
            return stream_ext.regular_do_viewer_leases($2, $3, $4);
        when 'viewer_counts' then
            return stream_ext.regular_do_viewer_counts($2, $3, $4);
        when 'session_timeouts' then
            return stream_ext.regular_do_session_timeouts($2, $3, $4);
        when 'late_events' then
            return stream_ext.regular_do_late_events($2, $3, $4);
        when 'clock_correction' then
            return stream_ext.regular_do_clock_correction($2, $3, $4);
        when 'ended_resources' then
            return stream_ext.regular_do_ended_resources($2, $3, $4);
        when 'reactions' then
            return stream_ext.regular_do_reactions($2, $3, $4);
        when 'expiring_tokens' then
            return stream_ext.regular_do_expiring_tokens($2, $3, $4);
        when 'tokens' then
            return stream_ext.regular_do_tokens($2, $3, $4);
        when 'restrictions' then
            return stream_ext.regular_do_restrictions($2, $3, $4);
        when 'retention' then
            return stream_ext.regular_do_retention($2, $3, $4);
        when 'webhook_events' then
            return stream_ext.regular_do_webhook_events($2, $3, $4);
        when 'webhook_cursors' then
            return stream_ext.regular_do_webhook_cursors($2, $3, $4);
        when 'requests' then
            return stream_ext.regular_do_requests($2, $3, $4);
        when 'start_rates' then
            return stream_ext.regular_do_start_rates($2, $3, $4);
    end case;
end
$$;
comment on function stream_ext.regular_do(text, uuid, jsonb, jsonb) is 'Handles one stream by a rule.';

create function stream_ext.regular_end(rule text, context jsonb, handled jsonb, again jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    case $1
        when 'tails' then
            return stream_ext.regular_end_tails($2, $3, $4);
        when 'governor' then
            return stream_ext.regular_end_governor($2, $3, $4);
        when 'viewer_counts' then
            return stream_ext.regular_end_viewer_counts($2, $3, $4);
    end case;
end
$$;
comment on function stream_ext.regular_end(text, jsonb, jsonb, jsonb) is
    'Ends the unit of a rule that has begun it with more than streams.';

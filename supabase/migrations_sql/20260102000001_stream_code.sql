-- Generated from sql/ by `cargo x sql bundle`; change those files, not this one.
-- This edition is not complete: functions are missing, and no database should have it yet.
do $$
begin
    if pg_catalog.current_setting('pg_stream.unfinished_edition', true) operator(pg_catalog.=) 'accepted' then
        return;
    end if;
    raise exception 'the SQL edition of pg_stream is not complete and cannot be installed yet';
end
$$;

do $$
begin
    -- Until the end of this migration: names without a schema are Postgres's own, whatever stands in schema public.
    perform pg_catalog.set_config('pg_stream.path_before', pg_catalog.current_setting('search_path'), true);
    perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
    -- Until the end of this transaction. Whoever waits for a table makes others wait behind it.
    perform pg_catalog.set_config('lock_timeout', '5s', true);
    perform pg_catalog.set_config('pg_stream.migration', pg_catalog.pg_current_xact_id()::pg_catalog.text, true);
end
$$;
do $$
begin
    if pg_catalog.current_setting('pg_stream.migration', true)
        operator(pg_catalog.=) pg_catalog.pg_current_xact_id()::pg_catalog.text
    then
        return;
    end if;
    -- An error would let psql go on with the next statement, each in a transaction of its own.
    raise warning 'apply this migration in one transaction, as supabase db push and psql --single-transaction do';
    perform pg_catalog.pg_terminate_backend(pg_catalog.pg_backend_pid());
end
$$;
do $$
begin
    if not exists (
        select from pg_catalog.pg_class as c
        where c.oid = 'stream.stream_sessions'::regclass and c.relowner = current_user::regrole
    ) then
        raise exception 'apply this migration as the role that owns the tables of schema stream';
    end if;
end
$$;

-- What the release before made.
create temporary table code_objects_before (place integer, kind text, name text, form text) on commit drop;
do $$
begin
    if to_regclass('stream_private.code_objects') is not null then
        insert into code_objects_before select o.place, o.kind, o.name, o.form from stream_private.code_objects as o;
        drop view stream_private.code_objects;
    end if;
end
$$;
create view stream_private.code_objects as
select o.place::integer, o.kind::text, o.name::text, o.form::text
from (values
    (0, 'function', 'stream_ext.application_reference(of_table regclass, of_column name, out relation regclass, out key_column name)', 'defaults 0'),
    (1, 'function', 'stream_ext.application_has_auth_users()', 'returns boolean defaults 0'),
    (2, 'function', 'stream_ext.application_hold_user(user_id uuid)', 'returns void defaults 0'),
    (3, 'function', 'stream_ext.application_hold_user_if_free(user_id uuid)', 'returns boolean defaults 0'),
    (4, 'function', 'stream_ext.application_hold_auction(auction_id uuid)', 'returns void defaults 0'),
    (5, 'function', 'stream_ext.auction_parse(update json, out stored jsonb, out content text)', 'defaults 0'),
    (6, 'function', 'stream_ext.json_can_be_stored(value text)', 'returns boolean defaults 0'),
    (7, 'function', 'stream_ext.auction_store(session_id uuid, seq bigint, created_at timestamptz, content text, stored jsonb)', 'returns stream.chat_message defaults 0'),
    (8, 'function', 'stream_ext.post_auction_update(session_id uuid, update text)', 'returns record defaults 0'),
    (9, 'function', 'stream_ext.auction_log(session_id uuid, content text, stored jsonb)', 'returns void defaults 0'),
    (10, 'function', 'stream_ext.log_auction_row(columns text[], "row" text)', 'returns void defaults 0'),
    (11, 'function', 'stream_ext.batch_admit()', 'returns void defaults 0'),
    (12, 'function', 'stream_ext.batch_items(items text)', 'returns json[] defaults 0'),
    (13, 'function', 'stream_ext.batch_uuid(value json, out id uuid, out is_bad boolean)', 'defaults 0'),
    (14, 'function', 'stream_ext.batch_readable(item json)', 'returns json defaults 0'),
    (15, 'function', 'stream_ext.batch_claims(claims json, out user_id uuid, out is_anonymous boolean, out refusal text)', 'defaults 0'),
    (16, 'function', 'stream_ext.batch_user(claims json, named uuid, out user_id uuid, out is_anonymous boolean, out refusal text)', 'defaults 0'),
    (17, 'function', 'stream_ext.batch_fault(operation text, state text, message text, detail text, context text, out code text, out retry_after_ms bigint)', 'defaults 0'),
    (18, 'function', 'stream_ext.caller_is_member(role_name name, owner_name name)', 'returns boolean defaults 0'),
    (19, 'function', 'stream_ext.caller_is_claims(claims text)', 'returns boolean defaults 0'),
    (20, 'function', 'stream_ext.caller_without_escapes(claims text)', 'returns text defaults 0'),
    (21, 'function', 'stream_ext.caller_claimed(claims text, out user_id uuid, out is_anonymous boolean)', 'defaults 0'),
    (22, 'function', 'stream_ext.caller_claims()', 'returns text defaults 0'),
    (23, 'function', 'stream_ext.user_id()', 'returns uuid defaults 0'),
    (24, 'function', 'stream_ext.enter_to_read()', 'returns uuid defaults 0'),
    (25, 'function', 'stream_ext.caller_require_read_committed()', 'returns void defaults 0'),
    (26, 'function', 'stream_ext.enter_to_write()', 'returns uuid defaults 0'),
    (27, 'function', 'stream_ext.caller_resolve(caller_id uuid, named uuid)', 'returns uuid defaults 0'),
    (28, 'function', 'stream_ext.caller_is_anonymous(caller_id uuid)', 'returns boolean defaults 0'),
    (29, 'function', 'stream_ext.caller_of_item(claims text, out user_id uuid, out is_anonymous boolean)', 'defaults 0'),
    (30, 'function', 'stream_ext.act_for(user_id uuid)', 'returns uuid defaults 0'),
    (31, 'function', 'stream_ext.set_slow_mode(session_id uuid, interval_ms integer)', 'returns void defaults 0'),
    (32, 'function', 'stream_ext.set_chat_mode(session_id uuid, mode text)', 'returns void defaults 0'),
    (33, 'function', 'stream_ext.moderation_unpin(session_id uuid, actor uuid, is_open boolean, pinned bigint)', 'returns void defaults 0'),
    (34, 'function', 'stream_ext.pin_message(session_id uuid, message_id uuid)', 'returns void defaults 0'),
    (35, 'function', 'stream_ext.unpin_message(session_id uuid)', 'returns void defaults 0'),
    (36, 'function', 'stream_ext.term_begin(session_id uuid)', 'returns uuid defaults 0'),
    (37, 'function', 'stream_ext.term_pattern(term text)', 'returns text defaults 0'),
    (38, 'function', 'stream_ext.block_term(session_id uuid, term text)', 'returns text defaults 0'),
    (39, 'function', 'stream_ext.unblock_term(session_id uuid, term text)', 'returns text defaults 0'),
    (40, 'function', 'stream_ext.list_blocked_terms(of_session uuid)', 'returns table (session_id uuid, term text, actor uuid, created_at timestamptz) defaults 0'),
    (41, 'function', 'stream_ext.clock_s()', 'returns bigint defaults 0'),
    (42, 'function', 'stream_ext.clock_refusal()', 'returns text defaults 0'),
    (43, 'function', 'stream_ext.check_clock()', 'returns boolean defaults 0'),
    (44, 'function', 'stream_ext.is_preloaded()', 'returns boolean defaults 0'),
    (45, 'function', 'stream_ext.core_judge_content(said text, out content text, out refusal text)', 'defaults 0'),
    (46, 'function', 'stream_ext.core_content(content text)', 'returns text defaults 0'),
    (47, 'function', 'stream_ext.core_trim(said text)', 'returns text defaults 0'),
    (48, 'function', 'stream_ext.core_display_name(name text)', 'returns text defaults 0'),
    (49, 'function', 'stream_ext.core_searchable(content text)', 'returns text defaults 0'),
    (50, 'function', 'stream_ext.core_pattern(term text)', 'returns text defaults 0'),
    (51, 'function', 'stream_ext.log_hold_head(session_id uuid)', 'returns boolean defaults 0'),
    (52, 'function', 'stream_ext.moderation_close_gate(session_id uuid)', 'returns void defaults 0'),
    (53, 'function', 'stream_ext.moderation_close_reports(session_id uuid, seqs bigint[], actor uuid)', 'returns void defaults 0'),
    (54, 'function', 'stream_ext.delete_message(session_id uuid, message_id uuid, reason text)', 'returns text defaults 0'),
    (55, 'function', 'stream_ext.deletion_of_user(session_id uuid, user_id uuid)', 'returns bigint[] defaults 0'),
    (56, 'function', 'stream_ext.delete_user_messages(session_id uuid, user_id uuid, reason text)', 'returns integer defaults 0'),
    (57, 'function', 'stream_ext.erasure_of_entries(session_id uuid, user_id uuid, at_most integer, out seqs bigint[], out seqs_with_text bigint[])', 'defaults 0'),
    (58, 'function', 'stream_ext.erasure_of_deleted(session_id uuid, user_id uuid, at_most integer, out seqs bigint[], out seqs_with_text bigint[])', 'defaults 0'),
    (59, 'function', 'stream_ext.erasure_of_decisions(session_id uuid, user_id uuid, at_most integer, out seqs bigint[], out times timestamptz[])', 'defaults 0'),
    (60, 'function', 'stream_ext.erase_from_log(session_id uuid, user_id uuid, at_most integer)', 'returns integer defaults 0'),
    (61, 'function', 'stream_ext.error_raise(code text, hint text, retry_after_ms bigint)', 'returns void defaults 0'),
    (62, 'function', 'stream_ext.refuse(code text)', 'returns void defaults 0'),
    (63, 'function', 'stream_ext.refuse_with_hint(code text, hint text)', 'returns void defaults 0'),
    (64, 'function', 'stream_ext.error_retry_after(code text, retry_after_ms bigint)', 'returns void defaults 0'),
    (65, 'function', 'stream_ext.error_null(argument text)', 'returns void defaults 0'),
    (66, 'function', 'stream_ext.error_internal(what text)', 'returns void defaults 0'),
    (67, 'function', 'stream_ext.error_is_cancel(state text, context text)', 'returns boolean defaults 0'),
    (68, 'function', 'stream_ext.figures_outcomes(round jsonb)', 'returns jsonb defaults 0'),
    (69, 'function', 'stream_ext.figures_record(outcomes jsonb)', 'returns void defaults 0'),
    (70, 'function', 'stream_ext.figures_record_round(round jsonb, claims boolean)', 'returns void defaults 0'),
    (71, 'function', 'stream_ext.figures_write_rules(outcomes jsonb)', 'returns void defaults 0'),
    (72, 'function', 'stream_ext.figures_sample()', 'returns void defaults 0'),
    (73, 'function', 'stream_ext.frame_text(session_id uuid, epoch text, from_seq bigint, to_seq bigint, head_seq bigint, server_time text, poll_ms integer, entries text, is_digest boolean)', 'returns text defaults 0'),
    (74, 'function', 'stream_ext.frame_payload(session_id uuid, epoch text, from_seq bigint, to_seq bigint, head_seq bigint, server_time text, poll_ms integer, entries text, payload_bytes integer)', 'returns text defaults 0'),
    (75, 'function', 'stream_ext.frame_runs(sizes integer[], payload_bytes integer)', 'returns integer[] defaults 0'),
    (76, 'function', 'stream_ext.log_flush(session_id uuid, urgency text)', 'returns boolean defaults 0'),
    (77, 'function', 'stream_ext.flush(session_id uuid)', 'returns void defaults 0'),
    (78, 'function', 'stream_ext.log_flush_without_ticker(sessions uuid[])', 'returns void defaults 0'),
    (79, 'function', 'stream_ext.log_flush_free(sessions uuid[])', 'returns void defaults 0'),
    (80, 'function', 'stream_ext.gate_key(session_id uuid)', 'returns bigint defaults 0'),
    (81, 'function', 'stream_ext.enter_gate(session_id uuid, alone boolean)', 'returns void defaults 0'),
    (82, 'function', 'stream_ext.gate_pass(session_id uuid)', 'returns void defaults 0'),
    (83, 'function', 'stream_ext.gate_close_if_free(session_id uuid)', 'returns boolean defaults 0'),
    (84, 'function', 'stream_ext.gate_close_soon(session_id uuid)', 'returns boolean defaults 0'),
    (85, 'function', 'stream_ext.gate_close(session_id uuid)', 'returns void defaults 0'),
    (86, 'function', 'stream_ext.governor_milliseconds(at timestamptz, moment timestamptz)', 'returns bigint defaults 0'),
    (87, 'function', 'stream_ext.governor_has_passed(limit_per_s integer, planned_limit integer, planned_at timestamptz, moment timestamptz)', 'returns boolean defaults 0'),
    (88, 'function', 'stream_ext.governor_is_due()', 'returns boolean defaults 0'),
    (89, 'function', 'stream_ext.governor_take_sends()', 'returns jsonb defaults 0'),
    (90, 'function', 'stream_ext.governor_spend(spent bigint[], moment timestamptz, since timestamptz)', 'returns void defaults 0'),
    (91, 'function', 'stream_ext.governor_clean_up(moment timestamptz)', 'returns void defaults 0'),
    (92, 'function', 'stream_ext.regular_take_governor(most integer, rows_left integer, skipping uuid[], kept jsonb)', 'returns table (session_id uuid, keys jsonb, held boolean) defaults 0'),
    (93, 'function', 'stream_ext.regular_end_governor(context jsonb, handled jsonb, again jsonb)', 'returns jsonb defaults 0'),
    (94, 'function', 'stream_ext.regular_do_governor(session_id uuid, keys jsonb, kept jsonb)', 'returns jsonb defaults 0'),
    (95, 'function', 'stream_ext.governor_changes()', 'returns jsonb defaults 0'),
    (96, 'function', 'stream_ext.governor_costs(live jsonb, before jsonb, sends jsonb)', 'returns bigint[] defaults 0'),
    (97, 'function', 'stream_ext.governor_window_ms(level bigint, root bigint)', 'returns bigint defaults 0'),
    (98, 'function', 'stream_ext.governor_measure(kind text, level bigint, s jsonb)', 'returns numeric defaults 0'),
    (99, 'function', 'stream_ext.governor_least_level(kind text, s jsonb, most numeric)', 'returns bigint defaults 0'),
    (100, 'function', 'stream_ext.governor_round_up(window_ms bigint)', 'returns bigint defaults 0'),
    (101, 'function', 'stream_ext.governor_steady(present_ms bigint, wanted_ms bigint, least_ms bigint)', 'returns bigint defaults 0'),
    (102, 'function', 'stream_ext.governor_root(cost bigint)', 'returns bigint defaults 0'),
    (103, 'function', 'stream_ext.governor_plan(limit_per_s bigint, share_percent bigint, spent bigint, urgent bigint, s jsonb, out windows jsonb, out reason text, out expected_per_s bigint, out is_over boolean, out is_crowded boolean)', 'defaults 0'),
    (104, 'function', 'stream_ext.governor_averaged_rate(per_1000_s bigint, count bigint, elapsed_ms bigint)', 'returns bigint defaults 0'),
    (105, 'function', 'stream_ext.token_is_due(issued_at timestamptz, expires_at timestamptz, held_until timestamptz, device_expires_at timestamptz)', 'returns boolean defaults 0'),
    (106, 'function', 'stream_ext.token_held_until(issued_at timestamptz, held_until timestamptz, new_expires_at timestamptz)', 'returns timestamptz defaults 0'),
    (107, 'function', 'stream_ext.heartbeat_prepare(session_id uuid, out app_id text, out certificate text, out issued_at bigint, out life_s integer)', 'defaults 0'),
    (108, 'function', 'stream_ext.heartbeat_viewer(session_id uuid, user_id uuid, foreground boolean, join_no integer, token_expires_at timestamptz, later boolean, later_foreground boolean, out status text, out code text, out token text, out uid integer, out expires_at timestamptz, out is_written boolean)', 'defaults 0'),
    (109, 'function', 'stream_ext.heartbeat_item(item json, out session_id uuid, out about uuid, out named uuid, out foreground boolean, out generation integer, out join_no integer, out token_expires_at timestamptz, out claims json, out refusal text)', 'defaults 0'),
    (110, 'function', 'stream_ext.heartbeat_time(said text)', 'returns timestamptz defaults 0'),
    (111, 'function', 'stream_ext.heartbeat_note(written jsonb, pair text, foreground boolean, code text, result stream.heartbeat_result, is_written boolean)', 'returns jsonb defaults 0'),
    (112, 'function', 'stream_ext.heartbeat_answer(item record, own_claims text, written jsonb, out code text, out result stream.heartbeat_result, out now_written jsonb)', 'defaults 0'),
    (113, 'function', 'stream_ext.heartbeat_claims()', 'returns text defaults 0'),
    (114, 'function', 'stream_ext.heartbeat_answers(items json[], places integer[])', 'returns setof stream.batched_heartbeat defaults 0'),
    (115, 'function', 'stream_ext.heartbeat_one_by_one(items json[], places integer[])', 'returns setof stream.batched_heartbeat defaults 0'),
    (116, 'function', 'stream_ext.heartbeat_all(items json[], places integer[])', 'returns stream.batched_heartbeat[] defaults 0'),
    (117, 'function', 'stream_ext.heartbeats(items text, row_type anyelement)', 'returns setof anyelement defaults 0'),
    (118, 'function', 'stream_ext.heartbeat_hold_log(session_id uuid, limit_ms integer)', 'returns boolean defaults 0'),
    (119, 'function', 'stream_ext.heartbeat_host(session_id uuid, user_id uuid, generation integer, token_expires_at timestamptz, waits boolean, later boolean, out is_host boolean, out status text, out code text, out comes_soon boolean, out token text, out uid integer, out expires_at timestamptz, out is_written boolean)', 'defaults 0'),
    (120, 'function', 'stream_ext.heartbeat_skip_disk()', 'returns void defaults 0'),
    (121, 'function', 'stream_ext.heartbeat_process(caller_id uuid, session_id uuid, user_id uuid, foreground boolean, generation integer, join_no integer, token_expires_at timestamptz, waits boolean, later boolean, later_foreground boolean, out code text, out result stream.heartbeat_result, out is_written boolean)', 'defaults 0'),
    (122, 'function', 'stream_ext.heartbeat(session_id uuid, foreground boolean, generation integer, join_no integer, user_id uuid, token_expires_at timestamptz)', 'returns record defaults 0'),
    (123, 'function', 'stream_ext.log_server()', 'returns text defaults 0'),
    (124, 'function', 'stream_ext.log_database()', 'returns text defaults 0'),
    (125, 'function', 'stream_ext.log_epoch_origin()', 'returns text defaults 0'),
    (126, 'function', 'stream_ext.log_epoch_of(salt text)', 'returns text defaults 0'),
    (127, 'function', 'stream_ext.log_epoch()', 'returns text defaults 0'),
    (128, 'function', 'stream_ext.log_next_seq(session_id uuid, out seq bigint, out created_at timestamptz)', 'defaults 0'),
    (129, 'function', 'stream_ext.log_refuse_closed(session_id uuid)', 'returns void defaults 0'),
    (130, 'function', 'stream_ext.log_system(session_id uuid, content text, metadata jsonb, out seq bigint, out created_at timestamptz)', 'defaults 0'),
    (131, 'function', 'stream_ext.log_is_ticker_alive(at timestamptz)', 'returns boolean defaults 0'),
    (132, 'function', 'stream_ext.log_window_ends_at(flushed_at timestamptz, window_ms integer, at timestamptz)', 'returns timestamptz defaults 0'),
    (133, 'function', 'stream_ext.log_may_wait(flushed_at timestamptz, window_ms integer, at timestamptz)', 'returns boolean defaults 0'),
    (134, 'function', 'stream_ext.log_queue(session_id uuid)', 'returns void defaults 0'),
    (135, 'function', 'stream_ext.log_relay(session_id uuid, first_seq bigint, urgency text, may_wait boolean)', 'returns void defaults 0'),
    (136, 'function', 'stream_ext.log_flush_with_others(session_id uuid, first_seq bigint, urgency text)', 'returns void defaults 0'),
    (137, 'function', 'stream_ext.log_relay_one(session_id uuid, seq bigint, entry text, urgency text)', 'returns void defaults 0'),
    (138, 'function', 'stream_ext.moderation_take_turn(session_id uuid)', 'returns void defaults 0'),
    (139, 'function', 'stream_ext.moderation_standing(session_id uuid, actor uuid, out seller_id uuid, out has_ended boolean, out pinned_seq bigint, out rank text)', 'defaults 0'),
    (140, 'function', 'stream_ext.moderation_begin(session_id uuid, is_live boolean, out actor uuid, out seller_id uuid, out has_ended boolean, out pinned_seq bigint, out rank text)', 'defaults 0'),
    (141, 'function', 'stream_ext.moderation_lock_session(session_id uuid)', 'returns void defaults 0'),
    (142, 'function', 'stream_ext.moderation_record(session_id uuid, actor uuid, action text, seq bigint, about uuid, target_seq bigint, reason text, until timestamptz, term text)', 'returns void defaults 6'),
    (143, 'function', 'stream_ext.moderation_announce(session_id uuid, actor uuid, is_open boolean, action text, sentence text, metadata jsonb, about uuid, target_seq bigint, reason text, until timestamptz)', 'returns void defaults 4'),
    (144, 'function', 'stream_ext.moderation_notify(about uuid, event text, session_id uuid, restriction text, is_in_force boolean, until timestamptz)', 'returns void defaults 0'),
    (145, 'function', 'stream_ext.require_moderator(session_id uuid)', 'returns void defaults 0'),
    (146, 'function', 'stream_ext.begin_moderation(session_id uuid)', 'returns uuid defaults 0'),
    (147, 'function', 'stream_ext.rate_backlog_us(noted timestamptz, at timestamptz, longest_us bigint)', 'returns bigint defaults 0'),
    (148, 'function', 'stream_ext.rate_wait_ms(interval_us bigint, tolerance_us bigint, noted timestamptz)', 'returns bigint defaults 0'),
    (149, 'function', 'stream_ext.rate_judge(interval_us bigint, tolerance_us bigint, noted timestamptz)', 'returns timestamptz defaults 0'),
    (150, 'function', 'stream_ext.rate_take(interval_us bigint, tolerance_us bigint, noted timestamptz)', 'returns timestamptz defaults 0'),
    (151, 'function', 'stream_ext.rate_minute_us(per_minute integer)', 'returns bigint defaults 0'),
    (152, 'function', 'stream_ext.take_rate(per_minute integer, noted timestamptz)', 'returns timestamptz defaults 0'),
    (153, 'function', 'stream_ext.reaction_check_live(session_id uuid)', 'returns uuid defaults 0'),
    (154, 'function', 'stream_ext.reaction_add(session_id uuid, kind text)', 'returns void defaults 0'),
    (155, 'function', 'stream_ext.send_reaction(session_id uuid, kind text)', 'returns record defaults 0'),
    (156, 'function', 'stream_ext.reaction_check_sender(session_id uuid, user_id uuid, is_kept_out boolean, holds_lease boolean)', 'returns void defaults 0'),
    (157, 'function', 'stream_ext.reaction_send_totals(session_id uuid)', 'returns boolean defaults 0'),
    (158, 'function', 'stream_ext.reaction_close(session_id uuid)', 'returns void defaults 0'),
    (159, 'function', 'stream_ext.read_count(session_id uuid, user_id uuid)', 'returns bigint defaults 0'),
    (160, 'function', 'stream_ext.read_bounded(read int8multirange)', 'returns int8multirange defaults 0'),
    (161, 'function', 'stream_ext.read_mark(session_id uuid, user_id uuid, marked int8multirange)', 'returns void defaults 0'),
    (162, 'function', 'stream_ext.mark_messages_as_read(session_id uuid, user_id uuid, message_ids uuid[])', 'returns bigint defaults 0'),
    (163, 'function', 'stream_ext.mark_read_up_to(session_id uuid, user_id uuid, seq bigint)', 'returns bigint defaults 0'),
    (164, 'function', 'stream_ext.unread_count(session_id uuid, user_id uuid)', 'returns bigint defaults 0'),
    (165, 'function', 'stream_ext.get_message_history(session_id uuid, page_size integer, skip integer, before_seq bigint, after_seq bigint, row_type anyelement)', 'returns setof anyelement defaults 0'),
    (166, 'function', 'stream_ext.sync_messages(session_id uuid, last_message_id uuid, row_type anyelement)', 'returns setof anyelement defaults 0'),
    (167, 'function', 'stream_ext.sync(of_session uuid, after_seq bigint, of_epoch text)', 'returns table ( session_id uuid, state text, role text, generation integer, host_uid integer, viewer_count integer, epoch text, head_seq bigint, oldest_seq bigint, recovered boolean, has_more boolean, messages text, read text, unread_count bigint, cooldown_ms integer, chat_mode text, slow_mode_ms integer, pinned_seq bigint, pinned text, restrictions text, server_time timestamptz, version text ) defaults 0'),
    (168, 'function', 'stream_ext.json_microseconds(at timestamptz)', 'returns bigint defaults 0'),
    (169, 'function', 'stream_ext.realtime_target(at timestamptz)', 'returns text defaults 0'),
    (170, 'function', 'stream_ext.realtime_method(at timestamptz)', 'returns text defaults 0'),
    (171, 'function', 'stream_ext.realtime_hold(at timestamptz)', 'returns text defaults 0'),
    (172, 'function', 'stream_ext.realtime_write(method text, topic text, event text, payload text, at timestamptz)', 'returns void defaults 0'),
    (173, 'function', 'stream_ext.realtime_send(topic text, event text, payload text)', 'returns void defaults 0'),
    (174, 'function', 'stream_ext.realtime_wait_for_disk()', 'returns void defaults 0'),
    (175, 'function', 'stream_ext.emit(topic text, event text, payload text)', 'returns void defaults 0'),
    (176, 'function', 'stream_ext.realtime_note_late(topic text, event text, payload text)', 'returns void defaults 0'),
    (177, 'function', 'stream_ext.realtime_note_sent(topic text, event text)', 'returns void defaults 0'),
    (178, 'function', 'stream_ext.realtime_is_uuid(value text)', 'returns boolean defaults 0'),
    (179, 'function', 'stream_ext.json_time(at timestamptz)', 'returns text defaults 0'),
    (180, 'function', 'stream_ext.regular_token()', 'returns text defaults 0'),
    (181, 'function', 'stream_ext.regular_is_inside()', 'returns boolean defaults 0'),
    (182, 'function', 'stream_ext.regular_keeps_realtime_free()', 'returns boolean defaults 0'),
    (183, 'function', 'stream_ext.realtime_take_soon(may_wait boolean)', 'returns boolean defaults 0'),
    (184, 'function', 'stream_ext.realtime_take_lock(may_wait boolean)', 'returns boolean defaults 0'),
    (185, 'function', 'stream_ext.regular_note_trouble(rule text, session_id uuid, state text)', 'returns void defaults 0'),
    (186, 'function', 'stream_ext.regular_round(rules text[], batch integer, kept jsonb)', 'returns jsonb defaults 0'),
    (187, 'function', 'stream_ext.regular_ids(value jsonb)', 'returns uuid[] defaults 0'),
    (188, 'function', 'stream_ext.regular_add_tallies(known jsonb, more jsonb)', 'returns jsonb defaults 0'),
    (189, 'function', 'stream_ext.regular_take(rule text, most integer, rows_left integer, skipping uuid[], kept jsonb)', 'returns jsonb defaults 0'),
    (190, 'function', 'stream_ext.regular_do(rule text, session_id uuid, keys jsonb, kept jsonb)', 'returns jsonb defaults 0'),
    (191, 'function', 'stream_ext.regular_end(rule text, context jsonb, handled jsonb, again jsonb)', 'returns jsonb defaults 0'),
    (192, 'function', 'stream_ext.regular_step(round jsonb, claims boolean, asks text, out next_round jsonb, out step text, out state text)', 'defaults 0'),
    (193, 'function', 'stream_ext.regular_fail(round jsonb, place integer, rule jsonb, culprit uuid, handled integer, passed uuid[], state text, took_ms numeric)', 'returns jsonb defaults 0'),
    (194, 'function', 'stream_ext.regular_timeout_ms()', 'returns numeric defaults 0'),
    (195, 'function', 'stream_ext.regular_has_timed_out()', 'returns boolean defaults 0'),
    (196, 'function', 'stream_ext.regular_claim()', 'returns boolean defaults 0'),
    (197, 'function', 'stream_ext.regular_look(out round boolean, out mark boolean, out tails boolean, out is_abandoned boolean)', 'defaults 0'),
    (198, 'function', 'stream_ext.regular_begin(due record, without_claim boolean, commits boolean)', 'returns jsonb defaults 0'),
    (199, 'function', 'stream_ext.regular_mark(claims boolean, sends boolean)', 'returns boolean defaults 0'),
    (200, 'function', 'stream_ext.regular_end_round(round jsonb, claims boolean)', 'returns void defaults 0'),
    (201, 'function', 'stream_ext.regular_work_step(work jsonb, commits boolean, out next_work jsonb, out has_more boolean)', 'defaults 0'),
    (202, 'function', 'stream_ext.regular_has_more(work jsonb)', 'returns boolean defaults 0'),
    (203, 'function', 'stream_ext.moderation_check_target(rank text, seller_id uuid, actor uuid, about uuid)', 'returns void defaults 0'),
    (204, 'function', 'stream_ext.moderation_check_kind(kind text)', 'returns void defaults 0'),
    (205, 'function', 'stream_ext.moderation_charge(session_id uuid, actor uuid)', 'returns timestamptz defaults 0'),
    (206, 'function', 'stream_ext.moderation_note_charge(session_id uuid, actor uuid, tat timestamptz)', 'returns void defaults 0'),
    (207, 'function', 'stream_ext.restrict_user(session_id uuid, user_id uuid, kind text, duration_s integer, reason text)', 'returns void defaults 0'),
    (208, 'function', 'stream_ext.lift_restriction(session_id uuid, user_id uuid, kind text)', 'returns text defaults 0'),
    (209, 'function', 'stream_ext.moderation_require_reader(session_id uuid)', 'returns void defaults 0'),
    (210, 'function', 'stream_ext.get_moderation_log(of_session uuid, before_id bigint, page_size integer)', 'returns table ( id bigint, session_id uuid, seq bigint, action text, actor uuid, user_id uuid, target_seq bigint, reason text, until timestamptz, term text, created_at timestamptz ) defaults 0'),
    (211, 'function', 'stream_ext.list_restrictions(session_id uuid, after uuid, page_size integer)', 'returns table (user_id uuid, kind text, until timestamptz, actor uuid, reason text, created_at timestamptz) defaults 0'),
    (212, 'function', 'stream_ext.rate_spend(interval_us bigint, tolerance_us bigint, backlog_us bigint, out spent_us bigint, out wait_ms bigint)', 'defaults 0'),
    (213, 'function', 'stream_ext.rate_ahead_us(tat timestamptz, at timestamptz)', 'returns bigint defaults 0'),
    (214, 'function', 'stream_ext.chat_refusal(sender record, session_id uuid, is_anonymous boolean, content text, out refusal text, out retry_after_ms bigint, out spent_us bigint)', 'defaults 0'),
    (215, 'function', 'stream_ext.chat_sender(session_id uuid, user_id uuid, host_tat timestamptz, holds_lease boolean, arrived_at timestamptz, chat_tat timestamptz, last_chat_at timestamptz)', 'returns record defaults 0'),
    (216, 'function', 'stream_ext.send_message(session_id uuid, user_id uuid, content text, id uuid)', 'returns record defaults 0'),
    (217, 'function', 'stream_ext.chat_stored(session_id uuid, user_id uuid, id uuid)', 'returns stream.chat_message defaults 0'),
    (218, 'function', 'stream_ext.chat_prolong(session_id uuid, user_id uuid, holds_lease boolean, arrived_at timestamptz, chat_tat timestamptz)', 'returns void defaults 0'),
    (219, 'function', 'stream_ext.send_to_session(session_id uuid, drafts jsonb, wait_ms integer)', 'returns table (item integer, status text, retry_after_ms bigint, stored_seq bigint, waited_ms integer) defaults 0'),
    (220, 'function', 'stream_ext.send_write(session_id uuid, rows_of jsonb, senders jsonb)', 'returns bigint defaults 0'),
    (221, 'function', 'stream_ext.send_isolated(sessions jsonb)', 'returns table (item integer, session_id uuid, status text, retry_after_ms bigint, stored_seq bigint) defaults 0'),
    (222, 'function', 'stream_ext.send_messages(items text, row_type anyelement)', 'returns setof anyelement defaults 0'),
    (223, 'function', 'stream_ext.send_draft(item json)', 'returns table (session_id uuid, user_id uuid, content text, id uuid, claims text, is_anonymous boolean, refusal text) defaults 0'),
    (224, 'function', 'stream_ext.send_wait_ms()', 'returns integer defaults 0'),
    (225, 'function', 'stream_ext.send_nap(ends_at timestamptz)', 'returns boolean defaults 0'),
    (226, 'function', 'stream_ext.send_lock(session_id uuid, users uuid[], wait_ms integer, out status text, out is_open boolean, out host_tat timestamptz, out may_wait boolean, out waited_ms integer, out arrived_at timestamptz)', 'defaults 0'),
    (227, 'function', 'stream_ext.frames_shape()', 'returns text defaults 0'),
    (228, 'function', 'stream_ext.frames_oldest_kept()', 'returns timestamptz defaults 0'),
    (229, 'function', 'stream_ext.frames_record(session_id uuid, ranges int8multirange)', 'returns void defaults 0'),
    (230, 'function', 'stream_ext.frames_delete_by_time(session_id uuid, seqs bigint[], until timestamptz)', 'returns bigint[] defaults 0'),
    (231, 'function', 'stream_ext.frames_delete_anywhere(session_id uuid, seqs bigint[])', 'returns bigint[] defaults 0'),
    (232, 'function', 'stream_ext.frames_delete_held(session_id uuid, seqs bigint[], flushed bigint, until timestamptz)', 'returns bigint[] defaults 0'),
    (233, 'function', 'stream_ext.frames_delete_committed(session_id uuid, seqs bigint[])', 'returns bigint[] defaults 0'),
    (234, 'function', 'stream_ext.frames_delete(session_id uuid, seqs bigint[])', 'returns void defaults 0'),
    (235, 'function', 'stream_ext.frames_delete_notifications(about uuid, times timestamptz[])', 'returns void defaults 0'),
    (236, 'function', 'stream_ext.frames_expire(session_id uuid, at_most integer)', 'returns boolean defaults 0'),
    (237, 'function', 'stream_ext.stream_check_at(state text, created_at timestamptz, state_changed_at timestamptz, host_seen_at timestamptz, reconnect_deadline timestamptz)', 'returns timestamptz defaults 0'),
    (238, 'function', 'stream_ext.stream_count_leases(session_id uuid)', 'returns integer defaults 0'),
    (239, 'function', 'stream_ext.stream_close_leases(session_id uuid, waits boolean)', 'returns integer defaults 0'),
    (240, 'function', 'stream_ext.stream_close_others(session_id uuid, waits boolean)', 'returns void defaults 0'),
    (241, 'function', 'stream_ext.stream_log_state(session_id uuid, from_state text, to_state text, reason text, generation integer, out seq bigint, out created_at timestamptz)', 'defaults 0'),
    (242, 'function', 'stream_ext.stream_announce(session_id uuid, from_state text, to_state text, reason text, generation integer, waits boolean, out seq bigint, out created_at timestamptz, out last_viewers integer)', 'defaults 0'),
    (243, 'function', 'stream_ext.stream_write_state(session_id uuid, to_state text, reason text, seq bigint, logged_at timestamptz, from_state text, heartbeat boolean, count boolean, generation integer, last_viewers integer, moves_tat timestamptz, token_issued_at timestamptz, token_expires_at timestamptz, token_held_until timestamptz)', 'returns void defaults 0'),
    (244, 'function', 'stream_ext.stream_schedule_check(session_id uuid, count boolean)', 'returns void defaults 0'),
    (245, 'function', 'stream_ext.stream_move(session_id uuid, from_state text, to_state text, reason text, generation integer, moves_tat timestamptz)', 'returns void defaults 0'),
    (246, 'function', 'stream_ext.stream_dependents()', 'returns text[] defaults 0'),
    (247, 'function', 'stream_ext.stream_delete_dependents(session_id uuid, at_most integer)', 'returns integer defaults 0'),
    (248, 'function', 'stream_ext.stream_delete_row(session_id uuid)', 'returns integer defaults 0'),
    (249, 'function', 'stream_ext.delete_ended_stream(session_id uuid, at_most integer)', 'returns integer defaults 0'),
    (250, 'function', 'stream_ext.stream_new_id()', 'returns uuid defaults 0'),
    (251, 'function', 'stream_ext.stream_returns_to(session_id uuid, seller_id uuid, state text, state_before_error text, state_reason text, state_changed_at timestamptz, reconnect_deadline timestamptz)', 'returns text defaults 0'),
    (252, 'function', 'stream_ext.stream_check_owner(seller_id uuid, auction_id uuid)', 'returns void defaults 0'),
    (253, 'function', 'stream_ext.stream_charge_start(seller_id uuid, starts_us bigint)', 'returns void defaults 0'),
    (254, 'function', 'stream_ext.stream_create(id uuid, seller_id uuid, auction_id uuid, reconnect_window_s integer)', 'returns boolean defaults 0'),
    (255, 'function', 'stream_ext.stream_take_over(session_id uuid)', 'returns void defaults 0'),
    (256, 'function', 'stream_ext.start_stream(auction_id uuid, seller_id uuid, reconnect_window_s integer)', 'returns uuid defaults 0'),
    (257, 'function', 'stream_ext.get_stream_state(session_id uuid)', 'returns text defaults 0'),
    (258, 'function', 'stream_ext.authorize_view(session_id uuid)', 'returns void defaults 0'),
    (259, 'function', 'stream_ext.change_state(session_id uuid, state text, reason text, generation integer)', 'returns void defaults 0'),
    (260, 'function', 'stream_ext.subscribe_to_chat(of_session uuid, of_user uuid)', 'returns table (id uuid, session_id uuid, user_id uuid, channel text, is_active boolean) defaults 0'),
    (261, 'function', 'stream_ext.unsubscribe_from_chat(subscription_id uuid)', 'returns table (id uuid, session_id uuid, user_id uuid, channel text, is_active boolean) defaults 0'),
    (262, 'function', 'stream_ext.sweep_was_set_back()', 'returns boolean defaults 0'),
    (263, 'function', 'stream_ext.sweep_is_misdated(s stream.stream_sessions)', 'returns boolean defaults 0'),
    (264, 'function', 'stream_ext.sweep_mark()', 'returns boolean defaults 0'),
    (265, 'function', 'stream_ext.regular_take_clock_correction(most integer, rows_left integer, skipping uuid[], kept jsonb)', 'returns table (session_id uuid, keys jsonb, held boolean) defaults 0'),
    (266, 'function', 'stream_ext.regular_do_clock_correction(session_id uuid, keys jsonb, kept jsonb)', 'returns jsonb defaults 0'),
    (267, 'function', 'stream_ext.sweep_wait_for_passed_over()', 'returns void defaults 0'),
    (268, 'function', 'stream_ext.regular_take_session_timeouts(most integer, rows_left integer, skipping uuid[], kept jsonb)', 'returns table (session_id uuid, keys jsonb, held boolean) defaults 0'),
    (269, 'function', 'stream_ext.regular_do_session_timeouts(session_id uuid, keys jsonb, kept jsonb)', 'returns jsonb defaults 0'),
    (270, 'function', 'stream_ext.sweep_tally(rule text, taken integer, swept integer, age interval)', 'returns jsonb defaults 0'),
    (271, 'function', 'stream_ext.regular_take_viewer_leases(most integer, rows_left integer, skipping uuid[], kept jsonb)', 'returns table (session_id uuid, keys jsonb, held boolean) defaults 0'),
    (272, 'function', 'stream_ext.regular_do_viewer_leases(session_id uuid, keys jsonb, kept jsonb)', 'returns jsonb defaults 0'),
    (273, 'function', 'stream_ext.regular_take_tokens(most integer, rows_left integer, skipping uuid[], kept jsonb)', 'returns table (session_id uuid, keys jsonb, held boolean) defaults 0'),
    (274, 'function', 'stream_ext.regular_do_tokens(session_id uuid, keys jsonb, kept jsonb)', 'returns jsonb defaults 0'),
    (275, 'function', 'stream_ext.regular_take_restrictions(most integer, rows_left integer, skipping uuid[], kept jsonb)', 'returns table (session_id uuid, keys jsonb, held boolean) defaults 0'),
    (276, 'function', 'stream_ext.regular_do_restrictions(session_id uuid, keys jsonb, kept jsonb)', 'returns jsonb defaults 0'),
    (277, 'function', 'stream_ext.regular_take_ended_resources(most integer, rows_left integer, skipping uuid[], kept jsonb)', 'returns table (session_id uuid, keys jsonb, held boolean) defaults 0'),
    (278, 'function', 'stream_ext.regular_do_ended_resources(session_id uuid, keys jsonb, kept jsonb)', 'returns jsonb defaults 0'),
    (279, 'function', 'stream_ext.sweep_count_ended(session_id uuid, part_size bigint)', 'returns void defaults 0'),
    (280, 'function', 'stream_ext.regular_take_webhook_events(most integer, rows_left integer, skipping uuid[], kept jsonb)', 'returns table (session_id uuid, keys jsonb, held boolean) defaults 0'),
    (281, 'function', 'stream_ext.regular_do_webhook_events(session_id uuid, keys jsonb, kept jsonb)', 'returns jsonb defaults 0'),
    (282, 'function', 'stream_ext.regular_take_webhook_cursors(most integer, rows_left integer, skipping uuid[], kept jsonb)', 'returns table (session_id uuid, keys jsonb, held boolean) defaults 0'),
    (283, 'function', 'stream_ext.regular_do_webhook_cursors(session_id uuid, keys jsonb, kept jsonb)', 'returns jsonb defaults 0'),
    (284, 'function', 'stream_ext.regular_take_requests(most integer, rows_left integer, skipping uuid[], kept jsonb)', 'returns table (session_id uuid, keys jsonb, held boolean) defaults 0'),
    (285, 'function', 'stream_ext.regular_do_requests(session_id uuid, keys jsonb, kept jsonb)', 'returns jsonb defaults 0'),
    (286, 'function', 'stream_ext.regular_take_start_rates(most integer, rows_left integer, skipping uuid[], kept jsonb)', 'returns table (session_id uuid, keys jsonb, held boolean) defaults 0'),
    (287, 'function', 'stream_ext.regular_do_start_rates(session_id uuid, keys jsonb, kept jsonb)', 'returns jsonb defaults 0'),
    (288, 'function', 'stream_ext.sweep_concerns_user(token_id uuid, session_id uuid, user_id uuid, created_at timestamptz)', 'returns boolean defaults 0'),
    (289, 'function', 'stream_ext.regular_take_late_events(most integer, rows_left integer, skipping uuid[], kept jsonb)', 'returns table (session_id uuid, keys jsonb, held boolean) defaults 0'),
    (290, 'function', 'stream_ext.regular_do_late_events(session_id uuid, keys jsonb, kept jsonb)', 'returns jsonb defaults 0'),
    (291, 'function', 'stream_ext.regular_take_expiring_tokens(most integer, rows_left integer, skipping uuid[], kept jsonb)', 'returns table (session_id uuid, keys jsonb, held boolean) defaults 0'),
    (292, 'function', 'stream_ext.regular_do_expiring_tokens(session_id uuid, keys jsonb, kept jsonb)', 'returns jsonb defaults 0'),
    (293, 'function', 'stream_ext.regular_take_retention(most integer, rows_left integer, skipping uuid[], kept jsonb)', 'returns table (session_id uuid, keys jsonb, held boolean) defaults 0'),
    (294, 'function', 'stream_ext.regular_do_retention(session_id uuid, keys jsonb, kept jsonb)', 'returns jsonb defaults 0'),
    (295, 'function', 'stream_ext.tails_due(unsent uuid[])', 'returns uuid[] defaults 0'),
    (296, 'function', 'stream_ext.tails_state()', 'returns record defaults 0'),
    (297, 'function', 'stream_ext.tails_are_empty(xmax xid8, xip xid8[])', 'returns boolean defaults 0'),
    (298, 'function', 'stream_ext.tails_are_due()', 'returns boolean defaults 0'),
    (299, 'function', 'stream_ext.regular_take_tails(most integer, rows_left integer, skipping uuid[], kept jsonb)', 'returns table (session_id uuid, keys jsonb, held boolean) defaults 0'),
    (300, 'function', 'stream_ext.regular_do_tails(session_id uuid, keys jsonb, kept jsonb)', 'returns jsonb defaults 0'),
    (301, 'function', 'stream_ext.regular_end_tails(context jsonb, handled jsonb, again jsonb)', 'returns jsonb defaults 0'),
    (302, 'function', 'stream_ext.regular_find_work(due record)', 'returns jsonb defaults 0'),
    (303, 'function', 'stream_ext.tick()', 'returns void defaults 0'),
    (304, 'function', 'stream_ext.begin_work()', 'returns void defaults 0'),
    (305, 'function', 'stream_ext.work()', 'returns boolean defaults 0'),
    (306, 'function', 'stream_ext.pause()', 'returns double precision defaults 0'),
    (307, 'function', 'stream_ext.sweep()', 'returns table (rule text, rows integer, oldest_age interval) defaults 0'),
    (308, 'function', 'stream_ext.token_count_refusal(counter text)', 'returns void defaults 0'),
    (309, 'function', 'stream_ext.token_refuse(code text, hint text, retry_after_ms bigint)', 'returns void defaults 0'),
    (310, 'function', 'stream_ext.token_session(channel text)', 'returns uuid defaults 0'),
    (311, 'function', 'stream_ext.token_refusal(session_id uuid, user_id uuid, role text, is_charged boolean, token_us bigint, out code text, out retry_after_ms bigint)', 'defaults 0'),
    (312, 'function', 'stream_ext.token_note_viewer(session_id uuid, user_id uuid, issued_at timestamptz, expires_at timestamptz, is_charged boolean, token_us bigint)', 'returns integer defaults 0'),
    (313, 'function', 'stream_ext.token_note_host(session_id uuid, user_id uuid, generation integer, issued_at timestamptz, expires_at timestamptz, is_charged boolean, token_us bigint, out number integer, out code text)', 'defaults 0'),
    (314, 'function', 'stream_ext.token_grant(channel text, user_id uuid, role text, generation integer, is_charged boolean, issued_at bigint, out session_id uuid, out number integer, out is_host boolean, out life_s integer, out code text, out retry_after_ms bigint)', 'defaults 0'),
    (315, 'function', 'stream_ext.generate_token(user_id uuid, channel_id text, role text, occasion text, generation integer)', 'returns record defaults 0'),
    (316, 'function', 'stream_ext.certificate_vault_is_open()', 'returns boolean defaults 0'),
    (317, 'function', 'stream_ext.certificate_read(is_secondary boolean, needs_app boolean, out app_id text, out certificate text, out code text, out hint text)', 'defaults 0'),
    (318, 'function', 'stream_ext.check_certificate(is_secondary boolean)', 'returns boolean defaults 0'),
    (319, 'function', 'stream_ext.token_decode_007(token text, out app_id text, out issued_at bigint, out expires_at bigint, out salt bigint, out channel_id text, out account text, out privileges jsonb, out signature bytea, out signed bytea)', 'defaults 0'),
    (320, 'function', 'stream_ext.token_decode_006(token text, out app_id text, out expires_at bigint, out channel_checksum bigint, out user_checksum bigint, out privileges jsonb, out signature bytea, out message bytea)', 'defaults 0'),
    (321, 'function', 'stream_ext.inflate_table(lengths integer[], out counts integer[], out symbols integer[])', 'defaults 0'),
    (322, 'function', 'stream_ext.inflate_bits(zlib bytea, at integer, bits integer)', 'returns integer defaults 0'),
    (323, 'function', 'stream_ext.inflate_symbol(zlib bytea, at integer, counts integer[], symbols integer[], out symbol integer, out bits integer)', 'defaults 0'),
    (324, 'function', 'stream_ext.inflate_code(zlib bytea, at integer, out literals integer[], out distances integer[], out after integer)', 'defaults 0'),
    (325, 'function', 'stream_ext.inflate(zlib bytea, out content bytea, out problem text)', 'defaults 0'),
    (326, 'function', 'stream_ext.token_crc32(value text)', 'returns bigint defaults 0'),
    (327, 'function', 'stream_ext.token_signer(is_primary boolean, is_secondary boolean)', 'returns text defaults 0'),
    (328, 'function', 'stream_ext.token_privilege(privilege jsonb)', 'returns jsonb defaults 0'),
    (329, 'function', 'stream_ext.token_certificate(is_secondary boolean)', 'returns text defaults 0'),
    (330, 'function', 'stream_ext.token_inspect(token text, channel text, user_account text, out of_version text, out of_app text, out of_channel text, out of_account text, out granted jsonb, out issued bigint, out expires bigint, out signed boolean, out signer text)', 'defaults 0'),
    (331, 'function', 'stream_ext.inspect_token(token text, channel_id text, account text)', 'returns table ( version text, app_id text, channel_id text, account text, role text, privileges jsonb, issued_at bigint, expires_at bigint, is_expired boolean, is_signed boolean, signed_by text ) defaults 0'),
    (332, 'function', 'stream_ext.token_reissue(session_id uuid, user_id uuid, app_id text, certificate text, now_s bigint, out token text, out expires_at timestamptz)', 'defaults 0'),
    (333, 'function', 'stream_ext.join_with_token(session_id uuid)', 'returns table ( user_id uuid, agora_uid integer, join_no integer, joined_at timestamptz, token text, expires_at timestamptz, retry_after_ms bigint ) defaults 0'),
    (334, 'function', 'stream_ext.token_u32(value bigint)', 'returns bytea defaults 0'),
    (335, 'function', 'stream_ext.token_sign(certificate text, issued_at bytea, salt bytea, signed bytea)', 'returns bytea defaults 0'),
    (336, 'function', 'stream_ext.token_mint(app_id text, certificate text, channel text, uid integer, is_host boolean, issued_at bigint, life_s bigint, salt bigint)', 'returns text defaults 0'),
    (337, 'function', 'stream_ext.token_life_s(created_at timestamptz, issued_at bigint)', 'returns integer defaults 0'),
    (338, 'function', 'stream_ext.token_issue(session_id uuid, user_id uuid, app_id text, certificate text, number integer, is_host boolean, issued_at bigint, life_s integer, out token text, out expires_at timestamptz)', 'defaults 0'),
    (339, 'function', 'stream_ext.token_read(content bytea, at integer, bytes integer)', 'returns bigint defaults 0'),
    (340, 'function', 'stream_ext.token_read_bytes(content bytea, at integer)', 'returns bytea defaults 0'),
    (341, 'function', 'stream_ext.token_read_text(bytes bytea)', 'returns text defaults 0'),
    (342, 'function', 'stream_ext.token_base64(encoded text)', 'returns bytea defaults 0'),
    (343, 'function', 'stream_ext.token_app_id(bytes bytea)', 'returns text defaults 0'),
    (344, 'function', 'stream_ext.viewer_uid(session_id uuid, user_id uuid, attempt integer)', 'returns integer defaults 0'),
    (345, 'function', 'stream_ext.viewer_rejoin(session_id uuid, user_id uuid, changes_count boolean, out agora_uid integer, out join_no integer, out joined_at timestamptz)', 'defaults 0'),
    (346, 'function', 'stream_ext.viewer_take_lease(session_id uuid, user_id uuid, out agora_uid integer, out join_no integer, out joined_at timestamptz)', 'defaults 0'),
    (347, 'function', 'stream_ext.viewer_join(session_id uuid, user_id uuid, out agora_uid integer, out join_no integer, out joined_at timestamptz)', 'defaults 0'),
    (348, 'function', 'stream_ext.add_viewer(session_id uuid, buyer_id uuid)', 'returns table (user_id uuid, agora_uid integer, join_no integer, joined_at timestamptz) defaults 0'),
    (349, 'function', 'stream_ext.remove_viewer(session_id uuid, buyer_id uuid, join_no integer)', 'returns text defaults 0'),
    (350, 'function', 'stream_ext.get_viewer_count(session_id uuid)', 'returns integer defaults 0'),
    (351, 'function', 'stream_ext.get_viewers(session_id uuid, after uuid, page_size integer)', 'returns table ( user_id uuid, agora_uid integer, joined_at timestamptz, last_seen_at timestamptz, foreground boolean, watch_ms bigint ) defaults 0'),
    (352, 'function', 'stream_ext.viewer_counts_wait_for_passed_over()', 'returns void defaults 0'),
    (353, 'function', 'stream_ext.regular_take_viewer_counts(most integer, rows_left integer, skipping uuid[], kept jsonb)', 'returns table (session_id uuid, keys jsonb, held boolean) defaults 0'),
    (354, 'function', 'stream_ext.regular_do_viewer_counts(session_id uuid, keys jsonb, kept jsonb)', 'returns jsonb defaults 0'),
    (355, 'function', 'stream_ext.regular_end_viewer_counts(context jsonb, handled jsonb, again jsonb)', 'returns jsonb defaults 0'),
    (356, 'function', 'stream_ext.regular_failed_viewer_counts(session_id uuid)', 'returns void defaults 0'),
    (357, 'function', 'stream_ext.regular_take_reactions(most integer, rows_left integer, skipping uuid[], kept jsonb)', 'returns table (session_id uuid, keys jsonb, held boolean) defaults 0'),
    (358, 'function', 'stream_ext.regular_do_reactions(session_id uuid, keys jsonb, kept jsonb)', 'returns jsonb defaults 0'),
    (359, 'function', 'stream_ext.regular_take_canary(most integer, rows_left integer, skipping uuid[], kept jsonb)', 'returns table (session_id uuid, keys jsonb, held boolean) defaults 0'),
    (360, 'function', 'stream_ext.viewer_watched_ms(joined_at timestamptz, until timestamptz)', 'returns bigint defaults 0'),
    (361, 'function', 'stream_ext.webhook_advance(session_id uuid, uid bigint, "position" bigint, is_present boolean, ts bigint)', 'returns boolean defaults 0'),
    (362, 'function', 'stream_ext.webhook_apply_host(session record, verdict text)', 'returns text defaults 0'),
    (363, 'function', 'stream_ext.webhook_apply_change(session record, notice record, out status text, out effect text)', 'defaults 0'),
    (364, 'function', 'stream_ext.apply_webhook(notice text)', 'returns table (status text, effect text) defaults 0'),
    (365, 'function', 'stream_ext.webhook_refuse(field text)', 'returns void defaults 0'),
    (366, 'function', 'stream_ext.webhook_integer(fields json, field text, most bigint, is_needed boolean)', 'returns bigint defaults 0'),
    (367, 'function', 'stream_ext.webhook_text(fields json, field text, most_bytes integer)', 'returns text defaults 0'),
    (368, 'function', 'stream_ext.webhook_parse(notice text, out notice_id text, out product_id integer, out event_type integer, out kind text, out channel text, out ts bigint, out uid bigint, out client_seq bigint, out reason integer, out duration_s bigint, out platform integer, out client_type integer)', 'defaults 0'),
    (369, 'function', 'stream_ext.webhook_ignored(kind text, reason integer, platform integer, client_type integer)', 'returns text defaults 0'),
    (370, 'function', 'stream_ext.webhook_verdict(kind text, reason integer, has_heartbeat boolean)', 'returns text defaults 0'),
    (371, 'function', 'stream_ext.webhook_step(state text, state_reason text, state_before_error text, may_return boolean, verdict text)', 'returns text defaults 0'),
    (372, 'function', 'stream_private.post_auction_update(session_id uuid, update json)', 'returns stream.chat_message defaults 0'),
    (373, 'function', 'stream.auction_update_trigger()', 'returns trigger defaults 0'),
    (374, 'function', 'stream_private.report_canary(canary_no bigint, lag_ms integer, state text)', 'returns stream.canary_status defaults 3'),
    (375, 'function', 'stream_private.check_canary()', 'returns stream.check_result defaults 0'),
    (376, 'function', 'stream_private.send_message(session_id uuid, user_id uuid, content text, id uuid)', 'returns stream.chat_message defaults 3'),
    (377, 'function', 'stream_private.send_messages(items json)', 'returns setof stream.message_result defaults 0'),
    (378, 'function', 'stream_private.note_deleted_author()', 'returns trigger defaults 0'),
    (379, 'trigger', 'chat_messages_note_deleted_author on stream.chat_messages', '8f711dd5c2b4339f2ca533fe6b3122a13bbe37a2a93f94b20474863802f6696b'),
    (380, 'function', 'stream_private.delete_authors_of_deleted_session()', 'returns trigger defaults 0'),
    (381, 'trigger', 'stream_sessions_delete_authors on stream.stream_sessions', '8b53be558dd0d4b3905be20eff6f3d23b71b590f334e98b699bbd0507e05d529'),
    (382, 'function', 'stream_private.mark_messages_as_read(session_id uuid, user_id uuid, message_ids uuid[])', 'returns bigint defaults 2'),
    (383, 'function', 'stream_private.mark_read_up_to(session_id uuid, user_id uuid, seq bigint)', 'returns bigint defaults 2'),
    (384, 'function', 'stream_private.unread_count(session_id uuid, user_id uuid)', 'returns bigint defaults 1'),
    (385, 'function', 'stream_private.subscribe_to_chat(session_id uuid, user_id uuid)', 'returns stream.chat_subscription defaults 1'),
    (386, 'function', 'stream_private.unsubscribe_from_chat(subscription_id uuid)', 'returns stream.chat_subscription defaults 0'),
    (387, 'function', 'stream_private.get_message_history(session_id uuid, page_size integer, skip integer, before_seq bigint, after_seq bigint)', 'returns setof stream.chat_message defaults 4'),
    (388, 'function', 'stream_private.sync_messages(session_id uuid, last_message_id uuid)', 'returns setof stream.chat_message defaults 1'),
    (389, 'function', 'stream_private.sync(session_id uuid, after_seq bigint, epoch text)', 'returns stream.sync_result defaults 2'),
    (390, 'function', 'stream_private.rearm()', 'returns trigger defaults 0'),
    (391, 'trigger', 'config_rearm on stream.config', '7902385e50855269a9ffca09822e760b4c266c4ccc947a5f87d3c382e75607d4'),
    (392, 'function', 'stream_private.contract_version()', 'returns text defaults 0'),
    (393, 'function', 'stream_private.oldest_client()', 'returns text defaults 0'),
    (394, 'function', 'stream_private.doctor()', 'returns setof stream.check_result defaults 0'),
    (395, 'function', 'stream_private.is_native()', 'returns boolean defaults 0'),
    (396, 'function', 'stream_private.check_edition()', 'returns stream.check_result defaults 0'),
    (397, 'function', 'stream_private.check_table_privileges()', 'returns stream.check_result defaults 0'),
    (398, 'function', 'stream_private.check_realtime_publication()', 'returns stream.check_result defaults 0'),
    (399, 'function', 'stream_private.check_realtime_partitions(at timestamptz)', 'returns stream.check_result defaults 0'),
    (400, 'function', 'stream_private.check_owner()', 'returns stream.check_result defaults 0'),
    (401, 'function', 'stream_private.check_troubles()', 'returns setof stream.check_result defaults 0'),
    (402, 'function', 'stream_private.lock_holders(xmax xid)', 'returns setof integer defaults 0'),
    (403, 'function', 'stream_private.check_held_rows()', 'returns setof stream.check_result defaults 0'),
    (404, 'function', 'stream_private.check_pg_cron()', 'returns stream.check_result defaults 0'),
    (405, 'function', 'stream_private.check_server_log()', 'returns stream.check_result defaults 0'),
    (406, 'function', 'stream_private.new_epoch()', 'returns integer defaults 0'),
    (407, 'function', 'stream_private.logs_being_sent()', 'returns table (session_id uuid, state text, viewer_count integer, flushed_seq bigint, last_seq bigint) defaults 0'),
    (408, 'function', 'stream_private.sequence_calls(sequence regclass)', 'returns double precision defaults 0'),
    (409, 'function', 'stream_private.metrics()', 'returns setof stream.metric defaults 0'),
    (410, 'view', 'stream.metrics', 'fdf56e391f5b06b4bb43fa3757c450e27b2be4a5b5ac39a8efc7e7e21c831225'),
    (411, 'view', 'stream_private.realtime_costs', '1f86ca9ef8e2aed2f5d3fa68cad217c2464285b594965f56f602f3063dc2531c'),
    (412, 'function', 'stream_private.metrics_of_realtime()', 'returns setof stream.metric defaults 0'),
    (413, 'function', 'stream_private.delete_message(session_id uuid, message_id uuid, reason text)', 'returns text defaults 1'),
    (414, 'function', 'stream_private.delete_user_messages(session_id uuid, user_id uuid, reason text)', 'returns integer defaults 1'),
    (415, 'function', 'stream_private.restrict_user(session_id uuid, user_id uuid, kind text, duration_s integer, reason text)', 'returns stream.restriction defaults 0'),
    (416, 'function', 'stream_private.mute_user(session_id uuid, user_id uuid, duration_s integer, reason text)', 'returns stream.restriction defaults 2'),
    (417, 'function', 'stream_private.ban_user(session_id uuid, user_id uuid, duration_s integer, reason text)', 'returns stream.restriction defaults 2'),
    (418, 'function', 'stream_private.lift_restriction(session_id uuid, user_id uuid, kind text)', 'returns text defaults 0'),
    (419, 'function', 'stream_private.set_slow_mode(session_id uuid, interval_ms integer)', 'returns stream.session defaults 0'),
    (420, 'function', 'stream_private.set_chat_mode(session_id uuid, mode text)', 'returns stream.session defaults 0'),
    (421, 'function', 'stream_private.pin_message(session_id uuid, message_id uuid)', 'returns stream.session defaults 0'),
    (422, 'function', 'stream_private.unpin_message(session_id uuid)', 'returns stream.session defaults 0'),
    (423, 'function', 'stream_private.block_term(session_id uuid, term text)', 'returns text defaults 2'),
    (424, 'function', 'stream_private.unblock_term(session_id uuid, term text)', 'returns text defaults 2'),
    (425, 'function', 'stream_private.list_blocked_terms(session_id uuid)', 'returns setof stream.blocked_term defaults 1'),
    (426, 'function', 'stream_private.list_restrictions(session_id uuid, after uuid, page_size integer)', 'returns setof stream.restriction defaults 2'),
    (427, 'function', 'stream_private.get_moderation_log(session_id uuid, before_id bigint, page_size integer)', 'returns setof stream.moderation_entry defaults 3'),
    (428, 'function', 'stream_private.refuse_changing_moderation_log()', 'returns trigger defaults 0'),
    (429, 'trigger', 'moderation_log_refuse_changing on stream.moderation_log', 'd96763ad1fcc346802b2c0f64ea592be7bbeaf478fe2477a456d2a4f68dd8c1c'),
    (430, 'trigger', 'moderation_log_refuse_truncating on stream.moderation_log', 'afeb43b3fdd6422c7e0c85721836346ac405de25b2292d1ce0888d6b193c27b5'),
    (431, 'function', 'stream_private.delete_turn_of_deleted_session()', 'returns trigger defaults 0'),
    (432, 'trigger', 'stream_sessions_delete_turn on stream.stream_sessions', '27ba3098665070db4f0c07b1828d60bc6bf1d493856f49ab77ccc43db41c192b'),
    (433, 'function', 'stream_private.send_reaction(session_id uuid, kind text)', 'returns stream.reaction_result defaults 0'),
    (434, 'function', 'stream_private.tick()', 'returns void defaults 0'),
    (435, 'function', 'stream_private.begin_work()', 'returns void defaults 0'),
    (436, 'function', 'stream_private.work()', 'returns boolean defaults 0'),
    (437, 'function', 'stream_private.pause()', 'returns double precision defaults 0'),
    (438, 'function', 'stream_private.tick_loop()', 'returns text defaults 0'),
    (439, 'function', 'stream_private.sweep()', 'returns setof stream.sweep_rule defaults 0'),
    (440, 'function', 'stream.schedule_with_pg_cron(every_second boolean)', 'returns text defaults 1'),
    (441, 'function', 'stream_private.report_message(session_id uuid, message_id uuid, reason text)', 'returns stream.message_report defaults 1'),
    (442, 'function', 'stream_private.list_reports(session_id uuid, after bigint, page_size integer)', 'returns setof stream.reported_message defaults 2'),
    (443, 'function', 'stream_private.resolve_report(session_id uuid, message_id uuid)', 'returns text defaults 0'),
    (444, 'function', 'stream_private.enter_request()', 'returns uuid defaults 0'),
    (445, 'function', 'stream_private.first_result(caller uuid, request_id uuid, operation text, arguments text)', 'returns jsonb defaults 0'),
    (446, 'function', 'stream_private.keep_result(caller uuid, request_id uuid, result jsonb)', 'returns void defaults 0'),
    (447, 'view', 'stream_private.restrictions', 'f5a343f81750b6e024a18b735502a41df7ae23deba4e5a3aa144b4a653770f2b'),
    (448, 'view', 'stream_private.bans', '0aed0322320f8f425714982adf3a905afa825b6e0ab5955e9fb1652f1d4ba041'),
    (449, 'view', 'stream_private.leases', '20159fd7b0a931311c8593c2147b59e587c581581ffd9a291d6ed440a3895b69'),
    (450, 'function', 'stream_private.can_view(user_id uuid, session_id uuid, seller_id uuid)', 'returns boolean defaults 0'),
    (451, 'function', 'stream_private.may_watch(user_id uuid, session_id uuid, seller_id uuid)', 'returns boolean defaults 0'),
    (452, 'function', 'stream_private.has_joined(user_id uuid, session_id uuid)', 'returns boolean defaults 0'),
    (453, 'function', 'stream_private.check_page_size(page_size integer)', 'returns void defaults 0'),
    (454, 'function', 'stream_private.check_reason(reason text)', 'returns void defaults 0'),
    (455, 'function', 'stream_private.session(session_id uuid)', 'returns stream.session defaults 0'),
    (456, 'function', 'stream_private.start_stream(auction_id uuid, seller_id uuid, reconnect_window_s integer)', 'returns stream.session defaults 2'),
    (457, 'function', 'stream_private.update_stream_state(session_id uuid, state text, reason text, generation integer)', 'returns stream.session defaults 2'),
    (458, 'function', 'stream_private.pause_stream(session_id uuid, generation integer, reason text)', 'returns stream.session defaults 2'),
    (459, 'function', 'stream_private.resume_stream(session_id uuid, generation integer, reason text)', 'returns stream.session defaults 2'),
    (460, 'function', 'stream_private.end_stream(session_id uuid, generation integer, reason text)', 'returns stream.session defaults 2'),
    (461, 'function', 'stream_private.get_stream_state(session_id uuid)', 'returns text defaults 0'),
    (462, 'function', 'stream_private.get_session(session_id uuid)', 'returns stream.session defaults 0'),
    (463, 'function', 'stream_private.refuse_deleting_live_session()', 'returns trigger defaults 0'),
    (464, 'trigger', 'stream_sessions_refuse_deleting_live on stream.stream_sessions', 'b2315126b62088143115d42c045a3dfc3298256ffb9c7cdce75cdd6b1161e6b1'),
    (465, 'function', 'stream_private.lock_places_of_deleted_session()', 'returns trigger defaults 0'),
    (466, 'trigger', 'stream_sessions_then_lock_places on stream.stream_sessions', '054190de587269dfc10c9d92564f6be825484a55c5007607f980e753938648ae'),
    (467, 'function', 'stream_private.lock_for_deletion(user_ids uuid[], auction_ids uuid[])', 'returns void defaults 0'),
    (468, 'function', 'stream_private.get_live_stream(auction_id uuid)', 'returns stream.live_stream defaults 0'),
    (469, 'function', 'stream_private.find_live_streams(after uuid, at_most integer)', 'returns setof stream.live_stream defaults 0'),
    (470, 'function', 'stream_private.milliseconds_of(id uuid)', 'returns bigint defaults 0'),
    (471, 'function', 'stream_private.list_live_streams(page_size integer, after uuid)', 'returns stream.live_page defaults 2'),
    (472, 'function', 'stream_private.get_stream_summary(session_id uuid)', 'returns stream.stream_summary defaults 0'),
    (473, 'function', 'stream_private.generate_seller_token(seller_id uuid, channel_id text, generation integer)', 'returns stream.agora_token defaults 3'),
    (474, 'function', 'stream_private.generate_buyer_token(buyer_id uuid, channel_id text)', 'returns stream.agora_token defaults 2'),
    (475, 'function', 'stream_private.refresh_token(user_id uuid, channel_id text, generation integer)', 'returns stream.agora_token defaults 3'),
    (476, 'function', 'stream_private.inspect_token(token text, channel_id text, account text)', 'returns stream.token_inspection defaults 2'),
    (477, 'function', 'stream_private.user_id()', 'returns uuid defaults 0'),
    (478, 'function', 'stream_private.find_session_of_user(user_id uuid)', 'returns uuid defaults 0'),
    (479, 'function', 'stream_private.forget_in_session(user_id uuid, session_id uuid, at_most integer)', 'returns integer defaults 0'),
    (480, 'function', 'stream_private.forget_user(user_id uuid)', 'returns stream.erasure_result defaults 0'),
    (481, 'view', 'stream_private.agora_uids', 'b1093a8587c654c53938a885635b4629215722fb42a6851b9811f83de762184b'),
    (482, 'function', 'stream_private.export_user(user_id uuid)', 'returns setof json defaults 0'),
    (483, 'function', 'stream_private.wait_at_gate(session_id uuid, alone boolean)', 'returns boolean defaults 0'),
    (484, 'function', 'stream_private.wait_for_session(session_id uuid)', 'returns boolean defaults 0'),
    (485, 'function', 'stream_private.add_viewer(session_id uuid, buyer_id uuid)', 'returns stream.viewer_lease defaults 1'),
    (486, 'function', 'stream_private.join_stream(session_id uuid)', 'returns stream.join_result defaults 0'),
    (487, 'function', 'stream_private.remove_viewer(session_id uuid, buyer_id uuid, join_no integer)', 'returns text defaults 2'),
    (488, 'function', 'stream_private.get_viewer_count(session_id uuid)', 'returns integer defaults 0'),
    (489, 'function', 'stream_private.get_viewers(session_id uuid, after uuid, page_size integer)', 'returns setof stream.viewer defaults 2'),
    (490, 'function', 'stream_private.note_deleted_viewers()', 'returns trigger defaults 0'),
    (491, 'trigger', 'stream_viewers_note_deleted on stream.stream_viewers', '385137de0598e97e052e193025d488613b971e134b34c48d92f70ff6d48feebf'),
    (492, 'function', 'stream_private.heartbeat(session_id uuid, foreground boolean, generation integer, join_no integer, user_id uuid, token_expires_at timestamptz)', 'returns stream.heartbeat_result defaults 5'),
    (493, 'function', 'stream_private.heartbeats(items json)', 'returns setof stream.batched_heartbeat defaults 0'),
    (494, 'function', 'stream_private.apply_webhook(notice json)', 'returns stream.webhook_result defaults 0'),
    (495, 'function', 'stream_private.emit_live(session_id uuid, auction_id uuid, state text)', 'returns void defaults 0'),
    (496, 'function', 'stream_private.emit_session_changes()', 'returns trigger defaults 0'),
    (497, 'trigger', 'stream_sessions_emit_changes on stream.stream_sessions', '0a950add337fd820a4aef12b695a73aaaee9bc0a314bbac47bb1ab23e0503725'),
    (498, 'function', 'stream_private.can_read_topic(topic text)', 'returns boolean defaults 0'),
    (499, 'policy', 'stream_topics_read on realtime.messages', 'ed4eb1f60ad48d9dc9a35d573c178443425f0b2a0628ab8d3aa7f8eaf8b37075'),
    (500, 'view', 'stream_private.error_catalogue', '0a3cde6f479b885814f8f6518de825990193f178218ed3b6836af48d11f97134'),
    (501, 'view', 'stream_private.state_transitions', '12cefa60d163bb473ad1737ed114437db4ad95591cd3db62c2ce57cac4d60760'),
    (502, 'view', 'stream_private.limits', '12ffe757e6f2388e488d1697a1c89812a85cbbeae31b84674c1ed83dab390265'),
    (503, 'function', 'stream_private.ban_user(session_id uuid, user_id uuid, duration_s integer, reason text, request_id uuid)', 'returns stream.restriction defaults 0'),
    (504, 'function', 'stream_private.block_term(session_id uuid, term text, request_id uuid)', 'returns text defaults 0'),
    (505, 'function', 'stream_private.delete_message(session_id uuid, message_id uuid, reason text, request_id uuid)', 'returns text defaults 0'),
    (506, 'function', 'stream_private.delete_user_messages(session_id uuid, user_id uuid, reason text, request_id uuid)', 'returns integer defaults 0'),
    (507, 'function', 'stream_private.end_stream(session_id uuid, generation integer, reason text, request_id uuid)', 'returns stream.session defaults 0'),
    (508, 'function', 'stream_private.lift_restriction(session_id uuid, user_id uuid, kind text, request_id uuid)', 'returns text defaults 0'),
    (509, 'function', 'stream_private.mute_user(session_id uuid, user_id uuid, duration_s integer, reason text, request_id uuid)', 'returns stream.restriction defaults 0'),
    (510, 'function', 'stream_private.pause_stream(session_id uuid, generation integer, reason text, request_id uuid)', 'returns stream.session defaults 0'),
    (511, 'function', 'stream_private.pin_message(session_id uuid, message_id uuid, request_id uuid)', 'returns stream.session defaults 0'),
    (512, 'function', 'stream_private.resolve_report(session_id uuid, message_id uuid, request_id uuid)', 'returns text defaults 0'),
    (513, 'function', 'stream_private.resume_stream(session_id uuid, generation integer, reason text, request_id uuid)', 'returns stream.session defaults 0'),
    (514, 'function', 'stream_private.set_chat_mode(session_id uuid, mode text, request_id uuid)', 'returns stream.session defaults 0'),
    (515, 'function', 'stream_private.set_slow_mode(session_id uuid, interval_ms integer, request_id uuid)', 'returns stream.session defaults 0'),
    (516, 'function', 'stream_private.start_stream(auction_id uuid, seller_id uuid, reconnect_window_s integer, request_id uuid)', 'returns stream.session defaults 0'),
    (517, 'function', 'stream_private.unblock_term(session_id uuid, term text, request_id uuid)', 'returns text defaults 0'),
    (518, 'function', 'stream_private.unpin_message(session_id uuid, request_id uuid)', 'returns stream.session defaults 0'),
    (519, 'function', 'stream_private.update_stream_state(session_id uuid, state text, reason text, generation integer, request_id uuid)', 'returns stream.session defaults 0'),
    (520, 'function', 'stream.add_viewer(session_id uuid, buyer_id uuid)', 'returns stream.viewer_lease defaults 1'),
    (521, 'function', 'stream.apply_webhook(notice json)', 'returns stream.webhook_result defaults 0'),
    (522, 'function', 'stream.ban_user(session_id uuid, user_id uuid, duration_s integer, reason text, request_id uuid)', 'returns stream.restriction defaults 3'),
    (523, 'function', 'stream.block_term(session_id uuid, term text, request_id uuid)', 'returns text defaults 3'),
    (524, 'function', 'stream.delete_message(session_id uuid, message_id uuid, reason text, request_id uuid)', 'returns text defaults 2'),
    (525, 'function', 'stream.delete_user_messages(session_id uuid, user_id uuid, reason text, request_id uuid)', 'returns integer defaults 2'),
    (526, 'function', 'stream.doctor()', 'returns setof stream.check_result defaults 0'),
    (527, 'function', 'stream.end_stream(session_id uuid, generation integer, reason text, request_id uuid)', 'returns stream.session defaults 3'),
    (528, 'function', 'stream.export_user(user_id uuid)', 'returns setof json defaults 0'),
    (529, 'function', 'stream.forget_user(user_id uuid)', 'returns stream.erasure_result defaults 0'),
    (530, 'function', 'stream.generate_buyer_token(buyer_id uuid, channel_id text)', 'returns stream.agora_token defaults 2'),
    (531, 'function', 'stream.generate_seller_token(seller_id uuid, channel_id text, generation integer)', 'returns stream.agora_token defaults 3'),
    (532, 'function', 'stream.get_live_stream(auction_id uuid)', 'returns stream.live_stream defaults 0'),
    (533, 'function', 'stream.get_message_history(session_id uuid, page_size integer, skip integer, before_seq bigint, after_seq bigint)', 'returns setof stream.chat_message defaults 4'),
    (534, 'function', 'stream.get_moderation_log(session_id uuid, before_id bigint, page_size integer)', 'returns setof stream.moderation_entry defaults 3'),
    (535, 'function', 'stream.get_session(session_id uuid)', 'returns stream.session defaults 0'),
    (536, 'function', 'stream.get_stream_state(session_id uuid)', 'returns text defaults 0'),
    (537, 'function', 'stream.get_stream_summary(session_id uuid)', 'returns stream.stream_summary defaults 0'),
    (538, 'function', 'stream.get_viewer_count(session_id uuid)', 'returns integer defaults 0'),
    (539, 'function', 'stream.get_viewers(session_id uuid, after uuid, page_size integer)', 'returns setof stream.viewer defaults 2'),
    (540, 'function', 'stream.heartbeat(session_id uuid, foreground boolean, generation integer, join_no integer, user_id uuid, token_expires_at timestamptz)', 'returns stream.heartbeat_result defaults 5'),
    (541, 'function', 'stream.heartbeats(items json)', 'returns setof stream.batched_heartbeat defaults 0'),
    (542, 'function', 'stream.inspect_token(token text, channel_id text, account text)', 'returns stream.token_inspection defaults 2'),
    (543, 'function', 'stream.join_stream(session_id uuid)', 'returns stream.join_result defaults 0'),
    (544, 'function', 'stream.lift_restriction(session_id uuid, user_id uuid, kind text, request_id uuid)', 'returns text defaults 1'),
    (545, 'function', 'stream.list_blocked_terms(session_id uuid)', 'returns setof stream.blocked_term defaults 1'),
    (546, 'function', 'stream.list_live_streams(page_size integer, after uuid)', 'returns stream.live_page defaults 2'),
    (547, 'function', 'stream.list_reports(session_id uuid, after bigint, page_size integer)', 'returns setof stream.reported_message defaults 2'),
    (548, 'function', 'stream.list_restrictions(session_id uuid, after uuid, page_size integer)', 'returns setof stream.restriction defaults 2'),
    (549, 'function', 'stream.mark_messages_as_read(session_id uuid, user_id uuid, message_ids uuid[])', 'returns bigint defaults 2'),
    (550, 'function', 'stream.mark_read_up_to(session_id uuid, user_id uuid, seq bigint)', 'returns bigint defaults 2'),
    (551, 'function', 'stream.mute_user(session_id uuid, user_id uuid, duration_s integer, reason text, request_id uuid)', 'returns stream.restriction defaults 3'),
    (552, 'function', 'stream.new_epoch()', 'returns integer defaults 0'),
    (553, 'function', 'stream.pause_stream(session_id uuid, generation integer, reason text, request_id uuid)', 'returns stream.session defaults 3'),
    (554, 'function', 'stream.pin_message(session_id uuid, message_id uuid, request_id uuid)', 'returns stream.session defaults 1'),
    (555, 'function', 'stream.post_auction_update(session_id uuid, update json)', 'returns stream.chat_message defaults 0'),
    (556, 'function', 'stream.refresh_token(user_id uuid, channel_id text, generation integer)', 'returns stream.agora_token defaults 3'),
    (557, 'function', 'stream.remove_viewer(session_id uuid, buyer_id uuid, join_no integer)', 'returns text defaults 2'),
    (558, 'function', 'stream.report_canary(canary_no bigint, lag_ms integer, state text)', 'returns stream.canary_status defaults 3'),
    (559, 'function', 'stream.report_message(session_id uuid, message_id uuid, reason text)', 'returns stream.message_report defaults 1'),
    (560, 'function', 'stream.resolve_report(session_id uuid, message_id uuid, request_id uuid)', 'returns text defaults 1'),
    (561, 'function', 'stream.resume_stream(session_id uuid, generation integer, reason text, request_id uuid)', 'returns stream.session defaults 3'),
    (562, 'function', 'stream.send_message(session_id uuid, user_id uuid, content text, id uuid)', 'returns stream.chat_message defaults 3'),
    (563, 'function', 'stream.send_messages(items json)', 'returns setof stream.message_result defaults 0'),
    (564, 'function', 'stream.send_reaction(session_id uuid, kind text)', 'returns stream.reaction_result defaults 0'),
    (565, 'function', 'stream.set_chat_mode(session_id uuid, mode text, request_id uuid)', 'returns stream.session defaults 1'),
    (566, 'function', 'stream.set_slow_mode(session_id uuid, interval_ms integer, request_id uuid)', 'returns stream.session defaults 1'),
    (567, 'function', 'stream.start_stream(auction_id uuid, seller_id uuid, reconnect_window_s integer, request_id uuid)', 'returns stream.session defaults 3'),
    (568, 'function', 'stream.subscribe_to_chat(session_id uuid, user_id uuid)', 'returns stream.chat_subscription defaults 1'),
    (569, 'function', 'stream.sweep()', 'returns setof stream.sweep_rule defaults 0'),
    (570, 'function', 'stream.sync(session_id uuid, after_seq bigint, epoch text)', 'returns stream.sync_result defaults 2'),
    (571, 'function', 'stream.sync_messages(session_id uuid, last_message_id uuid)', 'returns setof stream.chat_message defaults 1'),
    (572, 'function', 'stream.tick()', 'returns void defaults 0'),
    (573, 'function', 'stream.unblock_term(session_id uuid, term text, request_id uuid)', 'returns text defaults 3'),
    (574, 'function', 'stream.unpin_message(session_id uuid, request_id uuid)', 'returns stream.session defaults 1'),
    (575, 'function', 'stream.unread_count(session_id uuid, user_id uuid)', 'returns bigint defaults 1'),
    (576, 'function', 'stream.unsubscribe_from_chat(subscription_id uuid)', 'returns stream.chat_subscription defaults 0'),
    (577, 'function', 'stream.update_stream_state(session_id uuid, state text, reason text, generation integer, request_id uuid)', 'returns stream.session defaults 3'),
    (578, 'function', 'stream.user_id()', 'returns uuid defaults 0'),
    (579, 'function', 'stream_edge.add_viewer(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, buyer_id uuid)', 'returns json defaults 1'),
    (580, 'function', 'stream_edge.apply_webhook(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, notice json)', 'returns json defaults 0'),
    (581, 'function', 'stream_edge.ban_user(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, user_id uuid, duration_s integer, reason text, request_id uuid)', 'returns json defaults 3'),
    (582, 'function', 'stream_edge.block_term(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, term text, request_id uuid)', 'returns json defaults 3'),
    (583, 'function', 'stream_edge.delete_message(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, message_id uuid, reason text, request_id uuid)', 'returns json defaults 2'),
    (584, 'function', 'stream_edge.delete_user_messages(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, user_id uuid, reason text, request_id uuid)', 'returns json defaults 2'),
    (585, 'function', 'stream_edge.doctor(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text)', 'returns json defaults 0'),
    (586, 'function', 'stream_edge.end_stream(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, generation integer, reason text, request_id uuid)', 'returns json defaults 3'),
    (587, 'function', 'stream_edge.export_user(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, user_id uuid)', 'returns json defaults 0'),
    (588, 'function', 'stream_edge.forget_user(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, user_id uuid)', 'returns json defaults 0'),
    (589, 'function', 'stream_edge.generate_buyer_token(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, buyer_id uuid, channel_id text)', 'returns json defaults 2'),
    (590, 'function', 'stream_edge.generate_seller_token(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, seller_id uuid, channel_id text, generation integer)', 'returns json defaults 3'),
    (591, 'function', 'stream_edge.get_live_stream(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, auction_id uuid)', 'returns json defaults 0'),
    (592, 'function', 'stream_edge.get_message_history(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, page_size integer, skip integer, before_seq bigint, after_seq bigint)', 'returns json defaults 4'),
    (593, 'function', 'stream_edge.get_moderation_log(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, before_id bigint, page_size integer)', 'returns json defaults 3'),
    (594, 'function', 'stream_edge.get_session(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid)', 'returns json defaults 0'),
    (595, 'function', 'stream_edge.get_stream_state(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid)', 'returns json defaults 0'),
    (596, 'function', 'stream_edge.get_stream_summary(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid)', 'returns json defaults 0'),
    (597, 'function', 'stream_edge.get_viewer_count(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid)', 'returns json defaults 0'),
    (598, 'function', 'stream_edge.get_viewers(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, after uuid, page_size integer)', 'returns json defaults 2'),
    (599, 'function', 'stream_edge.heartbeat(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, foreground boolean, generation integer, join_no integer, user_id uuid, token_expires_at timestamptz)', 'returns json defaults 5'),
    (600, 'function', 'stream_edge.heartbeats(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, items json)', 'returns json defaults 0'),
    (601, 'function', 'stream_edge.inspect_token(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, token text, channel_id text, account text)', 'returns json defaults 2'),
    (602, 'function', 'stream_edge.join_stream(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid)', 'returns json defaults 0'),
    (603, 'function', 'stream_edge.lift_restriction(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, user_id uuid, kind text, request_id uuid)', 'returns json defaults 1'),
    (604, 'function', 'stream_edge.list_blocked_terms(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid)', 'returns json defaults 1'),
    (605, 'function', 'stream_edge.list_live_streams(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, page_size integer, after uuid)', 'returns json defaults 2'),
    (606, 'function', 'stream_edge.list_reports(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, after bigint, page_size integer)', 'returns json defaults 2'),
    (607, 'function', 'stream_edge.list_restrictions(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, after uuid, page_size integer)', 'returns json defaults 2'),
    (608, 'function', 'stream_edge.mark_messages_as_read(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, user_id uuid, message_ids uuid[])', 'returns json defaults 2'),
    (609, 'function', 'stream_edge.mark_read_up_to(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, user_id uuid, seq bigint)', 'returns json defaults 2'),
    (610, 'function', 'stream_edge.mute_user(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, user_id uuid, duration_s integer, reason text, request_id uuid)', 'returns json defaults 3'),
    (611, 'function', 'stream_edge.new_epoch(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text)', 'returns json defaults 0'),
    (612, 'function', 'stream_edge.pause_stream(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, generation integer, reason text, request_id uuid)', 'returns json defaults 3'),
    (613, 'function', 'stream_edge.pin_message(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, message_id uuid, request_id uuid)', 'returns json defaults 1'),
    (614, 'function', 'stream_edge.post_auction_update(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, update json)', 'returns json defaults 0'),
    (615, 'function', 'stream_edge.refresh_token(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, user_id uuid, channel_id text, generation integer)', 'returns json defaults 3'),
    (616, 'function', 'stream_edge.remove_viewer(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, buyer_id uuid, join_no integer)', 'returns json defaults 2'),
    (617, 'function', 'stream_edge.report_canary(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, canary_no bigint, lag_ms integer, state text)', 'returns json defaults 3'),
    (618, 'function', 'stream_edge.report_message(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, message_id uuid, reason text)', 'returns json defaults 1'),
    (619, 'function', 'stream_edge.resolve_report(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, message_id uuid, request_id uuid)', 'returns json defaults 1'),
    (620, 'function', 'stream_edge.resume_stream(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, generation integer, reason text, request_id uuid)', 'returns json defaults 3'),
    (621, 'function', 'stream_edge.send_message(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, user_id uuid, content text, id uuid)', 'returns json defaults 3'),
    (622, 'function', 'stream_edge.send_messages(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, items json)', 'returns json defaults 0'),
    (623, 'function', 'stream_edge.send_reaction(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, kind text)', 'returns json defaults 0'),
    (624, 'function', 'stream_edge.set_chat_mode(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, mode text, request_id uuid)', 'returns json defaults 1'),
    (625, 'function', 'stream_edge.set_slow_mode(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, interval_ms integer, request_id uuid)', 'returns json defaults 1'),
    (626, 'function', 'stream_edge.start_stream(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, auction_id uuid, seller_id uuid, reconnect_window_s integer, request_id uuid)', 'returns json defaults 3'),
    (627, 'function', 'stream_edge.subscribe_to_chat(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, user_id uuid)', 'returns json defaults 1'),
    (628, 'function', 'stream_edge.sweep(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text)', 'returns json defaults 0'),
    (629, 'function', 'stream_edge.sync(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, after_seq bigint, epoch text)', 'returns json defaults 2'),
    (630, 'function', 'stream_edge.sync_messages(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, last_message_id uuid)', 'returns json defaults 1'),
    (631, 'function', 'stream_edge.tick(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text)', 'returns json defaults 0'),
    (632, 'function', 'stream_edge.unblock_term(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, term text, request_id uuid)', 'returns json defaults 3'),
    (633, 'function', 'stream_edge.unpin_message(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, request_id uuid)', 'returns json defaults 1'),
    (634, 'function', 'stream_edge.unread_count(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, user_id uuid)', 'returns json defaults 1'),
    (635, 'function', 'stream_edge.unsubscribe_from_chat(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, subscription_id uuid)', 'returns json defaults 0'),
    (636, 'function', 'stream_edge.update_stream_state(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, state text, reason text, generation integer, request_id uuid)', 'returns json defaults 3'),
    (637, 'function', 'stream_edge.user_id(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text)', 'returns json defaults 0'),
    (638, 'function', 'stream_edge.contract_version()', 'returns text defaults 0')
) as o (place, kind, name, form);
comment on view stream_private.code_objects is
    'What the repeatable migration makes, as drop names it, so that the next release can drop what it no longer makes.';
revoke all on table stream_private.code_objects from public, anon, authenticated, service_role;

-- Drops what this release makes otherwise or no more. Whatever of the application hangs on it is named in the error.
do $$
declare
    before record;
begin
    for before in
        select b.kind, b.name from code_objects_before as b
        where not exists (
            select from stream_private.code_objects as o
            where (o.kind, o.name, o.form) = (b.kind, b.name, b.form)
        )
        order by array_position('{trigger,policy,view}', b.kind) nulls last, b.place desc
    loop
        execute format('drop %s if exists %s', before.kind, before.name);
    end loop;
end
$$;

-- sql/edition/sql/application.sql

-- Rows of the host application that a call refers to: its users and auctions, locked so that they are not deleted meanwhile.
-- They come first in the order of locks. A foreign key's own check would come after rows of the product, and deadlock with the
-- deletion, which holds the user's row while it waits for those.
create or replace function stream_ext.application_reference(of_table regclass, of_column name, out relation regclass, out key_column name)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    -- A partitioned table has no rows of its own.
    select c.confrelid, k.attname into $3, $4
    from pg_catalog.pg_constraint as c
    join pg_catalog.pg_attribute as a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
    join pg_catalog.pg_attribute as k on k.attrelid = c.confrelid and k.attnum = c.confkey[1]
    join pg_catalog.pg_class as r on r.oid = c.confrelid
    where c.conrelid = $1 and c.contype = 'f' and cardinality(c.conkey) = 1 and a.attname = $2 and r.relkind = 'r'
    limit 1;
    -- Locking a row takes the right to update.
    if $3 is not null and not has_any_column_privilege($3, 'update') then
        $3 := null;
    end if;
end
$$;
comment on function stream_ext.application_reference(regclass, name) is
    'The table and column of the host application that a column refers to; null where there is no such foreign key, or the owner of the tables may not lock its rows.';

create or replace function stream_ext.application_has_auth_users() returns boolean
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce((
        select r.relation = to_regclass('auth.users') and r.key_column = 'id'
        from stream_ext.application_reference('stream.chat_messages', 'user_id') as r), false);
end
$$;
comment on function stream_ext.application_has_auth_users() is
    'Whether users are those of Supabase Auth: immutable, so that a kept plan holds it. A connection that is older than the foreign key looks it up at every call; one that is older than its end locks a row too many.';

create or replace function stream_ext.application_hold_user(user_id uuid) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    relation pg_catalog.regclass;
    key_column pg_catalog.name;
begin
    -- The usual table, by a plan that is kept.
    if stream_ext.application_has_auth_users() then
        perform from auth.users as u where u.id = $1 for key share;
        return;
    end if;
    select r.relation, r.key_column into relation, key_column
    from stream_ext.application_reference('stream.chat_messages', 'user_id') as r;
    if relation is null then
        return;
    end if;
    execute format('select from %s as u where u.%I = $1 for key share', relation, key_column) using $1;
end
$$;
comment on function stream_ext.application_hold_user(uuid) is
    'Locks the user''s row; waits while the user is being deleted. Locks nothing when there is no such user, which a foreign key reports.';

create or replace function stream_ext.application_hold_user_if_free(user_id uuid) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    relation pg_catalog.regclass;
    key_column pg_catalog.name;
    is_locked pg_catalog.bool;
begin
    select r.relation, r.key_column into relation, key_column
    from stream_ext.application_reference('stream.chat_messages', 'user_id') as r;
    if relation is null then
        return true;
    end if;
    execute format('select true from %s as u where u.%I = $1 for key share skip locked', relation, key_column)
        into is_locked using $1;
    if is_locked then
        return true;
    end if;
    execute format('select not exists (select from %s as u where u.%I = $1)', relation, key_column) into is_locked using $1;
    return is_locked;
end
$$;
comment on function stream_ext.application_hold_user_if_free(uuid) is
    'Locks the user''s row without waiting; false while the user is being deleted.';

create or replace function stream_ext.application_hold_auction(auction_id uuid) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    relation pg_catalog.regclass;
    key_column pg_catalog.name;
begin
    select r.relation, r.key_column into relation, key_column
    from stream_ext.application_reference('stream.stream_sessions', 'auction_id') as r;
    if relation is not null then
        execute format('select from %s as a where a.%I = $1 for key share', relation, key_column) using $1;
    end if;
end
$$;
comment on function stream_ext.application_hold_auction(uuid) is
    'Locks the auction of a stream that is about to begin. Comes after the user, because a user''s auctions are deleted after the user.';

-- sql/edition/sql/auction.sql

-- Auction updates: bids and other news of an auction in the log of its stream, written in the transaction of the bid.
-- Grants and the attached trigger decide who may post, never the signed-in user.

create or replace function stream_ext.auction_parse(update json, out stored jsonb, out content text)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    said pg_catalog.text;
begin
    if json_typeof($1) <> 'object' then
        perform stream_ext.refuse_with_hint('invalid_argument', 'update is a JSON object');
    end if;
    if not stream_ext.json_can_be_stored($1::text) then
        perform stream_ext.refuse_with_hint('invalid_argument',
            'update holds an escape that cannot be stored: a zero character, or half of a surrogate pair');
    end if;
    begin
        -- Numbers are written out: 1e1000 has a thousand digits in a frame.
        $2 := $1::jsonb;
    exception when numeric_value_out_of_range or statement_too_complex or program_limit_exceeded then
        $2 := null;
    end;
    if $2 is null then
        perform stream_ext.refuse_with_hint('invalid_argument',
            'a number or the depth of the JSON is beyond what Postgres can store');
    end if;
    if octet_length($2::text) > 8192 then
        perform stream_ext.refuse_with_hint('payload_too_large', 'an auction update has at most 8192 bytes');
    end if;
    if jsonb_typeof($2 -> 'text') = 'string' then
        said := $2 ->> 'text';
        $3 := (select j.content from stream_ext.core_judge_content(said) as j);
    end if;
    $3 := coalesce($3, 'The auction was updated.');
end
$$;
comment on function stream_ext.auction_parse(json) is
    'An update as it is stored, and the sentence that stands for it in the chat; refuses what cannot be stored.';

create or replace function stream_ext.json_can_be_stored(value text) returns boolean
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    escape pg_catalog.text;
    expects_low pg_catalog.bool := false;
    is_high pg_catalog.bool;
begin
    if strpos($1, e'\\u') = 0 then
        return true;
    end if;
    -- Each escape, or a run of other characters; outside strings a valid text has no backslash.
    for escape in
        select m[1] from regexp_matches($1 collate "C", e'(\\\\u[0-9A-Fa-f]{4}|\\\\.|[^\\\\]+)', 'g') as m
    loop
        if left(escape, 2) <> e'\\u' or length(escape) <> 6 then
            if expects_low then
                return false;
            end if;
            continue;
        end if;
        escape := lower(substr(escape, 3) collate "C");
        if escape = '0000' or (escape collate "C" between 'dc00' and 'dfff') <> expects_low then
            return false;
        end if;
        is_high := escape collate "C" between 'd800' and 'dbff';
        expects_low := is_high;
    end loop;
    return not expects_low;
end
$$;
comment on function stream_ext.json_can_be_stored(text) is
    'Whether every string of a valid JSON text has a value that Postgres can store: without the escape of the zero character, and without half of a surrogate pair.';

create or replace function stream_ext.auction_store(session_id uuid, seq bigint, created_at timestamptz, content text, stored jsonb)
returns stream.chat_message
language plpgsql
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
#variable_conflict use_column
declare
    message stream.chat_message;
begin
    insert into stream.chat_messages as m
        (session_id, seq, content, message_type, metadata, created_at, updated_at)
    values ($1, $2, $4, 'auction_update', $5 || '{"kind": "auction_update"}'::jsonb, $3, $3)
    returning m.id, m.session_id, m.seq, m.user_id, m.username, m.content, m.message_type, m.created_at, m.updated_at,
        m.metadata, m.deleted_at
    into message;
    perform stream_ext.log_relay_one($1, $2,
        json_build_object(
            'id', message.id, 'seq', message.seq, 'user_id', message.user_id, 'username', message.username,
            'content', message.content, 'message_type', message.message_type, 'created_at', message.created_at,
            'metadata', message.metadata, 'deleted_at', message.deleted_at)::text,
        'auction');
    return message;
end
$$;
comment on function stream_ext.auction_store(uuid, bigint, timestamptz, text, jsonb) is 'Writes an update and relays it.';

create or replace function stream_ext.post_auction_update(session_id uuid, update text) returns record
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    parsed pg_catalog.record;
    entry pg_catalog.record;
begin
    perform stream_ext.caller_require_read_committed();
    if $1 is null or $2 is null then
        perform stream_ext.error_null(case when $1 is null then 'session_id' else 'update' end);
    end if;
    select p.stored, p.content into parsed from stream_ext.auction_parse($2::json) as p;
    select n.seq, n.created_at into entry from stream_ext.log_next_seq($1) as n;
    if entry.seq is null then
        perform stream_ext.log_refuse_closed($1);
    end if;
    return stream_ext.auction_store($1, entry.seq, entry.created_at, parsed.content, parsed.stored);
end
$$;
comment on function stream_ext.post_auction_update(uuid, text) is 'Writes an auction update, the text of a JSON object; a stream.chat_message.';

create or replace function stream_ext.auction_log(session_id uuid, content text, stored jsonb) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    entry pg_catalog.record;
begin
    select n.seq, n.created_at into entry from stream_ext.log_next_seq($1) as n;
    -- Null: the stream has ended since it was read.
    if entry.seq is not null then
        perform stream_ext.auction_store($1, entry.seq, entry.created_at, $2, $3);
    end if;
end
$$;
comment on function stream_ext.auction_log(uuid, text, jsonb) is 'Logs an update of a stream, unless it has ended.';

create or replace function stream_ext.log_auction_row(columns text[], "row" text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    -- Arguments of a trigger are counted from 0.
    names constant pg_catalog.text[] := array(
        select n.name from unnest($1) with ordinality as n (name, place) where n.name is not null order by n.place);
    -- As json: the values stay the text that Postgres made of them, and what is not published is never decoded.
    body constant pg_catalog.json := $2::json;
    auction pg_catalog.text;
    session pg_catalog.uuid;
    published pg_catalog.json := body;
    parsed pg_catalog.record;
begin
    if $2 is null then
        perform stream_ext.error_null('row');
    end if;
    if exists (
        select from unnest(names) as n (name) where n.name not in (select k.name from json_object_keys(body) as k (name))
    ) then
        perform stream_ext.refuse_with_hint('invalid_argument', 'the trigger names a column that the table does not have');
    end if;
    if coalesce(cardinality(names), 0) = 0 then
        perform stream_ext.refuse_with_hint('invalid_argument', 'the trigger names no column with the auction');
    end if;
    auction := body -> names[1];
    if auction = 'null' then
        return;
    end if;
    if not (auction like '"%"' and stream_ext.realtime_is_uuid(btrim(auction, '"'))) then
        perform stream_ext.refuse_with_hint('invalid_argument', 'the column with the auction holds no uuid');
    end if;
    select s.id into session
    from stream.stream_sessions as s where s.auction_id = btrim(auction, '"')::uuid and s.state <> 'ended';
    if session is null then
        return;
    end if;
    if cardinality(names) > 1 then
        published := concat('{', (
            select string_agg(to_json(n.name) || ':' || (body -> n.name), ',')
            from (select distinct u.name from unnest(names[2:]) as u (name)) as n), '}');
    end if;
    select p.stored, p.content into parsed from stream_ext.auction_parse(published) as p;
    if current_setting('transaction_isolation') not in ('repeatable read', 'serializable') then
        perform stream_ext.auction_log(session, parsed.content, parsed.stored);
        return;
    end if;
    -- Above READ COMMITTED a statement raises 40001 at a head or relay that others have changed since the transaction's snapshot,
    -- which PostgREST up to 14 retries for ever.
    begin
        perform stream_ext.auction_log(session, parsed.content, parsed.stored);
        return;
    exception when serialization_failure then
        null;
    end;
    perform stream_ext.refuse('isolation_level');
end
$$;
comment on function stream_ext.log_auction_row(text[], text) is
    'Logs a row of the application, the text of a JSON object. columns are the arguments of the trigger: the column with the auction, then those to publish, all where there are none. Nothing happens when the auction is not live.';

-- sql/edition/sql/batch.sql

-- Batches of the service: reading a JSON array whose malformed items are refused one by one, and the callers for whom the items
-- are. Every item is validated, and none is tried in a subtransaction of its own.

create or replace function stream_ext.batch_admit() returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if stream_ext.enter_to_write() is not null then
        perform stream_ext.refuse('forbidden');
    end if;
    if current_setting('transaction_read_only')::boolean or pg_is_in_recovery() then
        perform stream_ext.refuse('read_only');
    end if;
end
$$;
comment on function stream_ext.batch_admit() is
    'Admits the service alone, because the items name their users, and refuses all of them where nothing may be written.';

create or replace function stream_ext.batch_items(items text) returns json[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    most constant pg_catalog.int8 := (select l.most from stream_private.limits as l where l.name = 'batch_items');
    read pg_catalog.json[];
begin
    if $1 is null then
        perform stream_ext.error_null('items');
    end if;
    if json_typeof($1::json) <> 'array' then
        perform stream_ext.refuse_with_hint('invalid_argument', 'items is an array');
    end if;
    read := array(select e.value from json_array_elements($1::json) with ordinality as e (value, place) order by e.place);
    if cardinality(read) > most then
        perform stream_ext.refuse_with_hint('invalid_argument', format('at most %s items in one call', most));
    end if;
    return read;
end
$$;
comment on function stream_ext.batch_items(text) is 'The items, in their order.';

create or replace function stream_ext.batch_uuid(value json, out id uuid, out is_bad boolean)
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    said pg_catalog.text;
begin
    is_bad := false;
    if $1 is null or json_typeof($1) = 'null' then
        return;
    end if;
    said := case when json_typeof($1) = 'string' then lower(($1 #>> '{}') collate "C") else '' end;
    if said !~ '^([0-9a-f]{32}|([{]|urn:uuid:)?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}[}]?)$' collate "C"
        or (said like '{%') <> (said like '%}')
    then
        is_bad := true;
        return;
    end if;
    id := replace(said, 'urn:uuid:', '');
end
$$;
comment on function stream_ext.batch_uuid(json) is 'The uuid of a member, null where there is none; is_bad where it is something else.';

create or replace function stream_ext.batch_readable(item json) returns json
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    said pg_catalog.text := $1::text;
begin
    if strpos(said, e'\\u') = 0 or stream_ext.json_can_be_stored(said) then
        return $1;
    end if;
    -- The escape of the zero character is read as another one that no text of ours may hold.
    said := regexp_replace(said, e'((?:^|[^\\\\])(?:\\\\\\\\)*)\\\\u0000', e'\\1\\\\u0001', 'g');
    return case when stream_ext.json_can_be_stored(said) then said::json end;
end
$$;
comment on function stream_ext.batch_readable(json) is
    'An item whose texts can be read; null where an escape is half of a surrogate pair.';

create or replace function stream_ext.batch_claims(claims json, out user_id uuid, out is_anonymous boolean, out refusal text)
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    sub pg_catalog.record;
begin
    is_anonymous := false;
    if json_typeof($1) <> 'object'
        or coalesce(json_typeof($1 -> 'sub'), 'null') not in ('string', 'null')
        or coalesce(json_typeof($1 -> 'is_anonymous'), 'boolean') <> 'boolean'
        or exists (
            select from json_object_keys($1) as k (name)
            where k.name in ('sub', 'is_anonymous') group by k.name having count(*) > 1)
    then
        refusal := 'token_invalid';
        return;
    end if;
    is_anonymous := coalesce(($1 ->> 'is_anonymous')::boolean, false);
    if coalesce($1 ->> 'sub', '') <> '' then
        sub := stream_ext.batch_uuid($1 -> 'sub');
        if sub.is_bad then
            refusal := 'token_invalid';
            return;
        end if;
        user_id := sub.id;
    end if;
    -- As a call of their own would be judged, role included.
    if user_id is null or json_typeof($1 -> 'role') is distinct from 'string' or $1 ->> 'role' <> 'authenticated' then
        refusal := 'unauthenticated';
    end if;
end
$$;
comment on function stream_ext.batch_claims(json) is
    'The user of the claims that come with an item, judged as those of a call of their own; or the code of the refusal.';

create or replace function stream_ext.batch_user(claims json, named uuid, out user_id uuid, out is_anonymous boolean, out refusal text)
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    is_anonymous := false;
    if $1 is null then
        user_id := $2;
        refusal := case when $2 is null then 'invalid_argument' end;
        return;
    end if;
    select c.user_id, c.is_anonymous, c.refusal into $3, $4, $5 from stream_ext.batch_claims($1) as c;
    if refusal is null and $2 <> user_id then
        refusal := 'not_self';
    end if;
end
$$;
comment on function stream_ext.batch_user(json, uuid) is
    'The user for whom an item is, with claims that user alone; or the code of the refusal. claims null: the service names one.';

create or replace function stream_ext.batch_fault(
    operation text, state text, message text, detail text, context text, out code text, out retry_after_ms bigint
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    said pg_catalog.json;
begin
    -- Of whoever misses a right only what the application raises itself is a refusal of the caller.
    select e.code into $6 from stream_private.error_catalogue as e
    where e.sqlstate = $2 and $2 not like 'PT%' and ($2 <> '42501' or split_part($5, e'\n', 1) like '% RAISE');
    -- A refusal of the catalogue that a hook passes on is that refusal.
    if code is null and $4 like '{%' and stream_ext.caller_is_claims($4) then
        said := $4::json;
        select e.code, case when said ->> 'retry_after_ms' ~ '^[0-9]{1,18}$' then (said ->> 'retry_after_ms')::bigint end into $6, $7
        from stream_private.error_catalogue as e where e.code = said ->> 'code' and e.sqlstate = $2;
    end if;
    $6 := coalesce($6, 'internal');
    -- Never with the detail, which quotes rows; of a bad value, which message and context quote, up to the value and the functions.
    raise log e'an item of % failed alone with %, the others of the batch went on: % %\n%', $1, $6, $2,
        case when $2 like '22%' then split_part($3, '"', 1) else $3 end,
        case when $2 like '22%' then array_to_string(array(
            select l.line from string_to_table($5, e'\n') as l (line) where l.line like 'PL/pgSQL function %'), e'\n') else $5 end;
end
$$;
comment on function stream_ext.batch_fault(text, text, text, text, text) is
    'What a caller is told of an item that failed alone; the server''s log is told why.';

-- sql/edition/sql/caller.sql

-- The caller: identifying and admitting them. The database role is the one that SET ROLE chose (a SECURITY DEFINER function does
-- not change it), never a claim; only the user id is read from the claims.
create or replace function stream_ext.caller_is_member(role_name name, owner_name name) returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if not pg_has_role($1, $2, 'member') then
        return false;
    end if;
    if $1 = $2 or not (select r.rolsuper from pg_catalog.pg_roles as r where r.rolname = $1) then
        return true;
    end if;
    -- A superuser belongs to every role, and there is no superuser bypass: only a membership that was granted counts.
    return exists (
        with recursive belongs (role_id) as (
            select r.oid from pg_catalog.pg_roles as r where r.rolname = $1
            union
            select m.roleid from pg_catalog.pg_auth_members as m join belongs as b on b.role_id = m.member
        )
        select from belongs as b join pg_catalog.pg_roles as r on r.oid = b.role_id where r.rolname = $2
    );
end
$$;
comment on function stream_ext.caller_is_member(name, name) is 'Whether a role is the owner of the tables or was made a member of it.';

create or replace function stream_ext.caller_is_claims(claims text) returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    -- Where Postgres has it: no subtransaction.
    if $1 !~ e'\\\\u' and current_setting('server_version_num')::integer >= 160000 then
        return pg_input_is_valid($1, 'json') and json_typeof($1::json) = 'object';
    end if;
    begin
        -- Every text in it is read: an escape that is no character is found only so.
        perform from json_each_text($1::json);
        return json_typeof($1::json) = 'object';
    exception
        when others then
            return false;
    end;
end
$$;
comment on function stream_ext.caller_is_claims(text) is 'Whether a text is a JSON object; no error quotes it.';

create or replace function stream_ext.caller_without_escapes(claims text) returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    odd constant pg_catalog.text := e'((?:^|[^\\\\])(?:\\\\\\\\)*)\\\\u(?:0000|[dD][89a-fA-F][0-9a-fA-F]{2})';
begin
    -- The zero character and halves of pairs, which Postgres refuses wherever they stand, become a character that no id has. Twice:
    -- what stands next to the last one is not looked at again.
    return regexp_replace(regexp_replace($1, odd, e'\\1\\\\u0001', 'g'), odd, e'\\1\\\\u0001', 'g');
end
$$;
comment on function stream_ext.caller_without_escapes(text) is 'Claims whose texts can all be read; what stands in other members is not looked at.';

create or replace function stream_ext.caller_claimed(claims text, out user_id uuid, out is_anonymous boolean)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    readable constant pg_catalog.text := case when $1 ~ e'\\\\u' then stream_ext.caller_without_escapes($1) else $1 end;
    object pg_catalog.json;
    sub pg_catalog.text;
    kinds pg_catalog.text;
begin
    is_anonymous := false;
    if coalesce($1, '') = '' then
        return;
    end if;
    if not stream_ext.caller_is_claims(readable) then
        perform stream_ext.refuse_with_hint('token_invalid', 'request.jwt.claims is not a claims object');
    end if;
    object := readable;
    kinds := concat(coalesce(json_typeof(object -> 'sub'), 'null'), ' ', coalesce(json_typeof(object -> 'is_anonymous'), 'boolean'));
    if kinds not in ('string boolean', 'null boolean')
        or $1 ~ e'"sub".*"sub"|"is_anonymous".*"is_anonymous"|\\\\u' and exists (
            select from json_object_keys(object) as k where k in ('sub', 'is_anonymous') group by k having count(*) > 1)
    then
        perform stream_ext.refuse_with_hint('token_invalid', 'request.jwt.claims is not a claims object');
    end if;
    is_anonymous := coalesce((object ->> 'is_anonymous')::boolean, false);
    sub := object ->> 'sub';
    if coalesce(sub, '') = '' then
        return;
    end if;
    if sub !~* '^([0-9a-f]{32}|([{]|urn:uuid:)?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}[}]?)$' collate "C"
        or (sub like '{%') <> (sub like '%}')
    then
        perform stream_ext.refuse_with_hint('token_invalid', 'claim sub is not a uuid');
    end if;
    user_id := replace(lower(sub collate "C"), 'urn:uuid:', '');
end
$$;
comment on function stream_ext.caller_claimed(text) is
    'The user of claims, null without claims or without a sub, and whether they signed in without an account. Claims that cannot be read are refused and never quoted.';

create or replace function stream_ext.caller_claims() returns text
language plpgsql stable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
    return nullif(current_setting('request.jwt.claims', true), '');
end
$$;
comment on function stream_ext.caller_claims() is
    'The claims of the request; null without any. The setting is empty on a pooled connection after its first use.';

create or replace function stream_ext.user_id() returns uuid
language plpgsql stable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
    return (stream_ext.caller_claimed(stream_ext.caller_claims())).user_id;
end
$$;
comment on function stream_ext.user_id() is
    'The user that the claims name, whatever the role; null without claims or without a sub. Policies ask for it.';

create or replace function stream_ext.enter_to_read() returns uuid
language plpgsql stable strict
set search_path = pg_catalog, pg_temp
as $$
declare
    role_name constant pg_catalog.name := coalesce(nullif(current_setting('role'), 'none'), session_user);
    id pg_catalog.uuid;
begin
    if stream_ext.caller_is_member(role_name, current_user) or role_name = 'service_role' then
        return null;
    end if;
    if role_name = 'authenticated' then
        id := (stream_ext.caller_claimed(stream_ext.caller_claims())).user_id;
    end if;
    if id is null then
        perform stream_ext.refuse('unauthenticated');
    end if;
    return id;
end
$$;
comment on function stream_ext.enter_to_read() is 'Admits a call that only reads; returns the user who calls, null for the service.';

create or replace function stream_ext.caller_require_read_committed() returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    -- Statements would judge by what was true when the transaction began, and raise 40001 at rows that changed since, which
    -- PostgREST up to 14 retries for ever.
    if current_setting('transaction_isolation') in ('repeatable read', 'serializable') then
        perform stream_ext.refuse('isolation_level');
    end if;
end
$$;
comment on function stream_ext.caller_require_read_committed() is 'Refuses a transaction above READ COMMITTED.';

create or replace function stream_ext.enter_to_write() returns uuid
language plpgsql strict
set search_path = pg_catalog, pg_temp
as $$
begin
    if current_setting('transaction_isolation') in ('repeatable read', 'serializable') then
        perform stream_ext.refuse('isolation_level');
    end if;
    return stream_ext.enter_to_read();
end
$$;
comment on function stream_ext.enter_to_write() is 'Admits a call that writes; returns the user who calls, null for the service.';

create or replace function stream_ext.caller_resolve(caller_id uuid, named uuid) returns uuid
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if $1 is null and $2 is null then
        perform stream_ext.refuse_with_hint('invalid_argument', 'the service must name the user');
    end if;
    if $1 <> $2 then
        perform stream_ext.refuse('not_self');
    end if;
    return coalesce($1, $2);
end
$$;
comment on function stream_ext.caller_resolve(uuid, uuid) is
    'The user whom a call is about: the one named in an argument, by default the caller. caller_id null: the service, who must name one.';

create or replace function stream_ext.caller_is_anonymous(caller_id uuid) returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return $1 is not null and (stream_ext.caller_claimed(stream_ext.caller_claims())).is_anonymous;
end
$$;
comment on function stream_ext.caller_is_anonymous(uuid) is
    'Whether an admitted caller signed in without an account. caller_id null: the service, which did not.';

create or replace function stream_ext.caller_of_item(claims text, out user_id uuid, out is_anonymous boolean)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    select c.user_id, c.is_anonymous into $2, $3 from stream_ext.caller_claimed($1) as c;
    -- As a call of their own would be judged, role included.
    if user_id is null or ($1::json ->> 'role') is distinct from 'authenticated' then
        perform stream_ext.refuse('unauthenticated');
    end if;
end
$$;
comment on function stream_ext.caller_of_item(text) is
    'The caller of one item of the service''s batch, by the claims that come with it.';

create or replace function stream_ext.act_for(user_id uuid) returns uuid
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    id constant pg_catalog.uuid := stream_ext.caller_resolve(stream_ext.enter_to_write(), $1);
begin
    perform stream_ext.application_hold_user(id);
    return id;
end
$$;
comment on function stream_ext.act_for(uuid) is
    'Admits a call that writes for a user, by default the caller, and keeps the user from being deleted meanwhile. Comes before anything is locked.';

-- sql/edition/sql/chat_rules.sql

-- The rules of a chat: slow mode, chat mode, the pinned message and blocked terms.

create or replace function stream_ext.set_slow_mode(session_id uuid, interval_ms integer) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    moderator pg_catalog.record;
    range pg_catalog.record;
begin
    moderator := stream_ext.moderation_begin($1, true);
    if $2 is null then
        perform stream_ext.error_null('interval_ms');
    end if;
    select l.least, l.most into range from stream_private.limits as l where l.name = 'slow_mode_ms';
    if $2 not between range.least and range.most then
        perform stream_ext.refuse_with_hint('invalid_argument', format('interval_ms is %s to %s', range.least, range.most));
    end if;
    perform stream_ext.moderation_lock_session($1);
    update stream.stream_sessions as s set slow_mode_ms = $2 where s.id = $1 and s.slow_mode_ms <> $2;
    if found then
        perform stream_ext.moderation_announce($1, moderator.actor, true, 'slow_mode',
            case when $2 = 0 then 'Slow mode is off.' else 'Slow mode is on.' end,
            jsonb_build_object('kind', 'slow_mode', 'slow_mode_ms', $2));
    end if;
end
$$;
comment on function stream_ext.set_slow_mode(uuid, integer) is 'Sets how long a viewer waits between two messages.';

create or replace function stream_ext.set_chat_mode(session_id uuid, mode text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    moderator pg_catalog.record;
begin
    moderator := stream_ext.moderation_begin($1, true);
    if $2 is null then
        perform stream_ext.error_null('mode');
    end if;
    if $2 not in ('viewers', 'verified', 'hosts', 'nobody') then
        perform stream_ext.refuse_with_hint('invalid_argument', 'mode is one of viewers, verified, hosts, nobody');
    end if;
    perform stream_ext.moderation_lock_session($1);
    update stream.stream_sessions as s set chat_mode = $2 where s.id = $1 and s.chat_mode <> $2;
    if found then
        perform stream_ext.moderation_announce($1, moderator.actor, true, 'chat_mode',
            case $2 when 'viewers' then 'All viewers may write.' when 'verified' then 'Verified viewers may write.'
                when 'hosts' then 'Only the hosts may write.' else 'The chat is closed.' end,
            jsonb_build_object('kind', 'chat_mode', 'chat_mode', $2));
    end if;
end
$$;
comment on function stream_ext.set_chat_mode(uuid, text) is 'Sets who may write.';

create or replace function stream_ext.moderation_unpin(session_id uuid, actor uuid, is_open boolean, pinned bigint) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    target pg_catalog.uuid;
begin
    select m.id into target from stream.chat_messages as m where m.session_id = $1 and m.seq = $4;
    if target is null then
        perform stream_ext.error_internal('the pinned message is gone');
    end if;
    update stream.stream_sessions as s set pinned_seq = null where s.id = $1;
    perform stream_ext.moderation_announce($1, $2, $3, 'message_unpinned', 'A message is no longer pinned.',
        jsonb_build_object('kind', 'message_unpinned', 'target_seq', $4, 'target_id', target), null, $4);
end
$$;
comment on function stream_ext.moderation_unpin(uuid, uuid, boolean, bigint) is 'Unpins a message; the session''s row is locked.';

create or replace function stream_ext.pin_message(session_id uuid, message_id uuid) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    moderator pg_catalog.record;
    target pg_catalog.record;
begin
    moderator := stream_ext.moderation_begin($1, true);
    if $2 is null then
        perform stream_ext.error_null('message_id');
    end if;
    -- The row cannot change meanwhile: only moderation deletes messages, one call at a time.
    select m.seq, m.user_id, m.message_type, m.deleted_at into target
    from stream.chat_messages as m where m.session_id = $1 and m.id = $2;
    if target.seq is null then
        perform stream_ext.refuse('message_not_found');
    end if;
    if target.message_type <> 'user_message' then
        perform stream_ext.refuse_with_hint('invalid_argument', 'only messages of users can be moderated');
    end if;
    if target.deleted_at is not null then
        perform stream_ext.refuse('message_not_found');
    end if;
    if moderator.pinned_seq = target.seq then
        return;
    end if;
    perform stream_ext.moderation_lock_session($1);
    update stream.stream_sessions as s set pinned_seq = target.seq where s.id = $1;
    perform stream_ext.moderation_announce($1, moderator.actor, true, 'message_pinned', 'A message is pinned.',
        jsonb_build_object('kind', 'message_pinned', 'target_seq', target.seq, 'target_id', $2),
        target.user_id, target.seq);
end
$$;
comment on function stream_ext.pin_message(uuid, uuid) is 'Pins a message, in place of the one that was pinned before.';

create or replace function stream_ext.unpin_message(session_id uuid) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    moderator pg_catalog.record;
begin
    moderator := stream_ext.moderation_begin($1, true);
    if moderator.pinned_seq is not null then
        perform stream_ext.moderation_lock_session($1);
        perform stream_ext.moderation_unpin($1, moderator.actor, true, moderator.pinned_seq);
    end if;
end
$$;
comment on function stream_ext.unpin_message(uuid) is 'Unpins the pinned message.';

create or replace function stream_ext.term_begin(session_id uuid) returns uuid
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if $1 is not null then
        return (stream_ext.moderation_begin($1, true)).actor;
    end if;
    if stream_ext.enter_to_write() is not null then
        perform stream_ext.refuse('not_moderator');
    end if;
    perform stream_ext.moderation_take_turn(null);
    return null;
end
$$;
comment on function stream_ext.term_begin(uuid) is
    'Admits who blocks terms: moderators in a stream, the service in all (null); waits until nobody else moderates there. Returns the actor.';

create or replace function stream_ext.term_pattern(term text) returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    pattern pg_catalog.text;
begin
    if $1 is null then
        perform stream_ext.error_null('term');
    end if;
    pattern := stream_ext.core_pattern(stream_ext.core_trim($1));
    if pattern is null then
        perform stream_ext.refuse_with_hint('invalid_argument', format('a term has a letter or digit and at most %s characters',
            (select l.most from stream_private.limits as l where l.name = 'term_chars')));
    end if;
    return pattern;
end
$$;
comment on function stream_ext.term_pattern(text) is 'The pattern of a term; refuses one without letter or digit.';

create or replace function stream_ext.block_term(session_id uuid, term text) returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    actor_id constant pg_catalog.uuid := stream_ext.term_begin($1);
    pattern_of constant pg_catalog.text := stream_ext.term_pattern($2);
begin
    if exists (select from stream.blocked_terms as t where t.session_id is not distinct from $1 and t.pattern = pattern_of) then
        return 'already_blocked';
    end if;
    -- Every message is compared with each of them.
    if (select count(*) from stream.blocked_terms as t where t.session_id is not distinct from $1) >= 500 then
        perform stream_ext.refuse_with_hint('invalid_argument', 'at most 500 terms are blocked');
    end if;
    insert into stream.blocked_terms (session_id, term, pattern, actor)
    values ($1, stream_ext.core_trim($2), pattern_of, actor_id);
    perform stream_ext.moderation_record($1, actor_id, 'term_blocked', term => stream_ext.core_trim($2));
    return 'blocked';
end
$$;
comment on function stream_ext.block_term(uuid, text) is 'Blocks a term in a stream, or in all (null).';

create or replace function stream_ext.unblock_term(session_id uuid, term text) returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    actor_id constant pg_catalog.uuid := stream_ext.term_begin($1);
    pattern_of constant pg_catalog.text := stream_ext.term_pattern($2);
    unblocked pg_catalog.text;
begin
    delete from stream.blocked_terms as t
    where t.session_id is not distinct from $1 and t.pattern = pattern_of
    returning t.term into unblocked;
    if unblocked is null then
        return 'not_blocked';
    end if;
    perform stream_ext.moderation_record($1, actor_id, 'term_unblocked', term => unblocked);
    return 'unblocked';
end
$$;
comment on function stream_ext.unblock_term(uuid, text) is 'Unblocks a term.';

create or replace function stream_ext.list_blocked_terms(of_session uuid)
returns table (session_id uuid, term text, actor uuid, created_at timestamptz)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    perform stream_ext.moderation_require_reader($1);
    return query
    select t.session_id, t.term, t.actor, t.created_at from stream.blocked_terms as t
    where t.session_id is not distinct from $1 order by t.created_at, t.term collate "C";
end
$$;
comment on function stream_ext.list_blocked_terms(uuid) is 'The blocked terms of a stream, or those of all (null).';

-- sql/edition/sql/clock.sql

-- The server's time, checked for being plausible: Agora refuses tokens of a server whose clock is wrong, without a visible reason.
create or replace function stream_ext.clock_s() returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return floor(extract(epoch from clock_timestamp()))::bigint;
end
$$;
comment on function stream_ext.clock_s() is 'The present moment in whole Unix seconds.';

create or replace function stream_ext.clock_refusal() returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    seconds constant pg_catalog.int8 := stream_ext.clock_s();
begin
    -- The years 2024 to 2099.
    if seconds >= 1704067200 and seconds < 4102444800 then
        return null;
    end if;
    return format('the server''s clock says %s s since 1970: correct it', seconds);
end
$$;
comment on function stream_ext.clock_refusal() is 'The hint with which clock_wrong is refused; null while the clock can be right.';

create or replace function stream_ext.check_clock() returns boolean
language plpgsql stable strict
set search_path = pg_catalog, pg_temp
as $$
declare
    refusal constant pg_catalog.text := stream_ext.clock_refusal();
begin
    if refusal is not null then
        perform stream_ext.refuse_with_hint('clock_wrong', refusal);
    end if;
    return true;
end
$$;
comment on function stream_ext.check_clock() is 'Raises clock_wrong when no token can be minted for that reason; otherwise returns true.';

create or replace function stream_ext.is_preloaded() returns boolean
language plpgsql stable strict
set search_path = pg_catalog, pg_temp
as $$
begin
    return false;
end
$$;
comment on function stream_ext.is_preloaded() is 'False: this edition has no library.';

-- sql/edition/sql/core_content.sql

-- Generated by `cargo x generate` from stream_core: the content that a message may have, and the name beside it.

create or replace function stream_ext.core_judge_content(said text, out content text, out refusal text)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    -- No text of more characters is short enough in form C, which spells at most four with one.
    lines pg_catalog.text := left(
        replace(btrim($1, e'\u0009\u000a\u000b\u000c\u000d\u0020\u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000'), e'\r\n', e'\n'),
        8 * 2000);
begin
    -- Most messages: printable ASCII is its own form C.
    if lines ~ '^[ -~]+$' collate "C" then
        if length(lines) > 2000 then
            refusal := 'content_too_long';
            return;
        end if;
        content := lines;
        return;
    end if;
    lines := normalize(lines, nfc);
    if left(lines, 2000) ~ e'[\\u0001-\\u0009\\u000b-\\u001f\\u007f-\\u009f\\u202a-\\u202e\\u2066-\\u2069]' collate "C" then
        refusal := 'content_invalid';
        return;
    end if;
    if length(lines) > 2000 then
        refusal := 'content_too_long';
        return;
    end if;
    if lines !~ e'[^\\u0009-\\u000d\\u0020\\u0085\\u00a0\\u00ad\\u034f\\u061c\\u115f-\\u1160\\u1680\\u17b4-\\u17b5\\u180b-\\u180f\\u2000-\\u200f\\u2028-\\u2029\\u202f\\u205f-\\u2065\\u206a-\\u206f\\u2800\\u3000\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\ufff8\\U0001bca0-\\U0001bca3\\U0001d173-\\U0001d17a\\U000e0000-\\U000e0fff]' collate "C" then
        refusal := 'content_empty';
        return;
    end if;
    content := lines;
end
$$;
comment on function stream_ext.core_judge_content(text) is
    'The text of a message as it is stored: trimmed, in form C, with something visible and nothing that forges; or the code of the refusal.';

create or replace function stream_ext.core_content(content text) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    judged constant pg_catalog.record := stream_ext.core_judge_content($1);
begin
    if judged.refusal is not null then
        perform stream_ext.refuse(judged.refusal);
    end if;
    return judged.content;
end
$$;
comment on function stream_ext.core_content(text) is 'The same, and refuses others.';

create or replace function stream_ext.core_trim(said text) returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return btrim($1, e'\u0009\u000a\u000b\u000c\u000d\u0020\u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000');
end
$$;
comment on function stream_ext.core_trim(text) is 'A text without white space around it.';

create or replace function stream_ext.core_display_name(name text) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    cleaned pg_catalog.text := $1;
begin
    if length($1) <= 64 and $1 ~ '^[!-~]([ -~]*[!-~])?$' collate "C" then
        return $1;
    end if;
    cleaned := normalize(regexp_replace(cleaned, e'[\\u0001-\\u001f\\u007f-\\u009f\\u2028-\\u202e\\u2066-\\u2069]' collate "C", '', 'g'), nfc);
    cleaned := rtrim(left(ltrim(cleaned, e'\u0009\u000a\u000b\u000c\u000d\u0020\u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000'), 64), e'\u0009\u000a\u000b\u000c\u000d\u0020\u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000');
    return case when cleaned ~ e'[^\\u0009-\\u000d\\u0020\\u0085\\u00a0\\u00ad\\u034f\\u061c\\u115f-\\u1160\\u1680\\u17b4-\\u17b5\\u180b-\\u180f\\u2000-\\u200f\\u2028-\\u2029\\u202f\\u205f-\\u2065\\u206a-\\u206f\\u2800\\u3000\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\ufff8\\U0001bca0-\\U0001bca3\\U0001d173-\\U0001d17a\\U000e0000-\\U000e0fff]' collate "C" then cleaned end;
end
$$;
comment on function stream_ext.core_display_name(text) is
    'The name beside a message: without control characters and what overrides the direction of text, cut; null where nothing visible is left.';

-- sql/edition/sql/core_terms.sql

-- Generated by `cargo x generate` from stream_core: the form in which messages and blocked terms are compared.

create or replace function stream_ext.core_searchable(content text) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    words pg_catalog.text;
begin
    if $1 ~ e'^[\\u0001-\\u007e]*$' collate "C" then
        words := regexp_replace(lower($1 collate "C"), '[^0-9a-z]+' collate "C", ' ', 'g');
    else
        words := regexp_replace($1, e'[\\u00ad\\u0300-\\u036f\\u0483-\\u0489\\u0591-\\u05bd\\u05bf\\u05c1-\\u05c2\\u05c4-\\u05c5\\u05c7-\\u05c9\\u0610-\\u061a\\u061c\\u064b-\\u065f\\u0670\\u06d6-\\u06dc\\u06df-\\u06e4\\u06e7-\\u06e8\\u06ea-\\u06ed\\u0711\\u0730-\\u074a\\u07a6-\\u07b0\\u07eb-\\u07f3\\u07fd\\u0816-\\u0819\\u081b-\\u0823\\u0825-\\u0827\\u0829-\\u082d\\u0859-\\u085b\\u0897-\\u089f\\u08ca-\\u08e1\\u08e3-\\u0903\\u093a-\\u093c\\u093e-\\u094f\\u0951-\\u0957\\u0962-\\u0963\\u0981-\\u0983\\u09bc\\u09be-\\u09c4\\u09c7-\\u09c8\\u09cb-\\u09cd\\u09d7\\u09e2-\\u09e3\\u09fe\\u0a01-\\u0a03\\u0a3c\\u0a3e-\\u0a42\\u0a47-\\u0a48\\u0a4b-\\u0a4d\\u0a51\\u0a70-\\u0a71\\u0a75\\u0a81-\\u0a83\\u0abc\\u0abe-\\u0ac5\\u0ac7-\\u0ac9\\u0acb-\\u0acd\\u0ae2-\\u0ae3\\u0afa-\\u0aff\\u0b01-\\u0b03\\u0b3c\\u0b3e-\\u0b44\\u0b47-\\u0b48\\u0b4b-\\u0b4d\\u0b53-\\u0b57\\u0b62-\\u0b63\\u0b82\\u0bbe-\\u0bc2\\u0bc6-\\u0bc8\\u0bca-\\u0bcd\\u0bd7\\u0c00-\\u0c04\\u0c3c\\u0c3e-\\u0c44\\u0c46-\\u0c48\\u0c4a-\\u0c4d\\u0c55-\\u0c56\\u0c62-\\u0c63\\u0c81-\\u0c83\\u0cbc\\u0cbe-\\u0cc4\\u0cc6-\\u0cc8\\u0cca-\\u0ccd\\u0cd5-\\u0cd6\\u0ce2-\\u0ce3\\u0cf3\\u0d00-\\u0d03\\u0d3b-\\u0d3c\\u0d3e-\\u0d44\\u0d46-\\u0d48\\u0d4a-\\u0d4d\\u0d57\\u0d62-\\u0d63\\u0d81-\\u0d83\\u0dca\\u0dcf-\\u0dd4\\u0dd6\\u0dd8-\\u0ddf\\u0df2-\\u0df3\\u0e31\\u0e34-\\u0e3a\\u0e47-\\u0e4e\\u0eb1\\u0eb4-\\u0ebc\\u0ec8-\\u0ece\\u0f18-\\u0f19\\u0f35\\u0f37\\u0f39\\u0f3e-\\u0f3f\\u0f71-\\u0f84\\u0f86-\\u0f87\\u0f8d-\\u0f97\\u0f99-\\u0fbc\\u0fc6\\u102b-\\u103e\\u1056-\\u1059\\u105e-\\u1060\\u1062-\\u1064\\u1067-\\u106d\\u1071-\\u1074\\u1082-\\u108d\\u108f\\u109a-\\u109d\\u115f-\\u1160\\u135d-\\u135f\\u1712-\\u1715\\u1732-\\u1734\\u1752-\\u1753\\u1772-\\u1773\\u17b4-\\u17d3\\u17dd\\u180b-\\u180f\\u1885-\\u1886\\u18a9\\u1920-\\u192b\\u1930-\\u193b\\u1a17-\\u1a1b\\u1a55-\\u1a5e\\u1a60-\\u1a7c\\u1a7f\\u1ab0-\\u1af0\\u1b00-\\u1b04\\u1b34-\\u1b44\\u1b6b-\\u1b73\\u1b80-\\u1b82\\u1ba1-\\u1bad\\u1be6-\\u1bf3\\u1c24-\\u1c37\\u1cd0-\\u1cd2\\u1cd4-\\u1ce8\\u1ced\\u1cf4\\u1cf7-\\u1cf9\\u1dc0-\\u1dff\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u206f\\u20d0-\\u20f0\\u2800\\u2cef-\\u2cf1\\u2d7f\\u2de0-\\u2dff\\u302a-\\u302f\\u3099-\\u309a\\u3164\\ua66f-\\ua672\\ua674-\\ua67d\\ua69e-\\ua69f\\ua6f0-\\ua6f1\\ua802\\ua806\\ua80b\\ua823-\\ua827\\ua82c\\ua880-\\ua881\\ua8b4-\\ua8c5\\ua8e0-\\ua8f1\\ua8ff\\ua926-\\ua92d\\ua947-\\ua953\\ua980-\\ua983\\ua9b3-\\ua9c0\\ua9e5\\uaa29-\\uaa36\\uaa43\\uaa4c-\\uaa4d\\uaa7b-\\uaa7d\\uaab0\\uaab2-\\uaab4\\uaab7-\\uaab8\\uaabe-\\uaabf\\uaac1\\uaaeb-\\uaaef\\uaaf5-\\uaaf6\\uabe3-\\uabea\\uabec-\\uabed\\ufb1e\\ufe00-\\ufe0f\\ufe20-\\ufe2f\\ufeff\\uff9e-\\uffa0\\ufff0-\\ufff8\\U000101fd\\U000102e0\\U00010376-\\U0001037a\\U00010a01-\\U00010a03\\U00010a05-\\U00010a06\\U00010a0c-\\U00010a0f\\U00010a38-\\U00010a3a\\U00010a3f\\U00010ae5-\\U00010ae6\\U00010d24-\\U00010d27\\U00010d69-\\U00010d6d\\U00010eab-\\U00010eac\\U00010ecb-\\U00010ecf\\U00010ef0-\\U00010eff\\U00010f46-\\U00010f50\\U00010f82-\\U00010f85\\U00011000-\\U00011002\\U00011038-\\U00011046\\U00011070\\U00011073-\\U00011074\\U0001107f-\\U00011082\\U000110b0-\\U000110ba\\U000110c2\\U00011100-\\U00011102\\U00011127-\\U00011134\\U00011145-\\U00011146\\U00011173\\U00011180-\\U00011182\\U000111b3-\\U000111c0\\U000111c9-\\U000111cc\\U000111ce-\\U000111cf\\U0001122c-\\U00011237\\U0001123e\\U00011241\\U000112df-\\U000112ea\\U00011300-\\U00011303\\U0001133b-\\U0001133c\\U0001133e-\\U00011344\\U00011347-\\U00011348\\U0001134b-\\U0001134d\\U00011357\\U00011362-\\U00011363\\U00011366-\\U0001136c\\U00011370-\\U00011374\\U000113b8-\\U000113c0\\U000113c2\\U000113c5\\U000113c7-\\U000113ca\\U000113cc-\\U000113d0\\U000113d2\\U000113e1-\\U000113e2\\U00011435-\\U00011446\\U0001145e\\U000114b0-\\U000114c3\\U000115af-\\U000115b5\\U000115b8-\\U000115c0\\U000115dc-\\U000115dd\\U00011630-\\U00011640\\U000116ab-\\U000116b7\\U0001171d-\\U0001172b\\U0001182c-\\U0001183a\\U00011930-\\U00011935\\U00011937-\\U00011938\\U0001193b-\\U0001193e\\U00011940\\U00011942-\\U00011943\\U000119d1-\\U000119d7\\U000119da-\\U000119e0\\U000119e4\\U00011a01-\\U00011a0a\\U00011a33-\\U00011a39\\U00011a3b-\\U00011a3e\\U00011a47\\U00011a51-\\U00011a5b\\U00011a8a-\\U00011a99\\U00011b60-\\U00011b67\\U00011c2f-\\U00011c36\\U00011c38-\\U00011c3f\\U00011c92-\\U00011ca7\\U00011ca9-\\U00011cb6\\U00011d31-\\U00011d36\\U00011d3a\\U00011d3c-\\U00011d3d\\U00011d3f-\\U00011d45\\U00011d47\\U00011d8a-\\U00011d8e\\U00011d90-\\U00011d91\\U00011d93-\\U00011d97\\U00011df0\\U00011ef3-\\U00011ef6\\U00011f00-\\U00011f01\\U00011f03\\U00011f34-\\U00011f3a\\U00011f3e-\\U00011f42\\U00011f5a\\U00013440\\U00013447-\\U00013455\\U0001611e-\\U0001612f\\U00016af0-\\U00016af4\\U00016b30-\\U00016b36\\U00016f4f\\U00016f51-\\U00016f87\\U00016f8f-\\U00016f92\\U00016fe4\\U00016ff0-\\U00016ff1\\U0001bc9d-\\U0001bc9e\\U0001bca0-\\U0001bca3\\U0001cf00-\\U0001cf2d\\U0001cf30-\\U0001cf46\\U0001d127-\\U0001d128\\U0001d165-\\U0001d169\\U0001d16d-\\U0001d182\\U0001d185-\\U0001d18b\\U0001d1aa-\\U0001d1ad\\U0001d242-\\U0001d244\\U0001d250-\\U0001d252\\U0001d25b-\\U0001d25c\\U0001d25f\\U0001d280-\\U0001d281\\U0001da00-\\U0001da36\\U0001da3b-\\U0001da6c\\U0001da75\\U0001da84\\U0001da9b-\\U0001da9f\\U0001daa1-\\U0001daaf\\U0001e000-\\U0001e006\\U0001e008-\\U0001e018\\U0001e01b-\\U0001e021\\U0001e023-\\U0001e024\\U0001e026-\\U0001e02a\\U0001e08f\\U0001e130-\\U0001e136\\U0001e2ae\\U0001e2ec-\\U0001e2ef\\U0001e4ec-\\U0001e4ef\\U0001e5ee-\\U0001e5ef\\U0001e6e3\\U0001e6e6\\U0001e6ee-\\U0001e6ef\\U0001e6f5\\U0001e8d0-\\U0001e8d6\\U0001e944-\\U0001e94a\\U000e0000-\\U000e0fff]+' collate "C", '', 'g');
        select string_agg(
            coalesce(
                case when c.letter collate "C" between e'\uac00' and e'\ud7a3' then normalize(c.letter, nfd) end,
                '{
"A":"a","B":"b","C":"c","D":"d","E":"e","F":"f","G":"g","H":"h","I":"i","J":"j","K":"k","L":"l","M":"m","N":"n","O":"o",
"P":"p","Q":"q","R":"r","S":"s","T":"t","U":"u","V":"v","W":"w","X":"x","Y":"y","Z":"z","ª":"a","²":"2","³":"3","µ":"μ",
"¹":"1","º":"o","¼":"1 4","½":"1 2","¾":"3 4","À":"a","Á":"a","Â":"a","Ã":"a","Ä":"a","Å":"a","Æ":"æ","Ç":"c","È":"e",
"É":"e","Ê":"e","Ë":"e","Ì":"i","Í":"i","Î":"i","Ï":"i","Ð":"ð","Ñ":"n","Ò":"o","Ó":"o","Ô":"o","Õ":"o","Ö":"o","Ø":"ø",
"Ù":"u","Ú":"u","Û":"u","Ü":"u","Ý":"y","Þ":"þ","ß":"ss","à":"a","á":"a","â":"a","ã":"a","ä":"a","å":"a","ç":"c",
"è":"e","é":"e","ê":"e","ë":"e","ì":"i","í":"i","î":"i","ï":"i","ñ":"n","ò":"o","ó":"o","ô":"o","õ":"o","ö":"o","ù":"u",
"ú":"u","û":"u","ü":"u","ý":"y","ÿ":"y","Ā":"a","ā":"a","Ă":"a","ă":"a","Ą":"a","ą":"a","Ć":"c","ć":"c","Ĉ":"c","ĉ":"c",
"Ċ":"c","ċ":"c","Č":"c","č":"c","Ď":"d","ď":"d","Đ":"đ","Ē":"e","ē":"e","Ĕ":"e","ĕ":"e","Ė":"e","ė":"e","Ę":"e","ę":"e",
"Ě":"e","ě":"e","Ĝ":"g","ĝ":"g","Ğ":"g","ğ":"g","Ġ":"g","ġ":"g","Ģ":"g","ģ":"g","Ĥ":"h","ĥ":"h","Ħ":"ħ","Ĩ":"i","ĩ":"i",
"Ī":"i","ī":"i","Ĭ":"i","ĭ":"i","Į":"i","į":"i","İ":"i","ı":"i","Ĳ":"ij","ĳ":"ij","Ĵ":"j","ĵ":"j","Ķ":"k","ķ":"k",
"Ĺ":"l","ĺ":"l","Ļ":"l","ļ":"l","Ľ":"l","ľ":"l","Ŀ":"l ","ŀ":"l ","Ł":"ł","Ń":"n","ń":"n","Ņ":"n","ņ":"n","Ň":"n",
"ň":"n","ŉ":"ʼn","Ŋ":"ŋ","Ō":"o","ō":"o","Ŏ":"o","ŏ":"o","Ő":"o","ő":"o","Œ":"œ","Ŕ":"r","ŕ":"r","Ŗ":"r","ŗ":"r",
"Ř":"r","ř":"r","Ś":"s","ś":"s","Ŝ":"s","ŝ":"s","Ş":"s","ş":"s","Š":"s","š":"s","Ţ":"t","ţ":"t","Ť":"t","ť":"t","Ŧ":"ŧ",
"Ũ":"u","ũ":"u","Ū":"u","ū":"u","Ŭ":"u","ŭ":"u","Ů":"u","ů":"u","Ű":"u","ű":"u","Ų":"u","ų":"u","Ŵ":"w","ŵ":"w","Ŷ":"y",
"ŷ":"y","Ÿ":"y","Ź":"z","ź":"z","Ż":"z","ż":"z","Ž":"z","ž":"z","ſ":"s","Ɓ":"ɓ","Ƃ":"ƃ","Ƅ":"ƅ","Ɔ":"ɔ","Ƈ":"ƈ","Ɖ":"ɖ",
"Ɗ":"ɗ","Ƌ":"ƌ","Ǝ":"ǝ","Ə":"ə","Ɛ":"ɛ","Ƒ":"ƒ","Ɠ":"ɠ","Ɣ":"ɣ","Ɩ":"ɩ","Ɨ":"ɨ","Ƙ":"ƙ","Ɯ":"ɯ","Ɲ":"ɲ","Ɵ":"ɵ","Ơ":"o",
"ơ":"o","Ƣ":"ƣ","Ƥ":"ƥ","Ʀ":"ʀ","Ƨ":"ƨ","Ʃ":"ʃ","Ƭ":"ƭ","Ʈ":"ʈ","Ư":"u","ư":"u","Ʊ":"ʊ","Ʋ":"ʋ","Ƴ":"ƴ","Ƶ":"ƶ","Ʒ":"ʒ",
"Ƹ":"ƹ","Ƽ":"ƽ","Ǆ":"dz","ǅ":"dz","ǆ":"dz","Ǉ":"lj","ǈ":"lj","ǉ":"lj","Ǌ":"nj","ǋ":"nj","ǌ":"nj","Ǎ":"a","ǎ":"a",
"Ǐ":"i","ǐ":"i","Ǒ":"o","ǒ":"o","Ǔ":"u","ǔ":"u","Ǖ":"u","ǖ":"u","Ǘ":"u","ǘ":"u","Ǚ":"u","ǚ":"u","Ǜ":"u","ǜ":"u","Ǟ":"a",
"ǟ":"a","Ǡ":"a","ǡ":"a","Ǣ":"æ","ǣ":"æ","Ǥ":"ǥ","Ǧ":"g","ǧ":"g","Ǩ":"k","ǩ":"k","Ǫ":"o","ǫ":"o","Ǭ":"o","ǭ":"o","Ǯ":"ʒ",
"ǯ":"ʒ","ǰ":"j","Ǳ":"dz","ǲ":"dz","ǳ":"dz","Ǵ":"g","ǵ":"g","Ƕ":"ƕ","Ƿ":"ƿ","Ǹ":"n","ǹ":"n","Ǻ":"a","ǻ":"a","Ǽ":"æ",
"ǽ":"æ","Ǿ":"ø","ǿ":"ø","Ȁ":"a","ȁ":"a","Ȃ":"a","ȃ":"a","Ȅ":"e","ȅ":"e","Ȇ":"e","ȇ":"e","Ȉ":"i","ȉ":"i","Ȋ":"i","ȋ":"i",
"Ȍ":"o","ȍ":"o","Ȏ":"o","ȏ":"o","Ȑ":"r","ȑ":"r","Ȓ":"r","ȓ":"r","Ȕ":"u","ȕ":"u","Ȗ":"u","ȗ":"u","Ș":"s","ș":"s","Ț":"t",
"ț":"t","Ȝ":"ȝ","Ȟ":"h","ȟ":"h","Ƞ":"ƞ","Ȣ":"ȣ","Ȥ":"ȥ","Ȧ":"a","ȧ":"a","Ȩ":"e","ȩ":"e","Ȫ":"o","ȫ":"o","Ȭ":"o","ȭ":"o",
"Ȯ":"o","ȯ":"o","Ȱ":"o","ȱ":"o","Ȳ":"y","ȳ":"y","Ⱥ":"ⱥ","Ȼ":"ȼ","Ƚ":"ƚ","Ⱦ":"ⱦ","Ɂ":"ɂ","Ƀ":"ƀ","Ʉ":"ʉ","Ʌ":"ʌ","Ɇ":"ɇ",
"Ɉ":"ɉ","Ɋ":"ɋ","Ɍ":"ɍ","Ɏ":"ɏ","ʰ":"h","ʱ":"ɦ","ʲ":"j","ʳ":"r","ʴ":"ɹ","ʵ":"ɻ","ʶ":"ʁ","ʷ":"w","ʸ":"y","ˠ":"ɣ","ˡ":"l",
"ˢ":"s","ˣ":"x","ˤ":"ʕ","Ͱ":"ͱ","Ͳ":"ͳ","ʹ":"ʹ","Ͷ":"ͷ","Ϳ":"ϳ","Ά":"α","Έ":"ε","Ή":"η","Ί":"ι","Ό":"ο","Ύ":"υ","Ώ":"ω",
"ΐ":"ι","Α":"α","Β":"β","Γ":"γ","Δ":"δ","Ε":"ε","Ζ":"ζ","Η":"η","Θ":"θ","Ι":"ι","Κ":"κ","Λ":"λ","Μ":"μ","Ν":"ν","Ξ":"ξ",
"Ο":"ο","Π":"π","Ρ":"ρ","Σ":"σ","Τ":"τ","Υ":"υ","Φ":"φ","Χ":"χ","Ψ":"ψ","Ω":"ω","Ϊ":"ι","Ϋ":"υ","ά":"α","έ":"ε","ή":"η",
"ί":"ι","ΰ":"υ","ς":"σ","ϊ":"ι","ϋ":"υ","ό":"ο","ύ":"υ","ώ":"ω","Ϗ":"ϗ","ϐ":"β","ϑ":"θ","ϒ":"υ","ϓ":"υ","ϔ":"υ","ϕ":"φ",
"ϖ":"π","Ϙ":"ϙ","Ϛ":"ϛ","Ϝ":"ϝ","Ϟ":"ϟ","Ϡ":"ϡ","Ϣ":"ϣ","Ϥ":"ϥ","Ϧ":"ϧ","Ϩ":"ϩ","Ϫ":"ϫ","Ϭ":"ϭ","Ϯ":"ϯ","ϰ":"κ","ϱ":"ρ",
"ϲ":"σ","ϴ":"θ","ϵ":"ε","Ϸ":"ϸ","Ϲ":"σ","Ϻ":"ϻ","Ͻ":"ͻ","Ͼ":"ͼ","Ͽ":"ͽ","Ѐ":"е","Ё":"е","Ђ":"ђ","Ѓ":"г","Є":"є","Ѕ":"ѕ",
"І":"і","Ї":"і","Ј":"ј","Љ":"љ","Њ":"њ","Ћ":"ћ","Ќ":"к","Ѝ":"и","Ў":"у","Џ":"џ","А":"а","Б":"б","В":"в","Г":"г","Д":"д",
"Е":"е","Ж":"ж","З":"з","И":"и","Й":"и","К":"к","Л":"л","М":"м","Н":"н","О":"о","П":"п","Р":"р","С":"с","Т":"т","У":"у",
"Ф":"ф","Х":"х","Ц":"ц","Ч":"ч","Ш":"ш","Щ":"щ","Ъ":"ъ","Ы":"ы","Ь":"ь","Э":"э","Ю":"ю","Я":"я","й":"и","ѐ":"е","ё":"е",
"ѓ":"г","ї":"і","ќ":"к","ѝ":"и","ў":"у","Ѡ":"ѡ","Ѣ":"ѣ","Ѥ":"ѥ","Ѧ":"ѧ","Ѩ":"ѩ","Ѫ":"ѫ","Ѭ":"ѭ","Ѯ":"ѯ","Ѱ":"ѱ","Ѳ":"ѳ",
"Ѵ":"ѵ","Ѷ":"ѵ","ѷ":"ѵ","Ѹ":"ѹ","Ѻ":"ѻ","Ѽ":"ѽ","Ѿ":"ѿ","Ҁ":"ҁ","Ҋ":"ҋ","Ҍ":"ҍ","Ҏ":"ҏ","Ґ":"ґ","Ғ":"ғ","Ҕ":"ҕ","Җ":"җ",
"Ҙ":"ҙ","Қ":"қ","Ҝ":"ҝ","Ҟ":"ҟ","Ҡ":"ҡ","Ң":"ң","Ҥ":"ҥ","Ҧ":"ҧ","Ҩ":"ҩ","Ҫ":"ҫ","Ҭ":"ҭ","Ү":"ү","Ұ":"ұ","Ҳ":"ҳ","Ҵ":"ҵ",
"Ҷ":"ҷ","Ҹ":"ҹ","Һ":"һ","Ҽ":"ҽ","Ҿ":"ҿ","Ӏ":"ӏ","Ӂ":"ж","ӂ":"ж","Ӄ":"ӄ","Ӆ":"ӆ","Ӈ":"ӈ","Ӊ":"ӊ","Ӌ":"ӌ","Ӎ":"ӎ","Ӑ":"а",
"ӑ":"а","Ӓ":"а","ӓ":"а","Ӕ":"ӕ","Ӗ":"е","ӗ":"е","Ә":"ә","Ӛ":"ә","ӛ":"ә","Ӝ":"ж","ӝ":"ж","Ӟ":"з","ӟ":"з","Ӡ":"ӡ","Ӣ":"и",
"ӣ":"и","Ӥ":"и","ӥ":"и","Ӧ":"о","ӧ":"о","Ө":"ө","Ӫ":"ө","ӫ":"ө","Ӭ":"э","ӭ":"э","Ӯ":"у","ӯ":"у","Ӱ":"у","ӱ":"у","Ӳ":"у",
"ӳ":"у","Ӵ":"ч","ӵ":"ч","Ӷ":"ӷ","Ӹ":"ы","ӹ":"ы","Ӻ":"ӻ","Ӽ":"ӽ","Ӿ":"ӿ","Ԁ":"ԁ","Ԃ":"ԃ","Ԅ":"ԅ","Ԇ":"ԇ","Ԉ":"ԉ","Ԋ":"ԋ",
"Ԍ":"ԍ","Ԏ":"ԏ","Ԑ":"ԑ","Ԓ":"ԓ","Ԕ":"ԕ","Ԗ":"ԗ","Ԙ":"ԙ","Ԛ":"ԛ","Ԝ":"ԝ","Ԟ":"ԟ","Ԡ":"ԡ","Ԣ":"ԣ","Ԥ":"ԥ","Ԧ":"ԧ","Ԩ":"ԩ",
"Ԫ":"ԫ","Ԭ":"ԭ","Ԯ":"ԯ","Ա":"ա","Բ":"բ","Գ":"գ","Դ":"դ","Ե":"ե","Զ":"զ","Է":"է","Ը":"ը","Թ":"թ","Ժ":"ժ","Ի":"ի","Լ":"լ",
"Խ":"խ","Ծ":"ծ","Կ":"կ","Հ":"հ","Ձ":"ձ","Ղ":"ղ","Ճ":"ճ","Մ":"մ","Յ":"յ","Ն":"ն","Շ":"շ","Ո":"ո","Չ":"չ","Պ":"պ","Ջ":"ջ",
"Ռ":"ռ","Ս":"ս","Վ":"վ","Տ":"տ","Ր":"ր","Ց":"ց","Ւ":"ւ","Փ":"փ","Ք":"ք","Օ":"օ","Ֆ":"ֆ","՘":"է","և":"եւ","֋":"ի",
"֌":"յ","آ":"ا","أ":"ا","ؤ":"و","إ":"ا","ئ":"ي","ٵ":"اٴ","ٶ":"وٴ","ٷ":"ۇٴ","ٸ":"يٴ","ۀ":"ە","ۂ":"ہ","ۓ":"ے","ऩ":"न",
"ऱ":"र","ऴ":"ळ","क़":"क","ख़":"ख","ग़":"ग","ज़":"ज","ड़":"ड","ढ़":"ढ","फ़":"फ","य़":"य","ড়":"ড","ঢ়":"ঢ","য়":"য","ਲ਼":"ਲ","ਸ਼":"ਸ",
"ਖ਼":"ਖ","ਗ਼":"ਗ","ਜ਼":"ਜ","ਫ਼":"ਫ","ଡ଼":"ଡ","ଢ଼":"ଢ","ஔ":"ஒ","ำ":"า","ຳ":"າ","ໜ":"ຫນ","ໝ":"ຫມ","གྷ":"ག","ཌྷ":"ཌ","དྷ":"ད",
"བྷ":"བ","ཛྷ":"ཛ","ཀྵ":"ཀ","ဦ":"ဥ","Ⴀ":"ⴀ","Ⴁ":"ⴁ","Ⴂ":"ⴂ","Ⴃ":"ⴃ","Ⴄ":"ⴄ","Ⴅ":"ⴅ","Ⴆ":"ⴆ","Ⴇ":"ⴇ","Ⴈ":"ⴈ","Ⴉ":"ⴉ","Ⴊ":"ⴊ",
"Ⴋ":"ⴋ","Ⴌ":"ⴌ","Ⴍ":"ⴍ","Ⴎ":"ⴎ","Ⴏ":"ⴏ","Ⴐ":"ⴐ","Ⴑ":"ⴑ","Ⴒ":"ⴒ","Ⴓ":"ⴓ","Ⴔ":"ⴔ","Ⴕ":"ⴕ","Ⴖ":"ⴖ","Ⴗ":"ⴗ","Ⴘ":"ⴘ","Ⴙ":"ⴙ",
"Ⴚ":"ⴚ","Ⴛ":"ⴛ","Ⴜ":"ⴜ","Ⴝ":"ⴝ","Ⴞ":"ⴞ","Ⴟ":"ⴟ","Ⴠ":"ⴠ","Ⴡ":"ⴡ","Ⴢ":"ⴢ","Ⴣ":"ⴣ","Ⴤ":"ⴤ","Ⴥ":"ⴥ","Ⴧ":"ⴧ","Ⴭ":"ⴭ","ჼ":"ნ",
"Ꭰ":"ꭰ","Ꭱ":"ꭱ","Ꭲ":"ꭲ","Ꭳ":"ꭳ","Ꭴ":"ꭴ","Ꭵ":"ꭵ","Ꭶ":"ꭶ","Ꭷ":"ꭷ","Ꭸ":"ꭸ","Ꭹ":"ꭹ","Ꭺ":"ꭺ","Ꭻ":"ꭻ","Ꭼ":"ꭼ","Ꭽ":"ꭽ","Ꭾ":"ꭾ",
"Ꭿ":"ꭿ","Ꮀ":"ꮀ","Ꮁ":"ꮁ","Ꮂ":"ꮂ","Ꮃ":"ꮃ","Ꮄ":"ꮄ","Ꮅ":"ꮅ","Ꮆ":"ꮆ","Ꮇ":"ꮇ","Ꮈ":"ꮈ","Ꮉ":"ꮉ","Ꮊ":"ꮊ","Ꮋ":"ꮋ","Ꮌ":"ꮌ","Ꮍ":"ꮍ",
"Ꮎ":"ꮎ","Ꮏ":"ꮏ","Ꮐ":"ꮐ","Ꮑ":"ꮑ","Ꮒ":"ꮒ","Ꮓ":"ꮓ","Ꮔ":"ꮔ","Ꮕ":"ꮕ","Ꮖ":"ꮖ","Ꮗ":"ꮗ","Ꮘ":"ꮘ","Ꮙ":"ꮙ","Ꮚ":"ꮚ","Ꮛ":"ꮛ","Ꮜ":"ꮜ",
"Ꮝ":"ꮝ","Ꮞ":"ꮞ","Ꮟ":"ꮟ","Ꮠ":"ꮠ","Ꮡ":"ꮡ","Ꮢ":"ꮢ","Ꮣ":"ꮣ","Ꮤ":"ꮤ","Ꮥ":"ꮥ","Ꮦ":"ꮦ","Ꮧ":"ꮧ","Ꮨ":"ꮨ","Ꮩ":"ꮩ","Ꮪ":"ꮪ","Ꮫ":"ꮫ",
"Ꮬ":"ꮬ","Ꮭ":"ꮭ","Ꮮ":"ꮮ","Ꮯ":"ꮯ","Ꮰ":"ꮰ","Ꮱ":"ꮱ","Ꮲ":"ꮲ","Ꮳ":"ꮳ","Ꮴ":"ꮴ","Ꮵ":"ꮵ","Ꮶ":"ꮶ","Ꮷ":"ꮷ","Ꮸ":"ꮸ","Ꮹ":"ꮹ","Ꮺ":"ꮺ",
"Ꮻ":"ꮻ","Ꮼ":"ꮼ","Ꮽ":"ꮽ","Ꮾ":"ꮾ","Ꮿ":"ꮿ","Ᏸ":"ᏸ","Ᏹ":"ᏹ","Ᏺ":"ᏺ","Ᏻ":"ᏻ","Ᏼ":"ᏼ","Ᏽ":"ᏽ","ᬆ":"ᬅ","ᬈ":"ᬇ","ᬊ":"ᬉ","ᬌ":"ᬋ",
"ᬎ":"ᬍ","ᬒ":"ᬑ","ᲀ":"в","ᲁ":"д","ᲂ":"о","ᲃ":"с","ᲄ":"т","ᲅ":"т","ᲆ":"ъ","ᲇ":"ѣ","ᲈ":"ꙋ","Ᲊ":"ᲊ","Ა":"ა","Ბ":"ბ","Გ":"გ",
"Დ":"დ","Ე":"ე","Ვ":"ვ","Ზ":"ზ","Თ":"თ","Ი":"ი","Კ":"კ","Ლ":"ლ","Მ":"მ","Ნ":"ნ","Ო":"ო","Პ":"პ","Ჟ":"ჟ","Რ":"რ","Ს":"ს",
"Ტ":"ტ","Უ":"უ","Ფ":"ფ","Ქ":"ქ","Ღ":"ღ","Ყ":"ყ","Შ":"შ","Ჩ":"ჩ","Ც":"ც","Ძ":"ძ","Წ":"წ","Ჭ":"ჭ","Ხ":"ხ","Ჯ":"ჯ","Ჰ":"ჰ",
"Ჱ":"ჱ","Ჲ":"ჲ","Ჳ":"ჳ","Ჴ":"ჴ","Ჵ":"ჵ","Ჶ":"ჶ","Ჷ":"ჷ","Ჸ":"ჸ","Ჹ":"ჹ","Ჺ":"ჺ","Ჽ":"ჽ","Ჾ":"ჾ","Ჿ":"ჿ","ᴬ":"a","ᴭ":"æ",
"ᴮ":"b","ᴰ":"d","ᴱ":"e","ᴲ":"ǝ","ᴳ":"g","ᴴ":"h","ᴵ":"i","ᴶ":"j","ᴷ":"k","ᴸ":"l","ᴹ":"m","ᴺ":"n","ᴼ":"o","ᴽ":"ȣ","ᴾ":"p",
"ᴿ":"r","ᵀ":"t","ᵁ":"u","ᵂ":"w","ᵃ":"a","ᵄ":"ɐ","ᵅ":"ɑ","ᵆ":"ᴂ","ᵇ":"b","ᵈ":"d","ᵉ":"e","ᵊ":"ə","ᵋ":"ɛ","ᵌ":"ɜ","ᵍ":"g",
"ᵏ":"k","ᵐ":"m","ᵑ":"ŋ","ᵒ":"o","ᵓ":"ɔ","ᵔ":"ᴖ","ᵕ":"ᴗ","ᵖ":"p","ᵗ":"t","ᵘ":"u","ᵙ":"ᴝ","ᵚ":"ɯ","ᵛ":"v","ᵜ":"ᴥ","ᵝ":"β",
"ᵞ":"γ","ᵟ":"δ","ᵠ":"φ","ᵡ":"χ","ᵢ":"i","ᵣ":"r","ᵤ":"u","ᵥ":"v","ᵦ":"β","ᵧ":"γ","ᵨ":"ρ","ᵩ":"φ","ᵪ":"χ","ᵸ":"н","ᶛ":"ɒ",
"ᶜ":"c","ᶝ":"ɕ","ᶞ":"ð","ᶟ":"ɜ","ᶠ":"f","ᶡ":"ɟ","ᶢ":"ɡ","ᶣ":"ɥ","ᶤ":"ɨ","ᶥ":"ɩ","ᶦ":"ɪ","ᶧ":"ᵻ","ᶨ":"ʝ","ᶩ":"ɭ","ᶪ":"ᶅ",
"ᶫ":"ʟ","ᶬ":"ɱ","ᶭ":"ɰ","ᶮ":"ɲ","ᶯ":"ɳ","ᶰ":"ɴ","ᶱ":"ɵ","ᶲ":"ɸ","ᶳ":"ʂ","ᶴ":"ʃ","ᶵ":"ƫ","ᶶ":"ʉ","ᶷ":"ʊ","ᶸ":"ᴜ","ᶹ":"ʋ",
"ᶺ":"ʌ","ᶻ":"z","ᶼ":"ʐ","ᶽ":"ʑ","ᶾ":"ʒ","ᶿ":"θ","Ḁ":"a","ḁ":"a","Ḃ":"b","ḃ":"b","Ḅ":"b","ḅ":"b","Ḇ":"b","ḇ":"b","Ḉ":"c",
"ḉ":"c","Ḋ":"d","ḋ":"d","Ḍ":"d","ḍ":"d","Ḏ":"d","ḏ":"d","Ḑ":"d","ḑ":"d","Ḓ":"d","ḓ":"d","Ḕ":"e","ḕ":"e","Ḗ":"e","ḗ":"e",
"Ḙ":"e","ḙ":"e","Ḛ":"e","ḛ":"e","Ḝ":"e","ḝ":"e","Ḟ":"f","ḟ":"f","Ḡ":"g","ḡ":"g","Ḣ":"h","ḣ":"h","Ḥ":"h","ḥ":"h","Ḧ":"h",
"ḧ":"h","Ḩ":"h","ḩ":"h","Ḫ":"h","ḫ":"h","Ḭ":"i","ḭ":"i","Ḯ":"i","ḯ":"i","Ḱ":"k","ḱ":"k","Ḳ":"k","ḳ":"k","Ḵ":"k","ḵ":"k",
"Ḷ":"l","ḷ":"l","Ḹ":"l","ḹ":"l","Ḻ":"l","ḻ":"l","Ḽ":"l","ḽ":"l","Ḿ":"m","ḿ":"m","Ṁ":"m","ṁ":"m","Ṃ":"m","ṃ":"m","Ṅ":"n",
"ṅ":"n","Ṇ":"n","ṇ":"n","Ṉ":"n","ṉ":"n","Ṋ":"n","ṋ":"n","Ṍ":"o","ṍ":"o","Ṏ":"o","ṏ":"o","Ṑ":"o","ṑ":"o","Ṓ":"o","ṓ":"o",
"Ṕ":"p","ṕ":"p","Ṗ":"p","ṗ":"p","Ṙ":"r","ṙ":"r","Ṛ":"r","ṛ":"r","Ṝ":"r","ṝ":"r","Ṟ":"r","ṟ":"r","Ṡ":"s","ṡ":"s","Ṣ":"s",
"ṣ":"s","Ṥ":"s","ṥ":"s","Ṧ":"s","ṧ":"s","Ṩ":"s","ṩ":"s","Ṫ":"t","ṫ":"t","Ṭ":"t","ṭ":"t","Ṯ":"t","ṯ":"t","Ṱ":"t","ṱ":"t",
"Ṳ":"u","ṳ":"u","Ṵ":"u","ṵ":"u","Ṷ":"u","ṷ":"u","Ṹ":"u","ṹ":"u","Ṻ":"u","ṻ":"u","Ṽ":"v","ṽ":"v","Ṿ":"v","ṿ":"v","Ẁ":"w",
"ẁ":"w","Ẃ":"w","ẃ":"w","Ẅ":"w","ẅ":"w","Ẇ":"w","ẇ":"w","Ẉ":"w","ẉ":"w","Ẋ":"x","ẋ":"x","Ẍ":"x","ẍ":"x","Ẏ":"y","ẏ":"y",
"Ẑ":"z","ẑ":"z","Ẓ":"z","ẓ":"z","Ẕ":"z","ẕ":"z","ẖ":"h","ẗ":"t","ẘ":"w","ẙ":"y","ẚ":"aʾ","ẛ":"s","ẞ":"ß","Ạ":"a",
"ạ":"a","Ả":"a","ả":"a","Ấ":"a","ấ":"a","Ầ":"a","ầ":"a","Ẩ":"a","ẩ":"a","Ẫ":"a","ẫ":"a","Ậ":"a","ậ":"a","Ắ":"a","ắ":"a",
"Ằ":"a","ằ":"a","Ẳ":"a","ẳ":"a","Ẵ":"a","ẵ":"a","Ặ":"a","ặ":"a","Ẹ":"e","ẹ":"e","Ẻ":"e","ẻ":"e","Ẽ":"e","ẽ":"e","Ế":"e",
"ế":"e","Ề":"e","ề":"e","Ể":"e","ể":"e","Ễ":"e","ễ":"e","Ệ":"e","ệ":"e","Ỉ":"i","ỉ":"i","Ị":"i","ị":"i","Ọ":"o","ọ":"o",
"Ỏ":"o","ỏ":"o","Ố":"o","ố":"o","Ồ":"o","ồ":"o","Ổ":"o","ổ":"o","Ỗ":"o","ỗ":"o","Ộ":"o","ộ":"o","Ớ":"o","ớ":"o","Ờ":"o",
"ờ":"o","Ở":"o","ở":"o","Ỡ":"o","ỡ":"o","Ợ":"o","ợ":"o","Ụ":"u","ụ":"u","Ủ":"u","ủ":"u","Ứ":"u","ứ":"u","Ừ":"u","ừ":"u",
"Ử":"u","ử":"u","Ữ":"u","ữ":"u","Ự":"u","ự":"u","Ỳ":"y","ỳ":"y","Ỵ":"y","ỵ":"y","Ỷ":"y","ỷ":"y","Ỹ":"y","ỹ":"y","Ỻ":"ỻ",
"Ỽ":"ỽ","Ỿ":"ỿ","ἀ":"α","ἁ":"α","ἂ":"α","ἃ":"α","ἄ":"α","ἅ":"α","ἆ":"α","ἇ":"α","Ἀ":"α","Ἁ":"α","Ἂ":"α","Ἃ":"α","Ἄ":"α",
"Ἅ":"α","Ἆ":"α","Ἇ":"α","ἐ":"ε","ἑ":"ε","ἒ":"ε","ἓ":"ε","ἔ":"ε","ἕ":"ε","Ἐ":"ε","Ἑ":"ε","Ἒ":"ε","Ἓ":"ε","Ἔ":"ε","Ἕ":"ε",
"ἠ":"η","ἡ":"η","ἢ":"η","ἣ":"η","ἤ":"η","ἥ":"η","ἦ":"η","ἧ":"η","Ἠ":"η","Ἡ":"η","Ἢ":"η","Ἣ":"η","Ἤ":"η","Ἥ":"η","Ἦ":"η",
"Ἧ":"η","ἰ":"ι","ἱ":"ι","ἲ":"ι","ἳ":"ι","ἴ":"ι","ἵ":"ι","ἶ":"ι","ἷ":"ι","Ἰ":"ι","Ἱ":"ι","Ἲ":"ι","Ἳ":"ι","Ἴ":"ι","Ἵ":"ι",
"Ἶ":"ι","Ἷ":"ι","ὀ":"ο","ὁ":"ο","ὂ":"ο","ὃ":"ο","ὄ":"ο","ὅ":"ο","Ὀ":"ο","Ὁ":"ο","Ὂ":"ο","Ὃ":"ο","Ὄ":"ο","Ὅ":"ο","ὐ":"υ",
"ὑ":"υ","ὒ":"υ","ὓ":"υ","ὔ":"υ","ὕ":"υ","ὖ":"υ","ὗ":"υ","Ὑ":"υ","Ὓ":"υ","Ὕ":"υ","Ὗ":"υ","ὠ":"ω","ὡ":"ω","ὢ":"ω","ὣ":"ω",
"ὤ":"ω","ὥ":"ω","ὦ":"ω","ὧ":"ω","Ὠ":"ω","Ὡ":"ω","Ὢ":"ω","Ὣ":"ω","Ὤ":"ω","Ὥ":"ω","Ὦ":"ω","Ὧ":"ω","ὰ":"α","ά":"α","ὲ":"ε",
"έ":"ε","ὴ":"η","ή":"η","ὶ":"ι","ί":"ι","ὸ":"ο","ό":"ο","ὺ":"υ","ύ":"υ","ὼ":"ω","ώ":"ω","ᾀ":"α","ᾁ":"α","ᾂ":"α","ᾃ":"α",
"ᾄ":"α","ᾅ":"α","ᾆ":"α","ᾇ":"α","ᾈ":"α","ᾉ":"α","ᾊ":"α","ᾋ":"α","ᾌ":"α","ᾍ":"α","ᾎ":"α","ᾏ":"α","ᾐ":"η","ᾑ":"η","ᾒ":"η",
"ᾓ":"η","ᾔ":"η","ᾕ":"η","ᾖ":"η","ᾗ":"η","ᾘ":"η","ᾙ":"η","ᾚ":"η","ᾛ":"η","ᾜ":"η","ᾝ":"η","ᾞ":"η","ᾟ":"η","ᾠ":"ω","ᾡ":"ω",
"ᾢ":"ω","ᾣ":"ω","ᾤ":"ω","ᾥ":"ω","ᾦ":"ω","ᾧ":"ω","ᾨ":"ω","ᾩ":"ω","ᾪ":"ω","ᾫ":"ω","ᾬ":"ω","ᾭ":"ω","ᾮ":"ω","ᾯ":"ω","ᾰ":"α",
"ᾱ":"α","ᾲ":"α","ᾳ":"α","ᾴ":"α","ᾶ":"α","ᾷ":"α","Ᾰ":"α","Ᾱ":"α","Ὰ":"α","Ά":"α","ᾼ":"α","ι":"ι","ῂ":"η","ῃ":"η","ῄ":"η",
"ῆ":"η","ῇ":"η","Ὲ":"ε","Έ":"ε","Ὴ":"η","Ή":"η","ῌ":"η","ῐ":"ι","ῑ":"ι","ῒ":"ι","ΐ":"ι","ῖ":"ι","ῗ":"ι","Ῐ":"ι","Ῑ":"ι",
"Ὶ":"ι","Ί":"ι","ῠ":"υ","ῡ":"υ","ῢ":"υ","ΰ":"υ","ῤ":"ρ","ῥ":"ρ","ῦ":"υ","ῧ":"υ","Ῠ":"υ","Ῡ":"υ","Ὺ":"υ","Ύ":"υ","Ῥ":"ρ",
"ῲ":"ω","ῳ":"ω","ῴ":"ω","ῶ":"ω","ῷ":"ω","Ὸ":"ο","Ό":"ο","Ὼ":"ω","Ώ":"ω","ῼ":"ω","⁰":"0","ⁱ":"i","⁴":"4","⁵":"5","⁶":"6",
"⁷":"7","⁸":"8","⁹":"9","ⁿ":"n","₀":"0","₁":"1","₂":"2","₃":"3","₄":"4","₅":"5","₆":"6","₇":"7","₈":"8","₉":"9","ₐ":"a",
"ₑ":"e","ₒ":"o","ₓ":"x","ₔ":"ə","ₕ":"h","ₖ":"k","ₗ":"l","ₘ":"m","ₙ":"n","ₚ":"p","ₛ":"s","ₜ":"t","₝":"w","₞":"y","₟":"z",
"₨":"rs","℀":"a c","℁":"a s","ℂ":"c","℃":" c","℅":"c o","℆":"c u","ℇ":"ɛ","℉":" f","ℊ":"g","ℋ":"h","ℌ":"h","ℍ":"h",
"ℎ":"h","ℏ":"ħ","ℐ":"i","ℑ":"i","ℒ":"l","ℓ":"l","ℕ":"n","№":"no","ℙ":"p","ℚ":"q","ℛ":"r","ℜ":"r","ℝ":"r","℠":"sm",
"℡":"tel","™":"tm","ℤ":"z","Ω":"ω","ℨ":"z","K":"k","Å":"a","ℬ":"b","ℭ":"c","ℯ":"e","ℰ":"e","ℱ":"f","Ⅎ":"ⅎ","ℳ":"m",
"ℴ":"o","ℵ":"א","ℶ":"ב","ℷ":"ג","ℸ":"ד","ℹ":"i","℻":"fax","ℼ":"π","ℽ":"γ","ℾ":"γ","ℿ":"π","ⅅ":"d","ⅆ":"d","ⅇ":"e",
"ⅈ":"i","ⅉ":"j","⅐":"1 7","⅑":"1 9","⅒":"1 10","⅓":"1 3","⅔":"2 3","⅕":"1 5","⅖":"2 5","⅗":"3 5","⅘":"4 5","⅙":"1 6",
"⅚":"5 6","⅛":"1 8","⅜":"3 8","⅝":"5 8","⅞":"7 8","⅟":"1 ","Ⅰ":"i","Ⅱ":"ii","Ⅲ":"iii","Ⅳ":"iv","Ⅴ":"v","Ⅵ":"vi",
"Ⅶ":"vii","Ⅷ":"viii","Ⅸ":"ix","Ⅹ":"x","Ⅺ":"xi","Ⅻ":"xii","Ⅼ":"l","Ⅽ":"c","Ⅾ":"d","Ⅿ":"m","ⅰ":"i","ⅱ":"ii","ⅲ":"iii",
"ⅳ":"iv","ⅴ":"v","ⅵ":"vi","ⅶ":"vii","ⅷ":"viii","ⅸ":"ix","ⅹ":"x","ⅺ":"xi","ⅻ":"xii","ⅼ":"l","ⅽ":"c","ⅾ":"d","ⅿ":"m",
"Ↄ":"ↄ","↉":"0 3","①":"1","②":"2","③":"3","④":"4","⑤":"5","⑥":"6","⑦":"7","⑧":"8","⑨":"9","⑩":"10","⑪":"11","⑫":"12",
"⑬":"13","⑭":"14","⑮":"15","⑯":"16","⑰":"17","⑱":"18","⑲":"19","⑳":"20","⑴":" 1 ","⑵":" 2 ","⑶":" 3 ","⑷":" 4 ",
"⑸":" 5 ","⑹":" 6 ","⑺":" 7 ","⑻":" 8 ","⑼":" 9 ","⑽":" 10 ","⑾":" 11 ","⑿":" 12 ","⒀":" 13 ","⒁":" 14 ","⒂":" 15 ",
"⒃":" 16 ","⒄":" 17 ","⒅":" 18 ","⒆":" 19 ","⒇":" 20 ","⒈":"1 ","⒉":"2 ","⒊":"3 ","⒋":"4 ","⒌":"5 ","⒍":"6 ","⒎":"7 ",
"⒏":"8 ","⒐":"9 ","⒑":"10 ","⒒":"11 ","⒓":"12 ","⒔":"13 ","⒕":"14 ","⒖":"15 ","⒗":"16 ","⒘":"17 ","⒙":"18 ","⒚":"19 ",
"⒛":"20 ","⒜":" a ","⒝":" b ","⒞":" c ","⒟":" d ","⒠":" e ","⒡":" f ","⒢":" g ","⒣":" h ","⒤":" i ","⒥":" j ","⒦":" k ",
"⒧":" l ","⒨":" m ","⒩":" n ","⒪":" o ","⒫":" p ","⒬":" q ","⒭":" r ","⒮":" s ","⒯":" t ","⒰":" u ","⒱":" v ","⒲":" w ",
"⒳":" x ","⒴":" y ","⒵":" z ","Ⓐ":"a","Ⓑ":"b","Ⓒ":"c","Ⓓ":"d","Ⓔ":"e","Ⓕ":"f","Ⓖ":"g","Ⓗ":"h","Ⓘ":"i","Ⓙ":"j","Ⓚ":"k",
"Ⓛ":"l","Ⓜ":"m","Ⓝ":"n","Ⓞ":"o","Ⓟ":"p","Ⓠ":"q","Ⓡ":"r","Ⓢ":"s","Ⓣ":"t","Ⓤ":"u","Ⓥ":"v","Ⓦ":"w","Ⓧ":"x","Ⓨ":"y","Ⓩ":"z",
"ⓐ":"a","ⓑ":"b","ⓒ":"c","ⓓ":"d","ⓔ":"e","ⓕ":"f","ⓖ":"g","ⓗ":"h","ⓘ":"i","ⓙ":"j","ⓚ":"k","ⓛ":"l","ⓜ":"m","ⓝ":"n","ⓞ":"o",
"ⓟ":"p","ⓠ":"q","ⓡ":"r","ⓢ":"s","ⓣ":"t","ⓤ":"u","ⓥ":"v","ⓦ":"w","ⓧ":"x","ⓨ":"y","ⓩ":"z","⓪":"0","Ⰰ":"ⰰ","Ⰱ":"ⰱ","Ⰲ":"ⰲ",
"Ⰳ":"ⰳ","Ⰴ":"ⰴ","Ⰵ":"ⰵ","Ⰶ":"ⰶ","Ⰷ":"ⰷ","Ⰸ":"ⰸ","Ⰹ":"ⰹ","Ⰺ":"ⰺ","Ⰻ":"ⰻ","Ⰼ":"ⰼ","Ⰽ":"ⰽ","Ⰾ":"ⰾ","Ⰿ":"ⰿ","Ⱀ":"ⱀ","Ⱁ":"ⱁ",
"Ⱂ":"ⱂ","Ⱃ":"ⱃ","Ⱄ":"ⱄ","Ⱅ":"ⱅ","Ⱆ":"ⱆ","Ⱇ":"ⱇ","Ⱈ":"ⱈ","Ⱉ":"ⱉ","Ⱊ":"ⱊ","Ⱋ":"ⱋ","Ⱌ":"ⱌ","Ⱍ":"ⱍ","Ⱎ":"ⱎ","Ⱏ":"ⱏ","Ⱐ":"ⱐ",
"Ⱑ":"ⱑ","Ⱒ":"ⱒ","Ⱓ":"ⱓ","Ⱔ":"ⱔ","Ⱕ":"ⱕ","Ⱖ":"ⱖ","Ⱗ":"ⱗ","Ⱘ":"ⱘ","Ⱙ":"ⱙ","Ⱚ":"ⱚ","Ⱛ":"ⱛ","Ⱜ":"ⱜ","Ⱝ":"ⱝ","Ⱞ":"ⱞ","Ⱟ":"ⱟ",
"Ⱡ":"ⱡ","Ɫ":"ɫ","Ᵽ":"ᵽ","Ɽ":"ɽ","Ⱨ":"ⱨ","Ⱪ":"ⱪ","Ⱬ":"ⱬ","Ɑ":"ɑ","Ɱ":"ɱ","Ɐ":"ɐ","Ɒ":"ɒ","Ⱳ":"ⱳ","Ⱶ":"ⱶ","ⱼ":"j","ⱽ":"v",
"Ȿ":"ȿ","Ɀ":"ɀ","Ⲁ":"ⲁ","Ⲃ":"ⲃ","Ⲅ":"ⲅ","Ⲇ":"ⲇ","Ⲉ":"ⲉ","Ⲋ":"ⲋ","Ⲍ":"ⲍ","Ⲏ":"ⲏ","Ⲑ":"ⲑ","Ⲓ":"ⲓ","Ⲕ":"ⲕ","Ⲗ":"ⲗ","Ⲙ":"ⲙ",
"Ⲛ":"ⲛ","Ⲝ":"ⲝ","Ⲟ":"ⲟ","Ⲡ":"ⲡ","Ⲣ":"ⲣ","Ⲥ":"ⲥ","Ⲧ":"ⲧ","Ⲩ":"ⲩ","Ⲫ":"ⲫ","Ⲭ":"ⲭ","Ⲯ":"ⲯ","Ⲱ":"ⲱ","Ⲳ":"ⲳ","Ⲵ":"ⲵ","Ⲷ":"ⲷ",
"Ⲹ":"ⲹ","Ⲻ":"ⲻ","Ⲽ":"ⲽ","Ⲿ":"ⲿ","Ⳁ":"ⳁ","Ⳃ":"ⳃ","Ⳅ":"ⳅ","Ⳇ":"ⳇ","Ⳉ":"ⳉ","Ⳋ":"ⳋ","Ⳍ":"ⳍ","Ⳏ":"ⳏ","Ⳑ":"ⳑ","Ⳓ":"ⳓ","Ⳕ":"ⳕ",
"Ⳗ":"ⳗ","Ⳙ":"ⳙ","Ⳛ":"ⳛ","Ⳝ":"ⳝ","Ⳟ":"ⳟ","Ⳡ":"ⳡ","Ⳣ":"ⳣ","Ⳬ":"ⳬ","Ⳮ":"ⳮ","Ⳳ":"ⳳ","ⵯ":"ⵡ","⺟":"母","⻳":"龟","⼀":"一","⼁":"丨",
"⼂":"丶","⼃":"丿","⼄":"乙","⼅":"亅","⼆":"二","⼇":"亠","⼈":"人","⼉":"儿","⼊":"入","⼋":"八","⼌":"冂","⼍":"冖","⼎":"冫","⼏":"几","⼐":"凵",
"⼑":"刀","⼒":"力","⼓":"勹","⼔":"匕","⼕":"匚","⼖":"匸","⼗":"十","⼘":"卜","⼙":"卩","⼚":"厂","⼛":"厶","⼜":"又","⼝":"口","⼞":"囗","⼟":"土",
"⼠":"士","⼡":"夂","⼢":"夊","⼣":"夕","⼤":"大","⼥":"女","⼦":"子","⼧":"宀","⼨":"寸","⼩":"小","⼪":"尢","⼫":"尸","⼬":"屮","⼭":"山","⼮":"巛",
"⼯":"工","⼰":"己","⼱":"巾","⼲":"干","⼳":"幺","⼴":"广","⼵":"廴","⼶":"廾","⼷":"弋","⼸":"弓","⼹":"彐","⼺":"彡","⼻":"彳","⼼":"心","⼽":"戈",
"⼾":"戶","⼿":"手","⽀":"支","⽁":"攴","⽂":"文","⽃":"斗","⽄":"斤","⽅":"方","⽆":"无","⽇":"日","⽈":"曰","⽉":"月","⽊":"木","⽋":"欠","⽌":"止",
"⽍":"歹","⽎":"殳","⽏":"毋","⽐":"比","⽑":"毛","⽒":"氏","⽓":"气","⽔":"水","⽕":"火","⽖":"爪","⽗":"父","⽘":"爻","⽙":"爿","⽚":"片","⽛":"牙",
"⽜":"牛","⽝":"犬","⽞":"玄","⽟":"玉","⽠":"瓜","⽡":"瓦","⽢":"甘","⽣":"生","⽤":"用","⽥":"田","⽦":"疋","⽧":"疒","⽨":"癶","⽩":"白","⽪":"皮",
"⽫":"皿","⽬":"目","⽭":"矛","⽮":"矢","⽯":"石","⽰":"示","⽱":"禸","⽲":"禾","⽳":"穴","⽴":"立","⽵":"竹","⽶":"米","⽷":"糸","⽸":"缶","⽹":"网",
"⽺":"羊","⽻":"羽","⽼":"老","⽽":"而","⽾":"耒","⽿":"耳","⾀":"聿","⾁":"肉","⾂":"臣","⾃":"自","⾄":"至","⾅":"臼","⾆":"舌","⾇":"舛","⾈":"舟",
"⾉":"艮","⾊":"色","⾋":"艸","⾌":"虍","⾍":"虫","⾎":"血","⾏":"行","⾐":"衣","⾑":"襾","⾒":"見","⾓":"角","⾔":"言","⾕":"谷","⾖":"豆","⾗":"豕",
"⾘":"豸","⾙":"貝","⾚":"赤","⾛":"走","⾜":"足","⾝":"身","⾞":"車","⾟":"辛","⾠":"辰","⾡":"辵","⾢":"邑","⾣":"酉","⾤":"釆","⾥":"里","⾦":"金",
"⾧":"長","⾨":"門","⾩":"阜","⾪":"隶","⾫":"隹","⾬":"雨","⾭":"靑","⾮":"非","⾯":"面","⾰":"革","⾱":"韋","⾲":"韭","⾳":"音","⾴":"頁","⾵":"風",
"⾶":"飛","⾷":"食","⾸":"首","⾹":"香","⾺":"馬","⾻":"骨","⾼":"高","⾽":"髟","⾾":"鬥","⾿":"鬯","⿀":"鬲","⿁":"鬼","⿂":"魚","⿃":"鳥","⿄":"鹵",
"⿅":"鹿","⿆":"麥","⿇":"麻","⿈":"黃","⿉":"黍","⿊":"黑","⿋":"黹","⿌":"黽","⿍":"鼎","⿎":"鼓","⿏":"鼠","⿐":"鼻","⿑":"齊","⿒":"齒","⿓":"龍",
"⿔":"龜","⿕":"龠","〸":"十","〹":"卄","〺":"卅","が":"か","ぎ":"き","ぐ":"く","げ":"け","ご":"こ","ざ":"さ","じ":"し","ず":"す","ぜ":"せ","ぞ":"そ",
"だ":"た","ぢ":"ち","づ":"つ","で":"て","ど":"と","ば":"は","ぱ":"は","び":"ひ","ぴ":"ひ","ぶ":"ふ","ぷ":"ふ","べ":"へ","ぺ":"へ","ぼ":"ほ","ぽ":"ほ",
"ゔ":"う","ゞ":"ゝ","ゟ":"より","ガ":"カ","ギ":"キ","グ":"ク","ゲ":"ケ","ゴ":"コ","ザ":"サ","ジ":"シ","ズ":"ス","ゼ":"セ","ゾ":"ソ","ダ":"タ",
"ヂ":"チ","ヅ":"ツ","デ":"テ","ド":"ト","バ":"ハ","パ":"ハ","ビ":"ヒ","ピ":"ヒ","ブ":"フ","プ":"フ","ベ":"ヘ","ペ":"ヘ","ボ":"ホ","ポ":"ホ","ヴ":"ウ",
"ヷ":"ワ","ヸ":"ヰ","ヹ":"ヱ","ヺ":"ヲ","ヾ":"ヽ","ヿ":"コト","ㄱ":"ᄀ","ㄲ":"ᄁ","ㄳ":"ᆪ","ㄴ":"ᄂ","ㄵ":"ᆬ","ㄶ":"ᆭ","ㄷ":"ᄃ","ㄸ":"ᄄ",
"ㄹ":"ᄅ","ㄺ":"ᆰ","ㄻ":"ᆱ","ㄼ":"ᆲ","ㄽ":"ᆳ","ㄾ":"ᆴ","ㄿ":"ᆵ","ㅀ":"ᄚ","ㅁ":"ᄆ","ㅂ":"ᄇ","ㅃ":"ᄈ","ㅄ":"ᄡ","ㅅ":"ᄉ","ㅆ":"ᄊ","ㅇ":"ᄋ",
"ㅈ":"ᄌ","ㅉ":"ᄍ","ㅊ":"ᄎ","ㅋ":"ᄏ","ㅌ":"ᄐ","ㅍ":"ᄑ","ㅎ":"ᄒ","ㅏ":"ᅡ","ㅐ":"ᅢ","ㅑ":"ᅣ","ㅒ":"ᅤ","ㅓ":"ᅥ","ㅔ":"ᅦ","ㅕ":"ᅧ","ㅖ":"ᅨ",
"ㅗ":"ᅩ","ㅘ":"ᅪ","ㅙ":"ᅫ","ㅚ":"ᅬ","ㅛ":"ᅭ","ㅜ":"ᅮ","ㅝ":"ᅯ","ㅞ":"ᅰ","ㅟ":"ᅱ","ㅠ":"ᅲ","ㅡ":"ᅳ","ㅢ":"ᅴ","ㅣ":"ᅵ","ㅥ":"ᄔ","ㅦ":"ᄕ",
"ㅧ":"ᇇ","ㅨ":"ᇈ","ㅩ":"ᇌ","ㅪ":"ᇎ","ㅫ":"ᇓ","ㅬ":"ᇗ","ㅭ":"ᇙ","ㅮ":"ᄜ","ㅯ":"ᇝ","ㅰ":"ᇟ","ㅱ":"ᄝ","ㅲ":"ᄞ","ㅳ":"ᄠ","ㅴ":"ᄢ","ㅵ":"ᄣ",
"ㅶ":"ᄧ","ㅷ":"ᄩ","ㅸ":"ᄫ","ㅹ":"ᄬ","ㅺ":"ᄭ","ㅻ":"ᄮ","ㅼ":"ᄯ","ㅽ":"ᄲ","ㅾ":"ᄶ","ㅿ":"ᅀ","ㆀ":"ᅇ","ㆁ":"ᅌ","ㆂ":"ᇱ","ㆃ":"ᇲ","ㆄ":"ᅗ",
"ㆅ":"ᅘ","ㆆ":"ᅙ","ㆇ":"ᆄ","ㆈ":"ᆅ","ㆉ":"ᆈ","ㆊ":"ᆑ","ㆋ":"ᆒ","ㆌ":"ᆔ","ㆍ":"ᆞ","ㆎ":"ᆡ","㆒":"一","㆓":"二","㆔":"三","㆕":"四","㆖":"上",
"㆗":"中","㆘":"下","㆙":"甲","㆚":"乙","㆛":"丙","㆜":"丁","㆝":"天","㆞":"地","㆟":"人","㈀":" ᄀ ","㈁":" ᄂ ","㈂":" ᄃ ","㈃":" ᄅ ",
"㈄":" ᄆ ","㈅":" ᄇ ","㈆":" ᄉ ","㈇":" ᄋ ","㈈":" ᄌ ","㈉":" ᄎ ","㈊":" ᄏ ","㈋":" ᄐ ","㈌":" ᄑ ","㈍":" ᄒ ","㈎":" 가 ",
"㈏":" 나 ","㈐":" 다 ","㈑":" 라 ","㈒":" 마 ","㈓":" 바 ","㈔":" 사 ","㈕":" 아 ","㈖":" 자 ","㈗":" 차 ","㈘":" 카 ",
"㈙":" 타 ","㈚":" 파 ","㈛":" 하 ","㈜":" 주 ","㈝":" 오전 ","㈞":" 오후 ","㈠":" 一 ","㈡":" 二 ","㈢":" 三 ","㈣":" 四 ",
"㈤":" 五 ","㈥":" 六 ","㈦":" 七 ","㈧":" 八 ","㈨":" 九 ","㈩":" 十 ","㈪":" 月 ","㈫":" 火 ","㈬":" 水 ","㈭":" 木 ","㈮":" 金 ","㈯":" 土 ",
"㈰":" 日 ","㈱":" 株 ","㈲":" 有 ","㈳":" 社 ","㈴":" 名 ","㈵":" 特 ","㈶":" 財 ","㈷":" 祝 ","㈸":" 労 ","㈹":" 代 ","㈺":" 呼 ","㈻":" 学 ",
"㈼":" 監 ","㈽":" 企 ","㈾":" 資 ","㈿":" 協 ","㉀":" 祭 ","㉁":" 休 ","㉂":" 自 ","㉃":" 至 ","㉄":"問","㉅":"幼","㉆":"文","㉇":"箏",
"㉐":"pte","㉑":"21","㉒":"22","㉓":"23","㉔":"24","㉕":"25","㉖":"26","㉗":"27","㉘":"28","㉙":"29","㉚":"30","㉛":"31","㉜":"32",
"㉝":"33","㉞":"34","㉟":"35","㉠":"ᄀ","㉡":"ᄂ","㉢":"ᄃ","㉣":"ᄅ","㉤":"ᄆ","㉥":"ᄇ","㉦":"ᄉ","㉧":"ᄋ","㉨":"ᄌ","㉩":"ᄎ","㉪":"ᄏ",
"㉫":"ᄐ","㉬":"ᄑ","㉭":"ᄒ","㉮":"가","㉯":"나","㉰":"다","㉱":"라","㉲":"마","㉳":"바","㉴":"사","㉵":"아","㉶":"자","㉷":"차",
"㉸":"카","㉹":"타","㉺":"파","㉻":"하","㉼":"참고","㉽":"주의","㉾":"우","㊀":"一","㊁":"二","㊂":"三","㊃":"四","㊄":"五","㊅":"六",
"㊆":"七","㊇":"八","㊈":"九","㊉":"十","㊊":"月","㊋":"火","㊌":"水","㊍":"木","㊎":"金","㊏":"土","㊐":"日","㊑":"株","㊒":"有","㊓":"社","㊔":"名",
"㊕":"特","㊖":"財","㊗":"祝","㊘":"労","㊙":"秘","㊚":"男","㊛":"女","㊜":"適","㊝":"優","㊞":"印","㊟":"注","㊠":"項","㊡":"休","㊢":"写","㊣":"正",
"㊤":"上","㊥":"中","㊦":"下","㊧":"左","㊨":"右","㊩":"医","㊪":"宗","㊫":"学","㊬":"監","㊭":"企","㊮":"資","㊯":"協","㊰":"夜","㊱":"36",
"㊲":"37","㊳":"38","㊴":"39","㊵":"40","㊶":"41","㊷":"42","㊸":"43","㊹":"44","㊺":"45","㊻":"46","㊼":"47","㊽":"48","㊾":"49",
"㊿":"50","㋀":"1月","㋁":"2月","㋂":"3月","㋃":"4月","㋄":"5月","㋅":"6月","㋆":"7月","㋇":"8月","㋈":"9月","㋉":"10月","㋊":"11月","㋋":"12月",
"㋌":"hg","㋍":"erg","㋎":"ev","㋏":"ltd","㋐":"ア","㋑":"イ","㋒":"ウ","㋓":"エ","㋔":"オ","㋕":"カ","㋖":"キ","㋗":"ク","㋘":"ケ","㋙":"コ",
"㋚":"サ","㋛":"シ","㋜":"ス","㋝":"セ","㋞":"ソ","㋟":"タ","㋠":"チ","㋡":"ツ","㋢":"テ","㋣":"ト","㋤":"ナ","㋥":"ニ","㋦":"ヌ","㋧":"ネ","㋨":"ノ",
"㋩":"ハ","㋪":"ヒ","㋫":"フ","㋬":"ヘ","㋭":"ホ","㋮":"マ","㋯":"ミ","㋰":"ム","㋱":"メ","㋲":"モ","㋳":"ヤ","㋴":"ユ","㋵":"ヨ","㋶":"ラ","㋷":"リ",
"㋸":"ル","㋹":"レ","㋺":"ロ","㋻":"ワ","㋼":"ヰ","㋽":"ヱ","㋾":"ヲ","㋿":"令和","㌀":"アハート","㌁":"アルファ","㌂":"アンヘア","㌃":"アール","㌄":"イニンク",
"㌅":"インチ","㌆":"ウォン","㌇":"エスクート","㌈":"エーカー","㌉":"オンス","㌊":"オーム","㌋":"カイリ","㌌":"カラット","㌍":"カロリー","㌎":"カロン","㌏":"カンマ",
"㌐":"キカ","㌑":"キニー","㌒":"キュリー","㌓":"キルター","㌔":"キロ","㌕":"キロクラム","㌖":"キロメートル","㌗":"キロワット","㌘":"クラム","㌙":"クラムトン",
"㌚":"クルセイロ","㌛":"クローネ","㌜":"ケース","㌝":"コルナ","㌞":"コーホ","㌟":"サイクル","㌠":"サンチーム","㌡":"シリンク","㌢":"センチ","㌣":"セント","㌤":"タース",
"㌥":"テシ","㌦":"トル","㌧":"トン","㌨":"ナノ","㌩":"ノット","㌪":"ハイツ","㌫":"ハーセント","㌬":"ハーツ","㌭":"ハーレル","㌮":"ヒアストル","㌯":"ヒクル","㌰":"ヒコ",
"㌱":"ヒル","㌲":"ファラット","㌳":"フィート","㌴":"フッシェル","㌵":"フラン","㌶":"ヘクタール","㌷":"ヘソ","㌸":"ヘニヒ","㌹":"ヘルツ","㌺":"ヘンス","㌻":"ヘーシ",
"㌼":"ヘータ","㌽":"ホイント","㌾":"ホルト","㌿":"ホン","㍀":"ホント","㍁":"ホール","㍂":"ホーン","㍃":"マイクロ","㍄":"マイル","㍅":"マッハ","㍆":"マルク",
"㍇":"マンション","㍈":"ミクロン","㍉":"ミリ","㍊":"ミリハール","㍋":"メカ","㍌":"メカトン","㍍":"メートル","㍎":"ヤート","㍏":"ヤール","㍐":"ユアン","㍑":"リットル",
"㍒":"リラ","㍓":"ルヒー","㍔":"ルーフル","㍕":"レム","㍖":"レントケン","㍗":"ワット","㍘":"0点","㍙":"1点","㍚":"2点","㍛":"3点","㍜":"4点","㍝":"5点",
"㍞":"6点","㍟":"7点","㍠":"8点","㍡":"9点","㍢":"10点","㍣":"11点","㍤":"12点","㍥":"13点","㍦":"14点","㍧":"15点","㍨":"16点","㍩":"17点",
"㍪":"18点","㍫":"19点","㍬":"20点","㍭":"21点","㍮":"22点","㍯":"23点","㍰":"24点","㍱":"hpa","㍲":"da","㍳":"au","㍴":"bar","㍵":"ov",
"㍶":"pc","㍷":"dm","㍸":"dm2","㍹":"dm3","㍺":"iu","㍻":"平成","㍼":"昭和","㍽":"大正","㍾":"明治","㍿":"株式会社","㎀":"pa","㎁":"na",
"㎂":"μa","㎃":"ma","㎄":"ka","㎅":"kb","㎆":"mb","㎇":"gb","㎈":"cal","㎉":"kcal","㎊":"pf","㎋":"nf","㎌":"μf","㎍":"μg","㎎":"mg",
"㎏":"kg","㎐":"hz","㎑":"khz","㎒":"mhz","㎓":"ghz","㎔":"thz","㎕":"μl","㎖":"ml","㎗":"dl","㎘":"kl","㎙":"fm","㎚":"nm",
"㎛":"μm","㎜":"mm","㎝":"cm","㎞":"km","㎟":"mm2","㎠":"cm2","㎡":"m2","㎢":"km2","㎣":"mm3","㎤":"cm3","㎥":"m3","㎦":"km3",
"㎧":"m s","㎨":"m s2","㎩":"pa","㎪":"kpa","㎫":"mpa","㎬":"gpa","㎭":"rad","㎮":"rad s","㎯":"rad s2","㎰":"ps","㎱":"ns",
"㎲":"μs","㎳":"ms","㎴":"pv","㎵":"nv","㎶":"μv","㎷":"mv","㎸":"kv","㎹":"mv","㎺":"pw","㎻":"nw","㎼":"μw","㎽":"mw","㎾":"kw",
"㎿":"mw","㏀":"kω","㏁":"mω","㏂":"a m ","㏃":"bq","㏄":"cc","㏅":"cd","㏆":"c kg","㏇":"co ","㏈":"db","㏉":"gy","㏊":"ha",
"㏋":"hp","㏌":"in","㏍":"kk","㏎":"km","㏏":"kt","㏐":"lm","㏑":"ln","㏒":"log","㏓":"lx","㏔":"mb","㏕":"mil","㏖":"mol","㏗":"ph",
"㏘":"p m ","㏙":"ppm","㏚":"pr","㏛":"sr","㏜":"sv","㏝":"wb","㏞":"v m","㏟":"a m","㏠":"1日","㏡":"2日","㏢":"3日","㏣":"4日",
"㏤":"5日","㏥":"6日","㏦":"7日","㏧":"8日","㏨":"9日","㏩":"10日","㏪":"11日","㏫":"12日","㏬":"13日","㏭":"14日","㏮":"15日","㏯":"16日",
"㏰":"17日","㏱":"18日","㏲":"19日","㏳":"20日","㏴":"21日","㏵":"22日","㏶":"23日","㏷":"24日","㏸":"25日","㏹":"26日","㏺":"27日","㏻":"28日",
"㏼":"29日","㏽":"30日","㏾":"31日","㏿":"gal","Ꙁ":"ꙁ","Ꙃ":"ꙃ","Ꙅ":"ꙅ","Ꙇ":"ꙇ","Ꙉ":"ꙉ","Ꙋ":"ꙋ","Ꙍ":"ꙍ","Ꙏ":"ꙏ","Ꙑ":"ꙑ","Ꙓ":"ꙓ",
"Ꙕ":"ꙕ","Ꙗ":"ꙗ","Ꙙ":"ꙙ","Ꙛ":"ꙛ","Ꙝ":"ꙝ","Ꙟ":"ꙟ","Ꙡ":"ꙡ","Ꙣ":"ꙣ","Ꙥ":"ꙥ","Ꙧ":"ꙧ","Ꙩ":"ꙩ","Ꙫ":"ꙫ","Ꙭ":"ꙭ","Ꚁ":"ꚁ","Ꚃ":"ꚃ",
"Ꚅ":"ꚅ","Ꚇ":"ꚇ","Ꚉ":"ꚉ","Ꚋ":"ꚋ","Ꚍ":"ꚍ","Ꚏ":"ꚏ","Ꚑ":"ꚑ","Ꚓ":"ꚓ","Ꚕ":"ꚕ","Ꚗ":"ꚗ","Ꚙ":"ꚙ","Ꚛ":"ꚛ","ꚜ":"ъ","ꚝ":"ь","Ꜣ":"ꜣ",
"Ꜥ":"ꜥ","Ꜧ":"ꜧ","Ꜩ":"ꜩ","Ꜫ":"ꜫ","Ꜭ":"ꜭ","Ꜯ":"ꜯ","Ꜳ":"ꜳ","Ꜵ":"ꜵ","Ꜷ":"ꜷ","Ꜹ":"ꜹ","Ꜻ":"ꜻ","Ꜽ":"ꜽ","Ꜿ":"ꜿ","Ꝁ":"ꝁ","Ꝃ":"ꝃ",
"Ꝅ":"ꝅ","Ꝇ":"ꝇ","Ꝉ":"ꝉ","Ꝋ":"ꝋ","Ꝍ":"ꝍ","Ꝏ":"ꝏ","Ꝑ":"ꝑ","Ꝓ":"ꝓ","Ꝕ":"ꝕ","Ꝗ":"ꝗ","Ꝙ":"ꝙ","Ꝛ":"ꝛ","Ꝝ":"ꝝ","Ꝟ":"ꝟ","Ꝡ":"ꝡ",
"Ꝣ":"ꝣ","Ꝥ":"ꝥ","Ꝧ":"ꝧ","Ꝩ":"ꝩ","Ꝫ":"ꝫ","Ꝭ":"ꝭ","Ꝯ":"ꝯ","ꝰ":"ꝯ","Ꝺ":"ꝺ","Ꝼ":"ꝼ","Ᵹ":"ᵹ","Ꝿ":"ꝿ","Ꞁ":"ꞁ","Ꞃ":"ꞃ","Ꞅ":"ꞅ",
"Ꞇ":"ꞇ","Ꞌ":"ꞌ","Ɥ":"ɥ","Ꞑ":"ꞑ","Ꞓ":"ꞓ","Ꞗ":"ꞗ","Ꞙ":"ꞙ","Ꞛ":"ꞛ","Ꞝ":"ꞝ","Ꞟ":"ꞟ","Ꞡ":"ꞡ","Ꞣ":"ꞣ","Ꞥ":"ꞥ","Ꞧ":"ꞧ","Ꞩ":"ꞩ",
"Ɦ":"ɦ","Ɜ":"ɜ","Ɡ":"ɡ","Ɬ":"ɬ","Ɪ":"ɪ","Ʞ":"ʞ","Ʇ":"ʇ","Ʝ":"ʝ","Ꭓ":"ꭓ","Ꞵ":"ꞵ","Ꞷ":"ꞷ","Ꞹ":"ꞹ","Ꞻ":"ꞻ","Ꞽ":"ꞽ","Ꞿ":"ꞿ",
"Ꟁ":"ꟁ","Ꟃ":"ꟃ","Ꞔ":"ꞔ","Ʂ":"ʂ","Ᶎ":"ᶎ","Ꟈ":"ꟈ","Ꟊ":"ꟊ","Ɤ":"ɤ","Ꟍ":"ꟍ","꟎":"꟏","Ꟑ":"ꟑ","꟒":"ꟓ","꟔":"ꟕ","Ꟗ":"ꟗ","Ꟙ":"ꟙ",
"Ꟛ":"ꟛ","Ƛ":"ƛ","꟱":"s","ꟲ":"c","ꟳ":"f","ꟴ":"q","Ꟶ":"ꟶ","ꟸ":"ħ","ꟹ":"œ","ꭜ":"ꜧ","ꭝ":"ꬷ","ꭞ":"ɫ","ꭟ":"ꭒ","ꭩ":"ʍ","豈":"豈",
"更":"更","車":"車","賈":"賈","滑":"滑","串":"串","句":"句","龜":"龜","龜":"龜","契":"契","金":"金","喇":"喇","奈":"奈","懶":"懶","癩":"癩","羅":"羅",
"蘿":"蘿","螺":"螺","裸":"裸","邏":"邏","樂":"樂","洛":"洛","烙":"烙","珞":"珞","落":"落","酪":"酪","駱":"駱","亂":"亂","卵":"卵","欄":"欄","爛":"爛",
"蘭":"蘭","鸞":"鸞","嵐":"嵐","濫":"濫","藍":"藍","襤":"襤","拉":"拉","臘":"臘","蠟":"蠟","廊":"廊","朗":"朗","浪":"浪","狼":"狼","郎":"郎","來":"來",
"冷":"冷","勞":"勞","擄":"擄","櫓":"櫓","爐":"爐","盧":"盧","老":"老","蘆":"蘆","虜":"虜","路":"路","露":"露","魯":"魯","鷺":"鷺","碌":"碌","祿":"祿",
"綠":"綠","菉":"菉","錄":"錄","鹿":"鹿","論":"論","壟":"壟","弄":"弄","籠":"籠","聾":"聾","牢":"牢","磊":"磊","賂":"賂","雷":"雷","壘":"壘","屢":"屢",
"樓":"樓","淚":"淚","漏":"漏","累":"累","縷":"縷","陋":"陋","勒":"勒","肋":"肋","凜":"凜","凌":"凌","稜":"稜","綾":"綾","菱":"菱","陵":"陵","讀":"讀",
"拏":"拏","樂":"樂","諾":"諾","丹":"丹","寧":"寧","怒":"怒","率":"率","異":"異","北":"北","磻":"磻","便":"便","復":"復","不":"不","泌":"泌","數":"數",
"索":"索","參":"參","塞":"塞","省":"省","葉":"葉","說":"說","殺":"殺","辰":"辰","沈":"沈","拾":"拾","若":"若","掠":"掠","略":"略","亮":"亮","兩":"兩",
"凉":"凉","梁":"梁","糧":"糧","良":"良","諒":"諒","量":"量","勵":"勵","呂":"呂","女":"女","廬":"廬","旅":"旅","濾":"濾","礪":"礪","閭":"閭","驪":"驪",
"麗":"麗","黎":"黎","力":"力","曆":"曆","歷":"歷","轢":"轢","年":"年","憐":"憐","戀":"戀","撚":"撚","漣":"漣","煉":"煉","璉":"璉","秊":"秊","練":"練",
"聯":"聯","輦":"輦","蓮":"蓮","連":"連","鍊":"鍊","列":"列","劣":"劣","咽":"咽","烈":"烈","裂":"裂","說":"說","廉":"廉","念":"念","捻":"捻","殮":"殮",
"簾":"簾","獵":"獵","令":"令","囹":"囹","寧":"寧","嶺":"嶺","怜":"怜","玲":"玲","瑩":"瑩","羚":"羚","聆":"聆","鈴":"鈴","零":"零","靈":"靈","領":"領",
"例":"例","禮":"禮","醴":"醴","隸":"隸","惡":"惡","了":"了","僚":"僚","寮":"寮","尿":"尿","料":"料","樂":"樂","燎":"燎","療":"療","蓼":"蓼","遼":"遼",
"龍":"龍","暈":"暈","阮":"阮","劉":"劉","杻":"杻","柳":"柳","流":"流","溜":"溜","琉":"琉","留":"留","硫":"硫","紐":"紐","類":"類","六":"六","戮":"戮",
"陸":"陸","倫":"倫","崙":"崙","淪":"淪","輪":"輪","律":"律","慄":"慄","栗":"栗","率":"率","隆":"隆","利":"利","吏":"吏","履":"履","易":"易","李":"李",
"梨":"梨","泥":"泥","理":"理","痢":"痢","罹":"罹","裏":"裏","裡":"裡","里":"里","離":"離","匿":"匿","溺":"溺","吝":"吝","燐":"燐","璘":"璘","藺":"藺",
"隣":"隣","鱗":"鱗","麟":"麟","林":"林","淋":"淋","臨":"臨","立":"立","笠":"笠","粒":"粒","狀":"狀","炙":"炙","識":"識","什":"什","茶":"茶","刺":"刺",
"切":"切","度":"度","拓":"拓","糖":"糖","宅":"宅","洞":"洞","暴":"暴","輻":"輻","行":"行","降":"降","見":"見","廓":"廓","兀":"兀","嗀":"嗀","塚":"塚",
"晴":"晴","凞":"凞","猪":"猪","益":"益","礼":"礼","神":"神","祥":"祥","福":"福","靖":"靖","精":"精","羽":"羽","蘒":"蘒","諸":"諸","逸":"逸","都":"都",
"飯":"飯","飼":"飼","館":"館","鶴":"鶴","郞":"郞","隷":"隷","侮":"侮","僧":"僧","免":"免","勉":"勉","勤":"勤","卑":"卑","喝":"喝","嘆":"嘆","器":"器",
"塀":"塀","墨":"墨","層":"層","屮":"屮","悔":"悔","慨":"慨","憎":"憎","懲":"懲","敏":"敏","既":"既","暑":"暑","梅":"梅","海":"海","渚":"渚","漢":"漢",
"煮":"煮","爫":"爫","琢":"琢","碑":"碑","社":"社","祉":"祉","祈":"祈","祐":"祐","祖":"祖","祝":"祝","禍":"禍","禎":"禎","穀":"穀","突":"突","節":"節",
"練":"練","縉":"縉","繁":"繁","署":"署","者":"者","臭":"臭","艹":"艹","艹":"艹","著":"著","褐":"褐","視":"視","謁":"謁","謹":"謹","賓":"賓","贈":"贈",
"辶":"辶","逸":"逸","難":"難","響":"響","頻":"頻","恵":"恵","𤋮":"𤋮","舘":"舘","並":"並","况":"况","全":"全","侀":"侀","充":"充","冀":"冀","勇":"勇",
"勺":"勺","喝":"喝","啕":"啕","喙":"喙","嗢":"嗢","塚":"塚","墳":"墳","奄":"奄","奔":"奔","婢":"婢","嬨":"嬨","廒":"廒","廙":"廙","彩":"彩","徭":"徭",
"惘":"惘","慎":"慎","愈":"愈","憎":"憎","慠":"慠","懲":"懲","戴":"戴","揄":"揄","搜":"搜","摒":"摒","敖":"敖","晴":"晴","朗":"朗","望":"望","杖":"杖",
"歹":"歹","殺":"殺","流":"流","滛":"滛","滋":"滋","漢":"漢","瀞":"瀞","煮":"煮","瞧":"瞧","爵":"爵","犯":"犯","猪":"猪","瑱":"瑱","甆":"甆","画":"画",
"瘝":"瘝","瘟":"瘟","益":"益","盛":"盛","直":"直","睊":"睊","着":"着","磌":"磌","窱":"窱","節":"節","类":"类","絛":"絛","練":"練","缾":"缾","者":"者",
"荒":"荒","華":"華","蝹":"蝹","襁":"襁","覆":"覆","視":"視","調":"調","諸":"諸","請":"請","謁":"謁","諾":"諾","諭":"諭","謹":"謹","變":"變","贈":"贈",
"輸":"輸","遲":"遲","醙":"醙","鉶":"鉶","陼":"陼","難":"難","靖":"靖","韛":"韛","響":"響","頋":"頋","頻":"頻","鬒":"鬒","龜":"龜","𢡊":"𢡊","𢡄":"𢡄",
"𣏕":"𣏕","㮝":"㮝","䀘":"䀘","䀹":"䀹","𥉉":"𥉉","𥳐":"𥳐","𧻓":"𧻓","齃":"齃","龎":"龎","ﬀ":"ff","ﬁ":"fi","ﬂ":"fl","ﬃ":"ffi","ﬄ":"ffl",
"ﬅ":"st","ﬆ":"st","ﬓ":"մն","ﬔ":"մե","ﬕ":"մի","ﬖ":"վն","ﬗ":"մխ","יִ":"י","ײַ":"ײ","ﬠ":"ע","ﬡ":"א","ﬢ":"ד","ﬣ":"ה","ﬤ":"כ",
"ﬥ":"ל","ﬦ":"ם","ﬧ":"ר","ﬨ":"ת","שׁ":"ש","שׂ":"ש","שּׁ":"ש","שּׂ":"ש","אַ":"א","אָ":"א","אּ":"א","בּ":"ב","גּ":"ג","דּ":"ד","הּ":"ה",
"וּ":"ו","זּ":"ז","טּ":"ט","יּ":"י","ךּ":"ך","כּ":"כ","לּ":"ל","מּ":"מ","נּ":"נ","סּ":"ס","ףּ":"ף","פּ":"פ","צּ":"צ","קּ":"ק","רּ":"ר",
"שּ":"ש","תּ":"ת","וֹ":"ו","בֿ":"ב","כֿ":"כ","פֿ":"פ","ﭏ":"אל","ﭐ":"ٱ","ﭑ":"ٱ","ﭒ":"ٻ","ﭓ":"ٻ","ﭔ":"ٻ","ﭕ":"ٻ","ﭖ":"پ",
"ﭗ":"پ","ﭘ":"پ","ﭙ":"پ","ﭚ":"ڀ","ﭛ":"ڀ","ﭜ":"ڀ","ﭝ":"ڀ","ﭞ":"ٺ","ﭟ":"ٺ","ﭠ":"ٺ","ﭡ":"ٺ","ﭢ":"ٿ","ﭣ":"ٿ","ﭤ":"ٿ","ﭥ":"ٿ",
"ﭦ":"ٹ","ﭧ":"ٹ","ﭨ":"ٹ","ﭩ":"ٹ","ﭪ":"ڤ","ﭫ":"ڤ","ﭬ":"ڤ","ﭭ":"ڤ","ﭮ":"ڦ","ﭯ":"ڦ","ﭰ":"ڦ","ﭱ":"ڦ","ﭲ":"ڄ","ﭳ":"ڄ","ﭴ":"ڄ",
"ﭵ":"ڄ","ﭶ":"ڃ","ﭷ":"ڃ","ﭸ":"ڃ","ﭹ":"ڃ","ﭺ":"چ","ﭻ":"چ","ﭼ":"چ","ﭽ":"چ","ﭾ":"ڇ","ﭿ":"ڇ","ﮀ":"ڇ","ﮁ":"ڇ","ﮂ":"ڍ","ﮃ":"ڍ",
"ﮄ":"ڌ","ﮅ":"ڌ","ﮆ":"ڎ","ﮇ":"ڎ","ﮈ":"ڈ","ﮉ":"ڈ","ﮊ":"ژ","ﮋ":"ژ","ﮌ":"ڑ","ﮍ":"ڑ","ﮎ":"ک","ﮏ":"ک","ﮐ":"ک","ﮑ":"ک","ﮒ":"گ",
"ﮓ":"گ","ﮔ":"گ","ﮕ":"گ","ﮖ":"ڳ","ﮗ":"ڳ","ﮘ":"ڳ","ﮙ":"ڳ","ﮚ":"ڱ","ﮛ":"ڱ","ﮜ":"ڱ","ﮝ":"ڱ","ﮞ":"ں","ﮟ":"ں","ﮠ":"ڻ","ﮡ":"ڻ",
"ﮢ":"ڻ","ﮣ":"ڻ","ﮤ":"ە","ﮥ":"ە","ﮦ":"ہ","ﮧ":"ہ","ﮨ":"ہ","ﮩ":"ہ","ﮪ":"ھ","ﮫ":"ھ","ﮬ":"ھ","ﮭ":"ھ","ﮮ":"ے","ﮯ":"ے","ﮰ":"ے",
"ﮱ":"ے","ﯓ":"ڭ","ﯔ":"ڭ","ﯕ":"ڭ","ﯖ":"ڭ","ﯗ":"ۇ","ﯘ":"ۇ","ﯙ":"ۆ","ﯚ":"ۆ","ﯛ":"ۈ","ﯜ":"ۈ","ﯝ":"ۇٴ","ﯞ":"ۋ","ﯟ":"ۋ",
"ﯠ":"ۅ","ﯡ":"ۅ","ﯢ":"ۉ","ﯣ":"ۉ","ﯤ":"ې","ﯥ":"ې","ﯦ":"ې","ﯧ":"ې","ﯨ":"ى","ﯩ":"ى","ﯪ":"يا","ﯫ":"يا","ﯬ":"يە","ﯭ":"يە",
"ﯮ":"يو","ﯯ":"يو","ﯰ":"يۇ","ﯱ":"يۇ","ﯲ":"يۆ","ﯳ":"يۆ","ﯴ":"يۈ","ﯵ":"يۈ","ﯶ":"يې","ﯷ":"يې","ﯸ":"يې","ﯹ":"يى","ﯺ":"يى",
"ﯻ":"يى","ﯼ":"ی","ﯽ":"ی","ﯾ":"ی","ﯿ":"ی","ﰀ":"يج","ﰁ":"يح","ﰂ":"يم","ﰃ":"يى","ﰄ":"يي","ﰅ":"بج","ﰆ":"بح","ﰇ":"بخ",
"ﰈ":"بم","ﰉ":"بى","ﰊ":"بي","ﰋ":"تج","ﰌ":"تح","ﰍ":"تخ","ﰎ":"تم","ﰏ":"تى","ﰐ":"تي","ﰑ":"ثج","ﰒ":"ثم","ﰓ":"ثى","ﰔ":"ثي",
"ﰕ":"جح","ﰖ":"جم","ﰗ":"حج","ﰘ":"حم","ﰙ":"خج","ﰚ":"خح","ﰛ":"خم","ﰜ":"سج","ﰝ":"سح","ﰞ":"سخ","ﰟ":"سم","ﰠ":"صح","ﰡ":"صم",
"ﰢ":"ضج","ﰣ":"ضح","ﰤ":"ضخ","ﰥ":"ضم","ﰦ":"طح","ﰧ":"طم","ﰨ":"ظم","ﰩ":"عج","ﰪ":"عم","ﰫ":"غج","ﰬ":"غم","ﰭ":"فج","ﰮ":"فح",
"ﰯ":"فخ","ﰰ":"فم","ﰱ":"فى","ﰲ":"في","ﰳ":"قح","ﰴ":"قم","ﰵ":"قى","ﰶ":"قي","ﰷ":"كا","ﰸ":"كج","ﰹ":"كح","ﰺ":"كخ","ﰻ":"كل",
"ﰼ":"كم","ﰽ":"كى","ﰾ":"كي","ﰿ":"لج","ﱀ":"لح","ﱁ":"لخ","ﱂ":"لم","ﱃ":"لى","ﱄ":"لي","ﱅ":"مج","ﱆ":"مح","ﱇ":"مخ","ﱈ":"مم",
"ﱉ":"مى","ﱊ":"مي","ﱋ":"نج","ﱌ":"نح","ﱍ":"نخ","ﱎ":"نم","ﱏ":"نى","ﱐ":"ني","ﱑ":"هج","ﱒ":"هم","ﱓ":"هى","ﱔ":"هي","ﱕ":"يج",
"ﱖ":"يح","ﱗ":"يخ","ﱘ":"يم","ﱙ":"يى","ﱚ":"يي","ﱛ":"ذ","ﱜ":"ر","ﱝ":"ى","ﱤ":"ير","ﱥ":"يز","ﱦ":"يم","ﱧ":"ين","ﱨ":"يى",
"ﱩ":"يي","ﱪ":"بر","ﱫ":"بز","ﱬ":"بم","ﱭ":"بن","ﱮ":"بى","ﱯ":"بي","ﱰ":"تر","ﱱ":"تز","ﱲ":"تم","ﱳ":"تن","ﱴ":"تى","ﱵ":"تي",
"ﱶ":"ثر","ﱷ":"ثز","ﱸ":"ثم","ﱹ":"ثن","ﱺ":"ثى","ﱻ":"ثي","ﱼ":"فى","ﱽ":"في","ﱾ":"قى","ﱿ":"قي","ﲀ":"كا","ﲁ":"كل","ﲂ":"كم",
"ﲃ":"كى","ﲄ":"كي","ﲅ":"لم","ﲆ":"لى","ﲇ":"لي","ﲈ":"ما","ﲉ":"مم","ﲊ":"نر","ﲋ":"نز","ﲌ":"نم","ﲍ":"نن","ﲎ":"نى","ﲏ":"ني",
"ﲐ":"ى","ﲑ":"ير","ﲒ":"يز","ﲓ":"يم","ﲔ":"ين","ﲕ":"يى","ﲖ":"يي","ﲗ":"يج","ﲘ":"يح","ﲙ":"يخ","ﲚ":"يم","ﲛ":"يه","ﲜ":"بج",
"ﲝ":"بح","ﲞ":"بخ","ﲟ":"بم","ﲠ":"به","ﲡ":"تج","ﲢ":"تح","ﲣ":"تخ","ﲤ":"تم","ﲥ":"ته","ﲦ":"ثم","ﲧ":"جح","ﲨ":"جم","ﲩ":"حج",
"ﲪ":"حم","ﲫ":"خج","ﲬ":"خم","ﲭ":"سج","ﲮ":"سح","ﲯ":"سخ","ﲰ":"سم","ﲱ":"صح","ﲲ":"صخ","ﲳ":"صم","ﲴ":"ضج","ﲵ":"ضح","ﲶ":"ضخ",
"ﲷ":"ضم","ﲸ":"طح","ﲹ":"ظم","ﲺ":"عج","ﲻ":"عم","ﲼ":"غج","ﲽ":"غم","ﲾ":"فج","ﲿ":"فح","ﳀ":"فخ","ﳁ":"فم","ﳂ":"قح","ﳃ":"قم",
"ﳄ":"كج","ﳅ":"كح","ﳆ":"كخ","ﳇ":"كل","ﳈ":"كم","ﳉ":"لج","ﳊ":"لح","ﳋ":"لخ","ﳌ":"لم","ﳍ":"له","ﳎ":"مج","ﳏ":"مح","ﳐ":"مخ",
"ﳑ":"مم","ﳒ":"نج","ﳓ":"نح","ﳔ":"نخ","ﳕ":"نم","ﳖ":"نه","ﳗ":"هج","ﳘ":"هم","ﳙ":"ه","ﳚ":"يج","ﳛ":"يح","ﳜ":"يخ","ﳝ":"يم",
"ﳞ":"يه","ﳟ":"يم","ﳠ":"يه","ﳡ":"بم","ﳢ":"به","ﳣ":"تم","ﳤ":"ته","ﳥ":"ثم","ﳦ":"ثه","ﳧ":"سم","ﳨ":"سه","ﳩ":"شم","ﳪ":"شه",
"ﳫ":"كل","ﳬ":"كم","ﳭ":"لم","ﳮ":"نم","ﳯ":"نه","ﳰ":"يم","ﳱ":"يه","ﳲ":"ـ","ﳳ":"ـ","ﳴ":"ـ","ﳵ":"طى","ﳶ":"طي","ﳷ":"عى",
"ﳸ":"عي","ﳹ":"غى","ﳺ":"غي","ﳻ":"سى","ﳼ":"سي","ﳽ":"شى","ﳾ":"شي","ﳿ":"حى","ﴀ":"حي","ﴁ":"جى","ﴂ":"جي","ﴃ":"خى","ﴄ":"خي",
"ﴅ":"صى","ﴆ":"صي","ﴇ":"ضى","ﴈ":"ضي","ﴉ":"شج","ﴊ":"شح","ﴋ":"شخ","ﴌ":"شم","ﴍ":"شر","ﴎ":"سر","ﴏ":"صر","ﴐ":"ضر","ﴑ":"طى",
"ﴒ":"طي","ﴓ":"عى","ﴔ":"عي","ﴕ":"غى","ﴖ":"غي","ﴗ":"سى","ﴘ":"سي","ﴙ":"شى","ﴚ":"شي","ﴛ":"حى","ﴜ":"حي","ﴝ":"جى","ﴞ":"جي",
"ﴟ":"خى","ﴠ":"خي","ﴡ":"صى","ﴢ":"صي","ﴣ":"ضى","ﴤ":"ضي","ﴥ":"شج","ﴦ":"شح","ﴧ":"شخ","ﴨ":"شم","ﴩ":"شر","ﴪ":"سر","ﴫ":"صر",
"ﴬ":"ضر","ﴭ":"شج","ﴮ":"شح","ﴯ":"شخ","ﴰ":"شم","ﴱ":"سه","ﴲ":"شه","ﴳ":"طم","ﴴ":"سج","ﴵ":"سح","ﴶ":"سخ","ﴷ":"شج","ﴸ":"شح",
"ﴹ":"شخ","ﴺ":"طم","ﴻ":"ظم","ﴼ":"ا","ﴽ":"ا","ﵐ":"تجم","ﵑ":"تحج","ﵒ":"تحج","ﵓ":"تحم","ﵔ":"تخم","ﵕ":"تمج","ﵖ":"تمح",
"ﵗ":"تمخ","ﵘ":"جمح","ﵙ":"جمح","ﵚ":"حمي","ﵛ":"حمى","ﵜ":"سحج","ﵝ":"سجح","ﵞ":"سجى","ﵟ":"سمح","ﵠ":"سمح","ﵡ":"سمج","ﵢ":"سمم",
"ﵣ":"سمم","ﵤ":"صحح","ﵥ":"صحح","ﵦ":"صمم","ﵧ":"شحم","ﵨ":"شحم","ﵩ":"شجي","ﵪ":"شمخ","ﵫ":"شمخ","ﵬ":"شمم","ﵭ":"شمم","ﵮ":"ضحى",
"ﵯ":"ضخم","ﵰ":"ضخم","ﵱ":"طمح","ﵲ":"طمح","ﵳ":"طمم","ﵴ":"طمي","ﵵ":"عجم","ﵶ":"عمم","ﵷ":"عمم","ﵸ":"عمى","ﵹ":"غمم","ﵺ":"غمي",
"ﵻ":"غمى","ﵼ":"فخم","ﵽ":"فخم","ﵾ":"قمح","ﵿ":"قمم","ﶀ":"لحم","ﶁ":"لحي","ﶂ":"لحى","ﶃ":"لجج","ﶄ":"لجج","ﶅ":"لخم","ﶆ":"لخم",
"ﶇ":"لمح","ﶈ":"لمح","ﶉ":"محج","ﶊ":"محم","ﶋ":"محي","ﶌ":"مجح","ﶍ":"مجم","ﶎ":"مخج","ﶏ":"مخم","ﶒ":"مجخ","ﶓ":"همج","ﶔ":"همم",
"ﶕ":"نحم","ﶖ":"نحى","ﶗ":"نجم","ﶘ":"نجم","ﶙ":"نجى","ﶚ":"نمي","ﶛ":"نمى","ﶜ":"يمم","ﶝ":"يمم","ﶞ":"بخي","ﶟ":"تجي","ﶠ":"تجى",
"ﶡ":"تخي","ﶢ":"تخى","ﶣ":"تمي","ﶤ":"تمى","ﶥ":"جمي","ﶦ":"جحى","ﶧ":"جمى","ﶨ":"سخى","ﶩ":"صحي","ﶪ":"شحي","ﶫ":"ضحي","ﶬ":"لجي",
"ﶭ":"لمي","ﶮ":"يحي","ﶯ":"يجي","ﶰ":"يمي","ﶱ":"ممي","ﶲ":"قمي","ﶳ":"نحي","ﶴ":"قمح","ﶵ":"لحم","ﶶ":"عمي","ﶷ":"كمي","ﶸ":"نجح",
"ﶹ":"مخي","ﶺ":"لجم","ﶻ":"كمم","ﶼ":"لجم","ﶽ":"نجح","ﶾ":"جحي","ﶿ":"حجي","ﷀ":"مجي","ﷁ":"فمي","ﷂ":"بحي","ﷃ":"كمم","ﷄ":"عجم",
"ﷅ":"صمم","ﷆ":"سخي","ﷇ":"نجي","ﷰ":"صلے","ﷱ":"قلے","ﷲ":"الله","ﷳ":"اكبر","ﷴ":"محمد","ﷵ":"صلعم","ﷶ":"رسول","ﷷ":"عليه",
"ﷸ":"وسلم","ﷹ":"صلى","ﷺ":"صلى الله عليه وسلم","ﷻ":"جل جلاله","﷼":"ریال","ﹱ":"ـ","ﹷ":"ـ","ﹹ":"ـ","ﹻ":"ـ","ﹽ":"ـ","ﹿ":"ـ",
"ﺀ":"ء","ﺁ":"ا","ﺂ":"ا","ﺃ":"ا","ﺄ":"ا","ﺅ":"و","ﺆ":"و","ﺇ":"ا","ﺈ":"ا","ﺉ":"ي","ﺊ":"ي","ﺋ":"ي","ﺌ":"ي","ﺍ":"ا","ﺎ":"ا",
"ﺏ":"ب","ﺐ":"ب","ﺑ":"ب","ﺒ":"ب","ﺓ":"ة","ﺔ":"ة","ﺕ":"ت","ﺖ":"ت","ﺗ":"ت","ﺘ":"ت","ﺙ":"ث","ﺚ":"ث","ﺛ":"ث","ﺜ":"ث","ﺝ":"ج",
"ﺞ":"ج","ﺟ":"ج","ﺠ":"ج","ﺡ":"ح","ﺢ":"ح","ﺣ":"ح","ﺤ":"ح","ﺥ":"خ","ﺦ":"خ","ﺧ":"خ","ﺨ":"خ","ﺩ":"د","ﺪ":"د","ﺫ":"ذ","ﺬ":"ذ",
"ﺭ":"ر","ﺮ":"ر","ﺯ":"ز","ﺰ":"ز","ﺱ":"س","ﺲ":"س","ﺳ":"س","ﺴ":"س","ﺵ":"ش","ﺶ":"ش","ﺷ":"ش","ﺸ":"ش","ﺹ":"ص","ﺺ":"ص","ﺻ":"ص",
"ﺼ":"ص","ﺽ":"ض","ﺾ":"ض","ﺿ":"ض","ﻀ":"ض","ﻁ":"ط","ﻂ":"ط","ﻃ":"ط","ﻄ":"ط","ﻅ":"ظ","ﻆ":"ظ","ﻇ":"ظ","ﻈ":"ظ","ﻉ":"ع","ﻊ":"ع",
"ﻋ":"ع","ﻌ":"ع","ﻍ":"غ","ﻎ":"غ","ﻏ":"غ","ﻐ":"غ","ﻑ":"ف","ﻒ":"ف","ﻓ":"ف","ﻔ":"ف","ﻕ":"ق","ﻖ":"ق","ﻗ":"ق","ﻘ":"ق","ﻙ":"ك",
"ﻚ":"ك","ﻛ":"ك","ﻜ":"ك","ﻝ":"ل","ﻞ":"ل","ﻟ":"ل","ﻠ":"ل","ﻡ":"م","ﻢ":"م","ﻣ":"م","ﻤ":"م","ﻥ":"ن","ﻦ":"ن","ﻧ":"ن","ﻨ":"ن",
"ﻩ":"ه","ﻪ":"ه","ﻫ":"ه","ﻬ":"ه","ﻭ":"و","ﻮ":"و","ﻯ":"ى","ﻰ":"ى","ﻱ":"ي","ﻲ":"ي","ﻳ":"ي","ﻴ":"ي","ﻵ":"لا","ﻶ":"لا",
"ﻷ":"لا","ﻸ":"لا","ﻹ":"لا","ﻺ":"لا","ﻻ":"لا","ﻼ":"لا","０":"0","１":"1","２":"2","３":"3","４":"4","５":"5","６":"6","７":"7",
"８":"8","９":"9","Ａ":"a","Ｂ":"b","Ｃ":"c","Ｄ":"d","Ｅ":"e","Ｆ":"f","Ｇ":"g","Ｈ":"h","Ｉ":"i","Ｊ":"j","Ｋ":"k","Ｌ":"l","Ｍ":"m",
"Ｎ":"n","Ｏ":"o","Ｐ":"p","Ｑ":"q","Ｒ":"r","Ｓ":"s","Ｔ":"t","Ｕ":"u","Ｖ":"v","Ｗ":"w","Ｘ":"x","Ｙ":"y","Ｚ":"z","ａ":"a","ｂ":"b",
"ｃ":"c","ｄ":"d","ｅ":"e","ｆ":"f","ｇ":"g","ｈ":"h","ｉ":"i","ｊ":"j","ｋ":"k","ｌ":"l","ｍ":"m","ｎ":"n","ｏ":"o","ｐ":"p","ｑ":"q",
"ｒ":"r","ｓ":"s","ｔ":"t","ｕ":"u","ｖ":"v","ｗ":"w","ｘ":"x","ｙ":"y","ｚ":"z","ｦ":"ヲ","ｧ":"ァ","ｨ":"ィ","ｩ":"ゥ","ｪ":"ェ","ｫ":"ォ",
"ｬ":"ャ","ｭ":"ュ","ｮ":"ョ","ｯ":"ッ","ｰ":"ー","ｱ":"ア","ｲ":"イ","ｳ":"ウ","ｴ":"エ","ｵ":"オ","ｶ":"カ","ｷ":"キ","ｸ":"ク","ｹ":"ケ","ｺ":"コ",
"ｻ":"サ","ｼ":"シ","ｽ":"ス","ｾ":"セ","ｿ":"ソ","ﾀ":"タ","ﾁ":"チ","ﾂ":"ツ","ﾃ":"テ","ﾄ":"ト","ﾅ":"ナ","ﾆ":"ニ","ﾇ":"ヌ","ﾈ":"ネ","ﾉ":"ノ",
"ﾊ":"ハ","ﾋ":"ヒ","ﾌ":"フ","ﾍ":"ヘ","ﾎ":"ホ","ﾏ":"マ","ﾐ":"ミ","ﾑ":"ム","ﾒ":"メ","ﾓ":"モ","ﾔ":"ヤ","ﾕ":"ユ","ﾖ":"ヨ","ﾗ":"ラ","ﾘ":"リ",
"ﾙ":"ル","ﾚ":"レ","ﾛ":"ロ","ﾜ":"ワ","ﾝ":"ン","ﾡ":"ᄀ","ﾢ":"ᄁ","ﾣ":"ᆪ","ﾤ":"ᄂ","ﾥ":"ᆬ","ﾦ":"ᆭ","ﾧ":"ᄃ","ﾨ":"ᄄ","ﾩ":"ᄅ","ﾪ":"ᆰ",
"ﾫ":"ᆱ","ﾬ":"ᆲ","ﾭ":"ᆳ","ﾮ":"ᆴ","ﾯ":"ᆵ","ﾰ":"ᄚ","ﾱ":"ᄆ","ﾲ":"ᄇ","ﾳ":"ᄈ","ﾴ":"ᄡ","ﾵ":"ᄉ","ﾶ":"ᄊ","ﾷ":"ᄋ","ﾸ":"ᄌ","ﾹ":"ᄍ",
"ﾺ":"ᄎ","ﾻ":"ᄏ","ﾼ":"ᄐ","ﾽ":"ᄑ","ﾾ":"ᄒ","ￂ":"ᅡ","ￃ":"ᅢ","ￄ":"ᅣ","ￅ":"ᅤ","ￆ":"ᅥ","ￇ":"ᅦ","ￊ":"ᅧ","ￋ":"ᅨ","ￌ":"ᅩ","ￍ":"ᅪ",
"ￎ":"ᅫ","ￏ":"ᅬ","ￒ":"ᅭ","ￓ":"ᅮ","ￔ":"ᅯ","ￕ":"ᅰ","ￖ":"ᅱ","ￗ":"ᅲ","ￚ":"ᅳ","ￛ":"ᅴ","ￜ":"ᅵ","𐐀":"𐐨","𐐁":"𐐩","𐐂":"𐐪","𐐃":"𐐫",
"𐐄":"𐐬","𐐅":"𐐭","𐐆":"𐐮","𐐇":"𐐯","𐐈":"𐐰","𐐉":"𐐱","𐐊":"𐐲","𐐋":"𐐳","𐐌":"𐐴","𐐍":"𐐵","𐐎":"𐐶","𐐏":"𐐷","𐐐":"𐐸","𐐑":"𐐹","𐐒":"𐐺",
"𐐓":"𐐻","𐐔":"𐐼","𐐕":"𐐽","𐐖":"𐐾","𐐗":"𐐿","𐐘":"𐑀","𐐙":"𐑁","𐐚":"𐑂","𐐛":"𐑃","𐐜":"𐑄","𐐝":"𐑅","𐐞":"𐑆","𐐟":"𐑇","𐐠":"𐑈","𐐡":"𐑉",
"𐐢":"𐑊","𐐣":"𐑋","𐐤":"𐑌","𐐥":"𐑍","𐐦":"𐑎","𐐧":"𐑏","𐒰":"𐓘","𐒱":"𐓙","𐒲":"𐓚","𐒳":"𐓛","𐒴":"𐓜","𐒵":"𐓝","𐒶":"𐓞","𐒷":"𐓟","𐒸":"𐓠",
"𐒹":"𐓡","𐒺":"𐓢","𐒻":"𐓣","𐒼":"𐓤","𐒽":"𐓥","𐒾":"𐓦","𐒿":"𐓧","𐓀":"𐓨","𐓁":"𐓩","𐓂":"𐓪","𐓃":"𐓫","𐓄":"𐓬","𐓅":"𐓭","𐓆":"𐓮","𐓇":"𐓯",
"𐓈":"𐓰","𐓉":"𐓱","𐓊":"𐓲","𐓋":"𐓳","𐓌":"𐓴","𐓍":"𐓵","𐓎":"𐓶","𐓏":"𐓷","𐓐":"𐓸","𐓑":"𐓹","𐓒":"𐓺","𐓓":"𐓻","𐕰":"𐖗","𐕱":"𐖘","𐕲":"𐖙",
"𐕳":"𐖚","𐕴":"𐖛","𐕵":"𐖜","𐕶":"𐖝","𐕷":"𐖞","𐕸":"𐖟","𐕹":"𐖠","𐕺":"𐖡","𐕼":"𐖣","𐕽":"𐖤","𐕾":"𐖥","𐕿":"𐖦","𐖀":"𐖧","𐖁":"𐖨","𐖂":"𐖩",
"𐖃":"𐖪","𐖄":"𐖫","𐖅":"𐖬","𐖆":"𐖭","𐖇":"𐖮","𐖈":"𐖯","𐖉":"𐖰","𐖊":"𐖱","𐖌":"𐖳","𐖍":"𐖴","𐖎":"𐖵","𐖏":"𐖶","𐖐":"𐖷","𐖑":"𐖸","𐖒":"𐖹",
"𐖔":"𐖻","𐖕":"𐖼","𐗉":"𐗒","𐗤":"𐗚","𐞁":"ː","𐞂":"ˑ","𐞃":"æ","𐞄":"ʙ","𐞅":"ɓ","𐞇":"ʣ","𐞈":"ꭦ","𐞉":"ʥ","𐞊":"ʤ","𐞋":"ɖ","𐞌":"ɗ",
"𐞍":"ᶑ","𐞎":"ɘ","𐞏":"ɞ","𐞐":"ʩ","𐞑":"ɤ","𐞒":"ɢ","𐞓":"ɠ","𐞔":"ʛ","𐞕":"ħ","𐞖":"ʜ","𐞗":"ɧ","𐞘":"ʄ","𐞙":"ʪ","𐞚":"ʫ","𐞛":"ɬ",
"𐞜":"𝼄","𐞝":"ꞎ","𐞞":"ɮ","𐞟":"𝼅","𐞠":"ʎ","𐞡":"𝼆","𐞢":"ø","𐞣":"ɶ","𐞤":"ɷ","𐞥":"q","𐞦":"ɺ","𐞧":"𝼈","𐞨":"ɽ","𐞩":"ɾ","𐞪":"ʀ",
"𐞫":"ʨ","𐞬":"ʦ","𐞭":"ꭧ","𐞮":"ʧ","𐞯":"ʈ","𐞰":"ⱱ","𐞲":"ʏ","𐞳":"ʡ","𐞴":"ʢ","𐞵":"ʘ","𐞶":"ǀ","𐞷":"ǁ","𐞸":"ǂ","𐞹":"𝼊","𐞺":"𝼞",
"𐞻":"ʇ","𐞼":"ʖ","𐞽":"ʗ","𐞾":"ʞ","𐞿":"𝼋","𐲀":"𐳀","𐲁":"𐳁","𐲂":"𐳂","𐲃":"𐳃","𐲄":"𐳄","𐲅":"𐳅","𐲆":"𐳆","𐲇":"𐳇","𐲈":"𐳈","𐲉":"𐳉",
"𐲊":"𐳊","𐲋":"𐳋","𐲌":"𐳌","𐲍":"𐳍","𐲎":"𐳎","𐲏":"𐳏","𐲐":"𐳐","𐲑":"𐳑","𐲒":"𐳒","𐲓":"𐳓","𐲔":"𐳔","𐲕":"𐳕","𐲖":"𐳖","𐲗":"𐳗","𐲘":"𐳘",
"𐲙":"𐳙","𐲚":"𐳚","𐲛":"𐳛","𐲜":"𐳜","𐲝":"𐳝","𐲞":"𐳞","𐲟":"𐳟","𐲠":"𐳠","𐲡":"𐳡","𐲢":"𐳢","𐲣":"𐳣","𐲤":"𐳤","𐲥":"𐳥","𐲦":"𐳦","𐲧":"𐳧",
"𐲨":"𐳨","𐲩":"𐳩","𐲪":"𐳪","𐲫":"𐳫","𐲬":"𐳬","𐲭":"𐳭","𐲮":"𐳮","𐲯":"𐳯","𐲰":"𐳰","𐲱":"𐳱","𐲲":"𐳲","𐵐":"𐵰","𐵑":"𐵱","𐵒":"𐵲","𐵓":"𐵳",
"𐵔":"𐵴","𐵕":"𐵵","𐵖":"𐵶","𐵗":"𐵷","𐵘":"𐵸","𐵙":"𐵹","𐵚":"𐵺","𐵛":"𐵻","𐵜":"𐵼","𐵝":"𐵽","𐵞":"𐵾","𐵟":"𐵿","𐵠":"𐶀","𐵡":"𐶁","𐵢":"𐶂",
"𐵣":"𐶃","𐵤":"𐶄","𐵥":"𐶅","𑂚":"𑂙","𑂜":"𑂛","𑂫":"𑂥","𑎃":"𑎂","𑎅":"𑎄","𑎎":"𑎋","𑎑":"𑎐","𑢠":"𑣀","𑢡":"𑣁","𑢢":"𑣂","𑢣":"𑣃","𑢤":"𑣄",
"𑢥":"𑣅","𑢦":"𑣆","𑢧":"𑣇","𑢨":"𑣈","𑢩":"𑣉","𑢪":"𑣊","𑢫":"𑣋","𑢬":"𑣌","𑢭":"𑣍","𑢮":"𑣎","𑢯":"𑣏","𑢰":"𑣐","𑢱":"𑣑","𑢲":"𑣒","𑢳":"𑣓",
"𑢴":"𑣔","𑢵":"𑣕","𑢶":"𑣖","𑢷":"𑣗","𑢸":"𑣘","𑢹":"𑣙","𑢺":"𑣚","𑢻":"𑣛","𑢼":"𑣜","𑢽":"𑣝","𑢾":"𑣞","𑢿":"𑣟","𖵨":"𖵨","𖵩":"𖵩",
"𖵪":"𖵪","𖹀":"𖹠","𖹁":"𖹡","𖹂":"𖹢","𖹃":"𖹣","𖹄":"𖹤","𖹅":"𖹥","𖹆":"𖹦","𖹇":"𖹧","𖹈":"𖹨","𖹉":"𖹩","𖹊":"𖹪","𖹋":"𖹫","𖹌":"𖹬",
"𖹍":"𖹭","𖹎":"𖹮","𖹏":"𖹯","𖹐":"𖹰","𖹑":"𖹱","𖹒":"𖹲","𖹓":"𖹳","𖹔":"𖹴","𖹕":"𖹵","𖹖":"𖹶","𖹗":"𖹷","𖹘":"𖹸","𖹙":"𖹹","𖹚":"𖹺","𖹛":"𖹻",
"𖹜":"𖹼","𖹝":"𖹽","𖹞":"𖹾","𖹟":"𖹿","𖺠":"𖺻","𖺡":"𖺼","𖺢":"𖺽","𖺣":"𖺾","𖺤":"𖺿","𖺥":"𖻀","𖺦":"𖻁","𖺧":"𖻂","𖺨":"𖻃","𖺩":"𖻄","𖺪":"𖻅",
"𖺫":"𖻆","𖺬":"𖻇","𖺭":"𖻈","𖺮":"𖻉","𖺯":"𖻊","𖺰":"𖻋","𖺱":"𖻌","𖺲":"𖻍","𖺳":"𖻎","𖺴":"𖻏","𖺵":"𖻐","𖺶":"𖻑","𖺷":"𖻒","𖺸":"𖻓",
"𛄣":"こと","𛄤":"トキ","𛄥":"トテ","𛄦":"ヨリ","𜳖":"a","𜳗":"b","𜳘":"c","𜳙":"d","𜳚":"e","𜳛":"f","𜳜":"g","𜳝":"h","𜳞":"i","𜳟":"j",
"𜳠":"k","𜳡":"l","𜳢":"m","𜳣":"n","𜳤":"o","𜳥":"p","𜳦":"q","𜳧":"r","𜳨":"s","𜳩":"t","𜳪":"u","𜳫":"v","𜳬":"w","𜳭":"x","𜳮":"y",
"𜳯":"z","𜳰":"0","𜳱":"1","𜳲":"2","𜳳":"3","𜳴":"4","𜳵":"5","𜳶":"6","𜳷":"7","𜳸":"8","𜳹":"9","𝐀":"a","𝐁":"b","𝐂":"c","𝐃":"d",
"𝐄":"e","𝐅":"f","𝐆":"g","𝐇":"h","𝐈":"i","𝐉":"j","𝐊":"k","𝐋":"l","𝐌":"m","𝐍":"n","𝐎":"o","𝐏":"p","𝐐":"q","𝐑":"r","𝐒":"s",
"𝐓":"t","𝐔":"u","𝐕":"v","𝐖":"w","𝐗":"x","𝐘":"y","𝐙":"z","𝐚":"a","𝐛":"b","𝐜":"c","𝐝":"d","𝐞":"e","𝐟":"f","𝐠":"g","𝐡":"h",
"𝐢":"i","𝐣":"j","𝐤":"k","𝐥":"l","𝐦":"m","𝐧":"n","𝐨":"o","𝐩":"p","𝐪":"q","𝐫":"r","𝐬":"s","𝐭":"t","𝐮":"u","𝐯":"v","𝐰":"w",
"𝐱":"x","𝐲":"y","𝐳":"z","𝐴":"a","𝐵":"b","𝐶":"c","𝐷":"d","𝐸":"e","𝐹":"f","𝐺":"g","𝐻":"h","𝐼":"i","𝐽":"j","𝐾":"k","𝐿":"l",
"𝑀":"m","𝑁":"n","𝑂":"o","𝑃":"p","𝑄":"q","𝑅":"r","𝑆":"s","𝑇":"t","𝑈":"u","𝑉":"v","𝑊":"w","𝑋":"x","𝑌":"y","𝑍":"z","𝑎":"a",
"𝑏":"b","𝑐":"c","𝑑":"d","𝑒":"e","𝑓":"f","𝑔":"g","𝑖":"i","𝑗":"j","𝑘":"k","𝑙":"l","𝑚":"m","𝑛":"n","𝑜":"o","𝑝":"p","𝑞":"q",
"𝑟":"r","𝑠":"s","𝑡":"t","𝑢":"u","𝑣":"v","𝑤":"w","𝑥":"x","𝑦":"y","𝑧":"z","𝑨":"a","𝑩":"b","𝑪":"c","𝑫":"d","𝑬":"e","𝑭":"f",
"𝑮":"g","𝑯":"h","𝑰":"i","𝑱":"j","𝑲":"k","𝑳":"l","𝑴":"m","𝑵":"n","𝑶":"o","𝑷":"p","𝑸":"q","𝑹":"r","𝑺":"s","𝑻":"t","𝑼":"u",
"𝑽":"v","𝑾":"w","𝑿":"x","𝒀":"y","𝒁":"z","𝒂":"a","𝒃":"b","𝒄":"c","𝒅":"d","𝒆":"e","𝒇":"f","𝒈":"g","𝒉":"h","𝒊":"i","𝒋":"j",
"𝒌":"k","𝒍":"l","𝒎":"m","𝒏":"n","𝒐":"o","𝒑":"p","𝒒":"q","𝒓":"r","𝒔":"s","𝒕":"t","𝒖":"u","𝒗":"v","𝒘":"w","𝒙":"x","𝒚":"y",
"𝒛":"z","𝒜":"a","𝒞":"c","𝒟":"d","𝒢":"g","𝒥":"j","𝒦":"k","𝒩":"n","𝒪":"o","𝒫":"p","𝒬":"q","𝒮":"s","𝒯":"t","𝒰":"u","𝒱":"v",
"𝒲":"w","𝒳":"x","𝒴":"y","𝒵":"z","𝒶":"a","𝒷":"b","𝒸":"c","𝒹":"d","𝒻":"f","𝒽":"h","𝒾":"i","𝒿":"j","𝓀":"k","𝓁":"l","𝓂":"m",
"𝓃":"n","𝓅":"p","𝓆":"q","𝓇":"r","𝓈":"s","𝓉":"t","𝓊":"u","𝓋":"v","𝓌":"w","𝓍":"x","𝓎":"y","𝓏":"z","𝓐":"a","𝓑":"b","𝓒":"c",
"𝓓":"d","𝓔":"e","𝓕":"f","𝓖":"g","𝓗":"h","𝓘":"i","𝓙":"j","𝓚":"k","𝓛":"l","𝓜":"m","𝓝":"n","𝓞":"o","𝓟":"p","𝓠":"q","𝓡":"r",
"𝓢":"s","𝓣":"t","𝓤":"u","𝓥":"v","𝓦":"w","𝓧":"x","𝓨":"y","𝓩":"z","𝓪":"a","𝓫":"b","𝓬":"c","𝓭":"d","𝓮":"e","𝓯":"f","𝓰":"g",
"𝓱":"h","𝓲":"i","𝓳":"j","𝓴":"k","𝓵":"l","𝓶":"m","𝓷":"n","𝓸":"o","𝓹":"p","𝓺":"q","𝓻":"r","𝓼":"s","𝓽":"t","𝓾":"u","𝓿":"v",
"𝔀":"w","𝔁":"x","𝔂":"y","𝔃":"z","𝔄":"a","𝔅":"b","𝔇":"d","𝔈":"e","𝔉":"f","𝔊":"g","𝔍":"j","𝔎":"k","𝔏":"l","𝔐":"m","𝔑":"n",
"𝔒":"o","𝔓":"p","𝔔":"q","𝔖":"s","𝔗":"t","𝔘":"u","𝔙":"v","𝔚":"w","𝔛":"x","𝔜":"y","𝔞":"a","𝔟":"b","𝔠":"c","𝔡":"d","𝔢":"e",
"𝔣":"f","𝔤":"g","𝔥":"h","𝔦":"i","𝔧":"j","𝔨":"k","𝔩":"l","𝔪":"m","𝔫":"n","𝔬":"o","𝔭":"p","𝔮":"q","𝔯":"r","𝔰":"s","𝔱":"t",
"𝔲":"u","𝔳":"v","𝔴":"w","𝔵":"x","𝔶":"y","𝔷":"z","𝔸":"a","𝔹":"b","𝔻":"d","𝔼":"e","𝔽":"f","𝔾":"g","𝕀":"i","𝕁":"j","𝕂":"k",
"𝕃":"l","𝕄":"m","𝕆":"o","𝕊":"s","𝕋":"t","𝕌":"u","𝕍":"v","𝕎":"w","𝕏":"x","𝕐":"y","𝕒":"a","𝕓":"b","𝕔":"c","𝕕":"d","𝕖":"e",
"𝕗":"f","𝕘":"g","𝕙":"h","𝕚":"i","𝕛":"j","𝕜":"k","𝕝":"l","𝕞":"m","𝕟":"n","𝕠":"o","𝕡":"p","𝕢":"q","𝕣":"r","𝕤":"s","𝕥":"t",
"𝕦":"u","𝕧":"v","𝕨":"w","𝕩":"x","𝕪":"y","𝕫":"z","𝕬":"a","𝕭":"b","𝕮":"c","𝕯":"d","𝕰":"e","𝕱":"f","𝕲":"g","𝕳":"h","𝕴":"i",
"𝕵":"j","𝕶":"k","𝕷":"l","𝕸":"m","𝕹":"n","𝕺":"o","𝕻":"p","𝕼":"q","𝕽":"r","𝕾":"s","𝕿":"t","𝖀":"u","𝖁":"v","𝖂":"w","𝖃":"x",
"𝖄":"y","𝖅":"z","𝖆":"a","𝖇":"b","𝖈":"c","𝖉":"d","𝖊":"e","𝖋":"f","𝖌":"g","𝖍":"h","𝖎":"i","𝖏":"j","𝖐":"k","𝖑":"l","𝖒":"m",
"𝖓":"n","𝖔":"o","𝖕":"p","𝖖":"q","𝖗":"r","𝖘":"s","𝖙":"t","𝖚":"u","𝖛":"v","𝖜":"w","𝖝":"x","𝖞":"y","𝖟":"z","𝖠":"a","𝖡":"b",
"𝖢":"c","𝖣":"d","𝖤":"e","𝖥":"f","𝖦":"g","𝖧":"h","𝖨":"i","𝖩":"j","𝖪":"k","𝖫":"l","𝖬":"m","𝖭":"n","𝖮":"o","𝖯":"p","𝖰":"q",
"𝖱":"r","𝖲":"s","𝖳":"t","𝖴":"u","𝖵":"v","𝖶":"w","𝖷":"x","𝖸":"y","𝖹":"z","𝖺":"a","𝖻":"b","𝖼":"c","𝖽":"d","𝖾":"e","𝖿":"f",
"𝗀":"g","𝗁":"h","𝗂":"i","𝗃":"j","𝗄":"k","𝗅":"l","𝗆":"m","𝗇":"n","𝗈":"o","𝗉":"p","𝗊":"q","𝗋":"r","𝗌":"s","𝗍":"t","𝗎":"u",
"𝗏":"v","𝗐":"w","𝗑":"x","𝗒":"y","𝗓":"z","𝗔":"a","𝗕":"b","𝗖":"c","𝗗":"d","𝗘":"e","𝗙":"f","𝗚":"g","𝗛":"h","𝗜":"i","𝗝":"j",
"𝗞":"k","𝗟":"l","𝗠":"m","𝗡":"n","𝗢":"o","𝗣":"p","𝗤":"q","𝗥":"r","𝗦":"s","𝗧":"t","𝗨":"u","𝗩":"v","𝗪":"w","𝗫":"x","𝗬":"y",
"𝗭":"z","𝗮":"a","𝗯":"b","𝗰":"c","𝗱":"d","𝗲":"e","𝗳":"f","𝗴":"g","𝗵":"h","𝗶":"i","𝗷":"j","𝗸":"k","𝗹":"l","𝗺":"m","𝗻":"n",
"𝗼":"o","𝗽":"p","𝗾":"q","𝗿":"r","𝘀":"s","𝘁":"t","𝘂":"u","𝘃":"v","𝘄":"w","𝘅":"x","𝘆":"y","𝘇":"z","𝘈":"a","𝘉":"b","𝘊":"c",
"𝘋":"d","𝘌":"e","𝘍":"f","𝘎":"g","𝘏":"h","𝘐":"i","𝘑":"j","𝘒":"k","𝘓":"l","𝘔":"m","𝘕":"n","𝘖":"o","𝘗":"p","𝘘":"q","𝘙":"r",
"𝘚":"s","𝘛":"t","𝘜":"u","𝘝":"v","𝘞":"w","𝘟":"x","𝘠":"y","𝘡":"z","𝘢":"a","𝘣":"b","𝘤":"c","𝘥":"d","𝘦":"e","𝘧":"f","𝘨":"g",
"𝘩":"h","𝘪":"i","𝘫":"j","𝘬":"k","𝘭":"l","𝘮":"m","𝘯":"n","𝘰":"o","𝘱":"p","𝘲":"q","𝘳":"r","𝘴":"s","𝘵":"t","𝘶":"u","𝘷":"v",
"𝘸":"w","𝘹":"x","𝘺":"y","𝘻":"z","𝘼":"a","𝘽":"b","𝘾":"c","𝘿":"d","𝙀":"e","𝙁":"f","𝙂":"g","𝙃":"h","𝙄":"i","𝙅":"j","𝙆":"k",
"𝙇":"l","𝙈":"m","𝙉":"n","𝙊":"o","𝙋":"p","𝙌":"q","𝙍":"r","𝙎":"s","𝙏":"t","𝙐":"u","𝙑":"v","𝙒":"w","𝙓":"x","𝙔":"y","𝙕":"z",
"𝙖":"a","𝙗":"b","𝙘":"c","𝙙":"d","𝙚":"e","𝙛":"f","𝙜":"g","𝙝":"h","𝙞":"i","𝙟":"j","𝙠":"k","𝙡":"l","𝙢":"m","𝙣":"n","𝙤":"o",
"𝙥":"p","𝙦":"q","𝙧":"r","𝙨":"s","𝙩":"t","𝙪":"u","𝙫":"v","𝙬":"w","𝙭":"x","𝙮":"y","𝙯":"z","𝙰":"a","𝙱":"b","𝙲":"c","𝙳":"d",
"𝙴":"e","𝙵":"f","𝙶":"g","𝙷":"h","𝙸":"i","𝙹":"j","𝙺":"k","𝙻":"l","𝙼":"m","𝙽":"n","𝙾":"o","𝙿":"p","𝚀":"q","𝚁":"r","𝚂":"s",
"𝚃":"t","𝚄":"u","𝚅":"v","𝚆":"w","𝚇":"x","𝚈":"y","𝚉":"z","𝚊":"a","𝚋":"b","𝚌":"c","𝚍":"d","𝚎":"e","𝚏":"f","𝚐":"g","𝚑":"h",
"𝚒":"i","𝚓":"j","𝚔":"k","𝚕":"l","𝚖":"m","𝚗":"n","𝚘":"o","𝚙":"p","𝚚":"q","𝚛":"r","𝚜":"s","𝚝":"t","𝚞":"u","𝚟":"v","𝚠":"w",
"𝚡":"x","𝚢":"y","𝚣":"z","𝚤":"i","𝚥":"ȷ","𝚦":"ss","𝚨":"α","𝚩":"β","𝚪":"γ","𝚫":"δ","𝚬":"ε","𝚭":"ζ","𝚮":"η","𝚯":"θ",
"𝚰":"ι","𝚱":"κ","𝚲":"λ","𝚳":"μ","𝚴":"ν","𝚵":"ξ","𝚶":"ο","𝚷":"π","𝚸":"ρ","𝚹":"θ","𝚺":"σ","𝚻":"τ","𝚼":"υ","𝚽":"φ","𝚾":"χ",
"𝚿":"ψ","𝛀":"ω","𝛂":"α","𝛃":"β","𝛄":"γ","𝛅":"δ","𝛆":"ε","𝛇":"ζ","𝛈":"η","𝛉":"θ","𝛊":"ι","𝛋":"κ","𝛌":"λ","𝛍":"μ","𝛎":"ν",
"𝛏":"ξ","𝛐":"ο","𝛑":"π","𝛒":"ρ","𝛓":"σ","𝛔":"σ","𝛕":"τ","𝛖":"υ","𝛗":"φ","𝛘":"χ","𝛙":"ψ","𝛚":"ω","𝛜":"ε","𝛝":"θ","𝛞":"κ",
"𝛟":"φ","𝛠":"ρ","𝛡":"π","𝛢":"α","𝛣":"β","𝛤":"γ","𝛥":"δ","𝛦":"ε","𝛧":"ζ","𝛨":"η","𝛩":"θ","𝛪":"ι","𝛫":"κ","𝛬":"λ","𝛭":"μ",
"𝛮":"ν","𝛯":"ξ","𝛰":"ο","𝛱":"π","𝛲":"ρ","𝛳":"θ","𝛴":"σ","𝛵":"τ","𝛶":"υ","𝛷":"φ","𝛸":"χ","𝛹":"ψ","𝛺":"ω","𝛼":"α","𝛽":"β",
"𝛾":"γ","𝛿":"δ","𝜀":"ε","𝜁":"ζ","𝜂":"η","𝜃":"θ","𝜄":"ι","𝜅":"κ","𝜆":"λ","𝜇":"μ","𝜈":"ν","𝜉":"ξ","𝜊":"ο","𝜋":"π","𝜌":"ρ",
"𝜍":"σ","𝜎":"σ","𝜏":"τ","𝜐":"υ","𝜑":"φ","𝜒":"χ","𝜓":"ψ","𝜔":"ω","𝜖":"ε","𝜗":"θ","𝜘":"κ","𝜙":"φ","𝜚":"ρ","𝜛":"π","𝜜":"α",
"𝜝":"β","𝜞":"γ","𝜟":"δ","𝜠":"ε","𝜡":"ζ","𝜢":"η","𝜣":"θ","𝜤":"ι","𝜥":"κ","𝜦":"λ","𝜧":"μ","𝜨":"ν","𝜩":"ξ","𝜪":"ο","𝜫":"π",
"𝜬":"ρ","𝜭":"θ","𝜮":"σ","𝜯":"τ","𝜰":"υ","𝜱":"φ","𝜲":"χ","𝜳":"ψ","𝜴":"ω","𝜶":"α","𝜷":"β","𝜸":"γ","𝜹":"δ","𝜺":"ε","𝜻":"ζ",
"𝜼":"η","𝜽":"θ","𝜾":"ι","𝜿":"κ","𝝀":"λ","𝝁":"μ","𝝂":"ν","𝝃":"ξ","𝝄":"ο","𝝅":"π","𝝆":"ρ","𝝇":"σ","𝝈":"σ","𝝉":"τ","𝝊":"υ",
"𝝋":"φ","𝝌":"χ","𝝍":"ψ","𝝎":"ω","𝝐":"ε","𝝑":"θ","𝝒":"κ","𝝓":"φ","𝝔":"ρ","𝝕":"π","𝝖":"α","𝝗":"β","𝝘":"γ","𝝙":"δ","𝝚":"ε",
"𝝛":"ζ","𝝜":"η","𝝝":"θ","𝝞":"ι","𝝟":"κ","𝝠":"λ","𝝡":"μ","𝝢":"ν","𝝣":"ξ","𝝤":"ο","𝝥":"π","𝝦":"ρ","𝝧":"θ","𝝨":"σ","𝝩":"τ",
"𝝪":"υ","𝝫":"φ","𝝬":"χ","𝝭":"ψ","𝝮":"ω","𝝰":"α","𝝱":"β","𝝲":"γ","𝝳":"δ","𝝴":"ε","𝝵":"ζ","𝝶":"η","𝝷":"θ","𝝸":"ι","𝝹":"κ",
"𝝺":"λ","𝝻":"μ","𝝼":"ν","𝝽":"ξ","𝝾":"ο","𝝿":"π","𝞀":"ρ","𝞁":"σ","𝞂":"σ","𝞃":"τ","𝞄":"υ","𝞅":"φ","𝞆":"χ","𝞇":"ψ","𝞈":"ω",
"𝞊":"ε","𝞋":"θ","𝞌":"κ","𝞍":"φ","𝞎":"ρ","𝞏":"π","𝞐":"α","𝞑":"β","𝞒":"γ","𝞓":"δ","𝞔":"ε","𝞕":"ζ","𝞖":"η","𝞗":"θ","𝞘":"ι",
"𝞙":"κ","𝞚":"λ","𝞛":"μ","𝞜":"ν","𝞝":"ξ","𝞞":"ο","𝞟":"π","𝞠":"ρ","𝞡":"θ","𝞢":"σ","𝞣":"τ","𝞤":"υ","𝞥":"φ","𝞦":"χ","𝞧":"ψ",
"𝞨":"ω","𝞪":"α","𝞫":"β","𝞬":"γ","𝞭":"δ","𝞮":"ε","𝞯":"ζ","𝞰":"η","𝞱":"θ","𝞲":"ι","𝞳":"κ","𝞴":"λ","𝞵":"μ","𝞶":"ν","𝞷":"ξ",
"𝞸":"ο","𝞹":"π","𝞺":"ρ","𝞻":"σ","𝞼":"σ","𝞽":"τ","𝞾":"υ","𝞿":"φ","𝟀":"χ","𝟁":"ψ","𝟂":"ω","𝟄":"ε","𝟅":"θ","𝟆":"κ","𝟇":"φ",
"𝟈":"ρ","𝟉":"π","𝟊":"ϝ","𝟋":"ϝ","𝟎":"0","𝟏":"1","𝟐":"2","𝟑":"3","𝟒":"4","𝟓":"5","𝟔":"6","𝟕":"7","𝟖":"8","𝟗":"9","𝟘":"0",
"𝟙":"1","𝟚":"2","𝟛":"3","𝟜":"4","𝟝":"5","𝟞":"6","𝟟":"7","𝟠":"8","𝟡":"9","𝟢":"0","𝟣":"1","𝟤":"2","𝟥":"3","𝟦":"4","𝟧":"5",
"𝟨":"6","𝟩":"7","𝟪":"8","𝟫":"9","𝟬":"0","𝟭":"1","𝟮":"2","𝟯":"3","𝟰":"4","𝟱":"5","𝟲":"6","𝟳":"7","𝟴":"8","𝟵":"9","𝟶":"0",
"𝟷":"1","𝟸":"2","𝟹":"3","𝟺":"4","𝟻":"5","𝟼":"6","𝟽":"7","𝟾":"8","𝟿":"9","𝾕":"ss","𝿐":"ɣ","𝿑":"ᴘ","𝿒":"ƀ","𝿓":"đ",
"𝿔":"ǥ","𝿕":"ł","𝿖":"ƚ","𝿙":"ɉ","𝿚":"ᵿ","𝿜":"ƞ","𝿝":"ɼ","𝿞":"ȸ","𝿟":"ȹ","𝿡":"𝼙","𝿢":"ʆ","𝿣":"ᶘ","𝿥":"𝼜","𝿦":"ʓ","𝿧":"ᶚ",
"𝿨":"ᴅ","𝿩":"ᴀ","𝿪":"ᴇ","𝿫":"ɿ","𝿬":"ʅ","𝿭":"ʮ","𝿮":"ʯ","𝿯":"ȡ","𝿰":"ȴ","𝿱":"ȵ","𝿲":"ȶ","𝿳":"ψ","𝿴":"ω","𝿵":"ᶁ","𝿶":"ꞕ",
"𝿷":"ᶇ","𝿸":"ᶊ","𝿹":"ᶎ","𝿺":"ƈ","𝿻":"ƙ","𝿼":"ƥ","𝿽":"ʠ","𝿾":"ƭ","𝿿":"𝼉","𞀰":"а","𞀱":"б","𞀲":"в","𞀳":"г","𞀴":"д","𞀵":"е",
"𞀶":"ж","𞀷":"з","𞀸":"и","𞀹":"к","𞀺":"л","𞀻":"м","𞀼":"о","𞀽":"п","𞀾":"р","𞀿":"с","𞁀":"т","𞁁":"у","𞁂":"ф","𞁃":"х","𞁄":"ц",
"𞁅":"ч","𞁆":"ш","𞁇":"ы","𞁈":"э","𞁉":"ю","𞁊":"ꚉ","𞁋":"ә","𞁌":"і","𞁍":"ј","𞁎":"ө","𞁏":"ү","𞁐":"ӏ","𞁑":"а","𞁒":"б","𞁓":"в",
"𞁔":"г","𞁕":"д","𞁖":"е","𞁗":"ж","𞁘":"з","𞁙":"и","𞁚":"к","𞁛":"л","𞁜":"о","𞁝":"п","𞁞":"с","𞁟":"у","𞁠":"ф","𞁡":"х","𞁢":"ц",
"𞁣":"ч","𞁤":"ш","𞁥":"ъ","𞁦":"ы","𞁧":"ґ","𞁨":"і","𞁩":"ѕ","𞁪":"џ","𞁫":"ҫ","𞁬":"ꙑ","𞁭":"ұ","𞤀":"𞤢","𞤁":"𞤣","𞤂":"𞤤","𞤃":"𞤥",
"𞤄":"𞤦","𞤅":"𞤧","𞤆":"𞤨","𞤇":"𞤩","𞤈":"𞤪","𞤉":"𞤫","𞤊":"𞤬","𞤋":"𞤭","𞤌":"𞤮","𞤍":"𞤯","𞤎":"𞤰","𞤏":"𞤱","𞤐":"𞤲","𞤑":"𞤳","𞤒":"𞤴",
"𞤓":"𞤵","𞤔":"𞤶","𞤕":"𞤷","𞤖":"𞤸","𞤗":"𞤹","𞤘":"𞤺","𞤙":"𞤻","𞤚":"𞤼","𞤛":"𞤽","𞤜":"𞤾","𞤝":"𞤿","𞤞":"𞥀","𞤟":"𞥁","𞤠":"𞥂","𞤡":"𞥃",
"𞸀":"ا","𞸁":"ب","𞸂":"ج","𞸃":"د","𞸅":"و","𞸆":"ز","𞸇":"ح","𞸈":"ط","𞸉":"ي","𞸊":"ك","𞸋":"ل","𞸌":"م","𞸍":"ن","𞸎":"س","𞸏":"ع",
"𞸐":"ف","𞸑":"ص","𞸒":"ق","𞸓":"ر","𞸔":"ش","𞸕":"ت","𞸖":"ث","𞸗":"خ","𞸘":"ذ","𞸙":"ض","𞸚":"ظ","𞸛":"غ","𞸜":"ٮ","𞸝":"ں","𞸞":"ڡ",
"𞸟":"ٯ","𞸡":"ب","𞸢":"ج","𞸤":"ه","𞸧":"ح","𞸩":"ي","𞸪":"ك","𞸫":"ل","𞸬":"م","𞸭":"ن","𞸮":"س","𞸯":"ع","𞸰":"ف","𞸱":"ص","𞸲":"ق",
"𞸴":"ش","𞸵":"ت","𞸶":"ث","𞸷":"خ","𞸹":"ض","𞸻":"غ","𞹂":"ج","𞹇":"ح","𞹉":"ي","𞹋":"ل","𞹍":"ن","𞹎":"س","𞹏":"ع","𞹑":"ص","𞹒":"ق",
"𞹔":"ش","𞹗":"خ","𞹙":"ض","𞹛":"غ","𞹝":"ں","𞹟":"ٯ","𞹡":"ب","𞹢":"ج","𞹤":"ه","𞹧":"ح","𞹨":"ط","𞹩":"ي","𞹪":"ك","𞹬":"م","𞹭":"ن",
"𞹮":"س","𞹯":"ع","𞹰":"ف","𞹱":"ص","𞹲":"ق","𞹴":"ش","𞹵":"ت","𞹶":"ث","𞹷":"خ","𞹹":"ض","𞹺":"ظ","𞹻":"غ","𞹼":"ٮ","𞹾":"ڡ","𞺀":"ا",
"𞺁":"ب","𞺂":"ج","𞺃":"د","𞺄":"ه","𞺅":"و","𞺆":"ز","𞺇":"ح","𞺈":"ط","𞺉":"ي","𞺋":"ل","𞺌":"م","𞺍":"ن","𞺎":"س","𞺏":"ع","𞺐":"ف",
"𞺑":"ص","𞺒":"ق","𞺓":"ر","𞺔":"ش","𞺕":"ت","𞺖":"ث","𞺗":"خ","𞺘":"ذ","𞺙":"ض","𞺚":"ظ","𞺛":"غ","𞺡":"ب","𞺢":"ج","𞺣":"د","𞺥":"و",
"𞺦":"ز","𞺧":"ح","𞺨":"ط","𞺩":"ي","𞺫":"ل","𞺬":"م","𞺭":"ن","𞺮":"س","𞺯":"ع","𞺰":"ف","𞺱":"ص","𞺲":"ق","𞺳":"ر","𞺴":"ش","𞺵":"ت",
"𞺶":"ث","𞺷":"خ","𞺸":"ذ","𞺹":"ض","𞺺":"ظ","𞺻":"غ","🄀":"0 ","🄁":"0 ","🄂":"1 ","🄃":"2 ","🄄":"3 ","🄅":"4 ","🄆":"5 ","🄇":"6 ",
"🄈":"7 ","🄉":"8 ","🄊":"9 ","🄐":" a ","🄑":" b ","🄒":" c ","🄓":" d ","🄔":" e ","🄕":" f ","🄖":" g ","🄗":" h ","🄘":" i ",
"🄙":" j ","🄚":" k ","🄛":" l ","🄜":" m ","🄝":" n ","🄞":" o ","🄟":" p ","🄠":" q ","🄡":" r ","🄢":" s ","🄣":" t ","🄤":" u ",
"🄥":" v ","🄦":" w ","🄧":" x ","🄨":" y ","🄩":" z ","🄪":" s ","🄫":"c","🄬":"r","🄭":"cd","🄮":"wz","🄰":"a","🄱":"b","🄲":"c",
"🄳":"d","🄴":"e","🄵":"f","🄶":"g","🄷":"h","🄸":"i","🄹":"j","🄺":"k","🄻":"l","🄼":"m","🄽":"n","🄾":"o","🄿":"p","🅀":"q","🅁":"r",
"🅂":"s","🅃":"t","🅄":"u","🅅":"v","🅆":"w","🅇":"x","🅈":"y","🅉":"z","🅊":"hv","🅋":"mv","🅌":"sd","🅍":"ss","🅎":"ppv","🅏":"wc",
"🅪":"mc","🅫":"md","🅬":"mr","🆐":"dj","🈀":"ほか","🈁":"ココ","🈂":"サ","🈐":"手","🈑":"字","🈒":"双","🈓":"テ","🈔":"二","🈕":"多","🈖":"解",
"🈗":"天","🈘":"交","🈙":"映","🈚":"無","🈛":"料","🈜":"前","🈝":"後","🈞":"再","🈟":"新","🈠":"初","🈡":"終","🈢":"生","🈣":"販","🈤":"声","🈥":"吹",
"🈦":"演","🈧":"投","🈨":"捕","🈩":"一","🈪":"三","🈫":"遊","🈬":"左","🈭":"中","🈮":"右","🈯":"指","🈰":"走","🈱":"打","🈲":"禁","🈳":"空","🈴":"合",
"🈵":"満","🈶":"有","🈷":"月","🈸":"申","🈹":"割","🈺":"営","🈻":"配","🉀":" 本 ","🉁":" 三 ","🉂":" 二 ","🉃":" 安 ","🉄":" 点 ","🉅":" 打 ",
"🉆":" 盗 ","🉇":" 勝 ","🉈":" 敗 ","🉐":"得","🉑":"可","🯰":"0","🯱":"1","🯲":"2","🯳":"3","🯴":"4","🯵":"5","🯶":"6","🯷":"7","🯸":"8",
"🯹":"9","丽":"丽","丸":"丸","乁":"乁","𠄢":"𠄢","你":"你","侮":"侮","侻":"侻","倂":"倂","偺":"偺","備":"備","僧":"僧","像":"像","㒞":"㒞","𠘺":"𠘺",
"免":"免","兔":"兔","兤":"兤","具":"具","𠔜":"𠔜","㒹":"㒹","內":"內","再":"再","𠕋":"𠕋","冗":"冗","冤":"冤","仌":"仌","冬":"冬","况":"况","𩇟":"𩇟",
"凵":"凵","刃":"刃","㓟":"㓟","刻":"刻","剆":"剆","割":"割","剷":"剷","㔕":"㔕","勇":"勇","勉":"勉","勤":"勤","勺":"勺","包":"包","匆":"匆","北":"北",
"卉":"卉","卑":"卑","博":"博","即":"即","卽":"卽","卿":"卿","卿":"卿","卿":"卿","𠨬":"𠨬","灰":"灰","及":"及","叟":"叟","𠭣":"𠭣","叫":"叫","叱":"叱",
"吆":"吆","咞":"咞","吸":"吸","呈":"呈","周":"周","咢":"咢","哶":"哶","唐":"唐","啓":"啓","啣":"啣","善":"善","善":"善","喙":"喙","喫":"喫","喳":"喳",
"嗂":"嗂","圖":"圖","嘆":"嘆","圗":"圗","噑":"噑","噴":"噴","切":"切","壮":"壮","城":"城","埴":"埴","堍":"堍","型":"型","堲":"堲","報":"報","墬":"墬",
"𡓤":"𡓤","売":"売","壷":"壷","夆":"夆","多":"多","夢":"夢","奢":"奢","𡚨":"𡚨","𡛪":"𡛪","姬":"姬","娛":"娛","娧":"娧","姘":"姘","婦":"婦","㛮":"㛮",
"㛼":"㛼","嬈":"嬈","嬾":"嬾","嬾":"嬾","𡧈":"𡧈","寃":"寃","寘":"寘","寧":"寧","寳":"寳","𡬘":"𡬘","寿":"寿","将":"将","当":"当","尢":"尢","㞁":"㞁",
"屠":"屠","屮":"屮","峀":"峀","岍":"岍","𡷤":"𡷤","嵃":"嵃","𡷦":"𡷦","嵮":"嵮","嵫":"嵫","嵼":"嵼","巡":"巡","巢":"巢","㠯":"㠯","巽":"巽","帨":"帨",
"帽":"帽","幩":"幩","㡢":"㡢","𢆃":"𢆃","㡼":"㡼","庰":"庰","庳":"庳","庶":"庶","廊":"廊","𪎒":"𪎒","廾":"廾","𢌱":"𢌱","𢌱":"𢌱","舁":"舁","弢":"弢",
"弢":"弢","㣇":"㣇","𣊸":"𣊸","𦇚":"𦇚","形":"形","彫":"彫","㣣":"㣣","徚":"徚","忍":"忍","志":"志","忹":"忹","悁":"悁","㤺":"㤺","㤜":"㤜","悔":"悔",
"𢛔":"𢛔","惇":"惇","慈":"慈","慌":"慌","慎":"慎","慌":"慌","慺":"慺","憎":"憎","憲":"憲","憤":"憤","憯":"憯","懞":"懞","懲":"懲","懶":"懶","成":"成",
"戛":"戛","扝":"扝","抱":"抱","拔":"拔","捐":"捐","𢬌":"𢬌","挽":"挽","拼":"拼","捨":"捨","掃":"掃","揤":"揤","𢯱":"𢯱","搢":"搢","揅":"揅","掩":"掩",
"㨮":"㨮","摩":"摩","摾":"摾","撝":"撝","摷":"摷","㩬":"㩬","敏":"敏","敬":"敬","𣀊":"𣀊","旣":"旣","書":"書","晉":"晉","㬙":"㬙","暑":"暑","㬈":"㬈",
"㫤":"㫤","冒":"冒","冕":"冕","最":"最","暜":"暜","肭":"肭","䏙":"䏙","朗":"朗","望":"望","朡":"朡","杞":"杞","杓":"杓","𣏃":"𣏃","㭉":"㭉","柺":"柺",
"枅":"枅","桒":"桒","梅":"梅","𣑭":"𣑭","梎":"梎","栟":"栟","椔":"椔","㮝":"㮝","楂":"楂","榣":"榣","槪":"槪","檨":"檨","𣚣":"𣚣","櫛":"櫛","㰘":"㰘",
"次":"次","𣢧":"𣢧","歔":"歔","㱎":"㱎","歲":"歲","殟":"殟","殺":"殺","殻":"殻","𣪍":"𣪍","𡴋":"𡴋","𣫺":"𣫺","汎":"汎","𣲼":"𣲼","沿":"沿","泍":"泍",
"汧":"汧","洖":"洖","派":"派","海":"海","流":"流","浩":"浩","浸":"浸","涅":"涅","𣴞":"𣴞","洴":"洴","港":"港","湮":"湮","㴳":"㴳","滋":"滋","滇":"滇",
"𣻑":"𣻑","淹":"淹","潮":"潮","𣽞":"𣽞","𣾎":"𣾎","濆":"濆","瀹":"瀹","瀞":"瀞","瀛":"瀛","㶖":"㶖","灊":"灊","災":"災","灷":"灷","炭":"炭","𠔥":"𠔥",
"煅":"煅","𤉣":"𤉣","熜":"熜","𤎫":"𤎫","爨":"爨","爵":"爵","牐":"牐","𤘈":"𤘈","犀":"犀","犕":"犕","𤜵":"𤜵","𤠔":"𤠔","獺":"獺","王":"王","㺬":"㺬",
"玥":"玥","㺸":"㺸","㺸":"㺸","瑇":"瑇","瑜":"瑜","瑱":"瑱","璅":"璅","瓊":"瓊","㼛":"㼛","甤":"甤","𤰶":"𤰶","甾":"甾","𤲒":"𤲒","異":"異","𢆟":"𢆟",
"瘐":"瘐","𤾡":"𤾡","𤾸":"𤾸","𥁄":"𥁄","㿼":"㿼","䀈":"䀈","直":"直","𥃳":"𥃳","𥃲":"𥃲","𥄙":"𥄙","𥄳":"𥄳","眞":"眞","真":"真","真":"真","睊":"睊",
"䀹":"䀹","瞋":"瞋","䁆":"䁆","䂖":"䂖","𥐝":"𥐝","硎":"硎","碌":"碌","磌":"磌","䃣":"䃣","𥘦":"𥘦","祖":"祖","𥚚":"𥚚","𥛅":"𥛅","福":"福","秫":"秫",
"䄯":"䄯","穀":"穀","穊":"穊","穏":"穏","𥥼":"𥥼","𥪧":"𥪧","𥪧":"𥪧","竮":"竮","䈂":"䈂","𥮫":"𥮫","篆":"篆","築":"築","䈧":"䈧","𥲀":"𥲀","糒":"糒",
"䊠":"䊠","糨":"糨","糣":"糣","紀":"紀","𥾆":"𥾆","絣":"絣","䌁":"䌁","緇":"緇","縂":"縂","繅":"繅","䌴":"䌴","𦈨":"𦈨","𦉇":"𦉇","䍙":"䍙","𦋙":"𦋙",
"罺":"罺","𦌾":"𦌾","羕":"羕","翺":"翺","者":"者","𦓚":"𦓚","𦔣":"𦔣","聠":"聠","𦖨":"𦖨","聰":"聰","𣍟":"𣍟","䏕":"䏕","育":"育","脃":"脃","䐋":"䐋",
"脾":"脾","媵":"媵","𦞧":"𦞧","𦞵":"𦞵","𣎓":"𣎓","𣎜":"𣎜","舁":"舁","舄":"舄","辞":"辞","䑫":"䑫","芑":"芑","芋":"芋","芝":"芝","劳":"劳","花":"花",
"芳":"芳","芽":"芽","苦":"苦","𦬼":"𦬼","若":"若","茝":"茝","荣":"荣","莭":"莭","茣":"茣","莽":"莽","菧":"菧","著":"著","荓":"荓","菊":"菊","菌":"菌",
"菜":"菜","𦰶":"𦰶","𦵫":"𦵫","𦳕":"𦳕","䔫":"䔫","蓱":"蓱","蓳":"蓳","蔖":"蔖","𧏊":"𧏊","蕤":"蕤","𦼬":"𦼬","䕝":"䕝","䕡":"䕡","𦾱":"𦾱","𧃒":"𧃒",
"䕫":"䕫","虐":"虐","虜":"虜","虧":"虧","虩":"虩","蚩":"蚩","蚈":"蚈","蜎":"蜎","蛢":"蛢","蝹":"蝹","蜨":"蜨","蝫":"蝫","螆":"螆","䗗":"䗗","蟡":"蟡",
"蠁":"蠁","䗹":"䗹","衠":"衠","衣":"衣","𧙧":"𧙧","裗":"裗","裞":"裞","䘵":"䘵","裺":"裺","㒻":"㒻","𧢮":"𧢮","𧥦":"𧥦","䚾":"䚾","䛇":"䛇","誠":"誠",
"諭":"諭","變":"變","豕":"豕","𧲨":"𧲨","貫":"貫","賁":"賁","贛":"贛","起":"起","𧼯":"𧼯","𠠄":"𠠄","跋":"跋","趼":"趼","跰":"跰","𠣞":"𠣞","軔":"軔",
"輸":"輸","𨗒":"𨗒","𨗭":"𨗭","邔":"邔","郱":"郱","鄑":"鄑","𨜮":"𨜮","鄛":"鄛","鈸":"鈸","鋗":"鋗","鋘":"鋘","鉼":"鉼","鏹":"鏹","鐕":"鐕","𨯺":"𨯺",
"開":"開","䦕":"䦕","閷":"閷","𨵷":"𨵷","䧦":"䧦","雃":"雃","嶲":"嶲","霣":"霣","𩅅":"𩅅","𩈚":"𩈚","䩮":"䩮","䩶":"䩶","韠":"韠","𩐊":"𩐊","䪲":"䪲",
"𩒖":"𩒖","頋":"頋","頋":"頋","頩":"頩","𩖶":"𩖶","飢":"飢","䬳":"䬳","餩":"餩","馧":"馧","駂":"駂","駾":"駾","䯎":"䯎","𩬰":"𩬰","鬒":"鬒","鱀":"鱀",
"鳽":"鳽","䳎":"䳎","䳭":"䳭","鵧":"鵧","𪃎":"𪃎","䳸":"䳸","𪄅":"𪄅","𪈎":"𪈎","𪊑":"𪊑","麻":"麻","䵖":"䵖","黹":"黹","黾":"黾","鼅":"鼅","鼏":"鼏",
"鼖":"鼖","鼻":"鼻","𪘀":"𪘀"
}'::jsonb ->> c.letter,
                c.letter),
            '' order by c.place)
        into words
        from unnest(string_to_array(words, null)) with ordinality as c (letter, place);
        words := regexp_replace(coalesce(words, ''), e'[^\\u0030-\\u0039\\u0061-\\u007a\\u00df\\u00e6\\u00f0\\u00f8\\u00fe\\u0111\\u0127\\u0138\\u0142\\u014b\\u0153\\u0167\\u0180\\u0183\\u0185\\u0188\\u018c-\\u018d\\u0192\\u0195\\u0199-\\u019b\\u019e\\u01a3\\u01a5\\u01a8\\u01aa-\\u01ab\\u01ad\\u01b4\\u01b6\\u01b9-\\u01bb\\u01bd-\\u01c3\\u01dd\\u01e5\\u021d\\u0221\\u0223\\u0225\\u0234-\\u0239\\u023c\\u023f-\\u0240\\u0242\\u0247\\u0249\\u024b\\u024d\\u024f-\\u02af\\u02b9-\\u02c1\\u02c6-\\u02d1\\u02ec\\u02ee\\u0371\\u0373\\u0377\\u037b-\\u037d\\u03b1-\\u03c1\\u03c3-\\u03c9\\u03d7\\u03d9\\u03db\\u03dd\\u03df\\u03e1\\u03e3\\u03e5\\u03e7\\u03e9\\u03eb\\u03ed\\u03ef\\u03f3\\u03f8\\u03fb-\\u03fc\\u0430-\\u0438\\u043a-\\u044f\\u0452\\u0454-\\u0456\\u0458-\\u045b\\u045f\\u0461\\u0463\\u0465\\u0467\\u0469\\u046b\\u046d\\u046f\\u0471\\u0473\\u0475\\u0479\\u047b\\u047d\\u047f\\u0481\\u048b\\u048d\\u048f\\u0491\\u0493\\u0495\\u0497\\u0499\\u049b\\u049d\\u049f\\u04a1\\u04a3\\u04a5\\u04a7\\u04a9\\u04ab\\u04ad\\u04af\\u04b1\\u04b3\\u04b5\\u04b7\\u04b9\\u04bb\\u04bd\\u04bf\\u04c4\\u04c6\\u04c8\\u04ca\\u04cc\\u04ce-\\u04cf\\u04d5\\u04d9\\u04e1\\u04e9\\u04f7\\u04fb\\u04fd\\u04ff\\u0501\\u0503\\u0505\\u0507\\u0509\\u050b\\u050d\\u050f\\u0511\\u0513\\u0515\\u0517\\u0519\\u051b\\u051d\\u051f\\u0521\\u0523\\u0525\\u0527\\u0529\\u052b\\u052d\\u052f\\u0559\\u0560-\\u0586\\u0588\\u05d0-\\u05ea\\u05ef-\\u05f2\\u0620-\\u0621\\u0627-\\u064a\\u0660-\\u0669\\u066e-\\u066f\\u0671-\\u0674\\u0679-\\u06bf\\u06c1\\u06c3-\\u06d2\\u06d5\\u06e5-\\u06e6\\u06ee-\\u06fc\\u06ff\\u0710\\u0712-\\u072f\\u074d-\\u07a5\\u07b1\\u07c0-\\u07ea\\u07f4-\\u07f5\\u07fa\\u0800-\\u0815\\u081a\\u0824\\u0828\\u0840-\\u0858\\u0860-\\u086a\\u0870-\\u0887\\u0889-\\u088f\\u08a0-\\u08c9\\u0904-\\u0928\\u092a-\\u0930\\u0932-\\u0933\\u0935-\\u0939\\u093d\\u0950\\u0960-\\u0961\\u0966-\\u096f\\u0971-\\u0980\\u0985-\\u098c\\u098f-\\u0990\\u0993-\\u09a8\\u09aa-\\u09b0\\u09b2\\u09b6-\\u09b9\\u09bd\\u09ce\\u09e0-\\u09e1\\u09e6-\\u09f1\\u09f4-\\u09f9\\u09fc\\u0a05-\\u0a0a\\u0a0f-\\u0a10\\u0a13-\\u0a28\\u0a2a-\\u0a30\\u0a32\\u0a35\\u0a38-\\u0a39\\u0a5c\\u0a66-\\u0a6f\\u0a72-\\u0a74\\u0a85-\\u0a8d\\u0a8f-\\u0a91\\u0a93-\\u0aa8\\u0aaa-\\u0ab0\\u0ab2-\\u0ab3\\u0ab5-\\u0ab9\\u0abd\\u0ad0\\u0ae0-\\u0ae1\\u0ae6-\\u0aef\\u0af9\\u0b05-\\u0b0c\\u0b0f-\\u0b10\\u0b13-\\u0b28\\u0b2a-\\u0b30\\u0b32-\\u0b33\\u0b35-\\u0b39\\u0b3d\\u0b5f-\\u0b61\\u0b66-\\u0b6f\\u0b71-\\u0b77\\u0b83\\u0b85-\\u0b8a\\u0b8e-\\u0b90\\u0b92-\\u0b93\\u0b95\\u0b99-\\u0b9a\\u0b9c\\u0b9e-\\u0b9f\\u0ba3-\\u0ba4\\u0ba8-\\u0baa\\u0bae-\\u0bb9\\u0bd0\\u0be6-\\u0bf2\\u0c05-\\u0c0c\\u0c0e-\\u0c10\\u0c12-\\u0c28\\u0c2a-\\u0c39\\u0c3d\\u0c58-\\u0c5a\\u0c5c-\\u0c5d\\u0c60-\\u0c61\\u0c66-\\u0c6f\\u0c78-\\u0c7e\\u0c80\\u0c85-\\u0c8c\\u0c8e-\\u0c90\\u0c92-\\u0ca8\\u0caa-\\u0cb3\\u0cb5-\\u0cb9\\u0cbd\\u0cdc-\\u0cde\\u0ce0-\\u0ce1\\u0ce6-\\u0cef\\u0cf1-\\u0cf2\\u0d04-\\u0d0c\\u0d0e-\\u0d10\\u0d12-\\u0d3a\\u0d3d\\u0d4e\\u0d54-\\u0d56\\u0d58-\\u0d61\\u0d66-\\u0d78\\u0d7a-\\u0d7f\\u0d85-\\u0d96\\u0d9a-\\u0db1\\u0db3-\\u0dbb\\u0dbd\\u0dc0-\\u0dc6\\u0de6-\\u0def\\u0e01-\\u0e30\\u0e32\\u0e40-\\u0e46\\u0e50-\\u0e59\\u0e81-\\u0e82\\u0e84\\u0e86-\\u0e8a\\u0e8c-\\u0ea3\\u0ea5\\u0ea7-\\u0eb0\\u0eb2\\u0ebd\\u0ec0-\\u0ec4\\u0ec6\\u0ed0-\\u0ed9\\u0ede-\\u0edf\\u0f00\\u0f20-\\u0f33\\u0f40-\\u0f42\\u0f44-\\u0f47\\u0f49-\\u0f4c\\u0f4e-\\u0f51\\u0f53-\\u0f56\\u0f58-\\u0f5b\\u0f5d-\\u0f68\\u0f6a-\\u0f6c\\u0f88-\\u0f8c\\u1000-\\u1025\\u1027-\\u102a\\u103f-\\u1049\\u1050-\\u1055\\u105a-\\u105d\\u1061\\u1065-\\u1066\\u106e-\\u1070\\u1075-\\u1081\\u108e\\u1090-\\u1099\\u10d0-\\u10fa\\u10fd-\\u115e\\u1161-\\u1248\\u124a-\\u124d\\u1250-\\u1256\\u1258\\u125a-\\u125d\\u1260-\\u1288\\u128a-\\u128d\\u1290-\\u12b0\\u12b2-\\u12b5\\u12b8-\\u12be\\u12c0\\u12c2-\\u12c5\\u12c8-\\u12d6\\u12d8-\\u1310\\u1312-\\u1315\\u1318-\\u135a\\u1369-\\u137c\\u1380-\\u138f\\u13f8-\\u13fd\\u1401-\\u166c\\u166f-\\u167f\\u1681-\\u169a\\u16a0-\\u16ea\\u16ee-\\u16f8\\u1700-\\u1711\\u171f-\\u1731\\u1740-\\u1751\\u1760-\\u176c\\u176e-\\u1770\\u1780-\\u17b3\\u17d7\\u17dc\\u17e0-\\u17e9\\u17f0-\\u17f9\\u1810-\\u1819\\u1820-\\u1878\\u1880-\\u1884\\u1887-\\u18a8\\u18aa\\u18b0-\\u18f5\\u1900-\\u191e\\u1946-\\u196d\\u1970-\\u1974\\u1980-\\u19ab\\u19b0-\\u19c9\\u19d0-\\u19da\\u1a00-\\u1a16\\u1a20-\\u1a54\\u1a80-\\u1a89\\u1a90-\\u1a99\\u1aa7\\u1b05\\u1b07\\u1b09\\u1b0b\\u1b0d\\u1b0f-\\u1b11\\u1b13-\\u1b33\\u1b45-\\u1b4c\\u1b50-\\u1b59\\u1b83-\\u1ba0\\u1bae-\\u1be5\\u1c00-\\u1c23\\u1c40-\\u1c49\\u1c4d-\\u1c7d\\u1c8a\\u1ce9-\\u1cec\\u1cee-\\u1cf3\\u1cf5-\\u1cf6\\u1cfa\\u1d00-\\u1d2b\\u1d2f\\u1d3b\\u1d4e\\u1d6b-\\u1d77\\u1d79-\\u1d9a\\u1e9c-\\u1e9d\\u1e9f\\u1efb\\u1efd\\u1eff\\u214e\\u2180-\\u2182\\u2184-\\u2188\\u24eb-\\u24ff\\u2776-\\u2793\\u2c30-\\u2c5f\\u2c61\\u2c65-\\u2c66\\u2c68\\u2c6a\\u2c6c\\u2c71\\u2c73-\\u2c74\\u2c76-\\u2c7b\\u2c81\\u2c83\\u2c85\\u2c87\\u2c89\\u2c8b\\u2c8d\\u2c8f\\u2c91\\u2c93\\u2c95\\u2c97\\u2c99\\u2c9b\\u2c9d\\u2c9f\\u2ca1\\u2ca3\\u2ca5\\u2ca7\\u2ca9\\u2cab\\u2cad\\u2caf\\u2cb1\\u2cb3\\u2cb5\\u2cb7\\u2cb9\\u2cbb\\u2cbd\\u2cbf\\u2cc1\\u2cc3\\u2cc5\\u2cc7\\u2cc9\\u2ccb\\u2ccd\\u2ccf\\u2cd1\\u2cd3\\u2cd5\\u2cd7\\u2cd9\\u2cdb\\u2cdd\\u2cdf\\u2ce1\\u2ce3-\\u2ce4\\u2cec\\u2cee\\u2cf3\\u2cfd\\u2d00-\\u2d25\\u2d27\\u2d2d\\u2d30-\\u2d67\\u2d80-\\u2d96\\u2da0-\\u2da6\\u2da8-\\u2dae\\u2db0-\\u2db6\\u2db8-\\u2dbe\\u2dc0-\\u2dc6\\u2dc8-\\u2dce\\u2dd0-\\u2dd6\\u2dd8-\\u2dde\\u2e2f\\u3005-\\u3007\\u3021-\\u3029\\u3031-\\u3035\\u303b-\\u303c\\u3041-\\u304b\\u304d\\u304f\\u3051\\u3053\\u3055\\u3057\\u3059\\u305b\\u305d\\u305f\\u3061\\u3063-\\u3064\\u3066\\u3068\\u306a-\\u306f\\u3072\\u3075\\u3078\\u307b\\u307e-\\u3093\\u3095-\\u3096\\u309d\\u30a1-\\u30ab\\u30ad\\u30af\\u30b1\\u30b3\\u30b5\\u30b7\\u30b9\\u30bb\\u30bd\\u30bf\\u30c1\\u30c3-\\u30c4\\u30c6\\u30c8\\u30ca-\\u30cf\\u30d2\\u30d5\\u30d8\\u30db\\u30de-\\u30f3\\u30f5-\\u30f6\\u30fc-\\u30fd\\u3105-\\u312f\\u31a0-\\u31bf\\u31f0-\\u31ff\\u3248-\\u324f\\u3400-\\u4dbf\\u4e00-\\ua48c\\ua4d0-\\ua4fd\\ua500-\\ua60c\\ua610-\\ua62b\\ua641\\ua643\\ua645\\ua647\\ua649\\ua64b\\ua64d\\ua64f\\ua651\\ua653\\ua655\\ua657\\ua659\\ua65b\\ua65d\\ua65f\\ua661\\ua663\\ua665\\ua667\\ua669\\ua66b\\ua66d-\\ua66e\\ua67f\\ua681\\ua683\\ua685\\ua687\\ua689\\ua68b\\ua68d\\ua68f\\ua691\\ua693\\ua695\\ua697\\ua699\\ua69b\\ua6a0-\\ua6ef\\ua717-\\ua71f\\ua723\\ua725\\ua727\\ua729\\ua72b\\ua72d\\ua72f-\\ua731\\ua733\\ua735\\ua737\\ua739\\ua73b\\ua73d\\ua73f\\ua741\\ua743\\ua745\\ua747\\ua749\\ua74b\\ua74d\\ua74f\\ua751\\ua753\\ua755\\ua757\\ua759\\ua75b\\ua75d\\ua75f\\ua761\\ua763\\ua765\\ua767\\ua769\\ua76b\\ua76d\\ua76f\\ua771-\\ua778\\ua77a\\ua77c\\ua77f\\ua781\\ua783\\ua785\\ua787-\\ua788\\ua78c\\ua78e-\\ua78f\\ua791\\ua793-\\ua795\\ua797\\ua799\\ua79b\\ua79d\\ua79f\\ua7a1\\ua7a3\\ua7a5\\ua7a7\\ua7a9\\ua7af\\ua7b5\\ua7b7\\ua7b9\\ua7bb\\ua7bd\\ua7bf\\ua7c1\\ua7c3\\ua7c8\\ua7ca\\ua7cd\\ua7cf\\ua7d1\\ua7d3\\ua7d5\\ua7d7\\ua7d9\\ua7db\\ua7f6-\\ua7f7\\ua7fa-\\ua801\\ua803-\\ua805\\ua807-\\ua80a\\ua80c-\\ua822\\ua830-\\ua835\\ua840-\\ua873\\ua882-\\ua8b3\\ua8d0-\\ua8d9\\ua8f2-\\ua8f7\\ua8fb\\ua8fd-\\ua8fe\\ua900-\\ua925\\ua930-\\ua946\\ua960-\\ua97c\\ua984-\\ua9b2\\ua9cf-\\ua9d9\\ua9e0-\\ua9e4\\ua9e6-\\ua9fe\\uaa00-\\uaa28\\uaa40-\\uaa42\\uaa44-\\uaa4b\\uaa50-\\uaa59\\uaa60-\\uaa76\\uaa7a\\uaa7e-\\uaaaf\\uaab1\\uaab5-\\uaab6\\uaab9-\\uaabd\\uaac0\\uaac2\\uaadb-\\uaadd\\uaae0-\\uaaea\\uaaf2-\\uaaf4\\uab01-\\uab06\\uab09-\\uab0e\\uab11-\\uab16\\uab20-\\uab26\\uab28-\\uab2e\\uab30-\\uab5a\\uab60-\\uab68\\uab70-\\uabe2\\uabf0-\\uabf9\\ud7b0-\\ud7c6\\ud7cb-\\ud7fb\\ufa0e-\\ufa0f\\ufa11\\ufa13-\\ufa14\\ufa1f\\ufa21\\ufa23-\\ufa24\\ufa27-\\ufa29\\ufe73\\U00010000-\\U0001000b\\U0001000d-\\U00010026\\U00010028-\\U0001003a\\U0001003c-\\U0001003d\\U0001003f-\\U0001004d\\U00010050-\\U0001005d\\U00010080-\\U000100fa\\U00010107-\\U00010133\\U00010140-\\U00010178\\U0001018a-\\U0001018b\\U00010280-\\U0001029c\\U000102a0-\\U000102d0\\U000102e1-\\U000102fb\\U00010300-\\U00010323\\U0001032d-\\U0001034a\\U00010350-\\U00010375\\U00010380-\\U0001039d\\U000103a0-\\U000103c3\\U000103c8-\\U000103cf\\U000103d1-\\U000103d5\\U00010428-\\U0001049d\\U000104a0-\\U000104a9\\U000104d8-\\U000104fb\\U00010500-\\U00010527\\U00010530-\\U00010563\\U00010597-\\U000105a1\\U000105a3-\\U000105b1\\U000105b3-\\U000105b9\\U000105bb-\\U000105bc\\U000105c0-\\U000105c8\\U000105ca-\\U000105e3\\U000105e5-\\U000105f3\\U00010600-\\U00010736\\U00010740-\\U00010755\\U00010760-\\U00010767\\U00010780\\U00010800-\\U00010805\\U00010808\\U0001080a-\\U00010835\\U00010837-\\U00010838\\U0001083c\\U0001083f-\\U00010855\\U00010858-\\U00010876\\U00010879-\\U0001089e\\U000108a7-\\U000108af\\U000108e0-\\U000108f2\\U000108f4-\\U000108f5\\U000108fb-\\U0001091b\\U00010920-\\U00010939\\U00010940-\\U00010959\\U00010980-\\U000109b7\\U000109bc-\\U000109cf\\U000109d2-\\U00010a00\\U00010a10-\\U00010a13\\U00010a15-\\U00010a17\\U00010a19-\\U00010a35\\U00010a40-\\U00010a48\\U00010a60-\\U00010a7e\\U00010a80-\\U00010a9f\\U00010ac0-\\U00010ac7\\U00010ac9-\\U00010ae4\\U00010aeb-\\U00010aef\\U00010b00-\\U00010b35\\U00010b40-\\U00010b55\\U00010b58-\\U00010b72\\U00010b78-\\U00010b91\\U00010ba9-\\U00010baf\\U00010c00-\\U00010c48\\U00010cc0-\\U00010cf2\\U00010cfa-\\U00010d23\\U00010d30-\\U00010d39\\U00010d40-\\U00010d4f\\U00010d6f-\\U00010d85\\U00010e60-\\U00010e7e\\U00010e80-\\U00010ea9\\U00010eb0-\\U00010eb1\\U00010ec2-\\U00010ec7\\U00010f00-\\U00010f27\\U00010f30-\\U00010f45\\U00010f51-\\U00010f54\\U00010f70-\\U00010f81\\U00010fb0-\\U00010fcb\\U00010fe0-\\U00010ff6\\U00011003-\\U00011037\\U00011052-\\U0001106f\\U00011071-\\U00011072\\U00011075\\U00011083-\\U00011099\\U0001109b\\U0001109d-\\U000110aa\\U000110ac-\\U000110af\\U000110d0-\\U000110e8\\U000110f0-\\U000110f9\\U00011103-\\U00011126\\U00011136-\\U0001113f\\U00011144\\U00011147\\U00011150-\\U00011172\\U00011176\\U00011183-\\U000111b2\\U000111c1-\\U000111c4\\U000111d0-\\U000111da\\U000111dc\\U000111e1-\\U000111f4\\U00011200-\\U00011211\\U00011213-\\U0001122b\\U0001123f-\\U00011240\\U00011280-\\U00011286\\U00011288\\U0001128a-\\U0001128d\\U0001128f-\\U0001129d\\U0001129f-\\U000112a8\\U000112b0-\\U000112de\\U000112f0-\\U000112f9\\U00011305-\\U0001130c\\U0001130f-\\U00011310\\U00011313-\\U00011328\\U0001132a-\\U00011330\\U00011332-\\U00011333\\U00011335-\\U00011339\\U0001133d\\U00011350\\U0001135d-\\U00011361\\U00011380-\\U00011382\\U00011384\\U00011386-\\U00011389\\U0001138b\\U00011390\\U00011392-\\U000113b5\\U000113b7\\U000113d1\\U000113d3\\U00011400-\\U00011434\\U00011447-\\U0001144a\\U00011450-\\U00011459\\U0001145f-\\U00011461\\U00011480-\\U000114af\\U000114c4-\\U000114c5\\U000114c7\\U000114d0-\\U000114d9\\U00011580-\\U000115ae\\U000115d8-\\U000115db\\U00011600-\\U0001162f\\U00011644\\U00011650-\\U00011659\\U00011680-\\U000116aa\\U000116b8\\U000116c0-\\U000116c9\\U000116d0-\\U000116e3\\U00011700-\\U0001171a\\U00011730-\\U0001173b\\U00011740-\\U00011746\\U00011800-\\U0001182b\\U000118c0-\\U000118f2\\U000118ff-\\U00011906\\U00011909\\U0001190c-\\U00011913\\U00011915-\\U00011916\\U00011918-\\U0001192f\\U0001193f\\U00011941\\U00011950-\\U00011959\\U000119a0-\\U000119a7\\U000119aa-\\U000119d0\\U000119e1\\U000119e3\\U00011a00\\U00011a0b-\\U00011a32\\U00011a3a\\U00011a50\\U00011a5c-\\U00011a89\\U00011a9d\\U00011ab0-\\U00011af8\\U00011bc0-\\U00011be0\\U00011bf0-\\U00011bf9\\U00011c00-\\U00011c08\\U00011c0a-\\U00011c2e\\U00011c40\\U00011c50-\\U00011c6c\\U00011c72-\\U00011c8f\\U00011d00-\\U00011d06\\U00011d08-\\U00011d09\\U00011d0b-\\U00011d30\\U00011d46\\U00011d50-\\U00011d59\\U00011d60-\\U00011d65\\U00011d67-\\U00011d68\\U00011d6a-\\U00011d89\\U00011d98\\U00011da0-\\U00011da9\\U00011db0-\\U00011ddb\\U00011de0-\\U00011de9\\U00011ee0-\\U00011ef2\\U00011f02\\U00011f04-\\U00011f10\\U00011f12-\\U00011f33\\U00011f50-\\U00011f59\\U00011fb0\\U00011fc0-\\U00011fd4\\U00012000-\\U00012399\\U00012400-\\U0001246e\\U00012480-\\U00012543\\U00012f90-\\U00012ff0\\U00013000-\\U0001342f\\U00013441-\\U00013446\\U00013460-\\U000143fa\\U00014400-\\U00014646\\U00016100-\\U0001611d\\U00016130-\\U00016139\\U00016800-\\U00016a38\\U00016a40-\\U00016a5e\\U00016a60-\\U00016a69\\U00016a70-\\U00016abe\\U00016ac0-\\U00016ac9\\U00016ad0-\\U00016aed\\U00016b00-\\U00016b2f\\U00016b40-\\U00016b43\\U00016b50-\\U00016b59\\U00016b5b-\\U00016b61\\U00016b63-\\U00016b77\\U00016b7d-\\U00016b8f\\U00016d40-\\U00016d67\\U00016d6b-\\U00016d6c\\U00016d70-\\U00016d79\\U00016e60-\\U00016e96\\U00016ebb-\\U00016ed3\\U00016f00-\\U00016f4a\\U00016f50\\U00016f93-\\U00016f9f\\U00016fe0-\\U00016fe1\\U00016fe3\\U00016ff2-\\U00016ff6\\U00017000-\\U00018cd5\\U00018cff-\\U00018d1e\\U00018d80-\\U00018df2\\U0001aff0-\\U0001aff3\\U0001aff5-\\U0001affb\\U0001affd-\\U0001affe\\U0001b000-\\U0001b122\\U0001b132\\U0001b150-\\U0001b152\\U0001b155\\U0001b164-\\U0001b167\\U0001b170-\\U0001b2fb\\U0001bc00-\\U0001bc6a\\U0001bc70-\\U0001bc7c\\U0001bc80-\\U0001bc88\\U0001bc90-\\U0001bc99\\U0001d2c0-\\U0001d2d3\\U0001d2e0-\\U0001d2f3\\U0001d360-\\U0001d378\\U0001df00-\\U0001df1e\\U0001df25-\\U0001df2a\\U0001e100-\\U0001e12c\\U0001e137-\\U0001e13d\\U0001e140-\\U0001e149\\U0001e14e\\U0001e290-\\U0001e2ad\\U0001e2c0-\\U0001e2eb\\U0001e2f0-\\U0001e2f9\\U0001e4d0-\\U0001e4eb\\U0001e4f0-\\U0001e4f9\\U0001e5d0-\\U0001e5ed\\U0001e5f0-\\U0001e5fa\\U0001e6c0-\\U0001e6de\\U0001e6e0-\\U0001e6e2\\U0001e6e4-\\U0001e6e5\\U0001e6e7-\\U0001e6ed\\U0001e6f0-\\U0001e6f4\\U0001e6fe-\\U0001e6ff\\U0001e7e0-\\U0001e7e6\\U0001e7e8-\\U0001e7eb\\U0001e7ed-\\U0001e7ee\\U0001e7f0-\\U0001e7fe\\U0001e800-\\U0001e8c4\\U0001e8c7-\\U0001e8cf\\U0001e922-\\U0001e943\\U0001e94b\\U0001e950-\\U0001e959\\U0001ec71-\\U0001ecab\\U0001ecad-\\U0001ecaf\\U0001ecb1-\\U0001ecb4\\U0001ed01-\\U0001ed2d\\U0001ed2f-\\U0001ed3d\\U0001f10b-\\U0001f10c\\U0001f150-\\U0001f169\\U0001f170-\\U0001f189\\U00020000-\\U0002a6df\\U0002a700-\\U0002b81d\\U0002b820-\\U0002cead\\U0002ceb0-\\U0002ebe0\\U0002ebf0-\\U0002ee5d\\U00030000-\\U0003134a\\U00031350-\\U00033479]+' collate "C", ' ', 'g');
    end if;
    words := btrim(words, ' ');
    return case when words = '' then ' ' else concat(' ', words, ' ') end;
end
$$;
comment on function stream_ext.core_searchable(text) is
    'The form in which a text is searched: its words in small letters without accents, between single spaces.';

create or replace function stream_ext.core_pattern(term text) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    bare pg_catalog.text;
begin
    if length($1) > 100 then
        return null;
    end if;
    bare := btrim(stream_ext.core_searchable($1), ' ');
    if bare = '' then
        return null;
    end if;
    return concat(
        case when bare !~ e'^[\\u0e01-\\u0e30\\u0e32-\\u0e33\\u0e40-\\u0e46\\u0e50-\\u0e59\\u0e81-\\u0e82\\u0e84\\u0e86-\\u0e8a\\u0e8c-\\u0ea3\\u0ea5\\u0ea7-\\u0eb0\\u0eb2-\\u0eb3\\u0ebd\\u0ec0-\\u0ec4\\u0ec6\\u0ed0-\\u0ed9\\u0edc-\\u0edf\\u1000-\\u102a\\u103f-\\u1049\\u1050-\\u1055\\u105a-\\u105d\\u1061\\u1065-\\u1066\\u106e-\\u1070\\u1075-\\u1081\\u108e\\u1090-\\u1099\\u1780-\\u17b3\\u17d7\\u17dc\\u17e0-\\u17e9\\u17f0-\\u17f9\\u2e9f\\u2ef3\\u2f00-\\u2fd5\\u3038-\\u303a\\u3041-\\u3096\\u309d-\\u309f\\u30a1-\\u30fa\\u30fc-\\u30ff\\u3192-\\u319f\\u3220-\\u3247\\u3280-\\u32b0\\u32d0-\\u3357\\u337b-\\u337f\\u3400-\\u4dbf\\u4e00-\\u9fff\\uf900-\\ufa6d\\ufa70-\\ufad9\\uff66-\\uff9d\\U0001b123-\\U0001b126\\U0001f200-\\U0001f202\\U0001f210-\\U0001f23b\\U0001f240-\\U0001f248\\U0001f250-\\U0001f251\\U00020000-\\U0002a6df\\U0002a700-\\U0002b81d\\U0002b820-\\U0002cead\\U0002ceb0-\\U0002ebe0\\U0002ebf0-\\U0002ee5d\\U0002f800-\\U0002fa1d\\U00030000-\\U0003134a\\U00031350-\\U00033479]' collate "C" then ' ' end,
        bare,
        case when bare !~ e'[\\u0e01-\\u0e30\\u0e32-\\u0e33\\u0e40-\\u0e46\\u0e50-\\u0e59\\u0e81-\\u0e82\\u0e84\\u0e86-\\u0e8a\\u0e8c-\\u0ea3\\u0ea5\\u0ea7-\\u0eb0\\u0eb2-\\u0eb3\\u0ebd\\u0ec0-\\u0ec4\\u0ec6\\u0ed0-\\u0ed9\\u0edc-\\u0edf\\u1000-\\u102a\\u103f-\\u1049\\u1050-\\u1055\\u105a-\\u105d\\u1061\\u1065-\\u1066\\u106e-\\u1070\\u1075-\\u1081\\u108e\\u1090-\\u1099\\u1780-\\u17b3\\u17d7\\u17dc\\u17e0-\\u17e9\\u17f0-\\u17f9\\u2e9f\\u2ef3\\u2f00-\\u2fd5\\u3038-\\u303a\\u3041-\\u3096\\u309d-\\u309f\\u30a1-\\u30fa\\u30fc-\\u30ff\\u3192-\\u319f\\u3220-\\u3247\\u3280-\\u32b0\\u32d0-\\u3357\\u337b-\\u337f\\u3400-\\u4dbf\\u4e00-\\u9fff\\uf900-\\ufa6d\\ufa70-\\ufad9\\uff66-\\uff9d\\U0001b123-\\U0001b126\\U0001f200-\\U0001f202\\U0001f210-\\U0001f23b\\U0001f240-\\U0001f248\\U0001f250-\\U0001f251\\U00020000-\\U0002a6df\\U0002a700-\\U0002b81d\\U0002b820-\\U0002cead\\U0002ceb0-\\U0002ebe0\\U0002ebf0-\\U0002ee5d\\U0002f800-\\U0002fa1d\\U00030000-\\U0003134a\\U00031350-\\U00033479]$' collate "C" then ' ' end);
end
$$;
comment on function stream_ext.core_pattern(text) is
    'The pattern to find in a searchable text; null when the term has no letter or digit, or too many characters.';

-- sql/edition/sql/deletion.sql

-- Deleting messages: clears the text, keeps row and seq, and deletes the stored frames that carry the text.
-- Messages can be deleted after the end of a stream too, because its log is still read; then without an event.

create or replace function stream_ext.log_hold_head(session_id uuid) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    is_open pg_catalog.bool;
begin
    select h.open into is_open from stream.chat_heads as h where h.session_id = $1 for no key update;
    if is_open is null then
        perform stream_ext.error_internal('the session has no head');
    end if;
    return is_open;
end
$$;
comment on function stream_ext.log_hold_head(uuid) is
    'Locks the head row, waiting for a message that is being written; returns whether the log is open.';

create or replace function stream_ext.moderation_close_gate(session_id uuid) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    perform stream_ext.gate_close($1);
    perform from stream.stream_sessions as s where s.id = $1 for no key update;
end
$$;
comment on function stream_ext.moderation_close_gate(uuid) is 'Locks the session, also one that has ended.';

create or replace function stream_ext.moderation_close_reports(session_id uuid, seqs bigint[], actor uuid) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    with cleared as (
        -- A reason can quote the text.
        update stream.message_reports as m set reason = null
        where m.session_id = $1 and m.seq = any ($2) and m.reason is not null
    ), reported as (
        select p.seq from stream.reported_messages as p
        where p.session_id = $1 and p.seq = any ($2) and p.resolved_at is null
        order by p.seq for no key update
    )
    update stream.reported_messages as p set resolved_at = clock_timestamp(), resolved_by = $3
    from reported as r where p.session_id = $1 and p.seq = r.seq;
end
$$;
comment on function stream_ext.moderation_close_reports(uuid, bigint[], uuid) is
    'Resolves the reports about messages whose text is gone, and clears the reasons, which can quote it.';

create or replace function stream_ext.delete_message(session_id uuid, message_id uuid, reason text) returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    caller constant pg_catalog.uuid := stream_ext.enter_to_write();
    standing pg_catalog.record;
    target pg_catalog.record;
    is_pinned pg_catalog.bool;
    is_open pg_catalog.bool;
begin
    if $1 is null or $2 is null then
        perform stream_ext.error_null(case when $1 is null then 'session_id' else 'message_id' end);
    end if;
    perform stream_private.check_reason($3);
    perform stream_ext.moderation_take_turn($1);
    standing := stream_ext.moderation_standing($1, caller);
    -- Decided before the head is locked: nobody else pins or deletes meanwhile.
    is_pinned := exists (
        select from stream.chat_messages as m where m.session_id = $1 and m.id = $2 and m.seq = standing.pinned_seq);
    if is_pinned then
        perform stream_ext.moderation_close_gate($1);
    end if;
    is_open := stream_ext.log_hold_head($1);
    select m.seq, m.user_id, m.message_type, m.deleted_at into target
    from stream.chat_messages as m where m.session_id = $1 and m.id = $2;
    -- Authors may delete their own messages, moderators those of others except the seller's. The refusal does not tell other
    -- users which messages exist.
    if not coalesce(target.user_id = caller, false) and standing.rank <> 'owner'
        and not (standing.rank = 'moderator' and target.user_id is distinct from standing.seller_id)
    then
        perform stream_ext.refuse('not_moderator');
    end if;
    if target.seq is null then
        perform stream_ext.refuse('message_not_found');
    end if;
    if target.message_type <> 'user_message' then
        perform stream_ext.refuse_with_hint('invalid_argument', 'only messages of users can be moderated');
    end if;
    if target.deleted_at is not null then
        return 'already_deleted';
    end if;
    -- The row keeps its number and its author.
    update stream.chat_messages as m
    set content = '', metadata = '{}', deleted_at = t.time, updated_at = t.time
    from (select clock_timestamp() as time) as t
    where m.session_id = $1 and m.seq = target.seq;
    perform stream_ext.frames_delete($1, array[target.seq]);
    perform stream_ext.moderation_announce($1, caller, is_open, 'message_deleted', 'A message was deleted.',
        jsonb_build_object('kind', 'message_deleted', 'target_seq', target.seq, 'target_id', $2),
        target.user_id, target.seq, $3);
    if is_pinned then
        perform stream_ext.moderation_unpin($1, caller, is_open, target.seq);
    end if;
    perform stream_ext.moderation_close_reports($1, array[target.seq], caller);
    return 'deleted';
end
$$;
comment on function stream_ext.delete_message(uuid, uuid, text) is 'Deletes a message: deleted, or already_deleted.';

create or replace function stream_ext.deletion_of_user(session_id uuid, user_id uuid) returns bigint[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    deleted pg_catalog.int8[];
begin
    -- In the order of the rows, as the deletion of the user would take them.
    with theirs as (
        select m.session_id, m.seq from stream.chat_messages as m
        where m.user_id = $2 and m.session_id = $1 and m.message_type = 'user_message' and m.deleted_at is null
        order by m.ctid
        for no key update
    ), deleted as (
        update stream.chat_messages as m
        set content = '', metadata = '{}', deleted_at = t.time, updated_at = t.time
        from theirs as d, (select clock_timestamp() as time) as t
        where m.session_id = d.session_id and m.seq = d.seq
        returning m.seq
    )
    select array_agg(d.seq order by d.seq) into deleted from deleted as d;
    return coalesce(deleted, '{}');
end
$$;
comment on function stream_ext.deletion_of_user(uuid, uuid) is 'Deletes all messages of the user, and returns their numbers in order.';

create or replace function stream_ext.delete_user_messages(session_id uuid, user_id uuid, reason text) returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    moderator pg_catalog.record;
    pinned pg_catalog.int8;
    earlier pg_catalog.int8[];
    later pg_catalog.int8[];
    missing pg_catalog.int8[];
    is_open pg_catalog.bool;
    newest pg_catalog.int8;
begin
    moderator := stream_ext.moderation_begin($1, false);
    if $2 is null then
        perform stream_ext.error_null('user_id');
    end if;
    perform stream_private.check_reason($3);
    if $2 = moderator.seller_id and moderator.rank <> 'owner' then
        perform stream_ext.refuse_with_hint('not_moderator', 'nobody deletes the messages of the seller');
    end if;
    select m.seq into pinned from stream.chat_messages as m
    where m.session_id = $1 and m.seq = moderator.pinned_seq and m.user_id = $2;
    if pinned is not null then
        perform stream_ext.moderation_close_gate($1);
    end if;
    -- Most messages and their frames are deleted before the head is locked, so that the chat does not wait; under the lock only
    -- those that came meanwhile. In an ended stream nobody waits for the head, and retention locks frames after the relay row.
    earlier := stream_ext.deletion_of_user($1, $2);
    missing := case when moderator.has_ended then earlier else stream_ext.frames_delete_committed($1, earlier) end;
    is_open := stream_ext.log_hold_head($1);
    later := stream_ext.deletion_of_user($1, $2);
    newest := greatest(earlier[cardinality(earlier)], later[cardinality(later)]);
    if newest is null then
        return 0;
    end if;
    perform stream_ext.frames_delete($1, missing || later);
    perform stream_ext.moderation_announce($1, moderator.actor, is_open, 'user_messages_deleted',
        'The messages of a user were deleted.',
        jsonb_build_object('kind', 'user_messages_deleted', 'user_id', $2, 'up_to_seq', newest), $2, newest, $3);
    if pinned is not null then
        perform stream_ext.moderation_unpin($1, moderator.actor, is_open, pinned);
    end if;
    perform stream_ext.moderation_close_reports($1, earlier || later, moderator.actor);
    return cardinality(earlier) + cardinality(later);
end
$$;
comment on function stream_ext.delete_user_messages(uuid, uuid, text) is 'Deletes all messages of a user in a stream; returns how many.';

-- sql/edition/sql/erasure.sql

-- Erasing a user from the log of one stream: text, name and id of what they wrote, their id in entries about them, and the stored
-- frames that carry any of it. Rows and numbers stay. While the log is open, one entry says which numbers lost their text; all
-- viewers read it, so it does not name the user.

create or replace function stream_ext.erasure_of_entries(
    session_id uuid, user_id uuid, at_most integer, out seqs bigint[], out seqs_with_text bigint[]
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    -- Messages that a moderator deleted are erased too: they still have the name.
    with theirs as (
        select m.session_id, m.seq, m.deleted_at is null as had_text from stream.chat_messages as m
        where m.user_id = $2 and m.session_id = $1
        order by m.ctid limit $3
        for no key update
    ), erased as (
        update stream.chat_messages as m
        set user_id = null, username = null, content = '', metadata = '{}',
            deleted_at = coalesce(m.deleted_at, t.time), updated_at = t.time
        from theirs as d, (select clock_timestamp() as time) as t
        where m.session_id = d.session_id and m.seq = d.seq
        returning m.seq, d.had_text
    )
    select array_agg(e.seq order by e.seq), array_agg(e.seq order by e.seq) filter (where e.had_text)
    into $4, $5 from erased as e;
    $4 := coalesce($4, '{}');
    $5 := coalesce($5, '{}');
end
$$;
comment on function stream_ext.erasure_of_entries(uuid, uuid, integer) is 'Erases messages that have the user''s id.';

create or replace function stream_ext.erasure_of_deleted(
    session_id uuid, user_id uuid, at_most integer, out seqs bigint[], out seqs_with_text bigint[]
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    with theirs as (
        select m.session_id, m.seq, m.deleted_at is null as had_text
        from stream.authors_deleted as a
        cross join unnest(a.seqs) as r (seqs)
        join stream.chat_messages as m
            on m.session_id = a.session_id and m.seq >= lower(r.seqs) and m.seq < upper(r.seqs)
        where a.user_id = $2 and a.session_id = $1
            and m.user_id is null and (m.username is not null or m.content <> '')
        order by m.ctid limit $3
        for no key update of m
    ), erased as (
        update stream.chat_messages as m
        set username = null, content = '', metadata = '{}',
            deleted_at = coalesce(m.deleted_at, t.time), updated_at = t.time
        from theirs as d, (select clock_timestamp() as time) as t
        where m.session_id = d.session_id and m.seq = d.seq
        returning m.seq, d.had_text
    )
    select array_agg(e.seq order by e.seq), array_agg(e.seq order by e.seq) filter (where e.had_text)
    into $4, $5 from erased as e;
    $4 := coalesce($4, '{}');
    $5 := coalesce($5, '{}');
end
$$;
comment on function stream_ext.erasure_of_deleted(uuid, uuid, integer) is
    'Erases messages of a user whom the application has deleted, so that the rows no longer have their id.';

create or replace function stream_ext.erasure_of_decisions(
    session_id uuid, user_id uuid, at_most integer, out seqs bigint[], out times timestamptz[]
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    -- The nil uuid stands for an erased user.
    with decisions as (
        select l.id, l.seq, l.created_at from stream.moderation_log as l
        where l.user_id = $2 and l.session_id = $1
        order by l.id limit $3
    ), erased as (
        update stream.moderation_log as l
        set user_id = '00000000-0000-0000-0000-000000000000', reason = null
        from decisions as d where l.id = d.id
    ), named as (
        update stream.chat_messages as m
        set metadata = m.metadata || '{"user_id": "00000000-0000-0000-0000-000000000000"}',
            updated_at = clock_timestamp()
        from decisions as d
        where m.session_id = $1 and m.seq = d.seq and m.metadata ->> 'user_id' = $2::text
        returning m.seq
    )
    select array_agg(n.seq) filter (where n.seq is not null), array_agg(d.created_at)
    into $4, $5
    from decisions as d left join named as n on n.seq = d.seq;
    $4 := coalesce($4, '{}');
    $5 := coalesce($5, '{}');
end
$$;
comment on function stream_ext.erasure_of_decisions(uuid, uuid, integer) is
    'Erases a user from decisions about them and from the entries that announced these; returns the entries, and when each decision was made.';

create or replace function stream_ext.erase_from_log(session_id uuid, user_id uuid, at_most integer) returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    standing pg_catalog.record;
    pinned pg_catalog.int8;
    viewers pg_catalog.int8;
    is_open pg_catalog.bool;
    most pg_catalog.int4;
    room pg_catalog.int4;
    part pg_catalog.record;
    decisions pg_catalog.record;
    carried pg_catalog.int8[];
    without_text pg_catalog.int8[];
begin
    if stream_ext.enter_to_write() is not null then
        perform stream_ext.refuse('forbidden');
    end if;
    if $1 is null or $2 is null or $3 is null then
        perform stream_ext.error_null(case when $1 is null then 'session_id' when $2 is null then 'user_id' else 'at_most' end);
    end if;
    perform stream_ext.moderation_take_turn($1);
    standing := stream_ext.moderation_standing($1, null);
    perform stream_ext.application_hold_user($2);
    select m.seq into pinned from stream.chat_messages as m
    where m.session_id = $1 and m.seq = standing.pinned_seq and m.user_id = $2;
    if pinned is not null then
        perform stream_ext.moderation_close_gate($1);
    end if;
    -- Ends the lease, if there is one; the row's trigger adds the row of viewer_changes.
    delete from stream.stream_viewers as v where v.session_id = $1 and v.user_id = $2;
    get diagnostics viewers = row_count;
    is_open := stream_ext.log_hold_head($1);
    -- The chat waits meanwhile.
    most := case when is_open then least($3, 100) else $3 end;
    room := most;
    part := stream_ext.erasure_of_entries($1, $2, room);
    carried := part.seqs;
    without_text := part.seqs_with_text;
    room := room - cardinality(part.seqs);
    part := stream_ext.erasure_of_deleted($1, $2, room);
    carried := carried || part.seqs;
    without_text := without_text || part.seqs_with_text;
    room := room - cardinality(part.seqs);
    if room > 0 then
        delete from stream.authors_deleted as a where a.user_id = $2 and a.session_id = $1;
    end if;
    decisions := stream_ext.erasure_of_decisions($1, $2, room);
    carried := array(select distinct g.seq from unnest(carried || decisions.seqs) as g (seq) order by g.seq);
    without_text := array(select g.seq from unnest(without_text) as g (seq) order by g.seq);
    if cardinality(carried) > 0 then
        perform stream_ext.frames_delete($1, carried);
    end if;
    perform stream_ext.frames_delete_notifications($2, decisions.times);
    if cardinality(without_text) > 0 then
        perform stream_ext.moderation_announce($1, null, is_open, 'messages_deleted', 'Messages were deleted.',
            jsonb_build_object('kind', 'messages_deleted', 'seqs', (
                select jsonb_agg(jsonb_build_array(lower(r.range), upper(r.range) - 1) order by r.range)
                from unnest((select range_agg(int8range(g.seq, g.seq, '[]')) from unnest(without_text) as g (seq))) as r (range))),
            null, without_text[cardinality(without_text)]);
    end if;
    if pinned = any (without_text) then
        perform stream_ext.moderation_unpin($1, null, is_open, pinned);
    end if;
    perform stream_ext.moderation_close_reports($1, without_text, null);
    return viewers + (most - room) + cardinality(decisions.times);
end
$$;
comment on function stream_ext.erase_from_log(uuid, uuid, integer) is
    'Erases at most so many entries, for the service alone. Returns how many rows it changed; 0 when nothing of the user is left in the log.';

-- sql/edition/sql/error.sql

-- Refusals: errors of the catalogue, with its SQLSTATE, sentence, DETAIL and HINT.
create or replace function stream_ext.error_raise(code text, hint text, retry_after_ms bigint) returns void
language plpgsql volatile parallel restricted
set search_path = pg_catalog, pg_temp
as $$
declare
    known pg_catalog.record;
    inside pg_catalog.text;
begin
    select e.code, e.category, e.sqlstate, e.recoverable, e.message, e.hint
    into known
    from stream_private.error_catalogue as e where e.code = $1;
    inside := case
        when not found then 'no such error code'
        -- Raising one is a fault of ours, and PostgREST drops its connections at a 503.
        when known.sqlstate is null then 'that error code belongs to the edge'
        when $1 = 'internal' then coalesce($2, 'no reason was given')
        end;
    if inside is not null then
        -- For the operator: a caller reads the catalogue's sentence alone.
        raise log 'pg_stream failed inside: %', inside;
        select e.code, e.category, e.sqlstate, e.recoverable, e.message, e.hint
        into known
        from stream_private.error_catalogue as e where e.code = 'internal';
    end if;
    raise exception using
        errcode = known.sqlstate,
        message = known.message,
        detail = format('{"code":"%s","category":"%s","recoverable":%s', known.code, known.category, known.recoverable::text)
            || case when $3 is not null and inside is null then format(',"retry_after_ms":%s', $3) else '' end || '}',
        hint = case when inside is null then coalesce($2, known.hint) else known.hint end;
end
$$;
comment on function stream_ext.error_raise(text, text, bigint) is
    'Raises an error of the catalogue. hint replaces the catalogue''s with a more exact one; that of an internal error goes to the server''s log.';

create or replace function stream_ext.refuse(code text) returns void
language plpgsql volatile strict parallel restricted
set search_path = pg_catalog, pg_temp
as $$
begin
    perform stream_ext.error_raise($1, null, null);
end
$$;
comment on function stream_ext.refuse(text) is 'Raises an error of the catalogue.';

create or replace function stream_ext.refuse_with_hint(code text, hint text) returns void
language plpgsql volatile strict parallel restricted
set search_path = pg_catalog, pg_temp
as $$
begin
    perform stream_ext.error_raise($1, $2, null);
end
$$;
comment on function stream_ext.refuse_with_hint(text, text) is 'Raises an error of the catalogue with a more exact hint.';

create or replace function stream_ext.error_retry_after(code text, retry_after_ms bigint) returns void
language plpgsql volatile parallel restricted
set search_path = pg_catalog, pg_temp
as $$
begin
    perform stream_ext.error_raise($1, null, $2);
end
$$;
comment on function stream_ext.error_retry_after(text, bigint) is
    'Refuses a call that may succeed when it is repeated after a wait.';

create or replace function stream_ext.error_null(argument text) returns void
language plpgsql volatile parallel restricted
set search_path = pg_catalog, pg_temp
as $$
begin
    perform stream_ext.error_raise('invalid_argument', $1 || ' must not be null', null);
end
$$;
comment on function stream_ext.error_null(text) is 'Refuses a null argument, by its name.';

create or replace function stream_ext.error_internal(what text) returns void
language plpgsql volatile parallel restricted
set search_path = pg_catalog, pg_temp
as $$
begin
    perform stream_ext.error_raise('internal', $1, null);
end
$$;
comment on function stream_ext.error_internal(text) is 'Raises an internal error; what went wrong is written to the server''s log alone.';

create or replace function stream_ext.error_is_cancel(state text, context text) returns boolean
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    -- The state does not tell: a trigger or hook of the application can raise the same, which is its own failure, and so can a foreign
    -- server that cancels its own statement. Neither does the message, which is in the server's language and anybody's to repeat.
    return $1 = '57014' and split_part($2, e'\n', 1) !~ '( RAISE$|^remote SQL command: )';
end
$$;
comment on function stream_ext.error_is_cancel(text, text) is
    'Whether Postgres raised a caught error for a cancel, which is the caller''s and is raised again, by the error''s context.';

-- sql/edition/sql/figures.sql

-- Figures of the regular work for stream.metrics: what its rules did, and how fast logs grow. They are written after a round, in a
-- subtransaction of their own: what keeps them from being written keeps nothing else.

create or replace function stream_ext.figures_outcomes(round jsonb) returns jsonb
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    -- A verdict of session_timeouts stands as a rule of its own, which does not run.
    return (
        select jsonb_agg(jsonb_build_object(
            'rule', o.rule, 'rows', coalesce((o.tally ->> 0)::bigint, 0), 'age_us', (o.tally ->> 1)::bigint, 'has_run', o.has_run))
        from (
            select r.value ->> 'name' as rule, r.value -> 'tallies' -> (r.value ->> 'name') as tally,
                (r.value ->> 'is_over')::boolean and not (r.value ->> 'is_given_up')::boolean as has_run
            from jsonb_array_elements($1 -> 'rules') as r
            union all
            select t.key, t.value, false
            from jsonb_array_elements($1 -> 'rules') as r
            cross join jsonb_each(r.value -> 'tallies') as t
            where t.key <> r.value ->> 'name'
        ) as o);
end
$$;
comment on function stream_ext.figures_outcomes(jsonb) is 'What each rule of a round did, and whether it has come to its end without failing.';

create or replace function stream_ext.figures_record(outcomes jsonb) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '100ms'
as $$
begin
    perform stream_ext.figures_write_rules($1);
    perform stream_ext.figures_sample();
end
$$;
comment on function stream_ext.figures_record(jsonb) is 'Writes what a round did, and samples the logs when that is due.';

create or replace function stream_ext.figures_record_round(round jsonb, claims boolean) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '100ms'
as $$
declare
    outcomes pg_catalog.jsonb;
    state pg_catalog.text;
    raised_in pg_catalog.text;
begin
    if exists (
        select from stream.troubles as t
        where t.rule = 'figures' and t.session_id is null and t.next_attempt_at > clock_timestamp()
    ) then
        return;
    end if;
    outcomes := stream_ext.figures_outcomes($1);
    begin
        -- Where nothing is to be written no transaction id is spent.
        if exists (
            select from jsonb_to_recordset(outcomes) as o (rows bigint, age_us bigint) where o.rows > 0 or o.age_us is not null
        ) or exists (
            select from stream.figures as f
            where f.id and (f.sampled_at <= now() - interval '5 seconds' or f.sampled_at > now())
        ) then
            if not $2 or stream_ext.regular_claim() then
                perform stream_ext.figures_record(outcomes);
                delete from stream.troubles as t where t.rule = 'figures' and t.session_id is null;
            end if;
        end if;
    exception when others or query_canceled or assert_failure then
        get stacked diagnostics state = returned_sqlstate, raised_in = pg_exception_context;
        if stream_ext.error_is_cancel(state, raised_in) then
            raise;
        end if;
    end;
    if state is not null then
        perform stream_ext.regular_note_trouble('figures', null, state);
    end if;
end
$$;
comment on function stream_ext.figures_record_round(jsonb, boolean) is 'Records a round that did something, or when a sample is due, unless that has failed lately.';

create or replace function stream_ext.figures_write_rules(outcomes jsonb) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    -- Only rows that tell something new, or are five seconds old, and none that another transaction has locked. Whoever adds the first
    -- rows has the turn by the row of the figures, so that none waits for another's.
    with rules as materialized (
        select r.rule, r.rows as swept_rows, r.has_run, r.age_us * interval '1 microsecond' as oldest_age
        from jsonb_to_recordset($1) as r (rule text, rows bigint, age_us bigint, has_run boolean)
    ), known as materialized (
        select f.rule, f.ran_at, f.swept_rows, f.oldest_age from stream.rule_figures as f
        where f.rule in (select r.rule from rules as r)
    ), due as materialized (
        select r.rule, r.swept_rows, r.has_run, r.oldest_age
        from rules as r
        join known as k on k.rule = r.rule
        where r.swept_rows > 0 or r.oldest_age is distinct from k.oldest_age
            or r.has_run and (k.ran_at is null or k.ran_at <= now() - interval '5 seconds' or k.ran_at > now())
    ), free as materialized (
        select f.rule from stream.rule_figures as f
        where f.rule = any (array(select d.rule from due as d)) order by f.rule for update skip locked
    ), turn as materialized (
        select f.id from stream.figures as f
        where f.id and exists (select from rules as r where r.rule not in (select k.rule from known as k))
        for update skip locked
    ), added as (
        insert into stream.rule_figures (rule, ran_at, swept_rows, oldest_age)
        select r.rule, case when r.has_run then now() end, r.swept_rows, r.oldest_age
        from rules as r
        cross join turn
        where r.rule not in (select k.rule from known as k)
        on conflict do nothing
    )
    update stream.rule_figures as f
    set ran_at = case when d.has_run then now() else f.ran_at end,
        swept_rows = f.swept_rows + d.swept_rows,
        oldest_age = d.oldest_age
    from due as d
    where f.rule = d.rule and d.rule in (select e.rule from free as e);
end
$$;
comment on function stream_ext.figures_write_rules(jsonb) is 'Writes what each rule did.';

create or replace function stream_ext.figures_sample() returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    with last as materialized (
        select f.ended_upto, f.ended_messages, f.ended_frames, f.messages, f.frames,
            greatest(f.ended_upto, now() - interval '10 minutes') as upto,
            case when isfinite(f.sampled_at) then extract(epoch from now() - f.sampled_at) end as passed_s
        from stream.figures as f
        where f.id and (f.sampled_at <= now() - interval '5 seconds' or f.sampled_at > now())
        for update skip locked
    ), gone as materialized (
        select coalesce(sum((
                select h.last_seq from stream.chat_heads as h where h.session_id = s.id)), 0)::bigint as messages,
            coalesce(sum((
                select r.frames from stream.chat_relay as r where r.session_id = s.id)), 0)::bigint as frames
        from last as l
        join stream.stream_sessions as s
            on s.state = 'ended' and s.ended_at > l.ended_upto and s.ended_at <= l.upto
    ), here as materialized (
        select coalesce(sum((
                select h.last_seq from stream.chat_heads as h where h.session_id = s.id)), 0)::bigint as messages,
            coalesce(sum((
                select r.frames from stream.chat_relay as r where r.session_id = s.id)), 0)::bigint as frames
        from last as l
        cross join lateral (
            select s.id from stream.stream_sessions as s where s.state <> 'ended'
            union all
            select s.id from stream.stream_sessions as s where s.state = 'ended' and s.ended_at > l.upto
        ) as s
    ), sums as materialized (
        select l.upto, l.passed_s, l.messages as old_messages, l.frames as old_frames,
            l.ended_messages + g.messages as ended_messages, l.ended_frames + g.frames as ended_frames,
            l.ended_messages + g.messages + n.messages as messages, l.ended_frames + g.frames + n.frames as frames
        from last as l cross join gone as g cross join here as n
    )
    update stream.figures as f
    set sampled_at = now(), ended_upto = c.upto, ended_messages = c.ended_messages, ended_frames = c.ended_frames,
        messages = c.messages, frames = c.frames,
        messages_per_s = case when c.passed_s > 0
            then greatest(c.messages - c.old_messages, 0) / c.passed_s else 0 end,
        frames_per_s = case when c.passed_s > 0
            then greatest(c.frames - c.old_frames, 0) / c.passed_s else 0 end
    from sums as c
    where f.id;
end
$$;
comment on function stream_ext.figures_sample() is
    'Counts the logs of live streams and of those that ended in the last ten minutes, in which a transaction that ended one may still have been open; of older ones the sum is kept.';

-- sql/edition/sql/frame.sql

-- Frames: their form on the wire, their size, and writing all entries beyond the last one under the session's relay row.

create or replace function stream_ext.frame_text(
    session_id uuid, epoch text, from_seq bigint, to_seq bigint, head_seq bigint, server_time text, poll_ms integer,
    entries text, is_digest boolean
)
returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return concat('{"v":1,"session_id":"', $1, '","epoch":"', $2, '","from_seq":', $3, ',"to_seq":', $4,
        ',"head_seq":', $5, ',"server_time":', $6, ',"messages":[', $8, '],"poll_ms":', coalesce($7::text, 'null'),
        ',"digest":', case when $9 then 'true}' else 'false}' end);
end
$$;
comment on function stream_ext.frame_text(uuid, text, bigint, bigint, bigint, text, integer, text, boolean) is
    'The payload of event messages; a digest carries no entry.';

create or replace function stream_ext.frame_payload(
    session_id uuid, epoch text, from_seq bigint, to_seq bigint, head_seq bigint, server_time text, poll_ms integer,
    entries text, payload_bytes integer
)
returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    whole constant pg_catalog.text := stream_ext.frame_text($1, $2, $3, $4, $5, $6, $7, $8, false);
    size constant pg_catalog.int8 := octet_length(whole);
begin
    -- Realtime measures Erlang's external form, in which a string takes five bytes beside its text where JSON has two quotes.
    if size * 3 <= $9
        or size + 2 * (size - octet_length(replace(whole, '"', ''))) <= $9
    then
        return whole;
    end if;
    return stream_ext.frame_text($1, $2, $3, $4, $5, $6, $7, '', true);
end
$$;
comment on function stream_ext.frame_payload(uuid, text, bigint, bigint, bigint, text, integer, text, integer) is
    'The payload of a frame of these entries; those that Realtime would not admit together make a digest, which names them by their numbers alone.';

create or replace function stream_ext.frame_runs(sizes integer[], payload_bytes integer) returns integer[]
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    -- Half of the smallest plan's payload leaves room for Realtime's envelope.
    most constant pg_catalog.int4 := least(128 * 1024, ($2::bigint * 3 / 5)::integer);
    ends pg_catalog.int4[] := '{}';
    entries pg_catalog.int4 := 0;
    bytes pg_catalog.int8 := 0;
    size pg_catalog.int4;
    place pg_catalog.int4 := 0;
begin
    foreach size in array $1 loop
        if entries > 0 and (entries >= 100 or bytes + size + 1 > most) then
            ends := ends || place;
            entries := 0;
            bytes := 0;
        end if;
        place := place + 1;
        entries := entries + 1;
        bytes := bytes + size + 1;
    end loop;
    return case when entries > 0 then ends || place else ends end;
end
$$;
comment on function stream_ext.frame_runs(integer[], integer) is
    'Cuts entries of these sizes into runs that each fit one frame, at most 100 of them; returns the place of each run''s last.';

create or replace function stream_ext.log_flush(session_id uuid, urgency text) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
#variable_conflict use_column
declare
    relay pg_catalog.record;
    -- Read after the lock, which orders the frames of a log.
    moment pg_catalog.timestamptz := clock_timestamp();
    server_time constant pg_catalog.text := stream_ext.json_time(moment);
    epoch constant pg_catalog.text := stream_ext.log_epoch();
    payload_bytes pg_catalog.int4;
    flushed pg_catalog.int8;
    flushed_moment pg_catalog.timestamptz;
    head pg_catalog.int8;
    seqs pg_catalog.int8[];
    entries pg_catalog.text[];
    run_end pg_catalog.int4;
    run_begin pg_catalog.int4;
    method pg_catalog.text;
    written pg_catalog.int8 := 0;
    is_complete pg_catalog.bool := true;
begin
    select r.flushed_seq, r.next_window_ms, r.poll_ms into relay from stream.chat_relay as r where r.session_id = $1;
    select c.realtime_payload_bytes into payload_bytes from stream.config as c where c.id;
    flushed := relay.flushed_seq;
    <<pages>>
    loop
        -- Checked before anything is read: without a partition the unsent entries accumulate.
        if stream_ext.realtime_method(moment) is null then
            is_complete := false;
            exit;
        end if;
        select array_agg(p.seq order by p.seq), array_agg(p.entry order by p.seq)
        into seqs, entries
        from (
            select m.seq,
                json_build_object(
                    'id', m.id, 'seq', m.seq, 'user_id', m.user_id, 'username', m.username,
                    'content', m.content, 'message_type', m.message_type, 'created_at', m.created_at,
                    'metadata', m.metadata, 'deleted_at', m.deleted_at)::text as entry
            from stream.chat_messages as m
            where m.session_id = $1 and m.seq > flushed
            order by m.seq
            limit 500
        ) as p;
        exit when seqs is null;
        -- Read after the entries, so no frame names a head below its own entries.
        select h.last_seq into head from stream.chat_heads as h where h.session_id = $1;
        -- Under pressure it is one frame, which names entries by their numbers where it cannot carry them.
        if relay.next_window_ms > 50 and cardinality(seqs) = 500 and seqs[500] < head then
            method := stream_ext.realtime_hold(moment);
            if method is null then
                is_complete := false;
                exit;
            end if;
            perform stream_ext.realtime_write(method, 'chat:' || $1, 'messages',
                stream_ext.frame_text($1, epoch, seqs[1], head, head, server_time, relay.poll_ms, '', true), moment);
            flushed := head;
            flushed_moment := moment;
            written := written + 1;
            moment := moment + interval '1 microsecond';
        else
            run_begin := 1;
            foreach run_end in array case
                when relay.next_window_ms > 50 then array[cardinality(seqs)]
                else stream_ext.frame_runs(
                    array(select octet_length(e.entry) from unnest(entries) with ordinality as e (entry, place) order by e.place),
                    payload_bytes)
                end
            loop
                method := stream_ext.realtime_hold(moment);
                if method is null then
                    is_complete := false;
                    exit pages;
                end if;
                perform stream_ext.realtime_write(method, 'chat:' || $1, 'messages',
                    stream_ext.frame_payload($1, epoch, seqs[run_begin], seqs[run_end], head, server_time, relay.poll_ms,
                        array_to_string(entries[run_begin:run_end], ','), payload_bytes),
                    moment);
                flushed := seqs[run_end];
                flushed_moment := moment;
                written := written + 1;
                run_begin := run_end + 1;
                moment := moment + interval '1 microsecond';
            end loop;
        end if;
        exit when cardinality(seqs) < 500;
    end loop;
    if written > 0 then
        -- flushed_at is the time of the newest frame, and so none is later.
        update stream.chat_relay as r
        set flushed_seq = flushed, flushed_at = flushed_moment, window_ms = r.next_window_ms, frames = r.frames + written,
            urgent_frames = r.urgent_frames + case when $2 = 'urgent' then written else 0 end
        where r.session_id = $1;
    end if;
    return is_complete;
end
$$;
comment on function stream_ext.log_flush(uuid, text) is
    'Writes all entries that no frame carries yet; returns false when no partition takes them. The relay row is locked; each frame is dated later than the one before, because Realtime replays them in the order of their times.';

create or replace function stream_ext.flush(session_id uuid) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if $1 is null then
        perform stream_ext.error_null('session_id');
    end if;
    perform from stream.chat_relay as r where r.session_id = $1 for no key update;
    if not found then
        perform stream_ext.error_internal('the session has no relay row');
    end if;
    perform stream_ext.log_flush($1, 'urgent');
end
$$;
comment on function stream_ext.flush(uuid) is
    'Writes the entries of the session''s log beyond the last frame. Without a partition for today it writes nothing: the messages stay, and sync finds them.';

create or replace function stream_ext.log_flush_without_ticker(sessions uuid[]) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    moment constant pg_catalog.timestamptz := clock_timestamp();
    due pg_catalog.uuid[];
    session pg_catalog.uuid;
    state pg_catalog.text;
    raised_in pg_catalog.text;
begin
    if stream_ext.log_is_ticker_alive(moment) or stream_ext.regular_is_inside() then
        return;
    end if;
    due := array(
        select h.session_id from stream.chat_heads as h
        cross join lateral (
            select o.flushed_seq, o.flushed_at, o.window_ms from stream.chat_relay as o where o.session_id = h.session_id limit 1
        ) as r
        where h.session_id = any ($1) and r.flushed_seq < h.last_seq
            and stream_ext.log_window_ends_at(r.flushed_at, r.window_ms, moment) is null
        order by h.session_id);
    if cardinality(due) = 0 then
        return;
    end if;
    begin
        perform stream_ext.log_flush_free(due);
        return;
    exception when others or query_canceled or assert_failure then
        -- The next heartbeat tries again, and so does a ticker once one is alive, which records failures.
        get stacked diagnostics state = returned_sqlstate, raised_in = pg_exception_context;
        if stream_ext.error_is_cancel(state, raised_in) then
            raise;
        end if;
    end;
    if cardinality(due) = 1 then
        return;
    end if;
    foreach session in array due loop
        begin
            perform stream_ext.log_flush_free(array[session]);
        exception when others or query_canceled or assert_failure then
            get stacked diagnostics state = returned_sqlstate, raised_in = pg_exception_context;
            if stream_ext.error_is_cancel(state, raised_in) then
                raise;
            end if;
        end;
    end loop;
end
$$;
comment on function stream_ext.log_flush_without_ticker(uuid[]) is
    'For heartbeats: flushes the logs of these sessions that have unsent entries while no ticker is alive. One that somebody holds is left to the next heartbeat, and one whose frames fail does not fail this one.';

create or replace function stream_ext.log_flush_free(sessions uuid[]) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '100ms'
as $$
declare
    session pg_catalog.uuid;
begin
    foreach session in array $1 loop
        perform from stream.chat_relay as r where r.session_id = session for no key update skip locked;
        if found then
            perform stream_ext.log_flush(session, 'chat');
            set constraints all immediate;
        end if;
    end loop;
end
$$;
comment on function stream_ext.log_flush_free(uuid[]) is 'Flushes those of the logs that nobody holds.';

-- sql/edition/sql/gate.sql

-- The gate of a session: a queue in which changes of a stream and joins of viewers take turns.
-- Joins share the session's row lock, and Postgres grants it to one more sharer although another transaction waits to change the
-- row; heavyweight locks are granted in the order of the requests. Every wait at the gate ends after 100 ms and goes on to the
-- session's row, so a transaction that stays open delays others and never stops them.
create or replace function stream_ext.gate_key(session_id uuid) returns bigint
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    digits constant pg_catalog.text := replace($1::text, '-', '');
begin
    return ('x' || left(digits, 16))::bit(64)::bigint # ('x' || right(digits, 16))::bit(64)::bigint;
end
$$;
comment on function stream_ext.gate_key(uuid) is
    'The number of a session''s advisory lock: 64 bits folded from the id. Two sessions with the same number would only share one gate.';

create or replace function stream_ext.enter_gate(session_id uuid, alone boolean) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if $1 is null or $2 is null then
        perform stream_ext.error_null(case when $1 is null then 'session_id' else 'alone' end);
    end if;
    if $2 then
        perform pg_advisory_xact_lock(stream_ext.gate_key($1));
    else
        perform pg_advisory_xact_lock_shared(stream_ext.gate_key($1));
    end if;
end
$$;
comment on function stream_ext.enter_gate(uuid, boolean) is
    'Waits at the gate, for stream_private.wait_at_gate, which limits the wait and rolls it back when it fails.';

create or replace function stream_ext.gate_pass(session_id uuid) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if not pg_try_advisory_xact_lock_shared(stream_ext.gate_key($1)) then
        perform stream_private.wait_at_gate($1, false);
    end if;
end
$$;
comment on function stream_ext.gate_pass(uuid) is 'Passes the gate together with other joins, after the requests to close it.';

create or replace function stream_ext.gate_close_if_free(session_id uuid) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    perform from stream.stream_sessions as s where s.id = $1 for no key update skip locked;
    return found or not exists (select from stream.stream_sessions as s where s.id = $1);
end
$$;
comment on function stream_ext.gate_close_if_free(uuid) is
    'Locks the session''s row if nobody holds it; waits for nobody. Whether it is locked or there is none. Who holds the row needs no gate.';

create or replace function stream_ext.gate_close_soon(session_id uuid) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    -- The row may be free after the wait even if the gate is not.
    return stream_ext.gate_close_if_free($1) or stream_private.wait_at_gate($1, true) or stream_ext.gate_close_if_free($1);
end
$$;
comment on function stream_ext.gate_close_soon(uuid) is
    'Closes the gate in one round, 200 ms at most; whether the row is locked or there is none.';

create or replace function stream_ext.gate_close(session_id uuid) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    begun_at constant pg_catalog.timestamptz := clock_timestamp();
    -- The caller's own, which the rounds override.
    limit_ms pg_catalog.int8;
    round pg_catalog.int4;
begin
    if stream_ext.gate_close_if_free($1) then
        return;
    end if;
    limit_ms := extract(epoch from current_setting('lock_timeout')::interval) * 1000;
    loop
        for round in 1..10 loop
            if stream_ext.gate_close_soon($1) then
                return;
            end if;
            if limit_ms > 0 and clock_timestamp() >= begun_at + limit_ms * interval '1 millisecond' then
                perform stream_ext.refuse('lock_timeout');
            end if;
        end loop;
        -- The rounds are too short for Postgres to detect a deadlock.
        if stream_private.wait_for_session($1) then
            return;
        end if;
        if limit_ms > 0 and clock_timestamp() >= begun_at + limit_ms * interval '1 millisecond' then
            perform stream_ext.refuse('lock_timeout');
        end if;
    end loop;
end
$$;
comment on function stream_ext.gate_close(uuid) is
    'Locks the session''s row FOR NO KEY UPDATE until the transaction ends, in turn with joins. Locks no row when there is no such session.';

-- sql/edition/sql/governor.sql

-- The rule governor: counts what broadcasts have cost of Realtime's quota, plans the windows in which they wait, and broadcasts the viewer
-- counts whose window has passed. One plan is made in a round, from one read of all live streams; the rows of chat_relay that change
-- are then written in units, by key.

create or replace function stream_ext.governor_milliseconds(at timestamptz, moment timestamptz) returns bigint
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    -- As long as can be for a time before any, and for one ahead of the clock.
    if not isfinite($1) or $1 > $2 then
        return 4294967295;
    end if;
    return least(trunc(extract(epoch from $2 - $1) * 1000), 4294967295);
end
$$;
comment on function stream_ext.governor_milliseconds(timestamptz, timestamptz) is 'Milliseconds from a time to a moment.';

create or replace function stream_ext.governor_has_passed(limit_per_s integer, planned_limit integer, planned_at timestamptz, moment timestamptz)
returns boolean
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    -- Without a limit nothing is planned, and what was sent is counted every five seconds. A time ahead of the clock is from before the
    -- clock was set back.
    return not ($3 <= $4 and $4 < $3 + case when $1 = 0 and $2 = 0 then interval '5 seconds' else interval '500 milliseconds' end);
end
$$;
comment on function stream_ext.governor_has_passed(integer, integer, timestamptz, timestamptz) is 'Whether the last plan is old enough for another.';

create or replace function stream_ext.governor_is_due() returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce((
        select g.id is null or stream_ext.governor_has_passed(
            c.realtime_messages_per_s, g.limit_per_s, g.planned_at, clock_timestamp())
        from stream.config as c left join stream.governor as g on g.id where c.id), false);
end
$$;
comment on function stream_ext.governor_is_due() is 'Whether a plan is due. Writes and locks nothing.';

create or replace function stream_ext.governor_take_sends() returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    sends pg_catalog.jsonb;
begin
    with free as materialized (
        select n.id from stream.realtime_sends as n order by n.id limit 20000 for update skip locked
    ), taken as (
        delete from stream.realtime_sends as n where n.id = any (array(select f.id from free as f))
        returning n.kind, n.session_id
    )
    select jsonb_agg(jsonb_build_object('kind', s.kind, 'session_id', s.session_id, 'count', s.count)) into sends
    from (select t.kind, t.session_id, count(*) as count from taken as t group by t.kind, t.session_id) as s;
    return coalesce(sends, '[]');
end
$$;
comment on function stream_ext.governor_take_sends() is 'Takes the notes of broadcasts that are not counted yet.';

create or replace function stream_ext.governor_spend(spent bigint[], moment timestamptz, since timestamptz) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    passed_us constant pg_catalog.numeric := case when isfinite($3)
        then greatest((extract(epoch from $2 - $3) * 1000000)::numeric, 1) else 9223372036854775807 end;
    buckets constant pg_catalog.int8 := least(div(passed_us, 5000000) + 1, 13);
    share_us constant pg_catalog.numeric := least(passed_us, 13 * 5000000);
    bucket constant pg_catalog.timestamptz := date_bin('5 seconds', $2, '2000-01-01 00:00:00+00');
    shared pg_catalog.int8[];
    part pg_catalog.int8[];
    rest pg_catalog.int8[] := $1;
begin
    if not 0 < any ($1) and not 0 > any ($1) then
        return;
    end if;
    -- After a pause it is spread over the buckets of the last minute, as far as it can have been spent in them. What a division leaves is in
    -- the newest bucket.
    shared := array(select div(m.messages * share_us, passed_us)::bigint from unnest($1) with ordinality as m (messages, place) order by m.place);
    for number in 0..buckets loop
        if number < buckets then
            part := array(
                select case when number = 0 then m.messages - m.messages / buckets * (buckets - 1) else m.messages / buckets end
                from unnest(shared) with ordinality as m (messages, place) order by m.place);
            rest := array(
                select r.messages - p.messages
                from unnest(rest, part) with ordinality as r (messages, taken, place)
                cross join lateral (select r.taken as messages) as p order by r.place);
        else
            part := rest;
        end if;
        if 0 <> any (part) then
            insert into stream.realtime_spending
                (at, frames, viewer_counts, states, users, reactions, canary, others, urgent)
            values (bucket - case when number < buckets then number else 13 end * interval '5 seconds',
                part[1], part[2], part[3], part[4], part[5], part[6], part[7], part[8]);
        end if;
    end loop;
end
$$;
comment on function stream_ext.governor_spend(bigint[], timestamptz, timestamptz) is
    'Writes what was spent since the last plan: frames, viewer_counts, states, users, reactions, canary, others, and of these urgent.';

create or replace function stream_ext.governor_clean_up(moment timestamptz) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    kept_from constant pg_catalog.timestamptz := date_bin('1 hour', $1, '2000-01-01 00:00:00+00') - interval '1 hour';
begin
    if not exists (select from stream.realtime_spending as p where p.span_s = 5 and p.at < kept_from) then
        return;
    end if;
    -- Rows that somebody holds are left to the next time.
    with taken as (
        delete from stream.realtime_spending as d
        where d.id = any (array(
            select p.id from stream.realtime_spending as p
            where p.span_s = 5 and p.at < kept_from
            order by p.at limit 20000 for update skip locked))
        returning d.*
    )
    insert into stream.realtime_spending
        (span_s, at, frames, viewer_counts, states, users, reactions, canary, others, urgent)
    select 3600, date_bin('1 hour', t.at, 'epoch'), sum(t.frames), sum(t.viewer_counts), sum(t.states), sum(t.users),
        sum(t.reactions), sum(t.canary), sum(t.others), sum(t.urgent)
    from taken as t group by date_bin('1 hour', t.at, 'epoch');
    delete from stream.realtime_spending as d
    where d.id = any (array(
        select p.id from stream.realtime_spending as p
        where p.span_s = 3600 and p.at < kept_from + interval '1 hour' - interval '768 hours'
        order by p.at limit 1000 for update skip locked));
end
$$;
comment on function stream_ext.governor_clean_up(timestamptz) is
    'Adds up the hours that ended more than an hour ago, and deletes those of more than 32 days ago.';

create or replace function stream_ext.regular_take_governor(most integer, rows_left integer, skipping uuid[], kept jsonb)
returns table (session_id uuid, keys jsonb, held boolean)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    -- What the plan of this round changes, and how far that is written. It is long where many streams are live, so it is passed on once.
    is_planned constant pg_catalog.bool := jsonb_typeof($4 -> 'changes') = 'array';
    changes constant pg_catalog.jsonb := case when is_planned then $4 -> 'changes' else stream_ext.governor_changes() end;
    place pg_catalog.int4 := case when is_planned then ($4 ->> 'at')::integer else 0 end;
    taken pg_catalog.jsonb := '[]';
begin
    while place < jsonb_array_length(changes) and jsonb_array_length(taken) < $1 loop
        if (changes -> place ->> 'session_id')::uuid <> all ($3) then
            taken := taken || jsonb_build_array(jsonb_build_array(changes -> place -> 'session_id', place));
        end if;
        place := place + 1;
    end loop;
    keys := jsonb_build_object('at', place, 'taken', taken)
        || case when is_planned then '{}' else jsonb_build_object('changes', changes) end;
    held := false;
    return next;
    return query
    select (t.value ->> 0)::uuid, changes -> (t.value ->> 1)::integer, false
    from jsonb_array_elements(taken) with ordinality as t (value, place)
    order by t.place;
end
$$;
comment on function stream_ext.regular_take_governor(integer, integer, uuid[], jsonb) is
    'Makes a plan, once in a round, and returns what it changes.';

create or replace function stream_ext.regular_end_governor(context jsonb, handled jsonb, again jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    -- The first that was not reached is the next.
    return ($1 - 'taken') || coalesce((
        select jsonb_build_object('at', t.value -> 1) from jsonb_array_elements($1 -> 'taken') as t where t.value -> 0 = $3 -> 0), '{}');
end
$$;
comment on function stream_ext.regular_end_governor(jsonb, jsonb, jsonb) is 'How far a plan is written.';

create or replace function stream_ext.regular_do_governor(session_id uuid, keys jsonb, kept jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    moment constant pg_catalog.timestamptz := clock_timestamp();
    is_sent constant pg_catalog.bool := ($2 ->> 'sends_count')::boolean and stream_ext.realtime_hold(moment) is not null;
    notes constant pg_catalog.bool := is_sent or ($2 ->> 'begins_counts')::boolean;
begin
    perform from stream.chat_relay as r where r.session_id = $1 for no key update skip locked;
    if not found then
        -- A row that somebody holds keeps its windows until the next plan.
        return case when exists (select from stream.chat_relay as r where r.session_id = $1) then '{"passed": true}' else '{}' end;
    end if;
    update stream.chat_relay as r
    set window_ms = case when ($2 ->> 'at_once')::boolean then ($2 ->> 'window_ms')::integer
            else least(($2 ->> 'window_ms')::integer, r.window_ms) end,
        next_window_ms = ($2 ->> 'window_ms')::integer, poll_ms = ($2 ->> 'poll_ms')::integer,
        viewers_window_ms = ($2 ->> 'viewers_window_ms')::integer,
        viewers_sent_count = case when notes then ($2 ->> 'viewer_count')::integer else r.viewers_sent_count end,
        viewers_sent_at = case when notes then moment else r.viewers_sent_at end
    where r.session_id = $1;
    if is_sent then
        perform stream_ext.emit('viewers:' || $1, 'viewer_count', concat('{"session_id":"', $1, '","viewer_count":', $2 ->> 'viewer_count',
            ',"peak":', $2 ->> 'peak', ',"server_time":', stream_ext.json_time(moment), '}'));
    end if;
    return '{}';
end
$$;
comment on function stream_ext.regular_do_governor(uuid, jsonb, jsonb) is
    'Writes the windows of a stream, unless somebody holds its row, and broadcasts its viewer count where that is due.';

-- sql/edition/sql/governor_changes.sql

-- One plan of the governor: what each live stream has done since the last, what that has cost, and what changes.

create or replace function stream_ext.governor_changes() returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    settings pg_catalog.record;
    last_plan pg_catalog.record;
    moment pg_catalog.timestamptz;
    is_first pg_catalog.bool;
    elapsed_ms pg_catalog.int8;
    sends pg_catalog.jsonb;
    live pg_catalog.jsonb;
    before pg_catalog.jsonb;
    plan pg_catalog.record;
    minute pg_catalog.record;
    changes pg_catalog.jsonb;
begin
    select c.realtime_messages_per_s as limit_per_s, c.realtime_share_percent as share_percent into settings
    from stream.config as c where c.id;
    select g.planned_at, g.limit_per_s, g.sessions, g.known into last_plan from stream.governor as g where g.id;
    if not found then
        -- It is lost in a crash. The row of the figures gives one transaction at a time the turn, so that none waits for another's row.
        with turn as materialized (
            select f.id from stream.figures as f where f.id for update skip locked
        )
        insert into stream.governor (id) select t.id from turn as t on conflict do nothing;
        select g.planned_at, g.limit_per_s, g.sessions, g.known into last_plan from stream.governor as g where g.id;
        if not found then
            return '[]';
        end if;
    end if;
    moment := clock_timestamp();
    if not stream_ext.governor_has_passed(settings.limit_per_s, last_plan.limit_per_s, last_plan.planned_at, moment) then
        return '[]';
    end if;
    perform from stream.governor as g where g.id for update skip locked;
    if not found then
        return '[]';
    end if;
    is_first := last_plan.planned_at = '-infinity';
    elapsed_ms := stream_ext.governor_milliseconds(last_plan.planned_at, moment);
    sends := stream_ext.governor_take_sends();
    select coalesce(jsonb_object_agg(s.id, last_plan.known[(s.place - 1) * 8 + 1 : s.place * 8]), '{}') into before
    from unnest(last_plan.sessions) with ordinality as s (id, place);
    -- After a crash, and for a stream that is new, what it has done until now says nothing about its rate.
    select coalesce(jsonb_agg(to_jsonb(l) order by l.auction_id), '[]') into live
    from (
        select o.*, o.channels + 1 as cost, stream_ext.governor_root(o.channels + 1) as root,
            stream_ext.governor_averaged_rate(coalesce((o.known ->> 5)::bigint, 0), case when o.known is null then 0
                else greatest(o.last_seq - (o.known ->> 0)::bigint, 0) end, elapsed_ms) as entries,
            stream_ext.governor_averaged_rate(coalesce((o.known ->> 6)::bigint, 0),
                (o.known is not null and o.viewer_count <> (o.known ->> 4)::bigint)::integer, elapsed_ms) as counts,
            stream_ext.governor_averaged_rate(coalesce((o.known ->> 7)::bigint, 0), (exists (
                select from jsonb_to_recordset(sends) as n (kind text, session_id uuid)
                where n.kind = 'reactions' and n.session_id = o.id))::integer, elapsed_ms) as reactions,
            greatest(o.frames - case when o.known is not null then (o.known ->> 1)::bigint when is_first then o.frames else 0 end, 0)
                * (o.channels + 1) as frames_cost,
            greatest(o.urgent_frames - case when o.known is not null then (o.known ->> 2)::bigint when is_first then o.urgent_frames else 0 end, 0)
                * (o.channels + 1) as urgent_cost,
            stream_ext.governor_milliseconds(o.flushed_at, moment) as since_frame,
            -- Without a window nobody notes when a count was broadcast.
            stream_ext.governor_milliseconds(o.viewers_sent_at, moment) as since_viewers
        from (
            -- The seller has a channel too, and after a takeover perhaps two.
            select s.auction_id, s.id, s.viewer_count, s.peak_viewer_count,
                (s.viewer_count + s.superseded_count + case when s.generation > 1 then 2 else 1 end)::bigint as channels,
                h.last_seq, r.flushed_at, r.window_ms as open_ms, r.next_window_ms as window_ms, r.poll_ms, r.viewers_window_ms,
                r.viewers_sent_count, r.viewers_sent_at, r.frames, r.urgent_frames, before -> s.id::text as known
            from stream.stream_sessions as s
            cross join lateral (select o.last_seq from stream.chat_heads as o where o.session_id = s.id limit 1) as h
            cross join lateral (select o.* from stream.chat_relay as o where o.session_id = s.id limit 1) as r
            where s.state <> 'ended'
        ) as o
    ) as l;
    if jsonb_array_length(live) = 0 and jsonb_array_length(sends) = 0 and cardinality(last_plan.sessions) = 0
        and settings.limit_per_s = 0 and last_plan.limit_per_s = 0
    then
        return '[]';
    end if;
    -- Kinds of events that go to viewers:<id> at present: those of which there was one in the last ten seconds or so, and at least one
    -- while a window is open.
    live := coalesce((
        select jsonb_agg(a.value || jsonb_build_object('events', greatest(
            ((a.value ->> 'counts')::bigint >= 10)::integer + ((a.value ->> 'reactions')::bigint >= 10)::integer,
            ((a.value ->> 'since_viewers')::bigint < (a.value ->> 'viewers_window_ms')::bigint)::integer)) order by a.place)
        from jsonb_array_elements(live) with ordinality as a (value, place)), '[]');
    perform stream_ext.governor_spend(stream_ext.governor_costs(live, before, sends), moment, last_plan.planned_at);
    perform stream_ext.governor_clean_up(moment);
    select coalesce(sum(p.frames + p.viewer_counts + p.states + p.users + p.reactions + p.canary + p.others), 0)::bigint as spent,
        coalesce(sum(p.urgent), 0)::bigint as urgent
    into minute
    from stream.realtime_spending as p
    where p.span_s = 5 and p.at >= date_bin('5 seconds', moment, '2000-01-01 00:00:00+00') - interval '60 seconds';
    plan := stream_ext.governor_plan(settings.limit_per_s, settings.share_percent, minute.spent, minute.urgent, live);
    update stream.governor as g
    set planned_at = moment, limit_per_s = settings.limit_per_s, reason = plan.reason, expected_per_s = plan.expected_per_s,
        is_over = plan.is_over, is_crowded = plan.is_crowded,
        sessions = array(select (a.value ->> 'id')::uuid from jsonb_array_elements(live) with ordinality as a (value, place) order by a.place),
        known = array(
            select (a.value ->> k.name)::bigint
            from jsonb_array_elements(live) with ordinality as a (value, place)
            cross join unnest(array['last_seq', 'frames', 'urgent_frames', 'channels', 'viewer_count', 'entries', 'counts', 'reactions'])
                with ordinality as k (name, place)
            order by a.place, k.place)
    where g.id;
    moment := clock_timestamp();
    select jsonb_agg(jsonb_build_object(
        'session_id', c.id, 'window_ms', c.window_ms, 'poll_ms', c.poll_ms, 'viewers_window_ms', c.viewers_window_ms,
        'at_once', c.planned_open_ms > c.open_ms, 'viewer_count', c.viewer_count, 'peak', c.peak,
        'sends_count', c.sends_count, 'begins_counts', not c.has_counts and c.viewers_window_ms > 0) order by c.place desc)
    into changes
    from (
        select a.place, a.value ->> 'id' as id, (w.value ->> 'window_ms')::integer as window_ms, (w.value ->> 'poll_ms')::integer as poll_ms,
            (w.value ->> 'viewers_window_ms')::integer as viewers_window_ms, (w.value ->> 'open_ms')::integer as planned_open_ms,
            (a.value ->> 'open_ms')::integer as open_ms, (a.value ->> 'viewer_count')::integer as viewer_count,
            (a.value ->> 'peak_viewer_count')::integer as peak, (a.value ->> 'viewers_window_ms')::integer > 0 as has_counts,
            (a.value ->> 'viewers_window_ms')::integer > 0
                and (a.value ->> 'viewers_sent_count')::integer is distinct from (a.value ->> 'viewer_count')::integer
                and not (p.sent_at <= moment
                    and moment < p.sent_at + (w.value ->> 'viewers_window_ms')::integer * interval '1 millisecond') as sends_count,
            (a.value ->> 'window_ms')::integer = (w.value ->> 'window_ms')::integer
                and (a.value ->> 'poll_ms')::integer is not distinct from (w.value ->> 'poll_ms')::integer
                and (a.value ->> 'viewers_window_ms')::integer = (w.value ->> 'viewers_window_ms')::integer
                and (a.value ->> 'open_ms')::integer = (w.value ->> 'open_ms')::integer as is_as_planned
        from jsonb_array_elements(live) with ordinality as a (value, place)
        join jsonb_array_elements(plan.windows) with ordinality as w (value, place) on w.place = a.place
        cross join lateral (select (a.value ->> 'viewers_sent_at')::timestamptz as sent_at) as p
    ) as c
    where not c.is_as_planned or c.sends_count;
    return coalesce(changes, '[]');
end
$$;
comment on function stream_ext.governor_changes() is
    'Counts, plans, and returns what changes; nothing when a plan was made lately or is being made.';

create or replace function stream_ext.governor_costs(live jsonb, before jsonb, sends jsonb) returns bigint[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    costs pg_catalog.record;
begin
    -- Channels of streams that have ended since are open still; an event whose channels are not known counts two.
    with streams as (
        select a.value ->> 'id' as id, (a.value ->> 'channels')::bigint as channels,
            (a.value ->> 'frames_cost')::bigint as frames, (a.value ->> 'urgent_cost')::bigint as urgent
        from jsonb_array_elements($1) as a
        union all
        select b.key, (b.value ->> 3)::bigint,
            greatest(r.frames - (b.value ->> 1)::bigint, 0) * ((b.value ->> 3)::bigint + 1),
            greatest(r.urgent_frames - (b.value ->> 2)::bigint, 0) * ((b.value ->> 3)::bigint + 1)
        from jsonb_each($2) as b
        left join stream.chat_relay as r on r.session_id = b.key::uuid
        where not exists (select from jsonb_array_elements($1) as a where a.value ->> 'id' = b.key)
    ), sent as (
        select n.kind, n.count * (coalesce(c.channels, 1) + 1) as cost
        from jsonb_to_recordset($3) as n (kind text, session_id uuid, count bigint)
        left join streams as c on c.id = n.session_id::text
    )
    select
        (select coalesce(sum(c.frames), 0) from streams as c) as frames,
        (select coalesce(sum(n.cost), 0) from sent as n where n.kind = 'viewer_counts') as viewer_counts,
        (select coalesce(sum(n.cost), 0) from sent as n where n.kind = 'states') as states,
        (select coalesce(sum(n.cost), 0) from sent as n where n.kind = 'users') as users,
        (select coalesce(sum(n.cost), 0) from sent as n where n.kind = 'reactions') as reactions,
        (select coalesce(sum(n.cost), 0) from sent as n where n.kind = 'canary') as canary,
        (select coalesce(sum(n.cost), 0) from sent as n
         where n.kind not in ('viewer_counts', 'states', 'users', 'reactions', 'canary')) as others,
        (select coalesce(sum(c.urgent), 0) from streams as c) as urgent
    into costs;
    return array[costs.frames, costs.viewer_counts, costs.states, costs.users, costs.reactions, costs.canary, costs.others,
        costs.urgent + costs.states + costs.users]::bigint[];
end
$$;
comment on function stream_ext.governor_costs(jsonb, jsonb, jsonb) is
    'What broadcasts have cost since the last plan: a message for each, and one for each channel that receives it.';

-- sql/edition/sql/governor_plan.sql

-- The quota governor's plan, in whole numbers as stream_core has it: how long the broadcasts of each stream wait, so that Realtime's
-- limit of messages holds. Windows are a level times the square root of what a frame costs; the least level is searched at which the
-- demand fits the share, and the worst case until the next plan fits the limit. Streams are arrays of equal length.

create or replace function stream_ext.governor_window_ms(level bigint, root bigint) returns bigint
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return least(greatest($1 * $2 / 100000, 50), 60000);
end
$$;
comment on function stream_ext.governor_window_ms(bigint, bigint) is
    'The window of a level, in thousandths of a millisecond, for a stream with this root of its cost, in hundredths.';

create or replace function stream_ext.governor_measure(kind text, level bigint, s jsonb) returns numeric
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select coalesce(sum(case $1
            -- The measured demand of frames, in messages in 1000 s: each stream at most once a window.
            when 'demand' then m.cost * least(m.entries, (1000000 + m.window_ms - 1) / m.window_ms)
            -- The most broadcasts until the next plan: the first when the open window has passed, then one a window.
            when 'worst' then m.cost * case when greatest(least(m.window_ms, m.open_ms) - m.since_frame, 0) <= 2000
                then 1 + (2000 - greatest(least(m.window_ms, m.open_ms) - m.since_frame, 0)) / m.window_ms else 0 end
            when 'worst_at_once' then m.cost * case when greatest(m.window_ms - m.since_frame, 0) <= 2000
                then 1 + (2000 - greatest(m.window_ms - m.since_frame, 0)) / m.window_ms else 0 end
            when 'viewers_demand' then m.cost * m.events
                * least(1000, (1000000 + greatest(m.window_ms, 1000) - 1) / greatest(m.window_ms, 1000))
            when 'viewers_worst' then m.cost * greatest(m.events, 1)
                * case when greatest(greatest(m.window_ms, 1000) - m.since_viewers, 0) <= 2000
                    then 1 + (2000 - greatest(greatest(m.window_ms, 1000) - m.since_viewers, 0)) / greatest(m.window_ms, 1000)
                    else 0 end
            end), 0)
        from (
            select a.cost, a.entries, a.since_frame, a.open_ms, a.events, a.since_viewers,
                least(greatest($2 * a.root / 100000, 50), 60000) as window_ms
            from jsonb_to_recordset($3) as a (
                cost bigint, root bigint, entries bigint, since_frame bigint, open_ms bigint, events bigint, since_viewers bigint)
        ) as m);
end
$$;
comment on function stream_ext.governor_measure(text, bigint, jsonb) is 'What all streams come to at a level.';

create or replace function stream_ext.governor_least_level(kind text, s jsonb, most numeric) returns bigint
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    too_low pg_catalog.int8 := 0;
    fitting pg_catalog.int8 := 60000000;
    middle pg_catalog.int8;
begin
    if stream_ext.governor_measure($1, 0, $2) <= $3 then
        return 0;
    end if;
    if stream_ext.governor_measure($1, fitting, $2) > $3 then
        return null;
    end if;
    while fitting - too_low > 1 loop
        middle := too_low + (fitting - too_low) / 2;
        if stream_ext.governor_measure($1, middle, $2) <= $3 then
            fitting := middle;
        else
            too_low := middle;
        end if;
    end loop;
    return fitting;
end
$$;
comment on function stream_ext.governor_least_level(text, jsonb, numeric) is
    'The least level at which what all streams come to is no more than this; null if not even the highest does.';

create or replace function stream_ext.governor_round_up(window_ms bigint) returns bigint
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    step pg_catalog.int8 := 50;
begin
    while step < $1 loop
        step := step + (step + 7) / 8;
    end loop;
    return least(step, 60000);
end
$$;
comment on function stream_ext.governor_round_up(bigint) is
    'The next of some sixty windows, each an eighth above the one before, so that a level that moves a little changes few windows.';

create or replace function stream_ext.governor_steady(present_ms bigint, wanted_ms bigint, least_ms bigint) returns bigint
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    if $2 >= $1 or $2 = $3 or $2 * 5 <= $1 * 4 then
        return $2;
    end if;
    return least($1, 60000);
end
$$;
comment on function stream_ext.governor_steady(bigint, bigint, bigint) is
    'Windows are lengthened at once, but shortened only when it is worth a write.';

create or replace function stream_ext.governor_root(cost bigint) returns bigint
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return floor(sqrt(($1 * 10000)::double precision));
end
$$;
comment on function stream_ext.governor_root(bigint) is 'The square root of a cost, in hundredths.';

create or replace function stream_ext.governor_plan(limit_per_s bigint, share_percent bigint, spent bigint, urgent bigint, s jsonb,
    out windows jsonb, out reason text, out expected_per_s bigint, out is_over boolean, out is_crowded boolean)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    share constant pg_catalog.int8 := $1 * least($2, 100) * 10;
    urgent_per_1000_s constant pg_catalog.int8 := $4 * 1000 / 60;
    rest constant pg_catalog.int8 := greatest(share - greatest(urgent_per_1000_s, share * 10 / 100), 0);
    left_over constant pg_catalog.int8 := greatest(60 * $1 * 97 / 100 - ($3 + urgent_per_1000_s * 2000 / 1000000), 0);
    share_level pg_catalog.int8;
    limit_level pg_catalog.int8;
    level pg_catalog.int8;
    viewers pg_catalog.int8;
    at_once pg_catalog.bool := false;
    least_worst pg_catalog.numeric;
    polled pg_catalog.int8;
begin
    if $1 = 0 then
        reason := 'unlimited';
        is_over := false;
        is_crowded := false;
        select coalesce(jsonb_agg(jsonb_build_object(
            'window_ms', 50, 'open_ms', 50, 'poll_ms', null, 'viewers_window_ms', 0) order by a.place), '[]')
        into windows from jsonb_array_elements($5) with ordinality as a (value, place);
    else
        share_level := coalesce(stream_ext.governor_least_level('demand', $5, rest * 2 / 3), 60000000);
        limit_level := stream_ext.governor_least_level('worst', $5, left_over * 2 / 3);
        if limit_level is null then
            -- Not even the longest windows help if they begin with the next frame.
            at_once := true;
            least_worst := stream_ext.governor_measure('worst', 60000000, $5);
            limit_level := greatest(
                coalesce(stream_ext.governor_least_level('worst_at_once', $5, left_over * 2 / 3), 60000000),
                coalesce(stream_ext.governor_least_level('worst', $5, least_worst), 60000000));
        end if;
        level := greatest(share_level, limit_level);
        viewers := greatest(
            coalesce(stream_ext.governor_least_level('viewers_demand', $5, rest / 3), 60000000),
            coalesce(stream_ext.governor_least_level('viewers_worst', $5, left_over / 3), 60000000));
        select coalesce(jsonb_agg(jsonb_build_object(
                'window_ms', w.window_ms, 'open_ms', case when at_once then w.window_ms else least(w.window_ms, w.open_ms) end,
                'poll_ms', null,
                'viewers_window_ms', case when w.viewers_ms <= 1000 then 0
                    else stream_ext.governor_steady(w.viewers_window_ms, w.viewers_ms, 0) end) order by w.place), '[]')
        into windows
        from (
            select a.place, (a.value ->> 'open_ms')::bigint as open_ms, (a.value ->> 'viewers_window_ms')::bigint as viewers_window_ms,
                stream_ext.governor_steady((a.value ->> 'window_ms')::bigint, stream_ext.governor_round_up(
                    stream_ext.governor_window_ms(level, (a.value ->> 'root')::bigint)), 50) as window_ms,
                stream_ext.governor_round_up(stream_ext.governor_window_ms(viewers, (a.value ->> 'root')::bigint)) as viewers_ms
            from jsonb_array_elements($5) with ordinality as a (value, place)
        ) as w;
        -- How often clients of pressed streams may call sync: the fewer of them there are the more often.
        select stream_ext.governor_round_up(least(coalesce(sum((a.value ->> 'cost')::bigint - 1), 0), 60000)::bigint) into polled
        from jsonb_array_elements($5) with ordinality as a (value, place)
        join jsonb_array_elements(windows) with ordinality as w (value, place) on w.place = a.place
        where (w.value ->> 'window_ms')::bigint > 5000;
        select coalesce(jsonb_agg(case when (w.value ->> 'window_ms')::bigint > 5000
                then w.value || jsonb_build_object('poll_ms', least(greatest(polled, 5000), (w.value ->> 'window_ms')::bigint))
                else w.value end order by w.place), '[]')
        into windows
        from jsonb_array_elements(windows) with ordinality as w (value, place);
        reason := case when level = 0 then 'room' when share_level >= limit_level then 'share' else 'limit' end;
        is_over := $4 > 60 * $1;
        is_crowded := (select coalesce(sum((a.value ->> 'cost')::bigint), 0) from jsonb_array_elements($5) as a) > 60 * share / 1000;
    end if;
    select coalesce(sum(
        (a.value ->> 'cost')::bigint * least((a.value ->> 'entries')::bigint,
            (1000000 + (w.value ->> 'window_ms')::bigint - 1) / (w.value ->> 'window_ms')::bigint)
        + (a.value ->> 'cost')::bigint * (a.value ->> 'events')::bigint * least(1000,
            (1000000 + greatest((w.value ->> 'viewers_window_ms')::bigint, 1000) - 1) / greatest((w.value ->> 'viewers_window_ms')::bigint, 1000))
        ), 0)::bigint / 1000 + $4 / 60
    into expected_per_s
    from jsonb_array_elements($5) with ordinality as a (value, place)
    join jsonb_array_elements(windows) with ordinality as w (value, place) on w.place = a.place;
end
$$;
comment on function stream_ext.governor_plan(bigint, bigint, bigint, bigint, jsonb) is
    'Decides the windows of all live sessions, from the limit, its share in percent, and what was spent in the last 60 s, of which urgent never waits.';

create or replace function stream_ext.governor_averaged_rate(per_1000_s bigint, count bigint, elapsed_ms bigint) returns bigint
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    elapsed constant pg_catalog.numeric := greatest($3, 1);
    difference constant pg_catalog.numeric := div($2::numeric * 1000000, elapsed) - $1;
begin
    -- Over about four seconds; a fall is rounded down, too.
    return least(greatest($1 + floor(difference * least(elapsed, 4000) / 4000), 0), 4294967295);
end
$$;
comment on function stream_ext.governor_averaged_rate(bigint, bigint, bigint) is
    'Averages a rate over about four seconds: the new value after so many milliseconds with so many more, in 1000 s.';

-- sql/edition/sql/heartbeat.sql

-- The heartbeat of one device, a viewer's or the host's. It waits for no locked row: a viewer's never, the host's 200 ms at most, and
-- returns the same result then without a write. In a batch the host's waits for nobody either, and is refused with lock_timeout.
create or replace function stream_ext.token_is_due(
    issued_at timestamptz, expires_at timestamptz, held_until timestamptz, device_expires_at timestamptz
)
returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    -- At 75 % of its life, or before what the device holds has as much left, and at most once in 30 s.
    return $1 is not null and $2 is not null and $1 <= now() - interval '30 seconds'
        and least(coalesce($4, $3, $2), $2) <= now() + ($2 - $1) / 4;
end
$$;
comment on function stream_ext.token_is_due(timestamptz, timestamptz, timestamptz, timestamptz) is
    'Whether a heartbeat returns a new token. device_expires_at is the end of the device''s token, if it was sent; otherwise held_until counts.';

create or replace function stream_ext.token_held_until(issued_at timestamptz, held_until timestamptz, new_expires_at timestamptz)
returns timestamptz
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    -- Nobody knows whether a renewed token arrived, so the older token's end is kept until a token is minted after it.
    return case when $1 < $2 then $2 else $3 end;
end
$$;
comment on function stream_ext.token_held_until(timestamptz, timestamptz, timestamptz) is
    'Until when a user may still hold an older token, for the row that notes a new one.';

create or replace function stream_ext.heartbeat_prepare(
    session_id uuid, out app_id text, out certificate text, out issued_at bigint, out life_s integer
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    signer pg_catalog.record;
    created_at pg_catalog.timestamptz;
begin
    -- While the configuration is wrong, which doctor() shows, there is none: a heartbeat must not fail for that.
    if stream_ext.clock_refusal() is not null then
        return;
    end if;
    select c.app_id, c.certificate, c.code into signer from stream_ext.certificate_read(false, true) as c;
    if signer.code is not null then
        return;
    end if;
    select s.created_at into created_at from stream.stream_sessions as s
    where s.id = $1 and s.channel_id = $1::text and s.state <> 'ended';
    if not found then
        return;
    end if;
    app_id := signer.app_id;
    certificate := signer.certificate;
    issued_at := stream_ext.clock_s();
    life_s := stream_ext.token_life_s(created_at, issued_at);
end
$$;
comment on function stream_ext.heartbeat_prepare(uuid) is 'What a renewed token is minted from; nulls where none can be minted.';

create or replace function stream_ext.heartbeat_viewer(
    session_id uuid, user_id uuid, foreground boolean, join_no integer, token_expires_at timestamptz, later boolean,
    later_foreground boolean, out status text, out code text, out token text, out uid integer, out expires_at timestamptz,
    out is_written boolean
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    lease pg_catalog.record;
    is_locked pg_catalog.bool := true;
    changes_foreground pg_catalog.bool;
    is_due pg_catalog.bool;
    renewal pg_catalog.record;
    issued pg_catalog.record;
    since pg_catalog.timestamptz;
    check_at pg_catalog.timestamptz;
    issued_at pg_catalog.timestamptz;
begin
    is_written := false;
    if $6 then
        select v.* into lease from stream.stream_viewers as v where v.session_id = $1 and v.user_id = $2;
    else
        select v.* into lease from stream.stream_viewers as v
        where v.session_id = $1 and v.user_id = $2 for no key update skip locked;
        if not found then
            is_locked := false;
            select v.* into lease from stream.stream_viewers as v where v.session_id = $1 and v.user_id = $2;
        end if;
    end if;
    if lease.is_active is not true then
        code := coalesce((
            select case when s.state = 'ended' then 'stream_ended' end from stream.stream_sessions as s where s.id = $1),
            case when not exists (select from stream.stream_sessions as s where s.id = $1) then 'session_not_found'
                when exists (select from stream_private.bans as b where b.session_id = $1 and b.user_id = $2) then 'banned'
                else 'not_viewer' end);
        return;
    end if;
    status := 'ok';
    if $4 <> lease.join_no then
        status := 'superseded';
        return;
    end if;
    changes_foreground := $3 is not null and $3 = (lease.background_since is not null);
    is_due := stream_ext.token_is_due(lease.token_issued_at, lease.token_expires_at, lease.token_held_until, $5);
    if $6 then
        -- An item that would have more to note than the later one, for which the row was written, comes alone.
        if is_due or changes_foreground and not $7 then
            status := null;
            code := 'lock_timeout';
        end if;
        return;
    end if;
    if not is_locked then
        return;
    end if;
    is_written := true;
    if not changes_foreground and not is_due then
        update stream.stream_viewers as v set last_seen_at = now() where v.session_id = $1 and v.user_id = $2;
        return;
    end if;
    if is_due then
        select p.app_id, p.certificate, p.issued_at, p.life_s into renewal from stream_ext.heartbeat_prepare($1) as p;
        if renewal.life_s is not null then
            if stream_ext.application_hold_user_if_free($2) then
                perform from stream.stream_sessions as s where s.id = $1 for share skip locked;
                is_due := found;
            else
                is_due := false;
            end if;
            -- After the lock, which a ban takes too.
            if is_due and exists (select from stream_private.bans as b where b.session_id = $1 and b.user_id = $2) then
                status := null;
                is_written := false;
                code := 'banned';
                return;
            end if;
        else
            is_due := false;
        end if;
    end if;
    since := lease.background_since;
    check_at := lease.lease_check_at;
    if changes_foreground then
        since := case when not $3 then now() end;
        if not $3 then
            check_at := least(check_at, now() + (
                select c.background_grace_s * interval '1 second' from stream.config as c where c.id));
        end if;
    end if;
    if is_due then
        issued_at := to_timestamp(renewal.issued_at);
        expires_at := to_timestamp(renewal.issued_at + renewal.life_s);
    end if;
    update stream.stream_viewers as v
    set last_seen_at = now(), background_since = since, lease_check_at = check_at,
        token_issued_at = coalesce(issued_at, v.token_issued_at),
        token_expires_at = coalesce(expires_at, v.token_expires_at),
        token_held_until = case when is_due
            then stream_ext.token_held_until(v.token_issued_at, v.token_held_until, expires_at) else v.token_held_until end
    where v.session_id = $1 and v.user_id = $2;
    if is_due then
        select i.token, i.expires_at into issued
        from stream_ext.token_issue(
            $1, $2, renewal.app_id, renewal.certificate, lease.agora_uid, false, renewal.issued_at, renewal.life_s) as i;
        token := issued.token;
        uid := lease.agora_uid;
        expires_at := issued.expires_at;
    end if;
end
$$;
comment on function stream_ext.heartbeat_viewer(uuid, uuid, boolean, integer, timestamptz, boolean, boolean) is
    'Prolongs a viewer''s lease, with a token when one is due; or the code of the refusal. later: the row is written already for a later item of the same call.';

-- sql/edition/sql/heartbeat_batch.sql

-- Heartbeats of many devices in one call. Each is processed as a single one and gets the same result, token included. They wait for
-- nobody: a host's that would have to is refused with lock_timeout, and so is one of several about the same user and session that says
-- more than the last one of them, for which the row was written: Postgres checks the foreign keys of a row anew that the same
-- transaction has written before, and would wait out of the order of locks.
create or replace function stream_ext.heartbeat_item(
    item json, out session_id uuid, out about uuid, out named uuid, out foreground boolean, out generation integer, out join_no integer,
    out token_expires_at timestamptz, out claims json, out refusal text
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    id pg_catalog.record;
    said pg_catalog.text;
begin
    if coalesce(json_typeof($1), 'null') <> 'object'
        or coalesce(json_typeof($1 -> 'foreground'), 'null') not in ('boolean', 'null')
        or coalesce(json_typeof($1 -> 'token_expires_at'), 'null') not in ('string', 'null')
        or coalesce(nullif(($1 -> 'generation')::text, 'null'), '0') !~ '^-?[0-9]{1,10}$' collate "C"
        or coalesce(nullif(($1 -> 'join_no')::text, 'null'), '0') !~ '^-?[0-9]{1,10}$' collate "C"
        or ($1 ->> 'generation')::bigint not between -2147483648 and 2147483647
        or ($1 ->> 'join_no')::bigint not between -2147483648 and 2147483647
    then
        refusal := 'invalid_argument';
        return;
    end if;
    foreground := $1 ->> 'foreground';
    generation := $1 ->> 'generation';
    join_no := $1 ->> 'join_no';
    claims := $1 -> 'claims';
    id := stream_ext.batch_uuid($1 -> 'session_id');
    session_id := id.id;
    if id.is_bad then
        refusal := 'invalid_argument';
        return;
    end if;
    id := stream_ext.batch_uuid($1 -> 'user_id');
    named := id.id;
    if id.is_bad then
        refusal := 'invalid_argument';
        return;
    end if;
    select u.user_id, u.refusal into about, refusal from stream_ext.batch_user(claims, named) as u;
    if refusal is not null then
        return;
    end if;
    said := $1 ->> 'token_expires_at';
    if said is not null then
        token_expires_at := stream_ext.heartbeat_time(said);
        if token_expires_at is null then
            refusal := 'invalid_argument';
        end if;
    end if;
    if refusal is null and session_id is null then
        refusal := 'invalid_argument';
    end if;
end
$$;
comment on function stream_ext.heartbeat_item(json) is 'One heartbeat of a batch, or the code of its refusal.';

create or replace function stream_ext.heartbeat_time(said text) returns timestamptz
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    at pg_catalog.timestamptz;
begin
    -- What clients send needs no subtransaction.
    if $1 ~ '^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])[T ]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]{1,6})?(Z|[+-]0[0-9](:[0-5][0-9])?)$' collate "C"
        and $1 !~ '^0000' collate "C"
    then
        return $1;
    end if;
    begin
        -- A text that is returned would be read behind the block.
        at := $1;
    exception
        when others then
            return null;
    end;
    return at;
end
$$;
comment on function stream_ext.heartbeat_time(text) is 'Reads a time as a cast does; null for another text.';

create or replace function stream_ext.heartbeat_note(
    written jsonb, pair text, foreground boolean, code text, result stream.heartbeat_result, is_written boolean
)
returns jsonb
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    if $1 ? $2 then
        return case when $3 is not null and ($4 is null or $4 = 'lock_timeout') and ($5).status is distinct from 'superseded'
            then $1 || jsonb_build_object($2, true) else $1 end;
    end if;
    -- A lease may be prolonged before the end of its stream is seen.
    return case when $6 or $4 = 'stream_ended' then $1 || jsonb_build_object($2, $3 is not null) else $1 end;
end
$$;
comment on function stream_ext.heartbeat_note(jsonb, text, boolean, text, stream.heartbeat_result, boolean) is
    'Notes what came of an item: by session and user, whether a later item than the next one said where the app is.';

create or replace function stream_ext.heartbeat_answer(
    item record, own_claims text, written jsonb, out code text, out result stream.heartbeat_result, out now_written jsonb
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    pair constant pg_catalog.text := item.session_id || ' ' || item.about;
    processed pg_catalog.record;
begin
    now_written := $3;
    code := item.refusal;
    if code is not null then
        return;
    end if;
    -- Hooks of the application look there.
    perform set_config('request.jwt.claims', coalesce(item.claims::text, $2), true);
    select p.code, p.result, p.is_written into processed
    from stream_ext.heartbeat_process(
        case when item.claims is null then null else item.about end, item.session_id, item.about, item.foreground, item.generation,
        item.join_no, item.token_expires_at, false, $3 ? pair, coalesce(($3 ->> pair)::boolean, false)) as p;
    code := processed.code;
    result := processed.result;
    now_written := stream_ext.heartbeat_note($3, pair, item.foreground, code, result, processed.is_written);
end
$$;
comment on function stream_ext.heartbeat_answer(record, text, jsonb) is
    'Processes an item of heartbeat_item, behind those that this call has written.';

create or replace function stream_ext.heartbeat_claims() returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(current_setting('request.jwt.claims', true), '');
end
$$;
comment on function stream_ext.heartbeat_claims() is 'The service''s own claims, which are in force between items.';

create or replace function stream_ext.heartbeat_answers(items json[], places integer[])
returns setof stream.batched_heartbeat
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    own_claims constant pg_catalog.text := stream_ext.heartbeat_claims();
    place pg_catalog.int4;
    item pg_catalog.record;
    answer pg_catalog.record;
    -- By a part of the pairs' hashes, so that a long batch copies little.
    written pg_catalog.jsonb[] := array_fill('{}'::jsonb, array[1024]);
    part pg_catalog.int4;
begin
    foreach place in array $2 loop
        select i.* into item from stream_ext.heartbeat_item($1[place]) as i;
        part := coalesce(hashtext(item.session_id || ' ' || item.about) & 1023, 0) + 1;
        answer := stream_ext.heartbeat_answer(item, own_claims, written[part]);
        written[part] := answer.now_written;
        return next row(place, coalesce(answer.code, 'ok'), answer.result)::stream.batched_heartbeat;
    end loop;
    perform set_config('request.jwt.claims', own_claims, true);
end
$$;
comment on function stream_ext.heartbeat_answers(json[], integer[]) is 'Processes items in the order of these places.';

create or replace function stream_ext.heartbeat_one_by_one(items json[], places integer[]) returns setof stream.batched_heartbeat
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    own_claims constant pg_catalog.text := stream_ext.heartbeat_claims();
    place pg_catalog.int4;
    item pg_catalog.record;
    answer pg_catalog.record;
    -- By a part of the pairs' hashes, so that a long batch copies little.
    written pg_catalog.jsonb[] := array_fill('{}'::jsonb, array[1024]);
    part pg_catalog.int4;
    state pg_catalog.text;
    said pg_catalog.text;
    detail pg_catalog.text;
    raised_in pg_catalog.text;
begin
    foreach place in array $2 loop
        select i.* into item from stream_ext.heartbeat_item($1[place]) as i;
        part := coalesce(hashtext(item.session_id || ' ' || item.about) & 1023, 0) + 1;
        begin
            answer := stream_ext.heartbeat_answer(item, own_claims, written[part]);
            perform set_config('request.jwt.claims', own_claims, true);
            written[part] := answer.now_written;
            return next row(place, coalesce(answer.code, 'ok'), answer.result)::stream.batched_heartbeat;
        exception
            when others or query_canceled or assert_failure then
                get stacked diagnostics state = returned_sqlstate, said = message_text, detail = pg_exception_detail,
                    raised_in = pg_exception_context;
                if stream_ext.error_is_cancel(state, raised_in) then
                    raise;
                end if;
                written[part] := stream_ext.heartbeat_note(
                    written[part], item.session_id || ' ' || item.about, item.foreground, null, null, false);
                return next row(
                    place, (stream_ext.batch_fault('heartbeats', state, said, detail, raised_in)).code, null)::stream.batched_heartbeat;
        end;
    end loop;
end
$$;
comment on function stream_ext.heartbeat_one_by_one(json[], integer[]) is
    'Processes each item in a subtransaction of its own, so that a fault costs that item alone.';

create or replace function stream_ext.heartbeat_all(items json[], places integer[]) returns stream.batched_heartbeat[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    state pg_catalog.text;
    raised_in pg_catalog.text;
begin
    return array(select a from stream_ext.heartbeat_answers($1, $2) as a);
exception
    -- One subtransaction for each item at once would spend a transaction id on each.
    when others or query_canceled or assert_failure then
        get stacked diagnostics state = returned_sqlstate, raised_in = pg_exception_context;
        if stream_ext.error_is_cancel(state, raised_in) then
            raise;
        end if;
        return array(select a from stream_ext.heartbeat_one_by_one($1, $2) as a);
end
$$;
comment on function stream_ext.heartbeat_all(json[], integer[]) is
    'Processes everything in one subtransaction, and after a fault every item in one of its own.';

create or replace function stream_ext.heartbeats(items text, row_type anyelement) returns setof anyelement
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    given pg_catalog.json[];
    places pg_catalog.int4[];
    answers stream.batched_heartbeat[];
begin
    perform stream_ext.batch_admit();
    given := stream_ext.batch_items($1);
    perform stream_ext.heartbeat_skip_disk();
    given := array(
        select stream_ext.batch_readable(g.item) from unnest(given) with ordinality as g (item, place) order by g.place);
    -- The sessions by ascending id, and the items of each from the last to the first.
    places := array(
        select g.place from unnest(given) with ordinality as g (item, place)
        order by (stream_ext.batch_uuid(case when json_typeof(g.item) = 'object' then g.item -> 'session_id' end)).id nulls first,
            g.place desc);
    answers := stream_ext.heartbeat_all(given, places);
    if not stream_ext.log_is_ticker_alive(clock_timestamp()) then
        perform stream_ext.log_flush_without_ticker(array(
            select distinct (a.heartbeat).session_id from unnest(answers) as a where a.status = 'ok' order by 1));
    end if;
    return query select a.* from unnest(answers) as a order by a.item;
end
$$;
comment on function stream_ext.heartbeats(text, anyelement) is
    'Heartbeats of many devices; items is the text of a JSON array. One row for each item, in order: ok and the result, or the code of the refusal.';

-- sql/edition/sql/heartbeat_host.sql

-- The heartbeat of the host: it keeps the stream alive and brings it back after a loss.
create or replace function stream_ext.heartbeat_hold_log(session_id uuid, limit_ms integer) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    ends_at constant pg_catalog.timestamptz := clock_timestamp() + $2 * interval '1 millisecond';
begin
    -- Postgres ends a wait for a row only with the lock or with an error, so the lock is requested again and again.
    loop
        perform from stream.chat_heads as h where h.session_id = $1 for no key update skip locked;
        exit when found;
        if clock_timestamp() >= ends_at then
            return false;
        end if;
        perform pg_sleep(0.001);
    end loop;
    loop
        perform from stream.chat_relay as r where r.session_id = $1 for no key update skip locked;
        exit when found;
        if clock_timestamp() >= ends_at then
            return false;
        end if;
        perform pg_sleep(0.001);
    end loop;
    return true;
end
$$;
comment on function stream_ext.heartbeat_hold_log(uuid, integer) is
    'Locks the head and the relay row, which a system message changes, within a time; whether both are held.';

create or replace function stream_ext.heartbeat_host(
    session_id uuid, user_id uuid, generation integer, token_expires_at timestamptz, waits boolean, later boolean,
    out is_host boolean, out status text, out code text, out comes_soon boolean, out token text, out uid integer,
    out expires_at timestamptz, out is_written boolean
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    is_locked pg_catalog.bool;
    host pg_catalog.record;
    is_due pg_catalog.bool;
    may_return pg_catalog.bool;
    comes_again pg_catalog.bool;
    renewal pg_catalog.record;
    issued_at pg_catalog.timestamptz;
    held_until pg_catalog.timestamptz;
    returned pg_catalog.record;
begin
    is_host := false;
    is_written := false;
    comes_soon := false;
    perform from stream.stream_sessions as s where s.id = $1 and s.seller_id = $2;
    if not found then
        return;
    end if;
    is_locked := case when $5 then stream_ext.gate_close_soon($1) else stream_ext.gate_close_if_free($1) end;
    select s.*, stream_ext.stream_returns_to(s.id, s.seller_id, s.state, s.state_before_error, s.state_reason, s.state_changed_at,
            s.reconnect_deadline) as returns_to
    into host
    from stream.stream_sessions as s where s.id = $1 and s.seller_id = $2;
    if not found then
        return;
    end if;
    is_host := true;
    code := case
        when host.state = 'ended' then 'stream_ended'
        when $3 <> host.generation then 'stale_host'
        when not is_locked and not $5 then 'lock_timeout'
        end;
    if code is not null then
        return;
    end if;
    status := 'ok';
    if not is_locked then
        comes_soon := true;
        return;
    end if;
    is_due := stream_ext.token_is_due(host.host_token_issued_at, host.host_token_expires_at, host.host_token_held_until, $4);
    if $6 then
        if host.returns_to is not null or is_due then
            status := null;
            code := 'lock_timeout';
        end if;
        return;
    end if;
    may_return := host.returns_to is not null and stream_ext.heartbeat_hold_log($1, case when $5 then 100 else 0 end)
        and stream_ext.realtime_take_soon($5);
    comes_again := host.returns_to is not null and not may_return;
    if comes_again and not $5 then
        status := null;
        code := 'lock_timeout';
        return;
    end if;
    is_due := is_due and not comes_again;
    if is_due then
        select p.app_id, p.certificate, p.issued_at, p.life_s into renewal from stream_ext.heartbeat_prepare($1) as p;
        is_due := renewal.life_s is not null and stream_ext.application_hold_user_if_free($2);
    end if;
    if is_due then
        issued_at := to_timestamp(renewal.issued_at);
        expires_at := to_timestamp(renewal.issued_at + renewal.life_s);
        held_until := stream_ext.token_held_until(host.host_token_issued_at, host.host_token_held_until, expires_at);
    end if;
    if may_return then
        select a.seq, a.created_at into returned
        from stream_ext.stream_announce($1, host.state, host.returns_to, 'host_returned', host.generation, true) as a;
        perform stream_ext.stream_write_state(
            $1, host.returns_to, 'host_returned', returned.seq, returned.created_at, host.state, true, false, null, null, null,
            issued_at, expires_at, held_until);
    else
        update stream.stream_sessions as o
        set host_seen_at = now(), host_heartbeat_at = now(),
            -- From the first one on the host is judged by heartbeats.
            check_at = case when o.host_seen_at is null then
                stream_ext.stream_check_at(o.state, o.created_at, o.state_changed_at, now(), o.reconnect_deadline)
                else o.check_at end,
            host_token_issued_at = coalesce(issued_at, o.host_token_issued_at),
            host_token_expires_at = coalesce(expires_at, o.host_token_expires_at),
            host_token_held_until = coalesce(held_until, o.host_token_held_until)
        where o.id = $1;
    end if;
    comes_soon := comes_again;
    is_written := not comes_again;
    if is_due then
        token := (stream_ext.token_issue(
            $1, $2, renewal.app_id, renewal.certificate, host.generation, true, renewal.issued_at, renewal.life_s)).token;
        uid := host.generation;
    end if;
end
$$;
comment on function stream_ext.heartbeat_host(uuid, uuid, integer, timestamptz, boolean, boolean) is
    'Processes the heartbeat of the host; is_host is false for anybody else, and code that of a refusal.';

create or replace function stream_ext.heartbeat_skip_disk() returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    -- Only where the transaction has written nothing yet, such as a message: an emission that follows sets it on again.
    if pg_current_xact_id_if_assigned() is null and current_setting('synchronous_commit') <> 'off' then
        perform set_config('synchronous_commit', 'off', true);
    end if;
end
$$;
comment on function stream_ext.heartbeat_skip_disk() is
    'Commits a transaction that begins asynchronously, for changes that the next heartbeat repeats anyway.';

create or replace function stream_ext.heartbeat_process(
    caller_id uuid, session_id uuid, user_id uuid, foreground boolean, generation integer, join_no integer,
    token_expires_at timestamptz, waits boolean, later boolean, later_foreground boolean,
    out code text, out result stream.heartbeat_result, out is_written boolean
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    host pg_catalog.record;
    reply pg_catalog.record;
    stream pg_catalog.record;
    given stream.agora_token;
    usual_ms pg_catalog.int4;
begin
    select h.is_host, h.status, h.code, h.comes_soon, h.token, h.uid, h.expires_at, h.is_written into host
    from stream_ext.heartbeat_host($2, $3, $5, $7, $8, $9) as h;
    if host.is_host then
        reply := host;
    else
        select false as is_host, v.status, v.code, false as comes_soon, v.token, v.uid, v.expires_at, v.is_written into reply
        from stream_ext.heartbeat_viewer($2, $3, $4, $6, $7, $9, $10) as v;
    end if;
    is_written := reply.is_written;
    code := reply.code;
    if code is not null then
        return;
    end if;
    -- The head is looked up last, so the log is never behind the state that is shown.
    select s.state, s.generation, s.viewer_count, s.reconnect_deadline, c.heartbeat_interval_s, stream_ext.log_epoch() as epoch
    into stream
    from stream.stream_sessions as s cross join stream.config as c where s.id = $2;
    if not found then
        code := 'session_not_found';
        return;
    end if;
    if stream.state = 'ended' then
        code := 'stream_ended';
        return;
    end if;
    if reply.token is not null then
        given := row(reply.token, $2::text, reply.uid, reply.expires_at,
            row(host.is_host, true, host.is_host)::stream.token_privileges)::stream.agora_token;
    end if;
    usual_ms := stream.heartbeat_interval_s * 1000;
    result := row(
        reply.status, $2, stream.state, stream.generation, stream.generation, stream.epoch,
        (select h.last_seq from stream.chat_heads as h where h.session_id = $2), stream.viewer_count, stream.reconnect_deadline,
        clock_timestamp(), case when reply.comes_soon then least(usual_ms, 1000) else usual_ms end, given,
        stream_private.oldest_client()
    )::stream.heartbeat_result;
end
$$;
comment on function stream_ext.heartbeat_process(
    uuid, uuid, uuid, boolean, integer, integer, timestamptz, boolean, boolean, boolean
) is 'Processes the heartbeat of an admitted caller: the result, or the code of the refusal.';

create or replace function stream_ext.heartbeat(
    session_id uuid, foreground boolean, generation integer, join_no integer, user_id uuid, token_expires_at timestamptz
)
returns record
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    caller constant pg_catalog.uuid := stream_ext.enter_to_write();
    about constant pg_catalog.uuid := stream_ext.caller_resolve(caller, $5);
    processed pg_catalog.record;
begin
    if $1 is null then
        perform stream_ext.error_null('session_id');
    end if;
    perform stream_ext.heartbeat_skip_disk();
    select p.code, p.result into processed
    from stream_ext.heartbeat_process(caller, $1, about, $2, $3, $4, $6, true, false, false) as p;
    if processed.code is not null then
        perform stream_ext.refuse(processed.code);
    end if;
    if not stream_ext.log_is_ticker_alive(clock_timestamp()) then
        perform stream_ext.log_flush_without_ticker(array[$1]);
    end if;
    return processed.result;
end
$$;
comment on function stream_ext.heartbeat(uuid, boolean, integer, integer, uuid, timestamptz) is
    'Processes a heartbeat. token_expires_at is when the token of the device ends; null: the device does not say.';

-- sql/edition/sql/log.sql

-- The log of a stream: its head, its relay row, and who sends an entry.
-- Under the session's relay row a flush writes everything from the last frame to the newest committed entry, so order and
-- completeness never depend on who flushes. Whenever nobody holds that row, a session with entries beyond the last frame is
-- in chat_tails, so only the first entry beyond the last frame has to queue the session.

create or replace function stream_ext.log_server() returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (select s.system_identifier from pg_control_system() as s);
end
$$;
comment on function stream_ext.log_server() is
    'The identity of the server, which never changes while a process lives: immutable, so that a kept plan holds it and no call reads the control file.';

create or replace function stream_ext.log_database() returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (select d.oid from pg_catalog.pg_database as d where d.datname = current_database());
end
$$;
comment on function stream_ext.log_database() is 'The number of the database, which is that of the process: immutable as log_server.';

create or replace function stream_ext.log_epoch_origin() returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if pg_is_in_recovery() then
        -- A standby has no insertion timeline; that of its last restart point follows a promotion of its primary late.
        return format('%s:%s:%s', stream_ext.log_server(),
            (select c.timeline_id from pg_control_checkpoint() as c), stream_ext.log_database());
    end if;
    return format('%s:%s:%s', stream_ext.log_server(),
        ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::bigint, stream_ext.log_database());
end
$$;
comment on function stream_ext.log_epoch_origin() is 'The server''s part of the epoch: its identity, its WAL timeline and its database.';

create or replace function stream_ext.log_epoch_of(salt text) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return encode(substr(sha256(convert_to(concat(stream_ext.log_epoch_origin(), ':', $1), 'UTF8')), 1, 8), 'hex');
end
$$;
comment on function stream_ext.log_epoch_of(text) is 'The epoch: 16 hexadecimal digits from its origin and a salt.';

create or replace function stream_ext.log_epoch() returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (select stream_ext.log_epoch_of(c.epoch_salt) from stream.config as c where c.id);
end
$$;
comment on function stream_ext.log_epoch() is 'The epoch, by config.epoch_salt.';

create or replace function stream_ext.log_next_seq(session_id uuid, out seq bigint, out created_at timestamptz)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    -- An entry that is sent later is acknowledged with this commit, too.
    perform stream_ext.realtime_wait_for_disk();
    update stream.chat_heads as h
    set last_seq = h.last_seq + 1,
        last_at = greatest(clock_timestamp(), h.last_at + interval '1 microsecond')
    where h.session_id = $1 and h.open
    returning h.last_seq, h.last_at into $2, $3;
end
$$;
comment on function stream_ext.log_next_seq(uuid) is
    'Takes the next number of an open log; null when the log is closed or does not exist. Statements after this see everything that was committed before.';

create or replace function stream_ext.log_refuse_closed(session_id uuid) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if exists (select from stream.stream_sessions as s where s.id = $1) then
        perform stream_ext.refuse('stream_ended');
    end if;
    perform stream_ext.refuse('session_not_found');
end
$$;
comment on function stream_ext.log_refuse_closed(uuid) is 'Refuses for a log that takes no entry: its stream has ended, or does not exist.';

create or replace function stream_ext.log_system(
    session_id uuid, content text, metadata jsonb, out seq bigint, out created_at timestamptz
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    select n.seq, n.created_at into $4, $5 from stream_ext.log_next_seq($1) as n;
    if $4 is null then
        perform stream_ext.refuse('stream_ended');
    end if;
    insert into stream.chat_messages (session_id, seq, content, message_type, metadata, created_at, updated_at)
    values ($1, $4, $2, 'system_message', $3, $5, $5);
    perform stream_ext.log_relay($1, $4, 'urgent', false);
end
$$;
comment on function stream_ext.log_system(uuid, text, jsonb) is
    'Writes a system message and relays it at once; refuses with stream_ended when the log is closed.';

create or replace function stream_ext.log_is_ticker_alive(at timestamptz) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    -- One that ticks once a second does not count: messages would wait that long.
    return coalesce((
        select t.sends_at >= $1 - interval '2 seconds' and t.sends_at <= $1 + interval '2 seconds'
        from stream.ticker as t where t.id), false);
end
$$;
comment on function stream_ext.log_is_ticker_alive(timestamptz) is 'Whether a ticker is alive that sends unsent entries soon.';

create or replace function stream_ext.log_window_ends_at(flushed_at timestamptz, window_ms integer, at timestamptz) returns timestamptz
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    -- A frame dated ahead of the clock is from before the clock was set back.
    if $2 > 50 and $1 <= $3 and $3 <= $1 + $2 * interval '1 millisecond' then
        return $1 + $2 * interval '1 millisecond';
    end if;
    return null;
end
$$;
comment on function stream_ext.log_window_ends_at(timestamptz, integer, timestamptz) is
    'When a window that the governor has made longer ends; null when it has ended, and of the shortest, for whose end a ticker does not wait.';

create or replace function stream_ext.log_may_wait(flushed_at timestamptz, window_ms integer, at timestamptz) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return $1 <= $3 and $3 <= $1 + $2 * interval '1 millisecond' and ($2 > 50 or stream_ext.log_is_ticker_alive($3));
end
$$;
comment on function stream_ext.log_may_wait(timestamptz, integer, timestamptz) is
    'Whether the window of the last frame is open, and something will send the entry at its end: a ticker, or, for a window that the governor has made longer, the first message or heartbeat after it.';

create or replace function stream_ext.log_queue(session_id uuid) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    insert into stream.chat_tails (session_id) values ($1);
end
$$;
comment on function stream_ext.log_queue(uuid) is 'Queues a session for tick when the transaction commits.';

create or replace function stream_ext.log_relay(session_id uuid, first_seq bigint, urgency text, may_wait boolean) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    flushed pg_catalog.int8;
    waits pg_catalog.bool;
begin
    select r.flushed_seq into flushed from stream.chat_relay as r where r.session_id = $1 for no key update;
    waits := $4 or stream_ext.realtime_method(clock_timestamp()) is null;
    if waits then
        if flushed >= $2 - 1 then
            perform stream_ext.log_queue($1);
        end if;
        return;
    end if;
    perform stream_ext.log_flush_with_others($1, $2, $3);
end
$$;
comment on function stream_ext.log_relay(uuid, bigint, text, boolean) is
    'Relays the entries from first_seq on, whose head row is still locked: sends them, or leaves them to tick.';

create or replace function stream_ext.log_flush_with_others(session_id uuid, first_seq bigint, urgency text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    flushed pg_catalog.int8;
begin
    -- This transaction may not see the entries before its own. It queues the session itself: it cannot see whether these have.
    if current_setting('transaction_isolation') in ('repeatable read', 'serializable') then
        perform stream_ext.log_queue($1);
        return;
    end if;
    select r.flushed_seq into flushed from stream.chat_relay as r where r.session_id = $1 for no key update;
    -- Meanwhile the partition may be dropped, or the day may end.
    if not stream_ext.log_flush($1, $3) and flushed >= $2 - 1 then
        perform stream_ext.log_queue($1);
    end if;
end
$$;
comment on function stream_ext.log_flush_with_others(uuid, bigint, text) is
    'Sends all unsent entries, of which first_seq is the first of this transaction. Above READ COMMITTED they are left to the next flush.';

create or replace function stream_ext.log_relay_one(session_id uuid, seq bigint, entry text, urgency text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    relay pg_catalog.record;
    moment pg_catalog.timestamptz;
    method pg_catalog.text;
    payload pg_catalog.text;
    has_window pg_catalog.bool;
begin
    select r.flushed_seq, r.flushed_at, r.window_ms, r.next_window_ms, r.poll_ms, c.realtime_payload_bytes, c.epoch_salt
    into relay
    from stream.chat_relay as r cross join stream.config as c
    where r.session_id = $1 and c.id for no key update of r;
    -- Read after the lock: a frame that was waited for opens a window of its own.
    moment := clock_timestamp();
    has_window := case $4
        when 'chat' then moment <= relay.flushed_at + relay.window_ms * interval '1 millisecond'
            and stream_ext.log_may_wait(relay.flushed_at, relay.window_ms, moment)
        when 'auction' then relay.next_window_ms > 50 and relay.flushed_at <= moment
            and moment <= relay.flushed_at + interval '200 milliseconds'
        else false end;
    if has_window and $4 = 'auction' and relay.window_ms > 200 then
        -- The open window ends soon enough for an auction update.
        update stream.chat_relay as r set window_ms = 200 where r.session_id = $1;
    end if;
    if not has_window and relay.flushed_seq >= $2 - 1 then
        -- Realtime's table is not locked while the relay row is waited for.
        method := stream_ext.realtime_hold(moment);
    elsif not has_window then
        method := stream_ext.realtime_method(moment);
    end if;
    if method is null then
        if relay.flushed_seq >= $2 - 1 then
            perform stream_ext.log_queue($1);
        end if;
        return;
    end if;
    if relay.flushed_seq < $2 - 1 then
        perform stream_ext.log_flush_with_others($1, $2, 'chat');
        return;
    end if;
    update stream.chat_relay as r
    set flushed_seq = $2, flushed_at = moment, window_ms = r.next_window_ms, frames = r.frames + 1,
        urgent_frames = r.urgent_frames + case when $4 = 'urgent' then 1 else 0 end
    where r.session_id = $1;
    payload := stream_ext.frame_text($1, stream_ext.log_epoch_of(relay.epoch_salt), $2, $2, $2,
        left(to_json(moment at time zone 'UTC')::text, -1) || '+00:00"', relay.poll_ms, $3, false);
    -- Most payloads are admitted whatever they consist of.
    if octet_length(payload) * 3 > relay.realtime_payload_bytes then
        payload := stream_ext.frame_payload($1, stream_ext.log_epoch_of(relay.epoch_salt), $2, $2, $2,
            stream_ext.json_time(moment), relay.poll_ms, $3, relay.realtime_payload_bytes);
    end if;
    if method = 'insert' then
        insert into realtime.messages (topic, extension, payload, event, private, inserted_at, updated_at)
        values ('chat:' || $1, 'broadcast', payload::jsonb, 'messages', true, moment at time zone 'UTC', moment at time zone 'UTC');
    else
        perform stream_ext.realtime_write(method, 'chat:' || $1, 'messages', payload, moment);
    end if;
end
$$;
comment on function stream_ext.log_relay_one(uuid, bigint, text, text) is
    'Relays one entry, whose head row is still locked: sends it in a frame of its own when no other entry is unsent, or leaves it to tick. urgency is chat, auction or urgent.';

-- sql/edition/sql/moderation.sql

-- Decisions of moderators: admitting the moderator, announcing the decision, and recording it.
-- Moderators are the seller, the service, and users whom hook_can_moderate admits and who are not banned. Calls that moderate
-- one session run one at a time, under a row that nothing else locks: what a call has read before it waits for the head still
-- holds after it.

create or replace function stream_ext.moderation_take_turn(session_id uuid) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    turn constant pg_catalog.uuid := coalesce($1, '00000000-0000-0000-0000-000000000000');
begin
    -- Twice: a session that is deleted between the two statements takes its row with it.
    for attempt in 1..2 loop
        perform from stream.moderation_turns as t where t.session_id = turn for no key update;
        if found then
            return;
        end if;
        -- Waits for a transaction that is adding the same row.
        insert into stream.moderation_turns (session_id)
        select turn where $1 is null or exists (select from stream.stream_sessions as s where s.id = $1)
        on conflict do nothing;
    end loop;
    perform from stream.moderation_turns as t where t.session_id = turn for no key update;
end
$$;
comment on function stream_ext.moderation_take_turn(uuid) is
    'Waits until nobody else moderates the session, or with null the terms of all streams, until the transaction ends. Locks nothing when there is no such session.';

create or replace function stream_ext.moderation_standing(
    session_id uuid, actor uuid, out seller_id uuid, out has_ended boolean, out pinned_seq bigint, out rank text
)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    select s.seller_id, s.state = 'ended', s.pinned_seq,
        case when $2 is null or s.seller_id = $2 then 'owner'
            when coalesce(stream.hook_can_moderate($2, s.id), false) and not exists (
                select from stream_private.bans as b where b.session_id = s.id and b.user_id = $2
            ) then 'moderator'
            else 'nobody' end
    into $3, $4, $5, $6
    from stream.stream_sessions as s where s.id = $1;
    if $3 is null then
        perform stream_ext.refuse('session_not_found');
    end if;
end
$$;
comment on function stream_ext.moderation_standing(uuid, uuid) is 'The rank of a user, null for the service, in a stream: owner, moderator or nobody.';

create or replace function stream_ext.moderation_begin(
    session_id uuid, is_live boolean, out actor uuid, out seller_id uuid, out has_ended boolean, out pinned_seq bigint, out rank text
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    $3 := stream_ext.enter_to_write();
    if $1 is null then
        perform stream_ext.error_null('session_id');
    end if;
    -- Checked before the lock, so that callers who are refused do not queue.
    if (stream_ext.moderation_standing($1, $3)).rank = 'nobody' then
        perform stream_ext.refuse('not_moderator');
    end if;
    perform stream_ext.moderation_take_turn($1);
    select n.seller_id, n.has_ended, n.pinned_seq, n.rank into $4, $5, $6, $7
    from stream_ext.moderation_standing($1, $3) as n;
    if $7 = 'nobody' then
        perform stream_ext.refuse('not_moderator');
    end if;
    if $2 and $5 then
        perform stream_ext.refuse('stream_ended');
    end if;
end
$$;
comment on function stream_ext.moderation_begin(uuid, boolean) is
    'Admits moderators, with is_live those of a live stream alone, and waits until nobody else moderates it.';

create or replace function stream_ext.moderation_lock_session(session_id uuid) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    stream_state pg_catalog.text;
begin
    perform stream_ext.gate_close($1);
    select s.state into stream_state from stream.stream_sessions as s where s.id = $1 for no key update;
    if stream_state is null then
        perform stream_ext.refuse('session_not_found');
    end if;
    if stream_state = 'ended' then
        perform stream_ext.refuse('stream_ended');
    end if;
end
$$;
comment on function stream_ext.moderation_lock_session(uuid) is
    'Locks the session, so that its state does not change and no join or token is decided meanwhile. Needed to change its row, and to ban. Comes before every other lock.';

create or replace function stream_ext.moderation_record(
    session_id uuid, actor uuid, action text, seq bigint default null, about uuid default null, target_seq bigint default null,
    reason text default null, until timestamptz default null, term text default null
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    insert into stream.moderation_log (session_id, seq, action, actor, user_id, target_seq, reason, until, term)
    values ($1, $4, $3, $2, $5, $6, $7, $8, $9);
end
$$;
comment on function stream_ext.moderation_record(uuid, uuid, text, bigint, uuid, bigint, text, timestamptz, text) is
    'Inserts a row of the moderation log; without a session it is about all streams.';

create or replace function stream_ext.moderation_announce(
    session_id uuid, actor uuid, is_open boolean, action text, sentence text, metadata jsonb, about uuid default null,
    target_seq bigint default null, reason text default null, until timestamptz default null
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    number pg_catalog.int8;
begin
    if $3 then
        number := (stream_ext.log_system($1, $5, $6)).seq;
    end if;
    perform stream_ext.moderation_record($1, $2, $4, number, $7, $8, $9, $10, null);
end
$$;
comment on function stream_ext.moderation_announce(uuid, uuid, boolean, text, text, jsonb, uuid, bigint, text, timestamptz) is
    'Writes the system message that announces a decision, while the log is open, and records the decision.';

create or replace function stream_ext.moderation_notify(about uuid, event text, session_id uuid, restriction text, is_in_force boolean, until timestamptz)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
begin
    perform stream_ext.emit('user:' || $1, $2, json_build_object(
        'session_id', $3, 'restriction', $4, 'is_in_force', $5, 'until', $6, 'server_time', clock_timestamp())::text);
end
$$;
comment on function stream_ext.moderation_notify(uuid, text, uuid, text, boolean, timestamptz) is 'Tells a user of a restriction, on their own topic.';

create or replace function stream_ext.require_moderator(session_id uuid) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    caller constant pg_catalog.uuid := stream_ext.enter_to_read();
begin
    if $1 is null then
        perform stream_ext.error_null('session_id');
    end if;
    if (stream_ext.moderation_standing($1, caller)).rank = 'nobody' then
        perform stream_ext.refuse('not_moderator');
    end if;
end
$$;
comment on function stream_ext.require_moderator(uuid) is 'Admits a moderator who only reads.';

create or replace function stream_ext.begin_moderation(session_id uuid) returns uuid
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return (stream_ext.moderation_begin($1, false)).actor;
end
$$;
comment on function stream_ext.begin_moderation(uuid) is
    'Admits a moderator and waits until nobody else moderates the stream, which may have ended; returns the moderator, null for the service.';

-- sql/edition/sql/rate.sql

-- Rate limits, each stored as one time in a row: the theoretical arrival time of GCRA, compared with the present moment and not
-- with the transaction's begin, so that a call that waited for the row counts the calls that it waited for.
create or replace function stream_ext.rate_backlog_us(noted timestamptz, at timestamptz, longest_us bigint) returns bigint
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    backlog_us pg_catalog.int8;
begin
    -- An infinite time is compared and never subtracted.
    if $1 is null or $1 <= $2 or $1 > $2 + $3 * interval '1 microsecond' then
        -- A backlog that no burst could have left is of a clock that was set back since, and counts as none.
        return 0;
    end if;
    backlog_us := extract(epoch from $1 - $2) * 1000000;
    return backlog_us;
end
$$;
comment on function stream_ext.rate_backlog_us(timestamptz, timestamptz, bigint) is
    'How far a rate limiter is ahead of the clock, in microseconds; longest_us is the most that a burst leaves.';

create or replace function stream_ext.rate_wait_ms(interval_us bigint, tolerance_us bigint, noted timestamptz) returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    backlog_us constant pg_catalog.int8 := stream_ext.rate_backlog_us($3, clock_timestamp(), $1 + $2);
begin
    if backlog_us <= $2 then
        return 0;
    end if;
    return (backlog_us - $2 + 999) / 1000;
end
$$;
comment on function stream_ext.rate_wait_ms(bigint, bigint, timestamptz) is 'Milliseconds until one more call is within a limit; 0: it is.';

create or replace function stream_ext.rate_judge(interval_us bigint, tolerance_us bigint, noted timestamptz) returns timestamptz
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    at constant pg_catalog.timestamptz := clock_timestamp();
    backlog_us constant pg_catalog.int8 := stream_ext.rate_backlog_us($3, at, $1 + $2);
begin
    if backlog_us > $2 then
        return null;
    end if;
    return at + (backlog_us + $1) * interval '1 microsecond';
end
$$;
comment on function stream_ext.rate_judge(bigint, bigint, timestamptz) is
    'The time to store for one more call, or null beyond the limit. noted is the stored time, null before the first call.';

create or replace function stream_ext.rate_take(interval_us bigint, tolerance_us bigint, noted timestamptz) returns timestamptz
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    taken constant pg_catalog.timestamptz := stream_ext.rate_judge($1, $2, $3);
begin
    if taken is null then
        perform stream_ext.error_retry_after('rate_limited', greatest(stream_ext.rate_wait_ms($1, $2, $3), 1));
    end if;
    return taken;
end
$$;
comment on function stream_ext.rate_take(bigint, bigint, timestamptz) is 'The time to store for one more call, or a refusal with the wait.';

create or replace function stream_ext.rate_minute_us(per_minute integer) returns bigint
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return greatest(60000000 / greatest(abs($1::bigint), 1), 1);
end
$$;
comment on function stream_ext.rate_minute_us(integer) is
    'The interval of a limit of so many a minute, all of which may come at once: its tolerance is what is left of the minute.';

create or replace function stream_ext.take_rate(per_minute integer, noted timestamptz) returns timestamptz
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    interval_us pg_catalog.int8;
begin
    if $1 is null then
        perform stream_ext.error_null('per_minute');
    end if;
    interval_us := stream_ext.rate_minute_us($1);
    return stream_ext.rate_take(interval_us, 60000000 - interval_us, $2);
end
$$;
comment on function stream_ext.take_rate(integer, timestamptz) is
    'Counts one call against a limit a minute; returns the time to store, or refuses with the wait.';

-- sql/edition/sql/reaction.sql

-- Reactions: counting one, and the totals that are broadcast. A reaction takes no number of the log, and of the rows that others
-- lock only the caller's own, so it is either before the end of the stream, and in its last totals, or refused.

create or replace function stream_ext.reaction_check_live(session_id uuid) returns uuid
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    found_row pg_catalog.record;
begin
    select s.seller_id, s.state into found_row from stream.stream_sessions as s where s.id = $1;
    if found_row.state is null then
        perform stream_ext.refuse('session_not_found');
    end if;
    if found_row.state = 'ended' then
        perform stream_ext.refuse('stream_ended');
    end if;
    return found_row.seller_id;
end
$$;
comment on function stream_ext.reaction_check_live(uuid) is 'Refuses an ended stream as it is committed now; returns the seller.';

create or replace function stream_ext.reaction_add(session_id uuid, kind text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    free pg_catalog.uuid;
begin
    -- A transaction that stays open holds its row and no other, so there are as many rows as transactions that react at the same
    -- moment, and none of them waits.
    select c.id into free from stream.reaction_counts as c
    where c.session_id = $1 and c.kind = $2 limit 1 for no key update skip locked;
    if free is not null then
        update stream.reaction_counts as c set added = c.added + 1 where c.session_id = $1 and c.kind = $2 and c.id = free;
        return;
    end if;
    -- A random key, so that two that find no free row at the same moment do not meet.
    free := gen_random_uuid();
    insert into stream.reaction_counts (session_id, kind, id, added) values ($1, $2, free, 1);
end
$$;
comment on function stream_ext.reaction_add(uuid, text) is 'Counts one reaction, without waiting for anybody.';

create or replace function stream_ext.send_reaction(session_id uuid, kind text) returns record
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    caller pg_catalog.uuid;
    sender_id pg_catalog.uuid;
    settings pg_catalog.record;
    lease pg_catalog.record;
    rates pg_catalog.record;
    holds_lease pg_catalog.bool;
    verdict pg_catalog.record;
    moment pg_catalog.timestamptz;
    result stream.reaction_result;
begin
    caller := stream_ext.enter_to_write();
    sender_id := stream_ext.caller_resolve(caller, null);
    -- Like a heartbeat: a crash loses the reactions of a moment, and the broadcast waits for the disk.
    perform stream_ext.heartbeat_skip_disk();
    perform stream_ext.application_hold_user(sender_id);
    if $1 is null or $2 is null then
        perform stream_ext.error_null(case when $1 is null then 'session_id' else 'kind' end);
    end if;
    select c.reaction_kinds, c.anonymous_users_may_chat, c.reaction_interval_ms * 1000::bigint as interval_us,
        c.reaction_interval_ms * 1000::bigint * (c.reaction_burst - 1) as tolerance_us
    into settings from stream.config as c where c.id;
    if $2 <> all (settings.reaction_kinds) then
        perform stream_ext.refuse_with_hint('invalid_argument', case
            when cardinality(settings.reaction_kinds) = 0 then 'this application has no reactions'
            else 'kind is one of ' || array_to_string(settings.reaction_kinds, ', ') end);
    end if;
    if stream_ext.reaction_check_live($1) = sender_id then
        perform stream_ext.gate_pass($1);
        perform from stream.stream_sessions as s where s.id = $1 for share;
        perform stream_ext.reaction_check_live($1);
        insert into stream.reaction_rates (session_id, tat) values ($1, '-infinity') on conflict do nothing;
        select r.tat into rates from stream.reaction_rates as r where r.session_id = $1 for no key update;
        moment := clock_timestamp();
        verdict := stream_ext.rate_spend(settings.interval_us, settings.tolerance_us, stream_ext.rate_ahead_us(rates.tat, moment));
        if verdict.spent_us is not null then
            update stream.reaction_rates as r set tat = moment + verdict.spent_us * interval '1 microsecond'
            where r.session_id = $1;
        end if;
    else
        -- A wait for the row, which a message of the same viewer may hold, counts as silence.
        select v.reaction_tat into lease from stream.stream_viewers as v
        where v.session_id = $1 and v.user_id = sender_id and v.is_active for no key update;
        holds_lease := found;
        moment := clock_timestamp();
        verdict := stream_ext.rate_spend(
            settings.interval_us, settings.tolerance_us, stream_ext.rate_ahead_us(lease.reaction_tat, moment));
        -- After the row is locked, so that whatever was committed before counts.
        perform stream_ext.reaction_check_live($1);
        perform stream_ext.reaction_check_sender($1, sender_id, stream_ext.caller_is_anonymous(caller)
            and not settings.anonymous_users_may_chat, holds_lease);
        if verdict.spent_us is not null then
            update stream.stream_viewers as v
            set reaction_tat = moment + verdict.spent_us * interval '1 microsecond', last_seen_at = moment
            where v.session_id = $1 and v.user_id = sender_id;
        end if;
    end if;
    if verdict.spent_us is not null then
        perform stream_ext.reaction_add($1, $2);
    end if;
    result.accepted := verdict.spent_us is not null;
    result.retry_after_ms := verdict.wait_ms;
    return result;
end
$$;
comment on function stream_ext.send_reaction(uuid, text) is 'Sends one reaction; a stream.reaction_result.';

create or replace function stream_ext.reaction_check_sender(session_id uuid, user_id uuid, is_kept_out boolean, holds_lease boolean)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    mute pg_catalog.record;
begin
    if $3 then
        perform stream_ext.refuse('anonymous_user');
    end if;
    if exists (select from stream_private.bans as b where b.session_id = $1 and b.user_id = $2) then
        perform stream_ext.refuse('banned');
    end if;
    if not $4 then
        perform stream_ext.refuse('not_viewer');
    end if;
    select r.until, r.user_id into mute from stream_private.restrictions as r
    where r.session_id = $1 and r.user_id = $2 and r.kind = 'mute' and r.is_in_force;
    if mute.user_id is not null then
        perform stream_ext.error_retry_after(
            'muted', greatest(floor(extract(epoch from mute.until - clock_timestamp()) * 1000), case when mute.until is not null then 0 end)::bigint);
    end if;
end
$$;
comment on function stream_ext.reaction_check_sender(uuid, uuid, boolean, boolean) is 'Refuses a viewer who may not react.';

create or replace function stream_ext.reaction_send_totals(session_id uuid) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
#variable_conflict use_column
declare
    moment constant pg_catalog.timestamptz := clock_timestamp();
    method constant pg_catalog.text := stream_ext.realtime_hold(moment);
    totals pg_catalog.json;
begin
    if method is null then
        return false;
    end if;
    -- Takes the counts that nobody holds. Each row is deleted by its place: a few of one stream, which this transaction has locked.
    with taken as (
        delete from stream.reaction_counts as c where c.ctid = any (array(
            select f.ctid from stream.reaction_counts as f where f.session_id = $1 for update skip locked))
        returning c.kind, c.added
    ), added as materialized (
        select t.kind, sum(t.added)::bigint as added from taken as t group by t.kind
    ), counted as (
        insert into stream.reaction_totals as k (session_id, kind, total, sent_at)
        select $1, a.kind, a.added, clock_timestamp() from added as a order by a.kind
        on conflict on constraint reaction_totals_pkey do update
        set total = k.total + excluded.total, sent_at = excluded.sent_at
        returning k.kind, k.total
    )
    select json_agg(json_build_object('kind', n.kind, 'total', n.total, 'added', coalesce(a.added, 0)) order by n.kind)
    into totals
    from (
        select c.kind, c.total from counted as c
        union all
        select k.kind, k.total from stream.reaction_totals as k
        where k.session_id = $1 and k.kind not in (select c.kind from counted as c) and exists (select from counted)
    ) as n
    left join added as a on a.kind = n.kind;
    if totals is null then
        return false;
    end if;
    perform stream_ext.realtime_write(method, 'viewers:' || $1, 'reactions',
        json_build_object('session_id', $1, 'reactions', totals, 'server_time', moment)::text, moment);
    perform stream_ext.realtime_note_sent('viewers:' || $1, 'reactions');
    return true;
end
$$;
comment on function stream_ext.reaction_send_totals(uuid) is
    'Broadcasts the totals of a stream with what was counted since the last broadcast; returns whether there was anything. What a transaction that reacts still holds is left to the next. Takes nothing while no partition takes the broadcast.';

create or replace function stream_ext.reaction_close(session_id uuid) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    -- Whether nobody can react any more: whoever does holds the row of an open lease.
    if not exists (
        select from stream.stream_sessions as s
        where s.id = $1 and s.state = 'ended'
            and not exists (select from stream.stream_viewers as v where v.session_id = $1 and v.is_active)
            and (exists (select from stream.reaction_counts as c where c.session_id = $1)
                or exists (select from stream.reaction_totals as k where k.session_id = $1)
                or exists (select from stream.reaction_rates as r where r.session_id = $1))
    ) then
        return;
    end if;
    perform stream_ext.reaction_send_totals($1);
    -- Without a partition the last counts go unsent. Whatever somebody holds is left to the next sweep.
    delete from stream.reaction_counts as c where c.ctid = any (array(
        select f.ctid from stream.reaction_counts as f where f.session_id = $1 for update skip locked));
    with cleared as (
        delete from stream.reaction_rates as r where r.session_id = $1
    )
    delete from stream.reaction_totals as k where k.session_id = $1
        and not exists (select from stream.reaction_counts as c where c.session_id = $1);
end
$$;
comment on function stream_ext.reaction_close(uuid) is
    'Broadcasts the last totals of a stream that has ended, and deletes all that is kept about its reactions, once its leases are closed.';

-- sql/edition/sql/read_marks.sql

-- Read marks: the entries of a log that a user has read, as ranges of numbers, so that counting the unread ones reads no message.

create or replace function stream_ext.read_count(session_id uuid, user_id uuid) returns bigint
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    unread pg_catalog.record;
begin
    select b.can_view, (
            select b.last_seq + 1 - b.oldest_seq - coalesce(sum(upper(k.range) - lower(k.range)), 0)::bigint
            from unnest(r.read * int8multirange(int8range(b.oldest_seq, b.last_seq + 1))) as k (range)
        ) as count
    into unread
    from (
        select s.id, h.last_seq, stream_private.can_view($2, s.id, s.seller_id) as can_view,
            coalesce(
                (select min(m.seq) from stream.chat_messages as m where m.session_id = s.id),
                h.last_seq + 1) as oldest_seq
        from stream.stream_sessions as s
        join stream.chat_heads as h on h.session_id = s.id
        where s.id = $1
    ) as b
    left join stream.chat_reads as r on r.session_id = b.id and r.user_id = $2;
    if unread.can_view is null then
        perform stream_ext.refuse('session_not_found');
    end if;
    if not unread.can_view then
        perform stream_ext.refuse('cannot_view');
    end if;
    return unread.count;
end
$$;
comment on function stream_ext.read_count(uuid, uuid) is 'The number of unread entries, for a user who may view the session.';

create or replace function stream_ext.read_bounded(read int8multirange) returns int8multirange
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    -- A client that skips every second message must not grow a row, and with it every sync, without bound.
    return $1 + int8multirange(int8range(lower($1), coalesce(
        (select lower(o.range) from unnest($1) as o (range) order by o.range desc offset 255 limit 1),
        lower($1))));
end
$$;
comment on function stream_ext.read_bounded(int8multirange) is 'A multirange without the gaps below its 256 newest ranges.';

create or replace function stream_ext.read_mark(session_id uuid, user_id uuid, marked int8multirange) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if $3 is null or isempty($3) then
        return;
    end if;
    insert into stream.chat_reads as r (session_id, user_id, read)
    values ($1, $2, stream_ext.read_bounded($3))
    on conflict on constraint chat_reads_pkey do update
    set read = stream_ext.read_bounded(r.read + excluded.read), updated_at = now()
    where not r.read @> excluded.read;
end
$$;
comment on function stream_ext.read_mark(uuid, uuid, int8multirange) is 'Adds numbers to what a user has read.';

create or replace function stream_ext.mark_messages_as_read(session_id uuid, user_id uuid, message_ids uuid[]) returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    reader constant pg_catalog.uuid := stream_ext.act_for($2);
begin
    if $1 is null or $3 is null then
        perform stream_ext.error_null(case when $1 is null then 'session_id' else 'message_ids' end);
    end if;
    if cardinality($3) > (select l.most from stream_private.limits as l where l.name = 'batch_items') then
        perform stream_ext.refuse_with_hint('invalid_argument', format('message_ids has at most %s elements',
            (select l.most from stream_private.limits as l where l.name = 'batch_items')));
    end if;
    perform stream_ext.read_count($1, reader);
    perform stream_ext.read_mark($1, reader, (
        select range_agg(int8range(m.seq, m.seq, '[]'))
        from stream.chat_messages as m where m.session_id = $1 and m.id = any ($3)));
    return stream_ext.read_count($1, reader);
end
$$;
comment on function stream_ext.mark_messages_as_read(uuid, uuid, uuid[]) is 'Marks messages; returns how many entries are unread afterwards.';

create or replace function stream_ext.mark_read_up_to(session_id uuid, user_id uuid, seq bigint) returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    reader constant pg_catalog.uuid := stream_ext.act_for($2);
begin
    if $1 is null or $3 is null then
        perform stream_ext.error_null(case when $1 is null then 'session_id' else 'seq' end);
    end if;
    if $3 < 0 then
        perform stream_ext.refuse_with_hint('invalid_argument', 'seq is a number of the log');
    end if;
    perform stream_ext.read_count($1, reader);
    perform stream_ext.read_mark($1, reader, (
        select int8multirange(int8range(1, least($3, h.last_seq), '[]'))
        from stream.chat_heads as h where h.session_id = $1 and least($3, h.last_seq) >= 1));
    return stream_ext.read_count($1, reader);
end
$$;
comment on function stream_ext.mark_read_up_to(uuid, uuid, bigint) is 'Marks everything up to a number; returns how many entries are unread afterwards.';

create or replace function stream_ext.unread_count(session_id uuid, user_id uuid) returns bigint
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    reader constant pg_catalog.uuid := stream_ext.caller_resolve(stream_ext.enter_to_read(), $2);
begin
    if $1 is null then
        perform stream_ext.error_null('session_id');
    end if;
    return stream_ext.read_count($1, reader);
end
$$;
comment on function stream_ext.unread_count(uuid, uuid) is 'How many entries of the kept log a user has not read.';

-- sql/edition/sql/reading.sql

-- Reading the log: pages of its history, missed messages, and the state from one snapshot. Each is one statement.

create or replace function stream_ext.get_message_history(
    session_id uuid, page_size integer, skip integer, before_seq bigint, after_seq bigint, row_type anyelement
)
returns setof anyelement
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    caller constant pg_catalog.uuid := stream_ext.enter_to_read();
    may_view pg_catalog.bool;
begin
    if $1 is null then
        perform stream_ext.error_null('session_id');
    end if;
    perform stream_private.check_page_size($2);
    if $3 is null then
        perform stream_ext.error_null('skip');
    end if;
    if $3 < 0 then
        perform stream_ext.refuse_with_hint('invalid_argument', 'skip is 0 or more');
    end if;
    if $4 is not null and $5 is not null then
        perform stream_ext.refuse_with_hint('invalid_argument', 'before_seq or after_seq, not both');
    end if;
    if coalesce($4, $5) not between 0 and 4611686018427387903 then
        perform stream_ext.refuse_with_hint('invalid_argument', 'before_seq and after_seq are numbers of the log');
    end if;
    select stream_private.can_view(caller, s.id, s.seller_id) into may_view
    from stream.stream_sessions as s where s.id = $1;
    if may_view is null then
        perform stream_ext.refuse('session_not_found');
    end if;
    if not may_view then
        perform stream_ext.refuse('cannot_view');
    end if;
    -- Dense numbers turn an offset into a range: no page costs more than its own rows.
    return query
    select m.id, m.session_id, m.seq, m.user_id, m.username, m.content, m.message_type, m.created_at, m.updated_at,
        m.metadata, m.deleted_at
    from (
        select
            case when $5 is not null then $5 + $3
                else least(coalesce($4 - 1, h.last_seq), h.last_seq) - $3 - $2 end as above,
            case when $5 is not null then $5 + $3 + $2
                else least(coalesce($4 - 1, h.last_seq), h.last_seq) - $3 end as upto
        from stream.chat_heads as h where h.session_id = $1
    ) as b
    join stream.chat_messages as m on m.session_id = $1 and m.seq > b.above and m.seq <= b.upto
    order by m.seq;
end
$$;
comment on function stream_ext.get_message_history(uuid, integer, integer, bigint, bigint, anyelement) is
    'A page of the log in ascending seq. Returns the type of row_type, stream.chat_message.';

create or replace function stream_ext.sync_messages(session_id uuid, last_message_id uuid, row_type anyelement)
returns setof anyelement
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    caller constant pg_catalog.uuid := stream_ext.enter_to_read();
    bounds pg_catalog.record;
begin
    if $1 is null then
        perform stream_ext.error_null('session_id');
    end if;
    select stream_private.can_view(caller, s.id, s.seller_id) as may_view,
        case when $2 is null then greatest(h.last_seq - 50, 0)
            else (select k.seq from stream.chat_messages as k where k.session_id = $1 and k.id = $2) end as above
    into bounds
    from stream.stream_sessions as s
    join stream.chat_heads as h on h.session_id = s.id
    where s.id = $1;
    if bounds.may_view is null then
        perform stream_ext.refuse('session_not_found');
    end if;
    if not bounds.may_view then
        perform stream_ext.refuse('cannot_view');
    end if;
    if bounds.above is null then
        perform stream_ext.refuse('message_not_found');
    end if;
    return query
    select m.id, m.session_id, m.seq, m.user_id, m.username, m.content, m.message_type, m.created_at, m.updated_at,
        m.metadata, m.deleted_at
    from stream.chat_messages as m
    where m.session_id = $1 and m.seq > bounds.above and m.seq <= bounds.above + 1000
    order by m.seq;
end
$$;
comment on function stream_ext.sync_messages(uuid, uuid, anyelement) is
    'The messages after one that the client holds, at most 1,000; without one the newest 50. Returns the type of row_type, stream.chat_message.';

create or replace function stream_ext.sync(of_session uuid, after_seq bigint, of_epoch text)
returns table (
    session_id uuid, state text, role text, generation integer, host_uid integer, viewer_count integer, epoch text,
    head_seq bigint, oldest_seq bigint, recovered boolean, has_more boolean, messages text, read text, unread_count bigint,
    cooldown_ms integer, chat_mode text, slow_mode_ms integer, pinned_seq bigint, pinned text, restrictions text,
    server_time timestamptz, version text
)
language plpgsql stable
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
#variable_conflict use_column
declare
    caller constant pg_catalog.uuid := stream_ext.enter_to_read();
    found_row pg_catalog.record;
    waits pg_catalog.int8;
begin
    if $1 is null then
        perform stream_ext.error_null('session_id');
    end if;
    if $2 not between 0 and 4611686018427387903 then
        perform stream_ext.refuse_with_hint('invalid_argument', 'after_seq is a number of the log');
    end if;
    -- A client resumes when it names a number of this epoch that the log has reached; anything else gets the newest page.
    with config as (
        select * from stream.config limit 1
    ), session as (
        select s.id, s.state, s.generation, s.viewer_count, s.chat_mode, s.slow_mode_ms, s.pinned_seq, h.last_seq,
            h.host_chat_tat, stream_ext.log_epoch() as epoch,
            stream_private.can_view(caller, s.id, s.seller_id) as can_view,
            case when caller is null then 'service'
                when s.seller_id = caller then 'seller'
                when exists (
                    select from stream.stream_viewers as v
                    where v.session_id = s.id and v.user_id = caller and v.is_active
                ) then 'viewer'
                else 'guest' end as role,
            coalesce(
                (select min(m.seq) from stream.chat_messages as m where m.session_id = s.id),
                h.last_seq + 1) as oldest_seq
        from stream.stream_sessions as s
        join stream.chat_heads as h on h.session_id = s.id
        where s.id = $1
    ), cursor as (
        select *, $2 is null or $2 = 0 and $3 is null as is_fresh,
            coalesce($2 <= n.last_seq and ($3 is null or $3 = n.epoch), false) as resumes
        from session as n
    ), bounds as (
        select *, case when n.resumes then $2 else greatest(n.last_seq - 50, 0) end as above
        from cursor as n
    )
    select b.can_view, b.state, b.role, b.generation, b.viewer_count, b.epoch, b.last_seq, b.oldest_seq,
        b.resumes or b.is_fresh as recovered,
        b.last_seq > b.above + 1000 as has_more,
        coalesce(
            (select json_agg(json_build_object(
                    'id', m.id, 'seq', m.seq, 'user_id', m.user_id, 'username', m.username,
                    'content', m.content, 'message_type', m.message_type, 'created_at', m.created_at,
                    'metadata', m.metadata, 'deleted_at', m.deleted_at) order by m.seq)
             from stream.chat_messages as m
             where b.can_view and m.session_id = b.id and m.seq > b.above and m.seq <= b.above + 1000),
            '[]'::json)::text as messages,
        coalesce(
            (select json_agg(json_build_array(lower(k.range), upper(k.range) - 1) order by k.range)
             from unnest(r.read * int8multirange(int8range(b.oldest_seq, b.last_seq + 1))) as k (range)),
            '[]'::json)::text as read,
        case when caller is not null then (
            select b.last_seq + 1 - b.oldest_seq - coalesce(sum(upper(k.range) - lower(k.range)), 0)::bigint
            from unnest(r.read * int8multirange(int8range(b.oldest_seq, b.last_seq + 1))) as k (range)
        ) end as unread_count,
        b.chat_mode, b.slow_mode_ms, b.pinned_seq,
        (select json_build_object(
                'id', m.id, 'seq', m.seq, 'user_id', m.user_id, 'username', m.username,
                'content', m.content, 'message_type', m.message_type, 'created_at', m.created_at,
                'metadata', m.metadata, 'deleted_at', m.deleted_at)::text
         from stream.chat_messages as m
         where b.can_view and m.session_id = b.id and m.seq = b.pinned_seq) as pinned,
        coalesce(
            (select json_agg(json_build_object('kind', x.kind, 'until', x.until, 'reason', x.reason) order by x.kind)
             from stream_private.restrictions as x
             where x.session_id = b.id and x.user_id = caller and x.is_in_force),
            '[]'::json)::text as restrictions,
        t.now,
        case when b.role = 'seller' then b.host_chat_tat else v.chat_tat end as tat,
        case when b.role = 'seller' then c.host_chat_interval_ms else c.chat_interval_ms end as interval_ms,
        case when b.role = 'seller' then c.host_chat_burst else c.chat_burst end as burst,
        -- The seller and moderators are spared slow mode; the application is asked only where there is something to wait for.
        case when b.role <> 'seller' and v.last_chat_at + b.slow_mode_ms * interval '1 millisecond' > t.now
                and not coalesce(stream.hook_can_moderate(v.user_id, b.id), false)
            then floor(extract(epoch from t.now - v.last_chat_at) * 1000)::bigint end as silent_ms,
        v.last_chat_at
    into found_row
    from bounds as b
    cross join config as c
    cross join (select clock_timestamp() as now) as t
    left join stream.stream_viewers as v on v.session_id = b.id and v.user_id = caller
    left join stream.chat_reads as r on r.session_id = b.id and r.user_id = caller;
    if found_row.can_view is null then
        perform stream_ext.refuse('session_not_found');
    end if;
    if not found_row.can_view then
        perform stream_ext.refuse('cannot_view');
    end if;
    -- A hint: the send decides, by the same limits.
    waits := greatest(
        coalesce((stream_ext.rate_spend(
            found_row.interval_ms * 1000::bigint, found_row.interval_ms * 1000::bigint * (found_row.burst - 1),
            stream_ext.rate_ahead_us(found_row.tat, found_row.now))).wait_ms, 0),
        case when found_row.silent_ms >= 0 then found_row.slow_mode_ms - found_row.silent_ms end, 0);
    return query select
        $1, found_row.state, found_row.role, found_row.generation, found_row.generation, found_row.viewer_count,
        found_row.epoch, found_row.last_seq, found_row.oldest_seq, found_row.recovered, found_row.has_more,
        found_row.messages, found_row.read, found_row.unread_count, least(waits, 2147483647)::integer, found_row.chat_mode,
        found_row.slow_mode_ms, found_row.pinned_seq, found_row.pinned, found_row.restrictions, found_row.now,
        concat_ws('.', found_row.epoch, found_row.last_seq, found_row.state, found_row.viewer_count,
            -- Of times it covers when the cooldown ends, not how long that is from now.
            encode(substr(sha256(convert_to(concat('["', found_row.role, '",', found_row.generation, ',', found_row.oldest_seq,
                ',', found_row.recovered::text, ',', found_row.has_more::text, ',', to_json(found_row.messages), ',', to_json(found_row.read),
                ',', coalesce(found_row.unread_count::text, 'null'), ',"', found_row.chat_mode, '",',
                coalesce(found_row.pinned_seq::text, 'null'), ',', coalesce(to_json(found_row.pinned)::text, 'null'), ',',
                to_json(found_row.restrictions), ',[', coalesce(stream_ext.json_microseconds(found_row.tat)::text, 'null'), ',[',
                found_row.interval_ms, ',', found_row.burst, ',', found_row.slow_mode_ms, '],',
                (found_row.silent_ms is not null)::text, '],',
                coalesce(stream_ext.json_microseconds(found_row.last_chat_at)::text, 'null'), ']'), 'UTF8')), 1, 8), 'hex'));
end
$$;
comment on function stream_ext.sync(uuid, bigint, text) is
    'State, counts, what the caller has read and may write, and the messages after after_seq, from one snapshot. Equal versions of the same session, for the same caller and cursor, mean an equal result.';

create or replace function stream_ext.json_microseconds(at timestamptz) returns bigint
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return case
        when $1 is null then null
        when $1 = 'infinity' then 9223372036854775807
        when $1 = '-infinity' then -9223372036854775807 - 1
        else (extract(epoch from $1 - '2000-01-01 00:00:00+00'::timestamptz) * 1000000)::bigint end;
end
$$;
comment on function stream_ext.json_microseconds(timestamptz) is 'A time in microseconds since 2000, as Postgres stores it.';

-- sql/edition/sql/realtime.sql

-- Broadcasting one event: a row of realtime.messages, written in the transaction of the change.
-- A row is dated by the moment at which it is written, so that a log's frames lie in the order of its numbers.

create or replace function stream_ext.realtime_target(at timestamptz) returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    -- A table with the partition's name that is not attached does not count. A column that is not filled here must not be demanded;
    -- where the columns are others, Realtime's own function writes.
    return (
        select case when p.has_partition then (
            select case when count(*) filter (where k.is_known) = 7
                and count(*) filter (where not k.is_known and a.attnotnull and not a.atthasdef) = 0 then 'insert' else 'send' end
            from pg_catalog.pg_attribute as a
            cross join lateral (
                select case a.atttypid
                    when 'text'::regtype then a.attname in ('topic', 'extension', 'event')
                    when 'timestamp'::regtype then a.attname in ('inserted_at', 'updated_at')
                    when 'jsonb'::regtype then a.attname = 'payload'
                    when 'boolean'::regtype then a.attname = 'private'
                    else false end as is_known
            ) as k
            where a.attrelid = t.target and a.attnum > 0 and not a.attisdropped
        ) end
        from (
            select to_regclass('realtime.messages') as target,
                to_regclass('realtime.messages_' || to_char($1 at time zone 'UTC', 'YYYY_MM_DD')) as partition
        ) as t
        cross join lateral (
            -- The parent of a table whose detachment is pending is nobody.
            select coalesce(pg_partition_root(t.partition) = t.target, false) or exists (
                select from pg_catalog.pg_partitioned_table as d where d.partrelid = t.target and d.partdefid <> 0
            ) as has_partition
        ) as p);
end
$$;
comment on function stream_ext.realtime_target(timestamptz) is
    'How a row dated so is written: insert, send (by Realtime''s own function), or null while no partition takes it.';

create or replace function stream_ext.realtime_method(at timestamptz) returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    method pg_catalog.text;
begin
    if current_setting('stream_ext.unit', true) <> '' and stream_ext.regular_keeps_realtime_free() then
        return null;
    end if;
    method := stream_ext.realtime_target($1);
    -- Realtime's function dates a row by the begin of the transaction, which may be of another day.
    if method = 'send' and date_trunc('day', now() at time zone 'UTC') <> date_trunc('day', $1 at time zone 'UTC')
        and stream_ext.realtime_target(now()) is null
    then
        return null;
    end if;
    return method;
end
$$;
comment on function stream_ext.realtime_method(timestamptz) is
    'As realtime_target, and null for a unit of the regular work while another transaction keeps the table locked. Takes no lock, so it can be wrong a moment later.';

create or replace function stream_ext.realtime_hold(at timestamptz) returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    method pg_catalog.text;
begin
    if current_setting('stream_ext.unit', true) <> '' and stream_ext.regular_keeps_realtime_free() then
        return null;
    end if;
    -- As an insert locks it, so no partition is dropped before the row is written.
    if to_regclass('realtime.messages') is not null then
        lock table only realtime.messages in row exclusive mode;
    end if;
    method := stream_ext.realtime_target($1);
    return case when method = 'insert' then method else stream_ext.realtime_method($1) end;
end
$$;
comment on function stream_ext.realtime_hold(timestamptz) is 'As realtime_method, valid until the transaction ends.';

create or replace function stream_ext.realtime_write(method text, topic text, event text, payload text, at timestamptz)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    -- Realtime reads flushed WAL only.
    if current_setting('synchronous_commit') = 'off' then
        perform set_config('synchronous_commit', 'on', true);
    end if;
    if $1 = 'insert' then
        insert into realtime.messages (topic, extension, payload, event, private, inserted_at, updated_at)
        values ($2, 'broadcast', $4::jsonb, $3, true, $5 at time zone 'UTC', $5 at time zone 'UTC');
    else
        perform stream_ext.realtime_send($2, $3, $4);
    end if;
end
$$;
comment on function stream_ext.realtime_write(text, text, text, text, timestamptz) is
    'Writes one row; the time is that for which the method was found.';

create or replace function stream_ext.realtime_send(topic text, event text, payload text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
-- Realtime's function dates the row in the session's time zone, and partitions are days in UTC.
set timezone = 'UTC'
as $$
begin
    -- It sets an empty search path, under which a caller's temporary domain named uuid would run its checks as the owner of our tables.
    if exists (
        select from pg_catalog.pg_type as t
        join pg_catalog.pg_type as hidden
            on hidden.typname = t.typname and hidden.typnamespace = 'pg_catalog'::regnamespace
        where t.typnamespace = pg_my_temp_schema()
    ) then
        perform stream_ext.refuse_with_hint(
            'forbidden', 'drop the temporary types and tables that have names of Postgres''s own');
    end if;
    perform realtime.send($3::jsonb, $2, $1, true);
end
$$;
comment on function stream_ext.realtime_send(text, text, text) is 'Writes one row by Realtime''s own function.';

create or replace function stream_ext.realtime_wait_for_disk() returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    -- Realtime reads flushed WAL only.
    if current_setting('synchronous_commit') = 'off' then
        perform set_config('synchronous_commit', 'on', true);
    end if;
end
$$;
comment on function stream_ext.realtime_wait_for_disk() is 'Commits this transaction synchronously: it emits, or acknowledges what is sent later.';

create or replace function stream_ext.emit(topic text, event text, payload text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    moment pg_catalog.timestamptz;
    method pg_catalog.text;
begin
    if $1 is null or $2 is null or $3 is null then
        perform stream_ext.error_null(case when $1 is null then 'topic' when $2 is null then 'event' else 'payload' end);
    end if;
    moment := clock_timestamp();
    method := stream_ext.realtime_hold(moment);
    if method is null then
        perform stream_ext.realtime_note_late($1, $2, $3);
        return;
    end if;
    perform stream_ext.realtime_write(method, $1, $2, $3, moment);
    perform stream_ext.realtime_note_sent($1, $2);
end
$$;
comment on function stream_ext.emit(text, text, text) is
    'Broadcasts one event to a private topic. payload is the text of a JSON object. While no partition takes it, it is noted, to be sent late.';

create or replace function stream_ext.realtime_note_late(topic text, event text, payload text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    body pg_catalog.jsonb;
begin
    -- What the other events state is stated again by their next one, or by sync.
    if $2 not in ('state', 'viewer_count', 'live', 'restricted', 'revoked', 'token_expiring', 'resync') then
        return;
    end if;
    body := $3;
    -- A mute and a ban are subjects of their own, of which one event may take back another.
    insert into stream.late_events as e (session_id, topic, subject, event, payload, user_id, noted_at)
    values ((body ->> 'session_id')::uuid, $1, coalesce(body ->> 'restriction', $2), $2, body,
        case when $1 like 'user:%' then substr($1, 6)::uuid end, clock_timestamp())
    on conflict on constraint late_events_pkey do update
    set event = excluded.event, payload = excluded.payload, noted_at = excluded.noted_at;
end
$$;
comment on function stream_ext.realtime_note_late(text, text, text) is
    'Notes an event that no partition takes; of each subject of a topic the newest is kept.';

create or replace function stream_ext.realtime_note_sent(topic text, event text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    prefix constant pg_catalog.text := split_part($1, ':', 1);
    id constant pg_catalog.text := substr($1, length(prefix) + 2);
begin
    -- The topic itself is not kept: it may name a user.
    insert into stream.realtime_sends (kind, session_id) values (
        case prefix
            when 'viewers' then case when $2 = 'reactions' then 'reactions' else 'viewer_counts' end
            when 'stream' then 'states'
            when 'live' then 'states'
            when 'user' then 'users'
            when 'canary' then 'canary'
            else 'others' end,
        case when prefix in ('viewers', 'stream', 'chat') and stream_ext.realtime_is_uuid(id) then id::uuid end);
end
$$;
comment on function stream_ext.realtime_note_sent(text, text) is
    'Notes a broadcast other than a frame, to be counted by the next plan of the governor.';

create or replace function stream_ext.realtime_is_uuid(value text) returns boolean
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return $1 collate "C" ~* '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$';
end
$$;
comment on function stream_ext.realtime_is_uuid(text) is 'Whether a topic''s id can be that of a stream; Postgres''s cast would raise and quote it.';

create or replace function stream_ext.json_time(at timestamptz) returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return left(to_json($1 at time zone 'UTC')::text, -1) || '+00:00"';
end
$$;
comment on function stream_ext.json_time(timestamptz) is 'A time as JSON with its quotes, in UTC whatever the session''s zone is.';

-- sql/edition/sql/regular.sql

-- Units of the regular work: the work for at most 64 streams in one subtransaction. A rule has two functions, one that finds and
-- locks what is due (regular_take_<rule>) and one that handles a stream (regular_do_<rule>). A unit that fails is rolled back as a
-- whole, the stream at which it failed is recorded in stream.troubles and skipped, and the unit begins again with the others.
-- SQL has no timer that could cancel a unit that takes long: lock_timeout bounds its waits, and the caller's statement_timeout the one
-- unit in which it fires.

create or replace function stream_ext.regular_token() returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return md5(concat((select c.xmin from stream.config as c where c.id), pg_backend_pid(), now()));
end
$$;
comment on function stream_ext.regular_token() is
    'What the setting stream_ext.unit holds in a unit of this transaction. A caller can set the setting and cannot know the value.';

create or replace function stream_ext.regular_is_inside() returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(current_setting('stream_ext.unit', true), '') like '%:%'
        and split_part(current_setting('stream_ext.unit', true), ':', 1) = stream_ext.regular_token();
end
$$;
comment on function stream_ext.regular_is_inside() is 'Whether a unit is running: a trigger in it could call the regular work again.';

create or replace function stream_ext.regular_keeps_realtime_free() returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    known constant pg_catalog.text := coalesce(current_setting('stream_ext.unit', true), '');
    is_held pg_catalog.bool;
begin
    if known not like '%:%' or split_part(known, ':', 1) <> stream_ext.regular_token() then
        return false;
    end if;
    if split_part(known, ':', 2) <> '' then
        return split_part(known, ':', 2) = 'held';
    end if;
    -- Otherwise every unit that emits would wait, and fail, stream after stream.
    is_held := not stream_ext.realtime_take_soon(true);
    perform set_config('stream_ext.unit',
        split_part(known, ':', 1) || case when is_held then ':held' else ':free' end, true);
    return is_held;
end
$$;
comment on function stream_ext.regular_keeps_realtime_free() is
    'Whether a unit is running that cannot write to realtime.messages because another transaction keeps it locked: it goes on as on a day without a partition. If not, the unit holds the lock from now on.';

create or replace function stream_ext.realtime_take_soon(may_wait boolean) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    -- After a wait there is none for a second.
    waits constant pg_catalog.bool := $1 and
        coalesce(substring(current_setting('stream_ext.held_at', true) from '^[0-9]{1,12}(?:[.][0-9]{1,9})?$')::numeric, 0)
            not between extract(epoch from clock_timestamp()) - 1 and extract(epoch from clock_timestamp());
begin
    if stream_ext.realtime_take_lock(waits) then
        return true;
    end if;
    if waits then
        perform set_config('stream_ext.held_at', extract(epoch from clock_timestamp())::text, false);
    end if;
    return false;
end
$$;
comment on function stream_ext.realtime_take_soon(boolean) is
    'As realtime_take_lock, for one who may wait now and then.';

create or replace function stream_ext.realtime_take_lock(may_wait boolean) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '100ms'
as $$
declare
    partition constant pg_catalog.regclass :=
        to_regclass('realtime.messages_' || to_char(clock_timestamp() at time zone 'UTC', 'YYYY_MM_DD'));
    missing constant pg_catalog.bool := to_regclass('realtime.messages') is null;
    -- By name a partition is locked by whoever has rights on it, and through its parent, with all others, by whoever has them on
    -- that alone, as role postgres of hosted Supabase has.
    is_open constant pg_catalog.bool := partition is null or has_table_privilege(partition, 'insert');
    mode constant pg_catalog.text := ' in row exclusive mode' || case when $1 then '' else ' nowait' end;
begin
    -- What is not there is nobody's to hold.
    if missing then
        return true;
    end if;
    execute 'lock table ' || case when is_open then 'only ' else '' end || 'realtime.messages' || mode;
    if partition is not null and is_open then
        execute format('lock table only %s', partition) || mode;
    end if;
    return true;
exception when lock_not_available then
    return false;
end
$$;
comment on function stream_ext.realtime_take_lock(boolean) is
    'Takes the locks that a broadcast of this moment needs, within a short time or only if they are free; false: another transaction keeps the table locked.';

create or replace function stream_ext.regular_note_trouble(rule text, session_id uuid, state text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '100ms'
as $$
#variable_conflict use_column
declare
    tried pg_catalog.int4;
    failure pg_catalog.text;
    raised_in pg_catalog.text;
begin
    begin
        -- 1 s after the first failure, twice as long after each further one, at most 5 minutes; for a rule that fails as a whole at
        -- most 8 s, since all streams wait for it and it fails once in that time.
        insert into stream.troubles as t (session_id, rule, sqlstate, since, attempts, next_attempt_at)
        values ($2, $1, $3, clock_timestamp(), 1, clock_timestamp() + interval '1 second')
        on conflict on constraint troubles_session_id_rule_key do update
        set sqlstate = excluded.sqlstate,
            attempts = t.attempts + 1,
            next_attempt_at = clock_timestamp()
                + least(case when t.session_id is null then 8 else 300 end, power(2, least(t.attempts, 10))) * interval '1 second'
        returning t.attempts into tried;
        if $1 = 'viewer_counts' and $2 is not null then
            perform stream_ext.regular_failed_viewer_counts($2);
        end if;
    exception when others or query_canceled or assert_failure then
        get stacked diagnostics failure = returned_sqlstate, raised_in = pg_exception_context;
        if stream_ext.error_is_cancel(failure, raised_in) then
            raise;
        end if;
        tried := null;
    end;
    if tried > 1 then
        return;
    end if;
    -- Without the error's text, which may quote rows.
    raise log 'pg_stream: the regular work % failed with SQLSTATE %; see stream.doctor()',
        $1 || case when $2 is null then '' else ' of stream ' || $2 end,
        $3 || case when tried is null then ', which could not be noted' else '' end;
end
$$;
comment on function stream_ext.regular_note_trouble(text, uuid, text) is
    'Records a failure of the regular work, of the rule as a whole where there is no session; a new failure is logged.';

create or replace function stream_ext.regular_round(rules text[], batch integer, kept jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return jsonb_build_object('written', '[]'::jsonb, 'rules', (
        select jsonb_agg(jsonb_build_object(
            'name', n.rule, 'limit', 64, 'rows_left', $2, 'failures', 0, 'failing_ms', 0, 'tallies', '{}'::jsonb, 'kept', $3,
            'is_on_trial', w.lies_ahead is not null,
            'is_over', coalesce(w.lies_ahead, false), 'is_given_up', coalesce(w.lies_ahead, false),
            'skipping', coalesce(s.ahead, '[]'), 'on_trial', coalesce(s.due, '[]')) order by n.place)
        from unnest($1) with ordinality as n (rule, place)
        left join lateral (
            select t.next_attempt_at > clock_timestamp() as lies_ahead
            from stream.troubles as t where t.rule = n.rule and t.session_id is null
        ) as w on true
        left join lateral (
            select jsonb_agg(t.session_id) filter (where t.next_attempt_at > clock_timestamp()) as ahead,
                jsonb_agg(t.session_id) filter (where t.next_attempt_at <= clock_timestamp()) as due
            from (
                select o.session_id, o.next_attempt_at from stream.troubles as o
                where o.rule = n.rule and o.session_id is not null order by o.next_attempt_at desc limit 10000
            ) as t
        ) as s on true));
end
$$;
comment on function stream_ext.regular_round(text[], integer, jsonb) is
    'A round: rules that run one after the other, each handling at most so many rows, and what has failed before.';

create or replace function stream_ext.regular_ids(value jsonb) returns uuid[]
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return array(select e.id::uuid from jsonb_array_elements_text($1) as e (id));
end
$$;
comment on function stream_ext.regular_ids(jsonb) is 'Ids of a JSON array.';

create or replace function stream_ext.regular_add_tallies(known jsonb, more jsonb) returns jsonb
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    if coalesce($2, '{}') = '{}' then
        return $1;
    end if;
    return $1 || (
        select jsonb_object_agg(m.key, jsonb_build_array(
            coalesce(($1 -> m.key ->> 0)::bigint, 0) + (m.value ->> 0)::bigint,
            greatest(($1 -> m.key ->> 1)::bigint, (m.value ->> 1)::bigint)))
        from jsonb_each($2) as m);
end
$$;
comment on function stream_ext.regular_add_tallies(jsonb, jsonb) is
    'Adds up handled rows by rule, [rows, for how many microseconds the oldest was due].';

-- sql/edition/sql/regular_rules.sql

-- The rules of the regular work by their names. Each call stands in a statement of its own, which is planned once per connection: a
-- statement that is built from the name would be planned anew for every stream.

create or replace function stream_ext.regular_take(rule text, most integer, rows_left integer, skipping uuid[], kept jsonb) returns jsonb
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

create or replace function stream_ext.regular_do(rule text, session_id uuid, keys jsonb, kept jsonb) returns jsonb
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

create or replace function stream_ext.regular_end(rule text, context jsonb, handled jsonb, again jsonb) returns jsonb
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

-- sql/edition/sql/regular_step.sql

-- One unit of a round.

create or replace function stream_ext.regular_step(round jsonb, claims boolean, asks text, out next_round jsonb, out step text, out state text)
language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '100ms'
as $$
declare
    began constant pg_catalog.timestamptz := clock_timestamp();
    running pg_catalog.jsonb;
    place pg_catalog.int4 := 0;
    due pg_catalog.record;
    dues pg_catalog.jsonb;
    done pg_catalog.jsonb;
    skipping pg_catalog.uuid[];
    current_id pg_catalog.uuid;
    handled pg_catalog.uuid[] := '{}';
    passed pg_catalog.uuid[] := '{}';
    again pg_catalog.uuid[] := '{}';
    written pg_catalog.uuid[];
    tallies pg_catalog.jsonb;
    context pg_catalog.jsonb;
    rows_left pg_catalog.int4;
    has_begun pg_catalog.bool := false;
    is_in_rule pg_catalog.bool := false;
    writes pg_catalog.bool;
    raised_in pg_catalog.text;
begin
    next_round := $1;
    <<unit>>
    begin
        perform set_config('stream_ext.unit', stream_ext.regular_token() || ':', true);
        -- Where nothing is planned or sent no transaction id is spent.
        if not (case $3 when 'plan' then stream_ext.governor_is_due() when 'tails' then stream_ext.tails_are_due() else true end) then
            step := 'stopped';
        elsif $2 and not stream_ext.regular_claim() then
            step := 'stopped';
        else
            step := 'over';
            while place < jsonb_array_length(next_round -> 'rules') loop
                running := next_round -> 'rules' -> place;
                if (running ->> 'is_over')::boolean then
                    place := place + 1;
                    continue;
                end if;
                is_in_rule := true;
                handled := '{}';
                passed := '{}';
                again := '{}';
                tallies := '{}';
                context := null;
                rows_left := (running ->> 'rows_left')::integer;
                writes := running ->> 'name' in ('clock_correction', 'session_timeouts', 'viewer_counts');
                written := stream_ext.regular_ids(next_round -> 'written');
                skipping := stream_ext.regular_ids(running -> 'skipping') || case when writes then written end;
                dues := stream_ext.regular_take(
                    running ->> 'name', (running ->> 'limit')::integer, rows_left, skipping, running -> 'kept');
                for due in
                    select d.session_id, d.keys, d.held
                    from jsonb_to_recordset(coalesce(dues, '[]')) as d (session_id uuid, keys jsonb, held boolean)
                loop
                    if due.session_id is null then
                        context := due.keys;
                        continue;
                    end if;
                    if due.held then
                        passed := passed || due.session_id;
                        continue;
                    end if;
                    if cardinality(handled) >= (running ->> 'limit')::integer or rows_left <= 0
                        or cardinality(handled) > 0 and cardinality(handled) % 8 = 0
                            and clock_timestamp() >= began + interval '20 milliseconds'
                    then
                        again := again || due.session_id;
                        continue;
                    end if;
                    current_id := due.session_id;
                    done := stream_ext.regular_do(running ->> 'name', due.session_id, due.keys,
                        jsonb_build_object('rows_left', rows_left, 'count', running -> 'kept' -> 'count'));
                    current_id := null;
                    if (done ->> 'passed')::boolean then
                        passed := passed || due.session_id;
                        continue;
                    end if;
                    has_begun := true;
                    -- A part of the due rows of a stream may be taken again.
                    if not coalesce((done ->> 'part')::boolean, false) then
                        handled := handled || due.session_id;
                    end if;
                    if writes and not coalesce((done ->> 'unwritten')::boolean, false) then
                        written := written || due.session_id;
                    end if;
                    rows_left := rows_left - coalesce((done ->> 'rows')::integer, 0);
                    tallies := stream_ext.regular_add_tallies(tallies, done -> 'tallies');
                end loop;
                if context is not null then
                    context := stream_ext.regular_end(running ->> 'name', context, to_jsonb(handled), to_jsonb(again));
                end if;
                if exists (select from unnest(handled) as h (id) where running -> 'on_trial' ? h.id::text) then
                    delete from stream.troubles as t where t.rule = running ->> 'name' and t.session_id = any (handled);
                end if;
                if (running ->> 'is_on_trial')::boolean then
                    delete from stream.troubles as t where t.rule = running ->> 'name' and t.session_id is null;
                end if;
                exit when has_begun;
                -- A held stream is skipped for the whole round; where there is none either, the rule is over.
                next_round := jsonb_set(next_round, array['rules', place::text], running || jsonb_build_object(
                    'is_over', cardinality(passed) = 0, 'is_on_trial', false,
                    'kept', coalesce(running -> 'kept', '{}') || coalesce(context, '{}') || '{"waits": false}',
                    'skipping', (running -> 'skipping') || to_jsonb(passed)));
            end loop;
            if has_begun then
                step := 'worked';
            end if;
        end if;
        -- Deferred triggers and constraints would otherwise fail at the caller's commit, after all units.
        set constraints all immediate;
        perform set_config('stream_ext.unit', '', true);
    exception when others or query_canceled or assert_failure then
        get stacked diagnostics state = returned_sqlstate, raised_in = pg_exception_context;
        -- Otherwise every call would fail at the same stream, and nothing would ever be noted.
        if stream_ext.error_is_cancel(state, raised_in) and not stream_ext.regular_has_timed_out() then
            raise;
        end if;
        step := 'failed';
    end unit;
    if step = 'worked' then
        next_round := jsonb_set(next_round, array['rules', place::text], running || jsonb_build_object(
            'is_on_trial', false, 'rows_left', rows_left, 'is_over', rows_left <= 0,
            'kept', coalesce(running -> 'kept', '{}') || coalesce(context, '{}') || '{"waits": false}',
            'skipping', (running -> 'skipping') || to_jsonb(handled) || to_jsonb(passed),
            'tallies', stream_ext.regular_add_tallies(running -> 'tallies', tallies)))
            || jsonb_build_object('written', to_jsonb(written));
    elsif step = 'failed' and is_in_rule then
        next_round := stream_ext.regular_fail(next_round, place, running, coalesce(current_id, case when cardinality(handled) = 1 then handled[1] end),
            cardinality(handled), passed, state, extract(epoch from clock_timestamp() - began) * 1000);
        step := 'worked';
    end if;
end
$$;
comment on function stream_ext.regular_step(jsonb, boolean, text) is
    'Does one unit of a round, with the claim of the ticker''s row if asked: worked (there may be more), over, stopped (another ticker is at work, or nothing is due: asks is plan or tails) or failed before any rule, with the SQLSTATE.';

create or replace function stream_ext.regular_fail(
    round jsonb, place integer, rule jsonb, culprit uuid, handled integer, passed uuid[], state text, took_ms numeric
)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    failed pg_catalog.jsonb := $3 || jsonb_build_object('skipping', ($3 -> 'skipping') || to_jsonb($6));
    is_given_up pg_catalog.bool;
begin
    -- Where no stream was being handled, at deferred triggers for example, the next unit has half as many streams.
    if $4 is null and $5 > 1 then
        return jsonb_set($1, array['rules', $2::text], failed || jsonb_build_object('limit', greatest($5 / 2, 1)));
    end if;
    is_given_up := $4 is null or ($3 ->> 'failures')::integer + 1 >= 64 or ($3 ->> 'failing_ms')::numeric + $8 >= 4000;
    perform stream_ext.regular_note_trouble($3 ->> 'name', $4, $7);
    return jsonb_set($1, array['rules', $2::text], failed || jsonb_build_object(
        'limit', 64, 'failures', ($3 ->> 'failures')::integer + 1, 'failing_ms', ($3 ->> 'failing_ms')::numeric + $8,
        'skipping', (failed -> 'skipping') || case when $4 is null then '[]' else to_jsonb(array[$4]) end,
        'is_given_up', is_given_up, 'is_over', is_given_up));
end
$$;
comment on function stream_ext.regular_fail(jsonb, integer, jsonb, uuid, integer, uuid[], text, numeric) is
    'Records the failure of a unit that was rolled back. The stream at which it failed is skipped from now on; after 64 failures, or 4 s in them, the rule is given up for the round.';

-- sql/edition/sql/regular_work.sql

-- Ticks: the entry points of the regular work, and the steps of one tick. pg_cron's loop or edge_api call them. One at a time
-- works, the others return at once, so any number of callers does no harm.

create or replace function stream_ext.regular_timeout_ms() returns numeric
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    -- As an interval: the view of all settings takes a hundred times as long.
    return nullif(extract(epoch from current_setting('statement_timeout')::interval) * 1000, 0);
end
$$;
comment on function stream_ext.regular_timeout_ms() is 'The statement_timeout of the caller; null: there is none.';

create or replace function stream_ext.regular_has_timed_out() returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        clock_timestamp() >= statement_timestamp() + stream_ext.regular_timeout_ms() * interval '1 millisecond', false);
end
$$;
comment on function stream_ext.regular_has_timed_out() is
    'Whether the statement_timeout of the caller is over. It ends one unit, whose stream is noted; after it nothing ends another, so none is begun.';

create or replace function stream_ext.regular_claim() returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    -- Only the owner of the tables can lock it, and nobody waits for it.
    perform from stream.ticker as t where t.id for update skip locked;
    return found;
end
$$;
comment on function stream_ext.regular_claim() is 'Claims the ticker''s row until the transaction ends; false when another transaction holds it.';

create or replace function stream_ext.regular_look(out round boolean, out mark boolean, out tails boolean, out is_abandoned boolean)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    -- A time ahead of the clock is from before the clock was set back.
    select t.swept_at <= now() - interval '900 milliseconds' or t.swept_at > now(),
        t.ticked_at <= now() - interval '500 milliseconds' or t.ticked_at > now(),
        t.ticked_at <= now() - interval '5 seconds' and t.ticked_at > '-infinity' or t.ticked_at > now()
    into $1, $2, $4
    from stream.ticker as t where t.id;
    $1 := coalesce($1, false);
    $2 := coalesce($2, false);
    $4 := coalesce($4, false);
    tails := stream_ext.tails_are_due();
end
$$;
comment on function stream_ext.regular_look() is 'What is due, without writing or locking anything.';

create or replace function stream_ext.regular_begin(due record, without_claim boolean, commits boolean) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    batch constant pg_catalog.int4 := (select c.sweep_batch_size from stream.config as c where c.id);
    unmarked constant pg_catalog.numeric := coalesce(
        substring(current_setting('stream_ext.unmarked_at', true) from '^[0-9]{1,12}(?:[.][0-9]{1,9})?$')::numeric, 0);
    has_round constant pg_catalog.bool := due.round
        and not ($2 and unmarked between extract(epoch from clock_timestamp()) - 0.9 and extract(epoch from clock_timestamp()));
begin
    if not due.tails then
        -- Nothing is unsent.
        perform set_config('stream_ext.sends', '', false);
    end if;
    return jsonb_build_object(
        'without_claim', $2, 'mark', due.mark and not $2, 'is_plan_begun', false, 'tails_at', 0,
        'round', case when has_round then stream_ext.regular_round(
            array['late_events', 'clock_correction', 'viewer_leases', 'ended_resources', 'session_timeouts', 'viewer_counts',
                'reactions', 'expiring_tokens', 'tokens', 'restrictions', 'retention', 'webhook_events', 'webhook_cursors',
                'requests', 'start_rates', 'canary'],
            batch, jsonb_build_object('count', true, 'waits', $3)) end,
        'plan', case when due.round then stream_ext.regular_round(array['governor'], 2147483647, '{}') end,
        'tails', case when due.tails then stream_ext.regular_round(array['tails'], 2147483647, '{}') end);
end
$$;
comment on function stream_ext.regular_begin(record, boolean, boolean) is 'Collects what is due. Writes nothing.';

create or replace function stream_ext.regular_mark(claims boolean, sends boolean) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '100ms'
as $$
declare
    state pg_catalog.text;
    raised_in pg_catalog.text;
begin
    begin
        if $1 and not stream_ext.regular_claim() then
            return false;
        end if;
        -- The first tick after half a second marks, so a mark soon after it shows that ticks come in quick succession and send
        -- unsent entries soon.
        update stream.ticker as t
        set ticked_at = now(),
            sends_at = case
                when $2 and t.ticked_at between now() - interval '600 milliseconds' and now() then now()
                else t.sends_at end
        where t.id and (t.ticked_at <= now() - interval '500 milliseconds' or t.ticked_at > now());
        delete from stream.troubles as t where t.rule = 'ticker' and t.session_id is null;
        return true;
    exception when others or query_canceled or assert_failure then
        get stacked diagnostics state = returned_sqlstate, raised_in = pg_exception_context;
        if stream_ext.error_is_cancel(state, raised_in) then
            raise;
        end if;
    end;
    -- The work goes on without the mark.
    perform stream_ext.regular_note_trouble('ticker', null, state);
    return true;
end
$$;
comment on function stream_ext.regular_mark(boolean, boolean) is 'Marks that a ticker is alive; with sends, that it sends unsent entries. False when another one is at work.';

create or replace function stream_ext.regular_end_round(round jsonb, claims boolean) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '100ms'
as $$
declare
    is_marked pg_catalog.bool := false;
    state pg_catalog.text;
    raised_in pg_catalog.text;
begin
    begin
        is_marked := (not $2 or stream_ext.regular_claim()) and stream_ext.sweep_mark();
        -- Due entries are tried within a round, so older ones are of no use.
        delete from stream.troubles as t where t.next_attempt_at < clock_timestamp() - interval '10 minutes';
    exception when others or query_canceled or assert_failure then
        get stacked diagnostics state = returned_sqlstate, raised_in = pg_exception_context;
        if stream_ext.error_is_cancel(state, raised_in) then
            raise;
        end if;
        is_marked := false;
    end;
    if state is not null then
        perform stream_ext.regular_note_trouble('ticker', null, state);
    end if;
    perform set_config('stream_ext.unmarked_at',
        case when is_marked then '' else extract(epoch from clock_timestamp())::text end, false);
    perform stream_ext.figures_record_round($1, $2);
end
$$;
comment on function stream_ext.regular_end_round(jsonb, boolean) is 'Marks the end of a round, and writes its figures.';

create or replace function stream_ext.regular_work_step(work jsonb, commits boolean, out next_work jsonb, out has_more boolean)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    -- Every unit that is a transaction begins with the claim; without commits it is held already.
    claims constant pg_catalog.bool := $2 and not ($1 ->> 'without_claim')::boolean;
    part pg_catalog.jsonb;
    step pg_catalog.text;
    state pg_catalog.text;
    kind pg_catalog.text;
begin
    next_work := $1;
    if ($1 ->> 'mark')::boolean then
        next_work := next_work || '{"mark": false}';
        has_more := stream_ext.regular_mark(claims, coalesce(current_setting('stream_ext.sends', true), '') <> 'no')
            and stream_ext.regular_has_more(next_work);
        return;
    end if;
    -- Within one transaction windows are planned and entries sent last: the lock order puts relay rows at the end.
    kind := case
        when jsonb_typeof($1 -> 'plan') = 'object' and $2 then 'plan'
        when jsonb_typeof($1 -> 'round') = 'object' and not $2 then 'round'
        when jsonb_typeof($1 -> 'plan') = 'object' then 'plan'
        when jsonb_typeof($1 -> 'tails') = 'object' then 'tails'
        when jsonb_typeof($1 -> 'round') = 'object' then 'round' end;
    if kind is null then
        has_more := false;
        return;
    end if;
    if kind = 'round' and $2
        and ($1 ->> 'tails_at')::numeric not between extract(epoch from clock_timestamp()) - 0.05 and extract(epoch from clock_timestamp())
    then
        kind := 'tails';
        next_work := next_work || jsonb_build_object('tails', stream_ext.regular_round(array['tails'], 2147483647, '{}'));
    end if;
    select s.next_round, s.step, s.state into part, step, state
    from stream_ext.regular_step(next_work -> kind, claims,
        case when kind = 'tails' or kind = 'plan' and not (next_work ->> 'is_plan_begun')::boolean then kind end) as s;
    next_work := next_work || jsonb_build_object(kind, case when step = 'worked' then part end)
        || case when kind = 'plan' then '{"is_plan_begun": true}' else '{}' end::jsonb;
    if step = 'failed' then
        perform stream_ext.regular_note_trouble('ticker', null, state);
    end if;
    if kind = 'tails' then
        perform set_config('stream_ext.sends', case
            when step = 'failed' or (part -> 'rules' -> 0 ->> 'is_given_up')::boolean
                or current_setting('stream_ext.queue_is_held', true) = 'yes' then 'no'
            else '' end, false);
        if step <> 'worked' then
            next_work := next_work || jsonb_build_object('tails_at', extract(epoch from clock_timestamp()));
        end if;
    elsif kind = 'round' then
        if step = 'over' then
            perform stream_ext.regular_end_round(part, claims);
        elsif step <> 'worked' then
            has_more := false;
            return;
        end if;
    end if;
    has_more := stream_ext.regular_has_more(next_work);
end
$$;
comment on function stream_ext.regular_work_step(jsonb, boolean) is 'Does the next unit of a tick; returns what is left, and whether there is more.';

create or replace function stream_ext.regular_has_more(work jsonb) returns boolean
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return jsonb_typeof($1 -> 'plan') = 'object' or jsonb_typeof($1 -> 'round') = 'object' or jsonb_typeof($1 -> 'tails') = 'object';
end
$$;
comment on function stream_ext.regular_has_more(jsonb) is 'Whether a tick has something left to do.';

-- sql/edition/sql/restriction.sql

-- Muting and banning users, lifting restrictions, and the lists of them and of decisions.

create or replace function stream_ext.moderation_check_target(rank text, seller_id uuid, actor uuid, about uuid) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if $4 = $2 then
        if $1 = 'owner' then
            perform stream_ext.refuse_with_hint('invalid_argument', 'the seller cannot be restricted in their own stream');
        end if;
        perform stream_ext.refuse_with_hint('not_moderator', 'nobody moderates the seller of the stream');
    end if;
    if $4 = $3 then
        perform stream_ext.refuse_with_hint('not_moderator', 'nobody moderates themself; ask the seller or another moderator');
    end if;
end
$$;
comment on function stream_ext.moderation_check_target(text, uuid, uuid, uuid) is
    'Refuses to act against the seller or oneself: a muted moderator could end the mute.';

create or replace function stream_ext.moderation_check_kind(kind text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if $1 is null then
        perform stream_ext.error_null('kind');
    end if;
    if $1 not in ('mute', 'ban') then
        perform stream_ext.refuse_with_hint('invalid_argument', 'kind is mute or ban');
    end if;
end
$$;
comment on function stream_ext.moderation_check_kind(text) is 'Refuses what is neither a mute nor a ban.';

create or replace function stream_ext.moderation_charge(session_id uuid, actor uuid) returns timestamptz
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if $2 is null then
        return null;
    end if;
    return stream_ext.take_rate(
        (select c.restrictions_per_minute from stream.config as c where c.id),
        (select r.tat from stream.restriction_rates as r where r.session_id = $1 and r.actor = $2));
end
$$;
comment on function stream_ext.moderation_charge(uuid, uuid) is
    'One more restriction within the rate of its actor: the time to note, after the row of the user and the session''s are locked. Null for the service, which has no rate.';

create or replace function stream_ext.moderation_note_charge(session_id uuid, actor uuid, tat timestamptz) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if $3 is not null then
        insert into stream.restriction_rates as r (session_id, actor, tat) values ($1, $2, $3)
        on conflict on constraint restriction_rates_pkey do update set tat = excluded.tat;
    end if;
end
$$;
comment on function stream_ext.moderation_note_charge(uuid, uuid, timestamptz) is 'Notes the rate of a moderator.';

create or replace function stream_ext.restrict_user(session_id uuid, user_id uuid, kind text, duration_s integer, reason text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    moderator pg_catalog.record;
    -- Named apart from the columns.
    ends_at pg_catalog.timestamptz;
    standing pg_catalog.record;
    tat pg_catalog.timestamptz;
    range pg_catalog.record;
begin
    moderator := stream_ext.moderation_begin($1, true);
    if $2 is null then
        perform stream_ext.error_null('user_id');
    end if;
    perform stream_ext.moderation_check_kind($3);
    select l.least, l.most into range from stream_private.limits as l where l.name = 'restriction_s';
    if $4 not between range.least and range.most then
        perform stream_ext.refuse_with_hint('invalid_argument', format('duration_s is %s to %s, or null', range.least, range.most));
    end if;
    perform stream_private.check_reason($5);
    perform stream_ext.moderation_check_target(moderator.rank, moderator.seller_id, moderator.actor, $2);
    ends_at := now() + $4 * interval '1 second';
    select r.until is not distinct from ends_at and r.reason is not distinct from $5 as is_the_same
    into standing
    from stream_private.restrictions as r where r.session_id = $1 and r.user_id = $2 and r.kind = $3;
    if standing.is_the_same then
        return;
    end if;
    tat := stream_ext.moderation_charge($1, moderator.actor);
    -- A new row locks the user's row, by its foreign key. That comes first: the deletion of the user holds that row while it
    -- waits for the viewer's.
    insert into stream.chat_restrictions (session_id, user_id, kind, until, actor, reason)
    values ($1, $2, $3, ends_at, moderator.actor, $5)
    on conflict do nothing;
    if $3 = 'ban' then
        -- Joins in progress have committed, or have not checked for a ban yet.
        perform stream_ext.moderation_lock_session($1);
        -- Ends the lease, as leaving does.
        update stream.stream_viewers as v
        set left_at = now(), watch_ms = v.watch_ms + stream_ext.viewer_watched_ms(v.joined_at, now())
        where v.session_id = $1 and v.user_id = $2 and v.is_active;
        if found then
            insert into stream.viewer_changes (session_id) values ($1);
        end if;
    end if;
    perform stream_ext.moderation_note_charge($1, moderator.actor, tat);
    perform stream_ext.moderation_announce($1, moderator.actor, true,
        case $3 when 'mute' then 'user_muted' else 'user_banned' end,
        case $3 when 'mute' then 'A user was muted.' else 'A user was banned.' end,
        jsonb_build_object('kind', case $3 when 'mute' then 'user_muted' else 'user_banned' end, 'user_id', $2,
            'restriction', $3, 'until', stream_ext.json_time(ends_at)::jsonb),
        $2, null, $5, ends_at);
    -- An existing row is changed after the head is locked, like everything that decides about a sender: the deletion of a user
    -- holds messages while it waits for this row, and a deletion of messages holds the head while it waits for those.
    insert into stream.chat_restrictions as r (session_id, user_id, kind, until, actor, reason)
    values ($1, $2, $3, ends_at, moderator.actor, $5)
    on conflict on constraint chat_restrictions_pkey do update
    set until = excluded.until, actor = excluded.actor, reason = excluded.reason, created_at = excluded.created_at;
    if $3 = 'ban' then
        update stream.agora_tokens as t set is_active = false where t.session_id = $1 and t.user_id = $2 and t.is_active;
    end if;
    perform stream_ext.moderation_notify(
        $2, case $3 when 'mute' then 'restricted' else 'revoked' end, $1, $3, true, ends_at);
end
$$;
comment on function stream_ext.restrict_user(uuid, uuid, text, integer, text) is
    'Restricts a user. kind is mute or ban; without a duration it lasts until it is lifted.';

create or replace function stream_ext.lift_restriction(session_id uuid, user_id uuid, kind text) returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    moderator pg_catalog.record;
begin
    moderator := stream_ext.moderation_begin($1, true);
    if $2 is null then
        perform stream_ext.error_null('user_id');
    end if;
    perform stream_ext.moderation_check_kind($3);
    perform stream_ext.moderation_check_target(moderator.rank, moderator.seller_id, moderator.actor, $2);
    -- An expired one is left to the sweep.
    if not exists (
        select from stream_private.restrictions as r
        where r.session_id = $1 and r.user_id = $2 and r.kind = $3 and r.is_in_force
    ) then
        return 'not_restricted';
    end if;
    perform stream_ext.moderation_note_charge($1, moderator.actor, stream_ext.moderation_charge($1, moderator.actor));
    perform stream_ext.moderation_announce($1, moderator.actor, true,
        case $3 when 'mute' then 'mute_lifted' else 'ban_lifted' end,
        case $3 when 'mute' then 'A user may write again.' else 'A user may come back.' end,
        jsonb_build_object('kind', 'restriction_lifted', 'user_id', $2, 'restriction', $3, 'until', null),
        $2);
    delete from stream.chat_restrictions as r where r.session_id = $1 and r.user_id = $2 and r.kind = $3;
    perform stream_ext.moderation_notify($2, 'restricted', $1, $3, false, null);
    return 'lifted';
end
$$;
comment on function stream_ext.lift_restriction(uuid, uuid, text) is 'Lifts a mute or ban that is in force.';

create or replace function stream_ext.moderation_require_reader(session_id uuid) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    if $1 is not null then
        perform stream_ext.require_moderator($1);
    elsif stream_ext.enter_to_read() is not null then
        perform stream_ext.refuse('not_moderator');
    end if;
end
$$;
comment on function stream_ext.moderation_require_reader(uuid) is
    'Admits moderators of the stream; for decisions about all streams (null) the service alone.';

create or replace function stream_ext.get_moderation_log(of_session uuid, before_id bigint, page_size integer)
returns table (
    id bigint, session_id uuid, seq bigint, action text, actor uuid, user_id uuid, target_seq bigint, reason text,
    until timestamptz, term text, created_at timestamptz
)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    perform stream_ext.moderation_require_reader($1);
    perform stream_private.check_page_size($3);
    if $1 is null then
        return query
        select l.id, l.session_id, l.seq, l.action, l.actor, l.user_id, l.target_seq, l.reason, l.until, l.term, l.created_at
        from stream.moderation_log as l
        where l.session_id is null and ($2 is null or l.id < $2)
        order by l.id desc limit $3;
        return;
    end if;
    return query
    select l.id, l.session_id, l.seq, l.action, l.actor, l.user_id, l.target_seq, l.reason, l.until, l.term, l.created_at
    from stream.moderation_log as l
    where l.session_id = $1 and ($2 is null or l.id < $2)
    order by l.id desc limit $3;
end
$$;
comment on function stream_ext.get_moderation_log(uuid, bigint, integer) is 'Decisions, the newest first; null: those about all streams.';

create or replace function stream_ext.list_restrictions(session_id uuid, after uuid, page_size integer)
returns table (user_id uuid, kind text, until timestamptz, actor uuid, reason text, created_at timestamptz)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    perform stream_ext.enter_to_read();
    perform stream_ext.require_moderator($1);
    perform stream_private.check_page_size($3);
    -- The page size counts users, so that no user is split between two pages.
    return query
    with users as (
        select distinct r.user_id from stream_private.restrictions as r
        where r.session_id = $1 and ($2 is null or r.user_id > $2) and r.is_in_force
        order by r.user_id limit $3
    )
    select r.user_id, r.kind, r.until, r.actor, r.reason, r.created_at
    from users as u
    join stream_private.restrictions as r on r.session_id = $1 and r.user_id = u.user_id
    where r.is_in_force
    order by r.user_id, r.kind;
end
$$;
comment on function stream_ext.list_restrictions(uuid, uuid, integer) is 'Mutes and bans in force, by ascending user.';

-- sql/edition/sql/send.sql

-- Sending one chat message.
-- Lock order: the sender's viewer row, the head row, the relay row. Everything but the viewer's row is read after the head row
-- is locked, so a mute, a ban or a changed setting that was committed before counts. A refusal leaves nothing behind; a message
-- that was stored before is returned again, whatever has changed since.

create or replace function stream_ext.rate_spend(
    interval_us bigint, tolerance_us bigint, backlog_us bigint, out spent_us bigint, out wait_ms bigint
)
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    -- A backlog that no burst could have left is of a clock that was set back since, and counts as none.
    backlog constant pg_catalog.int8 := case when $3 between 0 and $1 + $2 then $3 else 0 end;
begin
    if backlog > $2 then
        $5 := (backlog - $2 + 999) / 1000;
    else
        $4 := backlog + $1;
    end if;
end
$$;
comment on function stream_ext.rate_spend(bigint, bigint, bigint) is
    'The backlog of a rate limiter after one more call (GCRA, ITU-T I.371), or how many milliseconds to wait for it.';

create or replace function stream_ext.rate_ahead_us(tat timestamptz, at timestamptz) returns bigint
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    if $1 is null or $1 <= $2 then
        return 0;
    end if;
    return case when isfinite($1) then (extract(epoch from $1 - $2) * 1000000)::bigint else 9223372036854775807 end;
end
$$;
comment on function stream_ext.rate_ahead_us(timestamptz, timestamptz) is 'By how many microseconds a rate limiter is ahead of the clock.';

create or replace function stream_ext.chat_refusal(
    sender record, session_id uuid, is_anonymous boolean, content text,
    out refusal text, out retry_after_ms bigint, out spent_us bigint
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    slow_ms pg_catalog.int8;
    spent pg_catalog.record;
    words pg_catalog.text;
begin
    $5 := case
        when $3 and not sender.anonymous_users_may_chat then 'anonymous_user'
        when sender.is_banned then 'banned'
        when not sender.is_seller and not sender.holds_lease then 'not_viewer'
        when not sender.can_chat or sender.username is null then 'cannot_chat'
        when sender.is_muted then 'muted'
    end;
    if $5 is not null then
        if $5 = 'muted' and sender.muted_until is not null then
            $6 := greatest(floor(extract(epoch from sender.muted_until - clock_timestamp()) * 1000), 0);
        end if;
        return;
    end if;
    if not (case sender.chat_mode
        when 'viewers' then true
        when 'nobody' then false
        when 'verified' then sender.is_seller or coalesce(stream.hook_is_verified(sender.user_id), false)
            or coalesce(stream.hook_can_moderate(sender.user_id, $2), false)
        else sender.is_seller or coalesce(stream.hook_can_moderate(sender.user_id, $2), false)
    end) then
        $5 := 'chat_closed';
        return;
    end if;
    spent := stream_ext.rate_spend(sender.interval_us, sender.tolerance_us, sender.backlog_us);
    $7 := spent.spent_us;
    if $7 is null then
        $5 := 'rate_limited';
        $6 := spent.wait_ms;
        return;
    end if;
    slow_ms := greatest(sender.slow_mode_ms - sender.silent_ms, 0);
    if slow_ms > 0 and not sender.is_seller and not coalesce(stream.hook_can_moderate(sender.user_id, $2), false) then
        $5 := 'slow_mode';
        $6 := slow_ms;
        return;
    end if;
    if sender.blocks_terms then
        words := stream_ext.core_searchable($4);
        if exists (select from stream.blocked_terms as b where b.session_id = $2 and strpos(words, b.pattern) > 0)
            or exists (select from stream.blocked_terms as b where b.session_id is null and strpos(words, b.pattern) > 0)
        then
            $5 := 'content_blocked';
        end if;
    end if;
end
$$;
comment on function stream_ext.chat_refusal(record, uuid, boolean, text) is
    'Why a message is refused, or null and how far the rate limiter is used with it.';

create or replace function stream_ext.chat_sender(
    session_id uuid, user_id uuid, host_tat timestamptz,
    holds_lease boolean, arrived_at timestamptz, chat_tat timestamptz, last_chat_at timestamptz
)
returns record
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    sender pg_catalog.record;
begin
    select $2 as user_id, s.seller_id = $2 as is_seller, s.chat_mode, s.slow_mode_ms::bigint as slow_mode_ms,
        c.anonymous_users_may_chat, c.epoch_salt,
        case when s.seller_id = $2 then c.host_chat_interval_ms else c.chat_interval_ms end * 1000::bigint as interval_us,
        case when s.seller_id = $2 then c.host_chat_interval_ms * (c.host_chat_burst - 1)::bigint
            else c.chat_interval_ms * (c.chat_burst - 1)::bigint end * 1000 as tolerance_us,
        case when s.seller_id = $2 then clock_timestamp() else coalesce($5, clock_timestamp()) end as arrived_at,
        0::bigint as backlog_us,
        s.seller_id <> $2 and coalesce($4, false) as holds_lease,
        null::bigint as silent_ms,
        case when s.seller_id = $2 then true else coalesce(stream.hook_can_chat($2, $1), false) end as can_chat,
        stream.hook_username($2) as username,
        exists (
            select from stream_private.restrictions as r
            where r.session_id = s.id and r.user_id = $2 and r.is_in_force
        ) as is_banned,
        false as is_muted, null::timestamptz as muted_until,
        exists (select from stream.blocked_terms) as blocks_terms
    into sender
    from stream.stream_sessions as s
    cross join stream.config as c
    where s.id = $1 and c.id;
    if not found then
        perform stream_ext.refuse('session_not_found');
    end if;
    -- Most senders are not restricted.
    if sender.is_banned then
        select bool_or(r.kind = 'ban'), bool_or(r.kind = 'mute'), max(r.until) filter (where r.kind = 'mute')
        into sender.is_banned, sender.is_muted, sender.muted_until
        from stream_private.restrictions as r
        where r.session_id = $1 and r.user_id = $2 and r.is_in_force;
    end if;
    if sender.username is not null then
        sender.username := stream_ext.core_display_name(sender.username);
    end if;
    if sender.is_seller then
        sender.backlog_us := stream_ext.rate_ahead_us($3, sender.arrived_at);
    else
        sender.backlog_us := stream_ext.rate_ahead_us($6, sender.arrived_at);
        if $7 is not null and $7 <= sender.arrived_at then
            sender.silent_ms := floor(extract(epoch from sender.arrived_at - $7) * 1000);
        end if;
    end if;
    return sender;
end
$$;
comment on function stream_ext.chat_sender(uuid, uuid, timestamptz, boolean, timestamptz, timestamptz, timestamptz) is
    'A user as the sender of a message, from the locked row of a viewer (the last four; null without one): the rules that apply, and how far the rate limiter is ahead.';

create or replace function stream_ext.send_message(session_id uuid, user_id uuid, content text, id uuid) returns record
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    caller constant pg_catalog.uuid := stream_ext.enter_to_write();
    sender_id constant pg_catalog.uuid := stream_ext.caller_resolve(caller, $2);
    text_of pg_catalog.text;
    lease pg_catalog.record;
    arrived pg_catalog.timestamptz;
    head pg_catalog.record;
    sender pg_catalog.record;
    judged pg_catalog.record;
    verdict pg_catalog.record;
    message stream.chat_message;
    message_id pg_catalog.uuid;
    refused pg_catalog.text;
begin
    perform stream_ext.application_hold_user(sender_id);
    if $1 is null or $3 is null then
        perform stream_ext.error_null(case when $1 is null then 'session_id' else 'content' end);
    end if;
    judged := stream_ext.core_judge_content($3);
    if judged.refusal is not null then
        perform stream_ext.refuse(judged.refusal);
    end if;
    text_of := judged.content;
    select v.is_active, v.chat_tat, v.last_chat_at into lease
    from stream.stream_viewers as v
    where v.session_id = $1 and v.user_id = sender_id and v.is_active
    for no key update;
    -- Read after the lock: waiting for it counts as silence, and waiting for the head costs nothing.
    arrived := clock_timestamp();
    -- An entry that is sent later is acknowledged with this commit, too.
    if current_setting('synchronous_commit') = 'off' then
        perform set_config('synchronous_commit', 'on', true);
    end if;
    update stream.chat_heads as h
    set last_seq = h.last_seq + 1, last_at = greatest(clock_timestamp(), h.last_at + interval '1 microsecond')
    where h.session_id = $1 and h.open
    returning h.last_seq, h.last_at, h.host_chat_tat into head;
    if head.last_seq is null then
        message := stream_ext.chat_stored($1, sender_id, $4);
        if message.seq is null then
            perform stream_ext.log_refuse_closed($1);
        end if;
        perform stream_ext.chat_prolong($1, sender_id, lease.is_active, arrived, lease.chat_tat);
        return message;
    end if;
    sender := stream_ext.chat_sender(
        $1, sender_id, head.host_chat_tat, lease.is_active, arrived, lease.chat_tat, lease.last_chat_at);
    verdict := stream_ext.chat_refusal(sender, $1, caller is not null and stream_ext.caller_is_anonymous(caller), text_of);
    message_id := coalesce($4, gen_random_uuid());
    if verdict.refusal is null then
        insert into stream.chat_messages (id, session_id, seq, user_id, username, content, created_at, updated_at)
        values (message_id, $1, head.last_seq, sender_id, sender.username, text_of, head.last_at, head.last_at)
        on conflict on constraint chat_messages_session_id_id_key do nothing;
        if not found then
            refused := 'internal';
        end if;
    else
        refused := verdict.refusal;
    end if;
    if refused is not null then
        -- A retry returns the message it stored before, even when its sender may no longer write.
        message := stream_ext.chat_stored($1, sender_id, $4);
        if message.seq is null then
            perform stream_ext.error_retry_after(refused, verdict.retry_after_ms);
        end if;
        perform stream_ext.chat_prolong($1, sender_id, lease.is_active, arrived, lease.chat_tat);
        -- Nobody else can have seen the number: the head row is still locked.
        update stream.chat_heads as h set last_seq = h.last_seq - 1 where h.session_id = $1;
        return message;
    end if;
    if sender.is_seller then
        update stream.chat_heads as h
        set host_chat_tat = sender.arrived_at + verdict.spent_us * interval '1 microsecond'
        where h.session_id = $1;
    elsif lease.is_active then
        update stream.stream_viewers as v
        set chat_tat = arrived + verdict.spent_us * interval '1 microsecond', last_chat_at = arrived, last_seen_at = arrived
        where v.session_id = $1 and v.user_id = sender_id;
    end if;
    -- One expression: each is prepared anew in every transaction.
    message := row(message_id, $1, head.last_seq, sender_id, sender.username, text_of, 'user_message', head.last_at, head.last_at,
        '{}'::jsonb, null::timestamptz)::stream.chat_message;
    perform stream_ext.log_relay_one($1, head.last_seq,
        concat('{"id":"', message_id, '","seq":', head.last_seq, ',"user_id":"', sender_id, '","username":',
            to_json(sender.username), ',"content":', to_json(text_of), ',"message_type":"user_message","created_at":',
            left(to_json(head.last_at at time zone 'UTC')::text, -1), '+00:00","metadata":{},"deleted_at":null}'),
        'chat');
    return message;
end
$$;
comment on function stream_ext.send_message(uuid, uuid, text, uuid) is 'Sends a chat message; a stream.chat_message.';

-- sql/edition/sql/send_again.sql

-- A message that is sent again: its id returns what was stored first.

create or replace function stream_ext.chat_stored(session_id uuid, user_id uuid, id uuid) returns stream.chat_message
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    stored stream.chat_message;
begin
    if $3 is null then
        return null;
    end if;
    select m.id, m.session_id, m.seq, m.user_id, m.username, m.content, m.message_type, m.created_at, m.updated_at,
        m.metadata, m.deleted_at
    into stored
    from stream.chat_messages as m where m.session_id = $1 and m.id = $3;
    if stored.seq is not null and stored.user_id is distinct from $2 then
        perform stream_ext.refuse('message_id_conflict');
    end if;
    return stored;
end
$$;
comment on function stream_ext.chat_stored(uuid, uuid, uuid) is 'The message that this user stored under this id before; null when there is none.';

create or replace function stream_ext.chat_prolong(
    session_id uuid, user_id uuid, holds_lease boolean, arrived_at timestamptz, chat_tat timestamptz
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    limits pg_catalog.record;
begin
    if $3 is not true then
        return;
    end if;
    select c.chat_interval_ms * 1000::bigint as interval_us, c.chat_interval_ms * (c.chat_burst - 1)::bigint * 1000 as tolerance_us
    into limits from stream.config as c where c.id;
    if (stream_ext.rate_spend(limits.interval_us, limits.tolerance_us, stream_ext.rate_ahead_us($5, $4))).spent_us is null then
        return;
    end if;
    update stream.stream_viewers as v set last_seen_at = $4 where v.session_id = $1 and v.user_id = $2;
end
$$;
comment on function stream_ext.chat_prolong(uuid, uuid, boolean, timestamptz, timestamptz) is
    'Prolongs the lease of a sender whose message was stored before, and counts nothing.';

-- sql/edition/sql/send_batch.sql

-- Sending messages of many users to many streams in one call.
-- Sessions are handled one after the other by ascending id, each in the order of a single send: viewer rows, head row, the session's
-- key, relay row, all of them before anything is written. An item that is refused or fails costs only itself; a session whose rows
-- are locked by others costs only its own items.

create or replace function stream_ext.send_to_session(session_id uuid, drafts jsonb, wait_ms integer)
returns table (item integer, status text, retry_after_ms bigint, stored_seq bigint, waited_ms integer)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    own_claims constant pg_catalog.text := coalesce(current_setting('request.jwt.claims', true), '');
    locks pg_catalog.record;
    draft pg_catalog.record;
    lease pg_catalog.record;
    sender pg_catalog.record;
    verdict pg_catalog.record;
    earlier pg_catalog.record;
    arrived pg_catalog.timestamptz;
    code pg_catalog.text;
    senders pg_catalog.jsonb := '{}';
    rows_of pg_catalog.jsonb := '[]';
    places pg_catalog.jsonb := '{}';
    place pg_catalog.int4;
    answers pg_catalog.jsonb := '[]';
    first_number pg_catalog.int8;
begin
    locks := stream_ext.send_lock($1,
        array(select distinct d.user_id from jsonb_to_recordset($2) as d (user_id uuid) order by d.user_id), $3);
    waited_ms := locks.waited_ms;
    arrived := locks.arrived_at;
    if locks.status <> 'ready' then
        code := case when locks.status = 'taken' then 'lock_timeout'
            when exists (select from stream.stream_sessions as s where s.id = $1) then 'stream_ended' else 'session_not_found' end;
    end if;
    for draft in
        select d.item, d.user_id, d.content, d.id, d.claims, d.is_anonymous
        from jsonb_to_recordset($2) as d (item integer, user_id uuid, content text, id uuid, claims text, is_anonymous boolean)
        order by d.item
    loop
        item := draft.item;
        retry_after_ms := null;
        stored_seq := null;
        -- A retry returns its stored message in any case.
        select m.seq, m.user_id into earlier
        from stream.chat_messages as m where m.session_id = $1 and m.id = draft.id;
        if earlier.seq is not null then
            status := case when earlier.user_id = draft.user_id then 'ok' else 'message_id_conflict' end;
            stored_seq := case when earlier.user_id = draft.user_id then earlier.seq end;
            return next;
            continue;
        end if;
        if code is not null then
            status := code;
            return next;
            continue;
        end if;
        -- An id that occurred in the batch before is a retry.
        place := places ->> draft.id::text;
        if place is not null then
            if (rows_of -> place ->> 'user_id')::uuid <> draft.user_id then
                status := 'message_id_conflict';
                return next;
            else
                answers := answers || jsonb_build_array(jsonb_build_array(draft.item, place));
            end if;
            continue;
        end if;
        perform set_config('request.jwt.claims', coalesce(draft.claims, own_claims), true);
        sender := null;
        if senders ? draft.user_id::text then
            select s.* into sender from jsonb_to_record(senders -> draft.user_id::text) as s (
                user_id uuid, is_seller boolean, chat_mode text, slow_mode_ms bigint, anonymous_users_may_chat boolean,
                epoch_salt text, interval_us bigint, tolerance_us bigint, arrived_at timestamptz, backlog_us bigint,
                holds_lease boolean, silent_ms bigint, can_chat boolean, username text, is_banned boolean, is_muted boolean,
                muted_until timestamptz, blocks_terms boolean);
            if (senders -> draft.user_id::text ->> 'claims') is distinct from draft.claims then
                -- The application is asked again, for a message that comes with other claims of the same user.
                sender.can_chat := sender.is_seller or coalesce(stream.hook_can_chat(draft.user_id, $1), false);
                sender.username := stream_ext.core_display_name(stream.hook_username(draft.user_id));
            end if;
        else
            select v.is_active, v.chat_tat, v.last_chat_at into lease
            from stream.stream_viewers as v where v.session_id = $1 and v.user_id = draft.user_id;
            sender := stream_ext.chat_sender(
                $1, draft.user_id, locks.host_tat, lease.is_active, arrived, lease.chat_tat, lease.last_chat_at);
        end if;
        verdict := stream_ext.chat_refusal(sender, $1, draft.is_anonymous, draft.content);
        if verdict.refusal is null then
            sender.backlog_us := verdict.spent_us;
            sender.silent_ms := 0;
            answers := answers || jsonb_build_array(jsonb_build_array(draft.item, jsonb_array_length(rows_of)));
            if draft.id is not null then
                places := places || jsonb_build_object(draft.id, jsonb_array_length(rows_of));
            end if;
            rows_of := rows_of || jsonb_build_object('n', jsonb_array_length(rows_of) + 1, 'id', draft.id,
                'user_id', draft.user_id, 'username', sender.username, 'content', draft.content);
        else
            status := verdict.refusal;
            retry_after_ms := verdict.retry_after_ms;
            return next;
        end if;
        senders := senders || jsonb_build_object(draft.user_id, to_jsonb(sender)
            || jsonb_build_object('claims', draft.claims, 'counts', verdict.refusal is null
                or coalesce((senders -> draft.user_id::text ->> 'counts')::boolean, false)));
    end loop;
    perform set_config('request.jwt.claims', own_claims, true);
    if jsonb_array_length(rows_of) = 0 then
        return;
    end if;
    first_number := stream_ext.send_write($1, rows_of, senders);
    perform stream_ext.log_relay($1, first_number, 'chat', locks.may_wait);
    return query
    select (a.value ->> 0)::integer, 'ok', null::bigint, first_number + (a.value ->> 1)::bigint, locks.waited_ms
    from jsonb_array_elements(answers) as a (value);
end
$$;
comment on function stream_ext.send_to_session(uuid, jsonb, integer) is
    'Sends messages of one session, in the order of the batch: of each item ok and the number of its message, or the code of the refusal.';

create or replace function stream_ext.send_write(session_id uuid, rows_of jsonb, senders jsonb) returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    written constant pg_catalog.int8 := jsonb_array_length($2);
    first_number pg_catalog.int8;
    sender pg_catalog.record;
begin
    -- Entries that are sent later are acknowledged with this commit, too.
    perform stream_ext.realtime_wait_for_disk();
    -- The times continue the log's, one microsecond after the other.
    with head as (
        update stream.chat_heads as h
        set last_seq = h.last_seq + written,
            last_at = greatest(clock_timestamp(), h.last_at + interval '1 microsecond')
                + (written - 1) * interval '1 microsecond'
        where h.session_id = $1
        returning h.last_seq - written as above, h.last_at - written * interval '1 microsecond' as before
    ), m as (
        insert into stream.chat_messages (id, session_id, seq, user_id, username, content, created_at, updated_at)
        select coalesce(i.id, gen_random_uuid()), $1, h.above + i.n, i.user_id, i.username, i.content,
            h.before + i.n * interval '1 microsecond', h.before + i.n * interval '1 microsecond'
        from head as h
        cross join jsonb_to_recordset($2) as i (n bigint, id uuid, user_id uuid, username text, content text)
        returning seq
    )
    select min(m.seq) into first_number from m;
    for sender in
        select s.key::uuid as id, (s.value ->> 'is_seller')::boolean as is_seller,
            (s.value ->> 'arrived_at')::timestamptz + (s.value ->> 'backlog_us')::bigint * interval '1 microsecond' as tat
        from jsonb_each($3) as s where (s.value ->> 'counts')::boolean
    loop
        if sender.is_seller then
            update stream.chat_heads as h set host_chat_tat = sender.tat where h.session_id = $1;
        else
            update stream.stream_viewers as v
            set chat_tat = sender.tat, last_chat_at = clock_timestamp(), last_seen_at = clock_timestamp()
            where v.session_id = $1 and v.user_id = sender.id;
        end if;
    end loop;
    return first_number;
end
$$;
comment on function stream_ext.send_write(uuid, jsonb, jsonb) is
    'Writes accepted items, whose rows are all locked, in one statement, so they are consecutive in the log; and the rate limiters of their senders. Returns the first number.';

create or replace function stream_ext.send_isolated(sessions jsonb)
returns table (item integer, session_id uuid, status text, retry_after_ms bigint, stored_seq bigint)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    for_session constant pg_catalog.int4 := stream_ext.send_wait_ms();
    budget pg_catalog.int4 := for_session * 5;
    session pg_catalog.record;
    draft pg_catalog.record;
    locks pg_catalog.record;
    answers pg_catalog.jsonb := '[]';
    part pg_catalog.jsonb;
    fault pg_catalog.record;
    state pg_catalog.text;
    message pg_catalog.text;
    detail pg_catalog.text;
    raised_in pg_catalog.text;
begin
    -- Everything in one subtransaction. After a fault every session gets one of its own, and where that fails too every item.
    begin
        for session in select s.key::uuid as id, s.value as drafts from jsonb_each($1) as s order by s.key::uuid loop
            select coalesce(jsonb_agg(to_jsonb(a) || jsonb_build_object('session_id', session.id)), '[]') into part
            from stream_ext.send_to_session(session.id, session.drafts, least(for_session, budget)) as a;
            budget := budget - coalesce((part -> 0 ->> 'waited_ms')::integer, 0);
            answers := answers || part;
        end loop;
        return query
        select a.item, a.session_id, a.status, a.retry_after_ms, a.stored_seq
        from jsonb_to_recordset(answers) as a (item integer, session_id uuid, status text, retry_after_ms bigint, stored_seq bigint);
        return;
    exception when others or query_canceled or assert_failure then
        get stacked diagnostics state = returned_sqlstate, raised_in = pg_exception_context;
        if stream_ext.error_is_cancel(state, raised_in) then raise; end if;
    end;
    -- What the first attempt has waited for was given back.
    budget := for_session * 5;
    for session in select s.key::uuid as id, s.value as drafts from jsonb_each($1) as s order by s.key::uuid loop
        begin
            select coalesce(jsonb_agg(to_jsonb(a)), '[]') into part
            from stream_ext.send_to_session(session.id, session.drafts, least(for_session, budget)) as a;
            budget := budget - coalesce((part -> 0 ->> 'waited_ms')::integer, 0);
            return query
            select a.item, session.id, a.status, a.retry_after_ms, a.stored_seq
            from jsonb_to_recordset(part) as a (item integer, status text, retry_after_ms bigint, stored_seq bigint);
            continue;
        exception when others or query_canceled or assert_failure then
            get stacked diagnostics state = returned_sqlstate, raised_in = pg_exception_context;
            if stream_ext.error_is_cancel(state, raised_in) then raise; end if;
        end;
        -- Viewers' rows come before the head, which stays locked behind the first. What cannot be locked is not waited for again.
        locks := stream_ext.send_lock(session.id, array(select distinct d.user_id from jsonb_to_recordset(session.drafts)
            as d (user_id uuid) order by d.user_id), least(for_session, budget));
        budget := budget - locks.waited_ms;
        for draft in select d.value, (d.value ->> 'item')::integer as item from jsonb_array_elements(session.drafts) as d (value) loop
            begin
                return query
                select a.item, session.id, a.status, a.retry_after_ms, a.stored_seq
                from stream_ext.send_to_session(session.id, jsonb_build_array(draft.value),
                    case when locks.status = 'taken' then 0 else least(for_session, budget) end) as a;
            exception when others or query_canceled or assert_failure then
                get stacked diagnostics state = returned_sqlstate, message = message_text, detail = pg_exception_detail,
                    raised_in = pg_exception_context;
                if stream_ext.error_is_cancel(state, raised_in) then raise; end if;
                fault := stream_ext.batch_fault('send_messages', state, message, detail, raised_in);
                item := draft.item;
                session_id := session.id;
                status := fault.code;
                retry_after_ms := fault.retry_after_ms;
                stored_seq := null;
                return next;
            end;
        end loop;
    end loop;
end
$$;
comment on function stream_ext.send_isolated(jsonb) is
    'Sends the drafts of all sessions; a hook or a trigger of the application that raises for one item costs that item alone.';

create or replace function stream_ext.send_messages(items text, row_type anyelement) returns setof anyelement
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    read pg_catalog.json[];
    place pg_catalog.int4 := 0;
    draft pg_catalog.record;
    free pg_catalog.jsonb := '{}';
    sessions pg_catalog.jsonb := '{}';
    refused pg_catalog.jsonb := '[]';
begin
    perform stream_ext.batch_admit();
    read := stream_ext.batch_items($1);
    while place < cardinality(read) loop
        place := place + 1;
        select d.* into draft from stream_ext.send_draft(read[place]) as d;
        if draft.refusal is null then
            -- Before anything is locked, and without waiting: a user who is being deleted costs the others nothing.
            if not free ? draft.user_id::text then
                free := free || jsonb_build_object(draft.user_id, stream_ext.application_hold_user_if_free(draft.user_id));
            end if;
            if not (free ->> draft.user_id::text)::boolean then
                draft.refusal := 'lock_timeout';
            end if;
        end if;
        if draft.refusal is not null then
            refused := refused || jsonb_build_object('item', place, 'status', draft.refusal);
        else
            sessions := jsonb_set(sessions, array[draft.session_id::text],
                coalesce(sessions -> draft.session_id::text, '[]') || jsonb_build_object('item', place, 'user_id', draft.user_id,
                    'content', draft.content, 'id', draft.id, 'claims', draft.claims, 'is_anonymous', draft.is_anonymous));
        end if;
    end loop;
    -- Read first: the statement that returns them sees what was written.
    refused := refused || coalesce((select jsonb_agg(to_jsonb(a)) from stream_ext.send_isolated(sessions) as a), '[]');
    return query
    select a.item, a.status, a.retry_after_ms,
        case when m.seq is not null then row(m.id, m.session_id, m.seq, m.user_id, m.username, m.content, m.message_type,
            m.created_at, m.updated_at, m.metadata, m.deleted_at)::stream.chat_message end
    from jsonb_to_recordset(refused) as a (item integer, session_id uuid, status text, retry_after_ms bigint, stored_seq bigint)
    -- By key, however short the log was when this was planned.
    left join lateral (
        select * from stream.chat_messages as c where c.session_id = a.session_id and c.seq = a.stored_seq limit 1
    ) as m on true
    order by a.item;
end
$$;
comment on function stream_ext.send_messages(text, anyelement) is
    'Messages of many users and sessions; items is the text of a JSON array. One row for each item, in order. Returns the type of row_type, stream.message_result.';

-- sql/edition/sql/send_draft.sql

-- The items of a batch of messages, and the locks that it takes for one session, all of them before anything is written.

create or replace function stream_ext.send_draft(item json)
returns table (session_id uuid, user_id uuid, content text, id uuid, claims text, is_anonymous boolean, refusal text)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    item_of constant pg_catalog.json := stream_ext.batch_readable($1);
    session pg_catalog.record;
    named pg_catalog.record;
    message pg_catalog.record;
    sender pg_catalog.record;
    judged pg_catalog.record;
begin
    if item_of is null or json_typeof(item_of) <> 'object'
        or coalesce(json_typeof(item_of -> 'content'), 'null') not in ('string', 'null')
        or exists (
            select from json_object_keys(item_of) as k (name)
            where k.name in ('session_id', 'user_id', 'content', 'id', 'claims') group by k.name having count(*) > 1)
    then
        refusal := 'invalid_argument';
        return next;
        return;
    end if;
    session := stream_ext.batch_uuid(item_of -> 'session_id');
    named := stream_ext.batch_uuid(item_of -> 'user_id');
    message := stream_ext.batch_uuid(item_of -> 'id');
    -- Judged as a single call is, in the same order.
    if session.is_bad or named.is_bad or message.is_bad then
        refusal := 'invalid_argument';
        return next;
        return;
    end if;
    sender := stream_ext.batch_user(item_of -> 'claims', named.id);
    if sender.refusal is not null or session.id is null or item_of ->> 'content' is null then
        refusal := coalesce(sender.refusal, 'invalid_argument');
        return next;
        return;
    end if;
    judged := stream_ext.core_judge_content(item_of ->> 'content');
    session_id := session.id;
    user_id := sender.user_id;
    content := judged.content;
    id := message.id;
    claims := ($1 -> 'claims')::text;
    is_anonymous := sender.is_anonymous;
    refusal := judged.refusal;
    return next;
end
$$;
comment on function stream_ext.send_draft(json) is 'An item of a batch whose form is right, or the code of the refusal.';

create or replace function stream_ext.send_wait_ms() returns integer
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce((
        select least(case when v.said ~ '^[0-9]{1,9}$' then v.said::bigint
            else (extract(epoch from v.said::interval) * 1000)::bigint end, 600000)
        from pg_catalog.pg_db_role_setting as s
        join pg_catalog.pg_database as d on d.oid = s.setdatabase
        cross join unnest(s.setconfig) as o (setting)
        cross join lateral (select substr(o.setting, strpos(o.setting, '=') + 1) as said) as v
        where d.datname = current_database() and s.setrole = 0
            and o.setting ~ '^pg_stream_ext[.]batch_session_wait=[0-9]{1,9} *(ms|s|min|h|d)?$'), 200);
end
$$;
comment on function stream_ext.send_wait_ms() is
    'How long a batch waits for the rows of one session, in milliseconds: from alter database, which no caller changes.';

create or replace function stream_ext.send_nap(ends_at timestamptz) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if clock_timestamp() >= $1 then
        return false;
    end if;
    perform pg_sleep(0.001);
    return true;
end
$$;
comment on function stream_ext.send_nap(timestamptz) is
    'Pauses before a lock is requested again; false at once when the wait is over. Postgres ends a wait for a row only with the lock or with an error.';

create or replace function stream_ext.send_lock(session_id uuid, users uuid[], wait_ms integer, out status text, out is_open boolean,
    out host_tat timestamptz, out may_wait boolean, out waited_ms integer, out arrived_at timestamptz)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    begun constant pg_catalog.timestamptz := clock_timestamp();
    ends_at constant pg_catalog.timestamptz := begun + $3 * interval '1 millisecond';
    viewer pg_catalog.uuid;
    relay pg_catalog.record;
begin
    status := 'taken';
    waited_ms := $3;
    -- One after the other, by ascending user: whoever waits for a row holds none of those behind it, for which others wait that hold
    -- the first. What is locked stays locked, as releasing it would take a subtransaction.
    foreach viewer in array $2 loop
        loop
            perform from stream.stream_viewers as v
            where v.session_id = $1 and v.user_id = viewer for no key update skip locked;
            exit when found or not exists (
                select from stream.stream_viewers as v where v.session_id = $1 and v.user_id = viewer);
            if not stream_ext.send_nap(ends_at) then
                return;
            end if;
        end loop;
    end loop;
    -- The rate limiters count from here, so waiting for the head row costs nothing.
    $9 := clock_timestamp();
    loop
        select h.open, h.host_chat_tat into $5, $6
        from stream.chat_heads as h where h.session_id = $1 for no key update skip locked;
        exit when $5 is not null or not exists (select from stream.chat_heads as h where h.session_id = $1);
        if not stream_ext.send_nap(ends_at) then
            return;
        end if;
    end loop;
    status := 'closed';
    if $5 then
        -- As the check of the foreign key would: whoever deletes the session locks its viewers' rows first.
        loop
            perform from stream.stream_sessions as s where s.id = $1 for key share skip locked;
            exit when found or not exists (select from stream.stream_sessions as s where s.id = $1);
            if not stream_ext.send_nap(ends_at) then
                status := 'taken';
                return;
            end if;
        end loop;
        loop
            select r.flushed_at, r.window_ms into relay
            from stream.chat_relay as r where r.session_id = $1 for no key update skip locked;
            exit when found or not exists (select from stream.chat_relay as r where r.session_id = $1);
            if not stream_ext.send_nap(ends_at) then
                status := 'taken';
                return;
            end if;
        end loop;
        if found then
            status := 'ready';
            $7 := stream_ext.log_may_wait(relay.flushed_at, relay.window_ms, clock_timestamp());
        end if;
    end if;
    waited_ms := floor(extract(epoch from clock_timestamp() - begun) * 1000);
end
$$;
comment on function stream_ext.send_lock(uuid, uuid[], integer) is
    'Locks the rows that messages of these users need, in ascending order, requesting those that are held about once a millisecond: ready, closed (or no such session), or taken.';

-- sql/edition/sql/stored_frames.sql

-- Deleting the stored frames of deleted messages from realtime.messages, which keeps them for three days and replays them.
-- A frame lies at or behind the created_at of its messages and not behind chat_relay.flushed_at, in the order of its numbers:
-- from a message's time on, the first frame of its log that reaches its number carries it. A frame that is not found that way
-- was dated otherwise and is searched among all frames of the log. Frames are deleted whole: clients get the rest from sync.

create or replace function stream_ext.frames_shape() returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    messages constant pg_catalog.oid := to_regclass('realtime.messages');
begin
    if messages is null then
        return 'missing';
    end if;
    return case when (
        select count(*) from pg_catalog.pg_attribute as a
        join (values
            ('id', 'uuid'::regtype), ('topic', 'text'::regtype), ('extension', 'text'::regtype),
            ('payload', 'jsonb'::regtype), ('event', 'text'::regtype),
            ('private', 'boolean'::regtype), ('inserted_at', 'timestamp'::regtype)
        ) as k (name, type) on k.name = a.attname and k.type = a.atttypid
        where a.attrelid = messages and not a.attisdropped
    ) = 7 then 'known' else 'other' end;
end
$$;
comment on function stream_ext.frames_shape() is 'Whether realtime.messages is missing, has the known columns, or others.';

create or replace function stream_ext.frames_oldest_kept() returns timestamptz
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select m.inserted_at at time zone 'UTC' from realtime.messages as m
        where m.extension = 'broadcast' and m.private is true
        order by m.inserted_at limit 1);
end
$$;
comment on function stream_ext.frames_oldest_kept() is 'The oldest broadcast in Realtime''s table, of any sender.';

create or replace function stream_ext.frames_record(session_id uuid, ranges int8multirange) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if isempty($2) then
        return;
    end if;
    insert into stream.chat_deleted_frames as d (session_id, seqs) values ($1, $2)
    on conflict on constraint chat_deleted_frames_pkey do update set seqs = d.seqs + excluded.seqs;
end
$$;
comment on function stream_ext.frames_record(uuid, int8multirange) is
    'Records what deleted frames carried, so that a message whose frame was deleted with another''s is not searched again.';

create or replace function stream_ext.frames_delete_by_time(session_id uuid, seqs bigint[], until timestamptz) returns bigint[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    topic_of constant pg_catalog.text := 'chat:' || $1;
    recorded pg_catalog.int8multirange := '{}';
    deleted pg_catalog.int8multirange := '{}';
    frame pg_catalog.record;
    entry pg_catalog.record;
    missing pg_catalog.int8[] := '{}';
begin
    if coalesce(cardinality($2), 0) = 0 then
        return '{}';
    end if;
    select d.seqs into recorded from stream.chat_deleted_frames as d where d.session_id = $1;
    recorded := coalesce(recorded, '{}');
    for entry in
        select m.seq, m.created_at from stream.chat_messages as m
        where m.session_id = $1 and m.seq = any ($2) order by m.seq
    loop
        continue when recorded @> entry.seq or deleted @> entry.seq;
        -- One index range, from the time of the message to its frame. Numbers are compared as JSON, which never raises, whatever
        -- an application has sent to the topic.
        with carrier as (
            select m.id, m.inserted_at, m.payload ->> 'from_seq' as from_seq, m.payload ->> 'to_seq' as to_seq
            from realtime.messages as m
            where m.extension = 'broadcast' and m.private is true and m.topic = topic_of and m.event = 'messages'
                and jsonb_typeof(m.payload -> 'from_seq') = 'number' and jsonb_typeof(m.payload -> 'to_seq') = 'number'
                and m.inserted_at >= entry.created_at at time zone 'UTC' and m.inserted_at <= $3 at time zone 'UTC'
                and m.payload -> 'to_seq' >= to_jsonb(entry.seq)
            order by m.inserted_at limit 1
        )
        delete from realtime.messages as m using carrier as c
        where m.id = c.id and m.inserted_at = c.inserted_at and c.from_seq::bigint <= entry.seq
        returning c.from_seq::bigint as first, c.to_seq::bigint as last into frame;
        if frame.first is null then
            missing := missing || entry.seq;
        else
            deleted := deleted + int8multirange(int8range(frame.first, frame.last, '[]'));
        end if;
    end loop;
    perform stream_ext.frames_record($1, deleted);
    return missing;
end
$$;
comment on function stream_ext.frames_delete_by_time(uuid, bigint[], timestamptz) is
    'Deletes the frames of sent messages, each by one short range of the index, and returns those of which none was found, now or before. until: no frame is dated later, unless the clock was set back.';

create or replace function stream_ext.frames_delete_anywhere(session_id uuid, seqs bigint[]) returns bigint[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    deleted pg_catalog.int8multirange;
begin
    if coalesce(cardinality($2), 0) = 0 then
        return '{}';
    end if;
    with gone as (
        delete from realtime.messages as m
        where m.extension = 'broadcast' and m.private is true and m.topic = 'chat:' || $1 and m.event = 'messages'
            and jsonb_typeof(m.payload -> 'from_seq') = 'number' and jsonb_typeof(m.payload -> 'to_seq') = 'number'
            and exists (
                select from unnest($2) as g (seq)
                where to_jsonb(g.seq) between m.payload -> 'from_seq' and m.payload -> 'to_seq')
        returning (m.payload ->> 'from_seq')::bigint as first, (m.payload ->> 'to_seq')::bigint as last
    )
    select coalesce(range_agg(int8range(g.first, g.last, '[]')), '{}') into deleted from gone as g;
    perform stream_ext.frames_record($1, deleted);
    return array(select g.seq from unnest($2) as g (seq) where not deleted @> g.seq order by g.seq);
end
$$;
comment on function stream_ext.frames_delete_anywhere(uuid, bigint[]) is
    'Deletes every kept frame of the log that carries one of these messages, and returns those of which none was found.';

create or replace function stream_ext.frames_delete_held(session_id uuid, seqs bigint[], flushed bigint, until timestamptz) returns bigint[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    shape constant pg_catalog.text := stream_ext.frames_shape();
    missing pg_catalog.int8[];
    oldest pg_catalog.timestamptz;
begin
    if shape = 'missing' then
        return '{}';
    end if;
    if shape = 'other' then
        delete from realtime.messages as r
        where exists (
            select from stream.chat_messages as m
            where m.session_id = $1 and m.seq = any ($2) and strpos(to_jsonb(r)::text, m.id::text) > 0);
        return '{}';
    end if;
    missing := stream_ext.frames_delete_by_time($1, array(select g.seq from unnest($2) as g (seq) where g.seq <= $3), $4);
    if cardinality(missing) > 0 then
        oldest := stream_ext.frames_oldest_kept();
        -- Those from before everything that is kept are left out, and those of a day whose partition is gone. A time ahead of the
        -- clock means that the clock was set back, and the frame is dated earlier.
        missing := array(
            select m.seq from stream.chat_messages as m
            where m.session_id = $1 and m.seq = any (missing) and m.created_at > oldest
                and (m.created_at > clock_timestamp() or stream_ext.realtime_target(m.created_at) is not null)
            order by m.seq);
    end if;
    return stream_ext.frames_delete_anywhere($1, missing);
end
$$;
comment on function stream_ext.frames_delete_held(uuid, bigint[], bigint, timestamptz) is
    'Deletes the frames of these messages and returns the messages whose frame must exist and was not found. The relay row is locked.';

create or replace function stream_ext.frames_delete_committed(session_id uuid, seqs bigint[]) returns bigint[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    flushed pg_catalog.record;
begin
    if coalesce(cardinality($2), 0) = 0 or stream_ext.frames_shape() <> 'known' then
        return coalesce($2, '{}');
    end if;
    select r.flushed_seq as seq, greatest(r.flushed_at, h.last_at) as until into flushed
    from stream.chat_relay as r join stream.chat_heads as h on h.session_id = r.session_id where r.session_id = $1;
    return stream_ext.frames_delete_by_time(
            $1, array(select g.seq from unnest($2) as g (seq) where g.seq <= flushed.seq), flushed.until)
        || array(select g.seq from unnest($2) as g (seq) where g.seq > flushed.seq);
end
$$;
comment on function stream_ext.frames_delete_committed(uuid, bigint[]) is
    'Deletes the committed frames of these messages and returns the messages of which none was found. Nothing is locked, so that the chat goes on meanwhile: frames_delete must follow.';

create or replace function stream_ext.frames_delete(session_id uuid, seqs bigint[]) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    flushed pg_catalog.record;
    missing pg_catalog.int8[];
begin
    select r.flushed_seq as seq, greatest(r.flushed_at, h.last_at) as until into flushed
    from stream.chat_relay as r join stream.chat_heads as h on h.session_id = r.session_id
    where r.session_id = $1 for no key update of r;
    missing := stream_ext.frames_delete_held($1, $2, flushed.seq, flushed.until);
    -- Realtime's own function can drop a frame silently.
    if cardinality(missing) > 0 and stream_ext.realtime_method(clock_timestamp()) is distinct from 'send' then
        perform stream_ext.error_internal(format('no stored frame carries entry %s of the log, although it was sent; '
            'realtime.messages may hold a copy that was not found', missing[1]));
    end if;
end
$$;
comment on function stream_ext.frames_delete(uuid, bigint[]) is
    'Deletes every frame of these messages, whose rows are already changed, and locks the session''s relay row: a frame that is written later carries them as changed. Comes after the head row. Refuses when a frame is missing that must exist.';

create or replace function stream_ext.frames_delete_notifications(about uuid, times timestamptz[]) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    shape pg_catalog.text;
    topic_of constant pg_catalog.text := 'user:' || $1;
    decided pg_catalog.timestamptz;
begin
    if coalesce(cardinality($2), 0) = 0 then
        return;
    end if;
    shape := stream_ext.frames_shape();
    if shape = 'other' then
        delete from realtime.messages as m where to_jsonb(m) ->> 'topic' = topic_of;
    elsif shape = 'known' then
        foreach decided in array $2 loop
            -- They follow soon after the decision.
            delete from realtime.messages as m
            where m.extension = 'broadcast' and m.private is true and m.topic = topic_of
                and m.inserted_at >= decided at time zone 'UTC'
                and m.inserted_at <= (decided + interval '10 minutes') at time zone 'UTC';
        end loop;
    end if;
end
$$;
comment on function stream_ext.frames_delete_notifications(uuid, timestamptz[]) is
    'Deletes the notifications about decisions of these times from a user''s own topic.';

create or replace function stream_ext.frames_expire(session_id uuid, at_most integer) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    flushed pg_catalog.record;
    oldest pg_catalog.timestamptz;
begin
    select r.flushed_seq as seq, greatest(r.flushed_at, h.last_at) as until into flushed
    from stream.chat_relay as r join stream.chat_heads as h on h.session_id = r.session_id
    where r.session_id = $1 for no key update of r skip locked;
    if flushed.seq is null then
        return false;
    end if;
    -- Realtime keeps three days, so most streams that expire have no frame left.
    if stream_ext.frames_shape() = 'known' then
        oldest := stream_ext.frames_oldest_kept();
        if oldest is null or oldest > flushed.until then
            return true;
        end if;
    end if;
    -- Realtime may have deleted the missing ones.
    perform stream_ext.frames_delete_held($1, array(
        select m.seq from stream.chat_messages as m where m.session_id = $1 order by m.seq limit $2), flushed.seq, flushed.until);
    return true;
end
$$;
comment on function stream_ext.frames_expire(uuid, integer) is
    'Deletes the frames of the oldest entries of a log, which are about to be deleted. Returns false, and deletes nothing, while another transaction holds the relay row.';

-- sql/edition/sql/stream.sql

-- Changing the state of a stream, and ending it. Every change takes the next number of the session's log in the same transaction.
-- Lock order: stream_sessions, stream_viewers, chat_heads, chat_relay. A transaction updates a session once: Postgres checks
-- unchanged foreign keys of a row again when the transaction has already written the row, and would wait for whoever holds the
-- auction or the seller.
create or replace function stream_ext.stream_check_at(
    state text, created_at timestamptz, state_changed_at timestamptz, host_seen_at timestamptz, reconnect_deadline timestamptz
)
returns timestamptz
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select least(
            $2 + c.max_duration_s * interval '1 second',
            case $1
                when 'initializing' then least(
                    $3 + c.initializing_timeout_s * interval '1 second',
                    $4 + c.host_timeout_s * interval '1 second')
                when 'active' then $4 + c.host_timeout_s * interval '1 second'
                when 'paused' then $3 + c.paused_timeout_s * interval '1 second'
                when 'error' then $5
            end)
        from stream.config as c where c.id);
end
$$;
comment on function stream_ext.stream_check_at(text, timestamptz, timestamptz, timestamptz, timestamptz) is
    'The time at which the first rule of the sweep can apply to a session; nulls do not count.';

create or replace function stream_ext.stream_count_leases(session_id uuid) returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return (select count(*) from stream.stream_viewers as v where v.session_id = $1 and v.is_active);
end
$$;
comment on function stream_ext.stream_count_leases(uuid) is 'The active viewers of a session.';

create or replace function stream_ext.stream_close_leases(session_id uuid, waits boolean) returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    viewers constant pg_catalog.int4 := (
        -- Including those whom no tick has counted, and those that are not closed here.
        select count(*) from stream_private.leases as v where v.session_id = $1 and v.holds);
begin
    if $2 then
        perform from stream.stream_viewers as v
        where v.session_id = $1 and v.is_active order by v.user_id for no key update;
        update stream.stream_viewers as v
        set left_at = now(), watch_ms = v.watch_ms + stream_ext.viewer_watched_ms(v.joined_at, now())
        where v.session_id = $1 and v.is_active;
        return viewers;
    end if;
    with free as (
        select v.user_id from stream.stream_viewers as v
        where v.session_id = $1 and v.is_active
        order by v.user_id for no key update skip locked
    )
    update stream.stream_viewers as v
    set left_at = now(), watch_ms = v.watch_ms + stream_ext.viewer_watched_ms(v.joined_at, now())
    from free as f
    where v.session_id = $1 and v.user_id = f.user_id;
    return viewers;
end
$$;
comment on function stream_ext.stream_close_leases(uuid, boolean) is
    'Closes the leases of a stream that ends and counts its viewers. Without waiting those that are locked are left to the sweep.';

create or replace function stream_ext.stream_close_others(session_id uuid, waits boolean) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    update stream.chat_heads as h set open = false where h.session_id = $1;
    if $2 then
        update stream.agora_tokens as t set is_active = false where t.session_id = $1 and t.is_active;
        update stream.chat_subscriptions as b set is_active = false, ended_at = now()
        where b.session_id = $1 and b.is_active;
        return;
    end if;
    with free as (
        select t.id from stream.agora_tokens as t
        where t.session_id = $1 and t.is_active for no key update skip locked
    )
    update stream.agora_tokens as t set is_active = false from free as f where t.id = f.id;
    with free as (
        select b.id from stream.chat_subscriptions as b
        where b.session_id = $1 and b.is_active for no key update skip locked
    )
    update stream.chat_subscriptions as b set is_active = false, ended_at = now() from free as f where b.id = f.id;
end
$$;
comment on function stream_ext.stream_close_others(uuid, boolean) is
    'Closes the log, tokens and subscriptions of a stream that ends, after its last entry is logged.';

create or replace function stream_ext.stream_log_state(
    session_id uuid, from_state text, to_state text, reason text, generation integer, out seq bigint, out created_at timestamptz
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    sentence constant pg_catalog.text := case $3
        when 'initializing' then 'The stream is starting.'
        when 'active' then 'The stream is live.'
        when 'paused' then 'The stream is paused.'
        when 'ended' then 'The stream has ended.'
        when 'error' then 'The stream is interrupted.' end;
begin
    select l.seq, l.created_at into $6, $7
    from stream_ext.log_system($1, sentence, jsonb_build_object(
        'kind', 'state_changed', 'state', $3, 'previous_state', $2, 'reason', $4, 'generation', $5)) as l;
end
$$;
comment on function stream_ext.stream_log_state(uuid, text, text, text, integer) is 'Logs a state; the session''s row is locked.';

create or replace function stream_ext.stream_announce(
    session_id uuid, from_state text, to_state text, reason text, generation integer, waits boolean,
    out seq bigint, out created_at timestamptz, out last_viewers integer
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if $3 = 'ended' then
        last_viewers := stream_ext.stream_close_leases($1, $6);
    end if;
    select l.seq, l.created_at into $7, $8 from stream_ext.stream_log_state($1, $2, $3, $4, $5) as l;
    if $3 = 'ended' then
        perform stream_ext.stream_close_others($1, $6);
    end if;
end
$$;
comment on function stream_ext.stream_announce(uuid, text, text, text, integer, boolean) is
    'Makes a legal transition except for updating the row, which is locked. Without waiting, head and relay are locked too, and rows of an ending stream that another transaction holds are left to the sweep.';

create or replace function stream_ext.stream_write_state(
    session_id uuid, to_state text, reason text, seq bigint, logged_at timestamptz, from_state text, heartbeat boolean, count boolean,
    generation integer, last_viewers integer, moves_tat timestamptz, token_issued_at timestamptz, token_expires_at timestamptz,
    token_held_until timestamptz
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    -- After the clock was set back the log's time is ahead of it; timeouts count from the clock.
    changed_at constant pg_catalog.timestamptz := least($5, clock_timestamp());
    active constant pg_catalog.int4 := case when $8 then stream_ext.stream_count_leases($1) end;
begin
    update stream.stream_sessions as o
    set state = $2, state_reason = $3, state_seq = $4, state_changed_at = changed_at,
        started_at = case when $2 = 'active' then coalesce(o.started_at, changed_at) else o.started_at end,
        ended_at = case when $2 = 'ended' then changed_at end,
        viewer_count = case when $2 = 'ended' then 0 when $8 then active else o.viewer_count end,
        peak_viewer_count = greatest(o.peak_viewer_count, active, $10),
        check_at = case when $2 <> 'ended' then
            stream_ext.stream_check_at($2, o.created_at, changed_at, s.host_seen_at, s.reconnect_deadline) end,
        state_before_error = case when $2 = 'error' then $6 end,
        reconnect_deadline = s.reconnect_deadline,
        -- A transition to a running state shows that the host is there, as a heartbeat does.
        host_seen_at = s.host_seen_at,
        generation = coalesce($9, o.generation),
        host_heartbeat_at = case when $7 then now() else o.host_heartbeat_at end,
        state_moves_tat = coalesce($11, o.state_moves_tat),
        host_token_issued_at = coalesce($12, o.host_token_issued_at),
        host_token_expires_at = coalesce($13, o.host_token_expires_at),
        host_token_held_until = coalesce($14, o.host_token_held_until)
    from (
        select case when $2 = 'error' then changed_at + p.reconnect_window_s * interval '1 second' end as reconnect_deadline,
            case when $7 or $2 in ('initializing', 'active') and p.host_seen_at is not null
                then now() else p.host_seen_at end as host_seen_at
        from stream.stream_sessions as p where p.id = $1
    ) as s
    where o.id = $1;
end
$$;
comment on function stream_ext.stream_write_state(
    uuid, text, text, bigint, timestamptz, text, boolean, boolean, integer, integer, timestamptz, timestamptz, timestamptz, timestamptz
) is 'Stores a transition that is announced; the sweep checks the row again when the new state can time out.';

create or replace function stream_ext.stream_schedule_check(session_id uuid, count boolean) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    active constant pg_catalog.int4 := case when $2 then stream_ext.stream_count_leases($1) end;
begin
    update stream.stream_sessions as s
    set check_at = stream_ext.stream_check_at(s.state, s.created_at, s.state_changed_at, s.host_seen_at, s.reconnect_deadline),
        viewer_count = case when $2 then active else s.viewer_count end,
        peak_viewer_count = greatest(s.peak_viewer_count, active)
    where s.id = $1 and s.state <> 'ended';
end
$$;
comment on function stream_ext.stream_schedule_check(uuid, boolean) is
    'Sets when the sweep checks a live session next, and counts its viewers in the same update if asked; its row is locked.';

create or replace function stream_ext.stream_move(
    session_id uuid, from_state text, to_state text, reason text, generation integer, moves_tat timestamptz
)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    entry pg_catalog.record;
begin
    select a.seq, a.created_at, a.last_viewers into entry from stream_ext.stream_announce($1, $2, $3, $4, $5, true) as a;
    perform stream_ext.stream_write_state(
        $1, $3, $4, entry.seq, entry.created_at, $2, false, false, null, entry.last_viewers, $6, null, null, null);
end
$$;
comment on function stream_ext.stream_move(uuid, text, text, text, integer, timestamptz) is
    'Makes a legal transition of a session whose row is locked: logs it, closes what belongs to an ended stream, and updates the row.';

-- sql/edition/sql/stream_deletion.sql

-- Deleting an ended stream in parts: dependent rows first, the stream last.
create or replace function stream_ext.stream_dependents() returns text[]
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    -- Messages oldest first, so that the rest of the log has no gap for readers.
    select '{chat_messages,chat_reads,chat_subscriptions,agora_tokens,chat_restrictions,restriction_rates,blocked_terms,
        message_reports,report_rates,reported_messages,authors_deleted,moderation_log,webhook_cursors,reaction_counts,
        reaction_totals,late_events,stream_viewers}'::text[]
$$;
comment on function stream_ext.stream_dependents() is 'The tables that depend on a stream, in the order in which they are emptied.';

create or replace function stream_ext.stream_delete_dependents(session_id uuid, at_most integer) returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    dependent pg_catalog.text;
    rows_left pg_catalog.int4 := $2;
    deleted pg_catalog.int4;
begin
    foreach dependent in array stream_ext.stream_dependents() loop
        exit when rows_left <= 0;
        -- By ctid: by key, Postgres may search a user in the index of all rows of this user.
        execute format(
            'delete from stream.%1$I as d where d.ctid = any (array(
                 select o.ctid from stream.%1$I as o where o.session_id = $1 %2$s limit $2 for update skip locked))',
            dependent, case when dependent = 'chat_messages' then 'order by o.seq' end)
        using $1, rows_left;
        get diagnostics deleted = row_count;
        rows_left := rows_left - deleted;
    end loop;
    return $2 - rows_left;
end
$$;
comment on function stream_ext.stream_delete_dependents(uuid, integer) is
    'Deletes at most so many rows that depend on a stream and are not locked; returns how many.';

create or replace function stream_ext.stream_delete_row(session_id uuid) returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    dependent pg_catalog.text;
    has_rows pg_catalog.bool;
    deleted pg_catalog.int4;
begin
    -- The deletion would take dependent rows at once, locked or not.
    foreach dependent in array stream_ext.stream_dependents() loop
        execute format('select exists (select from stream.%I as o where o.session_id = $1)', dependent) into has_rows using $1;
        if has_rows then
            return 0;
        end if;
    end loop;
    delete from stream.stream_sessions as s where s.id = $1;
    get diagnostics deleted = row_count;
    return deleted;
end
$$;
comment on function stream_ext.stream_delete_row(uuid) is 'Deletes a stream on which no row depends any more; returns how many, 0 or 1.';

create or replace function stream_ext.delete_ended_stream(session_id uuid, at_most integer) returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    deleted pg_catalog.int4;
begin
    if stream_ext.enter_to_write() is not null then
        perform stream_ext.refuse('forbidden');
    end if;
    if $1 is null or $2 is null then
        perform stream_ext.error_null(case when $1 is null then 'session_id' else 'at_most' end);
    end if;
    perform from stream.stream_sessions as s where s.id = $1 and s.state = 'ended' for update;
    if not found then
        perform stream_ext.refuse('stream_live');
    end if;
    -- The end of the retention is now, so that rows that depend on it may be deleted before it.
    update stream.stream_sessions as s set ended_at = 'epoch'
    where s.id = $1 and s.state = 'ended' and s.ended_at <> 'epoch';
    if not stream_ext.frames_expire($1, $2) then
        return 0;
    end if;
    deleted := stream_ext.stream_delete_dependents($1, $2);
    if deleted > 0 then
        return deleted;
    end if;
    return stream_ext.stream_delete_row($1);
end
$$;
comment on function stream_ext.delete_ended_stream(uuid, integer) is
    'Deletes at most so many rows of an ended stream of a seller who is being erased; returns how many, 0 when the rest is locked.';

-- sql/edition/sql/stream_start.sql

-- Starting a stream, or continuing it on another device.
create or replace function stream_ext.stream_new_id() returns uuid
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    milliseconds constant pg_catalog.int8 := floor(extract(epoch from clock_timestamp()) * 1000);
    random constant pg_catalog.text := replace(gen_random_uuid()::text, '-', '');
begin
    -- Version 7: the time, then the version in the place of the random id's own, then what is left of that.
    return (lpad(to_hex(milliseconds), 12, '0') || '7' || substr(random, 14))::uuid;
end
$$;
comment on function stream_ext.stream_new_id() is 'A uuid of version 7: ids of streams begin with the time.';

create or replace function stream_ext.stream_returns_to(
    session_id uuid, seller_id uuid, state text, state_before_error text, state_reason text, state_changed_at timestamptz,
    reconnect_deadline timestamptz
)
returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if $3 <> 'error' or $5 is null or $5 not in ('host_lost', 'host_token') or coalesce($7 <= now(), true) then
        return null;
    end if;
    -- A host whom Agora removed for an expired token may return when a token was issued since; a token's times are in whole
    -- seconds.
    if $5 = 'host_token' and not exists (
        select from stream.agora_tokens as t
        where t.session_id = $1 and t.user_id = $2 and t.is_active and t.created_at >= date_trunc('second', $6)
    ) then
        return null;
    end if;
    return $4;
end
$$;
comment on function stream_ext.stream_returns_to(uuid, uuid, text, text, text, timestamptz, timestamptz) is
    'The state to which the next heartbeat brings a locked stream back, when its host was lost and may return; otherwise null.';

create or replace function stream_ext.stream_check_owner(seller_id uuid, auction_id uuid) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if not coalesce(stream.hook_owns_auction($1, $2), false) then
        perform stream_ext.refuse('not_auction_owner');
    end if;
end
$$;
comment on function stream_ext.stream_check_owner(uuid, uuid) is
    'Asks the hook with a snapshot of its own, so it counts what was committed during a wait.';

create or replace function stream_ext.stream_charge_start(seller_id uuid, starts_us bigint) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    noted pg_catalog.timestamptz;
begin
    -- A row that was missing can be added by another device, and be swept again before it is locked.
    for attempt in 1..3 loop
        select r.tat into noted from stream.start_rates as r where r.seller_id = $1 for no key update;
        if found then
            update stream.start_rates as r set tat = stream_ext.rate_take($2, 60000000 - $2, noted) where r.seller_id = $1;
            return;
        end if;
        insert into stream.start_rates as r (seller_id, tat) values ($1, stream_ext.rate_take($2, 60000000 - $2, null))
        on conflict on constraint start_rates_pkey do nothing;
        if found then
            return;
        end if;
    end loop;
    perform stream_ext.error_internal('the rate of starts was not locked');
end
$$;
comment on function stream_ext.stream_charge_start(uuid, bigint) is
    'Counts a start, or refuses it with the wait. The row is locked last, and judged under that lock.';

create or replace function stream_ext.stream_create(id uuid, seller_id uuid, auction_id uuid, reconnect_window_s integer) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    entry_seq pg_catalog.int8;
begin
    insert into stream.stream_sessions as s (id, seller_id, auction_id, channel_id, reconnect_window_s)
    select $1, $2, $3, $1::text, coalesce($4, c.reconnect_window_s) from stream.config as c
    on conflict do nothing;
    if not found then
        return false;
    end if;
    insert into stream.chat_heads as h (session_id) values ($1);
    insert into stream.chat_relay as r (session_id) values ($1);
    select l.seq into entry_seq from stream_ext.stream_log_state($1, null, 'initializing', null, 1) as l;
    update stream.stream_sessions as s
    set state_seq = entry_seq,
        check_at = stream_ext.stream_check_at(s.state, s.created_at, s.state_changed_at, s.host_seen_at, s.reconnect_deadline)
    where s.id = $1;
    return true;
end
$$;
comment on function stream_ext.stream_create(uuid, uuid, uuid, integer) is
    'Inserts the session; false when the auction already has a live one.';

create or replace function stream_ext.stream_take_over(session_id uuid) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    live pg_catalog.record;
    entry_seq pg_catalog.int8;
    returned pg_catalog.record;
begin
    select s.state, s.generation, s.host_seen_at is not null as has_sent_heartbeat,
        stream_ext.stream_returns_to(s.id, s.seller_id, s.state, s.state_before_error, s.state_reason, s.state_changed_at,
            s.reconnect_deadline) as returns_to
    into live
    from stream.stream_sessions as s where s.id = $1;
    -- The host's Agora uid is the generation, and uids from 1,000,000 on are viewers'.
    if live.generation >= 999999 then
        perform stream_ext.refuse('takeovers_exhausted');
    end if;
    select l.seq into entry_seq
    from stream_ext.log_system($1, 'The host continues on another device.', jsonb_build_object(
        'kind', 'host_changed', 'state', live.state, 'generation', live.generation + 1)) as l;
    -- Like a heartbeat, it brings back a lost host who sends heartbeats.
    if live.returns_to is not null and live.has_sent_heartbeat then
        select a.seq, a.created_at into returned
        from stream_ext.stream_announce($1, live.state, live.returns_to, 'host_returned', live.generation + 1, true) as a;
        perform stream_ext.stream_write_state(
            $1, live.returns_to, 'host_returned', returned.seq, returned.created_at, live.state, false, false,
            live.generation + 1, null, null, null, null, null);
        return;
    end if;
    -- Counts as a heartbeat of a host who sends heartbeats; others still cannot be lost.
    update stream.stream_sessions as s
    set generation = live.generation + 1, state_seq = entry_seq,
        host_seen_at = case when s.host_seen_at is not null then now() end
    where s.id = $1;
end
$$;
comment on function stream_ext.stream_take_over(uuid) is
    'Lets another device of the same seller take over a locked stream: the generation, which fences the older device off, goes up.';

create or replace function stream_ext.start_stream(auction_id uuid, seller_id uuid, reconnect_window_s integer) returns uuid
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    caller constant pg_catalog.uuid := stream_ext.enter_to_write();
    seller constant pg_catalog.uuid := stream_ext.caller_resolve(caller, $2);
    starts_us pg_catalog.int8;
    started pg_catalog.uuid;
    live pg_catalog.record;
begin
    perform stream_ext.application_hold_user(seller);
    if $1 is null then
        perform stream_ext.error_null('auction_id');
    end if;
    if $3 not between 0 and 1800 then
        perform stream_ext.refuse_with_hint('invalid_argument', 'reconnect_window_s is 0 to 1800');
    end if;
    -- Checked before anything is locked, so that nobody can lock the auctions of others.
    perform stream_ext.stream_check_owner(seller, $1);
    if caller is not null then
        starts_us := stream_ext.rate_minute_us((select c.starts_per_minute from stream.config as c where c.id));
        perform stream_ext.rate_take(starts_us, 60000000 - starts_us,
            (select r.tat from stream.start_rates as r where r.seller_id = seller));
    end if;
    -- A live session can end between finding and locking it; more than two such attempts are unlikely.
    for attempt in 1..3 loop
        perform from stream.stream_sessions as s where s.auction_id = $1 and s.state <> 'ended';
        if not found then
            -- The foreign key's own check would come after the index entry, for which a transaction waits that has locked its
            -- auction and starts the stream itself.
            perform stream_ext.application_hold_auction($1);
            perform stream_ext.stream_check_owner(seller, $1);
            started := stream_ext.stream_new_id();
            exit when stream_ext.stream_create(started, seller, $1, $3);
        end if;
        started := null;
        select s.id into live from stream.stream_sessions as s where s.auction_id = $1 and s.state <> 'ended';
        if found then
            perform stream_ext.gate_close(live.id);
        end if;
        select s.id, s.seller_id into live from stream.stream_sessions as s
        where s.auction_id = $1 and s.state <> 'ended' for no key update;
        if found then
            if live.seller_id <> seller then
                perform stream_ext.refuse('auction_live');
            end if;
            perform stream_ext.stream_take_over(live.id);
            started := live.id;
            exit;
        end if;
    end loop;
    if started is null then
        perform stream_ext.refuse('auction_live');
    end if;
    if caller is not null then
        perform stream_ext.stream_charge_start(seller, starts_us);
    end if;
    return started;
end
$$;
comment on function stream_ext.start_stream(uuid, uuid, integer) is 'Starts a stream of an auction, or takes over the seller''s live one.';

-- sql/edition/sql/stream_state.sql

-- Reading the state of a stream, and state changes on request of the seller or the service. Each change is logged and broadcast
-- to every viewer, so a seller has a rate. Ending has none: it must always be possible.
create or replace function stream_ext.get_stream_state(session_id uuid) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    caller constant pg_catalog.uuid := stream_ext.enter_to_read();
    found_stream pg_catalog.record;
begin
    if $1 is null then
        perform stream_ext.error_null('session_id');
    end if;
    select s.state, stream_private.can_view(caller, s.id, s.seller_id) as can_view into found_stream
    from stream.stream_sessions as s where s.id = $1;
    if not found then
        perform stream_ext.refuse('session_not_found');
    end if;
    if not found_stream.can_view then
        perform stream_ext.refuse('cannot_view');
    end if;
    return found_stream.state;
end
$$;
comment on function stream_ext.get_stream_state(uuid) is 'The state of a stream, for whoever may view it.';

create or replace function stream_ext.authorize_view(session_id uuid) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    perform stream_ext.get_stream_state($1);
end
$$;
comment on function stream_ext.authorize_view(uuid) is 'Raises unless the caller may view the session.';

create or replace function stream_ext.change_state(session_id uuid, state text, reason text, generation integer) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    caller constant pg_catalog.uuid := stream_ext.enter_to_write();
    session pg_catalog.record;
    changes pg_catalog.bool;
    moves_us pg_catalog.int8;
    moves_tat pg_catalog.timestamptz;
begin
    if $1 is null or $2 is null then
        perform stream_ext.error_null(case when $1 is null then 'session_id' else 'state' end);
    end if;
    if $2 not in ('initializing', 'active', 'paused', 'ended', 'error') then
        perform stream_ext.refuse_with_hint('invalid_argument', 'state is one of initializing, active, paused, ended, error');
    end if;
    perform stream_private.check_reason($3);
    perform stream_ext.gate_close($1);
    select s.state, s.seller_id, s.generation, s.state_moves_tat,
        (select c.state_moves_per_minute from stream.config as c) as moves_per_minute
    into session
    from stream.stream_sessions as s where s.id = $1 for no key update;
    if not found then
        perform stream_ext.refuse('session_not_found');
    end if;
    if caller <> session.seller_id then
        perform stream_ext.refuse('not_stream_owner');
    end if;
    if $4 <> session.generation then
        perform stream_ext.refuse('stale_host');
    end if;
    select t.changes into changes from stream_private.state_transitions as t
    where t.from_state = session.state and t.to_state = $2;
    if not found then
        if session.state = 'ended' then
            perform stream_ext.refuse('stream_ended');
        end if;
        perform stream_ext.refuse_with_hint(
            'illegal_transition', format('a stream does not go from %s to %s', session.state, $2));
    end if;
    if not changes then
        return;
    end if;
    -- Leaving initializing does not count: every way back to it counts.
    if caller is not null and session.state <> 'initializing' and $2 <> 'ended' then
        moves_us := stream_ext.rate_minute_us(session.moves_per_minute);
        moves_tat := stream_ext.rate_take(moves_us, 60000000 - moves_us, session.state_moves_tat);
    end if;
    perform stream_ext.stream_move($1, session.state, $2, $3, session.generation, moves_tat);
end
$$;
comment on function stream_ext.change_state(uuid, text, text, integer) is 'Moves a stream to a state, on request of its seller or the service.';

-- sql/edition/sql/subscription.sql

-- Subscriptions of users to the chat of a stream: a record that names the topic; Realtime's own policies decide again.

create or replace function stream_ext.subscribe_to_chat(of_session uuid, of_user uuid)
returns table (id uuid, session_id uuid, user_id uuid, channel text, is_active boolean)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    subscriber constant pg_catalog.uuid := stream_ext.act_for($2);
    stream_state pg_catalog.text;
    reader pg_catalog.record;
begin
    if $1 is null then
        perform stream_ext.error_null('session_id');
    end if;
    perform stream_ext.gate_pass($1);
    -- Shared with joins and tokens, exclusive with the end of the stream, which closes all subscriptions.
    select s.state into stream_state from stream.stream_sessions as s where s.id = $1 for share;
    if stream_state is null then
        perform stream_ext.refuse('session_not_found');
    end if;
    if stream_state = 'ended' then
        perform stream_ext.refuse('stream_ended');
    end if;
    -- The rule of the Realtime policy for topic chat:<id>, and whether a ban holds.
    select s.seller_id = subscriber as is_seller,
        stream_private.can_view(subscriber, s.id, s.seller_id) as can_view,
        stream_private.has_joined(subscriber, s.id) as has_joined,
        exists (select from stream_private.bans as b where b.session_id = s.id and b.user_id = subscriber) as is_banned
    into reader
    from stream.stream_sessions as s where s.id = $1;
    if not reader.is_seller then
        if not reader.can_view then
            perform stream_ext.refuse('cannot_view');
        end if;
        if reader.is_banned then
            perform stream_ext.refuse('banned');
        end if;
        if not reader.has_joined then
            perform stream_ext.refuse('not_viewer');
        end if;
    end if;
    insert into stream.chat_subscriptions as c (session_id, user_id, channel)
    values ($1, subscriber, 'chat:' || $1)
    on conflict on constraint chat_subscriptions_session_id_user_id_key do update
    set is_active = true, ended_at = null, created_at = now()
    where not c.is_active;
    -- Another device may have ended it in between: return the row as it is now.
    return query
    select c.id, c.session_id, c.user_id, c.channel, c.is_active
    from stream.chat_subscriptions as c where c.session_id = $1 and c.user_id = subscriber;
    if not found then
        perform stream_ext.refuse('subscription_not_found');
    end if;
end
$$;
comment on function stream_ext.subscribe_to_chat(uuid, uuid) is 'Subscribes a user to the chat of a stream, once.';

create or replace function stream_ext.unsubscribe_from_chat(subscription_id uuid)
returns table (id uuid, session_id uuid, user_id uuid, channel text, is_active boolean)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    caller constant pg_catalog.uuid := stream_ext.enter_to_write();
begin
    if $1 is null then
        perform stream_ext.error_null('subscription_id');
    end if;
    update stream.chat_subscriptions as c set is_active = false, ended_at = now()
    where c.id = $1 and (caller is null or c.user_id = caller) and c.is_active;
    return query
    select c.id, c.session_id, c.user_id, c.channel, c.is_active
    from stream.chat_subscriptions as c where c.id = $1 and (caller is null or c.user_id = caller);
    if not found then
        perform stream_ext.refuse('subscription_not_found');
    end if;
end
$$;
comment on function stream_ext.unsubscribe_from_chat(uuid) is 'Ends the caller''s own subscription, or anybody''s for the service.';

-- sql/edition/sql/sweep.sql

-- The sweep's rules for live and ended streams. Every rule finds its rows by an index on the time at which they are due, takes at
-- most a batch, and skips locked rows.

create or replace function stream_ext.sweep_was_set_back() returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    -- A smaller difference is ignored.
    return coalesce((
        select t.was_set_back or t.swept_at > now() + interval '5 seconds' from stream.ticker as t where t.id), false);
end
$$;
comment on function stream_ext.sweep_was_set_back() is 'Whether the clock was set back since the last sweep, and streams may still be dated by the later time.';

create or replace function stream_ext.sweep_is_misdated(s stream.stream_sessions) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    -- Not now(): rows written since the transaction began are right.
    moment constant pg_catalog.timestamptz := clock_timestamp();
begin
    return coalesce($1.created_at > moment, false) or coalesce($1.state_changed_at > moment, false)
        or coalesce($1.host_seen_at > moment, false)
        or coalesce($1.check_at > greatest(moment, stream_ext.stream_check_at(
            $1.state, $1.created_at, $1.state_changed_at, $1.host_seen_at, $1.reconnect_deadline)), false);
end
$$;
comment on function stream_ext.sweep_is_misdated(stream.stream_sessions) is 'Whether a live session is dated by a clock that was ahead.';

create or replace function stream_ext.sweep_mark() returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '100ms'
as $$
#variable_conflict use_column
declare
    has_more pg_catalog.bool := false;
begin
    perform from stream.ticker as t where t.id for update skip locked;
    if not found then
        return false;
    end if;
    if stream_ext.sweep_was_set_back() then
        has_more := exists (select from stream.stream_sessions as s where s.state <> 'ended' and stream_ext.sweep_is_misdated(s));
    end if;
    update stream.ticker as t set swept_at = now(), was_set_back = has_more where t.id;
    return true;
end
$$;
comment on function stream_ext.sweep_mark() is 'Marks the end of a sweep; returns false when the row was locked.';

create or replace function stream_ext.regular_take_clock_correction(most integer, rows_left integer, skipping uuid[], kept jsonb)
returns table (session_id uuid, keys jsonb, held boolean)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    -- Nothing is read as long as the clock is right.
    if not stream_ext.sweep_was_set_back() then
        return;
    end if;
    return query
    select s.id, '{}'::jsonb, false from stream.stream_sessions as s
    where s.state <> 'ended' and stream_ext.sweep_is_misdated(s) and s.id <> all ($3)
    order by s.check_at limit least($1, $2)
    for no key update of s skip locked;
end
$$;
comment on function stream_ext.regular_take_clock_correction(integer, integer, uuid[], jsonb) is 'Live streams to redate after the clock was set back.';

create or replace function stream_ext.regular_do_clock_correction(session_id uuid, keys jsonb, kept jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    active constant pg_catalog.int4 := stream_ext.stream_count_leases($1);
begin
    -- The viewers are counted in the same update, because this transaction does not update the row again.
    update stream.stream_sessions as s
    set host_seen_at = case when s.host_seen_at > now() then now() else s.host_seen_at end,
        state_changed_at = least(s.state_changed_at, now()),
        created_at = least(s.created_at, now()),
        reconnect_deadline = case when s.state = 'error' then
            least(s.reconnect_deadline, now() + s.reconnect_window_s * interval '1 second') end,
        check_at = now(),
        viewer_count = active,
        peak_viewer_count = greatest(s.peak_viewer_count, active)
    where s.id = $1;
    return '{"rows": 1}';
end
$$;
comment on function stream_ext.regular_do_clock_correction(uuid, jsonb, jsonb) is 'Redates a live stream; the next round checks it.';

create or replace function stream_ext.sweep_wait_for_passed_over() returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    session pg_catalog.uuid;
begin
    -- Sweeps run every second, so a stream that is overdue for longer was locked each time.
    select s.id into session from stream.stream_sessions as s
    where s.check_at <= now() - interval '2 seconds' and s.state <> 'ended'
    order by s.check_at limit 1;
    if session is not null then
        perform stream_ext.gate_close_soon(session);
    end if;
end
$$;
comment on function stream_ext.sweep_wait_for_passed_over() is
    'Gets a turn at a stream that earlier sweeps passed over, before anything else is locked: whoever holds its gate may wait for what a sweep takes.';

create or replace function stream_ext.regular_take_session_timeouts(most integer, rows_left integer, skipping uuid[], kept jsonb)
returns table (session_id uuid, keys jsonb, held boolean)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    due pg_catalog.jsonb;
    judged pg_catalog.uuid[];
    with_head pg_catalog.uuid[];
    free pg_catalog.uuid[];
begin
    if ($4 ->> 'waits')::boolean then
        perform stream_ext.sweep_wait_for_passed_over();
    end if;
    select jsonb_agg(to_jsonb(d) order by d.id) into due
    from (
        select s.id, s.state, s.generation,
            case
                when s.created_at + c.max_duration_s * interval '1 second' <= now() then 'max_duration'
                when s.state = 'initializing' and s.state_changed_at + c.initializing_timeout_s * interval '1 second' <= now()
                    then 'initializing_timeout'
                when s.state in ('initializing', 'active') and s.host_seen_at + c.host_timeout_s * interval '1 second' <= now()
                    then 'host_lost'
                when s.state = 'paused' and s.state_changed_at + c.paused_timeout_s * interval '1 second' <= now()
                    then 'paused_timeout'
                when s.state = 'error' and s.reconnect_deadline <= now() then 'reconnect_timeout'
            end as verdict,
            (extract(epoch from now() - s.check_at) * 1000000)::bigint as age_us
        from stream.stream_sessions as s
        cross join stream.config as c
        where s.check_at <= now() and s.state <> 'ended' and s.id <> all ($3)
        order by s.check_at
        limit least($1, $2)
        for no key update of s skip locked
    ) as d;
    judged := array(
        select (d ->> 'id')::uuid from jsonb_array_elements(coalesce(due, '[]')) as d where d ->> 'verdict' is not null);
    if cardinality(judged) > 0 then
        -- A transaction that writes to a log holds its head until the end.
        with_head := array(
            select h.session_id from stream.chat_heads as h where h.session_id = any (judged)
            order by h.session_id for no key update skip locked);
        free := array(
            select r.session_id from stream.chat_relay as r where r.session_id = any (with_head)
            order by r.session_id for no key update skip locked);
    end if;
    return query
    select (d ->> 'id')::uuid, d,
        d ->> 'verdict' is not null and not coalesce((d ->> 'id')::uuid = any (free), false)
    from jsonb_array_elements(coalesce(due, '[]')) as d
    order by 1;
end
$$;
comment on function stream_ext.regular_take_session_timeouts(integer, integer, uuid[], jsonb) is
    'Streams whose check is due, with what each has come to, the rows and of those to move their logs locked.';

create or replace function stream_ext.regular_do_session_timeouts(session_id uuid, keys jsonb, kept jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    verdict constant pg_catalog.text := $2 ->> 'verdict';
    to_state constant pg_catalog.text := case when verdict = 'host_lost' then 'error' else 'ended' end;
    entry pg_catalog.record;
begin
    if verdict is null then
        perform stream_ext.stream_schedule_check($1, ($3 ->> 'count')::boolean);
        return '{"rows": 1}';
    end if;
    select a.seq, a.created_at, a.last_viewers into entry
    from stream_ext.stream_announce($1, $2 ->> 'state', to_state, verdict, ($2 ->> 'generation')::integer, false) as a;
    perform stream_ext.stream_write_state(
        $1, to_state, verdict, entry.seq, entry.created_at, $2 ->> 'state', false, ($3 ->> 'count')::boolean, null,
        entry.last_viewers, null, null, null, null);
    return jsonb_build_object('rows', 1, 'tallies', jsonb_build_object(verdict, jsonb_build_array(1, ($2 ->> 'age_us')::bigint)));
end
$$;
comment on function stream_ext.regular_do_session_timeouts(uuid, jsonb, jsonb) is 'Times out a session, or schedules its next check.';

-- sql/edition/sql/sweep_dated.sql

-- The rules for rows with an end of their own: leases, tokens and restrictions. Their due rows are locked together and handled stream
-- by stream.

create or replace function stream_ext.sweep_tally(rule text, taken integer, swept integer, age interval) returns jsonb
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return jsonb_build_object('rows', greatest($2, $3), 'tallies', jsonb_build_object($1,
        jsonb_build_array($3, (extract(epoch from $4) * 1000000)::bigint)));
end
$$;
comment on function stream_ext.sweep_tally(text, integer, integer, interval) is
    'What a rule did to one stream: rows that count against its batch, and the rows and the age that it reports.';

create or replace function stream_ext.regular_take_viewer_leases(most integer, rows_left integer, skipping uuid[], kept jsonb)
returns table (session_id uuid, keys jsonb, held boolean)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    return query
    with overdue as (
        select v.session_id, v.user_id
        from stream.stream_viewers as v
        where v.is_active and v.lease_check_at <= now() and v.session_id <> all ($3)
        order by v.lease_check_at limit $2
        for no key update skip locked
    ), misdated as (
        -- A check that lies further ahead than any lease can last is from before the clock was set back.
        select v.session_id, v.user_id
        from stream.stream_viewers as v
        where v.is_active and v.lease_check_at > now()
            + (select 2 * c.lease_s from stream.config as c) * interval '1 second'
            and v.session_id <> all ($3)
        order by v.lease_check_at desc limit $2
        for no key update skip locked
    )
    select d.session_id, jsonb_agg(d.user_id order by d.user_id), false
    from (select * from overdue union all select * from misdated) as d
    group by d.session_id order by d.session_id;
end
$$;
comment on function stream_ext.regular_take_viewer_leases(integer, integer, uuid[], jsonb) is 'Leases whose check is due.';

create or replace function stream_ext.regular_do_viewer_leases(session_id uuid, keys jsonb, kept jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    due_keys constant pg_catalog.uuid[] := stream_ext.regular_ids($2);
    swept_rows pg_catalog.record;
begin
    -- Judges the locked rows, so that a heartbeat that has just come in counts.
    with judged as (
        select v.user_id, v.lease_check_at, least(v.last_seen_at, now()) as seen_at, v.ends_at, v.holds, v.watched_ms
        from stream_private.leases as v
        where v.session_id = $1 and v.user_id = any (due_keys)
    ), swept as (
        update stream.stream_viewers as v
        set left_at = case when not j.holds then j.ends_at end,
            last_seen_at = j.seen_at,
            lease_check_at = j.ends_at,
            watch_ms = case when j.holds then v.watch_ms else j.watched_ms end
        from judged as j
        where v.session_id = $1 and v.user_id = j.user_id
        returning v.is_active, now() - j.lease_check_at as age
    ), noted as (
        insert into stream.viewer_changes (session_id)
        select $1 where exists (select from swept as w where not w.is_active)
    )
    select count(*)::integer as rows, max(w.age) as age into swept_rows from swept as w where not w.is_active;
    return stream_ext.sweep_tally('viewer_leases', jsonb_array_length($2), swept_rows.rows, swept_rows.age);
end
$$;
comment on function stream_ext.regular_do_viewer_leases(uuid, jsonb, jsonb) is 'Ends leases that are over.';

create or replace function stream_ext.regular_take_tokens(most integer, rows_left integer, skipping uuid[], kept jsonb)
returns table (session_id uuid, keys jsonb, held boolean)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    return query
    with due as (
        select t.session_id, t.id from stream.agora_tokens as t
        where t.is_active and t.check_at <= now() and t.expires_at <= now() and t.session_id <> all ($3)
        order by t.check_at limit $2
        for no key update skip locked
    )
    select d.session_id, jsonb_agg(d.id), false from due as d group by d.session_id order by d.session_id;
end
$$;
comment on function stream_ext.regular_take_tokens(integer, integer, uuid[], jsonb) is 'Expired tokens.';

create or replace function stream_ext.regular_do_tokens(session_id uuid, keys jsonb, kept jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    due_keys constant pg_catalog.uuid[] := stream_ext.regular_ids($2);
    swept_rows pg_catalog.record;
begin
    with swept as (
        update stream.agora_tokens as t set is_active = false
        where t.id = any (due_keys) and t.session_id = $1 and t.is_active
        returning now() - t.expires_at as age
    )
    select count(*)::integer as rows, max(w.age) as age into swept_rows from swept as w;
    return stream_ext.sweep_tally('tokens', jsonb_array_length($2), swept_rows.rows, swept_rows.age);
end
$$;
comment on function stream_ext.regular_do_tokens(uuid, jsonb, jsonb) is 'Marks expired tokens as inactive.';

create or replace function stream_ext.regular_take_restrictions(most integer, rows_left integer, skipping uuid[], kept jsonb)
returns table (session_id uuid, keys jsonb, held boolean)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    return query
    with due as (
        select r.session_id, r.user_id from stream_private.restrictions as r
        where not r.is_in_force and r.session_id <> all ($3)
        order by r.until limit $2
        for update skip locked
    )
    select d.session_id, jsonb_agg(distinct d.user_id), false from due as d group by d.session_id order by d.session_id;
end
$$;
comment on function stream_ext.regular_take_restrictions(integer, integer, uuid[], jsonb) is 'Mutes and bans that are over.';

create or replace function stream_ext.regular_do_restrictions(session_id uuid, keys jsonb, kept jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    due_keys constant pg_catalog.uuid[] := stream_ext.regular_ids($2);
    swept_rows pg_catalog.record;
begin
    with due as (
        select r.user_id, r.kind, r.until from stream_private.restrictions as r
        where r.session_id = $1 and r.user_id = any (due_keys) and not r.is_in_force
        for update skip locked
    ), swept as (
        delete from stream.chat_restrictions as r using due as d
        where r.session_id = $1 and r.user_id = d.user_id and r.kind = d.kind
        returning now() - d.until as age
    )
    select count(*)::integer as rows, max(w.age) as age into swept_rows from swept as w;
    return stream_ext.sweep_tally('restrictions', jsonb_array_length($2), swept_rows.rows, swept_rows.age);
end
$$;
comment on function stream_ext.regular_do_restrictions(uuid, jsonb, jsonb) is 'Deletes mutes and bans that are over.';

-- sql/edition/sql/sweep_ended.sql

-- The rule ended_resources: closes what ended streams left open, and counts what their summaries tell. Functions close everything in the
-- transaction that ends a stream; this is for streams that were ended otherwise, and for rows that were locked then.

create or replace function stream_ext.regular_take_ended_resources(most integer, rows_left integer, skipping uuid[], kept jsonb)
returns table (session_id uuid, keys jsonb, held boolean)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    return query
    select s.id, jsonb_build_object('ended_at', s.ended_at,
        'age_us', (greatest(extract(epoch from now() - s.ended_at), 0) * 1000000)::bigint), false
    from stream.stream_sessions as s
    where s.state = 'ended' and not s.is_cleaned and s.id <> all ($3)
    order by s.ended_at limit least($1, $2)
    for no key update skip locked;
end
$$;
comment on function stream_ext.regular_take_ended_resources(integer, integer, uuid[], jsonb) is 'Ended streams that may have left something open.';

create or replace function stream_ext.regular_do_ended_resources(session_id uuid, keys jsonb, kept jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    ended constant pg_catalog.timestamptz := $2 ->> 'ended_at';
    at_most constant pg_catalog.int4 := ($3 ->> 'rows_left')::integer;
    rest pg_catalog.int4 := at_most;
    closed pg_catalog.int4;
begin
    with left_over as (
        select v.user_id from stream.stream_viewers as v
        where v.session_id = $1 and v.is_active limit rest for no key update skip locked
    )
    update stream.stream_viewers as v
    set left_at = ended, watch_ms = v.watch_ms + stream_ext.viewer_watched_ms(v.joined_at, ended)
    from left_over as l where v.session_id = $1 and v.user_id = l.user_id;
    get diagnostics closed = row_count;
    rest := rest - closed;
    -- Does not wait for the deletion of a user, which may wait for rows that this sweep holds.
    with left_over as (
        select t.id from stream.agora_tokens as t
        where t.session_id = $1 and t.is_active limit rest for no key update skip locked
    )
    update stream.agora_tokens as t set is_active = false from left_over as l where t.id = l.id;
    get diagnostics closed = row_count;
    rest := rest - closed;
    with left_over as (
        select b.id from stream.chat_subscriptions as b
        where b.session_id = $1 and b.is_active limit rest for no key update skip locked
    )
    update stream.chat_subscriptions as b set is_active = false, ended_at = ended from left_over as l where b.id = l.id;
    get diagnostics closed = row_count;
    rest := rest - closed;
    with left_over as (
        select h.session_id from stream.chat_heads as h
        where h.session_id = $1 and h.open for no key update skip locked
    )
    update stream.chat_heads as h set open = false from left_over as l where h.session_id = l.session_id;
    perform stream_ext.reaction_close($1);
    -- After a full batch, or with locked rows, the rest is left to the next sweep.
    perform stream_ext.sweep_count_ended($1, 10000);
    return jsonb_build_object('rows', greatest(at_most - rest, 1),
        'tallies', jsonb_build_object('ended_resources', jsonb_build_array(1, ($2 ->> 'age_us')::bigint)));
end
$$;
comment on function stream_ext.regular_do_ended_resources(uuid, jsonb, jsonb) is
    'Closes leases, tokens, subscriptions, the log and reactions that an ended stream left and nobody holds, and counts what its summary tells.';

create or replace function stream_ext.sweep_count_ended(session_id uuid, part_size bigint) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    -- Counts a part of the log; behind its last part, when nothing is open any more, a part of the viewers. One write: a second one in a
    -- transaction would check the references of the row again, and wait for whoever holds them.
    with part as (
        select s.counted_seq, s.counted_uid, least(l.last_seq, s.counted_seq + $2) as upto,
            s.counted_seq + $2 >= l.last_seq
                and not exists (select from stream.stream_viewers as v where v.session_id = $1 and v.is_active)
                and not exists (select from stream.agora_tokens as t where t.session_id = $1 and t.is_active)
                and not exists (select from stream.chat_subscriptions as b where b.session_id = $1 and b.is_active)
                and not exists (select from stream.reaction_counts as c where c.session_id = $1)
                and not exists (select from stream.reaction_totals as k where k.session_id = $1)
                and not l.open as is_closed
        from stream.stream_sessions as s
        cross join lateral (
            select coalesce(max(h.last_seq), 0) as last_seq, coalesce(bool_or(h.open), false) as open
            from stream.chat_heads as h where h.session_id = $1
        ) as l
        where s.id = $1
    )
    update stream.stream_sessions as s
    set counted_seq = p.upto, message_count = s.message_count + m.messages,
        deleted_message_count = s.deleted_message_count + m.deleted,
        counted_uid = v.upto, unique_viewers = s.unique_viewers + v.viewers,
        watch_ms = s.watch_ms + v.watch_ms, is_cleaned = p.is_closed and v.viewers < $2
    from part as p
    cross join lateral (
        select count(*) as messages, count(*) filter (where m.deleted_at is not null) as deleted
        from stream.chat_messages as m
        where m.session_id = $1 and m.seq > p.counted_seq and m.seq <= p.upto and m.message_type = 'user_message'
    ) as m
    cross join lateral (
        select count(*) as viewers, coalesce(sum(n.watch_ms), 0)::bigint as watch_ms,
            coalesce(max(n.agora_uid), p.counted_uid) as upto
        from (
            select v.agora_uid, v.watch_ms from stream.stream_viewers as v
            where v.session_id = $1 and p.is_closed and v.agora_uid > p.counted_uid
            order by v.agora_uid limit $2
        ) as n
    ) as v
    where s.id = $1 and (p.is_closed or p.upto > p.counted_seq);
end
$$;
comment on function stream_ext.sweep_count_ended(uuid, bigint) is 'Counts entries and viewers of an ended stream, so many of each.';

-- sql/edition/sql/sweep_retained.sql

-- The rules for rows that are kept for a time: notices, cursors, first results and rates.

create or replace function stream_ext.regular_take_webhook_events(most integer, rows_left integer, skipping uuid[], kept jsonb)
returns table (session_id uuid, keys jsonb, held boolean)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    return query
    -- A notice without a stream counts for the nil uuid.
    with due as (
        select coalesce(e.session_id, '00000000-0000-0000-0000-000000000000') as session_id, e.notice_id
        from stream.webhook_events as e
        where e.received_at <= now() - (select k.webhook_retention_days from stream.config as k) * interval '1 day'
            and coalesce(e.session_id, '00000000-0000-0000-0000-000000000000') <> all ($3)
        order by e.received_at limit $2
        for update of e skip locked
    )
    select d.session_id, jsonb_agg(d.notice_id), false from due as d group by d.session_id order by d.session_id;
end
$$;
comment on function stream_ext.regular_take_webhook_events(integer, integer, uuid[], jsonb) is 'Agora''s notices that are older than their retention.';

create or replace function stream_ext.regular_do_webhook_events(session_id uuid, keys jsonb, kept jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    due_keys constant pg_catalog.text[] := array(select n.id from jsonb_array_elements_text($2) as n (id));
    swept_rows pg_catalog.record;
begin
    with swept as (
        delete from stream.webhook_events as e
        where e.notice_id = any (due_keys)
            and coalesce(e.session_id, '00000000-0000-0000-0000-000000000000') = $1
        returning now() - e.received_at - (select k.webhook_retention_days from stream.config as k) * interval '1 day' as age
    )
    select count(*)::integer as rows, max(w.age) as age into swept_rows from swept as w;
    return stream_ext.sweep_tally('webhook_events', jsonb_array_length($2), swept_rows.rows, swept_rows.age);
end
$$;
comment on function stream_ext.regular_do_webhook_events(uuid, jsonb, jsonb) is 'Deletes notices of Agora.';

create or replace function stream_ext.regular_take_webhook_cursors(most integer, rows_left integer, skipping uuid[], kept jsonb)
returns table (session_id uuid, keys jsonb, held boolean)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    return query
    with due as (
        select k.session_id, k.uid from stream.webhook_cursors as k
        where k.forget_at <= now() and k.session_id <> all ($3)
        order by k.forget_at limit $2
        for update skip locked
    )
    select d.session_id, jsonb_agg(d.uid), false from due as d group by d.session_id order by d.session_id;
end
$$;
comment on function stream_ext.regular_take_webhook_cursors(integer, integer, uuid[], jsonb) is 'Cursors of users who left a minute ago, and of streams beyond their longest duration.';

create or replace function stream_ext.regular_do_webhook_cursors(session_id uuid, keys jsonb, kept jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    due_keys constant pg_catalog.int8[] := array(select n.id::bigint from jsonb_array_elements_text($2) as n (id));
    swept_rows pg_catalog.record;
begin
    -- Judges the locked rows, so one that was moved on meanwhile is kept.
    with swept as (
        delete from stream.webhook_cursors as k
        where k.session_id = $1 and k.uid = any (due_keys)
            and k.forget_at <= now()
        returning now() - k.forget_at as age
    )
    select count(*)::integer as rows, max(w.age) as age into swept_rows from swept as w;
    return stream_ext.sweep_tally('webhook_cursors', jsonb_array_length($2), swept_rows.rows, swept_rows.age);
end
$$;
comment on function stream_ext.regular_do_webhook_cursors(uuid, jsonb, jsonb) is 'Deletes cursors of Agora''s notices.';

create or replace function stream_ext.regular_take_requests(most integer, rows_left integer, skipping uuid[], kept jsonb)
returns table (session_id uuid, keys jsonb, held boolean)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    return query
    -- Request ids belong to no stream; the nil uuid stands for that.
    with due as (
        select r.id from stream.requests as r
        where r.created_at <= now() - (select k.request_retention_hours from stream.config as k) * interval '1 hour'
            and '00000000-0000-0000-0000-000000000000' <> all ($3)
        order by r.created_at limit $2
        for update skip locked
    )
    select '00000000-0000-0000-0000-000000000000'::uuid, jsonb_agg(d.id), false from due as d having count(*) > 0;
end
$$;
comment on function stream_ext.regular_take_requests(integer, integer, uuid[], jsonb) is 'First results whose retention is over.';

create or replace function stream_ext.regular_do_requests(session_id uuid, keys jsonb, kept jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    due_keys constant pg_catalog.int8[] := array(select n.id::bigint from jsonb_array_elements_text($2) as n (id));
    swept_rows pg_catalog.record;
begin
    with swept as (
        delete from stream.requests as r
        where r.id = any (due_keys) and $1 = '00000000-0000-0000-0000-000000000000'
        returning now() - r.created_at - (select k.request_retention_hours from stream.config as k) * interval '1 hour' as age
    )
    select count(*)::integer as rows, max(w.age) as age into swept_rows from swept as w;
    return stream_ext.sweep_tally('requests', jsonb_array_length($2), swept_rows.rows, swept_rows.age);
end
$$;
comment on function stream_ext.regular_do_requests(uuid, jsonb, jsonb) is 'Deletes first results of request ids.';

create or replace function stream_ext.regular_take_start_rates(most integer, rows_left integer, skipping uuid[], kept jsonb)
returns table (session_id uuid, keys jsonb, held boolean)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    return query
    -- Rates belong to sellers and to no stream, too. One that lies an hour in the past has long limited nothing; one beyond a minute
    -- ahead is from before the clock was set back.
    with past as (
        select r.seller_id from stream.start_rates as r
        where r.tat <= now() - interval '1 hour' and '00000000-0000-0000-0000-000000000000' <> all ($3)
        order by r.tat limit $2
        for update skip locked
    ), misdated as (
        select r.seller_id from stream.start_rates as r
        where r.tat > now() + interval '2 minutes' and '00000000-0000-0000-0000-000000000000' <> all ($3)
        order by r.tat desc limit $2
        for update skip locked
    )
    select '00000000-0000-0000-0000-000000000000'::uuid, jsonb_agg(d.seller_id), false
    from (select * from past union all select * from misdated) as d having count(*) > 0;
end
$$;
comment on function stream_ext.regular_take_start_rates(integer, integer, uuid[], jsonb) is 'Rates of sellers that limit nothing any more.';

create or replace function stream_ext.regular_do_start_rates(session_id uuid, keys jsonb, kept jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    due_keys constant pg_catalog.uuid[] := stream_ext.regular_ids($2);
    swept_rows pg_catalog.record;
begin
    with swept as (
        delete from stream.start_rates as r
        where r.seller_id = any (due_keys) and $1 = '00000000-0000-0000-0000-000000000000'
        returning greatest(now() - interval '1 hour' - r.tat, interval '0') as age
    )
    select count(*)::integer as rows, max(w.age) as age into swept_rows from swept as w;
    return stream_ext.sweep_tally('start_rates', jsonb_array_length($2), swept_rows.rows, swept_rows.age);
end
$$;
comment on function stream_ext.regular_do_start_rates(uuid, jsonb, jsonb) is 'Deletes the rates of sellers who may start as often as anybody again.';

-- sql/edition/sql/sweep_streams.sql

-- The rules late_events, expiring_tokens and retention.

create or replace function stream_ext.sweep_concerns_user(token_id uuid, session_id uuid, user_id uuid, created_at timestamptz) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return exists (
        select from stream.stream_sessions as s
        where s.id = $2 and s.state <> 'ended'
            and (s.seller_id = $3 or exists (
                select from stream.stream_viewers as v where v.session_id = $2 and v.user_id = $3 and v.is_active))
    ) and not exists (
        select from stream.agora_tokens as n
        where n.session_id = $2 and n.user_id = $3 and n.is_active and (n.created_at, n.id) > ($4, $1));
end
$$;
comment on function stream_ext.sweep_concerns_user(uuid, uuid, uuid, timestamptz) is
    'Whether a token is its user''s newest, and its user still needs one: a viewer with a lease, or the seller, of a live session.';

create or replace function stream_ext.regular_take_late_events(most integer, rows_left integer, skipping uuid[], kept jsonb)
returns table (session_id uuid, keys jsonb, held boolean)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    due constant pg_catalog.uuid[] := array(
        select distinct e.session_id from stream.late_events as e
        where e.session_id <> all ($3) order by e.session_id limit least($1, $2));
begin
    if cardinality(due) > 0 and stream_ext.realtime_hold(clock_timestamp()) is not null then
        return query select d.id, '{}'::jsonb, false from unnest(due) as d (id) order by d.id;
    end if;
end
$$;
comment on function stream_ext.regular_take_late_events(integer, integer, uuid[], jsonb) is
    'Streams with events that no partition of realtime.messages took when they happened.';

create or replace function stream_ext.regular_do_late_events(session_id uuid, keys jsonb, kept jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
#variable_conflict use_column
declare
    late pg_catalog.record;
    hinted pg_catalog.text[] := '{}';
    sent pg_catalog.int4 := 0;
begin
    -- Keeps the stream and its restrictions as they are until the events are sent, so that none is sent behind a newer one. A join only
    -- shares the stream's row, as this does.
    perform from stream.moderation_turns as t where t.session_id = $1 for no key update skip locked;
    if not found and exists (select from stream.moderation_turns as t where t.session_id = $1) then
        return '{"passed": true}';
    end if;
    perform from stream.stream_sessions as s where s.id = $1 for share skip locked;
    if not found and exists (select from stream.stream_sessions as s where s.id = $1) then
        return '{"passed": true}';
    end if;
    for late in
        with taken as (
            delete from stream.late_events as e where e.session_id = $1
            returning e.topic, e.subject, e.event, e.payload as p, e.user_id
        )
        select t.topic, t.subject, t.event, t.p, s.id is not null as is_there, coalesce(
            case t.subject
                when 'state' then s.state = t.p ->> 'state' and s.state_seq = (t.p ->> 'seq')::bigint
                    and s.generation = (t.p ->> 'generation')::integer
                when 'viewer_count' then s.viewer_count = (t.p ->> 'viewer_count')::integer
                when 'live' then (s.state = 'ended') = (t.p ->> 'state' = 'ended')
                when 'token_expiring' then exists (
                    select from stream.agora_tokens as k
                    where k.session_id = $1 and k.user_id = t.user_id and k.is_active
                        and k.expires_at = (t.p ->> 'expires_at')::timestamptz
                        and stream_ext.sweep_concerns_user(k.id, k.session_id, k.user_id, k.created_at))
                when 'resync' then true
                else exists (
                    select from stream_private.restrictions as r
                    where r.session_id = $1 and r.user_id = t.user_id and r.kind = t.subject and r.is_in_force
                        and (not (t.p ->> 'is_in_force')::boolean
                            or r.until is not distinct from (t.p ->> 'until')::timestamptz)
                ) = (t.p ->> 'is_in_force')::boolean
            end, false) as is_true
        from taken as t
        left join stream.stream_sessions as s on s.id = $1
        order by t.topic, t.subject
    loop
        -- What is kept of a stream that is gone is said to nobody, and a token that was renewed since asks for nothing.
        continue when not late.is_there or not late.is_true and (late.subject = 'token_expiring' or late.topic = any (hinted));
        -- Clients compare their clocks with it, so it is the time of sending.
        perform stream_ext.emit(late.topic, case when late.is_true then late.event else 'resync' end,
            (case when late.is_true then late.p else jsonb_build_object('session_id', $1, 'reason', 'missed_event') end
                || jsonb_build_object('server_time', clock_timestamp()))::text);
        if not late.is_true then
            hinted := hinted || late.topic;
        end if;
        sent := sent + 1;
    end loop;
    return jsonb_build_object('rows', greatest(sent, 1), 'tallies', jsonb_build_object('late_events', jsonb_build_array(sent, null)));
end
$$;
comment on function stream_ext.regular_do_late_events(uuid, jsonb, jsonb) is
    'Sends late events where they are still true, by the rows as they are now; where something has changed since, the topic gets resync.';

create or replace function stream_ext.regular_take_expiring_tokens(most integer, rows_left integer, skipping uuid[], kept jsonb)
returns table (session_id uuid, keys jsonb, held boolean)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    return query
    with due as (
        select t.session_id, t.id from stream.agora_tokens as t
        where t.is_active and t.check_at <= now() and t.expires_at > now() and t.session_id <> all ($3)
        order by t.check_at limit $2
        for no key update skip locked
    )
    select d.session_id, jsonb_agg(d.id), false from due as d group by d.session_id order by d.session_id;
end
$$;
comment on function stream_ext.regular_take_expiring_tokens(integer, integer, uuid[], jsonb) is 'Tokens that end soon.';

create or replace function stream_ext.regular_do_expiring_tokens(session_id uuid, keys jsonb, kept jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
#variable_conflict use_column
declare
    expiring pg_catalog.record;
    told pg_catalog.int4 := 0;
    oldest pg_catalog.interval;
begin
    for expiring in
        with due as (
            select d.id, now() - d.check_at as age from stream.agora_tokens as d
            where d.id = any (stream_ext.regular_ids($2)) and d.session_id = $1 and d.is_active
        ), checked as (
            -- The next look is at the token's end.
            update stream.agora_tokens as t set check_at = t.expires_at
            from due as d where t.id = d.id
            returning t.id, t.session_id, t.user_id, t.created_at, t.expires_at, d.age
        )
        select c.user_id, c.expires_at, c.age, stream_ext.sweep_concerns_user(c.id, c.session_id, c.user_id, c.created_at) as concerns
        from checked as c order by c.user_id
    loop
        continue when not expiring.concerns;
        perform stream_ext.emit('user:' || expiring.user_id, 'token_expiring', json_build_object(
            'session_id', $1, 'expires_at', expiring.expires_at, 'server_time', clock_timestamp())::text);
        told := told + 1;
        oldest := greatest(oldest, expiring.age);
    end loop;
    if told = 0 then
        return jsonb_build_object('rows', jsonb_array_length($2));
    end if;
    return stream_ext.sweep_tally('expiring_tokens', jsonb_array_length($2), told, oldest);
end
$$;
comment on function stream_ext.regular_do_expiring_tokens(uuid, jsonb, jsonb) is
    'Tells users that their newest Agora token ends soon, once for each token.';

create or replace function stream_ext.regular_take_retention(most integer, rows_left integer, skipping uuid[], kept jsonb)
returns table (session_id uuid, keys jsonb, held boolean)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    if stream_ext.regular_keeps_realtime_free() then
        return;
    end if;
    -- The bound is computed in a subquery, so that it limits the scan of the index.
    return query
    select s.id, jsonb_build_object('age_us',
        (extract(epoch from now() - s.ended_at - c.retention_days * interval '1 day') * 1000000)::bigint), false
    from stream.stream_sessions as s
    cross join stream.config as c
    where s.state = 'ended'
        and s.ended_at < (select now() - k.retention_days * interval '1 day' from stream.config as k)
        and s.id <> all ($3)
    order by s.ended_at limit 1
    for update of s skip locked;
end
$$;
comment on function stream_ext.regular_take_retention(integer, integer, uuid[], jsonb) is 'The stream whose retention ended first.';

create or replace function stream_ext.regular_do_retention(session_id uuid, keys jsonb, kept jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    at_most constant pg_catalog.int4 := ($3 ->> 'rows_left')::integer;
    deleted pg_catalog.int4;
    is_part pg_catalog.bool := true;
begin
    if not stream_ext.frames_expire($1, at_most) then
        return '{"passed": true}';
    end if;
    deleted := stream_ext.stream_delete_dependents($1, at_most);
    if deleted = 0 then
        -- In a unit of its own, so that a table of the application that still refers to it keeps that row and nothing else.
        deleted := stream_ext.stream_delete_row($1);
        is_part := false;
    end if;
    return jsonb_build_object('part', is_part, 'rows', deleted,
        'tallies', jsonb_build_object('retention', jsonb_build_array(deleted, ($2 ->> 'age_us')::bigint)));
end
$$;
comment on function stream_ext.regular_do_retention(uuid, jsonb, jsonb) is
    'Deletes an ended stream after its retention, dependent rows in batches, the stream last.';

-- sql/edition/sql/tails.sql

-- The rule tails: sends the unsent entries of the sessions in the relay queue (chat_tails, chat_tail_reads) whose window has passed.
-- The queue is read by snapshots, as PgQ does: rows of transactions that began after the snapshot that was read last, and of those
-- that were open then, prepared ones too. So deleted rows are never scanned again, however long an old snapshot keeps them.

create or replace function stream_ext.tails_due(unsent uuid[]) returns uuid[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    moment constant pg_catalog.timestamptz := clock_timestamp();
begin
    return array(
        select u.id from unnest($1) as u (id)
        left join lateral (
            select o.flushed_at, o.window_ms from stream.chat_relay as o where o.session_id = u.id limit 1
        ) as r on true
        where stream_ext.log_window_ends_at(r.flushed_at, r.window_ms, moment) is null
        order by u.id);
end
$$;
comment on function stream_ext.tails_due(uuid[]) is 'Those of the sessions that do not wait for the end of a long window.';

create or replace function stream_ext.tails_state() returns record
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    state pg_catalog.record;
begin
    select r.id, r.epoch, r.unsent, r.looked_at, r.look_after, n.epoch as epoch_now,
        r.epoch is not distinct from n.epoch as is_known,
        case when r.epoch is not distinct from n.epoch and r.read_upto is not null
            then pg_snapshot_xmax(r.read_upto) else '0'::xid8 end as xmax,
        case when r.epoch is not distinct from n.epoch and r.read_upto is not null
            then array(select pg_snapshot_xip(r.read_upto)) || r.read_by else '{}'::xid8[] end as xip,
        r.read_upto is not null as was_read,
        -- A time ahead of the clock is from before the clock was set back.
        r.look_after is not null or not (r.looked_at > clock_timestamp() - interval '1 minute' and r.looked_at <= clock_timestamp())
            as is_look_due
    into state
    from stream.chat_tail_reads as r
    cross join (select stream_ext.log_epoch() as epoch) as n
    order by r.id desc limit 1;
    return state;
end
$$;
comment on function stream_ext.tails_state() is
    'The newest row of chat_tail_reads. Transaction ids of another cluster mean nothing here: with another epoch everything is read.';

create or replace function stream_ext.tails_are_empty(xmax xid8, xip xid8[]) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return not exists (select from stream.chat_tails as t where t.xid >= $1)
        and not exists (select from stream.chat_tails as t where t.xid = any ($2));
end
$$;
comment on function stream_ext.tails_are_empty(xid8, xid8[]) is 'Whether nothing was queued since a snapshot.';

create or replace function stream_ext.tails_are_due() returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    state pg_catalog.record;
begin
    if stream_ext.realtime_method(clock_timestamp()) is null then
        return false;
    end if;
    -- Where somebody keeps the tables locked the rule will run into it, and fails alone.
    begin
        lock table only stream.chat_tails, only stream.chat_tail_reads in access share mode nowait;
    exception when lock_not_available or undefined_table then
        return true;
    end;
    state := stream_ext.tails_state();
    if state.id is null or not state.is_known or not state.was_read or state.is_look_due then
        return true;
    end if;
    return cardinality(stream_ext.tails_due(state.unsent)) > 0 or not stream_ext.tails_are_empty(state.xmax, state.xip);
end
$$;
comment on function stream_ext.tails_are_due() is
    'Whether there are entries to send, or sessions to compare, and a partition to write to. Writes and locks nothing.';

create or replace function stream_ext.regular_take_tails(most integer, rows_left integer, skipping uuid[], kept jsonb)
returns table (session_id uuid, keys jsonb, held boolean)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    state pg_catalog.record;
    taken pg_catalog.record;
    compared pg_catalog.record;
    unsent pg_catalog.uuid[];
    context pg_catalog.jsonb;
    is_empty pg_catalog.bool;
    is_held pg_catalog.bool;
    looks pg_catalog.bool;
begin
    if stream_ext.realtime_method(clock_timestamp()) is null then
        -- Until there is a partition, the queue has at most one row a stream.
        return;
    end if;
    state := stream_ext.tails_state();
    if state.id is null then
        insert into stream.chat_tail_reads default values;
        return;
    end if;
    unsent := state.unsent;
    looks := not state.is_known or state.is_look_due;
    is_empty := stream_ext.tails_are_empty(state.xmax, state.xip);
    if is_empty and not looks and cardinality(stream_ext.tails_due(unsent)) = 0 then
        return;
    end if;
    perform from stream.chat_tail_reads as r where r.id = state.id for update skip locked;
    is_held := not found;
    perform set_config('stream_ext.queue_is_held', case when is_held then 'yes' else '' end, false);
    if is_held then
        return;
    end if;
    context := jsonb_build_object('id', state.id, 'epoch', state.epoch, 'looked_at', state.looked_at,
        'look_after', state.look_after, 'is_changed', false);
    if not is_empty or looks then
        -- No join with what is to be deleted: its plan could read the whole index.
        with stop as (
            select t.xid from stream.chat_tails as t where t.xid >= state.xmax
            order by t.xid, t.id offset 5000 limit 1
        ), late as (
            delete from stream.chat_tails as d where d.xid = any (state.xip)
            returning d.session_id
        ), ahead as (
            delete from stream.chat_tails as d
            where d.xid >= state.xmax and d.xid <= coalesce((select s.xid from stop as s), '18446744073709551615')
            returning d.session_id
        )
        select not exists (select from stop) as is_all,
            array(select l.session_id from late as l union select a.session_id from ahead as a) as sessions,
            pg_current_snapshot() as snapshot
        into taken;
        unsent := unsent || taken.sessions;
        if looks then
            -- Rows of the queue can be lost: compares the next heads and relays, continuing where the last call ended.
            select count(*) as compared,
                array_agg(c.id) filter (where c.is_unsent) as unsent,
                (array_agg(c.auction_id order by c.auction_id desc))[1] as last_auction
            into compared
            from (
                select s.auction_id, s.id, coalesce(
                    (select h.last_seq from stream.chat_heads as h where h.session_id = s.id)
                    > (select r.flushed_seq from stream.chat_relay as r where r.session_id = s.id), false) as is_unsent
                from stream.stream_sessions as s
                where s.state <> 'ended'
                    and s.auction_id >= case when state.is_known
                        then coalesce(state.look_after, '00000000-0000-0000-0000-000000000000')
                        else '00000000-0000-0000-0000-000000000000' end
                order by s.auction_id limit 1000
            ) as c;
            unsent := unsent || coalesce(compared.unsent, '{}');
            if state.look_after is null or not state.is_known then
                context := context || jsonb_build_object('looked_at', clock_timestamp());
            end if;
            context := context || jsonb_build_object(
                'look_after', case when compared.compared = 1000 then compared.last_auction end);
        end if;
        context := context || jsonb_build_object('is_changed', true, 'read_upto', case when taken.is_all then taken.snapshot end,
            'epoch', case when state.is_known or taken.is_all then state.epoch_now end);
    end if;
    unsent := array(select distinct u.id from unnest(unsent) as u (id));
    keys := context || jsonb_build_object('unsent', to_jsonb(unsent));
    return next;
    -- Sessions that are held or fail stay unsent.
    return query
    select d.id, '{}'::jsonb, false
    from unnest(stream_ext.tails_due(unsent)) as d (id)
    where d.id <> all ($3)
    order by d.id;
end
$$;
comment on function stream_ext.regular_take_tails(integer, integer, uuid[], jsonb) is
    'Takes what was queued since the last read, and returns the sessions with unsent entries. It locks no row of a stream, so no stream can make it fail or wait.';

create or replace function stream_ext.regular_do_tails(session_id uuid, keys jsonb, kept jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    relay pg_catalog.record;
begin
    select r.flushed_at, r.window_ms into relay
    from stream.chat_relay as r where r.session_id = $1 for no key update skip locked;
    if not found then
        -- It is missing when the session was deleted, which has nothing to send.
        return case when exists (select from stream.chat_relay as r where r.session_id = $1) then '{"passed": true}' else '{}' end;
    end if;
    -- A frame was written since the window was looked at.
    if stream_ext.log_window_ends_at(relay.flushed_at, relay.window_ms, clock_timestamp()) is not null then
        return '{"passed": true}';
    end if;
    -- Without a partition it stays unsent.
    if not stream_ext.log_flush($1, 'chat') then
        return '{"passed": true}';
    end if;
    return '{}';
end
$$;
comment on function stream_ext.regular_do_tails(uuid, jsonb, jsonb) is 'Sends the unsent entries of a session that nobody holds.';

create or replace function stream_ext.regular_end_tails(context jsonb, handled jsonb, again jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    if not ($1 ->> 'is_changed')::boolean and jsonb_array_length($2) = 0 then
        return '{}';
    end if;
    -- With another snapshot, or with that of the row before.
    with last as (
        delete from stream.chat_tail_reads as d where d.id = ($1 ->> 'id')::bigint returning d.read_upto
    )
    insert into stream.chat_tail_reads (read_upto, epoch, unsent, looked_at, look_after)
    select coalesce(($1 ->> 'read_upto')::pg_snapshot, l.read_upto), $1 ->> 'epoch',
        array(
            select u.id::uuid from jsonb_array_elements_text($1 -> 'unsent') as u (id)
            where not $2 ? u.id order by u.id::uuid),
        ($1 ->> 'looked_at')::timestamptz, ($1 ->> 'look_after')::uuid
    from last as l;
    return '{}';
end
$$;
comment on function stream_ext.regular_end_tails(jsonb, jsonb, jsonb) is 'Writes how far the queue was read, without the sessions that were sent.';

-- sql/edition/sql/tick.sql

-- The entry points of the regular work: tick and sweep in the caller's transaction, and the loop that commits after each unit.

create or replace function stream_ext.regular_find_work(due record) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    is_claimed pg_catalog.bool;
begin
    if not (due.round or due.mark or due.tails) then
        return null;
    end if;
    is_claimed := stream_ext.regular_claim();
    if not is_claimed and not due.is_abandoned then
        return null;
    end if;
    if due.round then
        -- Before anything is locked in a transaction that holds its locks until the last unit.
        set constraints all immediate;
        perform stream_ext.sweep_wait_for_passed_over();
        perform stream_ext.viewer_counts_wait_for_passed_over();
    end if;
    return stream_ext.regular_begin($1, not is_claimed, false);
end
$$;
comment on function stream_ext.regular_find_work(record) is
    'For a tick in one transaction: claims the ticker''s row until it ends and returns the work that is due. Works without the claim when the row is locked by a transaction that is no ticker.';

create or replace function stream_ext.tick() returns void
language plpgsql strict
set search_path = pg_catalog, pg_temp
as $$
declare
    began constant pg_catalog.timestamptz := clock_timestamp();
    -- A tick ends before a statement_timeout of the caller, which would roll it back; its locks are held until the end.
    share_ms pg_catalog.numeric;
    due pg_catalog.record;
    work pg_catalog.jsonb;
    has_more pg_catalog.bool := true;
    units pg_catalog.int4 := 0;
begin
    if stream_ext.enter_to_write() is not null then
        perform stream_ext.refuse('forbidden');
    end if;
    if stream_ext.regular_is_inside() then
        return;
    end if;
    share_ms := least(1000, stream_ext.regular_timeout_ms() / 5);
    due := stream_ext.regular_look();
    work := stream_ext.regular_find_work(due);
    if work is null then
        return;
    end if;
    loop
        select s.next_work, s.has_more into work, has_more from stream_ext.regular_work_step(work, false) as s;
        exit when not has_more or stream_ext.regular_has_timed_out();
        units := units + 1;
        -- More subtransactions make the snapshots of others slower.
        if (units >= 50 or clock_timestamp() >= began + share_ms * interval '1 millisecond')
            and jsonb_typeof(work -> 'round') = 'object'
        then
            perform stream_ext.figures_record_round(work -> 'round', false);
            work := work || '{"round": null}';
        end if;
    end loop;
end
$$;
comment on function stream_ext.tick() is 'Sends unsent entries, counts viewers, sweeps, and marks that a ticker is alive.';

create or replace function stream_ext.begin_work() returns void
language plpgsql strict
set search_path = pg_catalog, pg_temp
as $$
begin
    -- The whole loop is one statement.
    perform set_config('stream_ext.loop', jsonb_build_object('ends_at', extract(epoch from clock_timestamp())
        + least(58500, coalesce(stream_ext.regular_timeout_ms() * 4 / 5, 58500)) / 1000, 'work', null)::text, false);
end
$$;
comment on function stream_ext.begin_work() is 'Begins the loop that calls work, and sets its end.';

create or replace function stream_ext.work() returns boolean
language plpgsql strict
set search_path = pg_catalog, pg_temp
set lock_timeout = '100ms'
as $$
declare
    loop_state pg_catalog.jsonb := nullif(current_setting('stream_ext.loop', true), '');
    work pg_catalog.jsonb;
    due pg_catalog.record;
    has_more pg_catalog.bool := false;
    may_work pg_catalog.bool := false;
    is_claimed pg_catalog.bool;
    state pg_catalog.text;
    raised_in pg_catalog.text;
begin
    perform stream_ext.caller_require_read_committed();
    if loop_state is null or extract(epoch from clock_timestamp()) >= (loop_state ->> 'ends_at')::numeric
        or stream_ext.regular_has_timed_out()
    then
        return false;
    end if;
    -- Taken out meanwhile: a trigger could call this again.
    perform set_config('stream_ext.loop', '', false);
    work := case when jsonb_typeof(loop_state -> 'work') = 'object' then loop_state -> 'work' end;
    -- An error would end the loop, and the regular work until the next minute. Nothing is written or claimed in these blocks, so that
    -- they spend no transaction id.
    begin
        -- With the lock of a claim.
        lock table only stream.ticker in row share mode;
        if work is null then
            due := stream_ext.regular_look();
        end if;
    exception when others or query_canceled or assert_failure then
        get stacked diagnostics state = returned_sqlstate, raised_in = pg_exception_context;
        if stream_ext.error_is_cancel(state, raised_in) then
            raise;
        end if;
    end;
    if state is null and work is not null then
        may_work := (work ->> 'without_claim')::boolean or stream_ext.regular_claim();
    elsif state is null and (due.round or due.mark or due.tails) then
        is_claimed := stream_ext.regular_claim();
        may_work := is_claimed or due.is_abandoned;
    end if;
    if may_work and work is null then
        begin
            work := stream_ext.regular_begin(due, not is_claimed, true);
        exception when others or query_canceled or assert_failure then
            get stacked diagnostics state = returned_sqlstate, raised_in = pg_exception_context;
            if stream_ext.error_is_cancel(state, raised_in) then
                raise;
            end if;
        end;
    end if;
    if state is not null then
        perform stream_ext.regular_note_trouble('ticker', null, state);
    elsif may_work then
        select s.next_work, s.has_more into work, has_more from stream_ext.regular_work_step(work, true) as s;
    end if;
    perform set_config('stream_ext.loop',
        (loop_state || jsonb_build_object('work', case when has_more then work end))::text, false);
    return true;
end
$$;
comment on function stream_ext.work() is 'Does one unit, for a loop that commits after each; returns whether the loop goes on.';

create or replace function stream_ext.pause() returns double precision
language plpgsql strict
set search_path = pg_catalog, pg_temp
as $$
begin
    return case when jsonb_typeof(nullif(current_setting('stream_ext.loop', true), '')::jsonb -> 'work') = 'object' then 0 else 0.05 end;
end
$$;
comment on function stream_ext.pause() is 'The seconds that the loop sleeps before the next unit.';

create or replace function stream_ext.sweep() returns table (rule text, rows integer, oldest_age interval)
language plpgsql strict
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    round pg_catalog.jsonb;
    step pg_catalog.text := 'worked';
    is_inside constant pg_catalog.bool := stream_ext.regular_is_inside();
    state pg_catalog.text;
    raised_in pg_catalog.text;
begin
    if stream_ext.enter_to_write() is not null then
        perform stream_ext.refuse('forbidden');
    end if;
    if not is_inside then
        round := stream_ext.regular_round(
            array['late_events', 'clock_correction', 'viewer_leases', 'ended_resources', 'session_timeouts', 'expiring_tokens',
                'tokens', 'restrictions', 'retention', 'webhook_events', 'webhook_cursors', 'requests', 'start_rates'],
            (select c.sweep_batch_size from stream.config as c where c.id), '{"count": false, "waits": false}');
        set constraints all immediate;
        perform stream_ext.sweep_wait_for_passed_over();
        while step = 'worked' and not stream_ext.regular_has_timed_out() loop
            select s.next_round, s.step into round, step from stream_ext.regular_step(round, false, null) as s;
        end loop;
        -- If the ticker's row is locked, the sweep is still done, and without its figures too.
        begin
            perform stream_ext.sweep_mark();
        exception when others or query_canceled or assert_failure then
            get stacked diagnostics state = returned_sqlstate, raised_in = pg_exception_context;
            if stream_ext.error_is_cancel(state, raised_in) then
                raise;
            end if;
        end;
        begin
            perform stream_ext.figures_record(stream_ext.figures_outcomes(round));
        exception when others or query_canceled or assert_failure then
            get stacked diagnostics state = returned_sqlstate, raised_in = pg_exception_context;
            if stream_ext.error_is_cancel(state, raised_in) then
                raise;
            end if;
        end;
    end if;
    return query
    select n.rule, coalesce((t.tally ->> 0)::integer, 0), (t.tally ->> 1)::bigint * interval '1 microsecond'
    from unnest(array['initializing_timeout', 'host_lost', 'reconnect_timeout', 'paused_timeout', 'max_duration',
        'late_events', 'viewer_leases', 'expiring_tokens', 'tokens', 'restrictions', 'ended_resources', 'retention',
        'webhook_events', 'webhook_cursors', 'requests', 'start_rates']) with ordinality as n (rule, place)
    left join lateral (
        select r.value -> 'tallies' -> n.rule as tally
        from jsonb_array_elements(round -> 'rules') as r
        where r.value -> 'tallies' ? n.rule
        limit 1
    ) as t on true
    order by n.place;
end
$$;
comment on function stream_ext.sweep() is 'Runs every sweep rule once, at once; what each did.';

-- sql/edition/sql/token.sql

-- Granting and issuing tokens: channel, uid and role come from rows, never from the caller. The row of the lease, or of the stream,
-- is locked and notes the token for the next heartbeat; what is read after that counts.
create or replace function stream_ext.token_count_refusal(counter text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '1ms'
as $$
begin
    if $1 is null or current_setting('transaction_read_only')::boolean then
        return;
    end if;
    -- No roll-back gives the number back, and a refusal rolls back every row that it writes.
    perform nextval($1::regclass);
exception
    when lock_not_available or undefined_table then
        null;
end
$$;
comment on function stream_ext.token_count_refusal(text) is
    'Counts a refusal by a sequence; nothing where that would be an error or wait. counter null: it is not counted.';

create or replace function stream_ext.token_refuse(code text, hint text, retry_after_ms bigint) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    status constant pg_catalog.int4 := (select e.status from stream_private.error_catalogue as e where e.code = $1);
begin
    perform stream_ext.token_count_refusal(case
        when status = 429 then 'stream.tokens_refused_rate'
        when status in (403, 404, 409, 410) then 'stream.tokens_refused_rights'
        when status = 500 and $1 <> 'internal' then 'stream.tokens_refused_setup'
        end);
    perform stream_ext.error_raise($1, $2, $3);
end
$$;
comment on function stream_ext.token_refuse(text, text, bigint) is
    'Refuses a request for a token and counts the refusal. What is wrong with the call itself is not counted.';

create or replace function stream_ext.token_session(channel text) returns uuid
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    if $1 ~ '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$' collate "C" then
        return $1;
    end if;
    return null;
end
$$;
comment on function stream_ext.token_session(text) is 'The session of a channel, which is named by its id; null for other names.';

create or replace function stream_ext.token_refusal(
    session_id uuid, user_id uuid, role text, is_charged boolean, token_us bigint, out code text, out retry_after_ms bigint
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    stream pg_catalog.record;
    viewer_tat pg_catalog.timestamptz;
    is_viewer pg_catalog.bool;
    is_seller pg_catalog.bool;
begin
    select s.state, s.seller_id, s.host_token_tat into stream from stream.stream_sessions as s where s.id = $1;
    if not found then
        code := 'channel_not_found';
        return;
    end if;
    select v.token_tat into viewer_tat from stream.stream_viewers as v
    where v.session_id = $1 and v.user_id = $2 and v.is_active;
    is_viewer := found;
    is_seller := stream.seller_id = $2;
    code := case
        when $3 = 'host' and not is_seller then 'not_stream_owner'
        when stream.state = 'ended' then 'stream_ended'
        -- A ban has ended the lease, so it is the reason.
        when exists (select from stream_private.bans as b where b.session_id = $1 and b.user_id = $2) then 'banned'
        when $3 = 'viewer' and not is_viewer then 'not_viewer'
        when $3 is null and not is_seller and not is_viewer then 'not_viewer'
        end;
    if code is null and $4 then
        retry_after_ms := nullif(stream_ext.rate_wait_ms($5, 60000000 - $5,
            case when is_seller then stream.host_token_tat else viewer_tat end), 0);
        if retry_after_ms is not null then
            code := 'rate_limited';
        end if;
    end if;
end
$$;
comment on function stream_ext.token_refusal(uuid, uuid, text, boolean, bigint) is
    'Why the rows allow no token; null when they would allow one by now.';

create or replace function stream_ext.token_note_viewer(
    session_id uuid, user_id uuid, issued_at timestamptz, expires_at timestamptz, is_charged boolean, token_us bigint
)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    uid pg_catalog.int4;
begin
    -- The session is not locked: a stream that ends closes every lease before it retires the tokens, so it waits for this lock, or
    -- has already closed the lease.
    update stream.stream_viewers as v
    set token_issued_at = $3, token_expires_at = $4, token_held_until = $4,
        token_tat = case when $5 then stream_ext.rate_judge($6, 60000000 - $6, v.token_tat) else v.token_tat end
    where v.session_id = $1 and v.user_id = $2 and v.is_active
        and (not $5 or stream_ext.rate_judge($6, 60000000 - $6, v.token_tat) is not null)
    returning v.agora_uid into uid;
    return uid;
end
$$;
comment on function stream_ext.token_note_viewer(uuid, uuid, timestamptz, timestamptz, boolean, bigint) is
    'Notes the token in the lease and returns the viewer''s uid; null without a lease or beyond the rate.';

create or replace function stream_ext.token_note_host(
    session_id uuid, user_id uuid, generation integer, issued_at timestamptz, expires_at timestamptz, is_charged boolean,
    token_us bigint, out number integer, out code text
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    stream pg_catalog.record;
    tat pg_catalog.timestamptz;
begin
    select s.generation, s.host_token_tat into stream from stream.stream_sessions as s where s.id = $1 and s.seller_id = $2;
    if not found then
        return;
    end if;
    -- Before the rate.
    if $3 <> stream.generation then
        code := 'stale_host';
        return;
    end if;
    tat := case when $6 then stream_ext.rate_judge($7, 60000000 - $7, stream.host_token_tat) else stream.host_token_tat end;
    if $6 and tat is null then
        return;
    end if;
    update stream.stream_sessions as s
    set host_token_issued_at = $4, host_token_expires_at = $5, host_token_tat = tat, host_token_held_until = $5
    where s.id = $1 and s.seller_id = $2 and s.state <> 'ended'
    returning s.generation into number;
    -- The row is locked now, so no takeover can come before the token.
    if $3 <> number then
        code := 'stale_host';
    end if;
end
$$;
comment on function stream_ext.token_note_host(uuid, uuid, integer, timestamptz, timestamptz, boolean, bigint) is
    'Notes the token in the row of the stream and returns the host''s generation; null when the user is not the host or the rate is used up.';

create or replace function stream_ext.token_grant(
    channel text, user_id uuid, role text, generation integer, is_charged boolean, issued_at bigint,
    out session_id uuid, out number integer, out is_host boolean, out life_s integer, out code text, out retry_after_ms bigint
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    granted pg_catalog.text;
    token_us constant pg_catalog.int8 :=
        stream_ext.rate_minute_us((select c.token_rate_per_minute from stream.config as c where c.id));
    created_at pg_catalog.timestamptz;
begin
    session_id := stream_ext.token_session($1);
    -- The rows can change between a failed attempt and finding the reason for it.
    for attempt in 1..3 loop
        foreach granted in array array['viewer', 'host'] loop
            continue when session_id is null or $3 <> granted;
            if granted = 'host' then
                -- The host's token changes the session's row. Other users than the seller must not lock it.
                perform from stream.stream_sessions as s where s.id = session_id and s.seller_id = $2;
                continue when not found;
                perform stream_ext.gate_close(session_id);
            end if;
            select s.created_at into created_at from stream.stream_sessions as s
            where s.id = session_id and s.channel_id = $1 and s.state <> 'ended';
            continue when not found;
            life_s := stream_ext.token_life_s(created_at, $6);
            if granted = 'viewer' then
                number := stream_ext.token_note_viewer(
                    session_id, $2, to_timestamp($6), to_timestamp($6 + life_s), $5, token_us);
            else
                select n.number, n.code into number, code
                from stream_ext.token_note_host(
                    session_id, $2, $4, to_timestamp($6), to_timestamp($6 + life_s), $5, token_us) as n;
                exit when code is not null;
            end if;
            if number is not null then
                -- Read after the lock, so a ban that was committed while this waited counts.
                if exists (select from stream_private.bans as b where b.session_id = token_grant.session_id and b.user_id = $2) then
                    code := 'banned';
                end if;
                is_host := granted = 'host';
                return;
            end if;
        end loop;
        if code is null then
            select r.code, r.retry_after_ms into code, retry_after_ms
            from stream_ext.token_refusal(session_id, $2, $3, $5, token_us) as r;
        end if;
        if code is not null then
            return;
        end if;
    end loop;
    code := 'lock_timeout';
end
$$;
comment on function stream_ext.token_grant(text, uuid, text, integer, boolean, bigint) is
    'Locks the row and notes the token, or says the code of the refusal. role is host or viewer; null: whichever the user is.';

create or replace function stream_ext.generate_token(user_id uuid, channel_id text, role text, occasion text, generation integer) returns record
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    caller constant pg_catalog.uuid := stream_ext.enter_to_write();
    about pg_catalog.uuid;
    issued_at pg_catalog.int8;
    signer pg_catalog.record;
    refusal pg_catalog.record;
    granted pg_catalog.record;
    issued pg_catalog.record;
begin
    if $4 is null then
        perform stream_ext.error_null('occasion');
    end if;
    if $3 not in ('host', 'viewer') or $4 not in ('request', 'refresh') then
        perform stream_ext.error_internal('no such role or occasion');
    end if;
    if caller <> $1 then
        perform stream_ext.token_refuse('not_self', null, null);
    end if;
    about := stream_ext.caller_resolve(caller, $1);
    if $2 is null then
        perform stream_ext.error_null('channel_id');
    end if;
    if stream_ext.clock_refusal() is not null then
        perform stream_ext.token_refuse('clock_wrong', stream_ext.clock_refusal(), null);
    end if;
    issued_at := stream_ext.clock_s();
    -- Read before anything is locked, so that a wrong configuration costs no write. A user who may have no token gets that
    -- refusal instead of the configuration's.
    select c.app_id, c.certificate, c.code, c.hint into signer from stream_ext.certificate_read(false, true) as c;
    if signer.code is not null then
        select r.code, r.retry_after_ms into refusal
        from stream_ext.token_refusal(stream_ext.token_session($2), about, $3, caller is not null,
            stream_ext.rate_minute_us((select c.token_rate_per_minute from stream.config as c where c.id))) as r;
        if refusal.code is not null then
            perform stream_ext.token_refuse(refusal.code, null, refusal.retry_after_ms);
        end if;
        perform stream_ext.token_refuse(signer.code, signer.hint, null);
    end if;
    perform stream_ext.application_hold_user(about);
    -- The service has no rate, and does not use up a user's.
    select g.session_id, g.number, g.is_host, g.life_s, g.code, g.retry_after_ms into granted
    from stream_ext.token_grant($2, about, $3, $5, caller is not null, issued_at) as g;
    if granted.code is not null then
        perform stream_ext.token_refuse(granted.code, null, granted.retry_after_ms);
    end if;
    if $4 = 'refresh' then
        update stream.agora_tokens as t set is_active = false
        where t.session_id = granted.session_id and t.user_id = about and t.is_active;
    end if;
    select i.token, i.expires_at into issued
    from stream_ext.token_issue(granted.session_id, about, signer.app_id, signer.certificate, granted.number, granted.is_host,
        issued_at, granted.life_s) as i;
    return row(issued.token, $2, granted.number, issued.expires_at,
        row(granted.is_host, true, granted.is_host)::stream.token_privileges)::stream.agora_token;
end
$$;
comment on function stream_ext.generate_token(uuid, text, text, text, integer) is
    'Issues a token. role is host or viewer; null: whichever the user is. occasion is request, or refresh, which retires the older tokens.';

-- sql/edition/sql/token_certificate.sql

-- The Agora certificates, from Supabase Vault. They are read for each token and never kept; no error, log line or setting ever holds
-- one. This edition reads no file.
create or replace function stream_ext.certificate_vault_is_open() returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    -- Read from the catalogue: a name in a schema that may not be used raises.
    return exists (
        select from pg_catalog.pg_class as c
        join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
        where n.nspname = 'vault' and c.relname = 'decrypted_secrets'
            and has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select'));
end
$$;
comment on function stream_ext.certificate_vault_is_open() is 'Whether the Vault exists and the effective user may read it.';

create or replace function stream_ext.certificate_read(
    is_secondary boolean, needs_app boolean, out app_id text, out certificate text, out code text, out hint text
)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    settings pg_catalog.record;
    setting constant pg_catalog.text :=
        case when $1 then 'pg_stream_ext.agora_secondary_certificate_file' else 'pg_stream_ext.agora_certificate_file' end;
    config_column constant pg_catalog.text := case when $1
        then 'stream.config.agora_secondary_certificate_secret' else 'stream.config.agora_certificate_secret' end;
begin
    select c.agora_app_id,
        case when $1 then c.agora_secondary_certificate_secret else c.agora_certificate_secret end as secret_name
    into settings
    from stream.config as c where c.id;
    app_id := settings.agora_app_id;
    if app_id is null and $2 then
        code := 'not_configured';
        hint := 'set stream.config.agora_app_id to the Agora App ID';
        return;
    end if;
    -- Where the library is loaded all the same, Postgres shows the setting to few; the move to this edition has looked at it.
    if (current_setting('pg_stream_ext.database', true) is null or pg_has_role('pg_read_all_settings', 'usage'))
        and coalesce(current_setting(setting, true), '') <> ''
    then
        -- Falling back would sign with another certificate than the operator has named.
        code := 'certificate_missing';
        hint := format('%s names a file, which this edition cannot read: store the certificate in Vault and reset the setting', setting);
        return;
    end if;
    if settings.secret_name is null then
        return;
    end if;
    if not stream_ext.certificate_vault_is_open() then
        code := 'vault_unreadable';
        hint := format('the owner of the tables may not read vault.decrypted_secrets, and %s is not set', setting);
        return;
    end if;
    begin
        select d.decrypted_secret into certificate from vault.decrypted_secrets as d where d.name = settings.secret_name;
    exception
        when others then
            -- Its text could quote anything.
            code := 'vault_unreadable';
            hint := 'vault.decrypted_secrets raised an error of its own: read it as the owner of the tables';
            return;
    end;
    if certificate is null then
        code := 'certificate_missing';
        hint := format('create the Vault secret that %s names', config_column);
        return;
    end if;
    certificate := btrim(certificate, e' \t\n\r\u000b\u000c');
    if certificate !~ '^[0-9a-fA-F]{32}$' collate "C" then
        certificate := null;
        code := 'certificate_malformed';
        hint := format('the Vault secret that %s names does not hold 32 hexadecimal digits', config_column);
    end if;
end
$$;
comment on function stream_ext.certificate_read(boolean, boolean) is
    'App ID and certificate; or the code and hint of the refusal. A secondary certificate that is not configured is null without a code.';

create or replace function stream_ext.check_certificate(is_secondary boolean) returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    found_certificate pg_catalog.record;
begin
    select c.certificate is not null as is_there, c.code, c.hint into found_certificate
    from stream_ext.certificate_read(coalesce($1, false), true) as c;
    if found_certificate.code is not null then
        perform stream_ext.refuse_with_hint(found_certificate.code, found_certificate.hint);
    end if;
    return found_certificate.is_there;
end
$$;
comment on function stream_ext.check_certificate(boolean) is
    'Whether a certificate is configured. Raises when it cannot be used, or without an App ID. The certificate itself is never returned.';

-- sql/edition/sql/token_decoding.sql

-- Decoding tokens of versions 007 and 006.
create or replace function stream_ext.token_decode_007(
    token text, out app_id text, out issued_at bigint, out expires_at bigint, out salt bigint, out channel_id text, out account text,
    out privileges jsonb, out signature bytea, out signed bytea
)
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    inflated pg_catalog.record;
    at pg_catalog.int4;
    service pg_catalog.int4;
    life pg_catalog.int8;
begin
    if octet_length($1) > 6000 then
        perform stream_ext.refuse_with_hint('invalid_argument', 'the token is larger than any real one');
    end if;
    select i.content, i.problem into inflated from stream_ext.inflate(stream_ext.token_base64(substr($1, 4))) as i;
    if inflated.problem is not null then
        perform stream_ext.refuse_with_hint('invalid_argument', inflated.problem);
    end if;
    signature := stream_ext.token_read_bytes(inflated.content, 0);
    if length(signature) <> 32 then
        perform stream_ext.refuse_with_hint('invalid_argument', 'the signature of the token does not have 32 bytes');
    end if;
    signed := substr(inflated.content, 35);
    app_id := stream_ext.token_app_id(stream_ext.token_read_bytes(signed, 0));
    issued_at := stream_ext.token_read(signed, 34, 4);
    expires_at := issued_at + stream_ext.token_read(signed, 38, 4);
    salt := stream_ext.token_read(signed, 42, 4);
    privileges := '[]';
    at := 48;
    for number in 1..stream_ext.token_read(signed, 46, 2) loop
        service := stream_ext.token_read(signed, at, 2);
        -- A service of unknown layout ends the reading with success: services are sorted by type, and new types come last.
        if service not in (1, 2, 3, 4, 5, 6, 7, 9, 10) then
            return;
        end if;
        at := at + 4;
        for privilege in 1..stream_ext.token_read(signed, at - 2, 2) loop
            life := stream_ext.token_read(signed, at + 2, 4);
            privileges := privileges || jsonb_build_array(jsonb_build_array(
                service, stream_ext.token_read(signed, at, 2), case when life = 0 then expires_at else issued_at + life end));
            at := at + 6;
        end loop;
        if service in (1, 3, 6, 7) then
            channel_id := coalesce(channel_id, stream_ext.token_read_text(stream_ext.token_read_bytes(signed, at)));
            at := at + 2 + length(stream_ext.token_read_bytes(signed, at));
        end if;
        if service in (1, 2, 3, 5, 6, 7) then
            account := coalesce(account, stream_ext.token_read_text(stream_ext.token_read_bytes(signed, at)));
            at := at + 2 + length(stream_ext.token_read_bytes(signed, at));
        end if;
        if service = 7 then
            perform stream_ext.token_read(signed, at, 2);
            at := at + 2;
        end if;
    end loop;
    if at < length(signed) then
        perform stream_ext.refuse_with_hint('invalid_argument', 'the token has bytes behind its end');
    end if;
end
$$;
comment on function stream_ext.token_decode_007(text) is
    'The content of a token of version 007: nothing of it is proven. privileges are lists of service, privilege and end.';

create or replace function stream_ext.token_decode_006(
    token text, out app_id text, out expires_at bigint, out channel_checksum bigint, out user_checksum bigint,
    out privileges jsonb, out signature bytea, out message bytea
)
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    content pg_catalog.bytea;
    at pg_catalog.int4 := 10;
    id pg_catalog.int4;
    ends_at pg_catalog.int8;
begin
    if octet_length($1) > 1027 then
        perform stream_ext.refuse_with_hint('invalid_argument', 'the token is larger than any real one');
    end if;
    if octet_length($1) < 35 then
        perform stream_ext.refuse_with_hint('invalid_argument', 'the token ends in the middle of a field');
    end if;
    app_id := stream_ext.token_app_id(convert_to(substr($1, 4, 32), 'UTF8'));
    content := stream_ext.token_base64(substr($1, 36));
    signature := stream_ext.token_read_bytes(content, 0);
    if length(signature) <> 32 then
        perform stream_ext.refuse_with_hint('invalid_argument', 'the signature of the token does not have 32 bytes');
    end if;
    channel_checksum := stream_ext.token_read(content, 34, 4);
    user_checksum := stream_ext.token_read(content, 38, 4);
    message := stream_ext.token_read_bytes(content, 42);
    if length(content) > 44 + length(message) then
        perform stream_ext.refuse_with_hint('invalid_argument', 'the token has bytes behind its end');
    end if;
    perform stream_ext.token_read(message, 0, 4);
    expires_at := stream_ext.token_read(message, 4, 4);
    privileges := '[]';
    for privilege in 1..stream_ext.token_read(message, 8, 2) loop
        id := stream_ext.token_read(message, at, 2);
        ends_at := stream_ext.token_read(message, at + 2, 4);
        -- RTM's only privilege, which stands beside those of RTC here.
        privileges := privileges || jsonb_build_array(jsonb_build_array(
            case when id = 1000 then 2 else 1 end, case when id = 1000 then 1 else id end,
            case when ends_at = 0 then expires_at else ends_at end));
        at := at + 6;
    end loop;
    if at < length(message) then
        perform stream_ext.refuse_with_hint('invalid_argument', 'the token has bytes behind its end');
    end if;
end
$$;
comment on function stream_ext.token_decode_006(text) is
    'The content of a token of version 006, which holds channel and user only as checksums: nothing of it is proven.';

-- sql/edition/sql/token_inflate.sql

-- Inflating the zlib stream of a token (RFC 1950 and 1951), for inspect_token alone: slow, and bounded to what a token can hold.
create or replace function stream_ext.inflate_table(lengths integer[], out counts integer[], out symbols integer[])
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    -- How many codes have each length from 1 to 15, and the symbols by length and then by number: a canonical Huffman code.
    counts := array(
        select (select count(*)::integer from unnest($1) as s (bits) where s.bits = l.bits)
        from generate_series(1, 15) as l (bits) order by l.bits);
    symbols := array(
        select (s.place - 1)::integer from unnest($1) with ordinality as s (bits, place)
        where s.bits > 0 order by s.bits, s.place);
end
$$;
comment on function stream_ext.inflate_table(integer[]) is 'The table of a Huffman code, from the lengths of the codes of all symbols.';

create or replace function stream_ext.inflate_bits(zlib bytea, at integer, bits integer) returns integer
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    value pg_catalog.int4 := 0;
begin
    if $2 + $3 > 8 * length($1) then
        return null;
    end if;
    for place in 0..$3 - 1 loop
        value := value | (get_bit($1, $2 + place) << place);
    end loop;
    return value;
end
$$;
comment on function stream_ext.inflate_bits(bytea, integer, integer) is 'A number of so many bits, the lowest first; null beyond the end.';

create or replace function stream_ext.inflate_symbol(zlib bytea, at integer, counts integer[], symbols integer[], out symbol integer, out bits integer)
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    code pg_catalog.int4 := 0;
    first pg_catalog.int4 := 0;
    index pg_catalog.int4 := 0;
begin
    for length_bits in 1..15 loop
        if $2 + length_bits > 8 * length($1) then
            return;
        end if;
        code := code | get_bit($1, $2 + length_bits - 1);
        if code - counts[length_bits] < first then
            symbol := symbols[index + code - first + 1];
            bits := length_bits;
            return;
        end if;
        index := index + counts[length_bits];
        first := (first + counts[length_bits]) << 1;
        code := code << 1;
    end loop;
end
$$;
comment on function stream_ext.inflate_symbol(bytea, integer, integer[], integer[]) is
    'The symbol whose code begins here, and how many bits it takes; null where there is none.';

create or replace function stream_ext.inflate_code(
    zlib bytea, at integer, out literals integer[], out distances integer[], out after integer
)
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    literal_count constant pg_catalog.int4 := stream_ext.inflate_bits($1, $2, 5) + 257;
    distance_count constant pg_catalog.int4 := stream_ext.inflate_bits($1, $2 + 5, 5) + 1;
    length_count constant pg_catalog.int4 := stream_ext.inflate_bits($1, $2 + 10, 4) + 4;
    places constant pg_catalog.int4[] := '{16,17,18,0,8,7,9,6,10,5,11,4,12,3,13,2,14,1,15}';
    lengths pg_catalog.int4[] := array_fill(0, array[19]);
    decoded pg_catalog.int4[] := '{}';
    tables pg_catalog.record;
    found_symbol pg_catalog.record;
    repeated pg_catalog.int4;
    value pg_catalog.int4;
begin
    after := $2 + 14;
    if length_count is null or literal_count > 286 then
        after := null;
        return;
    end if;
    for place in 1..length_count loop
        lengths[places[place] + 1] := stream_ext.inflate_bits($1, after, 3);
        after := after + 3;
    end loop;
    if array_position(lengths, null) is not null then
        after := null;
        return;
    end if;
    select t.counts, t.symbols into tables from stream_ext.inflate_table(lengths) as t;
    while cardinality(decoded) < literal_count + distance_count loop
        select s.symbol, s.bits into found_symbol from stream_ext.inflate_symbol($1, after, tables.counts, tables.symbols) as s;
        if found_symbol.symbol is null then
            after := null;
            return;
        end if;
        after := after + found_symbol.bits;
        if found_symbol.symbol < 16 then
            decoded := decoded || found_symbol.symbol;
            continue;
        end if;
        value := case when found_symbol.symbol = 16 then decoded[cardinality(decoded)] else 0 end;
        repeated := case found_symbol.symbol
            when 16 then 3 + stream_ext.inflate_bits($1, after, 2)
            when 17 then 3 + stream_ext.inflate_bits($1, after, 3)
            else 11 + stream_ext.inflate_bits($1, after, 7) end;
        after := after + case found_symbol.symbol when 16 then 2 when 17 then 3 else 7 end;
        if repeated is null or value is null or cardinality(decoded) + repeated > literal_count + distance_count then
            after := null;
            return;
        end if;
        decoded := decoded || array_fill(value, array[repeated]);
    end loop;
    literals := decoded[1:literal_count];
    distances := decoded[literal_count + 1:];
end
$$;
comment on function stream_ext.inflate_code(bytea, integer) is
    'The lengths of the codes that stand before a dynamic block, and where that begins; null where they are malformed.';

create or replace function stream_ext.inflate(zlib bytea, out content bytea, out problem text)
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    bytes constant pg_catalog.int4 := length($1);
    lengths constant pg_catalog.int4[] := '{3,4,5,6,7,8,9,10,11,13,15,17,19,23,27,31,35,43,51,59,67,83,99,115,131,163,195,227,258}';
    length_bits constant pg_catalog.int4[] := '{0,0,0,0,0,0,0,0,1,1,1,1,2,2,2,2,3,3,3,3,4,4,4,4,5,5,5,5,0}';
    distances constant pg_catalog.int4[] :=
        '{1,2,3,4,5,7,9,13,17,25,33,49,65,97,129,193,257,385,513,769,1025,1537,2049,3073,4097,6145,8193,12289,16385,24577}';
    distance_bits constant pg_catalog.int4[] := '{0,0,0,0,1,1,2,2,3,3,4,4,5,5,6,6,7,7,8,8,9,9,10,10,11,11,12,12,13,13}';
    at pg_catalog.int4 := 16;
    is_last pg_catalog.bool := false;
    kind pg_catalog.int4;
    literal_code pg_catalog.record;
    distance_code pg_catalog.record;
    code pg_catalog.record;
    token pg_catalog.record;
    size pg_catalog.int4;
    distance pg_catalog.int4;
    sum pg_catalog.int8 := 1;
    sum_of_sums pg_catalog.int8 := 0;
begin
    problem := 'the token holds no whole zlib stream';
    content := '';
    if bytes < 6 or get_byte($1, 0) & 15 <> 8 or get_byte($1, 0) >> 4 > 7 or get_byte($1, 1) & 32 <> 0
        or (get_byte($1, 0) * 256 + get_byte($1, 1)) % 31 <> 0
    then
        return;
    end if;
    while not is_last loop
        is_last := stream_ext.inflate_bits($1, at, 1) = 1;
        kind := stream_ext.inflate_bits($1, at + 1, 2);
        at := at + 3;
        if kind is null or kind = 3 then
            return;
        end if;
        if kind = 0 then
            at := (at + 7) / 8 * 8;
            size := stream_ext.inflate_bits($1, at, 16);
            if size is null or size # 65535 is distinct from stream_ext.inflate_bits($1, at + 16, 16)
                or at / 8 + 4 + size > bytes
            then
                return;
            end if;
            content := content || substr($1, at / 8 + 5, size);
            at := at + 32 + 8 * size;
            if length(content) > 4096 then
                problem := 'the token is larger than any real one';
                return;
            end if;
            continue;
        end if;
        if kind = 1 then
            select t.counts, t.symbols into literal_code from stream_ext.inflate_table(
                array_fill(8, array[144]) || array_fill(9, array[112]) || array_fill(7, array[24]) || array_fill(8, array[8])) as t;
            select t.counts, t.symbols into distance_code from stream_ext.inflate_table(array_fill(5, array[30])) as t;
        else
            select c.literals, c.distances, c.after into code from stream_ext.inflate_code($1, at) as c;
            if code.after is null then
                return;
            end if;
            at := code.after;
            select t.counts, t.symbols into literal_code from stream_ext.inflate_table(code.literals) as t;
            select t.counts, t.symbols into distance_code from stream_ext.inflate_table(code.distances) as t;
        end if;
        loop
            select s.symbol, s.bits into token from stream_ext.inflate_symbol($1, at, literal_code.counts, literal_code.symbols) as s;
            if token.symbol is null or token.symbol > 285 then
                return;
            end if;
            at := at + token.bits;
            exit when token.symbol = 256;
            if token.symbol < 256 then
                content := content || set_byte(e'\\x00'::bytea, 0, token.symbol);
            else
                size := lengths[token.symbol - 256] + stream_ext.inflate_bits($1, at, length_bits[token.symbol - 256]);
                at := at + length_bits[token.symbol - 256];
                select s.symbol, s.bits into token
                from stream_ext.inflate_symbol($1, at, distance_code.counts, distance_code.symbols) as s;
                if size is null or token.symbol is null or token.symbol > 29 then
                    return;
                end if;
                at := at + token.bits;
                distance := distances[token.symbol + 1] + stream_ext.inflate_bits($1, at, distance_bits[token.symbol + 1]);
                at := at + distance_bits[token.symbol + 1];
                if distance is null or distance > length(content) then
                    return;
                end if;
                for place in 1..size loop
                    content := content || substr(content, length(content) - distance + 1, 1);
                end loop;
            end if;
            if length(content) > 4096 then
                problem := 'the token is larger than any real one';
                return;
            end if;
        end loop;
    end loop;
    at := (at + 7) / 8;
    for place in 0..length(content) - 1 loop
        sum := sum + get_byte(content, place);
        sum_of_sums := sum_of_sums + sum;
    end loop;
    if bytes < at + 4 or substr($1, at + 1, 4) <> substr(int8send(((sum_of_sums % 65521) << 16) | (sum % 65521)), 5) then
        return;
    end if;
    problem := case when bytes > at + 4 then 'the token has bytes behind its end' end;
end
$$;
comment on function stream_ext.inflate(bytea) is 'The content of a zlib stream of at most 4 KiB, or why there is none.';

-- sql/edition/sql/token_inspection.sql

-- Inspecting an Agora token: its content, and which of our certificates signed it. For the service alone. Neither the result nor an
-- error ever contains the token.
create or replace function stream_ext.token_crc32(value text) returns bigint
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    bytes constant pg_catalog.bytea := convert_to($1, 'UTF8');
    crc pg_catalog.int8 := 4294967295;
begin
    for place in 0..length(bytes) - 1 loop
        crc := crc # get_byte(bytes, place);
        for bit in 1..8 loop
            crc := case when crc & 1 = 1 then crc >> 1 # 3988292384 else crc >> 1 end;
        end loop;
    end loop;
    return crc # 4294967295;
end
$$;
comment on function stream_ext.token_crc32(text) is 'CRC-32 as in zlib; of an empty text 0.';

create or replace function stream_ext.token_signer(is_primary boolean, is_secondary boolean) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    select case when $1 then 'primary' when $2 then 'secondary' end
$$;
comment on function stream_ext.token_signer(boolean, boolean) is 'Which certificate signed a token; null: none of ours.';

create or replace function stream_ext.token_privilege(privilege jsonb) returns jsonb
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    service constant pg_catalog.int4 := $1 -> 0;
    id constant pg_catalog.int4 := $1 -> 1;
begin
    return jsonb_build_object(
        'service', coalesce((array['rtc', 'rtm', 'streaming', 'fpa', 'chat', 'fcdn', 'apaas'])[service], service::text),
        'privilege', coalesce(
            case service when 1 then (array['join', 'publish_audio', 'publish_video', 'publish_data'])[id]
                when 2 then (array['login'])[id] end,
            id::text),
        'expires_at', $1 -> 2);
end
$$;
comment on function stream_ext.token_privilege(jsonb) is
    'A privilege by names: those of the services that our tokens can have; for others, Agora''s numbers.';

create or replace function stream_ext.token_certificate(is_secondary boolean) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    found_certificate pg_catalog.record;
begin
    select c.certificate, c.code, c.hint into found_certificate from stream_ext.certificate_read($1, false) as c;
    if found_certificate.code is not null then
        perform stream_ext.refuse_with_hint(found_certificate.code, found_certificate.hint);
    end if;
    return found_certificate.certificate;
end
$$;
comment on function stream_ext.token_certificate(boolean) is
    'A certificate that verifies tokens. A configured secondary one that cannot be used is an error: without it, valid tokens would be reported as forged.';

create or replace function stream_ext.token_inspect(
    token text, channel text, user_account text, out of_version text, out of_app text, out of_channel text, out of_account text,
    out granted jsonb, out issued bigint, out expires bigint, out signed boolean, out signer text
)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    primary_certificate pg_catalog.text;
    secondary_certificate pg_catalog.text;
    decoded pg_catalog.record;
    message pg_catalog.bytea;
begin
    if stream_ext.enter_to_read() is not null then
        perform stream_ext.refuse('forbidden');
    end if;
    if $1 is null then
        perform stream_ext.error_null('token');
    end if;
    primary_certificate := stream_ext.token_certificate(false);
    secondary_certificate := stream_ext.token_certificate(true);
    if $1 like '007%' then
        select d.* into decoded from stream_ext.token_decode_007($1) as d;
        of_version := '007';
        of_channel := decoded.channel_id;
        of_account := decoded.account;
        issued := decoded.issued_at;
        signer := stream_ext.token_signer(
            decoded.signature = stream_ext.token_sign(primary_certificate, stream_ext.token_u32(decoded.issued_at),
                stream_ext.token_u32(decoded.salt), decoded.signed),
            decoded.signature = stream_ext.token_sign(secondary_certificate, stream_ext.token_u32(decoded.issued_at),
                stream_ext.token_u32(decoded.salt), decoded.signed));
        signed := signer is not null;
    elsif $1 like '006%' then
        select d.* into decoded from stream_ext.token_decode_006($1) as d;
        of_version := '006';
        -- It contains neither channel nor account: the given ones are returned if the signature confirms them.
        if $2 is not null and $3 is not null then
            message := convert_to(decoded.app_id || $2 || $3, 'UTF8') || decoded.message;
            signer := stream_ext.token_signer(
                decoded.signature = extensions.hmac(message, convert_to(primary_certificate, 'UTF8'), 'sha256'),
                decoded.signature = extensions.hmac(message, convert_to(secondary_certificate, 'UTF8'), 'sha256'));
            -- Not covered by the signature, but all that keeps room1, 23 from being room12, 3.
            if stream_ext.token_crc32($2) <> decoded.channel_checksum or stream_ext.token_crc32($3) <> decoded.user_checksum then
                signer := null;
            end if;
            signed := signer is not null;
            of_channel := case when signed then $2 end;
            of_account := case when signed then $3 end;
        end if;
    else
        perform stream_ext.refuse_with_hint('invalid_argument', 'the token is not of the expected version');
    end if;
    of_app := decoded.app_id;
    granted := decoded.privileges;
    expires := decoded.expires_at;
    perform stream_ext.check_clock();
end
$$;
comment on function stream_ext.token_inspect(text, text, text) is 'The body of inspect_token, with other names than its arguments have.';

create or replace function stream_ext.inspect_token(token text, channel_id text, account text)
returns table (
    version text, app_id text, channel_id text, account text, role text, privileges jsonb, issued_at bigint, expires_at bigint,
    is_expired boolean, is_signed boolean, signed_by text
)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select t.of_version, t.of_app, t.of_channel, t.of_account,
        (
            select case when bool_or(p.privilege ->> 1 <> '1') then 'publisher' else 'subscriber' end
            from jsonb_array_elements(t.granted) as p (privilege)
            where p.privilege ->> 0 = '1'
            having count(*) > 0
        ),
        (
            select coalesce(jsonb_agg(stream_ext.token_privilege(p.privilege) order by p.place), '[]')
            from jsonb_array_elements(t.granted) with ordinality as p (privilege, place)
        ),
        t.issued, t.expires, t.expires <= stream_ext.clock_s(), t.signed, t.signer
    from stream_ext.token_inspect($1, $2, $3) as t
$$;
comment on function stream_ext.inspect_token(text, text, text) is 'What an Agora token says, and which of our certificates signed it.';

-- sql/edition/sql/token_joining.sql

-- Joining with a token: a new token within the user's rate, the newest one again beyond it. A join is never refused for its rate,
-- because a phone on a bad network must be able to come back; and a loop of joins must not fill agora_tokens.
create or replace function stream_ext.token_reissue(
    session_id uuid, user_id uuid, app_id text, certificate text, now_s bigint, out token text, out expires_at timestamptz
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    uid pg_catalog.int4;
    stored pg_catalog.record;
    again pg_catalog.text;
begin
    select v.agora_uid into uid from stream.stream_viewers as v
    where v.session_id = $1 and v.user_id = $2 and v.is_active;
    if not found then
        return;
    end if;
    -- One row however many the user has.
    select t.token_hash::text as hash, t.salt::bigint as salt, t.created_at, t.expires_at into stored
    from stream.agora_tokens as t
    where t.session_id = $1 and t.user_id = $2 and t.is_active
    order by t.created_at desc limit 1;
    -- More than a quarter of its life is left; until then no heartbeat replaces it.
    if not found or stored.expires_at <= to_timestamp($5) + (stored.expires_at - stored.created_at) / 4 then
        return;
    end if;
    again := stream_ext.token_mint($3, $4, $1::text, uid, false,
        floor(extract(epoch from stored.created_at))::bigint,
        floor(extract(epoch from stored.expires_at))::bigint - floor(extract(epoch from stored.created_at))::bigint,
        stored.salt);
    -- After a change of the certificate, the App ID, the uid or the edition nobody gets a token that is not in the table.
    if encode(sha256(convert_to(again, 'UTF8')), 'hex') = stored.hash then
        token := again;
        expires_at := stored.expires_at;
    end if;
end
$$;
comment on function stream_ext.token_reissue(uuid, uuid, text, text, bigint) is
    'The newest token of a viewer, minted again from its stored fields; null when it is not the one that was stored, or ends soon.';

create or replace function stream_ext.join_with_token(session_id uuid)
returns table (
    user_id uuid, agora_uid integer, join_no integer, joined_at timestamptz, token text, expires_at timestamptz, retry_after_ms bigint
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    caller constant pg_catalog.uuid := stream_ext.caller_resolve(stream_ext.enter_to_write(), null);
    signer pg_catalog.record;
    granted pg_catalog.record;
    held_until pg_catalog.timestamptz;
    now_s pg_catalog.int8;
begin
    if $1 is null then
        perform stream_ext.error_null('session_id');
    end if;
    -- Clock and certificate are checked first, so a join is refused before it writes a lease when no token could be minted at all.
    perform stream_ext.check_clock();
    select c.app_id, c.certificate, c.code, c.hint into signer from stream_ext.certificate_read(false, true) as c;
    if signer.code is not null then
        perform stream_ext.refuse_with_hint(signer.code, signer.hint);
    end if;
    perform stream_ext.application_hold_user(caller);
    user_id := caller;
    select j.agora_uid, j.join_no, j.joined_at into agora_uid, join_no, joined_at from stream_ext.viewer_join($1, caller) as j;
    -- The join may have waited.
    perform stream_ext.check_clock();
    now_s := stream_ext.clock_s();
    select g.number, g.life_s, g.code, g.retry_after_ms into granted
    from stream_ext.token_grant($1::text, caller, 'viewer', null, true, now_s) as g;
    if granted.code is null then
        select i.token, i.expires_at into token, expires_at
        from stream_ext.token_issue($1, caller, signer.app_id, signer.certificate, granted.number, false, now_s, granted.life_s) as i;
        return next;
        return;
    end if;
    if granted.code <> 'rate_limited' then
        perform stream_ext.error_raise(granted.code, null, granted.retry_after_ms);
    end if;
    select r.token, r.expires_at into token, expires_at
    from stream_ext.token_reissue($1, caller, signer.app_id, signer.certificate, now_s) as r;
    if token is null then
        retry_after_ms := greatest(granted.retry_after_ms, 1);
    end if;
    -- The heartbeat renews by this time: it returns a token to a viewer without one as to one whose token ends soon.
    held_until := coalesce(expires_at, to_timestamp(now_s));
    update stream.stream_viewers as v set token_held_until = held_until
    where v.session_id = $1 and v.user_id = caller and v.token_held_until is distinct from held_until;
    return next;
end
$$;
comment on function stream_ext.join_with_token(uuid) is
    'Joins and mints a token in one call. Without a token retry_after_ms is set, at least 1.';

-- sql/edition/sql/token_mint.sql

-- Minting Agora tokens of version 007, and storing their hashes.
create or replace function stream_ext.token_u32(value bigint) returns bytea
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return substr(int8send(
        (($1 & 255) << 24) | (($1 >> 8 & 255) << 16) | (($1 >> 16 & 255) << 8) | ($1 >> 24 & 255)), 5);
end
$$;
comment on function stream_ext.token_u32(bigint) is 'Four bytes, the lowest first.';

create or replace function stream_ext.token_sign(certificate text, issued_at bytea, salt bytea, signed bytea) returns bytea
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    -- The public values are the keys of the first two, and the secret is the first message: unusual, and what Agora's servers
    -- compute.
    return extensions.hmac($4, extensions.hmac(extensions.hmac(convert_to($1, 'UTF8'), $2, 'sha256'), $3, 'sha256'), 'sha256');
end
$$;
comment on function stream_ext.token_sign(text, bytea, bytea, bytea) is 'The signature of a token: three HMAC-SHA256 in a row.';

create or replace function stream_ext.token_mint(
    app_id text, certificate text, channel text, uid integer, is_host boolean, issued_at bigint, life_s bigint, salt bigint
)
returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    issued constant pg_catalog.bytea := stream_ext.token_u32($6);
    life constant pg_catalog.bytea := stream_ext.token_u32($7);
    salted constant pg_catalog.bytea := stream_ext.token_u32($8);
    user_text constant pg_catalog.bytea := convert_to($4::text, 'UTF8');
    -- Texts stand behind their length; one service, RTC; its privileges by ascending id, each as long as the token.
    signed constant pg_catalog.bytea := e'\\x2000'::bytea || convert_to($1, 'UTF8') || issued || life || salted || e'\\x01000100'::bytea
        || case when $5
            then e'\\x04000100'::bytea || life || e'\\x0200'::bytea || life || e'\\x0300'::bytea || life || e'\\x0400'::bytea || life
            else e'\\x01000100'::bytea || life end
        || set_byte(e'\\x0000'::bytea, 0, length($3)) || convert_to($3, 'UTF8')
        || set_byte(e'\\x0000'::bytea, 0, length(user_text)) || user_text;
    content constant pg_catalog.bytea := e'\\x2000'::bytea || stream_ext.token_sign($2, issued, salted, signed) || signed;
    bytes constant pg_catalog.int4 := length(content);
    sum pg_catalog.int8 := 1;
    sum_of_sums pg_catalog.int8 := 0;
begin
    -- Adler-32. In a loop here: a function with generate_series takes three times as long.
    for place in 0..bytes - 1 loop
        sum := sum + get_byte(content, place);
        sum_of_sums := sum_of_sums + sum;
    end loop;
    -- A zlib stream of one stored block, in Base64 without its line ends.
    return '007' || replace(encode(
        e'\\x789c01'::bytea
        || set_byte(set_byte(set_byte(set_byte(e'\\x00000000'::bytea,
            0, bytes & 255), 1, bytes >> 8), 2, 255 - (bytes & 255)), 3, 255 - (bytes >> 8))
        || content
        || substr(int8send(((sum_of_sums % 65521) << 16) | (sum % 65521)), 5),
        'base64'), e'\n', '');
end
$$;
comment on function stream_ext.token_mint(text, text, text, integer, boolean, bigint, bigint, bigint) is
    'Mints a token for one channel and one user. The same content, App ID and certificate give the same token.';

create or replace function stream_ext.token_life_s(created_at timestamptz, issued_at bigint) returns integer
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    -- At least a minute, for the last one of the stream's longest duration, and after that while the sweep is late.
    return (
        select least(greatest(floor(extract(epoch from $1))::bigint + c.max_duration_s - $2, 60), c.token_ttl_s)
        from stream.config as c where c.id);
end
$$;
comment on function stream_ext.token_life_s(timestamptz, bigint) is 'Seconds that a token may live: as long as its stream can.';

create or replace function stream_ext.token_issue(
    session_id uuid, user_id uuid, app_id text, certificate text, number integer, is_host boolean, issued_at bigint, life_s integer,
    out token text, out expires_at timestamptz
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    channel constant pg_catalog.text := $1::text;
    salt constant pg_catalog.int8 := ('x' || left(gen_random_uuid()::text, 8))::bit(32)::bigint % 99999999 + 1;
    issued constant pg_catalog.timestamptz := to_timestamp($7);
begin
    token := stream_ext.token_mint($3, $4, channel, $5, $6, $7, $8, salt);
    expires_at := to_timestamp($7 + $8);
    insert into stream.agora_tokens as t (
        user_id, session_id, token_hash, channel_id, uid, salt, privileges, created_at, expires_at, is_active, check_at)
    values (
        $2, $1, encode(sha256(convert_to(token, 'UTF8')), 'hex'), channel, $5, salt,
        case when $6 then '{"can_publish": true, "can_subscribe": true, "can_admin": true}'::jsonb
            else '{"can_publish": false, "can_subscribe": true, "can_admin": false}'::jsonb end,
        -- At 85 % of its life the sweep announces that it ends soon.
        issued, expires_at, true, expires_at - $8 * interval '150 milliseconds');
end
$$;
comment on function stream_ext.token_issue(uuid, uuid, text, text, integer, boolean, bigint, integer) is
    'Mints a new token and stores its row: its hash, and the fields from which the same token can be minted again.';

-- sql/edition/sql/token_reader.sql

-- Reading the fields of a token. No refusal quotes anything of it.
create or replace function stream_ext.token_read(content bytea, at integer, bytes integer) returns bigint
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    value pg_catalog.int8 := 0;
begin
    if $2 + $3 > length($1) then
        perform stream_ext.refuse_with_hint('invalid_argument', 'the token ends in the middle of a field');
    end if;
    for place in reverse $3 - 1..0 loop
        value := value << 8 | get_byte($1, $2 + place);
    end loop;
    return value;
end
$$;
comment on function stream_ext.token_read(bytea, integer, integer) is 'A number of a token, the lowest byte first; refuses beyond the end.';

create or replace function stream_ext.token_read_bytes(content bytea, at integer) returns bytea
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    bytes constant pg_catalog.int4 := stream_ext.token_read($1, $2, 2);
begin
    if $2 + 2 + bytes > length($1) then
        perform stream_ext.refuse_with_hint('invalid_argument', 'the token ends in the middle of a field');
    end if;
    return substr($1, $2 + 3, bytes);
end
$$;
comment on function stream_ext.token_read_bytes(bytea, integer) is 'Bytes behind their length; refuses beyond the end.';

create or replace function stream_ext.token_read_text(bytes bytea) returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return convert_from($1, 'UTF8');
exception
    when others then
        perform stream_ext.refuse_with_hint('invalid_argument', 'a text in the token is not valid UTF-8');
        return null;
end
$$;
comment on function stream_ext.token_read_text(bytea) is 'A text of a token; the refusal quotes nothing of it.';

create or replace function stream_ext.token_base64(encoded text) returns bytea
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    if $1 !~ '^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$' collate "C"
        or replace(encode(decode($1, 'base64'), 'base64'), e'\n', '') <> $1
    then
        perform stream_ext.refuse_with_hint('invalid_argument', 'the token is not standard base64');
    end if;
    return decode($1, 'base64');
end
$$;
comment on function stream_ext.token_base64(text) is 'The bytes of standard Base64, in its one form.';

create or replace function stream_ext.token_app_id(bytes bytea) returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    app_id constant pg_catalog.text := stream_ext.token_read_text($1);
begin
    if app_id !~ '^[0-9a-fA-F]{32}$' collate "C" then
        perform stream_ext.refuse_with_hint('invalid_argument', 'the app id of the token is malformed');
    end if;
    return app_id;
end
$$;
comment on function stream_ext.token_app_id(bytea) is 'The App ID in a token.';

-- sql/edition/sql/viewer.sql

-- Joining and leaving a stream, the number and the list of its viewers. Joins never wait for each other: they share the session's
-- row lock and only add rows. A lease has at most one pending row in viewer_changes, by which tick counts.
create or replace function stream_ext.viewer_uid(session_id uuid, user_id uuid, attempt integer) returns integer
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    digest constant pg_catalog.bytea := sha256(
        convert_to('agora viewer uid', 'UTF8') || uuid_send($1) || uuid_send($2)
        || set_byte(e'\\x00000000'::bytea, 0, $3));
    low constant pg_catalog.int8 := get_byte(digest, 0)::bigint | (get_byte(digest, 1)::bigint << 8)
        | (get_byte(digest, 2)::bigint << 16) | (get_byte(digest, 3)::bigint << 24);
    high constant pg_catalog.int8 := get_byte(digest, 4)::bigint | (get_byte(digest, 5)::bigint << 8)
        | (get_byte(digest, 6)::bigint << 16) | (get_byte(digest, 7)::bigint << 24);
    -- 1,000,000 to 2^31 - 1.
    uids constant pg_catalog.int8 := 2146483648;
begin
    return 1000000 + ((high % uids) * (4294967296 % uids) + low) % uids;
end
$$;
comment on function stream_ext.viewer_uid(uuid, uuid, integer) is
    'The Agora uid of a viewer, stable for each session and user; attempt counts up to 255 when it is taken.';

create or replace function stream_ext.viewer_rejoin(
    session_id uuid, user_id uuid, changes_count boolean, out agora_uid integer, out join_no integer, out joined_at timestamptz
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    -- A second update would check the lease's foreign keys again and wait for a user who is being deleted. While the lease's older
    -- row of changes is pending no other is added: it is locked until this transaction ends, and tick skips locked rows.
    with waiting as (
        select c.id from stream.viewer_changes as c
        where c.id = (select v.change_id from stream.stream_viewers as v where v.session_id = $1 and v.user_id = $2)
            and c.session_id = $1
        for key share skip locked
    ), change as (
        insert into stream.viewer_changes as n (session_id)
        select $1 where $3 and not exists (select from waiting)
        returning n.id
    )
    update stream.stream_viewers as v
    set join_no = v.join_no + 1, left_at = null,
        joined_at = case when v.is_active then v.joined_at else now() end,
        last_seen_at = now(), background_since = null,
        -- Of a lease that holds it stays: the sweep then checks too early and sets it anew.
        lease_check_at = case when v.is_active then v.lease_check_at else now() + c.lease_s * interval '1 second' end,
        change_id = coalesce((select n.id from change as n), v.change_id)
    from stream.config as c
    where v.session_id = $1 and v.user_id = $2
    returning v.agora_uid, v.join_no, v.joined_at into $4, $5, $6;
end
$$;
comment on function stream_ext.viewer_rejoin(uuid, uuid, boolean) is
    'Takes a lease again; changes_count: whether the number of viewers may change. Nulls where there is no row.';

create or replace function stream_ext.viewer_take_lease(
    session_id uuid, user_id uuid, out agora_uid integer, out join_no integer, out joined_at timestamptz
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    is_active pg_catalog.bool;
begin
    select v.is_active into is_active from stream.stream_viewers as v
    where v.session_id = $1 and v.user_id = $2 for no key update;
    if found then
        select r.agora_uid, r.join_no, r.joined_at into $3, $4, $5 from stream_ext.viewer_rejoin($1, $2, not is_active) as r;
        return;
    end if;
    -- With 2^31 uids and some ten thousand viewers even a second try is rare.
    for attempt in 0..15 loop
        with change as (
            insert into stream.viewer_changes as n (session_id) values ($1) returning n.id
        )
        insert into stream.stream_viewers as v (session_id, user_id, agora_uid, lease_check_at, change_id)
        select $1, $2, stream_ext.viewer_uid($1, $2, attempt), now() + c.lease_s * interval '1 second', n.id
        from stream.config as c cross join change as n
        on conflict do nothing
        returning v.agora_uid, v.join_no, v.joined_at into $3, $4, $5;
        if found then
            return;
        end if;
        -- Either the uid is taken, or the same user joined from another device meanwhile.
        select r.agora_uid, r.join_no, r.joined_at into $3, $4, $5 from stream_ext.viewer_rejoin($1, $2, true) as r;
        if agora_uid is not null then
            return;
        end if;
    end loop;
    perform stream_ext.error_internal('no free Agora uid');
end
$$;
comment on function stream_ext.viewer_take_lease(uuid, uuid) is 'Takes the lease of a user who may watch, and locks it.';

create or replace function stream_ext.viewer_join(
    session_id uuid, user_id uuid, out agora_uid integer, out join_no integer, out joined_at timestamptz
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    stream pg_catalog.record;
begin
    perform stream_ext.gate_pass($1);
    -- Shared with other joins; conflicts with every change of the state.
    select s.state, s.seller_id into stream from stream.stream_sessions as s where s.id = $1 for share;
    if not found then
        perform stream_ext.refuse('session_not_found');
    end if;
    if stream.seller_id = $2 then
        perform stream_ext.refuse_with_hint('invalid_argument', 'the seller is not a viewer of their own stream');
    end if;
    if not stream_private.can_view($2, $1, stream.seller_id) then
        perform stream_ext.refuse('cannot_view');
    end if;
    -- Read after the lock, so a ban committed meanwhile counts.
    if exists (select from stream_private.bans as b where b.session_id = $1 and b.user_id = $2) then
        perform stream_ext.refuse('banned');
    end if;
    if stream.state = 'ended' then
        perform stream_ext.refuse('stream_ended');
    end if;
    select l.agora_uid, l.join_no, l.joined_at into $3, $4, $5 from stream_ext.viewer_take_lease($1, $2) as l;
end
$$;
comment on function stream_ext.viewer_join(uuid, uuid) is 'Joins for a user whose row is locked.';

create or replace function stream_ext.add_viewer(session_id uuid, buyer_id uuid)
returns table (user_id uuid, agora_uid integer, join_no integer, joined_at timestamptz)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    buyer constant pg_catalog.uuid := stream_ext.act_for($2);
begin
    if $1 is null then
        perform stream_ext.error_null('session_id');
    end if;
    return query select buyer, j.agora_uid, j.join_no, j.joined_at from stream_ext.viewer_join($1, buyer) as j;
end
$$;
comment on function stream_ext.add_viewer(uuid, uuid) is 'Joins a stream; a second join keeps the row and counts join_no up.';

create or replace function stream_ext.remove_viewer(session_id uuid, buyer_id uuid, join_no integer) returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    buyer constant pg_catalog.uuid := stream_ext.caller_resolve(stream_ext.enter_to_write(), $2);
    lease pg_catalog.record;
begin
    if $1 is null then
        perform stream_ext.error_null('session_id');
    end if;
    select v.is_active, v.join_no into lease from stream.stream_viewers as v
    where v.session_id = $1 and v.user_id = buyer for no key update;
    if not found then
        perform from stream.stream_sessions as s where s.id = $1 for share;
        if not found then
            perform stream_ext.refuse('session_not_found');
        end if;
        return 'not_joined';
    end if;
    if not lease.is_active then
        return 'not_joined';
    end if;
    if $3 <> lease.join_no then
        return 'superseded';
    end if;
    with waiting as (
        select c.id from stream.viewer_changes as c
        where c.id = (select v.change_id from stream.stream_viewers as v where v.session_id = $1 and v.user_id = buyer)
            and c.session_id = $1
        for key share skip locked
    ), change as (
        insert into stream.viewer_changes as n (session_id)
        select $1 where not exists (select from waiting)
        returning n.id
    )
    update stream.stream_viewers as v
    set left_at = now(), watch_ms = v.watch_ms + stream_ext.viewer_watched_ms(v.joined_at, now()),
        change_id = coalesce((select n.id from change as n), v.change_id)
    where v.session_id = $1 and v.user_id = buyer;
    return 'removed';
end
$$;
comment on function stream_ext.remove_viewer(uuid, uuid, integer) is 'Leaves a stream: removed, not_joined, or superseded by another device.';

create or replace function stream_ext.get_viewer_count(session_id uuid) returns integer
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    caller constant pg_catalog.uuid := stream_ext.enter_to_read();
    stream pg_catalog.record;
begin
    if $1 is null then
        perform stream_ext.error_null('session_id');
    end if;
    select stream_private.can_view(caller, s.id, s.seller_id) as can_view,
        (select count(*)::integer from stream_private.leases as v where v.session_id = s.id and v.holds) as viewer_count
    into stream
    from stream.stream_sessions as s where s.id = $1;
    if not found then
        perform stream_ext.refuse('session_not_found');
    end if;
    if not stream.can_view then
        perform stream_ext.refuse('cannot_view');
    end if;
    return stream.viewer_count;
end
$$;
comment on function stream_ext.get_viewer_count(uuid) is 'The number of viewers, from the leases that hold.';

create or replace function stream_ext.get_viewers(session_id uuid, after uuid, page_size integer)
returns table (
    user_id uuid, agora_uid integer, joined_at timestamptz, last_seen_at timestamptz, foreground boolean, watch_ms bigint
)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    caller constant pg_catalog.uuid := stream_ext.enter_to_read();
    seller pg_catalog.uuid;
begin
    if $1 is null then
        perform stream_ext.error_null('session_id');
    end if;
    perform stream_private.check_page_size($3);
    select s.seller_id into seller from stream.stream_sessions as s where s.id = $1;
    if not found then
        perform stream_ext.refuse('session_not_found');
    end if;
    if caller <> seller then
        perform stream_ext.refuse('not_stream_owner');
    end if;
    return query
    select v.user_id, v.agora_uid::integer, v.joined_at, v.last_seen_at, v.foreground, v.watched_ms
    from stream_private.leases as v
    where v.session_id = $1 and v.holds and ($2 is null or v.user_id > $2)
    order by v.user_id
    limit $3;
end
$$;
comment on function stream_ext.get_viewers(uuid, uuid, integer) is 'A page of the viewers whose leases hold, for the seller and the service.';

-- sql/edition/sql/viewer_counts.sql

-- The rule viewer_counts: counts the viewers of streams named in viewer_changes. And the rules reactions and canary.

create or replace function stream_ext.viewer_counts_wait_for_passed_over() returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    changed pg_catalog.uuid[];
    free pg_catalog.uuid[];
    held_session pg_catalog.uuid;
begin
    changed := array(
        select distinct e.session_id from (
            select c.session_id from stream.viewer_changes as c order by c.id limit 1000
        ) as e order by e.session_id limit 64);
    if cardinality(changed) = 0 then
        return;
    end if;
    free := array(
        select s.id from stream.stream_sessions as s
        where s.id = any (changed) order by s.id for no key update skip locked);
    select s.id into held_session from stream.stream_sessions as s
    where s.id = any (changed) and s.id <> all (free) order by s.id limit 1;
    if held_session is not null then
        perform stream_ext.gate_close_soon(held_session);
    end if;
end
$$;
comment on function stream_ext.viewer_counts_wait_for_passed_over() is
    'Gets a turn at the first stream with changes that somebody holds, before anything else is locked.';

create or replace function stream_ext.regular_take_viewer_counts(most integer, rows_left integer, skipping uuid[], kept jsonb)
returns table (session_id uuid, keys jsonb, held boolean)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    changed pg_catalog.jsonb;
    taken pg_catalog.uuid[];
    locked pg_catalog.jsonb;
    kept_back pg_catalog.uuid[];
begin
    if ($4 ->> 'waits')::boolean then
        perform stream_ext.viewer_counts_wait_for_passed_over();
    end if;
    -- Late in a round most of many rows belong to streams to skip, so these are hashed.
    with seen as materialized (
        select e.id, e.session_id from stream.viewer_changes as e
        where e.session_id not in (select unnest($3))
        order by e.id limit 10000
    ), due as materialized (
        select distinct s.session_id from seen as s order by s.session_id limit $1
    ), free as materialized (
        select e.id from stream.viewer_changes as e
        where e.id = any (array(
            select s.id from seen as s where s.session_id in (select d.session_id from due as d)))
        for update skip locked
    ), taken as (
        delete from stream.viewer_changes as e
        where e.id = any (array(select f.id from free as f))
        returning e.session_id
    )
    select jsonb_object_agg(d.session_id, exists (select from taken as t where t.session_id = d.session_id))
    into changed from due as d;
    if changed is null then
        return;
    end if;
    taken := array(select c.key::uuid from jsonb_each(changed) as c where c.value::boolean order by c.key::uuid);
    select jsonb_object_agg(s.id, s.state <> 'ended') into locked
    from (
        select o.id, o.state from stream.stream_sessions as o
        where o.id = any (taken) order by o.id for no key update skip locked
    ) as s;
    locked := coalesce(locked, '{}');
    -- Held by somebody: noted again, since its rows were taken.
    kept_back := array(select s.id from stream.stream_sessions as s where s.id = any (taken) and not locked ? s.id::text);
    insert into stream.viewer_changes (session_id) select unnest(kept_back);
    session_id := null;
    keys := '{}';
    held := false;
    return next;
    return query
    select c.key::uuid, jsonb_build_object('is_live', coalesce((locked ->> c.key)::boolean, false)),
        not c.value::boolean or c.key::uuid = any (kept_back)
    from jsonb_each(changed) as c
    order by c.key::uuid;
end
$$;
comment on function stream_ext.regular_take_viewer_counts(integer, integer, uuid[], jsonb) is
    'Takes the changes of at most so many streams, and locks these.';

create or replace function stream_ext.regular_do_viewer_counts(session_id uuid, keys jsonb, kept jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    -- It has ended or was deleted: there is nothing to count.
    if not ($2 ->> 'is_live')::boolean then
        return '{"unwritten": true}';
    end if;
    update stream.stream_sessions as s
    set viewer_count = counted.active,
        peak_viewer_count = greatest(s.peak_viewer_count, counted.active),
        superseded_count = counted.superseded
    from (
        select count(*)::integer as active,
            -- Joined again lately, by their token: another device may still hold a channel.
            (count(*) filter (
                where v.join_no > 1 and v.token_issued_at > now() - interval '2 minutes'))::integer as superseded
        from stream.stream_viewers as v
        where v.session_id = $1 and v.is_active
    ) as counted
    where s.id = $1 and (s.viewer_count <> counted.active or s.superseded_count <> counted.superseded);
    return '{}';
end
$$;
comment on function stream_ext.regular_do_viewer_counts(uuid, jsonb, jsonb) is 'Counts the viewers of a stream.';

create or replace function stream_ext.regular_end_viewer_counts(context jsonb, handled jsonb, again jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    insert into stream.viewer_changes (session_id) select e.id::uuid from jsonb_array_elements_text($3) as e (id);
    return '{}';
end
$$;
comment on function stream_ext.regular_end_viewer_counts(jsonb, jsonb, jsonb) is 'Notes the streams again that the unit did not reach.';

create or replace function stream_ext.regular_failed_viewer_counts(session_id uuid) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    -- One row is enough, and viewers go on joining.
    delete from stream.viewer_changes as d where d.id = any (array(
        select e.id from stream.viewer_changes as e where e.session_id = $1
        order by e.id limit 10000 for update skip locked));
    if found then
        insert into stream.viewer_changes (session_id) values ($1);
    end if;
end
$$;
comment on function stream_ext.regular_failed_viewer_counts(uuid) is 'For a stream that keeps failing: keeps one of its changes.';

create or replace function stream_ext.regular_take_reactions(most integer, rows_left integer, skipping uuid[], kept jsonb)
returns table (session_id uuid, keys jsonb, held boolean)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    -- Until there is a partition they are counted in the rows that there are.
    if stream_ext.realtime_method(clock_timestamp()) is null then
        return;
    end if;
    -- It goes from stream to stream in the index, however many rows each has. A time ahead of the clock is from before the clock was
    -- set back.
    return query
    with recursive pending as (
        (select c.session_id from stream.reaction_counts as c order by c.session_id limit 1)
        union all
        select (
            select c.session_id from stream.reaction_counts as c
            where c.session_id > p.session_id order by c.session_id limit 1)
        from pending as p where p.session_id is not null
    )
    select p.session_id, '{}'::jsonb, false from pending as p
    where p.session_id is not null and p.session_id not in (select unnest($3))
        and not exists (
            select from stream.reaction_totals as k
            join stream.chat_relay as r on r.session_id = k.session_id
            where k.session_id = p.session_id
                and k.sent_at > clock_timestamp() - greatest(r.viewers_window_ms, 900) * interval '1 millisecond'
                and k.sent_at <= clock_timestamp())
    order by p.session_id limit $1;
end
$$;
comment on function stream_ext.regular_take_reactions(integer, integer, uuid[], jsonb) is 'Streams with reactions whose window is over.';

create or replace function stream_ext.regular_do_reactions(session_id uuid, keys jsonb, kept jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    if exists (select from stream.stream_sessions as s where s.id = $1 and s.state = 'ended') then
        -- With the last totals, unless ended_resources was there before.
        perform stream_ext.reaction_close($1);
    else
        perform stream_ext.reaction_send_totals($1);
    end if;
    return '{}';
end
$$;
comment on function stream_ext.regular_do_reactions(uuid, jsonb, jsonb) is 'Broadcasts the totals of a stream to which somebody has reacted.';

create or replace function stream_ext.regular_take_canary(most integer, rows_left integer, skipping uuid[], kept jsonb)
returns table (session_id uuid, keys jsonb, held boolean)
language plpgsql
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
#variable_conflict use_column
declare
    moment constant pg_catalog.timestamptz := clock_timestamp();
    method pg_catalog.text;
    next pg_catalog.record;
begin
    -- A time ahead of the clock is from before the clock was set back.
    if not exists (
        select from stream.canary as c cross join stream.config as f
        where c.id and f.canary_user_id is not null and (c.sent_at <= now() - interval '10 seconds' or c.sent_at > now())
    ) then
        return;
    end if;
    -- Nothing is taken while nothing can be written, so that the time of the last one tells.
    method := stream_ext.realtime_hold(moment);
    if method is null then
        return;
    end if;
    with free as (
        select c.id from stream.canary as c where c.id for update skip locked
    )
    update stream.canary as c
    set canary_no = c.canary_no + 1, sent_at = now()
    from free as r
    cross join stream.config as f
    where c.id = r.id and f.canary_user_id is not null
    returning f.canary_user_id as user_id, c.canary_no into next;
    if next.user_id is not null then
        perform stream_ext.realtime_write(method, 'canary:' || next.user_id, 'canary',
            json_build_object('canary_no', next.canary_no, 'server_time', moment)::text, moment);
        perform stream_ext.realtime_note_sent('canary:' || next.user_id, 'canary');
    end if;
end
$$;
comment on function stream_ext.regular_take_canary(integer, integer, uuid[], jsonb) is
    'Sends a numbered event every ten seconds, by which edge_api sees that broadcasts arrive; of no stream.';

-- sql/edition/sql/viewer_watch.sql

-- The time that a viewer has watched.
create or replace function stream_ext.viewer_watched_ms(joined_at timestamptz, until timestamptz) returns bigint
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return greatest(0, (extract(epoch from $2 - $1) * 1000)::bigint);
end
$$;
comment on function stream_ext.viewer_watched_ms(timestamptz, timestamptz) is
    'Milliseconds that a viewer has watched in the present lease, up to a moment.';

-- sql/edition/sql/webhook.sql

-- Applying a notice of Agora: storing it once, and changing the stream by it in the same transaction. Lock order: the session (only for
-- notices about its host, so that notices about viewers never wait for each other), the stored notice, the cursor of the user, and
-- then the locks of a transition.
create or replace function stream_ext.webhook_advance(
    session_id uuid, uid bigint, "position" bigint, is_present boolean, ts bigint
)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    insert into stream.webhook_cursors as k (session_id, uid, position, is_present, happened_at, seen_at, forget_at)
    select $1, $2, $3, $4, to_timestamp($5), now(),
        -- Who left is kept for 60 s, as in Agora's own recipe.
        now() + case when $4 then c.max_duration_s else 60 end * interval '1 second'
    from stream.config as c where c.id
    on conflict on constraint webhook_cursors_pkey do update
    set position = excluded.position, is_present = excluded.is_present, happened_at = excluded.happened_at,
        seen_at = excluded.seen_at, forget_at = excluded.forget_at
    where excluded.position > k.position;
    return found;
end
$$;
comment on function stream_ext.webhook_advance(uuid, bigint, bigint, boolean, bigint) is
    'Moves the user''s cursor on; false when a newer change is stored.';

create or replace function stream_ext.webhook_apply_host(session record, verdict text) returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    step constant pg_catalog.text := stream_ext.webhook_step(session.state, session.state_reason, session.state_before_error, session.may_return, $2);
begin
    if step = 'see' then
        -- Only for a host who sends heartbeats: seen by Agora, others still cannot time out.
        update stream.stream_sessions as s set host_seen_at = now() where s.id = session.id and s.host_seen_at is not null;
        return 'host_present';
    elsif step = 'wait' then
        return 'waiting_for_heartbeat';
    elsif step = 'return' then
        perform stream_ext.stream_move(session.id, session.state, 'active', 'host_returned', session.generation, null);
        return 'host_returned';
    elsif step = 'lose' then
        perform stream_ext.stream_move(session.id, session.state, 'error', $2, session.generation, null);
        return $2;
    elsif step = 'restate' then
        update stream.stream_sessions as s set state_reason = $2 where s.id = session.id;
        return $2;
    end if;
    return 'noted';
end
$$;
comment on function stream_ext.webhook_apply_host(record, text) is 'Applies a change about the host of a locked session; returns the effect.';

create or replace function stream_ext.webhook_apply_change(session record, notice record, out status text, out effect text)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    is_host pg_catalog.bool;
begin
    status := 'ignored';
    if session.state = 'ended' then
        effect := 'ended';
        return;
    end if;
    if notice.kind = 'channel' then
        -- 101 and 102 have no number, only seconds. Within one second "created" wins.
        status := case when stream_ext.webhook_advance(
            session.id, 0, 2 * notice.ts + case when notice.event_type = 101 then 1 else 0 end, notice.event_type = 101, notice.ts)
            then 'applied' else 'outdated' end;
        effect := case when status = 'applied' then 'noted' end;
        return;
    end if;
    effect := stream_ext.webhook_ignored(notice.kind, notice.reason, notice.platform, notice.client_type);
    if effect is not null then
        return;
    end if;
    is_host := notice.uid between 1 and 999999;
    effect := case
        when is_host and notice.uid < session.generation then 'old_generation'
        when is_host and notice.uid > session.generation then 'unknown_uid'
        when not is_host and not exists (
            select from stream.stream_viewers as v where v.session_id = session.id and v.agora_uid = notice.uid) then 'unknown_uid'
        end;
    if effect is not null then
        return;
    end if;
    if not stream_ext.webhook_advance(session.id, notice.uid, notice.client_seq, notice.kind <> 'left', notice.ts) then
        status := 'outdated';
        return;
    end if;
    status := 'applied';
    -- Leases follow the app's heartbeats alone and end by themselves; Agora may be late or wrong.
    effect := case when is_host
        then stream_ext.webhook_apply_host(session, stream_ext.webhook_verdict(notice.kind, notice.reason, session.has_heartbeat))
        else 'noted' end;
end
$$;
comment on function stream_ext.webhook_apply_change(record, record) is 'Applies a change of who is in the channel of a session.';

create or replace function stream_ext.apply_webhook(notice text) returns table (status text, effect text)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    parsed pg_catalog.record;
    session pg_catalog.record;
begin
    if stream_ext.enter_to_write() is not null then
        perform stream_ext.refuse('forbidden');
    end if;
    if $1 is null then
        perform stream_ext.error_null('notice');
    end if;
    select p.* into parsed from stream_ext.webhook_parse($1) as p;
    status := 'applied';
    effect := 'noted';
    -- For a notice about a viewer: a live session cannot be deleted, so no lock is needed.
    select s.id, s.state, s.generation, s.state_reason, s.state_before_error, false as may_return, false as has_heartbeat
    into session
    from stream.stream_sessions as s where s.channel_id = parsed.channel;
    if parsed.kind = 'test' then
        status := 'test';
        effect := null;
    elsif parsed.kind = 'unknown' then
        status := 'ignored';
        effect := 'unknown_event';
    elsif session.id is not null and parsed.uid between 1 and 999999 then
        perform stream_ext.gate_close(session.id);
        select s.id, s.state, s.generation, s.state_reason, s.state_before_error,
            coalesce(s.reconnect_deadline > clock_timestamp(), false) as may_return,
            -- A heartbeat ahead of the clock is from before the clock was set back, and counts as none.
            coalesce(s.host_heartbeat_at between
                clock_timestamp() - c.host_timeout_s * interval '1 second' and clock_timestamp(), false) as has_heartbeat
        into session
        from stream.stream_sessions as s cross join stream.config as c
        where s.channel_id = parsed.channel for no key update of s;
    end if;
    if parsed.kind not in ('test', 'unknown') and session.id is null then
        status := 'unknown_channel';
        effect := null;
    end if;
    insert into stream.webhook_events as e (
        notice_id, product_id, event_type, channel_id, session_id, uid, client_seq, happened_at, reason, duration_s, status, effect)
    values (
        parsed.notice_id, parsed.product_id, parsed.event_type, parsed.channel, session.id, parsed.uid, parsed.client_seq,
        to_timestamp(parsed.ts), parsed.reason, parsed.duration_s, 'applied', 'noted')
    on conflict on constraint webhook_events_pkey do nothing;
    if not found then
        status := 'duplicate';
        effect := null;
        return next;
        return;
    end if;
    if parsed.kind not in ('test', 'unknown') and session.id is not null then
        select c.status, c.effect into status, effect from stream_ext.webhook_apply_change(session, parsed) as c;
    end if;
    if (status, effect) is distinct from ('applied', 'noted') then
        update stream.webhook_events as e set status = apply_webhook.status, effect = apply_webhook.effect
        where e.notice_id = parsed.notice_id;
    end if;
    return next;
end
$$;
comment on function stream_ext.apply_webhook(text) is 'Applies a notice, the text of a JSON object.';

-- sql/edition/sql/webhook_notice.sql

-- Parsing a notice of Agora, as something that anybody might have written: every field has bounds. Refusals name fields and never
-- repeat a value.
create or replace function stream_ext.webhook_refuse(field text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    perform stream_ext.refuse_with_hint('invalid_argument', $1 || ' is missing or malformed');
end
$$;
comment on function stream_ext.webhook_refuse(text) is 'Refuses a notice for one of its fields.';

create or replace function stream_ext.webhook_integer(fields json, field text, most bigint, is_needed boolean) returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    value constant pg_catalog.text := ($1 -> $2)::text;
begin
    if value is null or value = 'null' then
        if $4 then
            perform stream_ext.webhook_refuse($2);
        end if;
        return null;
    end if;
    -- No fraction and no exponent: json keeps how a number was written.
    if value !~ '^(0|[1-9][0-9]{0,18})$' collate "C" or value::numeric > $3 then
        perform stream_ext.webhook_refuse($2);
    end if;
    return value;
end
$$;
comment on function stream_ext.webhook_integer(json, text, bigint, boolean) is 'A field that is a number from 0 on; null where it may be left out.';

create or replace function stream_ext.webhook_text(fields json, field text, most_bytes integer) returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    value pg_catalog.text;
begin
    if json_typeof($1 -> $2) is distinct from 'string' then
        perform stream_ext.webhook_refuse($2);
    end if;
    value := $1 ->> $2;
    if octet_length(value) > $3 or value !~ '^[ -~]+$' collate "C" then
        perform stream_ext.webhook_refuse($2);
    end if;
    return value;
end
$$;
comment on function stream_ext.webhook_text(json, text, integer) is 'A field of printable ASCII.';

create or replace function stream_ext.webhook_parse(
    notice text, out notice_id text, out product_id integer, out event_type integer, out kind text, out channel text, out ts bigint,
    out uid bigint, out client_seq bigint, out reason integer, out duration_s bigint, out platform integer, out client_type integer
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    zero constant pg_catalog.text := '((?:^|[^\\])(?:\\\\)*)\\u0000';
    -- The zero character, which Postgres reads nowhere, becomes another that no field may have. Twice: what stands next to the last
    -- one is not looked at again.
    readable constant pg_catalog.text :=
        regexp_replace(regexp_replace($1, zero, '\1\\u0001', 'g'), zero, '\1\\u0001', 'g');
    fields pg_catalog.json;
    payload pg_catalog.json;
begin
    if octet_length($1) > 16384 then
        perform stream_ext.refuse_with_hint('invalid_argument', 'a notice has at most 16384 bytes');
    end if;
    if not stream_ext.caller_is_claims(readable) then
        perform stream_ext.refuse_with_hint('invalid_argument', 'a notice is a JSON object');
    end if;
    fields := readable;
    product_id := stream_ext.webhook_integer(fields, 'productId', 2147483647, true);
    event_type := stream_ext.webhook_integer(fields, 'eventType', 2147483647, true);
    notice_id := stream_ext.webhook_text(fields, 'noticeId', 64);
    perform stream_ext.webhook_integer(fields, 'notifyMs', 9223372036854775807, false);
    kind := 'unknown';
    -- Of Agora's products the channels are those of RTC.
    if product_id <> 1 or event_type not in (101, 102, 103, 104, 105, 106, 107, 108, 111, 112) then
        return;
    end if;
    payload := fields -> 'payload';
    if json_typeof(payload) is distinct from 'object' then
        perform stream_ext.webhook_refuse('payload');
    end if;
    channel := stream_ext.webhook_text(payload, 'channelName', 64);
    -- The test of Agora's console: its other fields are not worth a refusal, which would keep the configuration from being saved.
    if channel = 'test_webhook' then
        kind := 'test';
        channel := null;
        return;
    end if;
    -- The end of the year 9999.
    ts := stream_ext.webhook_integer(payload, 'ts', 253402300799, true);
    if event_type <= 102 then
        kind := 'channel';
        return;
    end if;
    uid := stream_ext.webhook_integer(payload, 'uid', 4294967295, true);
    reason := stream_ext.webhook_integer(payload, 'reason', 2147483647, false);
    client_seq := stream_ext.webhook_integer(payload, 'clientSeq', 9223372036854775807, true);
    duration_s := stream_ext.webhook_integer(payload, 'duration', 9223372036854775807, false);
    platform := stream_ext.webhook_integer(payload, 'platform', 2147483647, false);
    client_type := stream_ext.webhook_integer(payload, 'clientType', 2147483647, false);
    kind := case
        when event_type in (103, 107, 111) then 'sends'
        when event_type in (105, 112) then 'watches'
        else 'left' end;
end
$$;
comment on function stream_ext.webhook_parse(text) is
    'A notice: kind is unknown, test, channel, or what a user does: sends, watches or left. Fields that are not known are left out.';

create or replace function stream_ext.webhook_ignored(kind text, reason integer, platform integer, client_type integer) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    -- Recorders and whatever else Agora runs on servers (Linux, but for the applet) are no viewer and no host.
    select case
        when $3 = 6 and $4 <> 8 then 'recorder'
        when $1 = 'left' and $2 = 5 then 'replaced'
        when $1 = 'left' and $2 = 999 then 'flapping'
        end
$$;
comment on function stream_ext.webhook_ignored(text, integer, integer, integer) is
    'Why a change is kept without acting on it; null: it is acted on.';

create or replace function stream_ext.webhook_verdict(kind text, reason integer, has_heartbeat boolean) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
    -- Only an intent or an act, not a broken connection, counts more than a fresh heartbeat: 12 is a bad token, 1 and 3 are on
    -- purpose and thrown out.
    select case
        when $1 = 'sends' then 'present'
        when $1 = 'left' and $2 = 12 then 'host_token'
        when $1 = 'watches' or $2 in (1, 3) or not $3 then 'host_lost'
        else 'waiting'
        end
$$;
comment on function stream_ext.webhook_verdict(text, integer, boolean) is
    'Whether the host is there: present, waiting for the heartbeats to stop too, or the loss.';

create or replace function stream_ext.webhook_step(
    state text, state_reason text, state_before_error text, may_return boolean, verdict text
)
returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    loss constant pg_catalog.text := case when $1 = 'error' and $2 in ('host_lost', 'host_token') then $2 end;
    is_back_to_active constant pg_catalog.bool := $3 is not distinct from 'active' and $4;
begin
    -- Only a stream that has gone live is moved: before that the app is still setting up, and a paused host may well leave.
    return case
        when $1 = 'active' and $5 = 'present' then 'see'
        when $1 = 'active' and $5 = 'waiting' then 'wait'
        when $1 = 'active' then 'lose'
        -- Waiting too: whoever leaves again had been back.
        when loss is not null and $5 in ('present', 'waiting') and is_back_to_active then 'return'
        when loss is not null and $5 in ('host_lost', 'host_token') and $5 <> loss and is_back_to_active then 'restate'
        else 'note'
        end;
end
$$;
comment on function stream_ext.webhook_step(text, text, text, boolean, text) is 'What follows from a verdict about the host.';

-- sql/edition/sql/zz_rights.sql

-- Nobody but the owner of the tables may execute a function of this edition, so none of them asks who its effective user is.
revoke all on all functions in schema stream_ext from public, anon, authenticated, service_role;

-- sql/private/auction_update.sql

-- Auction updates: the application's bids in the log of the stream.
-- Whoever may call it speaks in the name of the auction: never a role that users have. update is of type json, whose text
-- is kept as it came: numbers keep every digit, and escapes that cannot be stored are refused by the extension, where
-- jsonb would quote what stands around them.
create or replace function stream_private.post_auction_update(session_id uuid, update json)
returns stream.chat_message
language plpgsql
as 'begin end';
comment on function stream_private.post_auction_update(session_id uuid, update json) is $$
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
create or replace function stream.auction_update_trigger() returns trigger
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

-- sql/private/canary.sql

-- The canary: what the database sends through Realtime to see whether it arrives.
create or replace function stream_private.report_canary(
    canary_no bigint default null,
    lag_ms integer default null,
    state text default 'delivered'
)
returns stream.canary_status
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    result stream.canary_status;
begin
    if $3 is null or $3 <> all (array['unknown', 'delivered', 'not_sent', 'not_followed', 'dropped',
            'realtime_away', 'unauthorised']) then
        perform stream_ext.refuse_with_hint('invalid_argument', 'state is none of the states of a canary');
    end if;
    if ($1 is null) <> ($2 is null) or $1 < 1 or $2 < 0 then
        perform stream_ext.refuse_with_hint('invalid_argument', 'canary_no and lag_ms come together, from 1 and from 0 on');
    end if;
    update stream.canary as c
    set received_no = case when is_newer then $1 else c.received_no end,
        received_at = case when is_newer then clock_timestamp() else c.received_at end,
        lag_ms = case when is_newer then $2 else c.lag_ms end,
        state = $3, reported_at = clock_timestamp(),
        failed_state = case when is_failure then $3 else c.failed_state end,
        failed_at = case when is_failure then clock_timestamp() else c.failed_at end
    from (
        select coalesce($1 > coalesce(o.received_no, 0) and $1 <= o.canary_no, false) as is_newer,
            $3 not in ('unknown', 'delivered') as is_failure
        from stream.canary as o where o.id
    ) as n
    where c.id;
    select f.canary_user_id, c.canary_no, nullif(c.sent_at, '-infinity'),
        to_regclass('realtime.messages_' || to_char(clock_timestamp() at time zone 'UTC', 'YYYY_MM_DD')) is not null,
        (stream_private.check_realtime_publication()).status = 'ok', exists (
            select from pg_catalog.pg_replication_slots as r
            where r.slot_name like 'supabase_realtime_messages_replication_slot%' and r.active
                and r.database = current_database()
        ), clock_timestamp()
    into result
    from stream.canary as c
    cross join stream.config as f
    where c.id;
    return result;
end
$$;
comment on function stream_private.report_canary(canary_no bigint, lag_ms integer, state text) is $$
Says what became of the canaries of config.canary_user_id, for doctor(): the newest that was received and how long after it was
written, and the state of the way through Realtime (unknown, delivered, not_sent, not_followed, dropped, realtime_away,
unauthorised). Returns what the database knows of it. For edge_api, which watches.
@callers service_role
@repeat safe
@errors invalid_argument
$$;

create or replace function stream_private.check_canary() returns stream.check_result
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    canary stream.canary;
    last_trip pg_catalog.text;
begin
    if (select f.canary_user_id from stream.config as f) is null then
        return row('canary', 'warning', 'unknown whether broadcasts arrive: no config.canary_user_id is set')::stream.check_result;
    end if;
    select * into canary from stream.canary as c where c.id;
    last_trip := coalesce('the last that came back is number ' || canary.received_no || ', at ' || canary.received_at
        || ', ' || canary.lag_ms || ' ms after it was written', 'none has come back yet');
    if canary.sent_at <= now() - interval '25 seconds' then
        return row('canary', 'failure', 'none was sent ' || coalesce('since ' || nullif(canary.sent_at, '-infinity'), 'yet')
            || ': see ticker, troubles and realtime_partition; ' || last_trip)::stream.check_result;
    end if;
    if coalesce(canary.reported_at <= now() - interval '60 seconds', true) then
        return row('canary', 'warning', 'unknown whether broadcasts arrive: no edge_api with the settings CANARY_... has reported '
            || coalesce('since ' || canary.reported_at, 'yet') || '; ' || last_trip)::stream.check_result;
    end if;
    if canary.failed_at > now() - interval '30 seconds' then
        return row('canary', 'failure', case canary.failed_state
            when 'not_sent' then 'none was sent to the user of CANARY_EMAIL: is that config.canary_user_id?'
            when 'not_followed' then 'Realtime does not read the database: its publication or its replication slot is gone; restart it'
            when 'dropped' then 'sent, and not delivered although Realtime reads the database: it drops rows over the limit of its '
                || 'plan, see config.realtime_messages_per_s'
            when 'realtime_away' then 'Realtime cannot be reached'
            else 'the canary user may not sign in or may not join its channel: see the policies of realtime.messages and CANARY_PASSWORD'
            end || '; ' || last_trip)::stream.check_result;
    end if;
    return row('canary', case canary.state when 'delivered' then 'ok' else 'warning' end,
        case canary.state when 'delivered' then '' else 'edge_api waits for the first one; ' end || last_trip)::stream.check_result;
end
$$;
comment on function stream_private.check_canary() is 'The check canary of doctor().';

-- sql/private/chat.sql

-- Sending chat messages, one or many.
create or replace function stream_private.send_message(
    session_id uuid,
    user_id uuid default null,
    content text default null,
    id uuid default null
)
returns stream.chat_message
language plpgsql
-- It passes arrays of users, which look longer to a general plan than they are, so that Postgres would plan anew at every
-- call (measured: 860 microseconds of processor time for a send, instead of less than half).
set plan_cache_mode = force_generic_plan
as 'begin end';
comment on function stream_private.send_message(session_id uuid, user_id uuid, content text, id uuid) is $$
Sends a chat message: 1 to 2,000 characters after trimming. id is made by the client; the same id again returns the
stored message. user_id null: the caller.
@native
@callers authenticated, service_role
@repeat safe with id
@errors isolation_level, invalid_argument, not_self, session_not_found, stream_ended, banned, not_viewer, cannot_chat,
    anonymous_user, muted, chat_closed, slow_mode, rate_limited, content_empty, content_too_long, content_invalid,
    content_blocked, message_id_conflict
$$;

create or replace function stream_private.send_messages(items json)
returns setof stream.message_result
language plpgsql
-- As send_message.
set plan_cache_mode = force_generic_plan
as 'begin end';
comment on function stream_private.send_messages(items json) is $$
Messages of many users and streams in one call of the service: an array of at most 1,000 objects {session_id, user_id,
content, id?, claims?}. One row for each, in order; an item that is refused or fails costs only itself. claims are the
verified ones of the user for whom the item is sent: it is then judged as that user's own call, user_id null is the user,
and hooks find these claims in request.jwt.claims; claims that are null or of another role than authenticated are refused.
A stream whose rows somebody holds costs its own items alone:
lock_timeout after 200 ms, send them again.
@native
@callers service_role
@repeat unsafe
@errors isolation_level, invalid_argument
$$;

-- sql/private/chat_deleted_author.sql

-- Messages whose author the application deleted, noted so that they can still be forgotten.
-- With the owner's rights: it runs as whoever deletes a user.
create or replace function stream_private.note_deleted_author() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
-- Planned once for a connection, by the rows of its first statement; a nested loop over the next one's ten thousand
-- took 7.6 s instead of 0.04 s.
set enable_nestloop = off
as $$
begin
    insert into stream.authors_deleted as a (user_id, session_id, seqs)
    select o.user_id, o.session_id, range_agg(int8range(o.seq, o.seq, '[]'))
    from old_rows as o
    join new_rows as n on n.session_id = o.session_id and n.seq = o.seq
    where o.user_id is not null and n.user_id is null and (n.username is not null or n.content <> '')
    group by o.user_id, o.session_id
    order by o.user_id, o.session_id
    on conflict (user_id, session_id) do update set seqs = a.seqs + excluded.seqs;
    return null;
end
$$;
comment on function stream_private.note_deleted_author() is
    'Notes whose messages lost their author, as the deletion of a user does it. Erased ones have no text to find again.';

do $missing$
begin
    if not exists (select from pg_catalog.pg_trigger as o
        where o.tgrelid = 'stream.chat_messages'::regclass and o.tgname = 'chat_messages_note_deleted_author') then
        execute $create$
create trigger chat_messages_note_deleted_author
after update on stream.chat_messages
referencing old table as old_rows new table as new_rows
for each statement execute function stream_private.note_deleted_author()
$create$;
    end if;
end
$missing$;

create or replace function stream_private.delete_authors_of_deleted_session() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    -- Without waiting for the deletion of a user, which may be waiting for a row of the session.
    delete from stream.authors_deleted as a where (a.user_id, a.session_id) in (
        select n.user_id, n.session_id from stream.authors_deleted as n
        where n.session_id = old.id for update skip locked);
    return null;
end
$$;
comment on function stream_private.delete_authors_of_deleted_session() is
    'Does not wait: a row that somebody writes while its session is deleted stays behind, and names no text.';

do $missing$
begin
    if not exists (select from pg_catalog.pg_trigger as o
        where o.tgrelid = 'stream.stream_sessions'::regclass and o.tgname = 'stream_sessions_delete_authors') then
        execute $create$
create trigger stream_sessions_delete_authors
after delete on stream.stream_sessions
for each row execute function stream_private.delete_authors_of_deleted_session()
$create$;
    end if;
end
$missing$;

-- sql/private/chat_reader.sql

-- Read marks and chat subscriptions.
create or replace function stream_private.mark_messages_as_read(
    session_id uuid,
    user_id uuid default null,
    message_ids uuid[] default null
)
returns bigint
language plpgsql
as 'begin end';
comment on function stream_private.mark_messages_as_read(session_id uuid, user_id uuid, message_ids uuid[]) is $$
Marks up to 1,000 messages as read and answers how many entries of the log are unread then. In any order, again and
from several devices at once; ids that the log does not hold are ignored. user_id null: the caller.
@native
@callers authenticated, service_role
@repeat safe
@errors isolation_level, invalid_argument, not_self, session_not_found, cannot_view
$$;

create or replace function stream_private.mark_read_up_to(session_id uuid, user_id uuid default null, seq bigint default null)
returns bigint
language plpgsql
as 'begin end';
comment on function stream_private.mark_read_up_to(session_id uuid, user_id uuid, seq bigint) is $$
Marks every entry of the log up to seq as read, none beyond the newest, and answers how many are unread then. user_id
null: the caller.
@native
@callers authenticated, service_role
@repeat safe
@errors isolation_level, invalid_argument, not_self, session_not_found, cannot_view
$$;

create or replace function stream_private.unread_count(session_id uuid, user_id uuid default null)
returns bigint
language plpgsql stable
as 'begin end';
comment on function stream_private.unread_count(session_id uuid, user_id uuid) is $$
How many entries of the kept log are not marked as read, without looking at them: system messages and one's own count
too. user_id null: the caller.
@native
@callers authenticated, service_role
@errors invalid_argument, not_self, session_not_found, cannot_view
$$;

create or replace function stream_private.subscribe_to_chat(session_id uuid, user_id uuid default null)
returns stream.chat_subscription
language plpgsql
as 'begin end';
comment on function stream_private.subscribe_to_chat(session_id uuid, user_id uuid) is $$
Follows the chat of a stream and names the private Realtime topic to join: for the seller, and for viewers who have
joined and are not banned. Again: the same subscription. It ends with the stream. user_id null: the caller.
@native
@callers authenticated, service_role
@repeat safe
@errors isolation_level, invalid_argument, not_self, session_not_found, stream_ended, cannot_view, banned, not_viewer
$$;

create or replace function stream_private.unsubscribe_from_chat(subscription_id uuid)
returns stream.chat_subscription
language plpgsql
as 'begin end';
comment on function stream_private.unsubscribe_from_chat(subscription_id uuid) is $$
Ends a subscription of the caller, or anybody's for the service. Again: no change. Somebody else's is answered like
one that is not there.
@native
@callers authenticated, service_role
@repeat safe
@errors isolation_level, invalid_argument, subscription_not_found
$$;

-- sql/private/chat_reading.sql

-- Reading the log: pages of its history, missed messages, and the state from one snapshot.
create or replace function stream_private.get_message_history(
    session_id uuid,
    page_size integer default 50,
    skip integer default 0,
    before_seq bigint default null,
    after_seq bigint default null
)
returns setof stream.chat_message
language plpgsql stable
as 'begin end';
comment on function stream_private.get_message_history(session_id uuid, page_size integer, skip integer, before_seq bigint, after_seq bigint) is $$
A page of the log in ascending seq: the newest messages, skip of them left out, or those before or after a seq.
page_size 1 to 200. A deleted message is there with deleted_at and without its text.
@native
@callers authenticated, service_role
@errors invalid_argument, session_not_found, cannot_view
$$;

create or replace function stream_private.sync_messages(session_id uuid, last_message_id uuid default null)
returns setof stream.chat_message
language plpgsql stable
as 'begin end';
comment on function stream_private.sync_messages(session_id uuid, last_message_id uuid) is $$
The messages after one that the caller holds, in ascending seq, at most 1,000: call again with the last of them until
nothing comes. Null: the newest 50. Refuses an id that the log does not hold; call sync then.
@native
@callers authenticated, service_role
@errors invalid_argument, session_not_found, cannot_view, message_not_found
$$;

create or replace function stream_private.sync(session_id uuid, after_seq bigint default null, epoch text default null)
returns stream.sync_result
language plpgsql stable
as 'begin end';
comment on function stream_private.sync(session_id uuid, after_seq bigint, epoch text) is $$
State, counts, what the caller has read and may write, and the messages after after_seq (at most 1,000; has_more says
there are others), from one snapshot. Without after_seq: the newest page. recovered is false when the epoch is another
or the log has not reached after_seq: the newest page too.
@native
@callers authenticated, service_role
@errors invalid_argument, session_not_found, cannot_view
$$;

-- sql/private/config.sql

-- New settings reach live streams and their viewers.
create or replace function stream_private.rearm() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    update stream.stream_sessions set check_at = now() where state <> 'ended';
    if (new.lease_s, new.background_grace_s) is distinct from (old.lease_s, old.background_grace_s) then
        update stream.stream_viewers set lease_check_at = now() where is_active;
    end if;
    return null;
end
$$;
comment on function stream_private.rearm() is
    'New timeouts apply to live streams and to their viewers from the next sweep on.';

do $missing$
begin
    if not exists (select from pg_catalog.pg_trigger as o
        where o.tgrelid = 'stream.config'::regclass and o.tgname = 'config_rearm') then
        execute $create$
create trigger config_rearm
after update on stream.config
for each row execute function stream_private.rearm()
$create$;
    end if;
end
$missing$;

-- sql/private/contract.sql

-- The version of the contract: what operations, types and events are, as contract/ describes them. `cargo x generate`
-- reads it here and refuses what breaks clients of contract/released.json while the first number stands.
create or replace function stream_private.contract_version() returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$ select '1.0' $$;
comment on function stream_private.contract_version() is
    'The version of the contract: the first number moves with what breaks clients, the second with what is added.';

-- stream_core has it too.
create or replace function stream_private.oldest_client() returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$ select '1.0' $$;
comment on function stream_private.oldest_client() is 'The oldest version of the contract whose clients this server serves.';

-- sql/private/doctor.sql

-- doctor(): one row for each check of the installation.
create or replace function stream_private.doctor()
returns setof stream.check_result
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    which pg_catalog.text;
    detail pg_catalog.text;
    hint pg_catalog.text;
    is_set pg_catalog.bool;
begin
    foreach which in array array['certificate', 'secondary_certificate', 'clock'] loop
        begin
            if which = 'clock' then
                perform stream_ext.check_clock();
                return query
                select which, case when t.swept_at > now() + interval '5 seconds' then 'warning' else 'ok' end,
                    now() || case when t.swept_at > now() + interval '5 seconds'
                        then ', behind the last sweep: the clock was set back' else '' end
                from stream.ticker as t;
            else
                is_set := stream_ext.check_certificate(which = 'secondary_certificate');
                return query select which, 'ok',
                    case when is_set then 'App ID and certificate are readable and well-formed'
                         else 'none is configured: certificates are not being rotated' end;
            end if;
        exception when others then
            get stacked diagnostics detail = pg_exception_detail, hint = pg_exception_hint;
            -- The code is what callers will see.
            return query select which, 'failure',
                case when sqlstate like 'PT%' then (detail::jsonb ->> 'code') || ': ' || hint else sqlerrm end;
        end;
    end loop;

    return query
    select 'webhooks', case when max(e.received_at) is null then 'warning' else 'ok' end,
        coalesce('last notice of Agora: ' || max(e.received_at),
            'none yet, or none for as long as they are kept: hosts are watched by their heartbeats alone')
    from stream.webhook_events as e;

    return query
    select 'ticker', case when t.ticked_at > now() - interval '5 seconds' then 'ok'
                          when t.ticked_at > now() - interval '90 seconds' then 'warning' else 'failure' end,
        'last tick: ' || coalesce(nullif(t.ticked_at, '-infinity')::text, 'never')
            || '; background worker: ' || (
                select coalesce('pid ' || min(a.pid), 'not running') from pg_catalog.pg_stat_activity as a
                where a.backend_type = 'pg_stream_ext worker' and a.datname = current_database())
    from stream.ticker as t;

    return next stream_private.check_pg_cron();
    return query select * from stream_private.check_troubles();
    return query select * from stream_private.check_held_rows();
    return next stream_private.check_owner();
    return next stream_private.check_table_privileges();
    return next stream_private.check_realtime_partitions(now());
    return next stream_private.check_realtime_publication();
    return next stream_private.check_canary();
    return next stream_private.check_edition();
    return next stream_private.check_server_log();

    return query
    select 'realtime_replication', case when bool_or(r.active) then 'ok' else 'warning' end,
        coalesce(min(r.slot_name)::text, 'no slot: nobody has connected to Realtime yet, or it is down')
    from pg_catalog.pg_replication_slots as r
    where r.slot_name like 'supabase_realtime_messages_replication_slot%'
        and r.database = current_database();

    return query
    select 'realtime_policies', case when count(*) = 0 then 'failure' else 'ok' end,
        count(*) || ' select policies on realtime.messages'
    from pg_catalog.pg_policies as p
    where p.schemaname = 'realtime' and p.tablename = 'messages' and p.cmd in ('SELECT', 'ALL');

    return query
    select 'time_zone', case when current_setting('TimeZone') in ('UTC', 'Etc/UTC', 'GMT') then 'ok' else 'warning' end,
        current_setting('TimeZone');

    return query
    select 'cohost_authentication', 'warning',
        'cannot be seen from here: without co-host authentication in the Agora console a subscriber token can publish';
end
$$;
comment on function stream_private.doctor() is $$
One row per check of the installation: certificates, clock, Agora's notices, ticker, background worker and pg_cron, Realtime's
partition, publication, slot and policies, the canary's last round trip, the owner's rights, the server's log, time zone, and a reminder of what
only Agora's console shows.
@callers service_role
$$;

-- sql/private/doctor_edition.sql

-- The check of doctor() about the edition of schema stream_ext, and what stands in for native code.
create or replace function stream_private.is_native() returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return exists (select from pg_catalog.pg_extension as e where e.extname = 'pg_stream_ext');
end
$$;
comment on function stream_private.is_native() is 'Whether schema stream_ext is that of the extension; otherwise its functions are in SQL.';

create or replace function stream_private.check_edition() returns stream.check_result
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return row(
        'edition',
        'ok',
        case when stream_private.is_native()
            then 'native: extension pg_stream_ext ' || (
                select e.extversion from pg_catalog.pg_extension as e where e.extname = 'pg_stream_ext')
            else 'sql: edge_api or pg_cron ticks in the place of the background worker; Vault alone holds the certificates, no file of '
                || 'the server; an advisory lock is the gate between joins and changes of a stream, so that whoever holds it delays '
                || 'them by 100 ms; errors of Postgres reach callers with Postgres''s own words' end
    )::stream.check_result;
end
$$;
comment on function stream_private.check_edition() is 'The check edition of doctor().';

-- sql/private/doctor_privileges.sql

-- The check of doctor() about who could attach code of their own to the tables. A trigger after a change runs as whoever
-- changes the row, and a cascade of the regular work is a change by the owner of the tables.
create or replace function stream_private.check_table_privileges() returns stream.check_result
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    granted pg_catalog.text;
    attachable pg_catalog.text;
begin
    -- A column can be granted for REFERENCES by itself.
    select string_agg(distinct format('%s on %s to %s', a.privilege_type, a.of, a.grantee), ', ')
    into granted
    from (
        select e.privilege_type, c.oid::regclass::text as of,
            case when e.grantee = 0 then 'public' else e.grantee::regrole::text end as grantee
        from pg_catalog.pg_class as c
        cross join aclexplode(c.relacl) as e
        where c.relnamespace = 'stream'::regnamespace and e.grantee <> c.relowner
        union all
        select e.privilege_type, c.oid::regclass::text,
            case when e.grantee = 0 then 'public' else e.grantee::regrole::text end
        from pg_catalog.pg_class as c
        join pg_catalog.pg_attribute as t on t.attrelid = c.oid
        cross join aclexplode(t.attacl) as e
        where c.relnamespace = 'stream'::regnamespace and e.grantee <> c.relowner
        union all
        -- Frames are rows that the owner of the tables writes. Supabase's own roles hold everything there.
        select e.privilege_type, c.oid::regclass::text,
            case when e.grantee = 0 then 'public' else e.grantee::regrole::text end
        from pg_catalog.pg_class as c
        cross join aclexplode(c.relacl) as e
        where (c.oid = to_regclass('realtime.messages') or c.oid in (
                select i.inhrelid from pg_catalog.pg_inherits as i where i.inhparent = to_regclass('realtime.messages')))
            and e.privilege_type = 'TRIGGER'
            and (e.grantee = 0 or e.grantee::regrole::text in ('anon', 'authenticated', 'service_role'))
    ) as a
    where a.privilege_type in ('REFERENCES', 'TRIGGER');
    if granted is not null then
        return row('table_privileges', 'failure', 'revoke ' || granted
            || ': whoever holds it can let code of their own run as the owner of the tables')::stream.check_result;
    end if;
    select string_agg(distinct format('%s (%s)', child.oid::regclass,
        case when child.relowner <> parent.relowner then 'owned by ' || child.relowner::regrole
            when e.grantee = 0 then 'TRIGGER of public' else 'TRIGGER of ' || e.grantee::regrole end), ', ')
    into attachable
    from pg_catalog.pg_constraint as k
    join pg_catalog.pg_class as parent on parent.oid = k.confrelid
    join pg_catalog.pg_class as child on child.oid = k.conrelid
    left join lateral (
        select a.grantee from aclexplode(child.relacl) as a
        where a.privilege_type = 'TRIGGER' and a.grantee <> child.relowner
    ) as e on true
    where k.contype = 'f' and parent.relnamespace = 'stream'::regnamespace
        and k.confdeltype in ('c', 'n', 'd')
        and (child.relowner <> parent.relowner or e.grantee is not null);
    if attachable is not null then
        return row('table_privileges', 'warning', 'tables that a deletion of a stream changes, and whose triggers are not the '
            || 'owner''s alone: ' || attachable || '; revoke TRIGGER on them, or let the owner own them')::stream.check_result;
    end if;
    return row('table_privileges', 'ok', 'nobody but the owner can attach a trigger')::stream.check_result;
end
$$;
comment on function stream_private.check_table_privileges() is 'The check table_privileges of doctor().';

-- sql/private/doctor_realtime.sql

-- Checks of doctor() about what the Realtime server makes. It makes the publication, and the partitions of yesterday to three
-- days ahead, when the first client joins a channel; until then nothing is wrong, and nobody misses what is not broadcast.
create or replace function stream_private.check_realtime_publication() returns stream.check_result
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    publication pg_catalog.text;
    is_followed pg_catalog.bool;
begin
    -- From the catalogue itself: pg_publication_tables locks every published table from Postgres 16 on, and doctor()
    -- is asked when somebody holds one.
    select min(p.pubname)
    into publication
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    join pg_catalog.pg_publication as p
        on p.puballtables
        or exists (
            select from pg_catalog.pg_publication_rel as r where r.prpubid = p.oid and r.prrelid = c.oid
        )
        or exists (
            select from pg_catalog.pg_publication_namespace as s where s.pnpubid = p.oid and s.pnnspid = n.oid
        )
    where n.nspname = 'realtime' and c.relname like 'messages%'
        and c.relkind in ('r', 'p') and c.relpersistence = 'p'
        -- A partitioned table stands for its partitions, unless it is published itself.
        and (
            c.relkind = 'r' or p.pubviaroot
            or exists (select from pg_catalog.pg_inherits as i where i.inhparent = c.oid)
        );
    if publication is not null then
        return row('realtime_publication', 'ok', publication)::stream.check_result;
    end if;
    -- Realtime's slot is temporary, so one that is there belongs to a server that is connected.
    is_followed := exists (
        select from pg_catalog.pg_replication_slots as r
        where r.slot_name like 'supabase_realtime_messages_replication_slot%' and r.database = current_database()
    );
    return row(
        'realtime_publication',
        case when is_followed then 'failure' else 'warning' end,
        case when is_followed
            then 'no publication contains realtime.messages although Realtime follows this database: nothing is delivered. '
                || 'Restart Realtime, which makes it anew'
            else 'no publication contains realtime.messages yet: Realtime makes it when the first client joins a channel' end
    )::stream.check_result;
end
$$;
comment on function stream_private.check_realtime_publication() is 'The check realtime_publication of doctor().';

create or replace function stream_private.check_realtime_partitions(at timestamptz) returns stream.check_result
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    -- UTC, as Realtime counts days.
    moment timestamp := at at time zone 'UTC';
    today pg_catalog.text := to_regclass('realtime.messages_' || to_char(moment, 'YYYY_MM_DD'))::text;
    tomorrow pg_catalog.text := to_regclass('realtime.messages_' || to_char(moment + interval '1 day', 'YYYY_MM_DD'))::text;
    status pg_catalog.text := 'ok';
    detail pg_catalog.text := today;
begin
    if today is null then
        detail := 'realtime.messages has no partition for today (UTC): nothing is broadcast. ';
        if (stream_private.check_realtime_publication()).status = 'warning' then
            status := 'warning';
            detail := detail || 'Realtime makes it when the first client joins a channel';
        else
            status := 'failure';
            detail := detail || 'Realtime makes it when a client joins a channel: see that Realtime runs';
        end if;
    elsif tomorrow is null and extract(hour from moment) >= 20 then
        status := 'warning';
        detail := today || '; none for tomorrow (UTC): nothing is broadcast from midnight on unless Realtime makes it before, '
            || 'which it does every few hours while clients are connected';
    end if;
    return row('realtime_partition', status, detail)::stream.check_result;
end
$$;
comment on function stream_private.check_realtime_partitions(timestamptz) is
    'The check realtime_partition of doctor() at a moment: today''s partition always, tomorrow''s from 20:00 UTC on.';

-- Frames are written and deleted as the owner of the tables, whom no policy of realtime.messages admits. Older versions of
-- Realtime made that role a member of its own, newer ones take this back, so the membership is no cure.
create or replace function stream_private.check_owner() returns stream.check_result
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    bypasses pg_catalog.bool := (
        select r.rolbypassrls or r.rolsuper from pg_catalog.pg_roles as r where r.rolname = current_user
    );
begin
    return row(
        'owner_bypasses_rls',
        case when bypasses then 'ok' else 'failure' end,
        case when bypasses then 'role ' || current_user || ' writes and deletes frames past the policies of realtime.messages'
             else format('role %s owns the tables and has no BYPASSRLS: unless it belongs to the owner of realtime.messages, which '
                 'versions of Realtime since July 2026 end, frames are refused, and with them chat, moves of state and '
                 'counts. Run as a superuser, and let clients of the database reconnect: alter role %I bypassrls',
                 current_user, current_user) end
    )::stream.check_result;
end
$$;
comment on function stream_private.check_owner() is 'The check owner_bypasses_rls of doctor().';

-- sql/private/doctor_regular_work.sql

-- Checks of doctor() about the regular work: its failures, and the holders of rows that it waits for.
create or replace function stream_private.check_troubles()
returns setof stream.check_result
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select 'troubles',
        case when count(*) = 0 then 'ok'
             when bool_or(t.session_id is null) or max(t.attempts) >= 5 and bool_or(t.sqlstate <> '23503')
                 then 'failure'
             else 'warning' end,
        case when count(*) = 0 then 'the regular work fails for no stream'
             else count(*) || ' in all, each tried again by itself: ' || string_agg(
                 format('%s %s: SQLSTATE %s, %s attempts since %s, %s',
                     t.rule, coalesce('of stream ' || t.session_id, 'altogether'), t.sqlstate, t.attempts, t.since,
                     case
                         when t.sqlstate = '57014' then
                             'it took longer than 2 s: mend the trigger of the application that takes so long'
                         when t.sqlstate = '55P03' then
                             'it waited for a lock: see held_rows, or try again later'
                         when t.sqlstate = '23503' and t.rule = 'retention' then
                             'a table of the application refers to the stream: add "on delete cascade", or delete its rows'
                         when t.sqlstate like '53%' or t.sqlstate like '58%' then
                             'the server lacks disk, memory or connections'
                         when t.sqlstate like '42%' then
                             'tables or rights are not as the installed version expects'
                         else 'mend what the application has attached to the tables of stream'
                     end), '; ' order by t.since) filter (where t.place <= 10)
        end
    from (
        select r.*, row_number() over (order by r.since) as place from stream.troubles as r
    ) as t;
end
$$;
comment on function stream_private.check_troubles() is
    'For doctor(): what the regular work has failed at, and what to do.';

create or replace function stream_private.lock_holders(xmax xid)
returns setof integer
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select l.pid from pg_catalog.pg_locks as l
    where l.locktype = 'transactionid' and l.granted and l.transactionid = $1;
    if not found then
        -- Several who share a row have a number of their own kind.
        return query
        select l.pid from pg_catalog.pg_get_multixact_members($1) as m
        join pg_catalog.pg_locks as l on l.locktype = 'transactionid' and l.granted and l.transactionid = m.xid;
    end if;
exception when others then
    -- It is no number of this kind: whoever locked the row is gone.
    return;
end
$$;
comment on function stream_private.lock_holders(xid) is
    'Who still holds a row with this xmax, by process; null for a prepared transaction.';

create or replace function stream_private.check_held_rows()
returns setof stream.check_result
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    with late as materialized (
        (select s.id from stream.stream_sessions as s
         where s.check_at <= now() - interval '3 seconds' and s.state <> 'ended'
         order by s.check_at limit 20)
        union
        (select c.session_id from (
             select e.session_id from stream.viewer_changes as e order by e.id limit 100) as c)
        union
        (select h.session_id from stream.stream_sessions as s
         join stream.chat_heads as h on h.session_id = s.id
         join stream.chat_relay as r on r.session_id = s.id
         where s.state <> 'ended' and h.last_seq > r.flushed_seq and h.last_at <= now() - interval '3 seconds'
         limit 20)
    ), locked as (
        select 'stream_sessions' as name, s.id, s.xmax from stream.stream_sessions as s join late as l on l.id = s.id
        union all
        select 'chat_heads', h.session_id, h.xmax from stream.chat_heads as h join late as l on l.id = h.session_id
        union all
        select 'chat_relay', r.session_id, r.xmax from stream.chat_relay as r join late as l on l.id = r.session_id
        union all
        (select 'stream_viewers', v.session_id, v.xmax from stream.stream_viewers as v
         where v.is_active and v.lease_check_at <= now() - interval '3 seconds'
         order by v.lease_check_at limit 20)
        union all
        select 'ticker', null, t.xmax from stream.ticker as t where t.ticked_at < now() - interval '3 seconds'
        union all
        -- A ticker holds it for moments, and then sends.
        select 'chat_tail_reads', null, r.xmax from stream.chat_tail_reads as r
        where exists (select from stream.ticker as t where t.sends_at < now() - interval '3 seconds')
    ), held as (
        select distinct format('%s holds the row of %s in stream.%s',
                coalesce('pid ' || p.pid, 'a prepared transaction'), coalesce('stream ' || k.id, 'the ticker'), k.name)
            as what, p.pid
        from locked as k
        cross join lateral stream_private.lock_holders(k.xmax) as p (pid)
        where k.xmax::text <> '0' and p.pid is distinct from pg_backend_pid()
        union
        select format('%s locks the table %s', coalesce('pid ' || l.pid, 'a prepared transaction'), l.relation::regclass),
            l.pid
        from pg_catalog.pg_locks as l
        join pg_catalog.pg_class as c on c.oid = l.relation
        where l.locktype = 'relation' and l.granted and l.pid is distinct from pg_backend_pid()
            and l.database = (select d.oid from pg_catalog.pg_database as d where d.datname = current_database())
            and l.mode in ('AccessExclusiveLock', 'ExclusiveLock', 'ShareRowExclusiveLock', 'ShareLock')
            and (c.relnamespace = 'stream'::regnamespace
                or c.relnamespace = to_regnamespace('realtime') and c.relname ~ '^messages')
    )
    select 'held_rows', case when count(*) = 0 then 'ok' else 'warning' end,
        case when count(*) = 0 then 'nobody holds what the regular work needs'
             else string_agg(h.what, '; ' order by h.what)
                 || ': the work for these is left out until their transactions end; to end one, select pg_terminate_backend(pid)'
        end
    from (select * from held order by what limit 20) as h;
end
$$;
comment on function stream_private.check_held_rows() is
    'For doctor(): who holds rows and tables that the regular work has to leave out, by process.';

-- Not every database has pg_cron, and its owner may have closed it to ours.
create or replace function stream_private.check_pg_cron() returns stream.check_result
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    job pg_catalog.record;
    is_pruned pg_catalog.bool;
    last_status pg_catalog.text;
begin
    if not exists (select from pg_catalog.pg_extension as e where e.extname = 'pg_cron') then
        return row('pg_cron', 'ok', 'not installed: the background worker or edge_api ticks')::stream.check_result;
    end if;
    select j.jobid, j.schedule, j.active, j.command = stream_private.tick_loop() as is_loop into job
    from cron.job as j where j.jobname = 'pg_stream_tick' and j.database = current_database() order by j.jobid limit 1;
    if not found then
        return row('pg_cron', 'ok', 'installed, and does not do the regular work here: select stream.schedule_with_pg_cron() '
            || 'lets it, where no background worker runs')::stream.check_result;
    end if;
    is_pruned := exists (select from cron.job as j where j.jobname = 'pg_stream_prune' and j.active);
    select d.status into last_status from cron.job_run_details as d
    where d.jobid = job.jobid and d.status in ('succeeded', 'failed') order by d.runid desc limit 1;
    return row(
        'pg_cron',
        case when job.active and job.is_loop and is_pruned and last_status is distinct from 'failed' then 'ok' else 'warning' end,
        case when job.is_loop then 'a job a minute loops until the next'
             else format('the fallback ticks with the schedule "%s": messages go out in frames of their own, and times are as exact as '
                 'that; select stream.schedule_with_pg_cron() lets it loop', job.schedule) end
            || case when job.active then '' else '; it is switched off' end
            || case when is_pruned then '' else '; nothing deletes its old runs: select stream.schedule_with_pg_cron() does' end
            || case when last_status = 'failed' then '; its last run failed, as cron.job_run_details shows' else '' end
    )::stream.check_result;
exception when insufficient_privilege or undefined_table then
    return row('pg_cron', 'warning', 'installed, and its jobs cannot be seen by ' || current_user
        || ': grant usage on schema cron to it')::stream.check_result;
end
$$;
comment on function stream_private.check_pg_cron() is
    'The check pg_cron of doctor(): whether its loop does the regular work, the fallback of a tick a second, or nothing of ours.';

-- sql/private/doctor_server_log.sql

-- The check of doctor() about what gets into the server's log.
create or replace function stream_private.check_server_log() returns stream.check_result
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    is_preloaded pg_catalog.bool := stream_ext.is_preloaded();
begin
    return row(
        'server_log',
        case when is_preloaded then 'ok' else 'warning' end,
        case
            when is_preloaded then 'pg_stream_ext is preloaded: nothing that a caller sent gets into the log'
            when not stream_private.is_native() then 'the SQL edition cannot keep refusals out of the log, nor some fifty bytes of an '
                || 'argument that Postgres cannot read'
            else 'pg_stream_ext is not preloaded: the first request of a connection can leave some fifty bytes of an argument that '
                || 'Postgres cannot read in the log. Add it to session_preload_libraries or shared_preload_libraries' end
    )::stream.check_result;
end
$$;
comment on function stream_private.check_server_log() is 'The check server_log of doctor().';

-- sql/private/epoch.sql

-- The epoch: which run of the database the numbers of the logs belong to.
create or replace function stream_private.new_epoch()
returns integer
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
set timezone = 'UTC'
as $$
declare
    session pg_catalog.uuid;
    hinted pg_catalog.int4 := 0;
begin
    perform stream_ext.enter_to_write();
    -- Never one that was there before: a dump holds that of its time.
    update stream.config as c set epoch_salt = gen_random_uuid()::text where c.id;
    for session in select s.id from stream.stream_sessions as s where s.state <> 'ended' order by s.id loop
        perform stream_ext.emit('stream:' || session, 'resync', to_json(row(
            session, 'new_epoch', clock_timestamp())::stream.resync_event)::text);
        hinted := hinted + 1;
    end loop;
    return hinted;
end
$$;
comment on function stream_private.new_epoch() is $$
Begins another epoch, so that every client resynchronises: a step after restoring a backup. Each stream that has not ended
gets the event resync; the others are told by their next frame, heartbeat or sync. Returns how many got it. Service only.
@callers service_role
@repeat safe
@errors isolation_level
$$;

-- sql/private/metrics.sql

-- The figures of stream.metrics. Each is found by an index or stands in a table of few rows, so none takes longer the more
-- has happened; what must be counted as it happens is counted by the regular work, or by Postgres itself.
create or replace function stream_private.logs_being_sent()
returns table (session_id uuid, state text, viewer_count integer, flushed_seq bigint, last_seq bigint)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    -- Those that have just ended may have entries left to send. Rows of each stream are found by its key: a join of so many
    -- reads the other table as a whole.
    return query
    select s.id, s.state, s.viewer_count,
        (select r.flushed_seq from stream.chat_relay as r where r.session_id = s.id),
        (select h.last_seq from stream.chat_heads as h where h.session_id = s.id)
    from (
        select l.id, l.state, l.viewer_count from stream.stream_sessions as l where l.state <> 'ended'
        union all
        select e.id, e.state, 0 from stream.stream_sessions as e
        where e.state = 'ended' and e.ended_at > now() - interval '10 minutes'
    ) as s;
end
$$;
comment on function stream_private.logs_being_sent() is
    'Live streams, and those that ended in the last ten minutes, with the ends of what was written and what was sent.';

create or replace function stream_private.sequence_calls(sequence regclass) returns double precision
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    -- Null: it was never called.
    return coalesce(pg_sequence_last_value($1), 0);
end
$$;
comment on function stream_private.sequence_calls(regclass) is 'How often a sequence that begins at 1 was called.';

create or replace function stream_private.metrics() returns setof stream.metric
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    return query
    with logs as materialized (select * from stream_private.logs_being_sent()),
    unsent as materialized (select * from logs as l where l.last_seq > l.flushed_seq)
    select 'pg_stream_sessions', jsonb_build_object('state', k.state), (
        select count(*) from logs as l where l.state = k.state)::double precision
    from unnest(array['initializing', 'active', 'paused', 'error']) as k (state)
    union all
    select 'pg_stream_viewers', '{}', (select coalesce(sum(l.viewer_count), 0) from logs as l)::double precision
    union all
    select 'pg_stream_tails_waiting', '{}', (select count(*) from unsent)::double precision
    union all
    select 'pg_stream_oldest_unsent_seconds', '{}', (
        select coalesce(greatest(extract(epoch from now() - min((
            select m.created_at from stream.chat_messages as m
            where m.session_id = u.session_id and m.seq = u.flushed_seq + 1
        ))), 0), 0)
        from unsent as u
    )::double precision;

    return query
    select f.name, '{}'::jsonb, f.value
    from stream.figures as g
    cross join lateral (values
        ('pg_stream_messages_total', g.messages::double precision),
        ('pg_stream_messages_per_second', g.messages_per_s),
        ('pg_stream_frames_total', g.frames::double precision),
        ('pg_stream_frames_per_second', g.frames_per_s)
    ) as f (name, value);

    return query
    select 'pg_stream_tick_age_seconds', '{}'::jsonb, extract(epoch from now() - t.ticked_at)::double precision
    from stream.ticker as t where t.ticked_at > '-infinity'
    union all
    select 'pg_stream_sweep_age_seconds', jsonb_build_object('rule', f.rule),
        greatest(extract(epoch from now() - f.ran_at), 0)::double precision
    from stream.rule_figures as f where f.ran_at is not null
    union all
    select 'pg_stream_swept_rows_total', jsonb_build_object('rule', f.rule), f.swept_rows::double precision
    from stream.rule_figures as f
    union all
    select 'pg_stream_overdue_seconds', jsonb_build_object('rule', f.rule),
        coalesce(greatest(extract(epoch from f.oldest_age), 0), 0)::double precision
    from stream.rule_figures as f
    union all
    select 'pg_stream_lease_expiries_total', '{}', (
        select coalesce(max(f.swept_rows), 0) from stream.rule_figures as f where f.rule = 'viewer_leases'
    )::double precision
    union all
    select 'pg_stream_troubles', jsonb_build_object('rule', t.rule), count(*)::double precision
    from stream.troubles as t group by t.rule;

    return query select * from stream_private.metrics_of_realtime();

    return query
    -- Postgres counts the rows of each table as they are inserted.
    select 'pg_stream_tokens_minted_total', '{}'::jsonb,
        pg_stat_get_tuples_inserted('stream.agora_tokens'::regclass)::double precision
    union all
    select 'pg_stream_tokens_refused_total', jsonb_build_object('reason', k.reason),
        stream_private.sequence_calls(('stream.tokens_refused_' || k.reason)::regclass)
    from unnest(array['rate', 'rights', 'setup']) as k (reason);

    return query
    select f.name, '{}'::jsonb, f.value::double precision
    from stream.canary as c
    cross join lateral (values
        ('pg_stream_canaries_sent_total', c.canary_no::double precision),
        ('pg_stream_canary_sent_age_seconds',
            case when c.sent_at > '-infinity' then greatest(extract(epoch from now() - c.sent_at), 0) end),
        ('pg_stream_canary_received_age_seconds', greatest(extract(epoch from now() - c.received_at), 0)),
        ('pg_stream_canary_lag_seconds', c.lag_ms / 1000.0)
    ) as f (name, value)
    where exists (select from stream.config as s where s.canary_user_id is not null) and f.value is not null;
end
$$;
comment on function stream_private.metrics() is $$
The figures of stream.metrics, as its owner sees them.
@policy
@callers service_role
$$;

do $missing$
begin
    if to_regclass('stream.metrics') is null then
        execute $create$
create view stream.metrics with (security_invoker = true) as
select m.name, m.labels, m.value from stream_private.metrics() as m
$create$;
    end if;
end
$missing$;
comment on view stream.metrics is
    'Figures for those who run the service, one row each, named and labelled as Prometheus does: see docs/observability.md.';
comment on column stream.metrics.labels is 'Texts by name.';
revoke all on table stream.metrics from public, anon, authenticated, service_role;
grant select on table stream.metrics to service_role;

-- sql/private/metrics_realtime.sql

-- The figures of stream.metrics about Realtime's quota. They read the windows of live streams, and rows of
-- stream.realtime_spending: those of two hours, and one for each hour of a month.
do $missing$
begin
    if to_regclass('stream_private.realtime_costs') is null then
        execute $create$
create view stream_private.realtime_costs as
select p.span_s, p.at, p.frames + p.viewer_counts + p.states + p.users + p.reactions + p.canary + p.others as messages
from stream.realtime_spending as p
$create$;
    end if;
end
$missing$;
comment on view stream_private.realtime_costs is 'What broadcasts of all kinds cost together, span by span.';
revoke all on table stream_private.realtime_costs from public, anon, authenticated, service_role;

create or replace function stream_private.metrics_of_realtime() returns setof stream.metric
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    most constant pg_catalog.int4 := (select f.realtime_messages_per_s from stream.config as f);
    spent_per_s pg_catalog.float8;
begin
    -- A window that the last frame opened may be longer than the next.
    return query
    with windows as materialized (
        select case when r.poll_ms is not null then 'poll' when r.next_window_ms > 50 then 'wait' else 'none' end as pressure,
            r.next_window_ms as window_ms
        from stream.stream_sessions as s
        cross join lateral (
            select c.poll_ms, c.next_window_ms from stream.chat_relay as c where c.session_id = s.id limit 1
        ) as r
        where s.state <> 'ended'
    )
    select 'pg_stream_windows', jsonb_build_object('pressure', k.pressure), (
        select count(*) from windows as w where w.pressure = k.pressure)::double precision
    from unnest(array['none', 'wait', 'poll']) as k (pressure)
    union all
    select 'pg_stream_longest_window_seconds', jsonb_build_object('pressure', k.pressure), (
        select coalesce(max(w.window_ms), 0) / 1000.0 from windows as w where w.pressure = k.pressure)::double precision
    from unnest(array['none', 'wait', 'poll']) as k (pressure);

    return query
    select 'pg_stream_realtime_plan', jsonb_build_object('reason', k.reason),
        coalesce((select (g.reason = k.reason)::integer from stream.governor as g where g.id), 0)::double precision
    from unnest(array['unlimited', 'room', 'share', 'limit']) as k (reason)
    union all
    select f.name, '{}', f.value
    from (select (select g from stream.governor as g where g.id) as g) as p
    cross join lateral (values
        ('pg_stream_realtime_expected_per_second', coalesce((p.g).expected_per_s, 0)::double precision),
        ('pg_stream_realtime_over_limit', coalesce((p.g).is_over, false)::integer::double precision),
        ('pg_stream_realtime_crowded', coalesce((p.g).is_crowded, false)::integer::double precision),
        ('pg_stream_realtime_limit_per_second', most::double precision)
    ) as f (name, value);

    -- Averages over a minute, as Realtime counts.
    return query
    select 'pg_stream_realtime_messages_per_second', jsonb_build_object('kind', k.kind), k.messages::double precision / 60
    from (
        select coalesce(sum(p.frames), 0) as frames, coalesce(sum(p.viewer_counts), 0) as viewer_counts,
            coalesce(sum(p.states), 0) as states, coalesce(sum(p.users), 0) as users,
            coalesce(sum(p.reactions), 0) as reactions, coalesce(sum(p.canary), 0) as canary,
            coalesce(sum(p.others), 0) as others
        from stream.realtime_spending as p
        where p.span_s = 5 and p.at > now() - interval '60 seconds'
    ) as p
    cross join lateral (values ('frames', p.frames), ('viewer_counts', p.viewer_counts), ('states', p.states),
        ('users', p.users), ('reactions', p.reactions), ('canary', p.canary), ('others', p.others)) as k (kind, messages);

    select coalesce(sum(p.messages), 0)::double precision / 60
    into spent_per_s
    from stream_private.realtime_costs as p
    where p.span_s = 5 and p.at > now() - interval '60 seconds';
    return query
    select 'pg_stream_realtime_budget_used_ratio', '{}'::jsonb, case when most > 0 then spent_per_s / most else 0 end;

    -- The rest of the month as the last seven days, or as long as there is something to go by: nights and weekends count.
    return query
    select f.name, '{}'::jsonb, f.value::double precision
    from (
        select b.used, b.used + coalesce(b.lately / nullif(b.lately_s, 0), 0) * b.left_s as forecast
        from (
            select coalesce(sum(p.messages) filter (where p.at >= m.begins_at), 0) as used,
                coalesce(sum(p.messages) filter (where p.at > m.week_ago), 0) as lately,
                extract(epoch from now() - greatest(m.week_ago, min(p.at))) as lately_s,
                extract(epoch from m.ends_at - now()) as left_s
            from (
                select date_trunc('month', now(), 'UTC') as begins_at, now() - interval '7 days' as week_ago,
                    (date_trunc('month', now() at time zone 'UTC') + interval '1 month') at time zone 'UTC' as ends_at
            ) as m
            left join stream_private.realtime_costs as p on p.at >= least(m.begins_at, m.week_ago)
            group by m.begins_at, m.week_ago, m.ends_at
        ) as b
    ) as s
    cross join lateral (values
        ('pg_stream_realtime_month_messages', s.used), ('pg_stream_realtime_month_forecast_messages', s.forecast)
    ) as f (name, value);
end
$$;
comment on function stream_private.metrics_of_realtime() is
    'The figures of stream.metrics about the windows of broadcasts and what they cost of Realtime''s quota.';

-- sql/private/moderation.sql

-- Moderation: deleting messages, restricting users, the rules of a chat, and the record of decisions.
create or replace function stream_private.delete_message(session_id uuid, message_id uuid, reason text default null)
returns text
language plpgsql
as 'begin end';
comment on function stream_private.delete_message(session_id uuid, message_id uuid, reason text) is $$
Takes the text of a message away; the entry and its seq stay: deleted, or already_deleted. Moderators, except messages
of the seller; authors their own. After the end of the stream too, then without an event.
@native
@callers authenticated, service_role
@repeat safe with request_id
@errors isolation_level, invalid_argument, session_not_found, not_moderator, message_not_found
$$;

create or replace function stream_private.delete_user_messages(session_id uuid, user_id uuid, reason text default null)
returns integer
language plpgsql
as 'begin end';
comment on function stream_private.delete_user_messages(session_id uuid, user_id uuid, reason text) is $$
Takes the text of all messages of a user away, with one event; answers how many. Moderators only.
@native
@callers authenticated, service_role
@repeat safe with request_id
@errors isolation_level, invalid_argument, session_not_found, not_moderator
$$;

create or replace function stream_private.restrict_user(
    session_id uuid,
    user_id uuid,
    kind text,
    duration_s integer,
    reason text
)
returns stream.restriction
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    result stream.restriction;
begin
    perform stream_ext.restrict_user($1, $2, $3, $4, $5);
    select r.user_id, r.kind, r.until, r.actor, r.reason, r.created_at
    into result
    from stream_private.restrictions as r
    where r.session_id = $1 and r.user_id = $2 and r.kind = $3;
    return result;
exception when foreign_key_violation then
    -- The application knows no such user.
    perform stream_ext.refuse('invalid_argument');
end
$$;
comment on function stream_private.restrict_user(uuid, uuid, text, integer, text) is
    'The body of mute_user and ban_user, which run it as the owner: sets a mute or a ban and answers it.';

create or replace function stream_private.mute_user(
    session_id uuid,
    user_id uuid,
    duration_s integer default null,
    reason text default null
)
returns stream.restriction
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    return stream_private.restrict_user($1, $2, 'mute', $3, $4);
end
$$;
comment on function stream_private.mute_user(session_id uuid, user_id uuid, duration_s integer, reason text) is $$
Lets a user write no more in this stream, for 1 to 31,536,000 s or until lifted (null). Again: the new end counts.
Moderators only, and nobody against the seller or themself.
@callers authenticated, service_role
@repeat safe with request_id
@errors isolation_level, invalid_argument, session_not_found, not_moderator, stream_ended, rate_limited
$$;

create or replace function stream_private.ban_user(
    session_id uuid,
    user_id uuid,
    duration_s integer default null,
    reason text default null
)
returns stream.restriction
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    return stream_private.restrict_user($1, $2, 'ban', $3, $4);
end
$$;
comment on function stream_private.ban_user(session_id uuid, user_id uuid, duration_s integer, reason text) is $$
Puts a user out of this stream: the place and the tokens end, and joining, heartbeats, tokens and writing are refused,
for 1 to 31,536,000 s or until lifted (null). Moderators only, and nobody against the seller or themself.
@callers authenticated, service_role
@repeat safe with request_id
@errors isolation_level, invalid_argument, session_not_found, not_moderator, stream_ended, rate_limited
$$;

create or replace function stream_private.lift_restriction(session_id uuid, user_id uuid, kind text)
returns text
language plpgsql
as 'begin end';
comment on function stream_private.lift_restriction(session_id uuid, user_id uuid, kind text) is $$
Ends a mute or a ban (kind): lifted, or not_restricted. Moderators only, and nobody their own.
@native
@callers authenticated, service_role
@repeat safe with request_id
@errors isolation_level, invalid_argument, session_not_found, not_moderator, stream_ended, rate_limited
$$;

create or replace function stream_private.set_slow_mode(session_id uuid, interval_ms integer)
returns stream.session
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    perform stream_ext.set_slow_mode($1, $2);
    return stream_private.session($1);
end
$$;
comment on function stream_private.set_slow_mode(session_id uuid, interval_ms integer) is $$
How long a viewer waits between two messages, 0 (off) to 3,600,000 ms. Moderators only.
@callers authenticated, service_role
@repeat safe with request_id
@errors isolation_level, invalid_argument, session_not_found, not_moderator, stream_ended
$$;

create or replace function stream_private.set_chat_mode(session_id uuid, mode text)
returns stream.session
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    perform stream_ext.set_chat_mode($1, $2);
    return stream_private.session($1);
end
$$;
comment on function stream_private.set_chat_mode(session_id uuid, mode text) is $$
Who may write: viewers, verified, hosts or nobody. Moderators only.
@callers authenticated, service_role
@repeat safe with request_id
@errors isolation_level, invalid_argument, session_not_found, not_moderator, stream_ended
$$;

create or replace function stream_private.pin_message(session_id uuid, message_id uuid)
returns stream.session
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    perform stream_ext.pin_message($1, $2);
    return stream_private.session($1);
end
$$;
comment on function stream_private.pin_message(session_id uuid, message_id uuid) is $$
Keeps a message of a user in view, in place of the one before. Moderators only.
@callers authenticated, service_role
@repeat safe with request_id
@errors isolation_level, invalid_argument, session_not_found, not_moderator, message_not_found, stream_ended
$$;

create or replace function stream_private.unpin_message(session_id uuid)
returns stream.session
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    perform stream_ext.unpin_message($1);
    return stream_private.session($1);
end
$$;
comment on function stream_private.unpin_message(session_id uuid) is $$
Takes the pin away, if there is one. Moderators only.
@callers authenticated, service_role
@repeat safe with request_id
@errors isolation_level, invalid_argument, session_not_found, not_moderator, stream_ended
$$;

create or replace function stream_private.block_term(session_id uuid default null, term text default null)
returns text
language plpgsql
as 'begin end';
comment on function stream_private.block_term(session_id uuid, term text) is $$
Refuses messages that contain a term, however it is spelled: blocked, or already_blocked. At most 500. Moderators
only; session_id null, for all streams, the service only.
@native
@callers authenticated, service_role
@repeat safe with request_id
@errors isolation_level, invalid_argument, session_not_found, not_moderator, stream_ended
$$;

create or replace function stream_private.unblock_term(session_id uuid default null, term text default null)
returns text
language plpgsql
as 'begin end';
comment on function stream_private.unblock_term(session_id uuid, term text) is $$
Ends a block: unblocked, or not_blocked. Moderators only; session_id null the service only.
@native
@callers authenticated, service_role
@repeat safe with request_id
@errors isolation_level, invalid_argument, session_not_found, not_moderator, stream_ended
$$;

create or replace function stream_private.list_blocked_terms(session_id uuid default null)
returns setof stream.blocked_term
language plpgsql stable
as 'begin end';
comment on function stream_private.list_blocked_terms(session_id uuid) is $$
The terms that are blocked in a stream, or in all of them (null), oldest first. Moderators only; null the service
only.
@native
@callers authenticated, service_role
@errors session_not_found, not_moderator
$$;

create or replace function stream_private.list_restrictions(session_id uuid, after uuid default null, page_size integer default 50)
returns setof stream.restriction
language plpgsql stable
as 'begin end';
comment on function stream_private.list_restrictions(session_id uuid, after uuid, page_size integer) is $$
Mutes and bans in force, of the users behind after by ascending user_id; page_size 1 to 200 counts users. Moderators
only.
@native
@callers authenticated, service_role
@errors invalid_argument, session_not_found, not_moderator
$$;

create or replace function stream_private.get_moderation_log(
    session_id uuid default null,
    before_id bigint default null,
    page_size integer default 50
)
returns setof stream.moderation_entry
language plpgsql stable
as 'begin end';
comment on function stream_private.get_moderation_log(session_id uuid, before_id bigint, page_size integer) is $$
What was decided in a stream, the newest first, those before an id; page_size 1 to 200. Moderators only; session_id
null, for decisions about all streams, the service only.
@native
@callers authenticated, service_role
@errors invalid_argument, session_not_found, not_moderator
$$;

-- sql/private/moderation_log.sql

-- The moderation log: append-only.
-- By the owner of the tables too; who owns them can still take the trigger away, and that shows in the catalogue.
create or replace function stream_private.refuse_changing_moderation_log() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    -- When its session is deleted, the session's row is gone before the rows that refer to it; one whose time has
    -- passed goes in batches, its row last.
    if tg_op = 'DELETE' and old.session_id is not null
        and not exists (
            select from stream.stream_sessions as s
            cross join stream.config as c
            where s.id = old.session_id and s.ended_at is distinct from 'epoch'
                and (s.ended_at < now() - c.retention_days * interval '1 day') is not true
        ) then
        return old;
    end if;
    -- A user who is forgotten leaves the nil uuid, and takes the reason along.
    if tg_op = 'UPDATE'
        and to_jsonb(new) - '{actor,user_id,reason}'::text[] = to_jsonb(old) - '{actor,user_id,reason}'::text[]
        and (new.actor is not distinct from old.actor or new.actor = '00000000-0000-0000-0000-000000000000')
        and (new.user_id is not distinct from old.user_id or new.user_id = '00000000-0000-0000-0000-000000000000')
        and (new.reason is not distinct from old.reason or new.reason is null)
        and (new.actor, new.user_id) is distinct from (old.actor, old.user_id) then
        return new;
    end if;
    raise insufficient_privilege using message = 'stream.moderation_log is append-only';
end
$$;
comment on function stream_private.refuse_changing_moderation_log() is
    'Rows of the moderation log go with their session, or when its time has passed, and change only to forget a user.';

do $missing$
begin
    if not exists (select from pg_catalog.pg_trigger as o
        where o.tgrelid = 'stream.moderation_log'::regclass and o.tgname = 'moderation_log_refuse_changing') then
        execute $create$
create trigger moderation_log_refuse_changing
before update or delete on stream.moderation_log
for each row execute function stream_private.refuse_changing_moderation_log()
$create$;
    end if;
end
$missing$;

do $missing$
begin
    if not exists (select from pg_catalog.pg_trigger as o
        where o.tgrelid = 'stream.moderation_log'::regclass and o.tgname = 'moderation_log_refuse_truncating') then
        execute $create$
create trigger moderation_log_refuse_truncating
before truncate on stream.moderation_log
for each statement execute function stream_private.refuse_changing_moderation_log()
$create$;
    end if;
end
$missing$;

-- sql/private/moderation_turn.sql

-- The turns of moderators, which go with their session.
create or replace function stream_private.delete_turn_of_deleted_session() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    delete from stream.moderation_turns as t where t.session_id in (
        select n.session_id from stream.moderation_turns as n
        where n.session_id = old.id for update skip locked);
    return null;
end
$$;
comment on function stream_private.delete_turn_of_deleted_session() is
    'Does not wait: the row of a session that is deleted while somebody moderates it stays behind.';

do $missing$
begin
    if not exists (select from pg_catalog.pg_trigger as o
        where o.tgrelid = 'stream.stream_sessions'::regclass and o.tgname = 'stream_sessions_delete_turn') then
        execute $create$
create trigger stream_sessions_delete_turn
after delete on stream.stream_sessions
for each row execute function stream_private.delete_turn_of_deleted_session()
$create$;
    end if;
end
$missing$;

-- sql/private/reaction.sql

-- Reactions of viewers and of the seller.
create or replace function stream_private.send_reaction(session_id uuid, kind text)
returns stream.reaction_result
language plpgsql
as 'begin end';
comment on function stream_private.send_reaction(session_id uuid, kind text) is $$
Reacts to a live stream with one of config.reaction_kinds, for whoever holds a lease, and the seller. Reactions are counted and
broadcast as totals (event reactions); they are no entries of the log and not kept. Mutes hold as for messages; chat mode and slow
mode do not. One beyond config.reaction_burst is not accepted, which is no error.
@native
@callers authenticated
@repeat unsafe
@errors isolation_level, invalid_argument, session_not_found, stream_ended, anonymous_user, banned, not_viewer, muted
$$;

-- sql/private/regular_work.sql

-- The regular work and its scheduling.
create or replace function stream_private.tick()
returns void
language plpgsql
-- For what is looked at before any unit, which has its own.
set lock_timeout = '100ms'
as 'begin end';
comment on function stream_private.tick() is $$
The regular work: sends the tails of logs, and counts viewers and sweeps about once a second. Call it often and from
anywhere, in a transaction of its own; one at a time works.
@native
@callers service_role
@repeat safe
@errors isolation_level
$$;

create or replace function stream_private.begin_work()
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    perform stream_ext.begin_work();
end
$$;
comment on function stream_private.begin_work() is
    'For tick_loop(): how long it goes on is counted from here, and ends before statement_timeout.';

create or replace function stream_private.work()
returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
set lock_timeout = '100ms'
as $$
begin
    return stream_ext.work();
end
$$;
comment on function stream_private.work() is
    'One unit of the regular work, for a loop that commits after each: false when the loop is to end.';

create or replace function stream_private.pause()
returns double precision
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    return stream_ext.pause();
end
$$;
comment on function stream_private.pause() is
    'Seconds until there is more to do for that loop: none while a round of counting and sweeping goes on.';

-- A block and no procedure: neither can set a path when it commits, and Supabase's advisors would warn of a function that sets none. So
-- it names all schemas. Its tag shows in pg_stat_activity what it is.
create or replace function stream_private.tick_loop()
returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return $block$do $tick_for_a_minute$
begin
    perform stream_private.begin_work();
    while stream_private.work() loop
        commit;
        perform pg_catalog.pg_sleep(stream_private.pause());
        commit;
    end loop;
end
$tick_for_a_minute$
$block$;
end
$$;
comment on function stream_private.tick_loop() is
    'The regular work in a loop of just under a minute, as the statement that pg_cron runs: one transaction for each unit, 50 ms of '
    'sleep when nothing is left. For the owner of the tables, outside a transaction.';

create or replace function stream_private.sweep()
returns setof stream.sweep_rule
language plpgsql
as 'begin end';
comment on function stream_private.sweep() is $$
Runs every rule about what is overdue, at most config.sweep_batch_size rows each: one row per rule.
@native
@callers service_role
@repeat safe
@errors isolation_level
$$;

create or replace function stream.schedule_with_pg_cron(every_second boolean default false) returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    version pg_catalog.int4[];
begin
    -- Not every version is all numbers: Debian 12 has 1.4-1.
    select string_to_array(substring(e.extversion from '^[0-9]+(?:[.][0-9]+)*'), '.')::integer[]
    into version
    from pg_catalog.pg_extension as e
    where e.extname = 'pg_cron';
    -- Named jobs came with 1.3, schedules of seconds with 1.5.
    if version is null or version < array[1, 3] or every_second and version < array[1, 5] then
        perform stream_ext.refuse('not_configured');
    end if;
    if every_second then
        perform cron.schedule('pg_stream_tick', '1 second', 'select stream_private.tick()');
    else
        perform cron.schedule('pg_stream_tick', '* * * * *', stream_private.tick_loop());
    end if;
    -- pg_cron keeps a row of every run for ever; the policy of its table shows the owner's own. A tick a second leaves 86,400
    -- rows a day.
    perform cron.schedule('pg_stream_prune', '17 3 * * *', format($job$
        delete from cron.job_run_details as d
        using cron.job as j
        where j.jobid = d.jobid and j.jobname in ('pg_stream_tick', 'pg_stream_prune')
            and d.end_time < now() - interval '%s days'$job$, case when every_second then 1 else 7 end));
    return case when every_second then '1 second' else '* * * * *' end;
end
$$;
comment on function stream.schedule_with_pg_cron(boolean) is
    'Lets pg_cron do the regular work as the calling role, where the background worker cannot run: one job a minute, which '
    'loops until the next, and one a day that deletes its old runs. every_second: instead of the loop a tick each second, for '
    'where no connection can be kept; from pg_cron 1.5. Again: the same jobs. Answers the schedule. Call it as the owner of the '
    'tables.';

-- sql/private/report.sql

-- Reports of viewers about messages: making, listing and resolving them.
create or replace function stream_private.report_message(session_id uuid, message_id uuid, reason text default null)
returns stream.message_report
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    reporter pg_catalog.uuid := stream_ext.act_for(null);
    why pg_catalog.text := nullif(btrim($3), '');
    seller pg_catalog.uuid;
    message pg_catalog.record;
    result stream.message_report;
    noted pg_catalog.timestamptz;
begin
    if $1 is null or $2 is null then
        perform stream_ext.refuse_with_hint('invalid_argument', 'session_id and message_id must not be null');
    end if;
    perform stream_private.check_reason(why);
    select s.seller_id into seller from stream.stream_sessions as s where s.id = $1;
    if not found then
        perform stream_ext.refuse('session_not_found');
    end if;
    -- As the topic of the chat: whoever may view it and has joined it.
    if reporter <> seller then
        if not stream_private.can_view(reporter, $1, seller) then
            perform stream_ext.refuse('cannot_view');
        end if;
        if exists (select from stream_private.bans as b where b.session_id = $1 and b.user_id = reporter) then
            perform stream_ext.refuse('banned');
        end if;
        if not stream_private.has_joined(reporter, $1) then
            perform stream_ext.refuse('not_viewer');
        end if;
    end if;
    select m.seq, m.user_id, m.message_type, m.deleted_at into message
    from stream.chat_messages as m
    where m.session_id = $1 and m.id = $2;
    if not found then
        perform stream_ext.refuse('message_not_found');
    end if;
    -- Again: the first one, also when the message is gone since.
    select $1, $2, r.seq, r.user_id, r.reason, r.created_at into result
    from stream.message_reports as r
    where r.session_id = $1 and r.seq = message.seq and r.user_id = reporter;
    if found then
        return result;
    end if;
    if message.message_type <> 'user_message' then
        perform stream_ext.refuse_with_hint('invalid_argument', 'only messages of users can be reported');
    end if;
    if message.user_id = reporter then
        perform stream_ext.refuse_with_hint('invalid_argument', 'nobody reports their own message; delete it');
    end if;
    if message.deleted_at is not null then
        perform stream_ext.refuse('message_not_found');
    end if;

    insert into stream.report_rates as r (session_id, user_id, tat) values ($1, reporter, now())
    on conflict on constraint report_rates_pkey do nothing;
    select r.tat into noted from stream.report_rates as r
    where r.session_id = $1 and r.user_id = reporter for no key update;
    noted := stream_ext.take_rate((select c.reports_per_minute from stream.config as c limit 1), noted);

    insert into stream.message_reports as r (session_id, seq, user_id, reason)
    values ($1, message.seq, reporter, why)
    on conflict on constraint message_reports_pkey do nothing
    returning $1, $2, r.seq, r.user_id, r.reason, r.created_at into result;
    if not found then
        -- The same user's other device was quicker.
        select $1, $2, r.seq, r.user_id, r.reason, r.created_at into result
        from stream.message_reports as r
        where r.session_id = $1 and r.seq = message.seq and r.user_id = reporter;
        return result;
    end if;
    update stream.report_rates as r set tat = noted where r.session_id = $1 and r.user_id = reporter;
    insert into stream.reported_messages as p (session_id, seq) values ($1, message.seq)
    on conflict on constraint reported_messages_pkey do update
    set report_count = p.report_count + 1, last_reported_at = clock_timestamp(),
        resolved_at = null, resolved_by = null;
    return result;
end
$$;
comment on function stream_private.report_message(session_id uuid, message_id uuid, reason text) is $$
Reports a message of somebody else to the moderators, for whoever may read the chat. The same user and message again: the first
report. At most config.reports_per_minute in a stream. The text of the message is not copied.
@callers authenticated
@repeat safe
@errors isolation_level, invalid_argument, session_not_found, message_not_found, cannot_view, banned, not_viewer,
    rate_limited
$$;

create or replace function stream_private.list_reports(session_id uuid, after bigint default null, page_size integer default 50)
returns setof stream.reported_message
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    perform stream_ext.require_moderator($1);
    perform stream_private.check_page_size($3);
    return query
    select p.session_id, m.id, p.seq, m.user_id, m.username, p.report_count, p.first_reported_at, p.last_reported_at,
        array(
            select row($1, m.id, r.seq, r.user_id, r.reason, r.created_at)::stream.message_report
            from stream.message_reports as r
            where r.session_id = p.session_id and r.seq = p.seq
            order by r.created_at desc
            limit 20
        )
    from stream.reported_messages as p
    join stream.chat_messages as m on m.session_id = p.session_id and m.seq = p.seq
    where p.session_id = $1 and p.resolved_at is null and p.seq > coalesce($2, 0)
        -- A report can cross the deletion of its message.
        and m.deleted_at is null
    order by p.seq
    limit $3;
end
$$;
comment on function stream_private.list_reports(session_id uuid, after bigint, page_size integer) is $$
The reported messages that nobody has resolved or deleted, by ascending seq, those behind after; page_size 1 to 200. Moderators
only.
@callers authenticated, service_role
@errors invalid_argument, session_not_found, not_moderator
$$;

create or replace function stream_private.resolve_report(session_id uuid, message_id uuid)
returns text
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    actor pg_catalog.uuid := stream_ext.begin_moderation($1);
    message pg_catalog.record;
begin
    if $2 is null then
        perform stream_ext.refuse_with_hint('invalid_argument', 'message_id must not be null');
    end if;
    select m.seq, m.user_id into message from stream.chat_messages as m where m.session_id = $1 and m.id = $2;
    if not found then
        perform stream_ext.refuse('message_not_found');
    end if;
    if message.user_id = actor
        and not exists (select from stream.stream_sessions as s where s.id = $1 and s.seller_id = actor) then
        perform stream_ext.refuse_with_hint('not_moderator', 'nobody judges themself; ask the seller or another moderator');
    end if;
    if not exists (
        select from stream.reported_messages as p
        where p.session_id = $1 and p.seq = message.seq and p.resolved_at is null
    ) then
        return 'not_reported';
    end if;
    insert into stream.moderation_log (session_id, action, actor, user_id, target_seq)
    values ($1, 'report_resolved', actor, message.user_id, message.seq);
    update stream.reported_messages as p set resolved_at = clock_timestamp(), resolved_by = actor
    where p.session_id = $1 and p.seq = message.seq;
    return 'resolved';
end
$$;
comment on function stream_private.resolve_report(session_id uuid, message_id uuid) is $$
Takes a message off the list of reports and leaves it as it is: resolved, or not_reported. A later report puts it back. Deleting
the message resolves its reports too. Moderators only, and nobody about their own message.
@callers authenticated, service_role
@repeat safe with request_id
@errors isolation_level, invalid_argument, session_not_found, not_moderator, message_not_found
$$;

-- sql/private/request.sql

-- Request ids make a call that changes something safe to send again. The generated body of every operation that
-- takes one calls these three, and nothing when it is null.
create or replace function stream_private.enter_request() returns uuid
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    -- First: above READ COMMITTED the insertion of the request could raise 40001.
    return coalesce(stream_ext.enter_to_write(), '00000000-0000-0000-0000-000000000000');
end
$$;
comment on function stream_private.enter_request() is
    'Who calls, as requests note it: the user, or the nil uuid for the service.';

create or replace function stream_private.first_result(caller uuid, request_id uuid, operation text, arguments text) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    hash pg_catalog.text := encode(sha256(convert_to($4, 'UTF8')), 'hex');
    earlier pg_catalog.record;
begin
    loop
        insert into stream.requests as r (caller, request_id, operation, arguments_hash)
        values ($1, $2, $3, hash)
        on conflict on constraint requests_caller_request_id_key do nothing;
        if found then
            return null;
        end if;
        select r.operation, r.arguments_hash, r.result into earlier
        from stream.requests as r
        where r.caller = $1 and r.request_id = $2;
        -- Otherwise the sweep has taken it meanwhile.
        exit when found;
    end loop;
    if (earlier.operation, earlier.arguments_hash) <> ($3, hash) then
        perform stream_ext.refuse('request_id_conflict');
    end if;
    return earlier.result;
end
$$;
comment on function stream_private.first_result(uuid, uuid, text, text) is
    'What the caller''s first call with this id returned; null for the first one, which now holds the id. Waits for one that runs.';

create or replace function stream_private.keep_result(caller uuid, request_id uuid, result jsonb) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    update stream.requests as r
    set result = $3,
        about = case when jsonb_typeof($3) = 'object' then coalesce($3 ->> 'seller_id', $3 ->> 'user_id')::uuid end
    where r.caller = $1 and r.request_id = $2;
end
$$;
comment on function stream_private.keep_result(uuid, uuid, jsonb) is 'Keeps what the first call with this id returned.';

-- sql/private/rules.sql

-- Rules that statements of SQL and of native code share: each stands here once.
-- Views and not functions where a rule is part of a plan: Postgres takes a view into the statement that reads it, and
-- runs a function once for every row.
do $missing$
begin
    if to_regclass('stream_private.restrictions') is null then
        execute $create$
create view stream_private.restrictions as
select r.session_id, r.user_id, r.kind, r.until, r.actor, r.reason, r.created_at,
    r.until is null or r.until > now() as is_in_force
from stream.chat_restrictions as r
$create$;
    end if;
end
$missing$;
comment on view stream_private.restrictions is
    'Mutes and bans, and whether each is in force: until its time, or until it is lifted. What is over is the sweep''s.';

do $missing$
begin
    if to_regclass('stream_private.bans') is null then
        execute $create$
create view stream_private.bans as
select r.session_id, r.user_id
from stream_private.restrictions as r
where r.kind = 'ban' and r.is_in_force
$create$;
    end if;
end
$missing$;
comment on view stream_private.bans is 'Who is banned from which stream now.';

-- The limit says that there is one row of config: nobody analyzes so small a table, and the planner supposes hundreds.
do $missing$
begin
    if to_regclass('stream_private.leases') is null then
        execute $create$
create view stream_private.leases as
select v.session_id, v.user_id, v.agora_uid, v.joined_at, v.last_seen_at, v.background_since, v.foreground, v.watch_ms,
    v.lease_check_at, e.ends_at, e.ends_at > now() as holds,
    v.watch_ms + greatest(0, (extract(epoch from
        case when e.ends_at > now() then now() else least(v.last_seen_at, now()) end - v.joined_at) * 1000)::bigint)
        as watched_ms
from stream.stream_viewers as v
cross join (
    select f.lease_s * interval '1 second' as lease, f.background_grace_s * interval '1 second' as grace
    from stream.config as f
    limit 1
) as c
cross join lateral (
    -- A time ahead of the clock was written before it was set back.
    select least(
        least(v.last_seen_at, now()) + c.lease,
        case when v.background_since is not null then least(v.background_since, now()) + c.grace end
    ) as ends_at
) as e
where v.is_active
$create$;
    end if;
end
$missing$;
comment on view stream_private.leases is
    'Leases of viewers, when each ends unless a sign of life comes, whether it still holds, and the time watched, which for '
    'one that is over ended with the last sign of life: the sweep, which closes '
    'those that do not, comes later. Locking rows through this view would lock the settings too.';

revoke all on table stream_private.restrictions, stream_private.bans, stream_private.leases
    from public, anon, authenticated, service_role;

-- A function, since it asks the host application in any case: 10 microseconds instead of the 7 of the hook alone.
create or replace function stream_private.can_view(user_id uuid, session_id uuid, seller_id uuid)
returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return $1 is null or $1 = $3 or coalesce(stream.hook_can_view($1, $2), false);
end
$$;
comment on function stream_private.can_view(uuid, uuid, uuid) is
    'Who may view a stream: its seller, the service (null), and whomever the host application lets. Bans are not looked at.';

create or replace function stream_private.may_watch(user_id uuid, session_id uuid, seller_id uuid) returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return $1 is null or $1 = $3 or (
        stream_private.can_view($1, $2, $3)
        and not exists (select from stream_private.bans as b where b.session_id = $2 and b.user_id = $1)
    );
end
$$;
comment on function stream_private.may_watch(uuid, uuid, uuid) is
    'Whether a user (null: the service) may find a stream of this seller and hear of it: who may view it and is not '
    'banned, and the seller.';

create or replace function stream_private.has_joined(user_id uuid, session_id uuid) returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return exists (select from stream.stream_viewers as v where v.session_id = $2 and v.user_id = $1);
end
$$;
comment on function stream_private.has_joined(uuid, uuid) is
    'Whether a user has ever joined a stream; whoever has may read its chat, as long as they may view it and are not banned.';

create or replace function stream_private.check_page_size(page_size integer) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    size pg_catalog.record;
begin
    select l.least, l.most into size from stream_private.limits as l where l.name = 'page_size';
    if $1 is null then
        perform stream_ext.refuse_with_hint('invalid_argument', 'page_size must not be null');
    end if;
    if $1 not between size.least and size.most then
        perform stream_ext.refuse_with_hint('invalid_argument', format('page_size is %s to %s', size.least, size.most));
    end if;
end
$$;
comment on function stream_private.check_page_size(integer) is
    'Refuses a page size beyond the limits, in the words of the native functions.';

create or replace function stream_private.check_reason(reason text) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    most constant pg_catalog.int8 := (select l.most from stream_private.limits as l where l.name = 'reason_chars');
begin
    if length($1) > most then
        perform stream_ext.refuse_with_hint('invalid_argument', format('reason has at most %s characters', most));
    end if;
end
$$;
comment on function stream_private.check_reason(text) is
    'Refuses a reason that is too long, in the words of the native functions.';

-- sql/private/stream.sql

-- Starting, moving and reading a stream session.
create or replace function stream_private.session(session_id uuid)
returns stream.session
language sql stable
set search_path = pg_catalog, pg_temp
as $$
    select row(
        s.id, s.seller_id, s.auction_id, s.channel_id, s.state, s.state_reason, s.generation, s.generation,
        s.viewer_count, s.peak_viewer_count, s.created_at, s.started_at, s.ended_at, s.state_changed_at,
        s.reconnect_deadline, s.chat_mode, s.slow_mode_ms, s.pinned_seq, s.metadata,
        stream_private.oldest_client()
    )::stream.session
    from stream.stream_sessions as s
    where s.id = $1
$$;
comment on function stream_private.session(uuid) is 'A session as callers see it; for the functions of this schema only.';

create or replace function stream_private.start_stream(
    auction_id uuid,
    seller_id uuid default null,
    reconnect_window_s integer default null
)
returns stream.session
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    started pg_catalog.uuid := stream_ext.start_stream($1, $2, $3);
begin
    -- A statement of its own: it must see the new row.
    return stream_private.session(started);
end
$$;
comment on function stream_private.start_stream(auction_id uuid, seller_id uuid, reconnect_window_s integer) is $$
Starts a stream of an auction, state initializing. By the same seller while one is live: takes it over, generation +
1. seller_id null: the caller. reconnect_window_s: seconds that a lost host has to return, 0 to 1800; null: the
configured one. At most config.starts_per_minute of one seller.
@callers authenticated, service_role
@repeat safe with request_id
@errors isolation_level, invalid_argument, not_self, not_auction_owner, auction_live, takeovers_exhausted, rate_limited
$$;

create or replace function stream_private.update_stream_state(
    session_id uuid,
    state text,
    reason text default null,
    generation integer default null
)
returns stream.session
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    perform stream_ext.change_state($1, $2, $3, $4);
    return stream_private.session($1);
end
$$;
comment on function stream_private.update_stream_state(session_id uuid, state text, reason text, generation integer) is $$
Moves a stream to a state (initializing, active, paused, ended, error). The same state again succeeds without an
event. Seller and service only.
@callers authenticated, service_role
@repeat safe with request_id
@errors isolation_level, invalid_argument, session_not_found, not_stream_owner, stale_host, illegal_transition,
    stream_ended, rate_limited
$$;

create or replace function stream_private.pause_stream(session_id uuid, generation integer default null, reason text default null)
returns stream.session
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    perform stream_ext.change_state($1, 'paused', $3, $2);
    return stream_private.session($1);
end
$$;
comment on function stream_private.pause_stream(session_id uuid, generation integer, reason text) is $$
Pauses a stream. Seller and service only.
@callers authenticated, service_role
@repeat safe with request_id
@errors isolation_level, invalid_argument, session_not_found, not_stream_owner, stale_host, illegal_transition,
    stream_ended, rate_limited
$$;

create or replace function stream_private.resume_stream(session_id uuid, generation integer default null, reason text default null)
returns stream.session
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    perform stream_ext.change_state($1, 'active', $3, $2);
    return stream_private.session($1);
end
$$;
comment on function stream_private.resume_stream(session_id uuid, generation integer, reason text) is $$
Moves a stream to active. Seller and service only.
@callers authenticated, service_role
@repeat safe with request_id
@errors isolation_level, invalid_argument, session_not_found, not_stream_owner, stale_host, illegal_transition,
    stream_ended, rate_limited
$$;

create or replace function stream_private.end_stream(session_id uuid, generation integer default null, reason text default null)
returns stream.session
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    perform stream_ext.change_state($1, 'ended', $3, $2);
    return stream_private.session($1);
end
$$;
comment on function stream_private.end_stream(session_id uuid, generation integer, reason text) is $$
Ends a stream for good: viewers leave, the log closes. Seller and service only.
@callers authenticated, service_role
@repeat safe with request_id
@errors isolation_level, invalid_argument, session_not_found, not_stream_owner, stale_host
$$;

create or replace function stream_private.get_stream_state(session_id uuid)
returns text
language plpgsql stable
as 'begin end';
comment on function stream_private.get_stream_state(session_id uuid) is $$
The state of a stream: initializing, active, paused, ended or error.
@native
@callers authenticated, service_role
@errors invalid_argument, session_not_found, cannot_view
$$;

create or replace function stream_private.get_session(session_id uuid)
returns stream.session
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    perform stream_ext.authorize_view($1);
    return stream_private.session($1);
end
$$;
comment on function stream_private.get_session(session_id uuid) is $$
A stream session, for whoever may view it.
@callers authenticated, service_role
@errors invalid_argument, session_not_found, cannot_view
$$;

-- sql/private/stream_deletion.sql

-- Deletion of streams, and of the users and auctions that they hang on.
create or replace function stream_private.refuse_deleting_live_session() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if old.state <> 'ended' then
        perform stream_ext.refuse('stream_live');
    end if;
    return old;
end
$$;
comment on function stream_private.refuse_deleting_live_session() is
    'A stream must end before it, its seller or its auction can be deleted.';

do $missing$
begin
    if not exists (select from pg_catalog.pg_trigger as o
        where o.tgrelid = 'stream.stream_sessions'::regclass and o.tgname = 'stream_sessions_refuse_deleting_live') then
        execute $create$
create trigger stream_sessions_refuse_deleting_live
before delete on stream.stream_sessions
for each row execute function stream_private.refuse_deleting_live_session()
$create$;
    end if;
end
$missing$;

create or replace function stream_private.lock_places_of_deleted_session() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    -- By ascending user, as batches take them; the foreign keys would take them as they come.
    perform from stream.stream_viewers as v where v.session_id = old.id order by v.user_id for update;
    return old;
end
$$;
comment on function stream_private.lock_places_of_deleted_session() is
    'Whoever deletes a stream takes the places of its viewers in the order of locks.';

-- Triggers run by name, so behind the one that refuses.
do $missing$
begin
    if not exists (select from pg_catalog.pg_trigger as o
        where o.tgrelid = 'stream.stream_sessions'::regclass and o.tgname = 'stream_sessions_then_lock_places') then
        execute $create$
create trigger stream_sessions_then_lock_places
before delete on stream.stream_sessions
for each row execute function stream_private.lock_places_of_deleted_session()
$create$;
    end if;
end
$missing$;

create or replace function stream_private.lock_for_deletion(user_ids uuid[], auction_ids uuid[]) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    sessions pg_catalog.uuid[];
    place pg_catalog.record;
begin
    -- Refused in any case, so nothing is waited for: who changes a live stream may be waiting for its
    -- seller or its auction.
    if exists (
        select from stream.stream_sessions as s
        where (s.seller_id = any (user_ids) or s.auction_id = any (auction_ids)) and s.state <> 'ended'
    ) then
        perform stream_ext.refuse('stream_live');
    end if;
    perform from stream.stream_sessions as s
    where s.seller_id = any (user_ids) or s.auction_id = any (auction_ids)
    order by s.id for no key update;
    select array_agg(s.id) into sessions from stream.stream_sessions as s
    where s.seller_id = any (user_ids) or s.auction_id = any (auction_ids);
    -- One look-up for each, whatever the planner thinks of the lists.
    for place in
        select v.session_id, v.user_id from stream.stream_viewers as v where v.user_id = any (user_ids)
        union
        select v.session_id, v.user_id from stream.stream_viewers as v where v.session_id = any (sessions)
        order by session_id, user_id
    loop
        perform from stream.stream_viewers as v
        where v.session_id = place.session_id and v.user_id = place.user_id for update;
    end loop;
end
$$;
comment on function stream_private.lock_for_deletion(uuid[], uuid[]) is
    'For the host application''s triggers: what hangs on users and auctions that are being deleted, in the order of locks.';

-- sql/private/stream_finding.sql

-- Finding the stream of an auction, and listing those that are live.
create or replace function stream_private.get_live_stream(auction_id uuid)
returns stream.live_stream
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    caller pg_catalog.uuid := stream_ext.enter_to_read();
    result stream.live_stream;
begin
    if $1 is null then
        perform stream_ext.refuse_with_hint('invalid_argument', 'auction_id must not be null');
    end if;
    select s.id, s.auction_id, s.seller_id, left(stream.hook_title(s.auction_id), 200), s.state,
        s.viewer_count, s.peak_viewer_count, s.created_at, s.started_at
    into result
    from stream.stream_sessions as s
    where s.auction_id = $1 and s.state <> 'ended';
    -- Whoever may not watch does not learn that there is one.
    if not found or not stream_private.may_watch(caller, result.session_id, result.seller_id) then
        perform stream_ext.refuse_with_hint('session_not_found', 'There is no live stream of this auction that you may watch.');
    end if;
    return result;
end
$$;
comment on function stream_private.get_live_stream(auction_id uuid) is $$
The stream of an auction that has not ended, for its seller and for whoever may view it and is not banned. One that is not
there and one that the caller may not watch are refused alike.
@callers authenticated, service_role
@errors invalid_argument, session_not_found
$$;

create or replace function stream_private.find_live_streams(after uuid, at_most integer) returns setof stream.live_stream
language plpgsql stable
set search_path = pg_catalog, pg_temp
-- Otherwise Postgres reads all streams that are on by an index of another order and sorts them (2,000 of them, seen). For
-- this statement alone: hooks of the application plan as ever.
set enable_sort = off
as $$
begin
    return query
    select s.id, s.auction_id, s.seller_id, null::text, s.state, s.viewer_count, s.peak_viewer_count, s.created_at,
        s.started_at
    from stream.stream_sessions as s
    where s.state <> 'ended' and s.started_at is not null and s.id < $1
    order by s.id desc
    limit $2;
end
$$;
comment on function stream_private.find_live_streams(uuid, integer) is
    'The streams behind `after` that were active and have not ended, the newest first and without titles; also those that the caller may not watch.';

create or replace function stream_private.milliseconds_of(id uuid) returns bigint
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
    return ('x' || left(replace($1::text, '-', ''), 12))::bit(48)::bigint;
end
$$;
comment on function stream_private.milliseconds_of(uuid) is 'The Unix time in milliseconds with which a UUID of version 7 begins.';

create or replace function stream_private.list_live_streams(page_size integer default 50, after uuid default null)
returns stream.live_page
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    most constant pg_catalog.int4 := 500;
    caller pg_catalog.uuid := stream_ext.enter_to_read();
    page stream.live_stream[] := '{}'::stream.live_stream[];
    looked_at pg_catalog.int4 := 0;
    last pg_catalog.uuid := coalesce($2, 'ffffffff-ffff-ffff-ffff-ffffffffffff');
    last_is_told pg_catalog.bool;
    is_last_chunk pg_catalog.bool;
    chunk pg_catalog.int4;
    began_at pg_catalog.int8;
    live stream.live_stream;
begin
    perform stream_private.check_page_size($1);
    -- So that most calls read one chunk, and one stream more, which tells that there is a next page.
    chunk := greatest($1 + 1, 50);
    loop
        is_last_chunk := true;
        for live in select f.* from stream_private.find_live_streams(last, chunk) as f loop
            if cardinality(page) = $1 or looked_at >= most and last_is_told then
                return row(page, last)::stream.live_page;
            end if;
            began_at := stream_private.milliseconds_of(live.session_id);
            if looked_at >= most and began_at < stream_private.milliseconds_of(last) then
                -- Some moment between the two: the id of a stream that the caller may not watch is not told.
                began_at := began_at + 1 + floor(random() * (stream_private.milliseconds_of(last) - began_at))::bigint;
                return row(page, (lpad(to_hex(began_at), 12, '0') || repeat('0', 20))::uuid)::stream.live_page;
            end if;
            looked_at := looked_at + 1;
            last := live.session_id;
            last_is_told := stream_private.may_watch(caller, live.session_id, live.seller_id);
            if last_is_told then
                live.title := left(stream.hook_title(live.auction_id), 200);
                page := page || live;
            end if;
            is_last_chunk := false;
        end loop;
        exit when is_last_chunk;
    end loop;
    return row(page, null)::stream.live_page;
end
$$;
comment on function stream_private.list_live_streams(page_size integer, after uuid) is $$
The streams that were active, have not ended and that the caller may watch, the newest first, those behind after; page_size 1 to
200. One call looks at 500 streams or a few more, so a page can be short, or empty, although more follow: go on while next_after
is not null. It is a stream of the page, or a moment in the form of an id.
@callers authenticated, service_role
@errors invalid_argument
$$;

-- sql/private/stream_summary.sql

-- The summary of a stream for its seller.
create or replace function stream_private.get_stream_summary(session_id uuid)
returns stream.stream_summary
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    caller pg_catalog.uuid := stream_ext.enter_to_read();
    session pg_catalog.record;
    result stream.stream_summary;
    -- Of entries, and of viewers, that one call reads.
    at_most constant pg_catalog.int8 := 10000;
    uncounted pg_catalog.int8;
    newest_uid pg_catalog.int8;
    viewers pg_catalog.int8;
begin
    if $1 is null then
        perform stream_ext.refuse_with_hint('invalid_argument', 'session_id must not be null');
    end if;
    select s.id, s.seller_id, s.auction_id, s.state, s.state_reason, s.created_at, s.started_at, s.ended_at,
        s.peak_viewer_count, s.is_cleaned, s.counted_seq, s.unique_viewers, s.watch_ms, s.message_count,
        s.deleted_message_count
    into session
    from stream.stream_sessions as s
    where s.id = $1;
    if not found then
        perform stream_ext.refuse('session_not_found');
    end if;
    if caller <> session.seller_id then
        perform stream_ext.refuse('not_stream_owner');
    end if;
    result := row(
        session.id, session.auction_id, left(stream.hook_title(session.auction_id), 200), session.state,
        case when session.state = 'ended' then session.state_reason end,
        session.created_at, session.started_at, session.ended_at,
        coalesce(greatest(0, extract(epoch from coalesce(session.ended_at, now()) - session.started_at) * 1000)::bigint, 0),
        session.peak_viewer_count, session.unique_viewers, session.watch_ms, session.message_count,
        session.deleted_message_count
    )::stream.stream_summary;
    -- Counted by the sweep, once and for all.
    if session.is_cleaned then
        return result;
    end if;
    -- Uids are drawn at random, so the lowest ones are a fair sample, and from how far apart they lie follows how many there are.
    select count(*), coalesce(sum(n.watched_ms), 0), max(n.agora_uid)
    into result.unique_viewers, result.watch_ms, newest_uid
    from (
        select v.agora_uid, coalesce(
            (select e.watched_ms from stream_private.leases as e where e.session_id = $1 and e.user_id = v.user_id),
            v.watch_ms) as watched_ms
        from stream.stream_viewers as v
        where v.session_id = $1
        order by v.agora_uid
        limit at_most + 1
    ) as n;
    if result.unique_viewers > at_most then
        viewers := (at_most * (2147483647 - 1000000)) / (newest_uid - 1000000 + 1);
        result.watch_ms := (result.watch_ms::numeric * viewers / result.unique_viewers)::bigint;
        result.unique_viewers := viewers;
    end if;
    select h.last_seq - session.counted_seq into uncounted from stream.chat_heads as h where h.session_id = $1;
    -- A long log in a hundred parts as far from one another.
    select count(*), count(*) filter (where m.deleted_at is not null)
    into result.message_count, result.deleted_message_count
    from generate_series(0, case when uncounted > at_most then 99 else 0 end) as part
    cross join lateral (
        select e.deleted_at from stream.chat_messages as e
        where e.session_id = $1 and e.message_type = 'user_message'
            and e.seq > session.counted_seq + part * uncounted / 100
            and e.seq <= session.counted_seq + part * uncounted / 100
                + case when uncounted > at_most then at_most / 100 else at_most end
    ) as m;
    if uncounted > at_most then
        result.message_count := result.message_count * uncounted / at_most;
        result.deleted_message_count := result.deleted_message_count * uncounted / at_most;
    end if;
    result.message_count := session.message_count + result.message_count;
    result.deleted_message_count := session.deleted_message_count + result.deleted_message_count;
    return result;
end
$$;
comment on function stream_private.get_stream_summary(session_id uuid) is $$
What came of a stream: length, peak, viewers, watch time, messages and why it ended; while it goes on, so far. One call reads
10,000 viewers and 10,000 entries at most: beyond them the figures are estimates from these (about 1 in 100 off) until the stream
has ended. Then the next sweeps count all and keep the figures, which change no more. Seller and service only.
@callers authenticated, service_role
@errors invalid_argument, session_not_found, not_stream_owner
$$;

-- sql/private/token.sql

-- Agora tokens: minted for the host and for viewers, renewed, and inspected.
create or replace function stream_private.generate_seller_token(
    seller_id uuid default null,
    channel_id text default null,
    generation integer default null
)
returns stream.agora_token
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    return stream_ext.generate_token($1, $2, 'host', 'request', $3);
end
$$;
comment on function stream_private.generate_seller_token(seller_id uuid, channel_id text, generation integer) is $$
A publisher token for the seller of the stream on this channel. seller_id null: the caller. A stale generation is
refused, so that an old device cannot evict the new one; null: any.
@callers authenticated, service_role
@repeat safe
@errors isolation_level, invalid_argument, not_self, channel_not_found, not_stream_owner, stream_ended, stale_host,
    rate_limited, not_configured, certificate_missing, certificate_malformed, certificate_unsafe, vault_unreadable,
    clock_wrong
$$;

create or replace function stream_private.generate_buyer_token(buyer_id uuid default null, channel_id text default null)
returns stream.agora_token
language plpgsql security definer
-- Its rows are found by key without a statement, so it need not set and reset what it never plans with. The one statement
-- that is left reads the certificate from the Vault.
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_ext.generate_token($1, $2, 'viewer', 'request', null);
end
$$;
comment on function stream_private.generate_buyer_token(buyer_id uuid, channel_id text) is $$
A subscriber token for a viewer who has joined the stream on this channel. buyer_id null: the caller.
@callers authenticated, service_role
@repeat safe
@errors isolation_level, invalid_argument, not_self, channel_not_found, stream_ended, banned, not_viewer,
    rate_limited, not_configured, certificate_missing, certificate_malformed, certificate_unsafe, vault_unreadable,
    clock_wrong
$$;

create or replace function stream_private.refresh_token(
    user_id uuid default null,
    channel_id text default null,
    generation integer default null
)
returns stream.agora_token
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    return stream_ext.generate_token($1, $2, null, 'refresh', $3);
end
$$;
comment on function stream_private.refresh_token(user_id uuid, channel_id text, generation integer) is $$
A fresh token for the seller or a viewer of the stream on this channel, as the rows say; the older ones are retired
(Agora accepts them until they expire). user_id null: the caller. A stale generation of the seller is refused; null:
any. A viewer has none, and it is not looked at.
@callers authenticated, service_role
@repeat safe
@errors isolation_level, invalid_argument, not_self, channel_not_found, stream_ended, banned, not_viewer, stale_host,
    rate_limited, not_configured, certificate_missing, certificate_malformed, certificate_unsafe, vault_unreadable,
    clock_wrong
$$;

create or replace function stream_private.inspect_token(token text, channel_id text default null, account text default null)
returns stream.token_inspection
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    result stream.token_inspection;
begin
    select t.version, t.app_id, t.channel_id, t.account, t.role,
        array(
            select row(p.service, p.privilege, to_timestamp(p.expires_at))::stream.granted_privilege
            from jsonb_to_recordset(t.privileges) as p (service text, privilege text, expires_at bigint)
        ),
        to_timestamp(t.issued_at), to_timestamp(t.expires_at), t.is_expired, t.is_signed, t.signed_by
    into result
    from stream_ext.inspect_token($1, $2, $3) as t;
    return result;
end
$$;
comment on function stream_private.inspect_token(token text, channel_id text, account text) is $$
What an Agora token of version 007 or 006 says, and which certificate signed it. channel_id and account are needed to
check a token of version 006, which holds only their checksums. Service only; the answer never holds the token.
@callers service_role
@errors invalid_argument, not_configured, certificate_missing, certificate_malformed, certificate_unsafe,
    vault_unreadable, clock_wrong
$$;

-- sql/private/user.sql

-- Users: the signed-in one, and forgetting one.
-- Read by the extension: a cast would quote claims that it cannot read into the error and the log.
create or replace function stream_private.user_id()
returns uuid
language plpgsql stable parallel safe
as 'begin end';
comment on function stream_private.user_id() is $$
The signed-in user: claim sub of request.jwt.claims, null when there is none. Claims that are no JSON object or a sub
that is no uuid are refused with token_invalid.
@native
@plans nothing
@callers authenticated, service_role
@null
$$;

create or replace function stream_private.find_session_of_user(user_id uuid) returns uuid
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    -- One look-up by key after the other, until one finds something.
    return coalesce(
        (select m.session_id from stream.chat_messages as m where m.user_id = $1 limit 1),
        (select a.session_id from stream.authors_deleted as a where a.user_id = $1 limit 1),
        (select v.session_id from stream.stream_viewers as v where v.user_id = $1 limit 1),
        (select t.session_id from stream.agora_tokens as t where t.user_id = $1 limit 1),
        (select r.session_id from stream.chat_reads as r where r.user_id = $1 limit 1),
        (select b.session_id from stream.chat_subscriptions as b where b.user_id = $1 limit 1),
        (select r.session_id from stream.chat_restrictions as r where r.user_id = $1 limit 1),
        (select r.session_id from stream.chat_restrictions as r where r.actor = $1 limit 1),
        (select r.session_id from stream.restriction_rates as r where r.actor = $1 limit 1),
        (select l.session_id from stream.moderation_log as l where l.user_id = $1 and l.session_id is not null limit 1),
        (select l.session_id from stream.moderation_log as l where l.actor = $1 and l.session_id is not null limit 1),
        (select t.session_id from stream.blocked_terms as t where t.actor = $1 and t.session_id is not null limit 1),
        (select r.session_id from stream.message_reports as r where r.user_id = $1 limit 1),
        (select r.session_id from stream.report_rates as r where r.user_id = $1 limit 1),
        (select p.session_id from stream.reported_messages as p where p.resolved_by = $1 limit 1),
        (select e.session_id from stream.late_events as e where e.user_id = $1 limit 1)
    );
end
$$;
comment on function stream_private.find_session_of_user(uuid) is 'A stream in which something is stored of a user, but its seller.';

create or replace function stream_private.forget_in_session(user_id uuid, session_id uuid, at_most integer) returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    nobody constant pg_catalog.uuid := '00000000-0000-0000-0000-000000000000'::pg_catalog.uuid;
    agora_uid pg_catalog.int4;
    changed pg_catalog.int4 := 0;
    rows pg_catalog.int4;
begin
    delete from stream.late_events as e where e.user_id = $1 and e.session_id = $2;
    if not exists (select from stream.stream_sessions as s where s.id = $2) then
        delete from stream.authors_deleted as a where a.user_id = $1 and a.session_id = $2;
        return 1;
    end if;
    select v.agora_uid into agora_uid from stream.stream_viewers as v where v.session_id = $2 and v.user_id = $1;
    -- The log first: its locks come before those of what hangs on it.
    changed := stream_ext.erase_from_log($2, $1, $3);
    delete from stream.webhook_cursors as k where k.session_id = $2 and k.uid = agora_uid;
    update stream.webhook_events as e set uid = null, client_seq = null where e.session_id = $2 and e.uid = agora_uid;
    delete from stream.agora_tokens as t where t.ctid = any (array(
        select o.ctid from stream.agora_tokens as o where o.session_id = $2 and o.user_id = $1 limit $3));
    get diagnostics rows = row_count;
    changed := changed + rows;
    delete from stream.chat_reads as r where r.session_id = $2 and r.user_id = $1;
    delete from stream.chat_subscriptions as b where b.session_id = $2 and b.user_id = $1;
    delete from stream.chat_restrictions as r where r.session_id = $2 and r.user_id = $1;
    update stream.chat_restrictions as r set actor = nobody, reason = null where r.ctid = any (array(
        select o.ctid from stream.chat_restrictions as o where o.actor = $1 and o.session_id = $2 limit $3 for update));
    delete from stream.restriction_rates as r where r.session_id = $2 and r.actor = $1;
    update stream.moderation_log as l set actor = nobody, reason = null where l.id = any (array(
        select o.id from stream.moderation_log as o where o.actor = $1 and o.session_id = $2 limit $3));
    get diagnostics rows = row_count;
    changed := changed + rows;
    update stream.blocked_terms as t set actor = nobody where t.session_id = $2 and t.actor = $1;
    delete from stream.message_reports as r where r.ctid = any (array(
        select o.ctid from stream.message_reports as o where o.user_id = $1 and o.session_id = $2 limit $3));
    get diagnostics rows = row_count;
    changed := changed + rows;
    delete from stream.report_rates as r where r.session_id = $2 and r.user_id = $1;
    update stream.reported_messages as p set resolved_by = nobody where (p.session_id, p.seq) in (
        select o.session_id, o.seq from stream.reported_messages as o
        where o.resolved_by = $1 and o.session_id = $2 order by o.seq limit $3 for no key update);
    return greatest(changed, 1);
end
$$;
comment on function stream_private.forget_in_session(uuid, uuid, integer) is
    'One part of forgetting a user in a stream; at least 1, as a row of the user was found there.';

create or replace function stream_private.forget_user(user_id uuid)
returns stream.erasure_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    nobody constant pg_catalog.uuid := '00000000-0000-0000-0000-000000000000'::pg_catalog.uuid;
    at_most pg_catalog.int4 := (select c.sweep_batch_size from stream.config as c limit 1);
    session pg_catalog.uuid;
    changed pg_catalog.int4 := 0;
    rows pg_catalog.int4;
begin
    perform stream_ext.enter_to_write();
    if $1 is null or $1 = nobody then
        perform stream_ext.refuse_with_hint('invalid_argument', 'user_id must be the id of a user');
    end if;
    if exists (select from stream.stream_sessions as s where s.seller_id = $1 and s.state <> 'ended') then
        perform stream_ext.refuse_with_hint('stream_live', 'The user sells in a live stream: end it first.');
    end if;
    -- One stream a call, so that nobody in another one waits for it.
    session := stream_private.find_session_of_user($1);
    if session is not null then
        return row(stream_private.forget_in_session($1, session, at_most), true)::stream.erasure_result;
    end if;

    update stream.moderation_log as l set actor = nobody, reason = null where l.id = any (array(
        select o.id from stream.moderation_log as o where o.actor = $1 limit at_most));
    get diagnostics rows = row_count;
    changed := changed + rows;
    update stream.moderation_log as l set user_id = nobody, reason = null where l.id = any (array(
        select o.id from stream.moderation_log as o where o.user_id = $1 limit at_most));
    get diagnostics rows = row_count;
    changed := changed + rows;
    update stream.blocked_terms as t set actor = nobody where t.id = any (array(
        select o.id from stream.blocked_terms as o where o.actor = $1 limit at_most));
    get diagnostics rows = row_count;
    changed := changed + rows;
    delete from stream.requests as r where r.id = any (array(
        select o.id from stream.requests as o where o.caller = $1 limit at_most));
    get diagnostics rows = row_count;
    changed := changed + rows;
    delete from stream.requests as r where r.id = any (array(
        select o.id from stream.requests as o where o.about = $1 limit at_most));
    get diagnostics rows = row_count;
    changed := changed + rows;
    -- Last in the order of locks.
    delete from stream.start_rates as r where r.seller_id = $1;
    get diagnostics rows = row_count;
    changed := changed + rows;
    if changed > 0 then
        return row(changed, true)::stream.erasure_result;
    end if;
    -- The sold ones last: a table of the application that refers to one and keeps it fails the call.
    select s.id into session from stream.stream_sessions as s where s.seller_id = $1 order by s.id limit 1;
    if found then
        update stream.webhook_events as e set uid = null, client_seq = null
        where e.session_id = session and e.uid between 1 and 999999;
        return row(stream_ext.delete_ended_stream(session, at_most), true)::stream.erasure_result;
    end if;
    return row(0, false)::stream.erasure_result;
end
$$;
comment on function stream_private.forget_user(user_id uuid) is $$
Erases a user from everything that is stored here, a part of it in each call: go on while has_more is true. Messages lose text,
name and id and keep their numbers, stored frames that carried them go, the streams that the user sold are deleted, places, tokens,
read marks, subscriptions, restrictions and reports go too. In what others did and in moderation logs the nil uuid takes the
user's place. Also after the account is gone; refused while the user sells in a live stream. A table of the application that refers to
a sold stream without a cascade fails the call (23503), when what the user did elsewhere is gone. Service only.
@callers service_role
@repeat safe
@errors isolation_level, invalid_argument, stream_live
$$;

-- sql/private/user_export.sql

-- Exporting what is stored of a user.

-- A host's uid is the generation of the stream, so the host has had every uid from 1 to the present one.
do $missing$
begin
    if to_regclass('stream_private.agora_uids') is null then
        execute $create$
create view stream_private.agora_uids as
select v.user_id, v.session_id, v.agora_uid as first_uid, v.agora_uid as last_uid
from stream.stream_viewers as v
union all
select s.seller_id, s.id, 1, s.generation
from stream.stream_sessions as s
$create$;
    end if;
end
$missing$;
comment on view stream_private.agora_uids is 'The range of Agora uids that a user has had in a stream, as a viewer or as its host.';
revoke all on table stream_private.agora_uids from public, anon, authenticated, service_role;

create or replace function stream_private.export_user(user_id uuid)
returns setof json
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    perform stream_ext.enter_to_read();
    if $1 is null then
        perform stream_ext.refuse_with_hint('invalid_argument', 'user_id must not be null');
    end if;
    return query
    select json_build_object('table', 'stream_sessions', 'record', json_build_object(
        'id', s.id, 'auction_id', s.auction_id, 'channel_id', s.channel_id, 'state', s.state, 'state_reason', s.state_reason,
        'created_at', s.created_at, 'started_at', s.started_at, 'ended_at', s.ended_at,
        'peak_viewer_count', s.peak_viewer_count, 'message_count', s.message_count,
        'deleted_message_count', s.deleted_message_count, 'unique_viewers', s.unique_viewers, 'watch_ms', s.watch_ms,
        'chat_mode', s.chat_mode, 'slow_mode_ms', s.slow_mode_ms, 'metadata', s.metadata))
    from stream.stream_sessions as s where s.seller_id = $1 order by s.id;
    return query
    select json_build_object('table', 'start_rates', 'record', json_build_object('tat', r.tat))
    from stream.start_rates as r where r.seller_id = $1;
    return query
    select json_build_object('table', 'stream_viewers', 'record', json_build_object(
        'session_id', v.session_id, 'agora_uid', v.agora_uid, 'join_no', v.join_no, 'joined_at', v.joined_at,
        'left_at', v.left_at, 'last_seen_at', v.last_seen_at, 'foreground', v.foreground, 'watch_ms', v.watch_ms,
        'last_chat_at', v.last_chat_at))
    from stream.stream_viewers as v where v.user_id = $1 order by v.session_id;
    return query
    select json_build_object('table', 'chat_messages', 'record', json_build_object(
        'session_id', m.session_id, 'seq', m.seq, 'id', m.id, 'username', m.username, 'content', m.content,
        'created_at', m.created_at, 'metadata', m.metadata, 'deleted_at', m.deleted_at))
    from stream.chat_messages as m where m.user_id = $1 order by m.session_id, m.seq;
    return query
    select json_build_object('table', 'authors_deleted', 'record', json_build_object(
        'session_id', m.session_id, 'seq', m.seq, 'id', m.id, 'username', m.username, 'content', m.content,
        'created_at', m.created_at, 'metadata', m.metadata, 'deleted_at', m.deleted_at))
    from stream.authors_deleted as a
    cross join unnest(a.seqs) as r (seqs)
    join stream.chat_messages as m
        on m.session_id = a.session_id and m.seq >= lower(r.seqs) and m.seq < upper(r.seqs) and m.user_id is null
    where a.user_id = $1 order by m.session_id, m.seq;
    return query
    select json_build_object('table', 'chat_reads', 'record', json_build_object(
        'session_id', r.session_id, 'read', r.read::text, 'updated_at', r.updated_at))
    from stream.chat_reads as r where r.user_id = $1 order by r.session_id;
    return query
    select json_build_object('table', 'chat_subscriptions', 'record', json_build_object(
        'session_id', b.session_id, 'id', b.id, 'channel', b.channel, 'is_active', b.is_active,
        'created_at', b.created_at, 'ended_at', b.ended_at))
    from stream.chat_subscriptions as b where b.user_id = $1 order by b.session_id;
    return query
    select json_build_object('table', 'agora_tokens', 'record', json_build_object(
        'session_id', t.session_id, 'channel_id', t.channel_id, 'uid', t.uid, 'privileges', t.privileges,
        'created_at', t.created_at, 'expires_at', t.expires_at, 'is_active', t.is_active))
    from stream.agora_tokens as t where t.user_id = $1 order by t.session_id, t.created_at;
    return query
    select json_build_object('table', 'webhook_cursors', 'record', json_build_object(
        'session_id', k.session_id, 'uid', k.uid, 'is_present', k.is_present, 'happened_at', k.happened_at))
    from stream_private.agora_uids as u
    join stream.webhook_cursors as k on k.session_id = u.session_id and k.uid between u.first_uid and u.last_uid
    where u.user_id = $1 order by k.session_id, k.uid;
    return query
    select json_build_object('table', 'webhook_events', 'record', json_build_object(
        'session_id', e.session_id, 'uid', e.uid, 'event_type', e.event_type, 'happened_at', e.happened_at,
        'reason', e.reason, 'duration_s', e.duration_s))
    from stream_private.agora_uids as u
    join stream.webhook_events as e on e.session_id = u.session_id and e.uid between u.first_uid and u.last_uid
    where u.user_id = $1 order by e.session_id, e.happened_at;
    return query
    select json_build_object('table', 'late_events', 'record', json_build_object(
        'session_id', e.session_id, 'event', e.event, 'payload', e.payload, 'noted_at', e.noted_at))
    from stream.late_events as e where e.user_id = $1 order by e.session_id, e.subject;
    -- Of what others decided about the user, all but who they are; of what the user decided about others, not about whom.
    return query
    select json_build_object('table', 'chat_restrictions', 'record', json_build_object(
        'session_id', r.session_id, 'kind', r.kind, 'until', r.until, 'reason', r.reason, 'created_at', r.created_at))
    from stream.chat_restrictions as r where r.user_id = $1 order by r.session_id, r.kind;
    return query
    select json_build_object('table', 'chat_restrictions', 'as', 'actor', 'record', json_build_object(
        'session_id', r.session_id, 'kind', r.kind, 'until', r.until, 'created_at', r.created_at))
    from stream.chat_restrictions as r where r.actor = $1 order by r.session_id, r.created_at;
    return query
    select json_build_object('table', 'restriction_rates', 'as', 'actor', 'record', json_build_object(
        'session_id', r.session_id, 'tat', r.tat))
    from stream.restriction_rates as r where r.actor = $1 order by r.session_id;
    return query
    select json_build_object('table', 'moderation_log', 'record', json_build_object(
        'session_id', l.session_id, 'seq', l.seq, 'action', l.action, 'target_seq', l.target_seq, 'reason', l.reason,
        'until', l.until, 'created_at', l.created_at))
    from stream.moderation_log as l where l.user_id = $1 order by l.created_at, l.id;
    return query
    select json_build_object('table', 'moderation_log', 'as', 'actor', 'record', json_build_object(
        'session_id', l.session_id, 'seq', l.seq, 'action', l.action, 'term', l.term, 'created_at', l.created_at))
    from stream.moderation_log as l where l.actor = $1 order by l.created_at, l.id;
    return query
    select json_build_object('table', 'blocked_terms', 'as', 'actor', 'record', json_build_object(
        'session_id', t.session_id, 'term', t.term, 'created_at', t.created_at))
    from stream.blocked_terms as t where t.actor = $1 order by t.created_at;
    return query
    select json_build_object('table', 'message_reports', 'record', json_build_object(
        'session_id', r.session_id, 'seq', r.seq, 'reason', r.reason, 'created_at', r.created_at))
    from stream.message_reports as r where r.user_id = $1 order by r.session_id, r.seq;
    return query
    select json_build_object('table', 'report_rates', 'record', json_build_object(
        'session_id', r.session_id, 'tat', r.tat))
    from stream.report_rates as r where r.user_id = $1 order by r.session_id;
    return query
    select json_build_object('table', 'reported_messages', 'as', 'resolved_by', 'record', json_build_object(
        'session_id', p.session_id, 'seq', p.seq, 'resolved_at', p.resolved_at))
    from stream.reported_messages as p where p.resolved_by = $1 order by p.session_id, p.seq;
    return query
    select json_build_object('table', 'requests', 'as', 'caller', 'record', json_build_object(
        'request_id', r.request_id, 'operation', r.operation, 'created_at', r.created_at))
    from stream.requests as r where r.caller = $1 order by r.created_at, r.request_id;
    return query
    select json_build_object('table', 'requests', 'record', json_build_object(
        'operation', r.operation, 'created_at', r.created_at))
    from stream.requests as r where r.about = $1 and r.caller is distinct from $1 order by r.created_at, r.request_id;
end
$$;
comment on function stream_private.export_user(user_id uuid) is $$
Everything that is stored of a user, as JSON lines: one object {table, record} for each row, with as where the user acted on
what is somebody else's. It says nothing of other people, and holds neither tokens nor their hashes. Service only.
@callers service_role
@errors invalid_argument
$$;

-- sql/private/viewer.sql

-- Viewers: joining, leaving, heartbeats, counting.
create or replace function stream_private.wait_at_gate(session_id uuid, alone boolean)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '100ms'
as $$
begin
    perform stream_ext.enter_gate($1, $2);
    if $2 then
        perform from stream.stream_sessions as s where s.id = $1 for no key update;
    end if;
    return true;
exception when lock_not_available then
    return false;
end
$$;
comment on function stream_private.wait_at_gate(uuid, boolean) is
    'Waits 100 ms for the gate of a session and, to be alone, 100 ms for its row; false when that was not enough, and nothing is held.';

create or replace function stream_private.wait_for_session(session_id uuid)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '3s'
as $$
begin
    perform from stream.stream_sessions as s where s.id = $1 for no key update;
    return true;
exception when lock_not_available then
    return false;
end
$$;
comment on function stream_private.wait_for_session(uuid) is
    'Waits for the row of a session longer than the usual deadlock_timeout, so that Postgres finds a circle.';

create or replace function stream_private.add_viewer(session_id uuid, buyer_id uuid default null)
returns stream.viewer_lease
language plpgsql
as 'begin end';
comment on function stream_private.add_viewer(session_id uuid, buyer_id uuid) is $$
Joins a stream; a second join keeps the row and counts join_no up. buyer_id null: the caller.
@native
@callers authenticated, service_role
@repeat safe
@errors isolation_level, invalid_argument, not_self, session_not_found, cannot_view, banned, stream_ended
$$;

create or replace function stream_private.join_stream(session_id uuid)
returns stream.join_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    joined pg_catalog.record;
    result stream.join_result;
begin
    select j.user_id, j.agora_uid, j.join_no, j.joined_at, j.token, j.expires_at, j.retry_after_ms
    into joined
    from stream_ext.join_with_token($1) as j;
    result.lease := row($1, joined.user_id, joined.agora_uid, joined.join_no, joined.joined_at)::stream.viewer_lease;
    if joined.token is not null then
        result.token := row(
            joined.token, $1::text, joined.agora_uid, joined.expires_at,
            row(false, true, false)::stream.token_privileges
        )::stream.agora_token;
    end if;
    result.retry_after_ms := joined.retry_after_ms;
    result.sync := stream_private.sync($1, null, null);
    result.contract_version := stream_private.contract_version();
    result.oldest_client := stream_private.oldest_client();
    return result;
end
$$;
comment on function stream_private.join_stream(session_id uuid) is $$
Joins a stream in one call: lease, subscriber token and everything that sync answers. Never refused for its rate:
beyond config.token_rate_per_minute the token is the newest one again, or null with retry_after_ms.
@callers authenticated
@repeat safe
@errors isolation_level, invalid_argument, session_not_found, cannot_view, banned, stream_ended, not_configured,
    certificate_missing, certificate_malformed, certificate_unsafe, vault_unreadable, clock_wrong
$$;

create or replace function stream_private.remove_viewer(session_id uuid, buyer_id uuid default null, join_no integer default null)
returns text
language plpgsql
as 'begin end';
comment on function stream_private.remove_viewer(session_id uuid, buyer_id uuid, join_no integer) is $$
Leaves a stream: removed, not_joined, or superseded when join_no is not the newest join (nothing changes then).
Without join_no a late repetition ends a newer join.
@native
@callers authenticated, service_role
@repeat safe with join_no
@errors isolation_level, invalid_argument, not_self, session_not_found
$$;

create or replace function stream_private.get_viewer_count(session_id uuid)
returns integer
language plpgsql stable
as 'begin end';
comment on function stream_private.get_viewer_count(session_id uuid) is $$
The number of viewers who hold a lease, counted now; stream_sessions.viewer_count and the broadcasts follow the tick.
@native
@callers authenticated, service_role
@errors invalid_argument, session_not_found, cannot_view
$$;

create or replace function stream_private.get_viewers(session_id uuid, after uuid default null, page_size integer default 50)
returns setof stream.viewer
language plpgsql stable
as 'begin end';
comment on function stream_private.get_viewers(session_id uuid, after uuid, page_size integer) is $$
The viewers who hold a lease, by ascending user_id, those behind after; page_size 1 to 200. Seller and service only.
@native
@callers authenticated, service_role
@errors invalid_argument, session_not_found, not_stream_owner
$$;

create or replace function stream_private.note_deleted_viewers() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    insert into stream.viewer_changes (session_id) select distinct o.session_id from old_rows as o where o.is_active;
    return null;
end
$$;
comment on function stream_private.note_deleted_viewers() is 'A deleted user no longer counts.';

do $missing$
begin
    if not exists (select from pg_catalog.pg_trigger as o
        where o.tgrelid = 'stream.stream_viewers'::regclass and o.tgname = 'stream_viewers_note_deleted') then
        execute $create$
create trigger stream_viewers_note_deleted
after delete on stream.stream_viewers
referencing old table as old_rows
for each statement execute function stream_private.note_deleted_viewers()
$create$;
    end if;
end
$missing$;

-- sql/private/viewer_heartbeat.sql

-- Heartbeats: of one device, and of many for the service.
create or replace function stream_private.heartbeat(
    session_id uuid,
    foreground boolean default null,
    generation integer default null,
    join_no integer default null,
    user_id uuid default null,
    token_expires_at timestamptz default null
)
returns stream.heartbeat_result
language plpgsql
as 'begin end';
comment on function stream_private.heartbeat(session_id uuid, foreground boolean, generation integer, join_no integer, user_id uuid, token_expires_at timestamptz) is $$
Says that a device is still there. The seller's keeps the stream alive (a stale generation is refused) and brings it
back from host_lost; a viewer's prolongs the lease, unless join_no is not the newest join. Waits for nobody who holds
the row, the seller's 200 ms at most: it answers the same then and writes nothing. A device whose log ends below
head_seq is behind and calls sync. A fresh token comes along in the last
quarter of the caller's, at most one in 30 s. token_expires_at is when the token ends that the caller holds; null: the
older one, until it has ended, since an answer can be lost. None comes where an operator has to mend something first.
user_id null: the caller.
@native
@callers authenticated, service_role
@repeat safe
@errors isolation_level, invalid_argument, not_self, session_not_found, stream_ended, banned, not_viewer, stale_host
$$;

create or replace function stream_private.heartbeats(items json)
returns setof stream.batched_heartbeat
language plpgsql
as 'begin end';
comment on function stream_private.heartbeats(items json) is $$
Heartbeats of many devices in one call of the service: an array of at most 1,000 objects {session_id, user_id, foreground?,
generation?, join_no?, token_expires_at?, claims?}. One answer per item, in order, with all that heartbeat answers, a fresh
token included: it belongs to that user alone. A bad item costs only itself. claims are the verified ones of the user for
whom it is sent; the item is then judged as that user's own call, and claims that are null or of another role than
authenticated are refused. Waits for nobody: the seller's heartbeat gets lock_timeout where it would have to, send it alone
then. Of several about one user and session the last is written, and one before it that says more gets lock_timeout too.
@native
@callers service_role
@repeat safe
@errors isolation_level, invalid_argument
$$;

-- sql/private/webhook.sql

-- Notices of Agora's notification service, applied once each.
create or replace function stream_private.apply_webhook(notice json)
returns stream.webhook_result
language plpgsql
as 'begin end';
comment on function stream_private.apply_webhook(notice json) is $$
Stores and applies a notice of Agora's notification service whose signature the caller has verified: once per
noticeId, and per user only if it is newer than those before. Status is applied, duplicate, outdated, ignored,
unknown_channel or test.
@native
@callers service_role
@repeat safe
@errors isolation_level, invalid_argument
$$;

-- sql/realtime/emission.sql

-- The trigger that emits state changes and viewer counts to Supabase Realtime, in the writing transaction, once per statement.
-- Payloads are the composites of schema/072_event_types.sql. Log entries are sent by the functions that write them (pg_stream_ext: relay).
create or replace function stream_private.emit_live(session_id uuid, auction_id uuid, state text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
begin
    perform stream_ext.emit('live', 'live', to_jsonb(row($1, $2, $3, clock_timestamp())::stream.live_event)::text);
end
$$;
comment on function stream_private.emit_live(uuid, uuid, text) is
    'Broadcasts to the topic live. Every signed-in user may join that, so it says nothing but which stream and auction.';

create or replace function stream_private.emit_session_changes() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
-- The times in an event that everybody reads do not depend on who caused it.
set timezone = 'UTC'
as $$
declare
    changed pg_catalog.record;
begin
    for changed in
        select n.id, n.state, o.state as previous_state, n.state_reason, n.state_seq, n.generation,
            n.viewer_count, n.peak_viewer_count, n.reconnect_deadline,
            (n.state, n.generation) is distinct from (o.state, o.generation) as state_changed,
            n.auction_id,
            n.started_at is not null and (o.started_at is null or n.state = 'ended' and o.state <> 'ended') as list_changed,
            n.viewer_count is distinct from o.viewer_count as count_changed
        from new_rows as n
        join old_rows as o on o.id = n.id
        where (n.state, n.generation, n.viewer_count) is distinct from (o.state, o.generation, o.viewer_count)
        order by n.id
    loop
        if changed.state_changed then
            perform stream_ext.emit('stream:' || changed.id, 'state', to_json(row(
                changed.id, changed.state_seq, changed.state, changed.previous_state, changed.state_reason,
                changed.generation, changed.generation, changed.reconnect_deadline, clock_timestamp()
            )::stream.state_event)::text);
        end if;
        if changed.list_changed then
            perform stream_private.emit_live(changed.id, changed.auction_id, changed.state);
        end if;
        -- Where counts have a window the regular work broadcasts them, at its end.
        if changed.count_changed and (changed.state = 'ended' or not exists (
            select from stream.chat_relay as r where r.session_id = changed.id and r.viewers_window_ms > 0
        )) then
            perform stream_ext.emit('viewers:' || changed.id, 'viewer_count', to_json(row(
                changed.id, changed.viewer_count, changed.peak_viewer_count, clock_timestamp()
            )::stream.viewer_count_event)::text);
        end if;
    end loop;
    return null;
end
$$;
comment on function stream_private.emit_session_changes() is
    'Broadcasts state changes to stream:<id>, viewer counts to viewers:<id> unless they have a window, and first activations and the ends after them to live.';

do $missing$
begin
    if not exists (select from pg_catalog.pg_trigger as o
        where o.tgrelid = 'stream.stream_sessions'::regclass and o.tgname = 'stream_sessions_emit_changes') then
        execute $create$
create trigger stream_sessions_emit_changes
after update on stream.stream_sessions
referencing old table as old_rows new table as new_rows
for each statement execute function stream_private.emit_session_changes()
$create$;
    end if;
end
$missing$;

-- sql/realtime/policies.sql

-- The policy of private Realtime channels. The database is the only sender: there is no insert policy.
create or replace function stream_private.can_read_topic(topic text) returns boolean
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    caller pg_catalog.uuid := stream_ext.user_id();
    kind pg_catalog.text := split_part(topic, ':', 1);
    subject pg_catalog.uuid;
begin
    if topic = 'live' then
        return caller is not null;
    end if;
    -- Only the canonical form of a uuid: one topic, one spelling.
    if caller is null or topic !~ '^(stream|chat|viewers|user|canary):[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then
        return false;
    end if;
    subject := split_part(topic, ':', 2)::uuid;
    if kind in ('user', 'canary') then
        return subject = caller;
    end if;
    return exists (
        select from stream.stream_sessions as s
        where s.id = subject and stream_private.may_watch(caller, s.id, s.seller_id)
            and (kind <> 'chat' or s.seller_id = caller or stream_private.has_joined(caller, s.id))
    );
end
$$;
comment on function stream_private.can_read_topic(topic text) is $$
Whether the caller may read a topic: stream and viewers need the right to view and no ban, chat needs to have joined too, user and canary
are one's own, live is every signed-in user's.
@policy
@callers authenticated
$$;

-- realtime.topic() is null outside Realtime's own check, so the stored rows cannot be read through this policy.
do $missing$
begin
    if not exists (select from pg_catalog.pg_policy as o
        where o.polrelid = 'realtime.messages'::regclass and o.polname = 'stream_topics_read') then
        execute $create$
create policy stream_topics_read on realtime.messages
for select to authenticated
using (extension = 'broadcast' and (select stream_private.can_read_topic((select realtime.topic()))))
$create$;
    end if;
end
$missing$;

-- sql/api/005_core.sql

-- Generated by `cargo x generate` from stream_core: its error catalogue, the moves of a stream and the limits.

do $missing$
begin
    if to_regclass('stream_private.error_catalogue') is null then
        execute $create$
create view stream_private.error_catalogue as
select v.code::text, v.category::text, v.sqlstate::text, v.status::integer, v.recoverable::boolean, v.message::text, v.hint::text
from (values
    ('invalid_argument', 'system_error', 'PT400', 400, false, 'an argument is missing or out of range', 'Check the arguments against the documentation of the function.'),
    ('isolation_level', 'system_error', 'PT400', 400, false, 'this call needs a READ COMMITTED transaction', 'Call it outside REPEATABLE READ and SERIALIZABLE transactions.'),
    ('unauthenticated', 'authentication_error', 'PT401', 401, false, 'sign in first', 'Send the access token of a signed-in user.'),
    ('token_expired', 'authentication_error', null, 401, true, 'the access token has expired', 'Refresh the session and try again.'),
    ('token_invalid', 'authentication_error', 'PT401', 401, false, 'the access token is not valid', 'Sign in again.'),
    ('webhook_signature_invalid', 'authentication_error', null, 401, false, 'the signature of the notification is not valid', 'Sign the raw body with the secret of the notification service (Agora-Signature-V2).'),
    ('webhook_signature_outdated', 'authentication_error', null, 401, false, 'the notification carries only the older SHA-1 signature', 'Pass the header Agora-Signature-V2 on; a proxy may have dropped it.'),
    ('forbidden', 'permission_error', 'PT403', 403, false, 'this function is not open to direct calls', 'Call the function of the same purpose in schema stream.'),
    ('not_self', 'permission_error', 'PT403', 403, false, 'a user may act for themself only', 'Leave the user id out or pass your own.'),
    ('not_stream_owner', 'permission_error', 'PT403', 403, false, 'only the seller of this stream may do that', 'Sign in as the seller who started the stream.'),
    ('not_auction_owner', 'permission_error', 'PT403', 403, false, 'only the seller of this auction may stream it', 'Start the stream as the owner of the auction.'),
    ('not_viewer', 'permission_error', 'PT403', 403, true, 'join the stream first', 'Call add_viewer for this stream, then try again.'),
    ('banned', 'permission_error', 'PT403', 403, false, 'you are banned from this stream', 'Ask the seller to lift the ban.'),
    ('cannot_view', 'permission_error', 'PT403', 403, false, 'you may not watch this stream', 'Ask the seller for access.'),
    ('cannot_chat', 'permission_error', 'PT403', 403, false, 'you may not chat in this stream', 'Wait for the seller to lift the restriction.'),
    ('anonymous_user', 'permission_error', 'PT403', 403, false, 'anonymous users may not chat', 'Create an account or sign in to chat.'),
    ('not_moderator', 'permission_error', 'PT403', 403, false, 'only a moderator of this stream may do that', 'Ask the seller to make you a moderator.'),
    ('muted', 'permission_error', 'PT403', 403, false, 'you are muted in this stream', 'Wait until the mute ends or ask the seller to lift it.'),
    ('chat_closed', 'permission_error', 'PT403', 403, false, 'the chat is not open to you at the moment', 'Wait until the chat mode of the stream changes.'),
    ('session_not_found', 'stream_error', 'PT404', 404, false, 'no such stream', 'Check the session id.'),
    ('message_not_found', 'chat_error', 'PT404', 404, false, 'no such message in this stream', 'Check the message id.'),
    ('subscription_not_found', 'chat_error', 'PT404', 404, false, 'no such subscription', 'Check the subscription id.'),
    ('channel_not_found', 'stream_error', 'PT404', 404, false, 'no such channel', 'Use the channel_id of the stream session.'),
    ('route_not_found', 'system_error', null, 404, false, 'no such route', 'Check the method and the path.'),
    ('illegal_transition', 'stream_error', 'PT409', 409, false, 'the stream cannot move to that state from its present one', 'Read the state first; an ended stream never changes again.'),
    ('auction_live', 'stream_error', 'PT409', 409, false, 'this auction is already being streamed', 'End the running stream before starting another.'),
    ('message_id_conflict', 'chat_error', 'PT409', 409, false, 'this message id was used for another message', 'Make a new random id for every message.'),
    ('request_id_conflict', 'system_error', 'PT409', 409, false, 'this request id was used for another request', 'Make a new random id for every request.'),
    ('stale_host', 'stream_error', 'PT409', 409, false, 'another device of the seller has taken over this stream', 'Stop publishing on this device, or start the stream here again.'),
    ('takeovers_exhausted', 'stream_error', 'PT409', 409, false, 'this stream cannot be taken over any more', 'End the stream and start a new one.'),
    ('stream_live', 'stream_error', 'PT409', 409, false, 'the stream has not ended yet', 'End the stream before deleting it, its seller or its auction.'),
    ('stream_ended', 'stream_error', 'PT410', 410, false, 'the stream has ended', 'Start a new stream.'),
    ('content_empty', 'chat_error', 'PT422', 422, false, 'the message is empty', 'Write at least one visible character.'),
    ('content_too_long', 'chat_error', 'PT422', 422, false, 'the message is longer than 2000 characters', 'Shorten the message.'),
    ('content_invalid', 'chat_error', 'PT422', 422, false, 'the message contains characters that are not allowed', 'Remove control characters and text-direction overrides.'),
    ('content_blocked', 'chat_error', 'PT422', 422, false, 'the message contains a blocked term', 'Write it in other words.'),
    ('payload_too_large', 'system_error', 'PT413', 413, false, 'the request is too large', 'Send less in one request.'),
    ('slow_mode', 'chat_error', 'PT429', 429, true, 'slow mode is on', 'Wait for retry_after_ms before the next message.'),
    ('rate_limited', 'system_error', 'PT429', 429, true, 'too many requests', 'Wait for retry_after_ms before trying again.'),
    ('not_configured', 'system_error', 'PT500', 500, false, 'streaming is not configured', 'The operator must store a valid Agora app id and certificate.'),
    ('webhook_not_configured', 'system_error', null, 503, false, 'the secret of the notification service is not configured', 'The operator must set AGORA_WEBHOOK_SECRET for the service.'),
    ('certificate_missing', 'system_error', 'PT500', 500, false, 'the Agora certificate is not there', 'The operator must store it in Vault or in the file that the setting names.'),
    ('certificate_malformed', 'system_error', 'PT500', 500, false, 'the Agora certificate is malformed', 'The operator must store the 32 hexadecimal digits that the Agora console shows.'),
    ('certificate_unsafe', 'system_error', 'PT500', 500, false, 'the file of the Agora certificate is not safe', 'The operator must give it to the server''s user alone, mode 0600 or 0400.'),
    ('vault_unreadable', 'system_error', 'PT500', 500, true, 'the Vault cannot be read', 'The operator must let the owner of the tables read vault.decrypted_secrets.'),
    ('clock_wrong', 'system_error', 'PT500', 500, false, 'the clock of the server is wrong', 'The operator must correct the time of the database server.'),
    ('upstream_unavailable', 'network_error', null, 503, true, 'the service cannot reach its database', 'Try again later.'),
    ('overloaded', 'system_error', null, 503, true, 'the service is busy', 'Wait for retry_after_ms before trying again; the request was not begun.'),
    ('internal', 'system_error', 'PT500', 500, false, 'something went wrong inside the service', 'Report the request id to the operator.'),
    ('statement_timeout', 'system_error', '57014', 504, true, 'the request took too long', 'Try again later.'),
    ('lock_timeout', 'system_error', '55P03', 503, true, 'the stream is busy', 'Try again later.'),
    ('deadlock', 'system_error', '40P01', 503, true, 'the request collided with another one', 'Try again.'),
    ('too_many_connections', 'system_error', '53300', 503, true, 'the database has no free connection', 'Try again later.'),
    ('disk_full', 'system_error', '53100', 503, false, 'the database has no room left on its disk', 'The operator must make room on the disk of the database server.'),
    ('out_of_memory', 'system_error', '53200', 503, true, 'the database has no memory left for this request', 'Try again later.'),
    ('resource_limit', 'system_error', '53400', 503, false, 'the request exceeds a limit of the database server', 'The operator must raise the limit that the server''s log names.'),
    ('storage_failed', 'system_error', '58030', 503, false, 'the storage of the database failed', 'The operator must look at the disk of the database server.'),
    ('server_stopping', 'network_error', '57P01', 503, true, 'the database is shutting down or ended this connection', 'Try again later; whether the call took effect is not known.'),
    ('server_crashed', 'network_error', '57P02', 503, true, 'the database server is recovering from a crash', 'Try again later; whether the call took effect is not known.'),
    ('server_starting', 'network_error', '57P03', 503, true, 'the database does not accept connections yet', 'Try again later.'),
    ('read_only', 'system_error', '25006', 503, true, 'the database accepts no writes', 'Try again later; writing calls must be sent as POST.'),
    ('permission_denied', 'permission_error', '42501', 403, false, 'permission denied', 'Sign in with a role that may call this function.'),
    ('invalid_text', 'system_error', '22021', 400, false, 'the text is not valid UTF-8', 'Send UTF-8 without zero characters.'),
    ('invalid_escape', 'system_error', '22P05', 400, false, 'a text holds an escape that cannot be stored', 'Send no zero characters.'),
    ('out_of_range', 'system_error', '22003', 400, false, 'a number is out of range', 'Check the range of numbers against the documentation.'),
    ('invalid_syntax', 'system_error', '22P02', 400, false, 'a value is malformed', 'Check the format of ids and numbers.')
) as v (code, category, sqlstate, status, recoverable, message, hint)
$create$;
    end if;
end
$missing$;
comment on view stream_private.error_catalogue is
    'The error codes. sqlstate is null where no function raises the code; hint is what the caller is told to do.';
revoke all on table stream_private.error_catalogue from public, anon, authenticated, service_role;

do $missing$
begin
    if to_regclass('stream_private.state_transitions') is null then
        execute $create$
create view stream_private.state_transitions as
select v.from_state::text, v.to_state::text, v.changes::boolean
from (values
    ('initializing', 'initializing', false),
    ('initializing', 'active', true),
    ('initializing', 'ended', true),
    ('initializing', 'error', true),
    ('active', 'active', false),
    ('active', 'paused', true),
    ('active', 'ended', true),
    ('active', 'error', true),
    ('paused', 'active', true),
    ('paused', 'paused', false),
    ('paused', 'ended', true),
    ('paused', 'error', true),
    ('ended', 'ended', false),
    ('error', 'initializing', true),
    ('error', 'active', true),
    ('error', 'paused', true),
    ('error', 'ended', true),
    ('error', 'error', false)
) as v (from_state, to_state, changes)
$create$;
    end if;
end
$missing$;
comment on view stream_private.state_transitions is
    'The legal moves of a stream. changes is false where the stream is in that state already: a success without an event.';
revoke all on table stream_private.state_transitions from public, anon, authenticated, service_role;

do $missing$
begin
    if to_regclass('stream_private.limits') is null then
        execute $create$
create view stream_private.limits as
select v.name::text, v.least::bigint, v.most::bigint
from (values
    ('page_size', 1, 200),
    ('batch_items', 0, 1000),
    ('reason_chars', 0, 200),
    ('content_chars', 1, 2000),
    ('username_chars', 1, 64),
    ('term_chars', 1, 100),
    ('restriction_s', 1, 31536000),
    ('slow_mode_ms', 0, 3600000),
    ('reconnect_window_s', 0, 1800)
) as v (name, least, most)
$create$;
    end if;
end
$missing$;
comment on view stream_private.limits is
    'What a caller may ask for at least and at most.';
revoke all on table stream_private.limits from public, anon, authenticated, service_role;

-- sql/api/010_natives.sql

-- Generated by `cargo x generate` from the comments in sql/: bodies that forward to native functions.

create or replace function stream_private.add_viewer(session_id uuid, buyer_id uuid default null)
returns stream.viewer_lease
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    result stream.viewer_lease;
begin
    select $1, n.user_id, n.agora_uid, n.join_no, n.joined_at
    into result
    from stream_ext.add_viewer($1, $2) as n;
    return result;
end
$$;

create or replace function stream_private.apply_webhook(notice json)
returns stream.webhook_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    result stream.webhook_result;
begin
    select n.status, n.effect
    into result
    from stream_ext.apply_webhook($1::text) as n;
    return result;
end
$$;

create or replace function stream_private.block_term(session_id uuid default null, term text default null)
returns text
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    return stream_ext.block_term($1, $2);
end
$$;

create or replace function stream_private.delete_message(session_id uuid, message_id uuid, reason text default null)
returns text
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    return stream_ext.delete_message($1, $2, $3);
end
$$;

create or replace function stream_private.delete_user_messages(session_id uuid, user_id uuid, reason text default null)
returns integer
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    return stream_ext.delete_user_messages($1, $2, $3);
end
$$;

create or replace function stream_private.get_message_history(
    session_id uuid,
    page_size integer default 50,
    skip integer default 0,
    before_seq bigint default null,
    after_seq bigint default null
)
returns setof stream.chat_message
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    return query select * from stream_ext.get_message_history($1, $2, $3, $4, $5, null::stream.chat_message);
end
$$;

create or replace function stream_private.get_moderation_log(
    session_id uuid default null,
    before_id bigint default null,
    page_size integer default 50
)
returns setof stream.moderation_entry
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    return query
    select n.id, n.session_id, n.seq, n.action, n.actor, n.user_id, n.target_seq, n.reason, n.until, n.term,
        n.created_at
    from stream_ext.get_moderation_log($1, $2, $3) as n;
end
$$;

create or replace function stream_private.get_stream_state(session_id uuid)
returns text
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    return stream_ext.get_stream_state($1);
end
$$;

create or replace function stream_private.get_viewer_count(session_id uuid)
returns integer
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    return stream_ext.get_viewer_count($1);
end
$$;

create or replace function stream_private.get_viewers(
    session_id uuid,
    after uuid default null,
    page_size integer default 50
)
returns setof stream.viewer
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    return query
    select n.user_id, n.agora_uid, n.joined_at, n.last_seen_at, n.foreground, n.watch_ms
    from stream_ext.get_viewers($1, $2, $3) as n;
end
$$;

create or replace function stream_private.heartbeat(
    session_id uuid,
    foreground boolean default null,
    generation integer default null,
    join_no integer default null,
    user_id uuid default null,
    token_expires_at timestamptz default null
)
returns stream.heartbeat_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    return stream_ext.heartbeat($1, $2, $3, $4, $5, $6);
end
$$;

create or replace function stream_private.heartbeats(items json)
returns setof stream.batched_heartbeat
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    return query select * from stream_ext.heartbeats($1::text, null::stream.batched_heartbeat);
end
$$;

create or replace function stream_private.lift_restriction(session_id uuid, user_id uuid, kind text)
returns text
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    return stream_ext.lift_restriction($1, $2, $3);
end
$$;

create or replace function stream_private.list_blocked_terms(session_id uuid default null)
returns setof stream.blocked_term
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    return query
    select n.session_id, n.term, n.actor, n.created_at
    from stream_ext.list_blocked_terms($1) as n;
end
$$;

create or replace function stream_private.list_restrictions(
    session_id uuid,
    after uuid default null,
    page_size integer default 50
)
returns setof stream.restriction
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    return query
    select n.user_id, n.kind, n.until, n.actor, n.reason, n.created_at
    from stream_ext.list_restrictions($1, $2, $3) as n;
end
$$;

create or replace function stream_private.mark_messages_as_read(
    session_id uuid,
    user_id uuid default null,
    message_ids uuid[] default null
)
returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    return stream_ext.mark_messages_as_read($1, $2, $3);
end
$$;

create or replace function stream_private.mark_read_up_to(
    session_id uuid,
    user_id uuid default null,
    seq bigint default null
)
returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    return stream_ext.mark_read_up_to($1, $2, $3);
end
$$;

create or replace function stream_private.post_auction_update(session_id uuid, update json)
returns stream.chat_message
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    return stream_ext.post_auction_update($1, $2::text);
end
$$;

create or replace function stream_private.remove_viewer(
    session_id uuid,
    buyer_id uuid default null,
    join_no integer default null
)
returns text
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    return stream_ext.remove_viewer($1, $2, $3);
end
$$;

create or replace function stream_private.send_message(
    session_id uuid,
    user_id uuid default null,
    content text default null,
    id uuid default null
)
returns stream.chat_message
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
set plan_cache_mode = 'force_generic_plan'
as $$
begin
    return stream_ext.send_message($1, $2, $3, $4);
end
$$;

create or replace function stream_private.send_messages(items json)
returns setof stream.message_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
set plan_cache_mode = 'force_generic_plan'
as $$
begin
    return query select * from stream_ext.send_messages($1::text, null::stream.message_result);
end
$$;

create or replace function stream_private.send_reaction(session_id uuid, kind text)
returns stream.reaction_result
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    return stream_ext.send_reaction($1, $2);
end
$$;

create or replace function stream_private.subscribe_to_chat(session_id uuid, user_id uuid default null)
returns stream.chat_subscription
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    result stream.chat_subscription;
begin
    select n.id, n.session_id, n.user_id, n.channel, n.is_active
    into result
    from stream_ext.subscribe_to_chat($1, $2) as n;
    return result;
end
$$;

create or replace function stream_private.sweep()
returns setof stream.sweep_rule
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    return query
    select n.rule, n.rows, n.oldest_age
    from stream_ext.sweep() as n;
end
$$;

create or replace function stream_private.sync(session_id uuid, after_seq bigint default null, epoch text default null)
returns stream.sync_result
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    result stream.sync_result;
begin
    select n.session_id, n.state, n.role, n.generation, n.host_uid, n.viewer_count, n.epoch, n.head_seq, n.oldest_seq,
        n.recovered, n.has_more, n.messages::json, n.read::json, n.unread_count, n.cooldown_ms, n.chat_mode,
        n.slow_mode_ms, n.pinned_seq, n.pinned::json, n.restrictions::json, n.server_time, n.version,
        stream_private.oldest_client()
    into result
    from stream_ext.sync($1, $2, $3) as n;
    return result;
end
$$;

create or replace function stream_private.sync_messages(session_id uuid, last_message_id uuid default null)
returns setof stream.chat_message
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    return query select * from stream_ext.sync_messages($1, $2, null::stream.chat_message);
end
$$;

create or replace function stream_private.tick()
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
set lock_timeout = '100ms'
as $$
begin
    perform stream_ext.tick();
end
$$;

create or replace function stream_private.unblock_term(session_id uuid default null, term text default null)
returns text
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    return stream_ext.unblock_term($1, $2);
end
$$;

create or replace function stream_private.unread_count(session_id uuid, user_id uuid default null)
returns bigint
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
begin
    return stream_ext.unread_count($1, $2);
end
$$;

create or replace function stream_private.unsubscribe_from_chat(subscription_id uuid)
returns stream.chat_subscription
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    result stream.chat_subscription;
begin
    select n.id, n.session_id, n.user_id, n.channel, n.is_active
    into result
    from stream_ext.unsubscribe_from_chat($1) as n;
    return result;
end
$$;

create or replace function stream_private.user_id()
returns uuid
language plpgsql stable parallel safe security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_ext.user_id();
end
$$;

-- sql/api/015_repeats.sql

-- Generated by `cargo x generate` from the comments in sql/: calls that take a request id.

create or replace function stream_private.ban_user(session_id uuid, user_id uuid, duration_s integer, reason text, request_id uuid)
returns stream.restriction
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    caller pg_catalog.uuid;
    kept pg_catalog.jsonb;
begin
    if $5 is null then
        return stream_private.ban_user($1, $2, $3, $4);
    end if;
    caller := stream_private.enter_request();
    kept := stream_private.first_result(caller, $5, 'ban_user', row($1, $2, $3, $4)::text);
    if kept is null then
        kept := to_jsonb(stream_private.ban_user($1, $2, $3, $4));
        perform stream_private.keep_result(caller, $5, kept);
    end if;
    return jsonb_populate_record(null::stream.restriction, kept);
end
$$;
comment on function stream_private.ban_user(uuid, uuid, integer, text, uuid) is
    'Calls the body of this name, once for each request id.';

create or replace function stream_private.block_term(session_id uuid, term text, request_id uuid)
returns text
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    caller pg_catalog.uuid;
    kept pg_catalog.jsonb;
begin
    if $3 is null then
        return stream_private.block_term($1, $2);
    end if;
    caller := stream_private.enter_request();
    kept := stream_private.first_result(caller, $3, 'block_term', row($1, $2)::text);
    if kept is null then
        kept := to_jsonb(stream_private.block_term($1, $2));
        perform stream_private.keep_result(caller, $3, kept);
    end if;
    return (kept #>> '{}')::text;
end
$$;
comment on function stream_private.block_term(uuid, text, uuid) is
    'Calls the body of this name, once for each request id.';

create or replace function stream_private.delete_message(session_id uuid, message_id uuid, reason text, request_id uuid)
returns text
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    caller pg_catalog.uuid;
    kept pg_catalog.jsonb;
begin
    if $4 is null then
        return stream_private.delete_message($1, $2, $3);
    end if;
    caller := stream_private.enter_request();
    kept := stream_private.first_result(caller, $4, 'delete_message', row($1, $2, $3)::text);
    if kept is null then
        kept := to_jsonb(stream_private.delete_message($1, $2, $3));
        perform stream_private.keep_result(caller, $4, kept);
    end if;
    return (kept #>> '{}')::text;
end
$$;
comment on function stream_private.delete_message(uuid, uuid, text, uuid) is
    'Calls the body of this name, once for each request id.';

create or replace function stream_private.delete_user_messages(session_id uuid, user_id uuid, reason text, request_id uuid)
returns integer
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    caller pg_catalog.uuid;
    kept pg_catalog.jsonb;
begin
    if $4 is null then
        return stream_private.delete_user_messages($1, $2, $3);
    end if;
    caller := stream_private.enter_request();
    kept := stream_private.first_result(caller, $4, 'delete_user_messages', row($1, $2, $3)::text);
    if kept is null then
        kept := to_jsonb(stream_private.delete_user_messages($1, $2, $3));
        perform stream_private.keep_result(caller, $4, kept);
    end if;
    return (kept #>> '{}')::integer;
end
$$;
comment on function stream_private.delete_user_messages(uuid, uuid, text, uuid) is
    'Calls the body of this name, once for each request id.';

create or replace function stream_private.end_stream(session_id uuid, generation integer, reason text, request_id uuid)
returns stream.session
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    caller pg_catalog.uuid;
    kept pg_catalog.jsonb;
begin
    if $4 is null then
        return stream_private.end_stream($1, $2, $3);
    end if;
    caller := stream_private.enter_request();
    kept := stream_private.first_result(caller, $4, 'end_stream', row($1, $2, $3)::text);
    if kept is null then
        kept := to_jsonb(stream_private.end_stream($1, $2, $3));
        perform stream_private.keep_result(caller, $4, kept);
    end if;
    return jsonb_populate_record(null::stream.session, kept);
end
$$;
comment on function stream_private.end_stream(uuid, integer, text, uuid) is
    'Calls the body of this name, once for each request id.';

create or replace function stream_private.lift_restriction(session_id uuid, user_id uuid, kind text, request_id uuid)
returns text
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    caller pg_catalog.uuid;
    kept pg_catalog.jsonb;
begin
    if $4 is null then
        return stream_private.lift_restriction($1, $2, $3);
    end if;
    caller := stream_private.enter_request();
    kept := stream_private.first_result(caller, $4, 'lift_restriction', row($1, $2, $3)::text);
    if kept is null then
        kept := to_jsonb(stream_private.lift_restriction($1, $2, $3));
        perform stream_private.keep_result(caller, $4, kept);
    end if;
    return (kept #>> '{}')::text;
end
$$;
comment on function stream_private.lift_restriction(uuid, uuid, text, uuid) is
    'Calls the body of this name, once for each request id.';

create or replace function stream_private.mute_user(
    session_id uuid,
    user_id uuid,
    duration_s integer,
    reason text,
    request_id uuid
)
returns stream.restriction
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    caller pg_catalog.uuid;
    kept pg_catalog.jsonb;
begin
    if $5 is null then
        return stream_private.mute_user($1, $2, $3, $4);
    end if;
    caller := stream_private.enter_request();
    kept := stream_private.first_result(caller, $5, 'mute_user', row($1, $2, $3, $4)::text);
    if kept is null then
        kept := to_jsonb(stream_private.mute_user($1, $2, $3, $4));
        perform stream_private.keep_result(caller, $5, kept);
    end if;
    return jsonb_populate_record(null::stream.restriction, kept);
end
$$;
comment on function stream_private.mute_user(uuid, uuid, integer, text, uuid) is
    'Calls the body of this name, once for each request id.';

create or replace function stream_private.pause_stream(session_id uuid, generation integer, reason text, request_id uuid)
returns stream.session
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    caller pg_catalog.uuid;
    kept pg_catalog.jsonb;
begin
    if $4 is null then
        return stream_private.pause_stream($1, $2, $3);
    end if;
    caller := stream_private.enter_request();
    kept := stream_private.first_result(caller, $4, 'pause_stream', row($1, $2, $3)::text);
    if kept is null then
        kept := to_jsonb(stream_private.pause_stream($1, $2, $3));
        perform stream_private.keep_result(caller, $4, kept);
    end if;
    return jsonb_populate_record(null::stream.session, kept);
end
$$;
comment on function stream_private.pause_stream(uuid, integer, text, uuid) is
    'Calls the body of this name, once for each request id.';

create or replace function stream_private.pin_message(session_id uuid, message_id uuid, request_id uuid)
returns stream.session
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    caller pg_catalog.uuid;
    kept pg_catalog.jsonb;
begin
    if $3 is null then
        return stream_private.pin_message($1, $2);
    end if;
    caller := stream_private.enter_request();
    kept := stream_private.first_result(caller, $3, 'pin_message', row($1, $2)::text);
    if kept is null then
        kept := to_jsonb(stream_private.pin_message($1, $2));
        perform stream_private.keep_result(caller, $3, kept);
    end if;
    return jsonb_populate_record(null::stream.session, kept);
end
$$;
comment on function stream_private.pin_message(uuid, uuid, uuid) is
    'Calls the body of this name, once for each request id.';

create or replace function stream_private.resolve_report(session_id uuid, message_id uuid, request_id uuid)
returns text
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    caller pg_catalog.uuid;
    kept pg_catalog.jsonb;
begin
    if $3 is null then
        return stream_private.resolve_report($1, $2);
    end if;
    caller := stream_private.enter_request();
    kept := stream_private.first_result(caller, $3, 'resolve_report', row($1, $2)::text);
    if kept is null then
        kept := to_jsonb(stream_private.resolve_report($1, $2));
        perform stream_private.keep_result(caller, $3, kept);
    end if;
    return (kept #>> '{}')::text;
end
$$;
comment on function stream_private.resolve_report(uuid, uuid, uuid) is
    'Calls the body of this name, once for each request id.';

create or replace function stream_private.resume_stream(session_id uuid, generation integer, reason text, request_id uuid)
returns stream.session
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    caller pg_catalog.uuid;
    kept pg_catalog.jsonb;
begin
    if $4 is null then
        return stream_private.resume_stream($1, $2, $3);
    end if;
    caller := stream_private.enter_request();
    kept := stream_private.first_result(caller, $4, 'resume_stream', row($1, $2, $3)::text);
    if kept is null then
        kept := to_jsonb(stream_private.resume_stream($1, $2, $3));
        perform stream_private.keep_result(caller, $4, kept);
    end if;
    return jsonb_populate_record(null::stream.session, kept);
end
$$;
comment on function stream_private.resume_stream(uuid, integer, text, uuid) is
    'Calls the body of this name, once for each request id.';

create or replace function stream_private.set_chat_mode(session_id uuid, mode text, request_id uuid)
returns stream.session
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    caller pg_catalog.uuid;
    kept pg_catalog.jsonb;
begin
    if $3 is null then
        return stream_private.set_chat_mode($1, $2);
    end if;
    caller := stream_private.enter_request();
    kept := stream_private.first_result(caller, $3, 'set_chat_mode', row($1, $2)::text);
    if kept is null then
        kept := to_jsonb(stream_private.set_chat_mode($1, $2));
        perform stream_private.keep_result(caller, $3, kept);
    end if;
    return jsonb_populate_record(null::stream.session, kept);
end
$$;
comment on function stream_private.set_chat_mode(uuid, text, uuid) is
    'Calls the body of this name, once for each request id.';

create or replace function stream_private.set_slow_mode(session_id uuid, interval_ms integer, request_id uuid)
returns stream.session
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    caller pg_catalog.uuid;
    kept pg_catalog.jsonb;
begin
    if $3 is null then
        return stream_private.set_slow_mode($1, $2);
    end if;
    caller := stream_private.enter_request();
    kept := stream_private.first_result(caller, $3, 'set_slow_mode', row($1, $2)::text);
    if kept is null then
        kept := to_jsonb(stream_private.set_slow_mode($1, $2));
        perform stream_private.keep_result(caller, $3, kept);
    end if;
    return jsonb_populate_record(null::stream.session, kept);
end
$$;
comment on function stream_private.set_slow_mode(uuid, integer, uuid) is
    'Calls the body of this name, once for each request id.';

create or replace function stream_private.start_stream(
    auction_id uuid,
    seller_id uuid,
    reconnect_window_s integer,
    request_id uuid
)
returns stream.session
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    caller pg_catalog.uuid;
    kept pg_catalog.jsonb;
begin
    if $4 is null then
        return stream_private.start_stream($1, $2, $3);
    end if;
    caller := stream_private.enter_request();
    kept := stream_private.first_result(caller, $4, 'start_stream', row($1, $2, $3)::text);
    if kept is null then
        kept := to_jsonb(stream_private.start_stream($1, $2, $3));
        perform stream_private.keep_result(caller, $4, kept);
    end if;
    return jsonb_populate_record(null::stream.session, kept);
end
$$;
comment on function stream_private.start_stream(uuid, uuid, integer, uuid) is
    'Calls the body of this name, once for each request id.';

create or replace function stream_private.unblock_term(session_id uuid, term text, request_id uuid)
returns text
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    caller pg_catalog.uuid;
    kept pg_catalog.jsonb;
begin
    if $3 is null then
        return stream_private.unblock_term($1, $2);
    end if;
    caller := stream_private.enter_request();
    kept := stream_private.first_result(caller, $3, 'unblock_term', row($1, $2)::text);
    if kept is null then
        kept := to_jsonb(stream_private.unblock_term($1, $2));
        perform stream_private.keep_result(caller, $3, kept);
    end if;
    return (kept #>> '{}')::text;
end
$$;
comment on function stream_private.unblock_term(uuid, text, uuid) is
    'Calls the body of this name, once for each request id.';

create or replace function stream_private.unpin_message(session_id uuid, request_id uuid)
returns stream.session
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    caller pg_catalog.uuid;
    kept pg_catalog.jsonb;
begin
    if $2 is null then
        return stream_private.unpin_message($1);
    end if;
    caller := stream_private.enter_request();
    kept := stream_private.first_result(caller, $2, 'unpin_message', row($1)::text);
    if kept is null then
        kept := to_jsonb(stream_private.unpin_message($1));
        perform stream_private.keep_result(caller, $2, kept);
    end if;
    return jsonb_populate_record(null::stream.session, kept);
end
$$;
comment on function stream_private.unpin_message(uuid, uuid) is
    'Calls the body of this name, once for each request id.';

create or replace function stream_private.update_stream_state(
    session_id uuid,
    state text,
    reason text,
    generation integer,
    request_id uuid
)
returns stream.session
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    caller pg_catalog.uuid;
    kept pg_catalog.jsonb;
begin
    if $5 is null then
        return stream_private.update_stream_state($1, $2, $3, $4);
    end if;
    caller := stream_private.enter_request();
    kept := stream_private.first_result(caller, $5, 'update_stream_state', row($1, $2, $3, $4)::text);
    if kept is null then
        kept := to_jsonb(stream_private.update_stream_state($1, $2, $3, $4));
        perform stream_private.keep_result(caller, $5, kept);
    end if;
    return jsonb_populate_record(null::stream.session, kept);
end
$$;
comment on function stream_private.update_stream_state(uuid, text, text, integer, uuid) is
    'Calls the body of this name, once for each request id.';

-- sql/api/020_wrappers.sql

-- Generated by `cargo x generate` from the comments in sql/: what callers see of each operation.

create or replace function stream.add_viewer(session_id uuid, buyer_id uuid default null)
returns stream.viewer_lease
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.add_viewer($1, $2);
end
$$;
comment on function stream.add_viewer(uuid, uuid) is
    'Joins a stream; a second join keeps the row and counts join_no up. buyer_id null: the caller.';

create or replace function stream.apply_webhook(notice json)
returns stream.webhook_result
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.apply_webhook($1);
end
$$;
comment on function stream.apply_webhook(json) is
    'Stores and applies a notice of Agora''s notification service whose signature the caller has verified: once per noticeId, and per user only if it is newer than those before. Status is applied, duplicate, outdated, ignored, unknown_channel or test.';

create or replace function stream.ban_user(
    session_id uuid,
    user_id uuid,
    duration_s integer default null,
    reason text default null,
    request_id uuid default null
)
returns stream.restriction
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.ban_user($1, $2, $3, $4, $5);
end
$$;
comment on function stream.ban_user(uuid, uuid, integer, text, uuid) is
    'Puts a user out of this stream: the place and the tokens end, and joining, heartbeats, tokens and writing are refused, for 1 to 31,536,000 s or until lifted (null). Moderators only, and nobody against the seller or themself.';

create or replace function stream.block_term(session_id uuid default null, term text default null, request_id uuid default null)
returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.block_term($1, $2, $3);
end
$$;
comment on function stream.block_term(uuid, text, uuid) is
    'Refuses messages that contain a term, however it is spelled: blocked, or already_blocked. At most 500. Moderators only; session_id null, for all streams, the service only.';

create or replace function stream.delete_message(
    session_id uuid,
    message_id uuid,
    reason text default null,
    request_id uuid default null
)
returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.delete_message($1, $2, $3, $4);
end
$$;
comment on function stream.delete_message(uuid, uuid, text, uuid) is
    'Takes the text of a message away; the entry and its seq stay: deleted, or already_deleted. Moderators, except messages of the seller; authors their own. After the end of the stream too, then without an event.';

create or replace function stream.delete_user_messages(
    session_id uuid,
    user_id uuid,
    reason text default null,
    request_id uuid default null
)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.delete_user_messages($1, $2, $3, $4);
end
$$;
comment on function stream.delete_user_messages(uuid, uuid, text, uuid) is
    'Takes the text of all messages of a user away, with one event; answers how many. Moderators only.';

create or replace function stream.doctor()
returns setof stream.check_result
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return query select * from stream_private.doctor();
end
$$;
comment on function stream.doctor() is
    'One row per check of the installation: certificates, clock, Agora''s notices, ticker, background worker and pg_cron, Realtime''s partition, publication, slot and policies, the canary''s last round trip, the owner''s rights, the server''s log, time zone, and a reminder of what only Agora''s console shows.';

create or replace function stream.end_stream(
    session_id uuid,
    generation integer default null,
    reason text default null,
    request_id uuid default null
)
returns stream.session
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.end_stream($1, $2, $3, $4);
end
$$;
comment on function stream.end_stream(uuid, integer, text, uuid) is
    'Ends a stream for good: viewers leave, the log closes. Seller and service only.';

create or replace function stream.export_user(user_id uuid)
returns setof json
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return query select * from stream_private.export_user($1);
end
$$;
comment on function stream.export_user(uuid) is
    'Everything that is stored of a user, as JSON lines: one object {table, record} for each row, with as where the user acted on what is somebody else''s. It says nothing of other people, and holds neither tokens nor their hashes. Service only.';

create or replace function stream.forget_user(user_id uuid)
returns stream.erasure_result
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.forget_user($1);
end
$$;
comment on function stream.forget_user(uuid) is
    'Erases a user from everything that is stored here, a part of it in each call: go on while has_more is true. Messages lose text, name and id and keep their numbers, stored frames that carried them go, the streams that the user sold are deleted, places, tokens, read marks, subscriptions, restrictions and reports go too. In what others did and in moderation logs the nil uuid takes the user''s place. Also after the account is gone; refused while the user sells in a live stream. A table of the application that refers to a sold stream without a cascade fails the call (23503), when what the user did elsewhere is gone. Service only.';

create or replace function stream.generate_buyer_token(buyer_id uuid default null, channel_id text default null)
returns stream.agora_token
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.generate_buyer_token($1, $2);
end
$$;
comment on function stream.generate_buyer_token(uuid, text) is
    'A subscriber token for a viewer who has joined the stream on this channel. buyer_id null: the caller.';

create or replace function stream.generate_seller_token(
    seller_id uuid default null,
    channel_id text default null,
    generation integer default null
)
returns stream.agora_token
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.generate_seller_token($1, $2, $3);
end
$$;
comment on function stream.generate_seller_token(uuid, text, integer) is
    'A publisher token for the seller of the stream on this channel. seller_id null: the caller. A stale generation is refused, so that an old device cannot evict the new one; null: any.';

create or replace function stream.get_live_stream(auction_id uuid)
returns stream.live_stream
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.get_live_stream($1);
end
$$;
comment on function stream.get_live_stream(uuid) is
    'The stream of an auction that has not ended, for its seller and for whoever may view it and is not banned. One that is not there and one that the caller may not watch are refused alike.';

create or replace function stream.get_message_history(
    session_id uuid,
    page_size integer default 50,
    skip integer default 0,
    before_seq bigint default null,
    after_seq bigint default null
)
returns setof stream.chat_message
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return query select * from stream_private.get_message_history($1, $2, $3, $4, $5);
end
$$;
comment on function stream.get_message_history(uuid, integer, integer, bigint, bigint) is
    'A page of the log in ascending seq: the newest messages, skip of them left out, or those before or after a seq. page_size 1 to 200. A deleted message is there with deleted_at and without its text.';

create or replace function stream.get_moderation_log(
    session_id uuid default null,
    before_id bigint default null,
    page_size integer default 50
)
returns setof stream.moderation_entry
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return query select * from stream_private.get_moderation_log($1, $2, $3);
end
$$;
comment on function stream.get_moderation_log(uuid, bigint, integer) is
    'What was decided in a stream, the newest first, those before an id; page_size 1 to 200. Moderators only; session_id null, for decisions about all streams, the service only.';

create or replace function stream.get_session(session_id uuid)
returns stream.session
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.get_session($1);
end
$$;
comment on function stream.get_session(uuid) is
    'A stream session, for whoever may view it.';

create or replace function stream.get_stream_state(session_id uuid)
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.get_stream_state($1);
end
$$;
comment on function stream.get_stream_state(uuid) is
    'The state of a stream: initializing, active, paused, ended or error.';

create or replace function stream.get_stream_summary(session_id uuid)
returns stream.stream_summary
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.get_stream_summary($1);
end
$$;
comment on function stream.get_stream_summary(uuid) is
    'What came of a stream: length, peak, viewers, watch time, messages and why it ended; while it goes on, so far. One call reads 10,000 viewers and 10,000 entries at most: beyond them the figures are estimates from these (about 1 in 100 off) until the stream has ended. Then the next sweeps count all and keep the figures, which change no more. Seller and service only.';

create or replace function stream.get_viewer_count(session_id uuid)
returns integer
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.get_viewer_count($1);
end
$$;
comment on function stream.get_viewer_count(uuid) is
    'The number of viewers who hold a lease, counted now; stream_sessions.viewer_count and the broadcasts follow the tick.';

create or replace function stream.get_viewers(session_id uuid, after uuid default null, page_size integer default 50)
returns setof stream.viewer
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return query select * from stream_private.get_viewers($1, $2, $3);
end
$$;
comment on function stream.get_viewers(uuid, uuid, integer) is
    'The viewers who hold a lease, by ascending user_id, those behind after; page_size 1 to 200. Seller and service only.';

create or replace function stream.heartbeat(
    session_id uuid,
    foreground boolean default null,
    generation integer default null,
    join_no integer default null,
    user_id uuid default null,
    token_expires_at timestamptz default null
)
returns stream.heartbeat_result
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.heartbeat($1, $2, $3, $4, $5, $6);
end
$$;
comment on function stream.heartbeat(uuid, boolean, integer, integer, uuid, timestamp with time zone) is
    'Says that a device is still there. The seller''s keeps the stream alive (a stale generation is refused) and brings it back from host_lost; a viewer''s prolongs the lease, unless join_no is not the newest join. Waits for nobody who holds the row, the seller''s 200 ms at most: it answers the same then and writes nothing. A device whose log ends below head_seq is behind and calls sync. A fresh token comes along in the last quarter of the caller''s, at most one in 30 s. token_expires_at is when the token ends that the caller holds; null: the older one, until it has ended, since an answer can be lost. None comes where an operator has to mend something first. user_id null: the caller.';

create or replace function stream.heartbeats(items json)
returns setof stream.batched_heartbeat
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return query select * from stream_private.heartbeats($1);
end
$$;
comment on function stream.heartbeats(json) is
    'Heartbeats of many devices in one call of the service: an array of at most 1,000 objects {session_id, user_id, foreground?, generation?, join_no?, token_expires_at?, claims?}. One answer per item, in order, with all that heartbeat answers, a fresh token included: it belongs to that user alone. A bad item costs only itself. claims are the verified ones of the user for whom it is sent; the item is then judged as that user''s own call, and claims that are null or of another role than authenticated are refused. Waits for nobody: the seller''s heartbeat gets lock_timeout where it would have to, send it alone then. Of several about one user and session the last is written, and one before it that says more gets lock_timeout too.';

create or replace function stream.inspect_token(token text, channel_id text default null, account text default null)
returns stream.token_inspection
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.inspect_token($1, $2, $3);
end
$$;
comment on function stream.inspect_token(text, text, text) is
    'What an Agora token of version 007 or 006 says, and which certificate signed it. channel_id and account are needed to check a token of version 006, which holds only their checksums. Service only; the answer never holds the token.';

create or replace function stream.join_stream(session_id uuid)
returns stream.join_result
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.join_stream($1);
end
$$;
comment on function stream.join_stream(uuid) is
    'Joins a stream in one call: lease, subscriber token and everything that sync answers. Never refused for its rate: beyond config.token_rate_per_minute the token is the newest one again, or null with retry_after_ms.';

create or replace function stream.lift_restriction(session_id uuid, user_id uuid, kind text, request_id uuid default null)
returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.lift_restriction($1, $2, $3, $4);
end
$$;
comment on function stream.lift_restriction(uuid, uuid, text, uuid) is
    'Ends a mute or a ban (kind): lifted, or not_restricted. Moderators only, and nobody their own.';

create or replace function stream.list_blocked_terms(session_id uuid default null)
returns setof stream.blocked_term
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return query select * from stream_private.list_blocked_terms($1);
end
$$;
comment on function stream.list_blocked_terms(uuid) is
    'The terms that are blocked in a stream, or in all of them (null), oldest first. Moderators only; null the service only.';

create or replace function stream.list_live_streams(page_size integer default 50, after uuid default null)
returns stream.live_page
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.list_live_streams($1, $2);
end
$$;
comment on function stream.list_live_streams(integer, uuid) is
    'The streams that were active, have not ended and that the caller may watch, the newest first, those behind after; page_size 1 to 200. One call looks at 500 streams or a few more, so a page can be short, or empty, although more follow: go on while next_after is not null. It is a stream of the page, or a moment in the form of an id.';

create or replace function stream.list_reports(session_id uuid, after bigint default null, page_size integer default 50)
returns setof stream.reported_message
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return query select * from stream_private.list_reports($1, $2, $3);
end
$$;
comment on function stream.list_reports(uuid, bigint, integer) is
    'The reported messages that nobody has resolved or deleted, by ascending seq, those behind after; page_size 1 to 200. Moderators only.';

create or replace function stream.list_restrictions(session_id uuid, after uuid default null, page_size integer default 50)
returns setof stream.restriction
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return query select * from stream_private.list_restrictions($1, $2, $3);
end
$$;
comment on function stream.list_restrictions(uuid, uuid, integer) is
    'Mutes and bans in force, of the users behind after by ascending user_id; page_size 1 to 200 counts users. Moderators only.';

create or replace function stream.mark_messages_as_read(
    session_id uuid,
    user_id uuid default null,
    message_ids uuid[] default null
)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.mark_messages_as_read($1, $2, $3);
end
$$;
comment on function stream.mark_messages_as_read(uuid, uuid, uuid[]) is
    'Marks up to 1,000 messages as read and answers how many entries of the log are unread then. In any order, again and from several devices at once; ids that the log does not hold are ignored. user_id null: the caller.';

create or replace function stream.mark_read_up_to(session_id uuid, user_id uuid default null, seq bigint default null)
returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.mark_read_up_to($1, $2, $3);
end
$$;
comment on function stream.mark_read_up_to(uuid, uuid, bigint) is
    'Marks every entry of the log up to seq as read, none beyond the newest, and answers how many are unread then. user_id null: the caller.';

create or replace function stream.mute_user(
    session_id uuid,
    user_id uuid,
    duration_s integer default null,
    reason text default null,
    request_id uuid default null
)
returns stream.restriction
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.mute_user($1, $2, $3, $4, $5);
end
$$;
comment on function stream.mute_user(uuid, uuid, integer, text, uuid) is
    'Lets a user write no more in this stream, for 1 to 31,536,000 s or until lifted (null). Again: the new end counts. Moderators only, and nobody against the seller or themself.';

create or replace function stream.new_epoch()
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.new_epoch();
end
$$;
comment on function stream.new_epoch() is
    'Begins another epoch, so that every client resynchronises: a step after restoring a backup. Each stream that has not ended gets the event resync; the others are told by their next frame, heartbeat or sync. Returns how many got it. Service only.';

create or replace function stream.pause_stream(
    session_id uuid,
    generation integer default null,
    reason text default null,
    request_id uuid default null
)
returns stream.session
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.pause_stream($1, $2, $3, $4);
end
$$;
comment on function stream.pause_stream(uuid, integer, text, uuid) is
    'Pauses a stream. Seller and service only.';

create or replace function stream.pin_message(session_id uuid, message_id uuid, request_id uuid default null)
returns stream.session
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.pin_message($1, $2, $3);
end
$$;
comment on function stream.pin_message(uuid, uuid, uuid) is
    'Keeps a message of a user in view, in place of the one before. Moderators only.';

create or replace function stream.post_auction_update(session_id uuid, update json)
returns stream.chat_message
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.post_auction_update($1, $2);
end
$$;
comment on function stream.post_auction_update(uuid, json) is
    'Writes an auction update into the log of a stream: metadata is the update, a JSON object of at most 8 KB, with kind auction_update; content is its member text, or a neutral sentence. Not for users: an application''s own SECURITY DEFINER functions call the one of the same name in stream_private.';

create or replace function stream.refresh_token(
    user_id uuid default null,
    channel_id text default null,
    generation integer default null
)
returns stream.agora_token
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.refresh_token($1, $2, $3);
end
$$;
comment on function stream.refresh_token(uuid, text, integer) is
    'A fresh token for the seller or a viewer of the stream on this channel, as the rows say; the older ones are retired (Agora accepts them until they expire). user_id null: the caller. A stale generation of the seller is refused; null: any. A viewer has none, and it is not looked at.';

create or replace function stream.remove_viewer(session_id uuid, buyer_id uuid default null, join_no integer default null)
returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.remove_viewer($1, $2, $3);
end
$$;
comment on function stream.remove_viewer(uuid, uuid, integer) is
    'Leaves a stream: removed, not_joined, or superseded when join_no is not the newest join (nothing changes then). Without join_no a late repetition ends a newer join.';

create or replace function stream.report_canary(
    canary_no bigint default null,
    lag_ms integer default null,
    state text default 'delivered'
)
returns stream.canary_status
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.report_canary($1, $2, $3);
end
$$;
comment on function stream.report_canary(bigint, integer, text) is
    'Says what became of the canaries of config.canary_user_id, for doctor(): the newest that was received and how long after it was written, and the state of the way through Realtime (unknown, delivered, not_sent, not_followed, dropped, realtime_away, unauthorised). Returns what the database knows of it. For edge_api, which watches.';

create or replace function stream.report_message(session_id uuid, message_id uuid, reason text default null)
returns stream.message_report
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.report_message($1, $2, $3);
end
$$;
comment on function stream.report_message(uuid, uuid, text) is
    'Reports a message of somebody else to the moderators, for whoever may read the chat. The same user and message again: the first report. At most config.reports_per_minute in a stream. The text of the message is not copied.';

create or replace function stream.resolve_report(session_id uuid, message_id uuid, request_id uuid default null)
returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.resolve_report($1, $2, $3);
end
$$;
comment on function stream.resolve_report(uuid, uuid, uuid) is
    'Takes a message off the list of reports and leaves it as it is: resolved, or not_reported. A later report puts it back. Deleting the message resolves its reports too. Moderators only, and nobody about their own message.';

create or replace function stream.resume_stream(
    session_id uuid,
    generation integer default null,
    reason text default null,
    request_id uuid default null
)
returns stream.session
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.resume_stream($1, $2, $3, $4);
end
$$;
comment on function stream.resume_stream(uuid, integer, text, uuid) is
    'Moves a stream to active. Seller and service only.';

create or replace function stream.send_message(
    session_id uuid,
    user_id uuid default null,
    content text default null,
    id uuid default null
)
returns stream.chat_message
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.send_message($1, $2, $3, $4);
end
$$;
comment on function stream.send_message(uuid, uuid, text, uuid) is
    'Sends a chat message: 1 to 2,000 characters after trimming. id is made by the client; the same id again returns the stored message. user_id null: the caller.';

create or replace function stream.send_messages(items json)
returns setof stream.message_result
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return query select * from stream_private.send_messages($1);
end
$$;
comment on function stream.send_messages(json) is
    'Messages of many users and streams in one call of the service: an array of at most 1,000 objects {session_id, user_id, content, id?, claims?}. One row for each, in order; an item that is refused or fails costs only itself. claims are the verified ones of the user for whom the item is sent: it is then judged as that user''s own call, user_id null is the user, and hooks find these claims in request.jwt.claims; claims that are null or of another role than authenticated are refused. A stream whose rows somebody holds costs its own items alone: lock_timeout after 200 ms, send them again.';

create or replace function stream.send_reaction(session_id uuid, kind text)
returns stream.reaction_result
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.send_reaction($1, $2);
end
$$;
comment on function stream.send_reaction(uuid, text) is
    'Reacts to a live stream with one of config.reaction_kinds, for whoever holds a lease, and the seller. Reactions are counted and broadcast as totals (event reactions); they are no entries of the log and not kept. Mutes hold as for messages; chat mode and slow mode do not. One beyond config.reaction_burst is not accepted, which is no error.';

create or replace function stream.set_chat_mode(session_id uuid, mode text, request_id uuid default null)
returns stream.session
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.set_chat_mode($1, $2, $3);
end
$$;
comment on function stream.set_chat_mode(uuid, text, uuid) is
    'Who may write: viewers, verified, hosts or nobody. Moderators only.';

create or replace function stream.set_slow_mode(session_id uuid, interval_ms integer, request_id uuid default null)
returns stream.session
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.set_slow_mode($1, $2, $3);
end
$$;
comment on function stream.set_slow_mode(uuid, integer, uuid) is
    'How long a viewer waits between two messages, 0 (off) to 3,600,000 ms. Moderators only.';

create or replace function stream.start_stream(
    auction_id uuid,
    seller_id uuid default null,
    reconnect_window_s integer default null,
    request_id uuid default null
)
returns stream.session
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.start_stream($1, $2, $3, $4);
end
$$;
comment on function stream.start_stream(uuid, uuid, integer, uuid) is
    'Starts a stream of an auction, state initializing. By the same seller while one is live: takes it over, generation + 1. seller_id null: the caller. reconnect_window_s: seconds that a lost host has to return, 0 to 1800; null: the configured one. At most config.starts_per_minute of one seller.';

create or replace function stream.subscribe_to_chat(session_id uuid, user_id uuid default null)
returns stream.chat_subscription
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.subscribe_to_chat($1, $2);
end
$$;
comment on function stream.subscribe_to_chat(uuid, uuid) is
    'Follows the chat of a stream and names the private Realtime topic to join: for the seller, and for viewers who have joined and are not banned. Again: the same subscription. It ends with the stream. user_id null: the caller.';

create or replace function stream.sweep()
returns setof stream.sweep_rule
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return query select * from stream_private.sweep();
end
$$;
comment on function stream.sweep() is
    'Runs every rule about what is overdue, at most config.sweep_batch_size rows each: one row per rule.';

create or replace function stream.sync(session_id uuid, after_seq bigint default null, epoch text default null)
returns stream.sync_result
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.sync($1, $2, $3);
end
$$;
comment on function stream.sync(uuid, bigint, text) is
    'State, counts, what the caller has read and may write, and the messages after after_seq (at most 1,000; has_more says there are others), from one snapshot. Without after_seq: the newest page. recovered is false when the epoch is another or the log has not reached after_seq: the newest page too.';

create or replace function stream.sync_messages(session_id uuid, last_message_id uuid default null)
returns setof stream.chat_message
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return query select * from stream_private.sync_messages($1, $2);
end
$$;
comment on function stream.sync_messages(uuid, uuid) is
    'The messages after one that the caller holds, in ascending seq, at most 1,000: call again with the last of them until nothing comes. Null: the newest 50. Refuses an id that the log does not hold; call sync then.';

create or replace function stream.tick()
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    perform stream_private.tick();
end
$$;
comment on function stream.tick() is
    'The regular work: sends the tails of logs, and counts viewers and sweeps about once a second. Call it often and from anywhere, in a transaction of its own; one at a time works.';

create or replace function stream.unblock_term(session_id uuid default null, term text default null, request_id uuid default null)
returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.unblock_term($1, $2, $3);
end
$$;
comment on function stream.unblock_term(uuid, text, uuid) is
    'Ends a block: unblocked, or not_blocked. Moderators only; session_id null the service only.';

create or replace function stream.unpin_message(session_id uuid, request_id uuid default null)
returns stream.session
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.unpin_message($1, $2);
end
$$;
comment on function stream.unpin_message(uuid, uuid) is
    'Takes the pin away, if there is one. Moderators only.';

create or replace function stream.unread_count(session_id uuid, user_id uuid default null)
returns bigint
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.unread_count($1, $2);
end
$$;
comment on function stream.unread_count(uuid, uuid) is
    'How many entries of the kept log are not marked as read, without looking at them: system messages and one''s own count too. user_id null: the caller.';

create or replace function stream.unsubscribe_from_chat(subscription_id uuid)
returns stream.chat_subscription
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.unsubscribe_from_chat($1);
end
$$;
comment on function stream.unsubscribe_from_chat(uuid) is
    'Ends a subscription of the caller, or anybody''s for the service. Again: no change. Somebody else''s is answered like one that is not there.';

create or replace function stream.update_stream_state(
    session_id uuid,
    state text,
    reason text default null,
    generation integer default null,
    request_id uuid default null
)
returns stream.session
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.update_stream_state($1, $2, $3, $4, $5);
end
$$;
comment on function stream.update_stream_state(uuid, text, text, integer, uuid) is
    'Moves a stream to a state (initializing, active, paused, ended, error). The same state again succeeds without an event. Seller and service only.';

create or replace function stream.user_id()
returns uuid
language plpgsql stable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
    return stream_private.user_id();
end
$$;
comment on function stream.user_id() is
    'The signed-in user: claim sub of request.jwt.claims, null when there is none. Claims that are no JSON object or a sub that is no uuid are refused with token_invalid.';

-- sql/api/030_grants.sql

-- Generated by `cargo x generate` from the comments in sql/: who may execute what. Default privileges of a
-- database may have granted everything.
revoke all on function stream.auction_update_trigger() from public, anon, authenticated, service_role;
revoke all on function stream.hook_can_chat(uuid, uuid) from public, anon, authenticated, service_role;
revoke all on function stream.hook_can_moderate(uuid, uuid) from public, anon, authenticated, service_role;
revoke all on function stream.hook_can_view(uuid, uuid) from public, anon, authenticated, service_role;
revoke all on function stream.hook_is_verified(uuid) from public, anon, authenticated, service_role;
revoke all on function stream.hook_owns_auction(uuid, uuid) from public, anon, authenticated, service_role;
revoke all on function stream.hook_title(uuid) from public, anon, authenticated, service_role;
revoke all on function stream.hook_username(uuid) from public, anon, authenticated, service_role;
revoke all on function stream.schedule_with_pg_cron(boolean) from public, anon, authenticated, service_role;
revoke all on function stream_private.add_viewer(uuid, uuid) from public, anon, authenticated, service_role;
revoke all on function stream_private.apply_webhook(json) from public, anon, authenticated, service_role;
revoke all on function stream_private.ban_user(uuid, uuid, integer, text) from public, anon, authenticated, service_role;
revoke all on function stream_private.begin_work() from public, anon, authenticated, service_role;
revoke all on function stream_private.block_term(uuid, text) from public, anon, authenticated, service_role;
revoke all on function stream_private.can_read_topic(text) from public, anon, authenticated, service_role;
revoke all on function stream_private.can_view(uuid, uuid, uuid) from public, anon, authenticated, service_role;
revoke all on function stream_private.check_canary() from public, anon, authenticated, service_role;
revoke all on function stream_private.check_edition() from public, anon, authenticated, service_role;
revoke all on function stream_private.check_held_rows() from public, anon, authenticated, service_role;
revoke all on function stream_private.check_owner() from public, anon, authenticated, service_role;
revoke all on function stream_private.check_page_size(integer) from public, anon, authenticated, service_role;
revoke all on function stream_private.check_pg_cron() from public, anon, authenticated, service_role;
revoke all on function stream_private.check_realtime_partitions(timestamp with time zone) from public, anon, authenticated, service_role;
revoke all on function stream_private.check_realtime_publication() from public, anon, authenticated, service_role;
revoke all on function stream_private.check_reason(text) from public, anon, authenticated, service_role;
revoke all on function stream_private.check_server_log() from public, anon, authenticated, service_role;
revoke all on function stream_private.check_table_privileges() from public, anon, authenticated, service_role;
revoke all on function stream_private.check_troubles() from public, anon, authenticated, service_role;
revoke all on function stream_private.contract_version() from public, anon, authenticated, service_role;
revoke all on function stream_private.delete_authors_of_deleted_session() from public, anon, authenticated, service_role;
revoke all on function stream_private.delete_message(uuid, uuid, text) from public, anon, authenticated, service_role;
revoke all on function stream_private.delete_turn_of_deleted_session() from public, anon, authenticated, service_role;
revoke all on function stream_private.delete_user_messages(uuid, uuid, text) from public, anon, authenticated, service_role;
revoke all on function stream_private.doctor() from public, anon, authenticated, service_role;
revoke all on function stream_private.emit_live(uuid, uuid, text) from public, anon, authenticated, service_role;
revoke all on function stream_private.emit_session_changes() from public, anon, authenticated, service_role;
revoke all on function stream_private.end_stream(uuid, integer, text) from public, anon, authenticated, service_role;
revoke all on function stream_private.enter_request() from public, anon, authenticated, service_role;
revoke all on function stream_private.export_user(uuid) from public, anon, authenticated, service_role;
revoke all on function stream_private.find_live_streams(uuid, integer) from public, anon, authenticated, service_role;
revoke all on function stream_private.find_session_of_user(uuid) from public, anon, authenticated, service_role;
revoke all on function stream_private.first_result(uuid, uuid, text, text) from public, anon, authenticated, service_role;
revoke all on function stream_private.forget_in_session(uuid, uuid, integer) from public, anon, authenticated, service_role;
revoke all on function stream_private.forget_user(uuid) from public, anon, authenticated, service_role;
revoke all on function stream_private.generate_buyer_token(uuid, text) from public, anon, authenticated, service_role;
revoke all on function stream_private.generate_seller_token(uuid, text, integer) from public, anon, authenticated, service_role;
revoke all on function stream_private.get_live_stream(uuid) from public, anon, authenticated, service_role;
revoke all on function stream_private.get_message_history(uuid, integer, integer, bigint, bigint) from public, anon, authenticated, service_role;
revoke all on function stream_private.get_moderation_log(uuid, bigint, integer) from public, anon, authenticated, service_role;
revoke all on function stream_private.get_session(uuid) from public, anon, authenticated, service_role;
revoke all on function stream_private.get_stream_state(uuid) from public, anon, authenticated, service_role;
revoke all on function stream_private.get_stream_summary(uuid) from public, anon, authenticated, service_role;
revoke all on function stream_private.get_viewer_count(uuid) from public, anon, authenticated, service_role;
revoke all on function stream_private.get_viewers(uuid, uuid, integer) from public, anon, authenticated, service_role;
revoke all on function stream_private.has_joined(uuid, uuid) from public, anon, authenticated, service_role;
revoke all on function stream_private.heartbeat(uuid, boolean, integer, integer, uuid, timestamp with time zone) from public, anon, authenticated, service_role;
revoke all on function stream_private.heartbeats(json) from public, anon, authenticated, service_role;
revoke all on function stream_private.inspect_token(text, text, text) from public, anon, authenticated, service_role;
revoke all on function stream_private.is_native() from public, anon, authenticated, service_role;
revoke all on function stream_private.join_stream(uuid) from public, anon, authenticated, service_role;
revoke all on function stream_private.keep_result(uuid, uuid, jsonb) from public, anon, authenticated, service_role;
revoke all on function stream_private.lift_restriction(uuid, uuid, text) from public, anon, authenticated, service_role;
revoke all on function stream_private.list_blocked_terms(uuid) from public, anon, authenticated, service_role;
revoke all on function stream_private.list_live_streams(integer, uuid) from public, anon, authenticated, service_role;
revoke all on function stream_private.list_reports(uuid, bigint, integer) from public, anon, authenticated, service_role;
revoke all on function stream_private.list_restrictions(uuid, uuid, integer) from public, anon, authenticated, service_role;
revoke all on function stream_private.lock_for_deletion(uuid[], uuid[]) from public, anon, authenticated, service_role;
revoke all on function stream_private.lock_holders(xid) from public, anon, authenticated, service_role;
revoke all on function stream_private.lock_places_of_deleted_session() from public, anon, authenticated, service_role;
revoke all on function stream_private.logs_being_sent() from public, anon, authenticated, service_role;
revoke all on function stream_private.mark_messages_as_read(uuid, uuid, uuid[]) from public, anon, authenticated, service_role;
revoke all on function stream_private.mark_read_up_to(uuid, uuid, bigint) from public, anon, authenticated, service_role;
revoke all on function stream_private.may_watch(uuid, uuid, uuid) from public, anon, authenticated, service_role;
revoke all on function stream_private.metrics() from public, anon, authenticated, service_role;
revoke all on function stream_private.metrics_of_realtime() from public, anon, authenticated, service_role;
revoke all on function stream_private.milliseconds_of(uuid) from public, anon, authenticated, service_role;
revoke all on function stream_private.mute_user(uuid, uuid, integer, text) from public, anon, authenticated, service_role;
revoke all on function stream_private.new_epoch() from public, anon, authenticated, service_role;
revoke all on function stream_private.note_deleted_author() from public, anon, authenticated, service_role;
revoke all on function stream_private.note_deleted_viewers() from public, anon, authenticated, service_role;
revoke all on function stream_private.oldest_client() from public, anon, authenticated, service_role;
revoke all on function stream_private.pause() from public, anon, authenticated, service_role;
revoke all on function stream_private.pause_stream(uuid, integer, text) from public, anon, authenticated, service_role;
revoke all on function stream_private.pin_message(uuid, uuid) from public, anon, authenticated, service_role;
revoke all on function stream_private.post_auction_update(uuid, json) from public, anon, authenticated, service_role;
revoke all on function stream_private.rearm() from public, anon, authenticated, service_role;
revoke all on function stream_private.refresh_token(uuid, text, integer) from public, anon, authenticated, service_role;
revoke all on function stream_private.refuse_changing_moderation_log() from public, anon, authenticated, service_role;
revoke all on function stream_private.refuse_deleting_live_session() from public, anon, authenticated, service_role;
revoke all on function stream_private.remove_viewer(uuid, uuid, integer) from public, anon, authenticated, service_role;
revoke all on function stream_private.report_canary(bigint, integer, text) from public, anon, authenticated, service_role;
revoke all on function stream_private.report_message(uuid, uuid, text) from public, anon, authenticated, service_role;
revoke all on function stream_private.resolve_report(uuid, uuid) from public, anon, authenticated, service_role;
revoke all on function stream_private.restrict_user(uuid, uuid, text, integer, text) from public, anon, authenticated, service_role;
revoke all on function stream_private.resume_stream(uuid, integer, text) from public, anon, authenticated, service_role;
revoke all on function stream_private.send_message(uuid, uuid, text, uuid) from public, anon, authenticated, service_role;
revoke all on function stream_private.send_messages(json) from public, anon, authenticated, service_role;
revoke all on function stream_private.send_reaction(uuid, text) from public, anon, authenticated, service_role;
revoke all on function stream_private.sequence_calls(regclass) from public, anon, authenticated, service_role;
revoke all on function stream_private.session(uuid) from public, anon, authenticated, service_role;
revoke all on function stream_private.set_chat_mode(uuid, text) from public, anon, authenticated, service_role;
revoke all on function stream_private.set_slow_mode(uuid, integer) from public, anon, authenticated, service_role;
revoke all on function stream_private.start_stream(uuid, uuid, integer) from public, anon, authenticated, service_role;
revoke all on function stream_private.subscribe_to_chat(uuid, uuid) from public, anon, authenticated, service_role;
revoke all on function stream_private.sweep() from public, anon, authenticated, service_role;
revoke all on function stream_private.sync(uuid, bigint, text) from public, anon, authenticated, service_role;
revoke all on function stream_private.sync_messages(uuid, uuid) from public, anon, authenticated, service_role;
revoke all on function stream_private.tick() from public, anon, authenticated, service_role;
revoke all on function stream_private.tick_loop() from public, anon, authenticated, service_role;
revoke all on function stream_private.unblock_term(uuid, text) from public, anon, authenticated, service_role;
revoke all on function stream_private.unpin_message(uuid) from public, anon, authenticated, service_role;
revoke all on function stream_private.unread_count(uuid, uuid) from public, anon, authenticated, service_role;
revoke all on function stream_private.unsubscribe_from_chat(uuid) from public, anon, authenticated, service_role;
revoke all on function stream_private.update_stream_state(uuid, text, text, integer) from public, anon, authenticated, service_role;
revoke all on function stream_private.user_id() from public, anon, authenticated, service_role;
revoke all on function stream_private.wait_at_gate(uuid, boolean) from public, anon, authenticated, service_role;
revoke all on function stream_private.wait_for_session(uuid) from public, anon, authenticated, service_role;
revoke all on function stream_private.work() from public, anon, authenticated, service_role;

revoke all on function stream.add_viewer(uuid, uuid) from public, anon, authenticated, service_role;
grant execute on function stream.add_viewer(uuid, uuid) to authenticated, service_role;
grant execute on function stream_private.add_viewer(uuid, uuid) to authenticated, service_role;

revoke all on function stream.apply_webhook(json) from public, anon, authenticated, service_role;
grant execute on function stream.apply_webhook(json) to service_role;
grant execute on function stream_private.apply_webhook(json) to service_role;

revoke all on function stream_private.ban_user(uuid, uuid, integer, text, uuid) from public, anon, authenticated, service_role;
revoke all on function stream.ban_user(uuid, uuid, integer, text, uuid) from public, anon, authenticated, service_role;
grant execute on function stream.ban_user(uuid, uuid, integer, text, uuid) to authenticated, service_role;
grant execute on function stream_private.ban_user(uuid, uuid, integer, text, uuid) to authenticated, service_role;

revoke all on function stream_private.block_term(uuid, text, uuid) from public, anon, authenticated, service_role;
revoke all on function stream.block_term(uuid, text, uuid) from public, anon, authenticated, service_role;
grant execute on function stream.block_term(uuid, text, uuid) to authenticated, service_role;
grant execute on function stream_private.block_term(uuid, text, uuid) to authenticated, service_role;

grant execute on function stream_private.can_read_topic(text) to authenticated;

revoke all on function stream_private.delete_message(uuid, uuid, text, uuid) from public, anon, authenticated, service_role;
revoke all on function stream.delete_message(uuid, uuid, text, uuid) from public, anon, authenticated, service_role;
grant execute on function stream.delete_message(uuid, uuid, text, uuid) to authenticated, service_role;
grant execute on function stream_private.delete_message(uuid, uuid, text, uuid) to authenticated, service_role;

revoke all on function stream_private.delete_user_messages(uuid, uuid, text, uuid) from public, anon, authenticated, service_role;
revoke all on function stream.delete_user_messages(uuid, uuid, text, uuid) from public, anon, authenticated, service_role;
grant execute on function stream.delete_user_messages(uuid, uuid, text, uuid) to authenticated, service_role;
grant execute on function stream_private.delete_user_messages(uuid, uuid, text, uuid) to authenticated, service_role;

revoke all on function stream.doctor() from public, anon, authenticated, service_role;
grant execute on function stream.doctor() to service_role;
grant execute on function stream_private.doctor() to service_role;

revoke all on function stream_private.end_stream(uuid, integer, text, uuid) from public, anon, authenticated, service_role;
revoke all on function stream.end_stream(uuid, integer, text, uuid) from public, anon, authenticated, service_role;
grant execute on function stream.end_stream(uuid, integer, text, uuid) to authenticated, service_role;
grant execute on function stream_private.end_stream(uuid, integer, text, uuid) to authenticated, service_role;

revoke all on function stream.export_user(uuid) from public, anon, authenticated, service_role;
grant execute on function stream.export_user(uuid) to service_role;
grant execute on function stream_private.export_user(uuid) to service_role;

revoke all on function stream.forget_user(uuid) from public, anon, authenticated, service_role;
grant execute on function stream.forget_user(uuid) to service_role;
grant execute on function stream_private.forget_user(uuid) to service_role;

revoke all on function stream.generate_buyer_token(uuid, text) from public, anon, authenticated, service_role;
grant execute on function stream.generate_buyer_token(uuid, text) to authenticated, service_role;
grant execute on function stream_private.generate_buyer_token(uuid, text) to authenticated, service_role;

revoke all on function stream.generate_seller_token(uuid, text, integer) from public, anon, authenticated, service_role;
grant execute on function stream.generate_seller_token(uuid, text, integer) to authenticated, service_role;
grant execute on function stream_private.generate_seller_token(uuid, text, integer) to authenticated, service_role;

revoke all on function stream.get_live_stream(uuid) from public, anon, authenticated, service_role;
grant execute on function stream.get_live_stream(uuid) to authenticated, service_role;
grant execute on function stream_private.get_live_stream(uuid) to authenticated, service_role;

revoke all on function stream.get_message_history(uuid, integer, integer, bigint, bigint) from public, anon, authenticated, service_role;
grant execute on function stream.get_message_history(uuid, integer, integer, bigint, bigint) to authenticated, service_role;
grant execute on function stream_private.get_message_history(uuid, integer, integer, bigint, bigint) to authenticated, service_role;

revoke all on function stream.get_moderation_log(uuid, bigint, integer) from public, anon, authenticated, service_role;
grant execute on function stream.get_moderation_log(uuid, bigint, integer) to authenticated, service_role;
grant execute on function stream_private.get_moderation_log(uuid, bigint, integer) to authenticated, service_role;

revoke all on function stream.get_session(uuid) from public, anon, authenticated, service_role;
grant execute on function stream.get_session(uuid) to authenticated, service_role;
grant execute on function stream_private.get_session(uuid) to authenticated, service_role;

revoke all on function stream.get_stream_state(uuid) from public, anon, authenticated, service_role;
grant execute on function stream.get_stream_state(uuid) to authenticated, service_role;
grant execute on function stream_private.get_stream_state(uuid) to authenticated, service_role;

revoke all on function stream.get_stream_summary(uuid) from public, anon, authenticated, service_role;
grant execute on function stream.get_stream_summary(uuid) to authenticated, service_role;
grant execute on function stream_private.get_stream_summary(uuid) to authenticated, service_role;

revoke all on function stream.get_viewer_count(uuid) from public, anon, authenticated, service_role;
grant execute on function stream.get_viewer_count(uuid) to authenticated, service_role;
grant execute on function stream_private.get_viewer_count(uuid) to authenticated, service_role;

revoke all on function stream.get_viewers(uuid, uuid, integer) from public, anon, authenticated, service_role;
grant execute on function stream.get_viewers(uuid, uuid, integer) to authenticated, service_role;
grant execute on function stream_private.get_viewers(uuid, uuid, integer) to authenticated, service_role;

revoke all on function stream.heartbeat(uuid, boolean, integer, integer, uuid, timestamp with time zone) from public, anon, authenticated, service_role;
grant execute on function stream.heartbeat(uuid, boolean, integer, integer, uuid, timestamp with time zone) to authenticated, service_role;
grant execute on function stream_private.heartbeat(uuid, boolean, integer, integer, uuid, timestamp with time zone) to authenticated, service_role;

revoke all on function stream.heartbeats(json) from public, anon, authenticated, service_role;
grant execute on function stream.heartbeats(json) to service_role;
grant execute on function stream_private.heartbeats(json) to service_role;

revoke all on function stream.inspect_token(text, text, text) from public, anon, authenticated, service_role;
grant execute on function stream.inspect_token(text, text, text) to service_role;
grant execute on function stream_private.inspect_token(text, text, text) to service_role;

revoke all on function stream.join_stream(uuid) from public, anon, authenticated, service_role;
grant execute on function stream.join_stream(uuid) to authenticated;
grant execute on function stream_private.join_stream(uuid) to authenticated;

revoke all on function stream_private.lift_restriction(uuid, uuid, text, uuid) from public, anon, authenticated, service_role;
revoke all on function stream.lift_restriction(uuid, uuid, text, uuid) from public, anon, authenticated, service_role;
grant execute on function stream.lift_restriction(uuid, uuid, text, uuid) to authenticated, service_role;
grant execute on function stream_private.lift_restriction(uuid, uuid, text, uuid) to authenticated, service_role;

revoke all on function stream.list_blocked_terms(uuid) from public, anon, authenticated, service_role;
grant execute on function stream.list_blocked_terms(uuid) to authenticated, service_role;
grant execute on function stream_private.list_blocked_terms(uuid) to authenticated, service_role;

revoke all on function stream.list_live_streams(integer, uuid) from public, anon, authenticated, service_role;
grant execute on function stream.list_live_streams(integer, uuid) to authenticated, service_role;
grant execute on function stream_private.list_live_streams(integer, uuid) to authenticated, service_role;

revoke all on function stream.list_reports(uuid, bigint, integer) from public, anon, authenticated, service_role;
grant execute on function stream.list_reports(uuid, bigint, integer) to authenticated, service_role;
grant execute on function stream_private.list_reports(uuid, bigint, integer) to authenticated, service_role;

revoke all on function stream.list_restrictions(uuid, uuid, integer) from public, anon, authenticated, service_role;
grant execute on function stream.list_restrictions(uuid, uuid, integer) to authenticated, service_role;
grant execute on function stream_private.list_restrictions(uuid, uuid, integer) to authenticated, service_role;

revoke all on function stream.mark_messages_as_read(uuid, uuid, uuid[]) from public, anon, authenticated, service_role;
grant execute on function stream.mark_messages_as_read(uuid, uuid, uuid[]) to authenticated, service_role;
grant execute on function stream_private.mark_messages_as_read(uuid, uuid, uuid[]) to authenticated, service_role;

revoke all on function stream.mark_read_up_to(uuid, uuid, bigint) from public, anon, authenticated, service_role;
grant execute on function stream.mark_read_up_to(uuid, uuid, bigint) to authenticated, service_role;
grant execute on function stream_private.mark_read_up_to(uuid, uuid, bigint) to authenticated, service_role;

grant execute on function stream_private.metrics() to service_role;

revoke all on function stream_private.mute_user(uuid, uuid, integer, text, uuid) from public, anon, authenticated, service_role;
revoke all on function stream.mute_user(uuid, uuid, integer, text, uuid) from public, anon, authenticated, service_role;
grant execute on function stream.mute_user(uuid, uuid, integer, text, uuid) to authenticated, service_role;
grant execute on function stream_private.mute_user(uuid, uuid, integer, text, uuid) to authenticated, service_role;

revoke all on function stream.new_epoch() from public, anon, authenticated, service_role;
grant execute on function stream.new_epoch() to service_role;
grant execute on function stream_private.new_epoch() to service_role;

revoke all on function stream_private.pause_stream(uuid, integer, text, uuid) from public, anon, authenticated, service_role;
revoke all on function stream.pause_stream(uuid, integer, text, uuid) from public, anon, authenticated, service_role;
grant execute on function stream.pause_stream(uuid, integer, text, uuid) to authenticated, service_role;
grant execute on function stream_private.pause_stream(uuid, integer, text, uuid) to authenticated, service_role;

revoke all on function stream_private.pin_message(uuid, uuid, uuid) from public, anon, authenticated, service_role;
revoke all on function stream.pin_message(uuid, uuid, uuid) from public, anon, authenticated, service_role;
grant execute on function stream.pin_message(uuid, uuid, uuid) to authenticated, service_role;
grant execute on function stream_private.pin_message(uuid, uuid, uuid) to authenticated, service_role;

revoke all on function stream.post_auction_update(uuid, json) from public, anon, authenticated, service_role;
grant execute on function stream.post_auction_update(uuid, json) to service_role;
grant execute on function stream_private.post_auction_update(uuid, json) to service_role;

revoke all on function stream.refresh_token(uuid, text, integer) from public, anon, authenticated, service_role;
grant execute on function stream.refresh_token(uuid, text, integer) to authenticated, service_role;
grant execute on function stream_private.refresh_token(uuid, text, integer) to authenticated, service_role;

revoke all on function stream.remove_viewer(uuid, uuid, integer) from public, anon, authenticated, service_role;
grant execute on function stream.remove_viewer(uuid, uuid, integer) to authenticated, service_role;
grant execute on function stream_private.remove_viewer(uuid, uuid, integer) to authenticated, service_role;

revoke all on function stream.report_canary(bigint, integer, text) from public, anon, authenticated, service_role;
grant execute on function stream.report_canary(bigint, integer, text) to service_role;
grant execute on function stream_private.report_canary(bigint, integer, text) to service_role;

revoke all on function stream.report_message(uuid, uuid, text) from public, anon, authenticated, service_role;
grant execute on function stream.report_message(uuid, uuid, text) to authenticated;
grant execute on function stream_private.report_message(uuid, uuid, text) to authenticated;

revoke all on function stream_private.resolve_report(uuid, uuid, uuid) from public, anon, authenticated, service_role;
revoke all on function stream.resolve_report(uuid, uuid, uuid) from public, anon, authenticated, service_role;
grant execute on function stream.resolve_report(uuid, uuid, uuid) to authenticated, service_role;
grant execute on function stream_private.resolve_report(uuid, uuid, uuid) to authenticated, service_role;

revoke all on function stream_private.resume_stream(uuid, integer, text, uuid) from public, anon, authenticated, service_role;
revoke all on function stream.resume_stream(uuid, integer, text, uuid) from public, anon, authenticated, service_role;
grant execute on function stream.resume_stream(uuid, integer, text, uuid) to authenticated, service_role;
grant execute on function stream_private.resume_stream(uuid, integer, text, uuid) to authenticated, service_role;

revoke all on function stream.send_message(uuid, uuid, text, uuid) from public, anon, authenticated, service_role;
grant execute on function stream.send_message(uuid, uuid, text, uuid) to authenticated, service_role;
grant execute on function stream_private.send_message(uuid, uuid, text, uuid) to authenticated, service_role;

revoke all on function stream.send_messages(json) from public, anon, authenticated, service_role;
grant execute on function stream.send_messages(json) to service_role;
grant execute on function stream_private.send_messages(json) to service_role;

revoke all on function stream.send_reaction(uuid, text) from public, anon, authenticated, service_role;
grant execute on function stream.send_reaction(uuid, text) to authenticated;
grant execute on function stream_private.send_reaction(uuid, text) to authenticated;

revoke all on function stream_private.set_chat_mode(uuid, text, uuid) from public, anon, authenticated, service_role;
revoke all on function stream.set_chat_mode(uuid, text, uuid) from public, anon, authenticated, service_role;
grant execute on function stream.set_chat_mode(uuid, text, uuid) to authenticated, service_role;
grant execute on function stream_private.set_chat_mode(uuid, text, uuid) to authenticated, service_role;

revoke all on function stream_private.set_slow_mode(uuid, integer, uuid) from public, anon, authenticated, service_role;
revoke all on function stream.set_slow_mode(uuid, integer, uuid) from public, anon, authenticated, service_role;
grant execute on function stream.set_slow_mode(uuid, integer, uuid) to authenticated, service_role;
grant execute on function stream_private.set_slow_mode(uuid, integer, uuid) to authenticated, service_role;

revoke all on function stream_private.start_stream(uuid, uuid, integer, uuid) from public, anon, authenticated, service_role;
revoke all on function stream.start_stream(uuid, uuid, integer, uuid) from public, anon, authenticated, service_role;
grant execute on function stream.start_stream(uuid, uuid, integer, uuid) to authenticated, service_role;
grant execute on function stream_private.start_stream(uuid, uuid, integer, uuid) to authenticated, service_role;

revoke all on function stream.subscribe_to_chat(uuid, uuid) from public, anon, authenticated, service_role;
grant execute on function stream.subscribe_to_chat(uuid, uuid) to authenticated, service_role;
grant execute on function stream_private.subscribe_to_chat(uuid, uuid) to authenticated, service_role;

revoke all on function stream.sweep() from public, anon, authenticated, service_role;
grant execute on function stream.sweep() to service_role;
grant execute on function stream_private.sweep() to service_role;

revoke all on function stream.sync(uuid, bigint, text) from public, anon, authenticated, service_role;
grant execute on function stream.sync(uuid, bigint, text) to authenticated, service_role;
grant execute on function stream_private.sync(uuid, bigint, text) to authenticated, service_role;

revoke all on function stream.sync_messages(uuid, uuid) from public, anon, authenticated, service_role;
grant execute on function stream.sync_messages(uuid, uuid) to authenticated, service_role;
grant execute on function stream_private.sync_messages(uuid, uuid) to authenticated, service_role;

revoke all on function stream.tick() from public, anon, authenticated, service_role;
grant execute on function stream.tick() to service_role;
grant execute on function stream_private.tick() to service_role;

revoke all on function stream_private.unblock_term(uuid, text, uuid) from public, anon, authenticated, service_role;
revoke all on function stream.unblock_term(uuid, text, uuid) from public, anon, authenticated, service_role;
grant execute on function stream.unblock_term(uuid, text, uuid) to authenticated, service_role;
grant execute on function stream_private.unblock_term(uuid, text, uuid) to authenticated, service_role;

revoke all on function stream_private.unpin_message(uuid, uuid) from public, anon, authenticated, service_role;
revoke all on function stream.unpin_message(uuid, uuid) from public, anon, authenticated, service_role;
grant execute on function stream.unpin_message(uuid, uuid) to authenticated, service_role;
grant execute on function stream_private.unpin_message(uuid, uuid) to authenticated, service_role;

revoke all on function stream.unread_count(uuid, uuid) from public, anon, authenticated, service_role;
grant execute on function stream.unread_count(uuid, uuid) to authenticated, service_role;
grant execute on function stream_private.unread_count(uuid, uuid) to authenticated, service_role;

revoke all on function stream.unsubscribe_from_chat(uuid) from public, anon, authenticated, service_role;
grant execute on function stream.unsubscribe_from_chat(uuid) to authenticated, service_role;
grant execute on function stream_private.unsubscribe_from_chat(uuid) to authenticated, service_role;

revoke all on function stream_private.update_stream_state(uuid, text, text, integer, uuid) from public, anon, authenticated, service_role;
revoke all on function stream.update_stream_state(uuid, text, text, integer, uuid) from public, anon, authenticated, service_role;
grant execute on function stream.update_stream_state(uuid, text, text, integer, uuid) to authenticated, service_role;
grant execute on function stream_private.update_stream_state(uuid, text, text, integer, uuid) to authenticated, service_role;

revoke all on function stream.user_id() from public, anon, authenticated, service_role;
grant execute on function stream.user_id() to authenticated, service_role;
grant execute on function stream_private.user_id() to authenticated, service_role;

revoke all on schema stream, stream_private from public, anon, authenticated, service_role;
grant usage on schema stream, stream_private to authenticated, service_role;

-- sql/api/040_edge_calls.sql

-- Generated by `cargo x generate` from the comments in sql/: the calls of edge_api, one statement each.

create or replace function stream_edge.add_viewer(
    edge_role text,
    edge_claims text,
    edge_method text,
    edge_path text,
    edge_lock_timeout text,
    session_id uuid,
    buyer_id uuid default null
)
returns json
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    unset pg_catalog.int4;
begin
    unset := pg_catalog.num_nulls(
        pg_catalog.set_config('role', $1, true),
        pg_catalog.set_config('request.jwt.claims', $2, true),
        pg_catalog.set_config('request.method', $3, true),
        pg_catalog.set_config('request.path', $4, true),
        pg_catalog.set_config('lock_timeout', $5, true)
    );
    return pg_catalog.to_json(stream.add_viewer($6, $7));
end
$$;
comment on function stream_edge.add_viewer(text, text, text, text, text, uuid, uuid) is
    'Takes on a role and claims to the end of the transaction and calls the operation: for edge_api.';
revoke all on function stream_edge.add_viewer(text, text, text, text, text, uuid, uuid) from public, anon, authenticated, service_role;

create or replace function stream_edge.apply_webhook(
    edge_role text,
    edge_claims text,
    edge_method text,
    edge_path text,
    edge_lock_timeout text,
    notice json
)
returns json
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    unset pg_catalog.int4;
begin
    unset := pg_catalog.num_nulls(
        pg_catalog.set_config('role', $1, true),
        pg_catalog.set_config('request.jwt.claims', $2, true),
        pg_catalog.set_config('request.method', $3, true),
        pg_catalog.set_config('request.path', $4, true),
        pg_catalog.set_config('lock_timeout', $5, true)
    );
    return pg_catalog.to_json(stream.apply_webhook($6));
end
$$;
comment on function stream_edge.apply_webhook(text, text, text, text, text, json) is
    'Takes on a role and claims to the end of the transaction and calls the operation: for edge_api.';
revoke all on function stream_edge.apply_webhook(text, text, text, text, text, json) from public, anon, authenticated, service_role;

create or replace function stream_edge.ban_user(
    edge_role text,
    edge_claims text,
    edge_method text,
    edge_path text,
    edge_lock_timeout text,
    session_id uuid,
    user_id uuid,
    duration_s integer default null,
    reason text default null,
    request_id uuid default null
)
returns json
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    unset pg_catalog.int4;
begin
    unset := pg_catalog.num_nulls(
        pg_catalog.set_config('role', $1, true),
        pg_catalog.set_config('request.jwt.claims', $2, true),
        pg_catalog.set_config('request.method', $3, true),
        pg_catalog.set_config('request.path', $4, true),
        pg_catalog.set_config('lock_timeout', $5, true)
    );
    return pg_catalog.to_json(stream.ban_user($6, $7, $8, $9, $10));
end
$$;
comment on function stream_edge.ban_user(text, text, text, text, text, uuid, uuid, integer, text, uuid) is
    'Takes on a role and claims to the end of the transaction and calls the operation: for edge_api.';
revoke all on function stream_edge.ban_user(text, text, text, text, text, uuid, uuid, integer, text, uuid) from public, anon, authenticated, service_role;

create or replace function stream_edge.block_term(
    edge_role text,
    edge_claims text,
    edge_method text,
    edge_path text,
    edge_lock_timeout text,
    session_id uuid default null,
    term text default null,
    request_id uuid default null
)
returns json
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    unset pg_catalog.int4;
begin
    unset := pg_catalog.num_nulls(
        pg_catalog.set_config('role', $1, true),
        pg_catalog.set_config('request.jwt.claims', $2, true),
        pg_catalog.set_config('request.method', $3, true),
        pg_catalog.set_config('request.path', $4, true),
        pg_catalog.set_config('lock_timeout', $5, true)
    );
    return pg_catalog.to_json(stream.block_term($6, $7, $8));
end
$$;
comment on function stream_edge.block_term(text, text, text, text, text, uuid, text, uuid) is
    'Takes on a role and claims to the end of the transaction and calls the operation: for edge_api.';
revoke all on function stream_edge.block_term(text, text, text, text, text, uuid, text, uuid) from public, anon, authenticated, service_role;

create or replace function stream_edge.delete_message(
    edge_role text,
    edge_claims text,
    edge_method text,
    edge_path text,
    edge_lock_timeout text,
    session_id uuid,
    message_id uuid,
    reason text default null,
    request_id uuid default null
)
returns json
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    unset pg_catalog.int4;
begin
    unset := pg_catalog.num_nulls(
        pg_catalog.set_config('role', $1, true),
        pg_catalog.set_config('request.jwt.claims', $2, true),
        pg_catalog.set_config('request.method', $3, true),
        pg_catalog.set_config('request.path', $4, true),
        pg_catalog.set_config('lock_timeout', $5, true)
    );
    return pg_catalog.to_json(stream.delete_message($6, $7, $8, $9));
end
$$;
comment on function stream_edge.delete_message(text, text, text, text, text, uuid, uuid, text, uuid) is
    'Takes on a role and claims to the end of the transaction and calls the operation: for edge_api.';
revoke all on function stream_edge.delete_message(text, text, text, text, text, uuid, uuid, text, uuid) from public, anon, authenticated, service_role;

create or replace function stream_edge.delete_user_messages(
    edge_role text,
    edge_claims text,
    edge_method text,
    edge_path text,
    edge_lock_timeout text,
    session_id uuid,
    user_id uuid,
    reason text default null,
    request_id uuid default null
)
returns json
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    unset pg_catalog.int4;
begin
    unset := pg_catalog.num_nulls(
        pg_catalog.set_config('role', $1, true),
        pg_catalog.set_config('request.jwt.claims', $2, true),
        pg_catalog.set_config('request.method', $3, true),
        pg_catalog.set_config('request.path', $4, true),
        pg_catalog.set_config('lock_timeout', $5, true)
    );
    return pg_catalog.to_json(stream.delete_user_messages($6, $7, $8, $9));
end
$$;
comment on function stream_edge.delete_user_messages(text, text, text, text, text, uuid, uuid, text, uuid) is
    'Takes on a role and claims to the end of the transaction and calls the operation: for edge_api.';
revoke all on function stream_edge.delete_user_messages(text, text, text, text, text, uuid, uuid, text, uuid) from public, anon, authenticated, service_role;

create or replace function stream_edge.doctor(
    edge_role text,
    edge_claims text,
    edge_method text,
    edge_path text,
    edge_lock_timeout text
)
returns json
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    unset pg_catalog.int4;
begin
    unset := pg_catalog.num_nulls(
        pg_catalog.set_config('role', $1, true),
        pg_catalog.set_config('request.jwt.claims', $2, true),
        pg_catalog.set_config('request.method', $3, true),
        pg_catalog.set_config('request.path', $4, true),
        pg_catalog.set_config('lock_timeout', $5, true),
        pg_catalog.set_config('transaction_read_only', 'on', true)
    );
    return (select coalesce(pg_catalog.json_agg(answer), '[]'::pg_catalog.json) from stream.doctor() as answer);
end
$$;
comment on function stream_edge.doctor(text, text, text, text, text) is
    'Takes on a role and claims to the end of the transaction and calls the operation: for edge_api.';
revoke all on function stream_edge.doctor(text, text, text, text, text) from public, anon, authenticated, service_role;

create or replace function stream_edge.end_stream(
    edge_role text,
    edge_claims text,
    edge_method text,
    edge_path text,
    edge_lock_timeout text,
    session_id uuid,
    generation integer default null,
    reason text default null,
    request_id uuid default null
)
returns json
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    unset pg_catalog.int4;
begin
    unset := pg_catalog.num_nulls(
        pg_catalog.set_config('role', $1, true),
        pg_catalog.set_config('request.jwt.claims', $2, true),
        pg_catalog.set_config('request.method', $3, true),
        pg_catalog.set_config('request.path', $4, true),
        pg_catalog.set_config('lock_timeout', $5, true)
    );
    return pg_catalog.to_json(stream.end_stream($6, $7, $8, $9));
end
$$;
comment on function stream_edge.end_stream(text, text, text, text, text, uuid, integer, text, uuid) is
    'Takes on a role and claims to the end of the transaction and calls the operation: for edge_api.';
revoke all on function stream_edge.end_stream(text, text, text, text, text, uuid, integer, text, uuid) from public, anon, authenticated, service_role;

create or replace function stream_edge.export_user(
    edge_role text,
    edge_claims text,
    edge_method text,
    edge_path text,
    edge_lock_timeout text,
    user_id uuid
)
returns json
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    unset pg_catalog.int4;
begin
    unset := pg_catalog.num_nulls(
        pg_catalog.set_config('role', $1, true),
        pg_catalog.set_config('request.jwt.claims', $2, true),
        pg_catalog.set_config('request.method', $3, true),
        pg_catalog.set_config('request.path', $4, true),
        pg_catalog.set_config('lock_timeout', $5, true),
        pg_catalog.set_config('transaction_read_only', 'on', true)
    );
    return (select coalesce(pg_catalog.json_agg(answer), '[]'::pg_catalog.json) from stream.export_user($6) as answer);
end
$$;
comment on function stream_edge.export_user(text, text, text, text, text, uuid) is
    'Takes on a role and claims to the end of the transaction and calls the operation: for edge_api.';
revoke all on function stream_edge.export_user(text, text, text, text, text, uuid) from public, anon, authenticated, service_role;

create or replace function stream_edge.forget_user(
    edge_role text,
    edge_claims text,
    edge_method text,
    edge_path text,
    edge_lock_timeout text,
    user_id uuid
)
returns json
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    unset pg_catalog.int4;
begin
    unset := pg_catalog.num_nulls(
        pg_catalog.set_config('role', $1, true),
        pg_catalog.set_config('request.jwt.claims', $2, true),
        pg_catalog.set_config('request.method', $3, true),
        pg_catalog.set_config('request.path', $4, true),
        pg_catalog.set_config('lock_timeout', $5, true)
    );
    return pg_catalog.to_json(stream.forget_user($6));
end
$$;
comment on function stream_edge.forget_user(text, text, text, text, text, uuid) is
    'Takes on a role and claims to the end of the transaction and calls the operation: for edge_api.';
revoke all on function stream_edge.forget_user(text, text, text, text, text, uuid) from public, anon, authenticated, service_role;

create or replace function stream_edge.generate_buyer_token(
    edge_role text,
    edge_claims text,
    edge_method text,
    edge_path text,
    edge_lock_timeout text,
    buyer_id uuid default null,
    channel_id text default null
)
returns json
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    unset pg_catalog.int4;
begin
    unset := pg_catalog.num_nulls(
        pg_catalog.set_config('role', $1, true),
        pg_catalog.set_config('request.jwt.claims', $2, true),
        pg_catalog.set_config('request.method', $3, true),
        pg_catalog.set_config('request.path', $4, true),
        pg_catalog.set_config('lock_timeout', $5, true)
    );
    return pg_catalog.to_json(stream.generate_buyer_token($6, $7));
end
$$;
comment on function stream_edge.generate_buyer_token(text, text, text, text, text, uuid, text) is
    'Takes on a role and claims to the end of the transaction and calls the operation: for edge_api.';
revoke all on function stream_edge.generate_buyer_token(text, text, text, text, text, uuid, text) from public, anon, authenticated, service_role;

create or replace function stream_edge.generate_seller_token(
    edge_role text,
    edge_claims text,
    edge_method text,
    edge_path text,
    edge_lock_timeout text,
    seller_id uuid default null,
    channel_id text default null,
    generation integer default null
)
returns json
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    unset pg_catalog.int4;
begin
    unset := pg_catalog.num_nulls(
        pg_catalog.set_config('role', $1, true),
        pg_catalog.set_config('request.jwt.claims', $2, true),
        pg_catalog.set_config('request.method', $3, true),
        pg_catalog.set_config('request.path', $4, true),
        pg_catalog.set_config('lock_timeout', $5, true)
    );
    return pg_catalog.to_json(stream.generate_seller_token($6, $7, $8));
end
$$;
comment on function stream_edge.generate_seller_token(text, text, text, text, text, uuid, text, integer) is
    'Takes on a role and claims to the end of the transaction and calls the operation: for edge_api.';
revoke all on function stream_edge.generate_seller_token(text, text, text, text, text, uuid, text, integer) from public, anon, authenticated, service_role;

create or replace function stream_edge.get_live_stream(
    edge_role text,
    edge_claims text,
    edge_method text,
    edge_path text,
    edge_lock_timeout text,
    auction_id uuid
)
returns json
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    unset pg_catalog.int4;
begin
    unset := pg_catalog.num_nulls(
        pg_catalog.set_config('role', $1, true),
        pg_catalog.set_config('request.jwt.claims', $2, true),
        pg_catalog.set_config('request.method', $3, true),
        pg_catalog.set_config('request.path', $4, true),
        pg_catalog.set_config('lock_timeout', $5, true),
        pg_catalog.set_config('transaction_read_only', 'on', true)
    );
    return pg_catalog.to_json(stream.get_live_stream($6));
end
$$;
comment on function stream_edge.get_live_stream(text, text, text, text, text, uuid) is
    'Takes on a role and claims to the end of the transaction and calls the operation: for edge_api.';
revoke all on function stream_edge.get_live_stream(text, text, text, text, text, uuid) from public, anon, authenticated, service_role;

create or replace function stream_edge.get_message_history(
    edge_role text,
    edge_claims text,
    edge_method text,
    edge_path text,
    edge_lock_timeout text,
    session_id uuid,
    page_size integer default 50,
    skip integer default 0,
    before_seq bigint default null,
    after_seq bigint default null
)
returns json
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    unset pg_catalog.int4;
begin
    unset := pg_catalog.num_nulls(
        pg_catalog.set_config('role', $1, true),
        pg_catalog.set_config('request.jwt.claims', $2, true),
        pg_catalog.set_config('request.method', $3, true),
        pg_catalog.set_config('request.path', $4, true),
        pg_catalog.set_config('lock_timeout', $5, true),
        pg_catalog.set_config('transaction_read_only', 'on', true)
    );
    return (select coalesce(pg_catalog.json_agg(answer), '[]'::pg_catalog.json) from stream.get_message_history($6, $7, $8, $9, $10) as answer);
end
$$;
comment on function stream_edge.get_message_history(text, text, text, text, text, uuid, integer, integer, bigint, bigint) is
    'Takes on a role and claims to the end of the transaction and calls the operation: for edge_api.';
revoke all on function stream_edge.get_message_history(text, text, text, text, text, uuid, integer, integer, bigint, bigint) from public, anon, authenticated, service_role;

create or replace function stream_edge.get_moderation_log(
    edge_role text,
    edge_claims text,
    edge_method text,
    edge_path text,
    edge_lock_timeout text,
    session_id uuid default null,
    before_id bigint default null,
    page_size integer default 50
)
returns json
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    unset pg_catalog.int4;
begin
    unset := pg_catalog.num_nulls(
        pg_catalog.set_config('role', $1, true),
        pg_catalog.set_config('request.jwt.claims', $2, true),
        pg_catalog.set_config('request.method', $3, true),
        pg_catalog.set_config('request.path', $4, true),
        pg_catalog.set_config('lock_timeout', $5, true),
        pg_catalog.set_config('transaction_read_only', 'on', true)
    );
    return (select coalesce(pg_catalog.json_agg(answer), '[]'::pg_catalog.json) from stream.get_moderation_log($6, $7, $8) as answer);
end
$$;
comment on function stream_edge.get_moderation_log(text, text, text, text, text, uuid, bigint, integer) is
    'Takes on a role and claims to the end of the transaction and calls the operation: for edge_api.';
revoke all on function stream_edge.get_moderation_log(text, text, text, text, text, uuid, bigint, integer) from public, anon, authenticated, service_role;

create or replace function stream_edge.get_session(
    edge_role text,
    edge_claims text,
    edge_method text,
    edge_path text,
    edge_lock_timeout text,
    session_id uuid
)
returns json
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    unset pg_catalog.int4;
begin
    unset := pg_catalog.num_nulls(
        pg_catalog.set_config('role', $1, true),
        pg_catalog.set_config('request.jwt.claims', $2, true),
        pg_catalog.set_config('request.method', $3, true),
        pg_catalog.set_config('request.path', $4, true),
        pg_catalog.set_config('lock_timeout', $5, true),
        pg_catalog.set_config('transaction_read_only', 'on', true)
    );
    return pg_catalog.to_json(stream.get_session($6));
end
$$;
comment on function stream_edge.get_session(text, text, text, text, text, uuid) is
    'Takes on a role and claims to the end of the transaction and calls the operation: for edge_api.';
revoke all on function stream_edge.get_session(text, text, text, text, text, uuid) from public, anon, authenticated, service_role;

create or replace function stream_edge.get_stream_state(
    edge_role text,
    edge_claims text,
    edge_method text,
    edge_path text,
    edge_lock_timeout text,
    session_id uuid
)
returns json
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    unset pg_catalog.int4;
begin
    unset := pg_catalog.num_nulls(
        pg_catalog.set_config('role', $1, true),
        pg_catalog.set_config('request.jwt.claims', $2, true),
        pg_catalog.set_config('request.method', $3, true),
        pg_catalog.set_config('request.path', $4, true),
        pg_catalog.set_config('lock_timeout', $5, true),
        pg_catalog.set_config('transaction_read_only', 'on', true)
    );
    return pg_catalog.to_json(stream.get_stream_state($6));
end
$$;
comment on function stream_edge.get_stream_state(text, text, text, text, text, uuid) is
    'Takes on a role and claims to the end of the transaction and calls the operation: for edge_api.';
revoke all on function stream_edge.get_stream_state(text, text, text, text, text, uuid) from public, anon, authenticated, service_role;

create or replace function stream_edge.get_stream_summary(
    edge_role text,
    edge_claims text,
    edge_method text,
    edge_path text,
    edge_lock_timeout text,
    session_id uuid
)
returns json
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    unset pg_catalog.int4;
begin
    unset := pg_catalog.num_nulls(
        pg_catalog.set_config('role', $1, true),
        pg_catalog.set_config('request.jwt.claims', $2, true),
        pg_catalog.set_config('request.method', $3, true),
        pg_catalog.set_config('request.path', $4, true),
        pg_catalog.set_config('lock_timeout', $5, true),
        pg_catalog.set_config('transaction_read_only', 'on', true)
    );
    return pg_catalog.to_json(stream.get_stream_summary($6));
end
$$;
comment on function stream_edge.get_stream_summary(text, text, text, text, text, uuid) is
    'Takes on a role and claims to the end of the transaction and calls the operation: for edge_api.';
revoke all on function stream_edge.get_stream_summary(text, text, text, text, text, uuid) from public, anon, authenticated, service_role;

create or replace function stream_edge.get_viewer_count(
    edge_role text,
    edge_claims text,
    edge_method text,
    edge_path text,
    edge_lock_timeout text,
    session_id uuid
)
returns json
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    unset pg_catalog.int4;
begin
    unset := pg_catalog.num_nulls(
        pg_catalog.set_config('role', $1, true),
        pg_catalog.set_config('request.jwt.claims', $2, true),
        pg_catalog.set_config('request.method', $3, true),
        pg_catalog.set_config('request.path', $4, true),
        pg_catalog.set_config('lock_timeout', $5, true),
        pg_catalog.set_config('transaction_read_only', 'on', true)
    );
    return pg_catalog.to_json(stream.get_viewer_count($6));
end
$$;
comment on function stream_edge.get_viewer_count(text, text, text, text, text, uuid) is
    'Takes on a role and claims to the end of the transaction and calls the operation: for edge_api.';
revoke all on function stream_edge.get_viewer_count(text, text, text, text, text, uuid) from public, anon, authenticated, service_role;

create or replace function stream_edge.get_viewers(
    edge_role text,
    edge_claims text,
    edge_method text,
    edge_path text,
    edge_lock_timeout text,
    session_id uuid,
    after uuid default null,
    page_size integer default 50
)
returns json
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    unset pg_catalog.int4;
begin
    unset := pg_catalog.num_nulls(
        pg_catalog.set_config('role', $1, true),
        pg_catalog.set_config('request.jwt.claims', $2, true),
        pg_catalog.set_config('request.method', $3, true),
        pg_catalog.set_config('request.path', $4, true),
        pg_catalog.set_config('lock_timeout', $5, true),
        pg_catalog.set_config('transaction_read_only', 'on', true)
    );
    return (select coalesce(pg_catalog.json_agg(answer), '[]'::pg_catalog.json) from stream.get_viewers($6, $7, $8) as answer);
end
$$;
comment on function stream_edge.get_viewers(text, text, text, text, text, uuid, uuid, integer) is
    'Takes on a role and claims to the end of the transaction and calls the operation: for edge_api.';
revoke all on function stream_edge.get_viewers(text, text, text, text, text, uuid, uuid, integer) from public, anon, authenticated, service_role;

create or replace function stream_edge.heartbeat(
    edge_role text,
    edge_claims text,
    edge_method text,
    edge_path text,
    edge_lock_timeout text,
    session_id uuid,
    foreground boolean default null,
    generation integer default null,
    join_no integer default null,
    user_id uuid default null,
    token_expires_at timestamptz default null
)
returns json
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    unset pg_catalog.int4;
begin
    unset := pg_catalog.num_nulls(
        pg_catalog.set_config('role', $1, true),
        pg_catalog.set_config('request.jwt.claims', $2, true),
        pg_catalog.set_config('request.method', $3, true),
        pg_catalog.set_config('request.path', $4, true),
        pg_catalog.set_config('lock_timeout', $5, true)
    );
    return pg_catalog.to_json(stream.heartbeat($6, $7, $8, $9, $10, $11));
end
$$;
comment on function stream_edge.heartbeat(text, text, text, text, text, uuid, boolean, integer, integer, uuid, timestamp with time zone) is
    'Takes on a role and claims to the end of the transaction and calls the operation: for edge_api.';
revoke all on function stream_edge.heartbeat(text, text, text, text, text, uuid, boolean, integer, integer, uuid, timestamp with time zone) from public, anon, authenticated, service_role;

create or replace function stream_edge.heartbeats(
    edge_role text,
    edge_claims text,
    edge_method text,
    edge_path text,
    edge_lock_timeout text,
    items json
)
returns json
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    unset pg_catalog.int4;
begin
    unset := pg_catalog.num_nulls(
        pg_catalog.set_config('role', $1, true),
        pg_catalog.set_config('request.jwt.claims', $2, true),
        pg_catalog.set_config('request.method', $3, true),
        pg_catalog.set_config('request.path', $4, true),
        pg_catalog.set_config('lock_timeout', $5, true)
    );
    return (select coalesce(pg_catalog.json_agg(answer), '[]'::pg_catalog.json) from stream.heartbeats($6) as answer);
end
$$;
comment on function stream_edge.heartbeats(text, text, text, text, text, json) is
    'Takes on a role and claims to the end of the transaction and calls the operation: for edge_api.';
revoke all on function stream_edge.heartbeats(text, text, text, text, text, json) from public, anon, authenticated, service_role;

create or replace function stream_edge.inspect_token(
    edge_role text,
    edge_claims text,
    edge_method text,
    edge_path text,
    edge_lock_timeout text,
    token text,
    channel_id text default null,
    account text default null
)
returns json
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    unset pg_catalog.int4;
begin
    unset := pg_catalog.num_nulls(
        pg_catalog.set_config('role', $1, true),
        pg_catalog.set_config('request.jwt.claims', $2, true),
        pg_catalog.set_config('request.method', $3, true),
        pg_catalog.set_config('request.path', $4, true),
        pg_catalog.set_config('lock_timeout', $5, true),
        pg_catalog.set_config('transaction_read_only', 'on', true)
    );
    return pg_catalog.to_json(stream.inspect_token($6, $7, $8));
end
$$;
comment on function stream_edge.inspect_token(text, text, text, text, text, text, text, text) is
    'Takes on a role and claims to the end of the transaction and calls the operation: for edge_api.';
revoke all on function stream_edge.inspect_token(text, text, text, text, text, text, text, text) from public, anon, authenticated, service_role;

create or replace function stream_edge.join_stream(
    edge_role text,
    edge_claims text,
    edge_method text,
    edge_path text,
    edge_lock_timeout text,
    session_id uuid
)
returns json
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    unset pg_catalog.int4;
begin
    unset := pg_catalog.num_nulls(
        pg_catalog.set_config('role', $1, true),
        pg_catalog.set_config('request.jwt.claims', $2, true),
        pg_catalog.set_config('request.method', $3, true),
        pg_catalog.set_config('request.path', $4, true),
        pg_catalog.set_config('lock_timeout', $5, true)
    );
    return pg_catalog.to_json(stream.join_stream($6));
end
$$;
comment on function stream_edge.join_stream(text, text, text, text, text, uuid) is
    'Takes on a role and claims to the end of the transaction and calls the operation: for edge_api.';
revoke all on function stream_edge.join_stream(text, text, text, text, text, uuid) from public, anon, authenticated, service_role;

create or replace function stream_edge.lift_restriction(
    edge_role text,
    edge_claims text,
    edge_method text,
    edge_path text,
    edge_lock_timeout text,
    session_id uuid,
    user_id uuid,
    kind text,
    request_id uuid default null
)
returns json
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    unset pg_catalog.int4;
begin
    unset := pg_catalog.num_nulls(
        pg_catalog.set_config('role', $1, true),
        pg_catalog.set_config('request.jwt.claims', $2, true),
        pg_catalog.set_config('request.method', $3, true),
        pg_catalog.set_config('request.path', $4, true),
        pg_catalog.set_config('lock_timeout', $5, true)
    );
    return pg_catalog.to_json(stream.lift_restriction($6, $7, $8, $9));
end
$$;
comment on function stream_edge.lift_restriction(text, text, text, text, text, uuid, uuid, text, uuid) is
    'Takes on a role and claims to the end of the transaction and calls the operation: for edge_api.';
revoke all on function stream_edge.lift_restriction(text, text, text, text, text, uuid, uuid, text, uuid) from public, anon, authenticated, service_role;

create or replace function stream_edge.list_blocked_terms(
    edge_role text,
    edge_claims text,
    edge_method text,
    edge_path text,
    edge_lock_timeout text,
    session_id uuid default null
)
returns json
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    unset pg_catalog.int4;
begin
    unset := pg_catalog.num_nulls(
        pg_catalog.set_config('role', $1, true),
        pg_catalog.set_config('request.jwt.claims', $2, true),
        pg_catalog.set_config('request.method', $3, true),
        pg_catalog.set_config('request.path', $4, true),
        pg_catalog.set_config('lock_timeout', $5, true),
        pg_catalog.set_config('transaction_read_only', 'on', true)
    );
    return (select coalesce(pg_catalog.json_agg(answer), '[]'::pg_catalog.json) from stream.list_blocked_terms($6) as answer);
end
$$;
comment on function stream_edge.list_blocked_terms(text, text, text, text, text, uuid) is
    'Takes on a role and claims to the end of the transaction and calls the operation: for edge_api.';
revoke all on function stream_edge.list_blocked_terms(text, text, text, text, text, uuid) from public, anon, authenticated, service_role;

create or replace function stream_edge.list_live_streams(
    edge_role text,
    edge_claims text,
    edge_method text,
    edge_path text,
    edge_lock_timeout text,
    page_size integer default 50,
    after uuid default null
)
returns json
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    unset pg_catalog.int4;
begin
    unset := pg_catalog.num_nulls(
        pg_catalog.set_config('role', $1, true),
        pg_catalog.set_config('request.jwt.claims', $2, true),
        pg_catalog.set_config('request.method', $3, true),
        pg_catalog.set_config('request.path', $4, true),
        pg_catalog.set_config('lock_timeout', $5, true),
        pg_catalog.set_config('transaction_read_only', 'on', true)
    );
    return pg_catalog.to_json(stream.list_live_streams($6, $7));
end
$$;
comment on function stream_edge.list_live_streams(text, text, text, text, text, integer, uuid) is
    'Takes on a role and claims to the end of the transaction and calls the operation: for edge_api.';
revoke all on function stream_edge.list_live_streams(text, text, text, text, text, integer, uuid) from public, anon, authenticated, service_role;

create or replace function stream_edge.list_reports(
    edge_role text,
    edge_claims text,
    edge_method text,
    edge_path text,
    edge_lock_timeout text,
    session_id uuid,
    after bigint default null,
    page_size integer default 50
)
returns json
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    unset pg_catalog.int4;
begin
    unset := pg_catalog.num_nulls(
        pg_catalog.set_config('role', $1, true),
        pg_catalog.set_config('request.jwt.claims', $2, true),
        pg_catalog.set_config('request.method', $3, true),
        pg_catalog.set_config('request.path', $4, true),
        pg_catalog.set_config('lock_timeout', $5, true),
        pg_catalog.set_config('transaction_read_only', 'on', true)
    );
    return (select coalesce(pg_catalog.json_agg(answer), '[]'::pg_catalog.json) from stream.list_reports($6, $7, $8) as answer);
end
$$;
comment on function stream_edge.list_reports(text, text, text, text, text, uuid, bigint, integer) is
    'Takes on a role and claims to the end of the transaction and calls the operation: for edge_api.';
revoke all on function stream_edge.list_reports(text, text, text, text, text, uuid, bigint, integer) from public, anon, authenticated, service_role;

create or replace function stream_edge.list_restrictions(
    edge_role text,
    edge_claims text,
    edge_method text,
    edge_path text,
    edge_lock_timeout text,
    session_id uuid,
    after uuid default null,
    page_size integer default 50
)
returns json
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    unset pg_catalog.int4;
begin
    unset := pg_catalog.num_nulls(
        pg_catalog.set_config('role', $1, true),
        pg_catalog.set_config('request.jwt.claims', $2, true),
        pg_catalog.set_config('request.method', $3, true),
        pg_catalog.set_config('request.path', $4, true),
        pg_catalog.set_config('lock_timeout', $5, true),
        pg_catalog.set_config('transaction_read_only', 'on', true)
    );
    return (select coalesce(pg_catalog.json_agg(answer), '[]'::pg_catalog.json) from stream.list_restrictions($6, $7, $8) as answer);
end
$$;
comment on function stream_edge.list_restrictions(text, text, text, text, text, uuid, uuid, integer) is
    'Takes on a role and claims to the end of the transaction and calls the operation: for edge_api.';
revoke all on function stream_edge.list_restrictions(text, text, text, text, text, uuid, uuid, integer) from public, anon, authenticated, service_role;

create or replace function stream_edge.mark_messages_as_read(
    edge_role text,
    edge_claims text,
    edge_method text,
    edge_path text,
    edge_lock_timeout text,
    session_id uuid,
    user_id uuid default null,
    message_ids uuid[] default null
)
returns json
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    unset pg_catalog.int4;
begin
    unset := pg_catalog.num_nulls(
        pg_catalog.set_config('role', $1, true),
        pg_catalog.set_config('request.jwt.claims', $2, true),
        pg_catalog.set_config('request.method', $3, true),
        pg_catalog.set_config('request.path', $4, true),
        pg_catalog.set_config('lock_timeout', $5, true)
    );
    return pg_catalog.to_json(stream.mark_messages_as_read($6, $7, $8));
end
$$;
comment on function stream_edge.mark_messages_as_read(text, text, text, text, text, uuid, uuid, uuid[]) is
    'Takes on a role and claims to the end of the transaction and calls the operation: for edge_api.';
revoke all on function stream_edge.mark_messages_as_read(text, text, text, text, text, uuid, uuid, uuid[]) from public, anon, authenticated, service_role;

create or replace function stream_edge.mark_read_up_to(
    edge_role text,
    edge_claims text,
    edge_method text,
    edge_path text,
    edge_lock_timeout text,
    session_id uuid,
    user_id uuid default null,
    seq bigint default null
)
returns json
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    unset pg_catalog.int4;
begin
    unset := pg_catalog.num_nulls(
        pg_catalog.set_config('role', $1, true),
        pg_catalog.set_config('request.jwt.claims', $2, true),
        pg_catalog.set_config('request.method', $3, true),
        pg_catalog.set_config('request.path', $4, true),
        pg_catalog.set_config('lock_timeout', $5, true)
    );
    return pg_catalog.to_json(stream.mark_read_up_to($6, $7, $8));
end
$$;
comment on function stream_edge.mark_read_up_to(text, text, text, text, text, uuid, uuid, bigint) is
    'Takes on a role and claims to the end of the transaction and calls the operation: for edge_api.';
revoke all on function stream_edge.mark_read_up_to(text, text, text, text, text, uuid, uuid, bigint) from public, anon, authenticated, service_role;

create or replace function stream_edge.mute_user(
    edge_role text,
    edge_claims text,
    edge_method text,
    edge_path text,
    edge_lock_timeout text,
    session_id uuid,
    user_id uuid,
    duration_s integer default null,
    reason text default null,
    request_id uuid default null
)
returns json
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    unset pg_catalog.int4;
begin
    unset := pg_catalog.num_nulls(
        pg_catalog.set_config('role', $1, true),
        pg_catalog.set_config('request.jwt.claims', $2, true),
        pg_catalog.set_config('request.method', $3, true),
        pg_catalog.set_config('request.path', $4, true),
        pg_catalog.set_config('lock_timeout', $5, true)
    );
    return pg_catalog.to_json(stream.mute_user($6, $7, $8, $9, $10));
end
$$;
comment on function stream_edge.mute_user(text, text, text, text, text, uuid, uuid, integer, text, uuid) is
    'Takes on a role and claims to the end of the transaction and calls the operation: for edge_api.';
revoke all on function stream_edge.mute_user(text, text, text, text, text, uuid, uuid, integer, text, uuid) from public, anon, authenticated, service_role;

create or replace function stream_edge.new_epoch(
    edge_role text,
    edge_claims text,
    edge_method text,
    edge_path text,
    edge_lock_timeout text
)
returns json
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    unset pg_catalog.int4;
begin
    unset := pg_catalog.num_nulls(
        pg_catalog.set_config('role', $1, true),
        pg_catalog.set_config('request.jwt.claims', $2, true),
        pg_catalog.set_config('request.method', $3, true),
        pg_catalog.set_config('request.path', $4, true),
        pg_catalog.set_config('lock_timeout', $5, true)
    );
    return pg_catalog.to_json(stream.new_epoch());
end
$$;
comment on function stream_edge.new_epoch(text, text, text, text, text) is
    'Takes on a role and claims to the end of the transaction and calls the operation: for edge_api.';
revoke all on function stream_edge.new_epoch(text, text, text, text, text) from public, anon, authenticated, service_role;

create or replace function stream_edge.pause_stream(
    edge_role text,
    edge_claims text,
    edge_method text,
    edge_path text,
    edge_lock_timeout text,
    session_id uuid,
    generation integer default null,
    reason text default null,
    request_id uuid default null
)
returns json
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    unset pg_catalog.int4;
begin
    unset := pg_catalog.num_nulls(
        pg_catalog.set_config('role', $1, true),
        pg_catalog.set_config('request.jwt.claims', $2, true),
        pg_catalog.set_config('request.method', $3, true),
        pg_catalog.set_config('request.path', $4, true),
        pg_catalog.set_config('lock_timeout', $5, true)
    );
    return pg_catalog.to_json(stream.pause_stream($6, $7, $8, $9));
end
$$;
comment on function stream_edge.pause_stream(text, text, text, text, text, uuid, integer, text, uuid) is
    'Takes on a role and claims to the end of the transaction and calls the operation: for edge_api.';
revoke all on function stream_edge.pause_stream(text, text, text, text, text, uuid, integer, text, uuid) from public, anon, authenticated, service_role;

create or replace function stream_edge.pin_message(
    edge_role text,
    edge_claims text,
    edge_method text,
    edge_path text,
    edge_lock_timeout text,
    session_id uuid,
    message_id uuid,
    request_id uuid default null
)
returns json
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    unset pg_catalog.int4;
begin
    unset := pg_catalog.num_nulls(
        pg_catalog.set_config('role', $1, true),
        pg_catalog.set_config('request.jwt.claims', $2, true),
        pg_catalog.set_config('request.method', $3, true),
        pg_catalog.set_config('request.path', $4, true),
        pg_catalog.set_config('lock_timeout', $5, true)
    );
    return pg_catalog.to_json(stream.pin_message($6, $7, $8));
end
$$;
comment on function stream_edge.pin_message(text, text, text, text, text, uuid, uuid, uuid) is
    'Takes on a role and claims to the end of the transaction and calls the operation: for edge_api.';
revoke all on function stream_edge.pin_message(text, text, text, text, text, uuid, uuid, uuid) from public, anon, authenticated, service_role;

create or replace function stream_edge.post_auction_update(
    edge_role text,
    edge_claims text,
    edge_method text,
    edge_path text,
    edge_lock_timeout text,
    session_id uuid,
    update json
)
returns json
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    unset pg_catalog.int4;
begin
    unset := pg_catalog.num_nulls(
        pg_catalog.set_config('role', $1, true),
        pg_catalog.set_config('request.jwt.claims', $2, true),
        pg_catalog.set_config('request.method', $3, true),
        pg_catalog.set_config('request.path', $4, true),
        pg_catalog.set_config('lock_timeout', $5, true)
    );
    return pg_catalog.to_json(stream.post_auction_update($6, $7));
end
$$;
comment on function stream_edge.post_auction_update(text, text, text, text, text, uuid, json) is
    'Takes on a role and claims to the end of the transaction and calls the operation: for edge_api.';
revoke all on function stream_edge.post_auction_update(text, text, text, text, text, uuid, json) from public, anon, authenticated, service_role;

create or replace function stream_edge.refresh_token(
    edge_role text,
    edge_claims text,
    edge_method text,
    edge_path text,
    edge_lock_timeout text,
    user_id uuid default null,
    channel_id text default null,
    generation integer default null
)
returns json
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    unset pg_catalog.int4;
begin
    unset := pg_catalog.num_nulls(
        pg_catalog.set_config('role', $1, true),
        pg_catalog.set_config('request.jwt.claims', $2, true),
        pg_catalog.set_config('request.method', $3, true),
        pg_catalog.set_config('request.path', $4, true),
        pg_catalog.set_config('lock_timeout', $5, true)
    );
    return pg_catalog.to_json(stream.refresh_token($6, $7, $8));
end
$$;
comment on function stream_edge.refresh_token(text, text, text, text, text, uuid, text, integer) is
    'Takes on a role and claims to the end of the transaction and calls the operation: for edge_api.';
revoke all on function stream_edge.refresh_token(text, text, text, text, text, uuid, text, integer) from public, anon, authenticated, service_role;

create or replace function stream_edge.remove_viewer(
    edge_role text,
    edge_claims text,
    edge_method text,
    edge_path text,
    edge_lock_timeout text,
    session_id uuid,
    buyer_id uuid default null,
    join_no integer default null
)
returns json
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    unset pg_catalog.int4;
begin
    unset := pg_catalog.num_nulls(
        pg_catalog.set_config('role', $1, true),
        pg_catalog.set_config('request.jwt.claims', $2, true),
        pg_catalog.set_config('request.method', $3, true),
        pg_catalog.set_config('request.path', $4, true),
        pg_catalog.set_config('lock_timeout', $5, true)
    );
    return pg_catalog.to_json(stream.remove_viewer($6, $7, $8));
end
$$;
comment on function stream_edge.remove_viewer(text, text, text, text, text, uuid, uuid, integer) is
    'Takes on a role and claims to the end of the transaction and calls the operation: for edge_api.';
revoke all on function stream_edge.remove_viewer(text, text, text, text, text, uuid, uuid, integer) from public, anon, authenticated, service_role;

create or replace function stream_edge.report_canary(
    edge_role text,
    edge_claims text,
    edge_method text,
    edge_path text,
    edge_lock_timeout text,
    canary_no bigint default null,
    lag_ms integer default null,
    state text default 'delivered'
)
returns json
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    unset pg_catalog.int4;
begin
    unset := pg_catalog.num_nulls(
        pg_catalog.set_config('role', $1, true),
        pg_catalog.set_config('request.jwt.claims', $2, true),
        pg_catalog.set_config('request.method', $3, true),
        pg_catalog.set_config('request.path', $4, true),
        pg_catalog.set_config('lock_timeout', $5, true)
    );
    return pg_catalog.to_json(stream.report_canary($6, $7, $8));
end
$$;
comment on function stream_edge.report_canary(text, text, text, text, text, bigint, integer, text) is
    'Takes on a role and claims to the end of the transaction and calls the operation: for edge_api.';
revoke all on function stream_edge.report_canary(text, text, text, text, text, bigint, integer, text) from public, anon, authenticated, service_role;

create or replace function stream_edge.report_message(
    edge_role text,
    edge_claims text,
    edge_method text,
    edge_path text,
    edge_lock_timeout text,
    session_id uuid,
    message_id uuid,
    reason text default null
)
returns json
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    unset pg_catalog.int4;
begin
    unset := pg_catalog.num_nulls(
        pg_catalog.set_config('role', $1, true),
        pg_catalog.set_config('request.jwt.claims', $2, true),
        pg_catalog.set_config('request.method', $3, true),
        pg_catalog.set_config('request.path', $4, true),
        pg_catalog.set_config('lock_timeout', $5, true)
    );
    return pg_catalog.to_json(stream.report_message($6, $7, $8));
end
$$;
comment on function stream_edge.report_message(text, text, text, text, text, uuid, uuid, text) is
    'Takes on a role and claims to the end of the transaction and calls the operation: for edge_api.';
revoke all on function stream_edge.report_message(text, text, text, text, text, uuid, uuid, text) from public, anon, authenticated, service_role;

create or replace function stream_edge.resolve_report(
    edge_role text,
    edge_claims text,
    edge_method text,
    edge_path text,
    edge_lock_timeout text,
    session_id uuid,
    message_id uuid,
    request_id uuid default null
)
returns json
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    unset pg_catalog.int4;
begin
    unset := pg_catalog.num_nulls(
        pg_catalog.set_config('role', $1, true),
        pg_catalog.set_config('request.jwt.claims', $2, true),
        pg_catalog.set_config('request.method', $3, true),
        pg_catalog.set_config('request.path', $4, true),
        pg_catalog.set_config('lock_timeout', $5, true)
    );
    return pg_catalog.to_json(stream.resolve_report($6, $7, $8));
end
$$;
comment on function stream_edge.resolve_report(text, text, text, text, text, uuid, uuid, uuid) is
    'Takes on a role and claims to the end of the transaction and calls the operation: for edge_api.';
revoke all on function stream_edge.resolve_report(text, text, text, text, text, uuid, uuid, uuid) from public, anon, authenticated, service_role;

create or replace function stream_edge.resume_stream(
    edge_role text,
    edge_claims text,
    edge_method text,
    edge_path text,
    edge_lock_timeout text,
    session_id uuid,
    generation integer default null,
    reason text default null,
    request_id uuid default null
)
returns json
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    unset pg_catalog.int4;
begin
    unset := pg_catalog.num_nulls(
        pg_catalog.set_config('role', $1, true),
        pg_catalog.set_config('request.jwt.claims', $2, true),
        pg_catalog.set_config('request.method', $3, true),
        pg_catalog.set_config('request.path', $4, true),
        pg_catalog.set_config('lock_timeout', $5, true)
    );
    return pg_catalog.to_json(stream.resume_stream($6, $7, $8, $9));
end
$$;
comment on function stream_edge.resume_stream(text, text, text, text, text, uuid, integer, text, uuid) is
    'Takes on a role and claims to the end of the transaction and calls the operation: for edge_api.';
revoke all on function stream_edge.resume_stream(text, text, text, text, text, uuid, integer, text, uuid) from public, anon, authenticated, service_role;

create or replace function stream_edge.send_message(
    edge_role text,
    edge_claims text,
    edge_method text,
    edge_path text,
    edge_lock_timeout text,
    session_id uuid,
    user_id uuid default null,
    content text default null,
    id uuid default null
)
returns json
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    unset pg_catalog.int4;
begin
    unset := pg_catalog.num_nulls(
        pg_catalog.set_config('role', $1, true),
        pg_catalog.set_config('request.jwt.claims', $2, true),
        pg_catalog.set_config('request.method', $3, true),
        pg_catalog.set_config('request.path', $4, true),
        pg_catalog.set_config('lock_timeout', $5, true)
    );
    return pg_catalog.to_json(stream.send_message($6, $7, $8, $9));
end
$$;
comment on function stream_edge.send_message(text, text, text, text, text, uuid, uuid, text, uuid) is
    'Takes on a role and claims to the end of the transaction and calls the operation: for edge_api.';
revoke all on function stream_edge.send_message(text, text, text, text, text, uuid, uuid, text, uuid) from public, anon, authenticated, service_role;

create or replace function stream_edge.send_messages(
    edge_role text,
    edge_claims text,
    edge_method text,
    edge_path text,
    edge_lock_timeout text,
    items json
)
returns json
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    unset pg_catalog.int4;
begin
    unset := pg_catalog.num_nulls(
        pg_catalog.set_config('role', $1, true),
        pg_catalog.set_config('request.jwt.claims', $2, true),
        pg_catalog.set_config('request.method', $3, true),
        pg_catalog.set_config('request.path', $4, true),
        pg_catalog.set_config('lock_timeout', $5, true)
    );
    return (select coalesce(pg_catalog.json_agg(answer), '[]'::pg_catalog.json) from stream.send_messages($6) as answer);
end
$$;
comment on function stream_edge.send_messages(text, text, text, text, text, json) is
    'Takes on a role and claims to the end of the transaction and calls the operation: for edge_api.';
revoke all on function stream_edge.send_messages(text, text, text, text, text, json) from public, anon, authenticated, service_role;

create or replace function stream_edge.send_reaction(
    edge_role text,
    edge_claims text,
    edge_method text,
    edge_path text,
    edge_lock_timeout text,
    session_id uuid,
    kind text
)
returns json
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    unset pg_catalog.int4;
begin
    unset := pg_catalog.num_nulls(
        pg_catalog.set_config('role', $1, true),
        pg_catalog.set_config('request.jwt.claims', $2, true),
        pg_catalog.set_config('request.method', $3, true),
        pg_catalog.set_config('request.path', $4, true),
        pg_catalog.set_config('lock_timeout', $5, true)
    );
    return pg_catalog.to_json(stream.send_reaction($6, $7));
end
$$;
comment on function stream_edge.send_reaction(text, text, text, text, text, uuid, text) is
    'Takes on a role and claims to the end of the transaction and calls the operation: for edge_api.';
revoke all on function stream_edge.send_reaction(text, text, text, text, text, uuid, text) from public, anon, authenticated, service_role;

create or replace function stream_edge.set_chat_mode(
    edge_role text,
    edge_claims text,
    edge_method text,
    edge_path text,
    edge_lock_timeout text,
    session_id uuid,
    mode text,
    request_id uuid default null
)
returns json
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    unset pg_catalog.int4;
begin
    unset := pg_catalog.num_nulls(
        pg_catalog.set_config('role', $1, true),
        pg_catalog.set_config('request.jwt.claims', $2, true),
        pg_catalog.set_config('request.method', $3, true),
        pg_catalog.set_config('request.path', $4, true),
        pg_catalog.set_config('lock_timeout', $5, true)
    );
    return pg_catalog.to_json(stream.set_chat_mode($6, $7, $8));
end
$$;
comment on function stream_edge.set_chat_mode(text, text, text, text, text, uuid, text, uuid) is
    'Takes on a role and claims to the end of the transaction and calls the operation: for edge_api.';
revoke all on function stream_edge.set_chat_mode(text, text, text, text, text, uuid, text, uuid) from public, anon, authenticated, service_role;

create or replace function stream_edge.set_slow_mode(
    edge_role text,
    edge_claims text,
    edge_method text,
    edge_path text,
    edge_lock_timeout text,
    session_id uuid,
    interval_ms integer,
    request_id uuid default null
)
returns json
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    unset pg_catalog.int4;
begin
    unset := pg_catalog.num_nulls(
        pg_catalog.set_config('role', $1, true),
        pg_catalog.set_config('request.jwt.claims', $2, true),
        pg_catalog.set_config('request.method', $3, true),
        pg_catalog.set_config('request.path', $4, true),
        pg_catalog.set_config('lock_timeout', $5, true)
    );
    return pg_catalog.to_json(stream.set_slow_mode($6, $7, $8));
end
$$;
comment on function stream_edge.set_slow_mode(text, text, text, text, text, uuid, integer, uuid) is
    'Takes on a role and claims to the end of the transaction and calls the operation: for edge_api.';
revoke all on function stream_edge.set_slow_mode(text, text, text, text, text, uuid, integer, uuid) from public, anon, authenticated, service_role;

create or replace function stream_edge.start_stream(
    edge_role text,
    edge_claims text,
    edge_method text,
    edge_path text,
    edge_lock_timeout text,
    auction_id uuid,
    seller_id uuid default null,
    reconnect_window_s integer default null,
    request_id uuid default null
)
returns json
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    unset pg_catalog.int4;
begin
    unset := pg_catalog.num_nulls(
        pg_catalog.set_config('role', $1, true),
        pg_catalog.set_config('request.jwt.claims', $2, true),
        pg_catalog.set_config('request.method', $3, true),
        pg_catalog.set_config('request.path', $4, true),
        pg_catalog.set_config('lock_timeout', $5, true)
    );
    return pg_catalog.to_json(stream.start_stream($6, $7, $8, $9));
end
$$;
comment on function stream_edge.start_stream(text, text, text, text, text, uuid, uuid, integer, uuid) is
    'Takes on a role and claims to the end of the transaction and calls the operation: for edge_api.';
revoke all on function stream_edge.start_stream(text, text, text, text, text, uuid, uuid, integer, uuid) from public, anon, authenticated, service_role;

create or replace function stream_edge.subscribe_to_chat(
    edge_role text,
    edge_claims text,
    edge_method text,
    edge_path text,
    edge_lock_timeout text,
    session_id uuid,
    user_id uuid default null
)
returns json
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    unset pg_catalog.int4;
begin
    unset := pg_catalog.num_nulls(
        pg_catalog.set_config('role', $1, true),
        pg_catalog.set_config('request.jwt.claims', $2, true),
        pg_catalog.set_config('request.method', $3, true),
        pg_catalog.set_config('request.path', $4, true),
        pg_catalog.set_config('lock_timeout', $5, true)
    );
    return pg_catalog.to_json(stream.subscribe_to_chat($6, $7));
end
$$;
comment on function stream_edge.subscribe_to_chat(text, text, text, text, text, uuid, uuid) is
    'Takes on a role and claims to the end of the transaction and calls the operation: for edge_api.';
revoke all on function stream_edge.subscribe_to_chat(text, text, text, text, text, uuid, uuid) from public, anon, authenticated, service_role;

create or replace function stream_edge.sweep(
    edge_role text,
    edge_claims text,
    edge_method text,
    edge_path text,
    edge_lock_timeout text
)
returns json
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    unset pg_catalog.int4;
begin
    unset := pg_catalog.num_nulls(
        pg_catalog.set_config('role', $1, true),
        pg_catalog.set_config('request.jwt.claims', $2, true),
        pg_catalog.set_config('request.method', $3, true),
        pg_catalog.set_config('request.path', $4, true),
        pg_catalog.set_config('lock_timeout', $5, true)
    );
    return (select coalesce(pg_catalog.json_agg(answer), '[]'::pg_catalog.json) from stream.sweep() as answer);
end
$$;
comment on function stream_edge.sweep(text, text, text, text, text) is
    'Takes on a role and claims to the end of the transaction and calls the operation: for edge_api.';
revoke all on function stream_edge.sweep(text, text, text, text, text) from public, anon, authenticated, service_role;

create or replace function stream_edge.sync(
    edge_role text,
    edge_claims text,
    edge_method text,
    edge_path text,
    edge_lock_timeout text,
    session_id uuid,
    after_seq bigint default null,
    epoch text default null
)
returns json
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    unset pg_catalog.int4;
begin
    unset := pg_catalog.num_nulls(
        pg_catalog.set_config('role', $1, true),
        pg_catalog.set_config('request.jwt.claims', $2, true),
        pg_catalog.set_config('request.method', $3, true),
        pg_catalog.set_config('request.path', $4, true),
        pg_catalog.set_config('lock_timeout', $5, true),
        pg_catalog.set_config('transaction_read_only', 'on', true)
    );
    return pg_catalog.to_json(stream.sync($6, $7, $8));
end
$$;
comment on function stream_edge.sync(text, text, text, text, text, uuid, bigint, text) is
    'Takes on a role and claims to the end of the transaction and calls the operation: for edge_api.';
revoke all on function stream_edge.sync(text, text, text, text, text, uuid, bigint, text) from public, anon, authenticated, service_role;

create or replace function stream_edge.sync_messages(
    edge_role text,
    edge_claims text,
    edge_method text,
    edge_path text,
    edge_lock_timeout text,
    session_id uuid,
    last_message_id uuid default null
)
returns json
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    unset pg_catalog.int4;
begin
    unset := pg_catalog.num_nulls(
        pg_catalog.set_config('role', $1, true),
        pg_catalog.set_config('request.jwt.claims', $2, true),
        pg_catalog.set_config('request.method', $3, true),
        pg_catalog.set_config('request.path', $4, true),
        pg_catalog.set_config('lock_timeout', $5, true),
        pg_catalog.set_config('transaction_read_only', 'on', true)
    );
    return (select coalesce(pg_catalog.json_agg(answer), '[]'::pg_catalog.json) from stream.sync_messages($6, $7) as answer);
end
$$;
comment on function stream_edge.sync_messages(text, text, text, text, text, uuid, uuid) is
    'Takes on a role and claims to the end of the transaction and calls the operation: for edge_api.';
revoke all on function stream_edge.sync_messages(text, text, text, text, text, uuid, uuid) from public, anon, authenticated, service_role;

create or replace function stream_edge.tick(
    edge_role text,
    edge_claims text,
    edge_method text,
    edge_path text,
    edge_lock_timeout text
)
returns json
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    unset pg_catalog.int4;
begin
    unset := pg_catalog.num_nulls(
        pg_catalog.set_config('role', $1, true),
        pg_catalog.set_config('request.jwt.claims', $2, true),
        pg_catalog.set_config('request.method', $3, true),
        pg_catalog.set_config('request.path', $4, true),
        pg_catalog.set_config('lock_timeout', $5, true)
    );
    return (select pg_catalog.to_json(answer) from stream.tick() as answer);
end
$$;
comment on function stream_edge.tick(text, text, text, text, text) is
    'Takes on a role and claims to the end of the transaction and calls the operation: for edge_api.';
revoke all on function stream_edge.tick(text, text, text, text, text) from public, anon, authenticated, service_role;

create or replace function stream_edge.unblock_term(
    edge_role text,
    edge_claims text,
    edge_method text,
    edge_path text,
    edge_lock_timeout text,
    session_id uuid default null,
    term text default null,
    request_id uuid default null
)
returns json
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    unset pg_catalog.int4;
begin
    unset := pg_catalog.num_nulls(
        pg_catalog.set_config('role', $1, true),
        pg_catalog.set_config('request.jwt.claims', $2, true),
        pg_catalog.set_config('request.method', $3, true),
        pg_catalog.set_config('request.path', $4, true),
        pg_catalog.set_config('lock_timeout', $5, true)
    );
    return pg_catalog.to_json(stream.unblock_term($6, $7, $8));
end
$$;
comment on function stream_edge.unblock_term(text, text, text, text, text, uuid, text, uuid) is
    'Takes on a role and claims to the end of the transaction and calls the operation: for edge_api.';
revoke all on function stream_edge.unblock_term(text, text, text, text, text, uuid, text, uuid) from public, anon, authenticated, service_role;

create or replace function stream_edge.unpin_message(
    edge_role text,
    edge_claims text,
    edge_method text,
    edge_path text,
    edge_lock_timeout text,
    session_id uuid,
    request_id uuid default null
)
returns json
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    unset pg_catalog.int4;
begin
    unset := pg_catalog.num_nulls(
        pg_catalog.set_config('role', $1, true),
        pg_catalog.set_config('request.jwt.claims', $2, true),
        pg_catalog.set_config('request.method', $3, true),
        pg_catalog.set_config('request.path', $4, true),
        pg_catalog.set_config('lock_timeout', $5, true)
    );
    return pg_catalog.to_json(stream.unpin_message($6, $7));
end
$$;
comment on function stream_edge.unpin_message(text, text, text, text, text, uuid, uuid) is
    'Takes on a role and claims to the end of the transaction and calls the operation: for edge_api.';
revoke all on function stream_edge.unpin_message(text, text, text, text, text, uuid, uuid) from public, anon, authenticated, service_role;

create or replace function stream_edge.unread_count(
    edge_role text,
    edge_claims text,
    edge_method text,
    edge_path text,
    edge_lock_timeout text,
    session_id uuid,
    user_id uuid default null
)
returns json
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    unset pg_catalog.int4;
begin
    unset := pg_catalog.num_nulls(
        pg_catalog.set_config('role', $1, true),
        pg_catalog.set_config('request.jwt.claims', $2, true),
        pg_catalog.set_config('request.method', $3, true),
        pg_catalog.set_config('request.path', $4, true),
        pg_catalog.set_config('lock_timeout', $5, true),
        pg_catalog.set_config('transaction_read_only', 'on', true)
    );
    return pg_catalog.to_json(stream.unread_count($6, $7));
end
$$;
comment on function stream_edge.unread_count(text, text, text, text, text, uuid, uuid) is
    'Takes on a role and claims to the end of the transaction and calls the operation: for edge_api.';
revoke all on function stream_edge.unread_count(text, text, text, text, text, uuid, uuid) from public, anon, authenticated, service_role;

create or replace function stream_edge.unsubscribe_from_chat(
    edge_role text,
    edge_claims text,
    edge_method text,
    edge_path text,
    edge_lock_timeout text,
    subscription_id uuid
)
returns json
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    unset pg_catalog.int4;
begin
    unset := pg_catalog.num_nulls(
        pg_catalog.set_config('role', $1, true),
        pg_catalog.set_config('request.jwt.claims', $2, true),
        pg_catalog.set_config('request.method', $3, true),
        pg_catalog.set_config('request.path', $4, true),
        pg_catalog.set_config('lock_timeout', $5, true)
    );
    return pg_catalog.to_json(stream.unsubscribe_from_chat($6));
end
$$;
comment on function stream_edge.unsubscribe_from_chat(text, text, text, text, text, uuid) is
    'Takes on a role and claims to the end of the transaction and calls the operation: for edge_api.';
revoke all on function stream_edge.unsubscribe_from_chat(text, text, text, text, text, uuid) from public, anon, authenticated, service_role;

create or replace function stream_edge.update_stream_state(
    edge_role text,
    edge_claims text,
    edge_method text,
    edge_path text,
    edge_lock_timeout text,
    session_id uuid,
    state text,
    reason text default null,
    generation integer default null,
    request_id uuid default null
)
returns json
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    unset pg_catalog.int4;
begin
    unset := pg_catalog.num_nulls(
        pg_catalog.set_config('role', $1, true),
        pg_catalog.set_config('request.jwt.claims', $2, true),
        pg_catalog.set_config('request.method', $3, true),
        pg_catalog.set_config('request.path', $4, true),
        pg_catalog.set_config('lock_timeout', $5, true)
    );
    return pg_catalog.to_json(stream.update_stream_state($6, $7, $8, $9, $10));
end
$$;
comment on function stream_edge.update_stream_state(text, text, text, text, text, uuid, text, text, integer, uuid) is
    'Takes on a role and claims to the end of the transaction and calls the operation: for edge_api.';
revoke all on function stream_edge.update_stream_state(text, text, text, text, text, uuid, text, text, integer, uuid) from public, anon, authenticated, service_role;

create or replace function stream_edge.user_id(
    edge_role text,
    edge_claims text,
    edge_method text,
    edge_path text,
    edge_lock_timeout text
)
returns json
language plpgsql parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
    unset pg_catalog.int4;
begin
    unset := pg_catalog.num_nulls(
        pg_catalog.set_config('role', $1, true),
        pg_catalog.set_config('request.jwt.claims', $2, true),
        pg_catalog.set_config('request.method', $3, true),
        pg_catalog.set_config('request.path', $4, true),
        pg_catalog.set_config('lock_timeout', $5, true),
        pg_catalog.set_config('transaction_read_only', 'on', true)
    );
    return pg_catalog.to_json(stream.user_id());
end
$$;
comment on function stream_edge.user_id(text, text, text, text, text) is
    'Takes on a role and claims to the end of the transaction and calls the operation: for edge_api.';
revoke all on function stream_edge.user_id(text, text, text, text, text) from public, anon, authenticated, service_role;

create or replace function stream_edge.contract_version() returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$ select '1.0' $$;
comment on function stream_edge.contract_version() is 'The version of the contract that these calls are of.';
revoke all on function stream_edge.contract_version() from public, anon, authenticated, service_role;

revoke all on schema stream_edge from public, anon, authenticated, service_role;
do $$
declare
    login pg_catalog.name;
begin
    if exists (select from pg_catalog.pg_roles as r where r.rolname = 'authenticator') then
        grant usage on schema stream_edge to authenticator;
    end if;
    for login in
        select r.rolname
        from pg_catalog.pg_namespace as n
        cross join lateral pg_catalog.aclexplode(n.nspacl) as a
        join pg_catalog.pg_roles as r on r.oid = a.grantee
        where n.nspname = 'stream_edge' and a.privilege_type = 'USAGE' and a.grantee <> n.nspowner
    loop
        execute format('grant execute on all functions in schema stream_edge to %I', login);
    end loop;
end
$$;

select pg_catalog.set_config('search_path', pg_catalog.current_setting('pg_stream.path_before'), true);

-- Generated from sql/ by `cargo x sql bundle`; change those files, not this one.

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
    (0, 'function', 'stream_private.post_auction_update(session_id uuid, update json)', 'returns stream.chat_message defaults 0'),
    (1, 'function', 'stream.auction_update_trigger()', 'returns trigger defaults 0'),
    (2, 'function', 'stream_private.report_canary(canary_no bigint, lag_ms integer, state text)', 'returns stream.canary_status defaults 3'),
    (3, 'function', 'stream_private.check_canary()', 'returns stream.check_result defaults 0'),
    (4, 'function', 'stream_private.send_message(session_id uuid, user_id uuid, content text, id uuid)', 'returns stream.chat_message defaults 3'),
    (5, 'function', 'stream_private.send_messages(items json)', 'returns setof stream.message_result defaults 0'),
    (6, 'function', 'stream_private.note_deleted_author()', 'returns trigger defaults 0'),
    (7, 'trigger', 'chat_messages_note_deleted_author on stream.chat_messages', '8f711dd5c2b4339f2ca533fe6b3122a13bbe37a2a93f94b20474863802f6696b'),
    (8, 'function', 'stream_private.delete_authors_of_deleted_session()', 'returns trigger defaults 0'),
    (9, 'trigger', 'stream_sessions_delete_authors on stream.stream_sessions', '8b53be558dd0d4b3905be20eff6f3d23b71b590f334e98b699bbd0507e05d529'),
    (10, 'function', 'stream_private.mark_messages_as_read(session_id uuid, user_id uuid, message_ids uuid[])', 'returns bigint defaults 2'),
    (11, 'function', 'stream_private.mark_read_up_to(session_id uuid, user_id uuid, seq bigint)', 'returns bigint defaults 2'),
    (12, 'function', 'stream_private.unread_count(session_id uuid, user_id uuid)', 'returns bigint defaults 1'),
    (13, 'function', 'stream_private.subscribe_to_chat(session_id uuid, user_id uuid)', 'returns stream.chat_subscription defaults 1'),
    (14, 'function', 'stream_private.unsubscribe_from_chat(subscription_id uuid)', 'returns stream.chat_subscription defaults 0'),
    (15, 'function', 'stream_private.get_message_history(session_id uuid, page_size integer, skip integer, before_seq bigint, after_seq bigint)', 'returns setof stream.chat_message defaults 4'),
    (16, 'function', 'stream_private.sync_messages(session_id uuid, last_message_id uuid)', 'returns setof stream.chat_message defaults 1'),
    (17, 'function', 'stream_private.sync(session_id uuid, after_seq bigint, epoch text)', 'returns stream.sync_result defaults 2'),
    (18, 'function', 'stream_private.rearm()', 'returns trigger defaults 0'),
    (19, 'trigger', 'config_rearm on stream.config', '7902385e50855269a9ffca09822e760b4c266c4ccc947a5f87d3c382e75607d4'),
    (20, 'function', 'stream_private.contract_version()', 'returns text defaults 0'),
    (21, 'function', 'stream_private.oldest_client()', 'returns text defaults 0'),
    (22, 'function', 'stream_private.doctor()', 'returns setof stream.check_result defaults 0'),
    (23, 'function', 'stream_private.is_native()', 'returns boolean defaults 0'),
    (24, 'function', 'stream_private.check_edition()', 'returns stream.check_result defaults 0'),
    (25, 'function', 'stream_private.check_table_privileges()', 'returns stream.check_result defaults 0'),
    (26, 'function', 'stream_private.check_realtime_publication()', 'returns stream.check_result defaults 0'),
    (27, 'function', 'stream_private.realtime_partition(at timestamptz)', 'returns text defaults 0'),
    (28, 'function', 'stream_private.check_realtime_partitions(at timestamptz)', 'returns stream.check_result defaults 0'),
    (29, 'function', 'stream_private.check_owner()', 'returns stream.check_result defaults 0'),
    (30, 'function', 'stream_private.check_troubles()', 'returns setof stream.check_result defaults 0'),
    (31, 'function', 'stream_private.lock_holders(xmax xid)', 'returns setof integer defaults 0'),
    (32, 'function', 'stream_private.check_held_rows()', 'returns setof stream.check_result defaults 0'),
    (33, 'function', 'stream_private.check_pg_cron()', 'returns stream.check_result defaults 0'),
    (34, 'function', 'stream_private.check_server_log()', 'returns stream.check_result defaults 0'),
    (35, 'function', 'stream_private.new_epoch()', 'returns integer defaults 0'),
    (36, 'function', 'stream_private.logs_being_sent()', 'returns table (session_id uuid, state text, viewer_count integer, flushed_seq bigint, last_seq bigint) defaults 0'),
    (37, 'function', 'stream_private.sequence_calls(sequence regclass)', 'returns double precision defaults 0'),
    (38, 'function', 'stream_private.metrics()', 'returns setof stream.metric defaults 0'),
    (39, 'view', 'stream.metrics', 'fdf56e391f5b06b4bb43fa3757c450e27b2be4a5b5ac39a8efc7e7e21c831225'),
    (40, 'view', 'stream_private.realtime_costs', '1f86ca9ef8e2aed2f5d3fa68cad217c2464285b594965f56f602f3063dc2531c'),
    (41, 'function', 'stream_private.metrics_of_realtime()', 'returns setof stream.metric defaults 0'),
    (42, 'function', 'stream_private.delete_message(session_id uuid, message_id uuid, reason text)', 'returns text defaults 1'),
    (43, 'function', 'stream_private.delete_user_messages(session_id uuid, user_id uuid, reason text)', 'returns integer defaults 1'),
    (44, 'function', 'stream_private.restrict_user(session_id uuid, user_id uuid, kind text, duration_s integer, reason text)', 'returns stream.restriction defaults 0'),
    (45, 'function', 'stream_private.mute_user(session_id uuid, user_id uuid, duration_s integer, reason text)', 'returns stream.restriction defaults 2'),
    (46, 'function', 'stream_private.ban_user(session_id uuid, user_id uuid, duration_s integer, reason text)', 'returns stream.restriction defaults 2'),
    (47, 'function', 'stream_private.lift_restriction(session_id uuid, user_id uuid, kind text)', 'returns text defaults 0'),
    (48, 'function', 'stream_private.set_slow_mode(session_id uuid, interval_ms integer)', 'returns stream.session defaults 0'),
    (49, 'function', 'stream_private.set_chat_mode(session_id uuid, mode text)', 'returns stream.session defaults 0'),
    (50, 'function', 'stream_private.pin_message(session_id uuid, message_id uuid)', 'returns stream.session defaults 0'),
    (51, 'function', 'stream_private.unpin_message(session_id uuid)', 'returns stream.session defaults 0'),
    (52, 'function', 'stream_private.block_term(session_id uuid, term text)', 'returns text defaults 2'),
    (53, 'function', 'stream_private.unblock_term(session_id uuid, term text)', 'returns text defaults 2'),
    (54, 'function', 'stream_private.list_blocked_terms(session_id uuid)', 'returns setof stream.blocked_term defaults 1'),
    (55, 'function', 'stream_private.list_restrictions(session_id uuid, after uuid, page_size integer)', 'returns setof stream.restriction defaults 2'),
    (56, 'function', 'stream_private.get_moderation_log(session_id uuid, before_id bigint, page_size integer)', 'returns setof stream.moderation_entry defaults 3'),
    (57, 'function', 'stream_private.refuse_changing_moderation_log()', 'returns trigger defaults 0'),
    (58, 'trigger', 'moderation_log_refuse_changing on stream.moderation_log', 'd96763ad1fcc346802b2c0f64ea592be7bbeaf478fe2477a456d2a4f68dd8c1c'),
    (59, 'trigger', 'moderation_log_refuse_truncating on stream.moderation_log', 'afeb43b3fdd6422c7e0c85721836346ac405de25b2292d1ce0888d6b193c27b5'),
    (60, 'function', 'stream_private.delete_turn_of_deleted_session()', 'returns trigger defaults 0'),
    (61, 'trigger', 'stream_sessions_delete_turn on stream.stream_sessions', '27ba3098665070db4f0c07b1828d60bc6bf1d493856f49ab77ccc43db41c192b'),
    (62, 'function', 'stream_private.send_reaction(session_id uuid, kind text)', 'returns stream.reaction_result defaults 0'),
    (63, 'function', 'stream_private.tick()', 'returns void defaults 0'),
    (64, 'function', 'stream_private.begin_work()', 'returns void defaults 0'),
    (65, 'function', 'stream_private.work()', 'returns boolean defaults 0'),
    (66, 'function', 'stream_private.pause()', 'returns double precision defaults 0'),
    (67, 'function', 'stream_private.tick_loop()', 'returns text defaults 0'),
    (68, 'function', 'stream_private.sweep()', 'returns setof stream.sweep_rule defaults 0'),
    (69, 'function', 'stream.schedule_with_pg_cron(every_second boolean)', 'returns text defaults 1'),
    (70, 'function', 'stream_private.report_message(session_id uuid, message_id uuid, reason text)', 'returns stream.message_report defaults 1'),
    (71, 'function', 'stream_private.list_reports(session_id uuid, after bigint, page_size integer)', 'returns setof stream.reported_message defaults 2'),
    (72, 'function', 'stream_private.resolve_report(session_id uuid, message_id uuid)', 'returns text defaults 0'),
    (73, 'function', 'stream_private.enter_request()', 'returns uuid defaults 0'),
    (74, 'function', 'stream_private.first_result(caller uuid, request_id uuid, operation text, arguments text)', 'returns jsonb defaults 0'),
    (75, 'function', 'stream_private.keep_result(caller uuid, request_id uuid, result jsonb)', 'returns void defaults 0'),
    (76, 'view', 'stream_private.restrictions', 'f5a343f81750b6e024a18b735502a41df7ae23deba4e5a3aa144b4a653770f2b'),
    (77, 'view', 'stream_private.bans', '0aed0322320f8f425714982adf3a905afa825b6e0ab5955e9fb1652f1d4ba041'),
    (78, 'view', 'stream_private.leases', '20159fd7b0a931311c8593c2147b59e587c581581ffd9a291d6ed440a3895b69'),
    (79, 'function', 'stream_private.can_view(user_id uuid, session_id uuid, seller_id uuid)', 'returns boolean defaults 0'),
    (80, 'function', 'stream_private.may_watch(user_id uuid, session_id uuid, seller_id uuid)', 'returns boolean defaults 0'),
    (81, 'function', 'stream_private.has_joined(user_id uuid, session_id uuid)', 'returns boolean defaults 0'),
    (82, 'function', 'stream_private.check_page_size(page_size integer)', 'returns void defaults 0'),
    (83, 'function', 'stream_private.check_reason(reason text)', 'returns void defaults 0'),
    (84, 'function', 'stream_private.session(session_id uuid)', 'returns stream.session defaults 0'),
    (85, 'function', 'stream_private.start_stream(auction_id uuid, seller_id uuid, reconnect_window_s integer)', 'returns stream.session defaults 2'),
    (86, 'function', 'stream_private.update_stream_state(session_id uuid, state text, reason text, generation integer)', 'returns stream.session defaults 2'),
    (87, 'function', 'stream_private.pause_stream(session_id uuid, generation integer, reason text)', 'returns stream.session defaults 2'),
    (88, 'function', 'stream_private.resume_stream(session_id uuid, generation integer, reason text)', 'returns stream.session defaults 2'),
    (89, 'function', 'stream_private.end_stream(session_id uuid, generation integer, reason text)', 'returns stream.session defaults 2'),
    (90, 'function', 'stream_private.get_stream_state(session_id uuid)', 'returns text defaults 0'),
    (91, 'function', 'stream_private.get_session(session_id uuid)', 'returns stream.session defaults 0'),
    (92, 'function', 'stream_private.refuse_deleting_live_session()', 'returns trigger defaults 0'),
    (93, 'trigger', 'stream_sessions_refuse_deleting_live on stream.stream_sessions', 'b2315126b62088143115d42c045a3dfc3298256ffb9c7cdce75cdd6b1161e6b1'),
    (94, 'function', 'stream_private.lock_places_of_deleted_session()', 'returns trigger defaults 0'),
    (95, 'trigger', 'stream_sessions_then_lock_places on stream.stream_sessions', '054190de587269dfc10c9d92564f6be825484a55c5007607f980e753938648ae'),
    (96, 'function', 'stream_private.lock_for_deletion(user_ids uuid[], auction_ids uuid[])', 'returns void defaults 0'),
    (97, 'function', 'stream_private.get_live_stream(auction_id uuid)', 'returns stream.live_stream defaults 0'),
    (98, 'function', 'stream_private.find_live_streams(after uuid, at_most integer)', 'returns setof stream.live_stream defaults 0'),
    (99, 'function', 'stream_private.milliseconds_of(id uuid)', 'returns bigint defaults 0'),
    (100, 'function', 'stream_private.list_live_streams(page_size integer, after uuid)', 'returns stream.live_page defaults 2'),
    (101, 'function', 'stream_private.get_stream_summary(session_id uuid)', 'returns stream.stream_summary defaults 0'),
    (102, 'function', 'stream_private.generate_seller_token(seller_id uuid, channel_id text, generation integer)', 'returns stream.agora_token defaults 3'),
    (103, 'function', 'stream_private.generate_buyer_token(buyer_id uuid, channel_id text)', 'returns stream.agora_token defaults 2'),
    (104, 'function', 'stream_private.refresh_token(user_id uuid, channel_id text, generation integer)', 'returns stream.agora_token defaults 3'),
    (105, 'function', 'stream_private.inspect_token(token text, channel_id text, account text)', 'returns stream.token_inspection defaults 2'),
    (106, 'function', 'stream_private.user_id()', 'returns uuid defaults 0'),
    (107, 'function', 'stream_private.find_session_of_user(user_id uuid)', 'returns uuid defaults 0'),
    (108, 'function', 'stream_private.forget_in_session(user_id uuid, session_id uuid, at_most integer)', 'returns integer defaults 0'),
    (109, 'function', 'stream_private.forget_user(user_id uuid)', 'returns stream.erasure_result defaults 0'),
    (110, 'view', 'stream_private.agora_uids', 'b1093a8587c654c53938a885635b4629215722fb42a6851b9811f83de762184b'),
    (111, 'function', 'stream_private.export_user(user_id uuid)', 'returns setof json defaults 0'),
    (112, 'function', 'stream_private.wait_at_gate(session_id uuid, alone boolean)', 'returns boolean defaults 0'),
    (113, 'function', 'stream_private.wait_for_session(session_id uuid)', 'returns boolean defaults 0'),
    (114, 'function', 'stream_private.add_viewer(session_id uuid, buyer_id uuid)', 'returns stream.viewer_lease defaults 1'),
    (115, 'function', 'stream_private.join_stream(session_id uuid)', 'returns stream.join_result defaults 0'),
    (116, 'function', 'stream_private.remove_viewer(session_id uuid, buyer_id uuid, join_no integer)', 'returns text defaults 2'),
    (117, 'function', 'stream_private.get_viewer_count(session_id uuid)', 'returns integer defaults 0'),
    (118, 'function', 'stream_private.get_viewers(session_id uuid, after uuid, page_size integer)', 'returns setof stream.viewer defaults 2'),
    (119, 'function', 'stream_private.note_deleted_viewers()', 'returns trigger defaults 0'),
    (120, 'trigger', 'stream_viewers_note_deleted on stream.stream_viewers', '385137de0598e97e052e193025d488613b971e134b34c48d92f70ff6d48feebf'),
    (121, 'function', 'stream_private.heartbeat(session_id uuid, foreground boolean, generation integer, join_no integer, user_id uuid, token_expires_at timestamptz)', 'returns stream.heartbeat_result defaults 5'),
    (122, 'function', 'stream_private.heartbeats(items json)', 'returns setof stream.batched_heartbeat defaults 0'),
    (123, 'function', 'stream_private.apply_webhook(notice json)', 'returns stream.webhook_result defaults 0'),
    (124, 'function', 'stream_private.emit_live(session_id uuid, auction_id uuid, state text)', 'returns void defaults 0'),
    (125, 'function', 'stream_private.emit_session_changes()', 'returns trigger defaults 0'),
    (126, 'trigger', 'stream_sessions_emit_changes on stream.stream_sessions', '0a950add337fd820a4aef12b695a73aaaee9bc0a314bbac47bb1ab23e0503725'),
    (127, 'function', 'stream_private.can_read_topic(topic text)', 'returns boolean defaults 0'),
    (128, 'policy', 'stream_topics_read on realtime.messages', 'ed4eb1f60ad48d9dc9a35d573c178443425f0b2a0628ab8d3aa7f8eaf8b37075'),
    (129, 'view', 'stream_private.error_catalogue', '0a3cde6f479b885814f8f6518de825990193f178218ed3b6836af48d11f97134'),
    (130, 'view', 'stream_private.state_transitions', '12cefa60d163bb473ad1737ed114437db4ad95591cd3db62c2ce57cac4d60760'),
    (131, 'view', 'stream_private.limits', '12ffe757e6f2388e488d1697a1c89812a85cbbeae31b84674c1ed83dab390265'),
    (132, 'function', 'stream_private.ban_user(session_id uuid, user_id uuid, duration_s integer, reason text, request_id uuid)', 'returns stream.restriction defaults 0'),
    (133, 'function', 'stream_private.block_term(session_id uuid, term text, request_id uuid)', 'returns text defaults 0'),
    (134, 'function', 'stream_private.delete_message(session_id uuid, message_id uuid, reason text, request_id uuid)', 'returns text defaults 0'),
    (135, 'function', 'stream_private.delete_user_messages(session_id uuid, user_id uuid, reason text, request_id uuid)', 'returns integer defaults 0'),
    (136, 'function', 'stream_private.end_stream(session_id uuid, generation integer, reason text, request_id uuid)', 'returns stream.session defaults 0'),
    (137, 'function', 'stream_private.lift_restriction(session_id uuid, user_id uuid, kind text, request_id uuid)', 'returns text defaults 0'),
    (138, 'function', 'stream_private.mute_user(session_id uuid, user_id uuid, duration_s integer, reason text, request_id uuid)', 'returns stream.restriction defaults 0'),
    (139, 'function', 'stream_private.pause_stream(session_id uuid, generation integer, reason text, request_id uuid)', 'returns stream.session defaults 0'),
    (140, 'function', 'stream_private.pin_message(session_id uuid, message_id uuid, request_id uuid)', 'returns stream.session defaults 0'),
    (141, 'function', 'stream_private.resolve_report(session_id uuid, message_id uuid, request_id uuid)', 'returns text defaults 0'),
    (142, 'function', 'stream_private.resume_stream(session_id uuid, generation integer, reason text, request_id uuid)', 'returns stream.session defaults 0'),
    (143, 'function', 'stream_private.set_chat_mode(session_id uuid, mode text, request_id uuid)', 'returns stream.session defaults 0'),
    (144, 'function', 'stream_private.set_slow_mode(session_id uuid, interval_ms integer, request_id uuid)', 'returns stream.session defaults 0'),
    (145, 'function', 'stream_private.start_stream(auction_id uuid, seller_id uuid, reconnect_window_s integer, request_id uuid)', 'returns stream.session defaults 0'),
    (146, 'function', 'stream_private.unblock_term(session_id uuid, term text, request_id uuid)', 'returns text defaults 0'),
    (147, 'function', 'stream_private.unpin_message(session_id uuid, request_id uuid)', 'returns stream.session defaults 0'),
    (148, 'function', 'stream_private.update_stream_state(session_id uuid, state text, reason text, generation integer, request_id uuid)', 'returns stream.session defaults 0'),
    (149, 'function', 'stream.add_viewer(session_id uuid, buyer_id uuid)', 'returns stream.viewer_lease defaults 1'),
    (150, 'function', 'stream.apply_webhook(notice json)', 'returns stream.webhook_result defaults 0'),
    (151, 'function', 'stream.ban_user(session_id uuid, user_id uuid, duration_s integer, reason text, request_id uuid)', 'returns stream.restriction defaults 3'),
    (152, 'function', 'stream.block_term(session_id uuid, term text, request_id uuid)', 'returns text defaults 3'),
    (153, 'function', 'stream.delete_message(session_id uuid, message_id uuid, reason text, request_id uuid)', 'returns text defaults 2'),
    (154, 'function', 'stream.delete_user_messages(session_id uuid, user_id uuid, reason text, request_id uuid)', 'returns integer defaults 2'),
    (155, 'function', 'stream.doctor()', 'returns setof stream.check_result defaults 0'),
    (156, 'function', 'stream.end_stream(session_id uuid, generation integer, reason text, request_id uuid)', 'returns stream.session defaults 3'),
    (157, 'function', 'stream.export_user(user_id uuid)', 'returns setof json defaults 0'),
    (158, 'function', 'stream.forget_user(user_id uuid)', 'returns stream.erasure_result defaults 0'),
    (159, 'function', 'stream.generate_buyer_token(buyer_id uuid, channel_id text)', 'returns stream.agora_token defaults 2'),
    (160, 'function', 'stream.generate_seller_token(seller_id uuid, channel_id text, generation integer)', 'returns stream.agora_token defaults 3'),
    (161, 'function', 'stream.get_live_stream(auction_id uuid)', 'returns stream.live_stream defaults 0'),
    (162, 'function', 'stream.get_message_history(session_id uuid, page_size integer, skip integer, before_seq bigint, after_seq bigint)', 'returns setof stream.chat_message defaults 4'),
    (163, 'function', 'stream.get_moderation_log(session_id uuid, before_id bigint, page_size integer)', 'returns setof stream.moderation_entry defaults 3'),
    (164, 'function', 'stream.get_session(session_id uuid)', 'returns stream.session defaults 0'),
    (165, 'function', 'stream.get_stream_state(session_id uuid)', 'returns text defaults 0'),
    (166, 'function', 'stream.get_stream_summary(session_id uuid)', 'returns stream.stream_summary defaults 0'),
    (167, 'function', 'stream.get_viewer_count(session_id uuid)', 'returns integer defaults 0'),
    (168, 'function', 'stream.get_viewers(session_id uuid, after uuid, page_size integer)', 'returns setof stream.viewer defaults 2'),
    (169, 'function', 'stream.heartbeat(session_id uuid, foreground boolean, generation integer, join_no integer, user_id uuid, token_expires_at timestamptz)', 'returns stream.heartbeat_result defaults 5'),
    (170, 'function', 'stream.heartbeats(items json)', 'returns setof stream.batched_heartbeat defaults 0'),
    (171, 'function', 'stream.inspect_token(token text, channel_id text, account text)', 'returns stream.token_inspection defaults 2'),
    (172, 'function', 'stream.join_stream(session_id uuid)', 'returns stream.join_result defaults 0'),
    (173, 'function', 'stream.lift_restriction(session_id uuid, user_id uuid, kind text, request_id uuid)', 'returns text defaults 1'),
    (174, 'function', 'stream.list_blocked_terms(session_id uuid)', 'returns setof stream.blocked_term defaults 1'),
    (175, 'function', 'stream.list_live_streams(page_size integer, after uuid)', 'returns stream.live_page defaults 2'),
    (176, 'function', 'stream.list_reports(session_id uuid, after bigint, page_size integer)', 'returns setof stream.reported_message defaults 2'),
    (177, 'function', 'stream.list_restrictions(session_id uuid, after uuid, page_size integer)', 'returns setof stream.restriction defaults 2'),
    (178, 'function', 'stream.mark_messages_as_read(session_id uuid, user_id uuid, message_ids uuid[])', 'returns bigint defaults 2'),
    (179, 'function', 'stream.mark_read_up_to(session_id uuid, user_id uuid, seq bigint)', 'returns bigint defaults 2'),
    (180, 'function', 'stream.mute_user(session_id uuid, user_id uuid, duration_s integer, reason text, request_id uuid)', 'returns stream.restriction defaults 3'),
    (181, 'function', 'stream.new_epoch()', 'returns integer defaults 0'),
    (182, 'function', 'stream.pause_stream(session_id uuid, generation integer, reason text, request_id uuid)', 'returns stream.session defaults 3'),
    (183, 'function', 'stream.pin_message(session_id uuid, message_id uuid, request_id uuid)', 'returns stream.session defaults 1'),
    (184, 'function', 'stream.post_auction_update(session_id uuid, update json)', 'returns stream.chat_message defaults 0'),
    (185, 'function', 'stream.refresh_token(user_id uuid, channel_id text, generation integer)', 'returns stream.agora_token defaults 3'),
    (186, 'function', 'stream.remove_viewer(session_id uuid, buyer_id uuid, join_no integer)', 'returns text defaults 2'),
    (187, 'function', 'stream.report_canary(canary_no bigint, lag_ms integer, state text)', 'returns stream.canary_status defaults 3'),
    (188, 'function', 'stream.report_message(session_id uuid, message_id uuid, reason text)', 'returns stream.message_report defaults 1'),
    (189, 'function', 'stream.resolve_report(session_id uuid, message_id uuid, request_id uuid)', 'returns text defaults 1'),
    (190, 'function', 'stream.resume_stream(session_id uuid, generation integer, reason text, request_id uuid)', 'returns stream.session defaults 3'),
    (191, 'function', 'stream.send_message(session_id uuid, user_id uuid, content text, id uuid)', 'returns stream.chat_message defaults 3'),
    (192, 'function', 'stream.send_messages(items json)', 'returns setof stream.message_result defaults 0'),
    (193, 'function', 'stream.send_reaction(session_id uuid, kind text)', 'returns stream.reaction_result defaults 0'),
    (194, 'function', 'stream.set_chat_mode(session_id uuid, mode text, request_id uuid)', 'returns stream.session defaults 1'),
    (195, 'function', 'stream.set_slow_mode(session_id uuid, interval_ms integer, request_id uuid)', 'returns stream.session defaults 1'),
    (196, 'function', 'stream.start_stream(auction_id uuid, seller_id uuid, reconnect_window_s integer, request_id uuid)', 'returns stream.session defaults 3'),
    (197, 'function', 'stream.subscribe_to_chat(session_id uuid, user_id uuid)', 'returns stream.chat_subscription defaults 1'),
    (198, 'function', 'stream.sweep()', 'returns setof stream.sweep_rule defaults 0'),
    (199, 'function', 'stream.sync(session_id uuid, after_seq bigint, epoch text)', 'returns stream.sync_result defaults 2'),
    (200, 'function', 'stream.sync_messages(session_id uuid, last_message_id uuid)', 'returns setof stream.chat_message defaults 1'),
    (201, 'function', 'stream.tick()', 'returns void defaults 0'),
    (202, 'function', 'stream.unblock_term(session_id uuid, term text, request_id uuid)', 'returns text defaults 3'),
    (203, 'function', 'stream.unpin_message(session_id uuid, request_id uuid)', 'returns stream.session defaults 1'),
    (204, 'function', 'stream.unread_count(session_id uuid, user_id uuid)', 'returns bigint defaults 1'),
    (205, 'function', 'stream.unsubscribe_from_chat(subscription_id uuid)', 'returns stream.chat_subscription defaults 0'),
    (206, 'function', 'stream.update_stream_state(session_id uuid, state text, reason text, generation integer, request_id uuid)', 'returns stream.session defaults 3'),
    (207, 'function', 'stream.user_id()', 'returns uuid defaults 0'),
    (208, 'function', 'stream_edge.add_viewer(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, buyer_id uuid)', 'returns json defaults 1'),
    (209, 'function', 'stream_edge.apply_webhook(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, notice json)', 'returns json defaults 0'),
    (210, 'function', 'stream_edge.ban_user(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, user_id uuid, duration_s integer, reason text, request_id uuid)', 'returns json defaults 3'),
    (211, 'function', 'stream_edge.block_term(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, term text, request_id uuid)', 'returns json defaults 3'),
    (212, 'function', 'stream_edge.delete_message(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, message_id uuid, reason text, request_id uuid)', 'returns json defaults 2'),
    (213, 'function', 'stream_edge.delete_user_messages(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, user_id uuid, reason text, request_id uuid)', 'returns json defaults 2'),
    (214, 'function', 'stream_edge.doctor(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text)', 'returns json defaults 0'),
    (215, 'function', 'stream_edge.end_stream(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, generation integer, reason text, request_id uuid)', 'returns json defaults 3'),
    (216, 'function', 'stream_edge.export_user(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, user_id uuid)', 'returns json defaults 0'),
    (217, 'function', 'stream_edge.forget_user(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, user_id uuid)', 'returns json defaults 0'),
    (218, 'function', 'stream_edge.generate_buyer_token(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, buyer_id uuid, channel_id text)', 'returns json defaults 2'),
    (219, 'function', 'stream_edge.generate_seller_token(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, seller_id uuid, channel_id text, generation integer)', 'returns json defaults 3'),
    (220, 'function', 'stream_edge.get_live_stream(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, auction_id uuid)', 'returns json defaults 0'),
    (221, 'function', 'stream_edge.get_message_history(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, page_size integer, skip integer, before_seq bigint, after_seq bigint)', 'returns json defaults 4'),
    (222, 'function', 'stream_edge.get_moderation_log(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, before_id bigint, page_size integer)', 'returns json defaults 3'),
    (223, 'function', 'stream_edge.get_session(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid)', 'returns json defaults 0'),
    (224, 'function', 'stream_edge.get_stream_state(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid)', 'returns json defaults 0'),
    (225, 'function', 'stream_edge.get_stream_summary(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid)', 'returns json defaults 0'),
    (226, 'function', 'stream_edge.get_viewer_count(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid)', 'returns json defaults 0'),
    (227, 'function', 'stream_edge.get_viewers(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, after uuid, page_size integer)', 'returns json defaults 2'),
    (228, 'function', 'stream_edge.heartbeat(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, foreground boolean, generation integer, join_no integer, user_id uuid, token_expires_at timestamptz)', 'returns json defaults 5'),
    (229, 'function', 'stream_edge.heartbeats(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, items json)', 'returns json defaults 0'),
    (230, 'function', 'stream_edge.inspect_token(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, token text, channel_id text, account text)', 'returns json defaults 2'),
    (231, 'function', 'stream_edge.join_stream(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid)', 'returns json defaults 0'),
    (232, 'function', 'stream_edge.lift_restriction(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, user_id uuid, kind text, request_id uuid)', 'returns json defaults 1'),
    (233, 'function', 'stream_edge.list_blocked_terms(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid)', 'returns json defaults 1'),
    (234, 'function', 'stream_edge.list_live_streams(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, page_size integer, after uuid)', 'returns json defaults 2'),
    (235, 'function', 'stream_edge.list_reports(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, after bigint, page_size integer)', 'returns json defaults 2'),
    (236, 'function', 'stream_edge.list_restrictions(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, after uuid, page_size integer)', 'returns json defaults 2'),
    (237, 'function', 'stream_edge.mark_messages_as_read(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, user_id uuid, message_ids uuid[])', 'returns json defaults 2'),
    (238, 'function', 'stream_edge.mark_read_up_to(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, user_id uuid, seq bigint)', 'returns json defaults 2'),
    (239, 'function', 'stream_edge.mute_user(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, user_id uuid, duration_s integer, reason text, request_id uuid)', 'returns json defaults 3'),
    (240, 'function', 'stream_edge.new_epoch(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text)', 'returns json defaults 0'),
    (241, 'function', 'stream_edge.pause_stream(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, generation integer, reason text, request_id uuid)', 'returns json defaults 3'),
    (242, 'function', 'stream_edge.pin_message(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, message_id uuid, request_id uuid)', 'returns json defaults 1'),
    (243, 'function', 'stream_edge.post_auction_update(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, update json)', 'returns json defaults 0'),
    (244, 'function', 'stream_edge.refresh_token(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, user_id uuid, channel_id text, generation integer)', 'returns json defaults 3'),
    (245, 'function', 'stream_edge.remove_viewer(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, buyer_id uuid, join_no integer)', 'returns json defaults 2'),
    (246, 'function', 'stream_edge.report_canary(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, canary_no bigint, lag_ms integer, state text)', 'returns json defaults 3'),
    (247, 'function', 'stream_edge.report_message(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, message_id uuid, reason text)', 'returns json defaults 1'),
    (248, 'function', 'stream_edge.resolve_report(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, message_id uuid, request_id uuid)', 'returns json defaults 1'),
    (249, 'function', 'stream_edge.resume_stream(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, generation integer, reason text, request_id uuid)', 'returns json defaults 3'),
    (250, 'function', 'stream_edge.send_message(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, user_id uuid, content text, id uuid)', 'returns json defaults 3'),
    (251, 'function', 'stream_edge.send_messages(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, items json)', 'returns json defaults 0'),
    (252, 'function', 'stream_edge.send_reaction(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, kind text)', 'returns json defaults 0'),
    (253, 'function', 'stream_edge.set_chat_mode(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, mode text, request_id uuid)', 'returns json defaults 1'),
    (254, 'function', 'stream_edge.set_slow_mode(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, interval_ms integer, request_id uuid)', 'returns json defaults 1'),
    (255, 'function', 'stream_edge.start_stream(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, auction_id uuid, seller_id uuid, reconnect_window_s integer, request_id uuid)', 'returns json defaults 3'),
    (256, 'function', 'stream_edge.subscribe_to_chat(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, user_id uuid)', 'returns json defaults 1'),
    (257, 'function', 'stream_edge.sweep(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text)', 'returns json defaults 0'),
    (258, 'function', 'stream_edge.sync(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, after_seq bigint, epoch text)', 'returns json defaults 2'),
    (259, 'function', 'stream_edge.sync_messages(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, last_message_id uuid)', 'returns json defaults 1'),
    (260, 'function', 'stream_edge.tick(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text)', 'returns json defaults 0'),
    (261, 'function', 'stream_edge.unblock_term(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, term text, request_id uuid)', 'returns json defaults 3'),
    (262, 'function', 'stream_edge.unpin_message(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, request_id uuid)', 'returns json defaults 1'),
    (263, 'function', 'stream_edge.unread_count(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, user_id uuid)', 'returns json defaults 1'),
    (264, 'function', 'stream_edge.unsubscribe_from_chat(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, subscription_id uuid)', 'returns json defaults 0'),
    (265, 'function', 'stream_edge.update_stream_state(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text, session_id uuid, state text, reason text, generation integer, request_id uuid)', 'returns json defaults 3'),
    (266, 'function', 'stream_edge.user_id(edge_role text, edge_claims text, edge_method text, edge_path text, edge_lock_timeout text)', 'returns json defaults 0'),
    (267, 'function', 'stream_edge.contract_version()', 'returns text defaults 0')
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

-- sql/edition/native/code.sql

-- The version of the extension that the bodies call. Its files are installed with the server's; whoever owns the extension
-- updates it here, in the transaction in which the bodies that call it change.
do $$
begin
    -- A newer one serves older bodies too, until the migration of its own release replaces them.
    if (
        select string_to_array(e.extversion, '.')::integer[] < string_to_array('0.1.0', '.')::integer[]
        from pg_catalog.pg_extension as e where e.extname = 'pg_stream_ext'
    ) then
        alter extension pg_stream_ext update to '0.1.0';
    end if;
end
$$;

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
        -- A number that was received and not sent is from before the numbers went back: every one that is sent now is newer.
        select coalesce((o.received_no is null or $1 > o.received_no or o.received_no > o.canary_no) and $1 <= o.canary_no, false)
                as is_newer,
            $3 not in ('unknown', 'delivered') as is_failure
        from stream.canary as o where o.id
    ) as n
    where c.id;
    select f.canary_user_id, c.canary_no, nullif(c.sent_at, '-infinity'),
        stream_private.realtime_partition(clock_timestamp()) is not null,
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
    -- Times ahead of the clock are from before the clock was set back.
    last_trip := coalesce('the last that came back is number ' || canary.received_no || ', at ' || canary.received_at
        || ', ' || canary.lag_ms || ' ms after it was written', 'none has come back yet');
    if canary.sent_at not between now() - interval '25 seconds' and clock_timestamp() then
        return row('canary', 'failure', 'none was sent ' || coalesce('since ' || nullif(canary.sent_at, '-infinity'), 'yet')
            || ': see ticker, troubles and realtime_partition; ' || last_trip)::stream.check_result;
    end if;
    if coalesce(canary.reported_at not between now() - interval '60 seconds' and clock_timestamp(), true) then
        return row('canary', 'warning', 'unknown whether broadcasts arrive: no edge_api with the settings CANARY_... has reported '
            || coalesce('since ' || canary.reported_at, 'yet') || '; ' || last_trip)::stream.check_result;
    end if;
    if canary.failed_at between now() - interval '30 seconds' and clock_timestamp() then
        return row('canary', 'failure', case canary.failed_state
            when 'not_sent' then 'none was sent to the user of CANARY_EMAIL: is that config.canary_user_id?'
            when 'not_followed' then 'Realtime does not read the database: its publication or its replication slot is gone; restart it'
            when 'dropped' then 'sent, and not delivered although Realtime reads the database: it drops rows over the limit of its '
                || 'plan, see config.realtime_messages_per_s'
            when 'realtime_away' then 'Realtime cannot be reached, or it or Auth is over a limit other than that of messages'
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
    select 'ticker', case when t.ticked_at > clock_timestamp() then 'failure'
                          when t.ticked_at > now() - interval '5 seconds' then 'ok'
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

create or replace function stream_private.realtime_partition(at timestamptz) returns text
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    messages constant pg_catalog.regclass := to_regclass('realtime.messages');
    -- UTC, as Realtime counts days.
    of_day constant pg_catalog.regclass := to_regclass('realtime.messages_' || to_char($1 at time zone 'UTC', 'YYYY_MM_DD'));
begin
    if exists (
        select from pg_catalog.pg_inherits as i
        where i.inhrelid = of_day and i.inhparent = messages and not i.inhdetachpending
    ) then
        return of_day::text;
    end if;
    return (
        select t.partdefid::regclass::text
        from pg_catalog.pg_partitioned_table as t
        where t.partrelid = messages and t.partdefid <> 0
    );
end
$$;
comment on function stream_private.realtime_partition(timestamptz) is
    'The partition of realtime.messages that takes rows of a moment, by the rule of whoever broadcasts: a table of the day''s name that is not attached takes none, a default partition takes all. Null: none.';

create or replace function stream_private.check_realtime_partitions(at timestamptz) returns stream.check_result
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
    today pg_catalog.text := stream_private.realtime_partition($1);
    tomorrow pg_catalog.text := stream_private.realtime_partition($1 + interval '24 hours');
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
    elsif tomorrow is null and extract(hour from $1 at time zone 'UTC') >= 20 then
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
        select 'ticker', null, t.xmax from stream.ticker as t
        where t.ticked_at not between now() - interval '3 seconds' and clock_timestamp()
        union all
        -- A ticker holds it for moments, and then sends.
        select 'chat_tail_reads', null, r.xmax from stream.chat_tail_reads as r
        where exists (
            select from stream.ticker as t where t.sends_at not between now() - interval '3 seconds' and clock_timestamp())
        union all
        -- A plan holds it for moments. Without a limit one is made every 5 s, and without streams none.
        select 'governor', null, g.xmax from stream.governor as g
        cross join stream.config as c
        where c.id and g.planned_at not between now() - case when c.realtime_messages_per_s > 0 then interval '3 seconds'
                else interval '8 seconds' end and clock_timestamp()
            and (c.realtime_messages_per_s > 0 or cardinality(g.sessions) > 0 or exists (select from stream.realtime_sends))
    ), held as (
        select distinct format('%s holds the row of %s in stream.%s',
                coalesce('pid ' || p.pid, 'a prepared transaction'), coalesce('stream ' || k.id, case k.name when 'governor' then 'the plan' else 'the ticker' end),
                k.name)
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
    hint pg_catalog.text;
    hinted pg_catalog.int4 := 0;
begin
    perform stream_ext.enter_to_write();
    -- Never one that was there before: a dump holds that of its time.
    update stream.config as c set epoch_salt = gen_random_uuid()::text where c.id;
    for session in select s.id from stream.stream_sessions as s where s.state <> 'ended' order by s.id loop
        hint := to_json(row(session, 'new_epoch', clock_timestamp())::stream.resync_event)::text;
        perform stream_ext.emit('stream:' || session, 'resync', hint);
        -- The epoch is that of the log, which some follow by its topic alone.
        perform stream_ext.emit('chat:' || session, 'resync', hint);
        hinted := hinted + 1;
    end loop;
    return hinted;
end
$$;
comment on function stream_private.new_epoch() is $$
Begins another epoch, so that every client resynchronises: a step after restoring a backup. Each stream that has not ended
gets the event resync on stream:<id> and chat:<id>; whoever misses it is told by the next frame, heartbeat or sync. Returns how many streams got it. Service only.
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

    -- Of what goes on, a time ahead of the clock is made good within seconds. Of what has ended, it must not look young until the clock,
    -- which was set back, reaches it.
    return query
    select 'pg_stream_tick_age_seconds', '{}'::jsonb, abs(extract(epoch from now() - t.ticked_at))::double precision
    from stream.ticker as t where t.ticked_at > '-infinity'
    union all
    select 'pg_stream_sweep_age_seconds', jsonb_build_object('rule', f.rule),
        abs(extract(epoch from now() - f.ran_at))::double precision
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
    from unnest(array['rate', 'rights', 'setup']) as k (reason)
    union all
    -- And how often each index is read.
    select 'pg_stream_recoveries_total', jsonb_build_object('complete', k.is_complete::text),
        pg_stat_get_numscans(k.index)::double precision
    from (values
        (true, 'stream.recoveries_pkey'::regclass), (false, 'stream.recoveries_incomplete_key'::regclass)
    ) as k (is_complete, index);

    return query
    select f.name, '{}'::jsonb, f.value::double precision
    from stream.canary as c
    cross join lateral (values
        ('pg_stream_canaries_sent_total', c.canary_no::double precision),
        ('pg_stream_canary_sent_age_seconds',
            case when c.sent_at > '-infinity' then abs(extract(epoch from now() - c.sent_at)) end),
        ('pg_stream_canary_received_age_seconds', abs(extract(epoch from now() - c.received_at))),
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
        ('pg_stream_realtime_limit_per_second', most::double precision),
        ('pg_stream_realtime_plan_age_seconds', (
            select abs(extract(epoch from now() - g.planned_at)) from stream.governor as g
            where g.id and g.planned_at > '-infinity'
        )::double precision)
    ) as f (name, value)
    where f.value is not null;

    -- Averages over a minute, as Realtime counts. What lies ahead of the clock is from before the clock was set back.
    return query
    select 'pg_stream_realtime_messages_per_second', jsonb_build_object('kind', k.kind), k.messages::double precision / 60
    from (
        select coalesce(sum(p.frames), 0) as frames, coalesce(sum(p.viewer_counts), 0) as viewer_counts,
            coalesce(sum(p.states), 0) as states, coalesce(sum(p.users), 0) as users,
            coalesce(sum(p.reactions), 0) as reactions, coalesce(sum(p.canary), 0) as canary,
            coalesce(sum(p.others), 0) as others
        from stream.realtime_spending as p
        where p.span_s = 5 and p.at > now() - interval '60 seconds' and p.at <= now()
    ) as p
    cross join lateral (values ('frames', p.frames), ('viewer_counts', p.viewer_counts), ('states', p.states),
        ('users', p.users), ('reactions', p.reactions), ('canary', p.canary), ('others', p.others)) as k (kind, messages);

    select coalesce(sum(p.messages), 0)::double precision / 60
    into spent_per_s
    from stream_private.realtime_costs as p
    where p.span_s = 5 and p.at > now() - interval '60 seconds' and p.at <= now();
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
            left join stream_private.realtime_costs as p on p.at >= least(m.begins_at, m.week_ago) and p.at <= now()
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
language plpgsql stable
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
    from stream.agora_tokens as t where t.user_id = $1 order by t.session_id, t.created_at, t.is_active;
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
    where u.user_id = $1 order by e.session_id, e.happened_at, e.notice_id;
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
    from stream.blocked_terms as t where t.actor = $1 order by t.created_at, t.term;
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
        n.slow_mode_ms, n.pinned_seq, n.pinned::json, n.restrictions::json, n.poll_ms, n.server_time, n.version,
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
language plpgsql stable security definer
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
    'Begins another epoch, so that every client resynchronises: a step after restoring a backup. Each stream that has not ended gets the event resync on stream:<id> and chat:<id>; whoever misses it is told by the next frame, heartbeat or sync. Returns how many streams got it. Service only.';

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
language plpgsql stable
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
revoke all on function stream_private.realtime_partition(timestamp with time zone) from public, anon, authenticated, service_role;
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

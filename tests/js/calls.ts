/** Every function that an app or its service may call, once with what it needs and once with all that it takes. */

const json = { any: 'thing' }
const time = new Date(0).toISOString()

// Lifecycle.
supabase.rpc('start_stream', { auction_id: auctionId })
supabase.rpc('start_stream', { auction_id: auctionId, seller_id: userId, reconnect_window_s: 60 })
supabase.rpc('update_stream_state', { session_id: sessionId, state: 'active' })
supabase.rpc('update_stream_state', { session_id: sessionId, state: 'error', reason: 'why', generation: 1 })
supabase.rpc('pause_stream', { session_id: sessionId })
supabase.rpc('pause_stream', { session_id: sessionId, generation: 1, reason: 'why' })
supabase.rpc('resume_stream', { session_id: sessionId })
supabase.rpc('resume_stream', { session_id: sessionId, generation: 1, reason: 'why' })
supabase.rpc('end_stream', { session_id: sessionId })
supabase.rpc('end_stream', { session_id: sessionId, generation: 1, reason: 'why' })
supabase.rpc('get_stream_state', { session_id: sessionId })
supabase.rpc('get_session', { session_id: sessionId })

// Tokens.
supabase.rpc('generate_seller_token', { channel_id: sessionId })
supabase.rpc('generate_seller_token', { seller_id: userId, channel_id: sessionId, generation: 1 })
supabase.rpc('generate_buyer_token', { channel_id: sessionId })
supabase.rpc('generate_buyer_token', { buyer_id: userId, channel_id: sessionId })
supabase.rpc('refresh_token', { channel_id: sessionId })
supabase.rpc('refresh_token', { user_id: userId, channel_id: sessionId, generation: 1 })
supabase.rpc('inspect_token', { token: '007' })
supabase.rpc('inspect_token', { token: '007', channel_id: sessionId, account: '1' })

// Viewers and heartbeats.
supabase.rpc('join_stream', { session_id: sessionId })
supabase.rpc('add_viewer', { session_id: sessionId })
supabase.rpc('add_viewer', { session_id: sessionId, buyer_id: userId })
supabase.rpc('remove_viewer', { session_id: sessionId })
supabase.rpc('remove_viewer', { session_id: sessionId, buyer_id: userId, join_no: 1 })
supabase.rpc('get_viewer_count', { session_id: sessionId })
supabase.rpc('get_viewers', { session_id: sessionId })
supabase.rpc('get_viewers', { session_id: sessionId, after: userId, page_size: 10 })
supabase.rpc('heartbeat', { session_id: sessionId })
supabase.rpc('heartbeat', {
    session_id: sessionId,
    foreground: true,
    generation: 1,
    join_no: 1,
    user_id: userId,
    token_expires_at: time,
})
supabase.rpc('heartbeats', { items: [{ session_id: sessionId, user_id: userId }] })

// Chat.
supabase.rpc('send_message', { session_id: sessionId, content: 'Hello' })
supabase.rpc('send_message', { session_id: sessionId, user_id: userId, content: 'Hello', id: messageId })
supabase.rpc('send_messages', { items: [{ session_id: sessionId, user_id: userId, content: 'Hello' }] })
supabase.rpc('get_message_history', { session_id: sessionId })
supabase.rpc('get_message_history', { session_id: sessionId, page_size: 10, skip: 10, before_seq: 9, after_seq: 1 })
supabase.rpc('sync_messages', { session_id: sessionId })
supabase.rpc('sync_messages', { session_id: sessionId, last_message_id: messageId })
supabase.rpc('sync', { session_id: sessionId })
supabase.rpc('sync', { session_id: sessionId, after_seq: 1, epoch: 'epoch' })
supabase.rpc('mark_messages_as_read', { session_id: sessionId, message_ids: [messageId] })
supabase.rpc('mark_messages_as_read', { session_id: sessionId, user_id: userId, message_ids: [messageId] })
supabase.rpc('mark_read_up_to', { session_id: sessionId, seq: 9 })
supabase.rpc('mark_read_up_to', { session_id: sessionId, user_id: userId, seq: 9 })
supabase.rpc('unread_count', { session_id: sessionId })
supabase.rpc('unread_count', { session_id: sessionId, user_id: userId })
supabase.rpc('subscribe_to_chat', { session_id: sessionId })
supabase.rpc('subscribe_to_chat', { session_id: sessionId, user_id: userId })
supabase.rpc('unsubscribe_from_chat', { subscription_id: messageId })
supabase.rpc('post_auction_update', { session_id: sessionId, update: json })

// Moderation.
supabase.rpc('delete_message', { session_id: sessionId, message_id: messageId })
supabase.rpc('delete_message', { session_id: sessionId, message_id: messageId, reason: 'why' })
supabase.rpc('delete_user_messages', { session_id: sessionId, user_id: userId })
supabase.rpc('delete_user_messages', { session_id: sessionId, user_id: userId, reason: 'why' })
supabase.rpc('mute_user', { session_id: sessionId, user_id: userId })
supabase.rpc('mute_user', { session_id: sessionId, user_id: userId, duration_s: 60, reason: 'why' })
supabase.rpc('ban_user', { session_id: sessionId, user_id: userId })
supabase.rpc('ban_user', { session_id: sessionId, user_id: userId, duration_s: 60, reason: 'why' })
supabase.rpc('lift_restriction', { session_id: sessionId, user_id: userId, kind: 'mute' })
supabase.rpc('set_slow_mode', { session_id: sessionId, interval_ms: 0 })
supabase.rpc('set_chat_mode', { session_id: sessionId, mode: 'everyone' })
supabase.rpc('pin_message', { session_id: sessionId, message_id: messageId })
supabase.rpc('unpin_message', { session_id: sessionId })
supabase.rpc('block_term', { term: 'word' })
supabase.rpc('block_term', { session_id: sessionId, term: 'word' })
supabase.rpc('unblock_term', { term: 'word' })
supabase.rpc('unblock_term', { session_id: sessionId, term: 'word' })
supabase.rpc('list_blocked_terms')
supabase.rpc('list_blocked_terms', { session_id: sessionId })
supabase.rpc('list_restrictions', { session_id: sessionId })
supabase.rpc('list_restrictions', { session_id: sessionId, after: userId, page_size: 10 })
supabase.rpc('get_moderation_log')
supabase.rpc('get_moderation_log', { session_id: sessionId, before_id: 9, page_size: 10 })
supabase.rpc('send_reaction', { session_id: sessionId, kind: 'love' })
supabase.rpc('report_canary')
supabase.rpc('report_canary', { canary_no: 9, lag_ms: 40, state: 'delivered' })
supabase.rpc('report_message', { session_id: sessionId, message_id: messageId })
supabase.rpc('report_message', { session_id: sessionId, message_id: messageId, reason: 'why' })
supabase.rpc('list_reports', { session_id: sessionId })
supabase.rpc('list_reports', { session_id: sessionId, after: 9, page_size: 10 })
supabase.rpc('resolve_report', { session_id: sessionId, message_id: messageId })
supabase.rpc('resolve_report', { session_id: sessionId, message_id: messageId, request_id: messageId })

// Finding streams, and what came of them.
supabase.rpc('get_live_stream', { auction_id: auctionId })
supabase.rpc('list_live_streams')
supabase.rpc('list_live_streams', { page_size: 10, after: sessionId })
supabase.rpc('get_stream_summary', { session_id: sessionId })

// Users, for the service.
supabase.rpc('forget_user', { user_id: userId })
supabase.rpc('export_user', { user_id: userId })

// Operation, for the service.
supabase.rpc('apply_webhook', { notice: json })
supabase.rpc('tick')
supabase.rpc('sweep')
supabase.rpc('doctor')
supabase.rpc('new_epoch')

// What an app reads of an answer.
const { data: joined } = await supabase.rpc('join_stream', { session_id: sessionId })
const uid: number | null | undefined = joined?.token?.uid
const { data: log } = await supabase.rpc('get_message_history', { session_id: sessionId })
const contents: (string | null)[] = (log ?? []).map((entry) => entry.content)
const { data: unread } = await supabase.rpc('unread_count', { session_id: sessionId })
const count: number | null = unread
export { contents, count, uid }

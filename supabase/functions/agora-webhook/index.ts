/**
 * The Edge Function that takes Agora's notices in place of edge_api: each is verified over its raw bytes and handed to
 * `stream.apply_webhook` as the service.
 *
 * Agora sends no access token, so it is deployed without the gateway's check of one (`verify_jwt = false`). Its secrets are
 * `AGORA_WEBHOOK_SECRET` and, while that is being changed, `AGORA_WEBHOOK_SECRET_SECONDARY`; Supabase gives it the project's URL and keys.
 */

import { answer } from './answer.ts'
import { settingsOf } from './settings.ts'

const settings = settingsOf((name) => Deno.env.get(name))

Deno.serve((request) => answer(request, settings))

/** The option `edgeUrl`: calls of the entry point `edge` go there, and the core refuses what it would not obey. */

import { createClient } from '@supabase/supabase-js'
import { expect, it } from 'vitest'
import { createStreamClient as createEdgeClient } from '../../src/edge.ts'
import { createStreamClient } from '../../src/index.ts'

const supabase = createClient('http://supabase.test', 'anon', { accessToken: async () => 'user-token' })

it('calls of the edge’s client go to its URL, and without one over RPC', async () => {
    const urls: string[] = []
    const fetch = async (url: string) => {
        urls.push(url)
        return new Response('3')
    }
    const client = createEdgeClient({ supabase, edgeUrl: 'http://edge.test', fetch })
    expect(await client.stream.getViewerCount('00000000-0000-4000-8000-000000000001')).toBe(3)
    expect(urls).toEqual(['http://edge.test/v1/streams/00000000-0000-4000-8000-000000000001/viewers/count'])
    expect(client.core.transport.kind).toBe('edge')
    expect(createEdgeClient({ supabase }).core.transport.kind).toBe('rpc')
})

it('the core refuses the URL of an edge that it would not call', () => {
    const options = { supabase, edgeUrl: 'http://edge.test' }
    expect(() => createStreamClient(options)).toThrow('@pg-stream/client/edge')
})

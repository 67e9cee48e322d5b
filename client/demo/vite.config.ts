/** The build of the demo app: static files that are served under /demo/. */

import { defineConfig, type UserConfig } from 'vite'

const config: UserConfig = defineConfig({
    base: '/demo/',
    // One React for the app and for the package, which is linked and has another beside it.
    resolve: { preserveSymlinks: true, dedupe: ['react', 'react-dom'] },
    build: {
        target: 'es2022',
        // Agora's SDK is a file of its own, loaded only where an App ID is configured.
        chunkSizeWarningLimit: 2_000,
        assetsInlineLimit: 0,
    },
})

export default config

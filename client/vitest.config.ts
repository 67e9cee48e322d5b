/** The test run of the package: Node alone, no wall clock, fixed seeds. */

import { defineConfig, type ViteUserConfig } from 'vitest/config'

const config: ViteUserConfig = defineConfig({
    test: {
        include: ['tests/**/*.test.ts', 'tests/**/*.test.tsx'],
        restoreMocks: true,
    },
})

export default config

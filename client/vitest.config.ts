/** The test run of the package: Node alone, no wall clock, fixed seeds. */

import { defineConfig, type ViteUserConfig } from 'vitest/config'

const config: ViteUserConfig = defineConfig({
    test: {
        include: ['tests/**/*.test.ts', 'tests/**/*.test.tsx'],
        restoreMocks: true,
        // A deadline only ends a test that hangs: nothing here goes by the wall clock.
        testTimeout: 120_000,
    },
})

export default config

/** The test run of the package: Node alone, no wall clock, fixed seeds. */

import { defineConfig, type ViteUserConfig } from 'vitest/config'

const config: ViteUserConfig = defineConfig({
    // React Native's own source is Flow, which nothing here reads; its components are those of react-native-web.
    resolve: { alias: { 'react-native': 'react-native-web' } },
    test: {
        include: ['tests/**/*.test.ts', 'tests/**/*.test.tsx'],
        // That one needs the renderer of React Native, which vitest cannot read: cargo x test client react-native.
        exclude: ['tests/react_native/**'],
        restoreMocks: true,
        // A deadline only ends a test that hangs: nothing here goes by the wall clock.
        testTimeout: 120_000,
    },
})

export default config

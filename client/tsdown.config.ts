/** The build of the package: entry points as ESM and CJS, with types. */

import { defineConfig, type UserConfig } from 'tsdown'

const config: UserConfig = defineConfig({
    entry: [
        'src/index.ts',
        'src/messages.ts',
        'src/react.ts',
        'src/react_native.ts',
        'src/viewer.ts',
        'src/loopback.ts',
        'src/testing.ts',
    ],
    format: ['esm', 'cjs'],
    platform: 'neutral',
    target: 'es2022',
    dts: true,
    // With `type: module` the names are .mjs and .cjs, as the exports of package.json say.
    fixedExtension: true,
    sourcemap: false,
    clean: true,
})

export default config

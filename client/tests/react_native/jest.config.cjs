/** Jest with the real renderer of React Native; the client is taken from its source. */

module.exports = {
    preset: '@react-native/jest-preset',
    rootDir: __dirname,
    // The client's source and its fakes lie above this folder.
    roots: ['<rootDir>', '<rootDir>/../../src', '<rootDir>/../fake_server', '<rootDir>/../fakes'],
    modulePaths: ['<rootDir>/node_modules'],
    // The first transformation of React Native takes long on a busy machine.
    testTimeout: 120_000,
    testMatch: ['<rootDir>/*.test.ts'],
    // Of both copies of React the renderer's is the one.
    moduleNameMapper: { '^react$': require.resolve('react'), '^react/(.*)$': '<rootDir>/node_modules/react/$1' },
    transform: { '^.+\\.[jt]sx?$': ['babel-jest', { configFile: require.resolve('./babel.config.cjs') }] },
    transformIgnorePatterns: ['node_modules/(?!((jest-)?react-native|@react-native(-community)?|@react-native/.*)/)'],
}

/** The preset that Metro uses for apps. */

module.exports = { presets: ['@react-native/babel-preset'] }

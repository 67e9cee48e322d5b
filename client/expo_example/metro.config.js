/** Metro of Expo, for this folder alone: what lies above is the package's source, with a React of its own. */

const { getDefaultConfig } = require('expo/metro-config')

const config = getDefaultConfig(__dirname)
config.watchFolders = []
config.resolver.nodeModulesPaths = [`${__dirname}/node_modules`]
config.resolver.disableHierarchicalLookup = true

module.exports = config

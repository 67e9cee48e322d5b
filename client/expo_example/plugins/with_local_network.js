/** Android apps may use http: `cargo x up --host` serves it, and a phone does not know the local certificate. Not for an app that is published. */

const { withAndroidManifest } = require('expo/config-plugins')

module.exports = (config) =>
    withAndroidManifest(config, (changed) => {
        for (const application of changed.modResults.manifest.application ?? [])
            application.$['android:usesCleartextTraffic'] = 'true'
        return changed
    })

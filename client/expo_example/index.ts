/** The entry point that the native apps start. */

import { registerRootComponent } from 'expo'
import { App } from './app'

registerRootComponent(App)

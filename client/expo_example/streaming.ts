/** The clients of this app, made once and outside of React. */

import AsyncStorage from '@react-native-async-storage/async-storage'
import NetInfo from '@react-native-community/netinfo'
import { createStreamClient } from '@pg-stream/client'
import { agoraReactNativeEngine, mediaPermissions, reactNativeLifecycle } from '@pg-stream/client/react-native'
import { createClient } from '@supabase/supabase-js'
import { AppState, PermissionsAndroid, Platform } from 'react-native'
import * as agora from 'react-native-agora'
import { settings } from './settings'

export const supabase = createClient(settings.supabaseUrl, settings.anonKey, {
    auth: { storage: AsyncStorage, detectSessionInUrl: false },
})

export const client = createStreamClient({
    supabase,
    lifecycle: reactNativeLifecycle({ AppState, NetInfo }),
    storage: AsyncStorage,
})

export const engine = agoraReactNativeEngine({
    agora,
    appId: settings.agoraAppId,
    permissions: mediaPermissions({ Platform, PermissionsAndroid }),
})

export { agora }

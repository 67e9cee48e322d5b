/** The entry point for React Native: its lifecycle adapter. Modules are handed in, so nothing native is imported here. */

export {
    type AppStateLike,
    type NetInfoLike,
    type NetInfoStateLike,
    reactNativeLifecycle,
} from './lifecycle/react_native_lifecycle.ts'

/** Styles of the component for phones. */

import type { TextStyle, ViewStyle } from 'react-native'

const BACKGROUND = '#14161a'

export const ROOT: ViewStyle = {
    position: 'relative',
    overflow: 'hidden',
    width: '100%',
    aspectRatio: 16 / 9,
    backgroundColor: BACKGROUND,
}

export const FILL: ViewStyle = { position: 'absolute', top: 0, right: 0, bottom: 0, left: 0 }

export const STATUS: ViewStyle = { alignItems: 'center', justifyContent: 'flex-end' }

const CENTRED: ViewStyle = { ...FILL, alignItems: 'center', justifyContent: 'center', gap: 8, padding: 16 }

/** In place of the picture. */
export const COVER: ViewStyle = { ...CENTRED, backgroundColor: BACKGROUND }

/** Over the last picture; dark enough for white letters on a white picture. */
export const OVERLAY: ViewStyle = { ...CENTRED, backgroundColor: 'rgba(0, 0, 0, 0.7)' }

export const NOTICE: ViewStyle = {
    flexDirection: 'row',
    flexWrap: 'wrap',
    alignItems: 'center',
    justifyContent: 'center',
    gap: 12,
    marginHorizontal: 12,
    marginBottom: 12,
    paddingHorizontal: 12,
    paddingVertical: 4,
    borderRadius: 8,
    backgroundColor: '#000000',
}

export const TITLE: TextStyle = { color: '#ffffff', fontSize: 16, fontWeight: '600', textAlign: 'center' }
export const DETAIL: TextStyle = { color: '#ffffff', fontSize: 16, textAlign: 'center', maxWidth: 480 }

/** 48 points are what Android's guidelines ask for, and more than iOS's 44. */
export const BUTTON: ViewStyle = {
    minHeight: 48,
    minWidth: 48,
    alignItems: 'center',
    justifyContent: 'center',
    paddingHorizontal: 20,
    borderRadius: 8,
    backgroundColor: '#ffffff',
}
export const BUTTON_TEXT: TextStyle = { color: '#14161a', fontSize: 16, fontWeight: '600' }

/** Styles of the web component, in the elements themselves: no stylesheet has to be loaded, and every one can be replaced. */

import type { CSSProperties } from 'react'

/** `style` and a class of the app win over these; the colours are custom properties. */
const BACKGROUND = 'var(--stream-viewer-background, #14161a)'
const COLOR = 'var(--stream-viewer-color, #ffffff)'

export const ROOT: CSSProperties = {
    position: 'relative',
    isolation: 'isolate',
    overflow: 'hidden',
    width: '100%',
    aspectRatio: '16 / 9',
    background: BACKGROUND,
    color: COLOR,
}

export const FILL: CSSProperties = { position: 'absolute', inset: 0 }

/** Touches go to what lies below, except to buttons. */
export const STATUS: CSSProperties = {
    ...FILL,
    display: 'flex',
    flexDirection: 'column',
    alignItems: 'center',
    justifyContent: 'flex-end',
    pointerEvents: 'none',
    font: '1rem/1.4 system-ui, sans-serif',
    textAlign: 'center',
}

const CENTRED: CSSProperties = {
    ...FILL,
    display: 'flex',
    flexDirection: 'column',
    alignItems: 'center',
    justifyContent: 'center',
    gap: '0.5rem',
    padding: '1rem',
}

/** In place of the picture. */
export const COVER: CSSProperties = { ...CENTRED, background: BACKGROUND }

/** Over the last picture; dark enough for white letters on a white picture. */
export const OVERLAY: CSSProperties = { ...CENTRED, background: 'rgb(0 0 0 / 0.7)', color: '#ffffff' }

export const NOTICE: CSSProperties = {
    position: 'relative',
    display: 'flex',
    flexWrap: 'wrap',
    alignItems: 'center',
    justifyContent: 'center',
    gap: '0.75rem',
    margin: '0 0.75rem 0.75rem',
    padding: '0.25rem 0.75rem',
    borderRadius: '0.5rem',
    background: '#000000',
    color: '#ffffff',
}

export const TITLE: CSSProperties = { margin: 0, fontWeight: 600 }
export const DETAIL: CSSProperties = { margin: 0, maxWidth: '40ch' }

/** 44 pixels are what a finger hits. The outline of the focus is the browser's. */
export const BUTTON: CSSProperties = {
    pointerEvents: 'auto',
    minHeight: 44,
    minWidth: 44,
    padding: '0 1.25rem',
    border: '1px solid #ffffff',
    borderRadius: '0.5rem',
    background: '#ffffff',
    color: '#14161a',
    font: 'inherit',
    fontWeight: 600,
    cursor: 'pointer',
}

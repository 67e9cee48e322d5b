/** Whether an element can be seen: it has a size, and neither it nor a parent is hidden by its style. */

interface CheckedElement {
    checkVisibility?(options: { visibilityProperty: boolean; opacityProperty: boolean }): boolean
}

/**
 * Frames are presented to elements that nobody sees, in Chromium too, so frames alone do not tell. Whether the element
 * is scrolled away or its page is in the background is not looked at.
 */
export function isShown(element: HTMLElement): boolean {
    const { width, height } = element.getBoundingClientRect()
    if (!element.isConnected || width < 1 || height < 1) return false
    const { checkVisibility } = element as CheckedElement
    return checkVisibility?.call(element, { visibilityProperty: true, opacityProperty: true }) ?? true
}

/**
 * The rows of a log that are in the document: the newest, and older ones while somebody reads them. Rows that leave at the top
 * are replaced by their height, so that nothing that is shown ever moves.
 */

import type { ChatMessage } from '@pg-stream/client'
import { type RefObject, useLayoutEffect, useRef, useState } from 'react'

/** Rows are taken away when there are more than the one, until the other is left. */
const MOST = 80
const KEPT = 40
const OLDER = 40
const NEAR_PX = 240
const BOTTOM_PX = 32

export interface RowWindow {
    rows: readonly ChatMessage[]
    /** Of the rows that were taken away. */
    spacerPx: number
    isAtEnd: boolean
    onScroll(): void
    scrollToEnd(): void
}

export function useRowWindow(
    list: RefObject<HTMLElement | null>,
    messages: readonly ChatMessage[],
    loadOlder: () => Promise<boolean>
): RowWindow {
    const [fromSeq, setFromSeq] = useState(0)
    const [spacerPx, setSpacerPx] = useState(0)
    const [isAtEnd, setAtEnd] = useState(true)
    /** The first row before older ones were put above it, and where it was. */
    const anchor = useRef<{ seq: number; top: number } | null>(null)
    const isLoading = useRef(false)
    const first = firstShown(messages, fromSeq)
    const rows = first === 0 ? messages : messages.slice(first)

    useLayoutEffect(() => {
        const element = list.current
        if (element === null) return
        if (anchor.current !== null) {
            // Older rows were added: the spacer gives way, and only what it lacks is scrolled.
            const { seq, top } = anchor.current
            anchor.current = null
            const grownPx = topOf(element, seq) - top
            const givenPx = Math.min(spacerPx, Math.max(0, grownPx))
            if (givenPx > 0) setSpacerPx(spacerPx - givenPx)
            element.scrollTop += grownPx - givenPx
        } else if (isAtEnd) {
            if (rows.length > MOST) {
                const kept = rows[rows.length - KEPT]?.seq
                const oldest = rows[0]?.seq
                if (typeof kept === 'number' && typeof oldest === 'number') {
                    setSpacerPx(spacerPx + topOf(element, kept) - topOf(element, oldest))
                    setFromSeq(kept)
                }
            }
            element.scrollTop = element.scrollHeight
        }
    })

    const showOlder = async (element: HTMLElement) => {
        const oldest = rows[0]?.seq
        if (isLoading.current || typeof oldest !== 'number') return
        isLoading.current = true
        if (first === 0) await loadOlder()
        isLoading.current = false
        anchor.current = { seq: oldest, top: topOf(element, oldest) }
        setFromSeq(Math.max(0, oldest - OLDER))
    }

    return {
        rows,
        spacerPx,
        isAtEnd,
        onScroll() {
            const element = list.current
            if (element === null) return
            const { scrollTop, scrollHeight, clientHeight } = element
            setAtEnd(scrollHeight - scrollTop - clientHeight < BOTTOM_PX)
            if (scrollTop < spacerPx + NEAR_PX) void showOlder(element)
        },
        scrollToEnd() {
            setAtEnd(true)
            const element = list.current
            if (element !== null) element.scrollTop = element.scrollHeight
        },
    }
}

/** Where the rows begin: at the first that is new enough. What is being sent has no number and is the newest. */
function firstShown(messages: readonly ChatMessage[], fromSeq: number): number {
    const index = messages.findIndex(({ seq }) => seq === null || seq >= fromSeq)
    return Math.max(0, index)
}

function topOf(list: HTMLElement, seq: number): number {
    return list.querySelector<HTMLElement>(`[data-seq="${seq}"]`)?.offsetTop ?? 0
}

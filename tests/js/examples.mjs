/** The TypeScript in a Markdown text: blocks that are marked `ts`. */

const BLOCK = /^```ts\n(.*?)^```$/gms

/** @param {string} markdown @returns {{line: number, text: string}[]} the line is that of the fence */
export function examplesIn(markdown) {
    return [...markdown.matchAll(BLOCK)].map((match) => ({
        line: markdown.slice(0, match.index).split('\n').length,
        text: match[1],
    }))
}

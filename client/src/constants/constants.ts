/** Constants of a union of texts: `PAUSED` for `'paused'`. */

export type Constants<Text extends string> = { readonly [One in Text as Uppercase<One>]: One }

export function constants<Text extends string>(...texts: Text[]): Constants<Text> {
    return Object.fromEntries(texts.map((text) => [text.toUpperCase(), text])) as Constants<Text>
}

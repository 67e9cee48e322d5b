/** How often, and from which seed, the properties of the viewer are tried. */

/** Ends what hangs, on a machine that does much else. */
export const HANGS_MS = 900_000

export const RUNS = { numRuns: 100, seed: 20_260_101 }

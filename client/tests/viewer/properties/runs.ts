/** How often, and from which seed, the properties of the viewer are tried. */

export const RUNS = { numRuns: 100, seed: 20_260_101 }

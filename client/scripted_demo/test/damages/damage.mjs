/** A way to spoil a good run, with the findings that it must bring and no others. */

/**
 * @typedef {import('../recorded_run.mjs').GoodRun} GoodRun
 * @typedef {object} Damage
 * @property {string} name
 * @property {(run: GoodRun) => void} damage
 * @property {import('../../verify/finding.mjs').FindingKind[]} kinds
 * @property {string} who
 */

export {}

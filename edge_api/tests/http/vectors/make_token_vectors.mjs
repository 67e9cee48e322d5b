// Tokens of npm's jose, and forgeries of them, for edge_api/tests/http/auth_vectors.rs.
//
// npm install jose@6 && node make_token_vectors.mjs > token_vectors.json
// Every run makes new keys; only public ones and a secret of the tests are written.

import * as jose from "jose";

const SECRET = "shared secret of the vectors, 32 bytes or more";
const claims = {
  sub: "00000000-0000-4000-8000-000000000001",
  role: "authenticated",
  aud: "authenticated",
  iss: "https://project.test/auth/v1",
  iat: 1700000000,
  exp: 4102444800,
};
const encode = (value) => jose.base64url.encode(typeof value === "string" ? value : JSON.stringify(value));
const es = await jose.generateKeyPair("ES256", { extractable: true });
const other = await jose.generateKeyPair("ES256", { extractable: true });
const rs = await jose.generateKeyPair("RS256", { extractable: true });
const weak = await crypto.subtle.generateKey(
  { name: "RSASSA-PKCS1-v1_5", modulusLength: 1024, publicExponent: new Uint8Array([1, 0, 1]), hash: "SHA-256" },
  true,
  ["sign", "verify"],
);
const oct = jose.base64url.encode("a symmetric key of the set, 32 bytes");
const publicOf = async (pair, kid, alg) => ({ ...(await jose.exportJWK(pair.publicKey)), kid, alg, use: "sig" });
const keys = [
  await publicOf(es, "es", "ES256"),
  await publicOf(rs, "rs", "RS256"),
  { kty: "oct", k: oct, kid: "oct", alg: "HS256", use: "sig" },
  await publicOf(weak, "weak", "RS256"),
  { ...(await publicOf(other, "enc", "ES256")), use: "enc" },
  { kty: "oct", k: jose.base64url.encode("short"), kid: "short", alg: "HS256" },
];
const sign = (header, key, payload = claims) => new jose.SignJWT(payload).setProtectedHeader(header).sign(key);
const hmac = async (header, payload, secret) => {
  const message = `${encode(header)}.${encode(payload)}`;
  const key = await crypto.subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return `${message}.${encode_bytes(await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(message)))}`;
};
const encode_bytes = (bytes) => jose.base64url.encode(new Uint8Array(bytes));
const bytes = (text) => new TextEncoder().encode(text);
const secret = bytes(SECRET);
const good = await sign({ alg: "ES256", kid: "es" }, es.privateKey);
const [header, payload, signature] = good.split(".");
const point = jose.base64url.decode(keys[0].x);
const spki = await jose.exportSPKI(rs.publicKey);

const tokens = [
  ["ES256 by its kid", true, good],
  ["RS256 by its kid", true, await sign({ alg: "RS256", kid: "rs" }, rs.privateKey)],
  ["HS256 by the symmetric key of the set", true, await sign({ alg: "HS256", kid: "oct" }, jose.base64url.decode(oct))],
  ["HS256 by the secret", true, await sign({ alg: "HS256" }, secret)],
  ["HS256 by the secret with a kid that the set lacks", true, await sign({ alg: "HS256", kid: "legacy" }, secret)],
  ["ES256 without a kid", true, await sign({ alg: "ES256" }, es.privateKey)],
  ["a critical extension that jose knows", false, await sign({ alg: "ES256", kid: "es", b64: true, crit: ["b64"] }, es.privateKey)],
  ["a critical extension", false, await hmac({ alg: "HS256", crit: ["exp2"], exp2: 1 }, claims, secret)],
  ["an empty list of critical extensions", false, await hmac({ alg: "HS256", crit: [] }, claims, secret)],
  ["another key under the kid", false, await sign({ alg: "ES256", kid: "es" }, other.privateKey)],
  ["the kid of another algorithm", false, await sign({ alg: "ES256", kid: "rs" }, es.privateKey)],
  ["a key for encryption", false, await sign({ alg: "ES256", kid: "enc" }, other.privateKey)],
  ["a weak RSA key", false, await hmac({ alg: "RS256", kid: "weak" }, claims, secret)],
  ["a short symmetric key", false, await hmac({ alg: "HS256", kid: "short" }, claims, bytes("short"))],
  ["RSA key as HS256 secret: PEM", false, await hmac({ alg: "HS256", kid: "rs" }, claims, bytes(spki))],
  ["RSA key as HS256 secret: n", false, await hmac({ alg: "HS256", kid: "rs" }, claims, jose.base64url.decode(keys[1].n))],
  ["EC key as HS256 secret", false, await hmac({ alg: "HS256", kid: "es" }, claims, point)],
  ["an empty HS256 secret", false, await hmac({ alg: "HS256", kid: "es" }, claims, new Uint8Array([0]))],
  ["none", false, `${encode({ alg: "none" })}.${payload}.`],
  ["None with the signature", false, `${encode({ alg: "None" })}.${payload}.${signature}`],
  ["PS256 by the RSA key", false, await sign({ alg: "PS256", kid: "rs" }, await crypto.subtle.importKey("jwk", { ...(await jose.exportJWK(rs.privateKey)), alg: "PS256" }, { name: "RSA-PSS", hash: "SHA-256" }, false, ["sign"]))],
  ["RS512 by the RSA key", false, await sign({ alg: "RS512", kid: "rs" }, await crypto.subtle.importKey("jwk", { ...(await jose.exportJWK(rs.privateKey)), alg: "RS512" }, { name: "RSASSA-PKCS1-v1_5", hash: "SHA-512" }, false, ["sign"]))],
  ["a key in the header", false, await sign({ alg: "ES256", jwk: await jose.exportJWK(other.publicKey) }, other.privateKey)],
  ["a key of the header's URL", false, await sign({ alg: "ES256", jku: "https://evil.test/jwks.json", kid: "evil" }, other.privateKey)],
  ["a signature of zeros (CVE-2022-21449)", false, `${header}.${payload}.${encode_bytes(new Uint8Array(64))}`],
  ["no signature", false, `${header}.${payload}.`],
  ["another payload", false, `${header}.${encode({ ...claims, role: "service_role" })}.${signature}`],
  ["padding", false, `${good}=`],
  ["a fourth part", false, `${good}.`],
  ["a name twice in the header", false, await hmac(`{"alg":"HS256","alg":"HS256"}`, claims, secret)],
  ["a name twice in the claims", false, await hmac({ alg: "HS256" }, `${JSON.stringify(claims).slice(0, -1)},"role":"service_role"}`, secret)],
  ["nested encryption", false, await new jose.EncryptJWT(claims).setProtectedHeader({ alg: "dir", enc: "A256GCM" }).encrypt(new Uint8Array(32))],
];
const lines = tokens.map(([name, accepted, token]) => ({ name, accepted, token }));
console.log(JSON.stringify({ secret: SECRET, claims, jwks: { keys }, tokens: lines }, null, 1));

// Check a checkpoint and one inclusion with @sigstore/verify.
// node verify.js PACKAGE_FOLDER JSON: {envelope, origin, keyId, spki, index, hashes, entry}
"use strict";
const crypto = require("crypto");
const path = require("path");
const [, , packages, text] = process.argv;
const tlog = path.join(packages, "@sigstore", "verify", "dist", "tlog");
const { verifyCheckpoint } = require(path.join(tlog, "checkpoint.js"));
const { verifyMerkleInclusion } = require(path.join(tlog, "merkle.js"));
const given = JSON.parse(text);
const bytes = (encoded) => Buffer.from(encoded, "base64");
const entry = {
  canonicalizedBody: bytes(given.entry),
  inclusionProof: {
    checkpoint: { envelope: given.envelope },
    logIndex: String(given.index),
    hashes: given.hashes.map(bytes),
  },
};
const key = crypto.createPublicKey({ key: bytes(given.spki), format: "der", type: "spki" });
const log = { logID: bytes(given.keyId), baseURL: given.origin, publicKey: key };
try {
  const checkpoint = verifyCheckpoint(entry, [log]);
  verifyMerkleInclusion(entry, checkpoint);
  console.log(`proven ${given.index} of ${checkpoint.logSize}`);
} catch (error) {
  console.log(`REFUSED ${error.message}`);
  process.exit(1);
}

// Let the person's device make a passkey, or sign with one, before a form is sent.
//
// A form says by `data-passkey` what it needs: "get" signs, "make" makes a key, "agree" signs and
// makes a key before where the person has none. Everything the device signs comes from the server,
// in the form's data.
"use strict";

const encode = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");

const decode = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));

// EdDSA, ES256, RS256: what the server takes.
const algorithms = [-8, -7, -257].map((alg) => ({ type: "public-key", alg }));

async function make(data) {
  const made = await navigator.credentials.create({
    publicKey: {
      challenge: decode(data.creation),
      rp: { id: data.site, name: data.siteName },
      user: { id: decode(data.user), name: data.userName, displayName: data.userName },
      pubKeyCredParams: algorithms,
      authenticatorSelection: { residentKey: "required", userVerification: "required" },
      attestation: "none",
    },
  });
  return {
    raw: made.rawId,
    sent: JSON.stringify({
      id: encode(made.rawId),
      clientDataJSON: encode(made.response.clientDataJSON),
      attestationObject: encode(made.response.attestationObject),
    }),
  };
}

async function sign(data, key) {
  const signed = await navigator.credentials.get({
    publicKey: {
      challenge: decode(data.challenge),
      rpId: data.site,
      userVerification: "required",
      allowCredentials: key ? [{ type: "public-key", id: key }] : [],
    },
  });
  return JSON.stringify({
    id: encode(signed.rawId),
    clientDataJSON: encode(signed.response.clientDataJSON),
    authenticatorData: encode(signed.response.authenticatorData),
    signature: encode(signed.response.signature),
  });
}

function prepare(form) {
  const told = form.querySelector("[data-device]");
  const button = form.querySelector("button");
  const known = form.querySelector("[data-known]");
  const tell = (what) => {
    told.textContent = what ? told.dataset[what] : "";
  };
  let made = null;

  async function answer() {
    const needs = form.dataset.passkey;
    if (needs === "make" || (needs === "agree" && !known.checked)) {
      made ??= await make(form.dataset);
      form.elements.creation.value = made.sent;
    }
    if (needs !== "make") {
      form.elements.assertion.value = await sign(form.dataset, made && made.raw);
    }
    form.submit();
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!window.PublicKeyCredential) {
      tell("missing");
      return;
    }
    button.disabled = true;
    tell("working");
    try {
      await answer();
    } catch {
      // Some browsers want a fresh click for the signature after a key was made.
      tell(made ? "again" : "failed");
      button.disabled = false;
    }
  });
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  prepare(form);
}

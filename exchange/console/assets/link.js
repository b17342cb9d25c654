// Take the secret out of the address, where it never reached a server, and send it in a form.
"use strict";

const form = document.querySelector("form[data-link]");
const secret = location.hash.slice(1);
if (form && /^[A-Za-z0-9_-]{22}$/.test(secret)) {
  history.replaceState(null, "", location.pathname + location.search);
  form.elements.code.value = secret;
  form.submit();
}

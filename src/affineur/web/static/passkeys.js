// Passkeys and security keys: a form with data-passkey asks the browser for one and sends what it answers.
"use strict";

{
  const decode = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const encode = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const listed = (credentials) => (credentials || []).map((each) => ({ ...each, id: decode(each.id) }));

  // Browsers of 2025 read and write JSON themselves; for those before, the same by hand.
  const creation = (json) =>
    PublicKeyCredential.parseCreationOptionsFromJSON
      ? PublicKeyCredential.parseCreationOptionsFromJSON(json)
      : {
          ...json,
          challenge: decode(json.challenge),
          user: { ...json.user, id: decode(json.user.id) },
          excludeCredentials: listed(json.excludeCredentials),
        };
  const request = (json) =>
    PublicKeyCredential.parseRequestOptionsFromJSON
      ? PublicKeyCredential.parseRequestOptionsFromJSON(json)
      : { ...json, challenge: decode(json.challenge), allowCredentials: listed(json.allowCredentials) };
  const answerOf = (credential) => {
    if (credential.toJSON) return credential.toJSON();
    const { response } = credential;
    const said = { clientDataJSON: encode(response.clientDataJSON) };
    for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (response[name]) said[name] = encode(response[name]);
    }
    if (response.getTransports) said.transports = response.getTransports();
    return { id: credential.id, rawId: encode(credential.rawId), type: credential.type, response: said };
  };

  const reasons = {
    NotAllowedError: "Nothing was given: it was cancelled, it took too long, or no key here fits. Try again.",
    InvalidStateError: "This key is registered with your account already. Use another one.",
    SecurityError: "Your browser does not allow keys at this address. Open the index by its own name and https.",
    NotSupportedError: "This key cannot do what is needed. Use another one, or an authenticator app.",
  };

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    const said = form.querySelector("[data-said]");
    const button = form.querySelector("button");
    const say = (text) => {
      said.textContent = text;
      said.hidden = !text;
    };
    if (!window.PublicKeyCredential || !navigator.credentials) {
      button.disabled = true;
      say("This browser cannot use passkeys or security keys here. Use another browser, or another second factor.");
      continue;
    }
    button.disabled = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      say("");
      button.disabled = true;
      try {
        const options = JSON.parse(form.dataset.options);
        const credential =
          form.dataset.passkey === "create"
            ? await navigator.credentials.create({ publicKey: creation(options) })
            : await navigator.credentials.get({ publicKey: request(options) });
        form.elements.answer.value = JSON.stringify(answerOf(credential));
        form.submit();
      } catch (error) {
        say(reasons[error.name] || `It did not work: ${error.message}`);
        button.disabled = false;
      }
    });
  }
}

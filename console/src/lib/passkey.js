// The browser's side of passkeys (W3C Web Authentication): bytes travel as base64url without padding.

const bytes = (text) => Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');

export const passkeysWork = () => 'PublicKeyCredential' in globalThis && !!navigator.credentials;

export async function create(options, name) {
  const credential = await navigator.credentials.create({
    publicKey: {
      challenge: bytes(options.challenge),
      rp: { id: options.rp_id, name: options.rp_name },
      user: { id: bytes(options.user_id), name: options.user_name, displayName: options.user_name },
      pubKeyCredParams: options.algorithms.map((alg) => ({ type: 'public-key', alg })),
      excludeCredentials: options.exclude.map((id) => ({ type: 'public-key', id: bytes(id) })),
      authenticatorSelection: { residentKey: 'required', requireResidentKey: true, userVerification: 'required' },
      attestation: 'none',
      timeout: options.timeout_ms,
    },
  });
  return { name, client_data: text(credential.response.clientDataJSON), attestation_object: text(credential.response.attestationObject) };
}

export async function use(options) {
  const credential = await navigator.credentials.get({
    publicKey: { challenge: bytes(options.challenge), rpId: options.rp_id, userVerification: 'required', timeout: options.timeout_ms },
  });
  const { clientDataJSON, authenticatorData, signature, userHandle } = credential.response;
  return {
    id: text(credential.rawId),
    client_data: text(clientDataJSON),
    authenticator_data: text(authenticatorData),
    signature: text(signature),
    user_handle: userHandle ? text(userHandle) : '',
  };
}

// What the browser says when it was cancelled, timed out or has none for this host: one error for all of them.
export const sentence = (error) =>
  error.name === 'NotAllowedError' ? 'It was cancelled, took too long, or this device has no passkey for this node.'
    : error.name === 'InvalidStateError' ? 'This device has a passkey of this account already.'
      : error.message;

// Talking to the server: JSON in, JSON out, and errors as sentences.

// Where its API is, which header says that a page of its own asks (browsers let no other page set it), and its name in sentences.
export const wire = { root: '/api/v1/', header: 'X-Bongsu-Console', who: 'The node' };

export class ApiError extends Error {
  constructor(status, code, message, field) {
    super(message);
    this.status = status;
    this.code = code;
    this.field = field;
  }
}

let whenSignedOut = () => {};
export function onSignedOut(callback) {
  whenSignedOut = callback;
}

async function call(method, path, body, { signal } = {}) {
  const headers = { Accept: 'application/json' };
  if (method !== 'GET') headers[wire.header] = '1';
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  let response;
  try {
    response = await fetch(`${wire.root}${path}`, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: 'same-origin',
      cache: 'no-store',
      signal,
    });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new ApiError(0, 'unreachable', `${wire.who} does not answer. What you typed is still here; try again.`);
  }
  if (response.status === 204) return null;
  const text = await response.text();
  let json = null;
  try {
    json = text ? JSON.parse(text) : null;
  } catch {
    throw new ApiError(response.status, 'internal', `${wire.who} answered ${response.status} with something that is not JSON.`);
  }
  if (!response.ok) {
    const error = json?.error ?? {};
    if (response.status === 401 && !path.startsWith('session')) whenSignedOut();
    throw new ApiError(response.status, error.code ?? 'internal', error.message ?? `${wire.who} answered ${response.status}.`, error.field);
  }
  return json;
}

export const get = (path, options) => call('GET', path, undefined, options);
export const post = (path, body = {}, options) => call('POST', path, body, options);
export const remove = (path) => call('DELETE', path);

export function query(parameters) {
  const out = new URLSearchParams();
  for (const [key, value] of Object.entries(parameters)) if (value !== undefined && value !== null && value !== '') out.set(key, value);
  return out.toString();
}

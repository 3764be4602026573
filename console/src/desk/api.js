// The desk's own paths and header for the calls of lib/api.js.
import { wire } from '../lib/api.js';

wire.root = '/desk/v1/';
wire.header = 'X-Bongsu-Desk';
wire.who = 'The desk';

export { ApiError, get, onSignedOut, post, query, remove } from '../lib/api.js';

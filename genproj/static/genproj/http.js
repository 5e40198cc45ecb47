// Talks to the JSON API with the session's cookie; every refusal becomes a Problem.

/** A refusal in the API's own words. */
export class Problem extends Error {
  /** @param {number} status @param {Record<string, any>} body */
  constructor(status, body) {
    super(body.detail || body.title || "The server cannot be reached.");
    this.status = status;
    this.title = body.title || "That did not work";
    this.code = body.code || "unreachable";
    this.requestId = body.request_id || "";
    this.retryable = Boolean(body.retryable) || status === 0;
    /** @type {{pointer: string, code: string, detail: string}[]} */
    this.errors = body.errors || [];
    this.replacement = body.replacement || "";
  }
}

/** @returns {string} */
const csrf = () => document.cookie.match(/(?:^|; )csrftoken=([^;]*)/)?.[1] ?? "";

/**
 * @param {string} method
 * @param {string} path below /api/v1/, or absolute
 * @param {any} [body] JSON, or a form
 * @param {Record<string, string>} [headers]
 * @returns {Promise<any>} the answer's JSON; null when it has none
 */
export async function call(method, path, body, headers = {}) {
  const sent = { Accept: "application/json", "X-CSRFToken": csrf(), ...headers };
  const form = body instanceof FormData;
  if (body !== undefined && !form) sent["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(path.startsWith("/") ? path : `/api/v1/${path}`, {
      method, headers: sent, credentials: "same-origin",
      body: body === undefined || form ? body : JSON.stringify(body),
    });
  } catch {
    throw new Problem(0, { title: "The server cannot be reached", detail: "Check your connection and try again. Nothing was lost." });
  }
  const type = response.headers.get("Content-Type") || "";
  const answer = type.includes("json") ? await response.json().catch(() => ({})) : null;
  if (response.ok) return answer;
  throw new Problem(response.status, { request_id: response.headers.get("X-Request-Id"), title: `The server answered ${response.status}`, detail: "Try again in a minute.", ...answer });
}

/**
 * A part of a page as elements. A person who was signed out meanwhile is sent to sign in.
 * @param {string} url
 * @returns {Promise<DocumentFragment>}
 */
export async function part(url) {
  const response = await fetch(url, { credentials: "same-origin", cache: "no-store" });
  if (response.redirected && new URL(response.url).pathname.startsWith("/accounts/login")) {
    location.reload();
  }
  if (!response.ok) throw new Problem(response.status, { title: "This part of the page did not load" });
  const holder = document.createElement("template");
  holder.innerHTML = await response.text();
  return holder.content;
}

import { heardDate } from "./time";
import type { Problem } from "./types";

/** A refused or failed request. `code` is the problem's type, or `network` where no answer came. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly fields: Problem["errors"] = [],
  ) {
    super(message);
  }
}

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
type Query = Record<string, string | number | undefined>;

function address(path: string, query: Query): string {
  const given = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]));
  return `/api/v1${path}${given.length ? `?${new URLSearchParams(given).toString()}` : ""}`;
}

/** A key for one request; `randomUUID` is missing on plain HTTP. */
function onceKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function failure(response: Response): Promise<ApiError> {
  try {
    const problem = (await response.json()) as Partial<Problem>;
    return new ApiError(response.status, problem.type ?? "unknown", problem.detail ?? problem.title ?? "", problem.errors);
  } catch {
    return new ApiError(response.status, "unknown", "");
  }
}

async function send(method: Method, path: string, query: Query, body?: unknown): Promise<Response> {
  // X-Madang is what no foreign form can send; the key makes a repeated create harmless.
  const headers: Record<string, string> = { Accept: "application/json", "X-Madang": "1" };
  if (method === "POST") headers["Idempotency-Key"] = onceKey();
  const raw = body instanceof Blob;
  if (body !== undefined) headers["Content-Type"] = raw ? body.type : "application/json";
  let response: Response;
  try {
    response = await fetch(address(path, query), {
      method,
      headers,
      body: body === undefined ? null : raw ? body : JSON.stringify(body),
      credentials: "same-origin",
    });
  } catch {
    throw new ApiError(0, "network", "");
  }
  heardDate(response.headers.get("date"));
  if (!response.ok) throw await failure(response);
  return response;
}

/** Calls the API and gives its JSON answer as `Result`; throws `ApiError`. */
async function call<Result>(method: Method, path: string, query: Query, body?: unknown): Promise<Result> {
  const response = await send(method, path, query, body);
  return (response.status === 204 ? undefined : await response.json()) as Result;
}

export const api = {
  get: <Result>(path: string, query: Query = {}) => call<Result>("GET", path, query),
  post: <Result>(path: string, body?: unknown) => call<Result>("POST", path, {}, body),
  put: <Result>(path: string, body?: unknown) => call<Result>("PUT", path, {}, body),
  patch: <Result>(path: string, body: unknown) => call<Result>("PATCH", path, {}, body),
  delete: <Result>(path: string, query: Query = {}) => call<Result>("DELETE", path, query),
};

// SPDX-License-Identifier: Apache-2.0
// The public API, with the types of the server's own OpenAPI file (schema.d.ts is generated: npm run types).
import createClient from "openapi-fetch";
import type { components, paths } from "./schema";

export type Schemas = components["schemas"];

/** What the server refused or could not do, in its own words. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly request: string,
    /** What some refusals say besides, such as what would lose its base. */
    readonly detail?: unknown,
    /** Seconds after which it is worth trying again, if the server said so; else 0. */
    readonly wait = 0,
  ) {
    super(message);
  }

  /** The field that the message begins with, as the server names it: "token_expiration" cannot be … */
  get field(): string {
    return /^"(\w+)"/.exec(this.message)?.[1] ?? "";
  }
}

const CSRF = "X-Harbor-CSRF-Token";
const SAFE = new Set(["GET", "HEAD"]);
let csrf = "";
let refused: () => void = () => undefined;

/** Calls `then` whenever the server wants a sign-in for what was asked. */
export function onRefused(then: () => void): void {
  refused = then;
}

function path(template: string, params: Record<string, unknown>): string {
  return template.replace(/\{(\w+)\}/g, (_, name: string) => {
    const once = encodeURIComponent(String(params[name]));
    // Names of repositories hold slashes, and the path is decoded before it is split.
    return name === "repository_name" ? encodeURIComponent(once) : once;
  });
}

/** fetch, with the session cookie and the token that a change needs. */
async function send(request: Request): Promise<Response> {
  request.headers.set("X-Requested-With", "XMLHttpRequest"); // else the browser asks for a password by itself
  if (!SAFE.has(request.method)) {
    if (!csrf) await send(new Request(new URL("/api/v2.0/systeminfo", location.href)));
    request.headers.set(CSRF, csrf);
  }
  const response = await fetch(request);
  csrf = response.headers.get(CSRF) ?? csrf;
  // The form of the sign-in answers so to a wrong password.
  if (response.status === 401 && new URL(request.url).pathname !== "/c/login") refused();
  return response;
}

export const api = createClient<paths>({
  baseUrl: location.origin,
  credentials: "same-origin",
  fetch: send,
  pathSerializer: path,
  querySerializer: { array: { style: "form", explode: true } },
});

type Answer<T> = { data?: T; error?: unknown; response: Response };

async function failure(response: Response, body: unknown): Promise<ApiError> {
  const first = (body as { errors?: { code?: string; message?: string; detail?: unknown }[] } | undefined)?.errors?.[0];
  return new ApiError(
    response.status,
    first?.code ?? "",
    first?.message ?? response.statusText ?? "",
    response.headers.get("X-Request-Id") ?? "",
    first?.detail,
    Number(response.headers.get("Retry-After")) || 0,
  );
}

/** The body of a 2xx answer; anything else is thrown as an ApiError. */
export async function ask<T>(call: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await call;
  if (!response.ok) throw await failure(response, error);
  return data as T;
}

export interface Page<T> {
  items: T[];
  total: number;
}

/** A page of a list, with the length of the whole list. */
export async function askPage<T>(call: Promise<Answer<T[]>>): Promise<Page<T>> {
  const { data, error, response } = await call;
  if (!response.ok) throw await failure(response, error);
  const items = data ?? [];
  return { items, total: Number(response.headers.get("X-Total-Count") ?? items.length) };
}

/** What the OpenAPI file does not describe: forms of the sign-in and bytes of files. */
export async function raw(url: string, init: RequestInit = {}): Promise<Response> {
  const response = await send(new Request(new URL(url, location.href), { credentials: "same-origin", ...init }));
  if (!response.ok) {
    let body: unknown;
    try {
      body = await response.clone().json();
    } catch {
      body = undefined;
    }
    throw await failure(response, body);
  }
  return response;
}

/** The address of something below an artifact, for links and pictures. */
export function artifactUrl(project: string, repository: string, reference: string, rest = ""): string {
  return path("/api/v2.0/projects/{project_name}/repositories/{repository_name}/artifacts/{reference}", {
    project_name: project,
    repository_name: repository,
    reference,
  }) + rest;
}

/** A path of a file inside of an artifact: every segment by itself, so that the slashes stay. */
export function fileUrl(project: string, repository: string, reference: string, file: string): string {
  return artifactUrl(project, repository, reference, "/files/" + file.split("/").map(encodeURIComponent).join("/"));
}

import type { Key } from "../i18n";

/**
 * The sentence for each type of problem that the server answers with. A test reads the types from the server's
 * code, and fails where one has no sentence here.
 */
export const sentences: Record<string, Key> = {
  // What only a program or a page of another version asks.
  bad_token: "problem.page_old",
  bad_json: "problem.page_old",
  bad_cursor: "problem.page_old",
  bad_idempotency_key: "problem.page_old",
  idempotency_mismatch: "problem.page_old",
  foreign_page: "problem.page_old",
  foreign_origin: "problem.page_old",
  not_json: "problem.page_old",
  no_such_scope: "problem.page_old",
  method_not_allowed: "problem.page_old",
  method_not_found: "problem.page_old",
  wrong_method: "problem.page_old",
  wrong_type: "problem.page_old",
  bad_request: "problem.page_old",
  precondition_failed: "problem.page_old",
  precondition_required: "problem.page_old",

  // Who asks.
  sign_in: "problem.signed_out",
  unauthorized: "problem.signed_out",
  not_yours: "problem.signed_out",
  password_required: "problem.password_required",
  wrong_password: "password.wrong",
  disabled: "login.disabled",
  forbidden: "error.forbidden",
  permission_denied: "error.forbidden",
  scope: "problem.scope",
  sign_up_off: "signup.off.text",

  // What is asked for.
  invalid: "problem.invalid",
  too_large: "problem.too_large",
  not_found: "error.not_found",
  off: "chat.no.off",
  taken: "taken",
  name_empty: "name.empty",
  name_missing: "name.empty",
  password_short: "password.short",
  no_such_user: "people.nobody",
  not_a_picture: "problem.picture_type",
  bad_picture: "settings.avatar.bad",
  picture_large: "problem.picture_large",
  too_many_channels: "problem.too_many_channels",
  bad_slug: "problem.bad_slug",
  not_confirmed: "problem.not_confirmed",
  bad_role: "problem.bad_role",
  is_owner: "problem.is_owner",
  no_such_channel: "problem.no_such_channel",
  unknown_channel: "problem.no_such_channel",
  already: "problem.already",
  already_subscribed: "problem.already",
  last_admin: "users.last_admin",
  owns_channels: "users.owns_channels",
  too_many_keys: "problem.too_many_keys",
  key_ended: "problem.key_ended",
  key_sealed: "problem.key_sealed",
  too_many_tokens: "problem.too_many_tokens",
  too_many_webhooks: "problem.too_many_webhooks",
  bad_url: "problem.bad_url",
  no_such_kind: "problem.no_such_kind",
  pattern: "problem.pattern",

  // How the server is.
  bug: "problem.bug",
  internal_server_error: "problem.bug",
  too_many: "error.busy",
  overloaded: "problem.overloaded",
  limit_exceeded: "problem.overloaded",
  not_available: "chat.no.off",
  not_here: "problem.room_moved",

  // What the room refuses.
  banned: "chat.no.banned",
  timed_out: "problem.wait",
  slow_mode: "problem.wait",
  rate: "problem.wait",
  followers_only: "chat.no.followers_only",
  subscribers_only: "chat.no.subscribers_only",
  emoji_only: "chat.no.emoji_only",
  unique: "chat.no.unique",
  links_off: "chat.no.links_off",
  frozen: "chat.no.frozen",
  filtered: "chat.no.filtered",
  too_long: "problem.too_long",
  duplicate: "chat.no.duplicate",
  name_taken: "chat.no.name_taken",
  name_invalid: "chat.no.name_invalid",
  guests_off: "chat.no.guests_off",
  conflict: "problem.settled",
  "conflict.too_old": "problem.too_late",
  "conflict.open": "problem.poll_open",
  "conflict.ended": "problem.poll_ended",
  "conflict.voted": "problem.poll_voted",
  "conflict.full": "problem.poll_full",

  // What a payment provider refuses.
  payment_unreachable: "problem.payment_unreachable",
  payment_config: "problem.payment_config",
  payment_unknown: "problem.payment_unknown",
  payment_refused: "problem.payment_refused",
  payment_signature: "problem.payment_refused",

  // What a broadcast from the browser is refused for.
  no_such_key: "problem.key_wrong",
  revoked: "problem.key_ended",
  kicked: "problem.kicked",
  busy: "problem.busy",
  malformed_sdp: "problem.offer",
  unacceptable: "problem.offer",
  unprocessable: "problem.offer",
};

/** The key of the sentence for a problem's type: its own (`conflict.voted`), else its family's (`conflict`). */
export function sentenceFor(type: string): Key | undefined {
  const family = type.split(".")[0] ?? "";
  const known = [type, family].find((each) => Object.hasOwn(sentences, each));
  return known === undefined ? undefined : sentences[known];
}

const SERVER = /<((?:stun|turn)s?:[^>]+)>([^<]*)/g;

function word(parameters: string, name: string): string {
  return new RegExp(`;\\s*${name}="([^"]*)"`).exec(parameters)?.[1] ?? "";
}

/** STUN and TURN servers that a session's answer names in its Link header (RFC 9725 section 4.6). */
export function relaysOf(link: string | null): RTCIceServer[] {
  return [...(link ?? "").matchAll(SERVER)]
    .filter(([, , parameters = ""]) => /;\s*rel="?ice-server\b/.test(parameters))
    .map(([, urls = "", parameters = ""]) => {
      const username = word(parameters, "username");
      return username === "" ? { urls } : { urls, username, credential: word(parameters, "credential") };
    });
}

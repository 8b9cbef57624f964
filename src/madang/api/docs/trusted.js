// Trusted Types: the one policy of our pages. Workers come from this site or from a blob that its scripts made;
// markup is never made from text.
if (window.trustedTypes && window.trustedTypes.createPolicy) {
  window.trustedTypes.createPolicy("default", {
    createHTML: (text) => (text.includes("<") ? null : text),
    createScript: () => null,
    createScriptURL: (url) => {
      const parsed = new URL(url, location.href);
      return parsed.origin === location.origin ? url : null;
    },
  });
}

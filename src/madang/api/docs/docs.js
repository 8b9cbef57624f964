// Draws /openapi.json: an index, each operation with its right, its fields and a curl line. Text becomes text nodes.
"use strict";
(() => {
  const METHODS = ["get", "post", "put", "patch", "delete"];
  const RIGHTS = {
    public: "everybody",
    signed_in: "whoever is signed in",
    admin: "admins",
    watch: "whoever may watch the channel",
    studio: "the channel's managers and above",
    broadcast: "the channel's broadcasters and above",
    own: "the channel's owner",
  };

  function make(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children.filter((child) => child !== null && child !== ""));
    return node;
  }

  /** Text whose `words` between backticks are code. */
  function prose(text) {
    return text.split("`").map((part, place) => (place % 2 ? make("code", {}, part) : part));
  }

  // --- theme: the system's, until somebody switches; the same memory as the product's pages
  const KEY = "madang.preferences";
  const root = document.documentElement;
  const button = document.getElementById("theme");
  const light = matchMedia("(prefers-color-scheme: light)");
  function chosen() {
    try {
      return JSON.parse(localStorage.getItem(KEY) || "{}");
    } catch {
      return {};
    }
  }
  function paint() {
    const { theme } = chosen();
    root.dataset.theme = theme === "light" || theme === "dark" ? theme : light.matches ? "light" : "dark";
    button.textContent = root.dataset.theme === "light" ? "Dark" : "Light";
    button.setAttribute("aria-label", `Switch to the ${button.textContent.toLowerCase()} theme`);
  }
  button.addEventListener("click", () => {
    const theme = root.dataset.theme === "light" ? "dark" : "light";
    try {
      localStorage.setItem(KEY, JSON.stringify({ ...chosen(), theme }));
    } catch {
      root.dataset.theme = theme;
    }
    paint();
  });
  light.addEventListener("change", paint);
  paint();

  // --- schemas
  let document_ = null;
  const nameOf = (ref) => ref.split("/").at(-1);
  const resolve = (schema) => (schema && schema.$ref ? document_.components.schemas[nameOf(schema.$ref)] : schema);

  function typeOf(schema) {
    if (!schema) return "any";
    if (schema.$ref) {
      const target = resolve(schema);
      return target && target.enum ? target.enum.join(" | ") : nameOf(schema.$ref);
    }
    if (schema.enum) return schema.enum.join(" | ");
    if (schema.const !== undefined) return String(schema.const);
    const choices = schema.anyOf || schema.oneOf;
    if (choices) return choices.map(typeOf).join(" | ");
    if (schema.type === "array") return `${typeOf(schema.items)}[]`;
    if (schema.additionalProperties && typeof schema.additionalProperties === "object")
      return `{ name: ${typeOf(schema.additionalProperties)} }`;
    return schema.format ? `${schema.type}, ${schema.format}` : schema.type || "any";
  }

  function referenced(schema) {
    if (!schema) return null;
    if (schema.$ref) return resolve(schema);
    if (schema.type === "array") return referenced(schema.items);
    for (const choice of schema.anyOf || []) {
      const found = referenced(choice);
      if (found) return found;
    }
    return null;
  }

  function bounds(whole) {
    const schema = (whole.anyOf || []).find((choice) => choice.type !== "null") || whole;
    const told = [];
    if (schema.minLength) told.push(`at least ${schema.minLength} letters`);
    if (schema.maxLength) told.push(`at most ${schema.maxLength} letters`);
    if (schema.minimum !== undefined) told.push(`from ${schema.minimum}`);
    if (schema.maximum !== undefined) told.push(`to ${schema.maximum}`);
    if (whole.default !== undefined && whole.default !== null && whole.default !== "") told.push(`default ${JSON.stringify(whole.default)}`);
    return told.join(", ");
  }

  function row(name, schema, required, description) {
    const told = [description || schema.description || "", bounds(schema)].filter(Boolean).join(" · ");
    return make("tr", {}, make("th", { scope: "row" }, required ? name : `${name}?`), make("td", { class: "type" }, typeOf(schema)), make("td", {}, ...prose(told)));
  }

  function table(rows) {
    return make("div", { class: "wide" }, make("table", {}, make("tbody", {}, ...rows)));
  }

  function fields(schema) {
    const target = resolve(schema);
    if (!target || !target.properties) return [make("p", {}, typeOf(schema))];
    const required = new Set(target.required || []);
    const rows = Object.entries(target.properties).map(([name, property]) => row(name, property, required.has(name)));
    return [...(target.description ? [make("p", { class: "dim" }, ...prose(target.description))] : []), table(rows)];
  }

  function deeper(schema, seen) {
    const target = resolve(schema);
    const parts = [];
    for (const [name, property] of Object.entries((target && target.properties) || {})) {
      const inner = referenced(property);
      if (!inner || !inner.properties || seen.has(inner)) continue;
      const details = make("details", {}, make("summary", {}, `${name}: ${typeOf(property)}`));
      details.addEventListener("toggle", () => {
        if (details.open && details.children.length === 1) details.append(...fields(inner), ...deeper(inner, new Set([...seen, inner])));
      });
      parts.push(details);
    }
    return parts;
  }

  // --- operations
  function example(schema, depth = 0) {
    const target = resolve(schema) || {};
    if (target.default !== undefined && target.default !== null) return target.default;
    if (target.enum) return target.enum[0];
    if (target.anyOf) return example(target.anyOf[0], depth);
    if (target.type === "object" && target.properties && depth < 3)
      return Object.fromEntries((target.required || []).map((name) => [name, example(target.properties[name], depth + 1)]));
    if (target.type === "array") return [];
    return { integer: 0, number: 0, boolean: false }[target.type] ?? "…";
  }

  function curl(method, path, operation) {
    const lines = [`curl ${method === "get" ? "" : `-X ${method.toUpperCase()} `}${location.origin}${path}`];
    if (operation["x-scope"]) lines.push(`-H 'Authorization: Bearer mdg_…'`);
    else if (operation["x-right"] !== "public") lines.push(`-b madang_session=…`);
    if (method !== "get" && !operation["x-scope"]) lines.push(`-H 'X-Madang: 1'`);
    const body = operation.requestBody && operation.requestBody.content["application/json"];
    if (body) lines.push(`-H 'Content-Type: application/json'`, `-d '${JSON.stringify(example(body.schema))}'`);
    return lines.join(" \\\n  ");
  }

  function copyable(text) {
    const sample = make("pre", { tabindex: "0" }, text);
    const copy = make("button", { type: "button", class: "plain" }, "Copy");
    copy.addEventListener("click", async () => {
      // Without HTTPS a browser has no clipboard: the text is selected, for Ctrl+C.
      if (navigator.clipboard) await navigator.clipboard.writeText(text);
      else getSelection().selectAllChildren(sample);
      copy.textContent = navigator.clipboard ? "Copied" : "Selected";
      setTimeout(() => (copy.textContent = "Copy"), 1500);
    });
    return make("div", { class: "sample" }, sample, copy);
  }

  function chips(operation) {
    const told = [`for ${RIGHTS[operation["x-right"]] || operation["x-right"]}`];
    told.push(operation["x-scope"] ? `token scope ${operation["x-scope"]}` : "by session alone");
    return make("ul", { class: "chips" }, ...told.map((text) => make("li", {}, text)));
  }

  function draw(method, path, operation) {
    const article = make("article", { id: operation.operationId });
    article.append(make("h3", {}, make("span", { class: `method ${method}` }, method.toUpperCase()), path));
    for (const text of (operation.description || "").split("\n\n")) article.append(make("p", {}, ...prose(text)));
    article.append(chips(operation));
    if (operation.parameters && operation.parameters.length)
      article.append(make("h4", {}, "Parameters"), table(operation.parameters.map((one) => row(one.name, one.schema, one.required, one.description))));
    const body = operation.requestBody && Object.entries(operation.requestBody.content)[0];
    if (body) article.append(make("h4", {}, `Body, ${body[0]}`), ...fields(body[1].schema), ...deeper(body[1].schema, new Set()));
    for (const [status, answer] of Object.entries(operation.responses)) {
      const schema = answer.content && answer.content["application/json"] && answer.content["application/json"].schema;
      if (status === "default" || !schema || !Object.keys(schema).length) continue;
      const inner = referenced(schema) || schema;
      article.append(make("h4", {}, `Answer ${status}: ${typeOf(schema)}`), ...fields(inner), ...deeper(inner, new Set()));
    }
    article.append(copyable(curl(method, path, operation)));
    return article;
  }

  function show(found) {
    document_ = found;
    const about = document.getElementById("about");
    about.replaceChildren(...found.info.description.trim().split("\n\n").map((text) => make("p", {}, ...prose(text))));
    about.append(make("p", {}, `Version ${found.info.version}.`));
    const groups = new Map();
    for (const [path, operations] of Object.entries(found.paths))
      for (const method of METHODS)
        if (operations[method]) {
          const tag = (operations[method].tags || ["other"])[0];
          if (!groups.has(tag)) groups.set(tag, []);
          groups.get(tag).push([method, path, operations[method]]);
        }
    const index = document.getElementById("index");
    const operations = document.getElementById("operations");
    for (const [tag, members] of groups) {
      const list = make("div", {}, make("p", { class: "group" }, tag));
      const section = make("section", {}, make("h2", {}, tag));
      for (const [method, path, operation] of members) {
        const short = path.replace("/api/v1", "");
        const link = make("a", { href: `#${operation.operationId}` }, make("span", { class: `method ${method}` }, method.toUpperCase()), short);
        link.dataset.text = `${method} ${path} ${operation.description || ""}`.toLowerCase();
        list.append(link);
        section.append(draw(method, path, operation));
      }
      index.append(list);
      operations.append(section);
    }
    if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
  }

  const find = document.getElementById("find");
  find.addEventListener("input", () => {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    find.closest("nav").classList.toggle("open", words.length > 0);
    for (const list of document.querySelectorAll("#index > div")) {
      let any = false;
      for (const link of list.querySelectorAll("a")) {
        link.hidden = !words.every((word) => link.dataset.text.includes(word));
        any ||= !link.hidden;
      }
      list.hidden = !any;
    }
  });

  fetch("/openapi.json")
    .then((answer) => answer.json())
    .then(show)
    .catch(() => document.getElementById("about").replaceChildren(make("p", { class: "note" }, "The document could not be loaded. Reload the page.")));
})();

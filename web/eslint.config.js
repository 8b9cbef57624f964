import hooks from "eslint-plugin-react-hooks";
import ts from "typescript-eslint";

/** Rooms of the web app, lowest first: a room imports rooms below it, never above. */
const rooms = ["i18n", "api", "store", "ui", "player", "effects", "pay", "chat", "overlay", "moderation", "desk", "studio", "admin", "pages"];

const floors = rooms.slice(0, -1).map((room, floor) => ({
  files: [`src/${room}/**/*.{ts,tsx}`],
  rules: {
    "no-restricted-imports": [
      "error",
      { patterns: rooms.slice(floor + 1).map((above) => ({ group: [`../${above}/*`, `../${above}`], message: `${room} is below ${above}` })) },
    ],
  },
}));

export default ts.config(
  { ignores: ["src/**/*.d.ts", "src/boot.js", "public", "node_modules", "scripts", "eslint.config.js"] },
  ...ts.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { "react-hooks": hooks },
    rules: {
      ...hooks.configs["recommended-latest"].rules,
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "@typescript-eslint/no-misused-promises": ["error", { checksVoidReturn: { attributes: false } }],
      "@typescript-eslint/consistent-type-definitions": ["error", "type"],
      "max-lines": ["error", 600],
      eqeqeq: "error",
    },
  },
  ...floors,
);

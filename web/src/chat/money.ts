export { money } from "../i18n/money";

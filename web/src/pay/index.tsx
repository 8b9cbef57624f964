export { PayPage } from "./order";
export { RehearsalPage } from "./rehearsal";

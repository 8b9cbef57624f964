import { lazy, Suspense, type ComponentType } from "react";
import { Route, Switch } from "wouter";
import { Embed } from "./pages/embed";
import { Home } from "./pages/home";
import { Missing } from "./pages/missing";
import { Watch } from "./pages/watch";
import { LanguageProvider } from "./store/language";
import { MeProvider } from "./store/me";
import { useTheme } from "./store/theme";
import { ErrorBoundary } from "./ui/boundary";

const CHANNEL = /^\/@(?<slug>[^/]+)\/?$/;

/** Rooms that a viewer never enters are chunks of their own. */
function later(load: () => Promise<ComponentType>): ComponentType {
  const Part = lazy(async () => ({ default: await load() }));
  return function Later() {
    return (
      <Suspense fallback={<div className="min-h-dvh" />}>
        <Part />
      </Suspense>
    );
  };
}

const Studio = later(async () => (await import("./studio")).Studio);
const Admin = later(async () => (await import("./admin")).Admin);
const Login = later(async () => (await import("./pages/login")).Login);
const Invite = later(async () => (await import("./pages/invite")).Invite);
const Settings = later(async () => (await import("./pages/settings")).Settings);

function Pages() {
  useTheme();
  return (
    <Switch>
      <Route path="/">
        <Home />
      </Route>
      <Route path={CHANNEL}>{({ slug }) => <Watch slug={slug ?? ""} />}</Route>
      <Route path="/studio/*?">
        <Studio />
      </Route>
      <Route path="/admin/*?">
        <Admin />
      </Route>
      <Route path="/login">
        <Login />
      </Route>
      <Route path={/^\/(?:invite|login)\/[^/]+\/?$/}>
        <Invite />
      </Route>
      <Route path="/settings">
        <Settings />
      </Route>
      <Route>
        <Missing />
      </Route>
    </Switch>
  );
}

/** The whole app; the embed stands outside, since it knows no session. */
export function App() {
  return (
    <ErrorBoundary>
      <LanguageProvider>
        <Switch>
          <Route path="/embed/:slug">{({ slug }) => <Embed slug={slug} />}</Route>
          <Route>
            <MeProvider>
              <Pages />
            </MeProvider>
          </Route>
        </Switch>
      </LanguageProvider>
    </ErrorBoundary>
  );
}

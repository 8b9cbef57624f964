import { lazy, Suspense, type ComponentType, type ReactNode } from "react";
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

/** The same, for a page of a channel. */
function laterOf(load: () => Promise<ComponentType<{ slug: string }>>): ComponentType<{ slug: string }> {
  const Part = lazy(async () => ({ default: await load() }));
  return function Later({ slug }) {
    return (
      <Suspense fallback={<div className="min-h-dvh" />}>
        <Part slug={slug} />
      </Suspense>
    );
  };
}

const Studio = later(async () => (await import("./studio")).Studio);
const Admin = later(async () => (await import("./admin")).Admin);
const Login = later(async () => (await import("./pages/login")).Login);
const SignUp = later(async () => (await import("./pages/signup")).SignUp);
const Invite = later(async () => (await import("./pages/invite")).Invite);
const PopoutChat = laterOf(async () => (await import("./pages/chat")).PopoutChat);
const EmbedChat = laterOf(async () => (await import("./pages/chat")).EmbedChat);
const PayPage = lazy(async () => ({ default: (await import("./pay")).PayPage }));
const RehearsalPage = lazy(async () => ({ default: (await import("./pay")).RehearsalPage }));
const Overlay = lazy(async () => ({ default: (await import("./overlay")).Overlay }));
const Settings = later(async () => (await import("./pages/settings")).Settings);

function wait(page: ReactNode): ReactNode {
  return <Suspense fallback={<div className="min-h-dvh" />}>{page}</Suspense>;
}

function ThemeFollower({ children }: { children: ReactNode }) {
  useTheme();
  return children;
}

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
      <Route path="/signup">
        <SignUp />
      </Route>
      <Route path={/^\/(?:invite|login)\/[^/]+\/?$/}>
        <Invite />
      </Route>
      <Route path="/popout/:slug/chat">{({ slug }) => <PopoutChat slug={slug} />}</Route>
      <Route path="/pay/rehearsal/:payment">{({ payment }) => wait(<RehearsalPage payment={payment} />)}</Route>
      <Route path="/pay/:order">{({ order }) => wait(<PayPage order={order} />)}</Route>
      <Route path="/overlay/:secret">{({ secret }) => wait(<Overlay secret={secret} />)}</Route>
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
          <Route path="/embed/:slug/chat">
            {({ slug }) => (
              <ThemeFollower>
                <EmbedChat slug={slug} />
              </ThemeFollower>
            )}
          </Route>
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

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


function Pages() {
  useTheme();
  return (
    <Switch>
      <Route path="/">
        <Home />
      </Route>
      <Route path={CHANNEL}>{({ slug }) => <Watch slug={slug ?? ""} />}</Route>
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

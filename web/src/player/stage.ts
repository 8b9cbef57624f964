/** Where the picture stands in each kind of page: the page itself and the stage before it draw it in one place. */
export type Place = {
  /** From the top bar down: the picture's column and the chat's. */
  columns: string;
  column: string;
  frame: string;
  picture: string;
};

const COLUMNS = "flex flex-col max-lg:h-[calc(100dvh-56px)] max-lg:overflow-y-auto lg:grid lg:h-[calc(100dvh-56px)]";

/** On the watch page; `folded` is without the chat. */
export function watchPlace(theatre: boolean, folded: boolean): Place {
  return {
    columns: `${COLUMNS} ${folded ? "lg:grid-cols-[minmax(0,1fr)_56px]" : "lg:grid-cols-[minmax(0,1fr)_372px]"}`,
    column: "shrink-0 lg:min-h-0 lg:overflow-y-auto",
    frame: theatre ? "bg-black" : "mx-auto max-w-[max(720px,min(1320px,calc((100dvh-210px)*16/9)))] lg:px-5 lg:pt-5",
    picture: theatre ? "mx-auto h-[calc(100dvh-56px)] max-h-[calc(100vw*9/16)] w-full" : "aspect-video w-full lg:rounded-l",
  };
}

/** In somebody else's page: the picture alone. */
export const EMBED_PICTURE = "size-full";

/** What holds the picture's element, in every player. */
export const PICTURE = "relative isolate overflow-hidden bg-black text-white";

function box(classes: string, ...children: Element[]): HTMLElement {
  const made = document.createElement("div");
  made.className = classes;
  made.append(...children);
  return made;
}

/** The page as far as it is known before it is built: a picture in its place, under the top bar's. */
export function stageOf(video: HTMLVideoElement, place: Place | null): HTMLElement {
  if (place === null) return box("h-dvh bg-black", box(`${PICTURE} ${EMBED_PICTURE}`, video));
  const picture = box(place.frame, box(`${PICTURE} ${place.picture}`, video));
  return box("pt-14", box(place.columns, box(place.column, picture)));
}

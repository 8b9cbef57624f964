import type { components } from "./schema";

type Schemas = components["schemas"];

export type Account = Schemas["Account"];
export type AccountSummary = Schemas["AccountSummary"];
export type Broadcast = Schemas["Broadcast"];
export type Channel = Schemas["Channel"];
export type ChannelChange = Schemas["ChannelChange"];
export type ChannelCreate = Schemas["ChannelCreate"];
export type ChannelRole = Schemas["ChannelRole"];
export type ChannelState = Schemas["Live"]["state"];
export type FeedEvent = Schemas["Event"];
export type Finding = Schemas["Finding"];
export type Invitation = Schemas["Invitation"];
export type InvitationCreate = Schemas["InvitationCreate"];
export type Link = Schemas["Link"];
export type LinkUse = Schemas["LinkUse"];
export type Live = Schemas["Live"];
export type LiveStream = Schemas["LiveStream"];
export type Me = Schemas["Me"];
export type Member = Schemas["Member"];
export type OneTimeLink = Schemas["OneTimeLink"];
export type OwnChannel = Schemas["OwnChannel"];
export type Problem = Schemas["Problem"];
export type Sample = Schemas["Sample"];
export type ScopeInfo = Schemas["ScopeInfo"];
export type ServerHealth = Schemas["ServerHealth"];
export type Session = Schemas["Session"];
export type Site = Schemas["Site"];
export type SiteRole = Schemas["SiteRole"];
export type StreamKey = Schemas["StreamKey"];
export type StreamKeyValue = Schemas["StreamKeyValue"];
export type Token = Schemas["Token"];
export type TokenCreate = Schemas["TokenCreate"];
export type TokenValue = Schemas["TokenValue"];
export type TrackInfo = Schemas["TrackInfo"];
export type Visibility = Schemas["Visibility"];

/** One page of a list; `next` is the cursor of the following one. */
export type Page<Item> = { items: Item[]; next: string | null };

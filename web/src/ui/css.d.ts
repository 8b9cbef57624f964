import "react";

declare module "react" {
  interface CSSProperties {
    /** How much of a slider is filled. */
    "--fill"?: string;
  }
}

/** A script without exports; the tests run it. */
export {};

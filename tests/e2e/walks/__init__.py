"""Who walks over the pages: by thumb a guest, a viewer, the host and the administrator, one module each; and,
through every page of one width in all themes and languages, `looks`."""

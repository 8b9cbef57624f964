"""Who walks over the pages by thumb, one module each: a guest, a viewer, the host, the administrator."""

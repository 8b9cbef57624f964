"""Configuration files of other servers, read as settings of ours."""

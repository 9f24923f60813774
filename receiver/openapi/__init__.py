"""OpenAPI: the description of every route, made of the schemas that read and render."""

"""The contract as machines and people read it: the OpenAPI document and its pages."""

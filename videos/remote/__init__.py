"""A worker on another machine: it takes films over the API, renders them with its own providers,
and reports. Knows no tables; what it must not forget is in a file of its own."""

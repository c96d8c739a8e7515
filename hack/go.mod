module podproof.dev/hack

go 1.26.0

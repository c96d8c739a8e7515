module podproof.dev/smoke

go 1.26.0

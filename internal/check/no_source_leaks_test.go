package check

import (
	"podproof.dev/podproof/internal/contract"
	"podproof.dev/podproof/internal/evidence"
)

// left is an image whose second layer has a leftover.
func left(kind, path string, change ...func(*evidence.Leftover)) evidence.Evidence {
	return fileImage(func(i *evidence.Image) {
		l := evidence.Leftover{Kind: kind, Path: path, Layer: 1, Reach: evidence.Reachable, Files: 12, Bytes: 4 << 20}
		for _, c := range change {
			c(&l)
		}
		i.Leftovers = []evidence.Leftover{l}
	})
}

func ownedBy(owner string) func(*evidence.Leftover) {
	return func(l *evidence.Leftover) { l.Owner = owner }
}

func files(f contract.Files) contract.Contract { return contract.Contract{Files: f} }

var sourceLeaksExamples = []example{
	{name: "none", c: goodContract(), e: goodEvidence(), want: Pass, says: []string{"No source leaks OK"}},
	{name: ".git", c: goodContract(), e: left("vcs", "/app/.git"), want: Fail,
		says: []string{"! /app/.git, layer 2 of 2 (COPY . .), reachable: version control data, 12 files with 4.0 MiB", "1 path that should not be there: /app/.git", "Add to .dockerignore: **/.git"}},
	{name: ".git of a clone", c: goodContract(), e: left("vcs", "/usr/local/lib/tool/.git"), want: Fail},
	{name: "deleted later", c: goodContract(), want: Fail, says: []string{"history only"}, e: left("vcs", "/app/.git", func(l *evidence.Leftover) { l.Reach = evidence.HistoryOnly })},
	{name: "tests", c: goodContract(), e: left("tests", "/usr/src/app/tests"), want: Fail},
	{name: "one file", c: goodContract(), want: Fail, says: []string{"tests, 812 bytes"}, e: left("tests", "/app/conftest.py", func(l *evidence.Leftover) { l.Files, l.Bytes = 1, 812 })},
	{name: "tests of Python's own", c: goodContract(), e: left("tests", "/usr/local/lib/python3.12/test"), want: Pass, says: []string{"where distributions and languages install"}},
	{name: "tests of a package", c: goodContract(), e: left("tests", "/app/.venv/lib/python3.12/site-packages/numpy/tests", ownedBy("python:numpy")), want: Pass, says: []string{"1 such path besides"}, hides: []string{"numpy"}},
	{name: "tests of a package without a record", c: goodContract(), e: left("tests", "/packages/site-packages/numpy/tests"), want: Pass, says: []string{"lies in a dependency"}},
	{name: "alembic", c: goodContract(), e: left("migrations", "/app/alembic"), want: Fail, says: []string{"migrations of the database"}},
	{name: "alembic that the image can run", c: goodContract(), want: Pass, says: []string{"alembic is installed"}, e: func() evidence.Evidence {
		e := left("migrations", "/app/alembic")
		e.Image.Packages = append(e.Image.Packages, python("alembic"))
		return e
	}()},
	{name: "Django's migrations", c: goodContract(), e: left("migrations", "/app/shop/migrations"), want: Pass, says: []string{"may need them"}},
	{name: "environment of a laptop", c: goodContract(), e: left("host-venv", "/app/.venv"), want: Fail, says: []string{"whose Python is not here"}},
	{name: "bytecode of another Python", c: goodContract(), e: left("bytecode", "/app/__pycache__"), want: Fail},
	{name: "cache in node_modules", c: goodContract(), e: left("cache", "/app/node_modules/.cache"), want: Fail},
	{name: "cache of pytest", c: goodContract(), e: left("cache", "/app/.pytest_cache"), want: Fail},
	{name: "editor", c: goodContract(), e: left("editor", "/app/.idea"), want: Fail},
	{name: "CI", c: goodContract(), e: left("ci", "/app/.github"), want: Fail},
	{name: "CI of a dependency", c: goodContract(), e: left("ci", "/app/node_modules/qs/.github"), want: Pass},
	{name: "Dockerfile", c: goodContract(), e: left("dockerfile", "/app/Dockerfile.prod"), want: Fail},
	{name: ".env", c: goodContract(), e: left("env-file", "/app/.env"), want: Fail},
	{name: ".env.local", c: goodContract(), e: left("env-file", "/app/.env.local"), want: Fail},
	{name: ".env.example", c: goodContract(), e: left("env-file", "/app/.env.example"), want: Pass},
	{name: ".env.production", c: goodContract(), e: left("env-file", "/app/.env.production"), want: Pass},
	{name: "forbidden", c: files(contract.Files{Forbid: []string{"*.sql"}}), want: Fail, says: []string{"forbidden by the contract's files.forbid: *.sql", "nothing that is called *.sql"},
		e: left("forbidden", "/usr/share/x.sql", ownedBy("debian:x"), func(l *evidence.Leftover) { l.Glob = "*.sql" })},
	{name: "allowed", c: files(contract.Files{Allow: []string{"/app/tests"}}), e: left("tests", "/app/tests"), want: Pass},
	{name: "allowed above", c: files(contract.Files{Allow: []string{"/app/fixtures"}}), e: left("tests", "/app/fixtures/tests"), want: Pass},
	{name: "another is allowed", c: files(contract.Files{Allow: []string{"/app/test"}}), e: left("tests", "/app/tests"), want: Fail},
	{name: "a kind that this podproof does not know", c: goodContract(), e: left("notes", "/app/notes"), want: Fail, says: []string{"notes, 12 files"}},
	{name: "only the configuration was read", c: goodContract(), e: unread(), want: Inconclusive},
	{name: "kept by an earlier podproof", c: goodContract(), e: oldRead(), want: Inconclusive},
	{name: "not observed", c: goodContract(), e: noImage(), want: Inconclusive},
}
